//! Keys of accounts.

use super::closing::refuse_closed;
use super::dialect::{self, Books, Connection, Row};
use super::read::{
    account, account_in, credits_or_none, hash, person_in, person_or_none, role, time_or_none,
};
use super::values::unreadable;
use crate::clock::Timestamp;
use crate::people::Rights;
use crate::store::{FoundKey, KeyRow, StoreError};
use sqlx::Row as _;
use tributary_protocol::vocab::AccountId;

pub(super) async fn add(
    store: &Books,
    account: AccountId,
    key: &KeyRow,
    now: Timestamp,
) -> Result<(), StoreError> {
    let mut tx = dialect::own(store, account).await?;
    let known = sqlx::query("SELECT id FROM account WHERE id = $1")
        .bind(account_in(account))
        .fetch_optional(&mut *tx)
        .await?;
    known.ok_or(StoreError::NoAccount)?;
    refuse_closed(&mut tx, account).await?;
    insert_key(&mut tx, &KeyRow { account, ..key.clone() }, now).await?;
    tx.commit().await?;
    Ok(())
}

pub(super) async fn insert_key(
    connection: &mut Connection,
    key: &KeyRow,
    now: Timestamp,
) -> Result<(), StoreError> {
    let added = sqlx::query(
        "INSERT INTO api_key
         (prefix, account_id, secret_sha256, label, created_at, revoked_at, person_id, scopes, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (prefix) DO NOTHING",
    )
    .bind(&key.prefix)
    .bind(account_in(key.account))
    .bind(&key.secret_sha256.0[..])
    .bind(&key.label)
    .bind(now.0)
    .bind(key.revoked_at.map(|at| at.0))
    .bind(key.person.map(person_in))
    .bind(key.rights.to_string())
    .bind(key.expires_at.map(|at| at.0))
    .execute(connection)
    .await?;
    if added.rows_affected() == 0 {
        return Err(StoreError::Exists(key.prefix.clone()));
    }
    Ok(())
}

pub(super) async fn revoke(
    store: &Books,
    account: AccountId,
    prefix: &str,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let mut tx = dialect::own(store, account).await?;
    let revoked = sqlx::query(
        "UPDATE api_key SET revoked_at = $1 WHERE account_id = $2 AND prefix = $3 AND revoked_at IS NULL",
    )
    .bind(now.0)
    .bind(account_in(account))
    .bind(prefix)
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(revoked.rows_affected() == 1)
}

pub(super) async fn all(store: &Books, account: AccountId) -> Result<Vec<KeyRow>, StoreError> {
    sqlx::query(
        "SELECT account_id, prefix, secret_sha256, label, revoked_at, person_id, scopes, expires_at, used_at
         FROM api_key WHERE account_id = $1 ORDER BY created_at, prefix",
    )
    .bind(account_in(account))
    .fetch_all(&mut *dialect::look_own(store, account).await?)
    .await?
    .iter()
    .map(read_key)
    .collect()
}

/// Before it is known whose key it is, so across accounts. With what its person is in the account now.
pub(super) async fn find(store: &Books, prefix: &str) -> Result<Option<FoundKey>, StoreError> {
    let row = sqlx::query(
        "SELECT api_key.account_id, prefix, secret_sha256, label, revoked_at, api_key.person_id, scopes, expires_at,
         used_at, member.role, member.month_limit
         FROM api_key LEFT JOIN member ON member.account_id = api_key.account_id
         AND member.person_id = api_key.person_id AND member.left_at IS NULL
         WHERE prefix = $1",
    )
    .bind(prefix)
    .fetch_optional(&mut *dialect::look(store).await?)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let is_member = row.try_get::<Option<String>, _>("role")?.is_some();
    Ok(Some(FoundKey {
        key: read_key(&row)?,
        role: is_member.then(|| role(&row)).transpose()?,
        month_limit: credits_or_none(&row, "month_limit")?,
    }))
}

pub(super) async fn used(store: &Books, prefix: &str, now: Timestamp) -> Result<(), StoreError> {
    let mut tx = dialect::every(store).await?;
    sqlx::query("UPDATE api_key SET used_at = $1 WHERE prefix = $2")
        .bind(now.0)
        .bind(prefix)
        .execute(&mut *tx)
        .await?;
    tx.commit().await?;
    Ok(())
}

fn read_key(row: &Row) -> Result<KeyRow, StoreError> {
    Ok(KeyRow {
        account: account(row, "account_id")?,
        prefix: row.try_get("prefix")?,
        secret_sha256: hash(row, "secret_sha256")?,
        label: row.try_get("label")?,
        revoked_at: time_or_none(row, "revoked_at")?,
        person: person_or_none(row)?,
        rights: Rights::parse(row.try_get("scopes")?).ok_or_else(|| unreadable("scopes"))?,
        expires_at: time_or_none(row, "expires_at")?,
        used_at: time_or_none(row, "used_at")?,
    })
}
