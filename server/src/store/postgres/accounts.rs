//! Accounts, keys, grants and the lines of an account.

use super::rows::{account_id, account_in, balance, credits, job_id, number, sha256, turn};
use super::values::{credits_in, unreadable};
use super::{AccountRow, KeyRow, PostgresStore, StoreError};
use crate::clock::Timestamp;
use crate::ledger::{Balance, Grant, Line, LineKind};
use sqlx::Row;
use sqlx::postgres::PgRow;
use tributary_protocol::vocab::AccountId;

/// Names and ids are taken by their unique keys, so that of two servers that add one at once the other is told.
pub(super) async fn create(
    store: &PostgresStore,
    id: AccountId,
    name: &str,
    weight: u32,
    now: Timestamp,
) -> Result<(), StoreError> {
    let mut tx = store.every_account().await?;
    let added = sqlx::query(
        "INSERT INTO account (id, name, weight, created_at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
    )
    .bind(account_in(id))
    .bind(name)
    .bind(i64::from(weight))
    .bind(now.0)
    .execute(&mut *tx)
    .await?;
    if added.rows_affected() == 0 {
        let same_name: bool = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM account WHERE name = $1)")
            .bind(name)
            .fetch_one(&mut *tx)
            .await?;
        return Err(StoreError::Exists(if same_name { name.to_owned() } else { id.to_string() }));
    }
    sqlx::query("INSERT INTO wallet (account_id) VALUES ($1)").bind(account_in(id)).execute(&mut *tx).await?;
    sqlx::query("INSERT INTO book (account_id, kind) VALUES ($1, 'wallet')")
        .bind(account_in(id))
        .execute(&mut *tx)
        .await?;
    Ok(tx.commit().await?)
}

pub(super) async fn all(store: &PostgresStore) -> Result<Vec<AccountRow>, StoreError> {
    sqlx::query(
        "SELECT id, name, weight, posted, held FROM account JOIN wallet ON wallet.account_id = account.id
         ORDER BY name COLLATE \"C\"",
    )
    .fetch_all(&mut *store.every_account().await?)
    .await?
    .iter()
    .map(read_account)
    .collect()
}

pub(super) async fn one(store: &PostgresStore, account: AccountId) -> Result<AccountRow, StoreError> {
    let row = sqlx::query(
        "SELECT id, name, weight, posted, held FROM account JOIN wallet ON wallet.account_id = account.id
         WHERE account.id = $1",
    )
    .bind(account_in(account))
    .fetch_optional(&mut *store.account(account).await?)
    .await?;
    read_account(&row.ok_or(StoreError::NoAccount)?)
}

fn read_account(row: &PgRow) -> Result<AccountRow, StoreError> {
    Ok(AccountRow {
        id: account_id(row, "id")?,
        name: row.try_get("name")?,
        weight: number(row, "weight")?,
        balance: balance(row)?,
    })
}

pub(super) async fn add_key(
    store: &PostgresStore,
    account: AccountId,
    key: &KeyRow,
    now: Timestamp,
) -> Result<(), StoreError> {
    let mut tx = store.account(account).await?;
    let known: Option<i32> = sqlx::query_scalar("SELECT 1 FROM account WHERE id = $1")
        .bind(account_in(account))
        .fetch_optional(&mut *tx)
        .await?;
    known.ok_or(StoreError::NoAccount)?;
    let added = sqlx::query(
        "INSERT INTO api_key (prefix, account_id, secret_sha256, label, created_at, revoked_at)
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (prefix) DO NOTHING",
    )
    .bind(&key.prefix)
    .bind(account_in(account))
    .bind(&key.secret_sha256.0[..])
    .bind(&key.label)
    .bind(now.0)
    .bind(key.revoked_at.map(|at| at.0))
    .execute(&mut *tx)
    .await?;
    if added.rows_affected() == 0 {
        return Err(StoreError::Exists(key.prefix.clone()));
    }
    Ok(tx.commit().await?)
}

pub(super) async fn revoke_key(
    store: &PostgresStore,
    account: AccountId,
    prefix: &str,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let mut tx = store.account(account).await?;
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

pub(super) async fn keys(store: &PostgresStore, account: AccountId) -> Result<Vec<KeyRow>, StoreError> {
    sqlx::query(
        "SELECT account_id, prefix, secret_sha256, label, revoked_at FROM api_key
         WHERE account_id = $1 ORDER BY created_at, prefix",
    )
    .bind(account_in(account))
    .fetch_all(&mut *store.account(account).await?)
    .await?
    .iter()
    .map(read_key)
    .collect()
}

/// Before it is known whose key it is, so across accounts.
pub(super) async fn find_key(store: &PostgresStore, prefix: &str) -> Result<Option<KeyRow>, StoreError> {
    sqlx::query("SELECT account_id, prefix, secret_sha256, label, revoked_at FROM api_key WHERE prefix = $1")
        .bind(prefix)
        .fetch_optional(&mut *store.every_account().await?)
        .await?
        .as_ref()
        .map(read_key)
        .transpose()
}

fn read_key(row: &PgRow) -> Result<KeyRow, StoreError> {
    Ok(KeyRow {
        account: account_id(row, "account_id")?,
        prefix: row.try_get("prefix")?,
        secret_sha256: sha256(row, "secret_sha256")?,
        label: row.try_get("label")?,
        revoked_at: row.try_get::<Option<i64>, _>("revoked_at")?.map(Timestamp),
    })
}

/// A payment that another account was granted is refused as `Exists`: silence would lose the credits.
pub(super) async fn grant(
    store: &PostgresStore,
    account: AccountId,
    grant: &Grant,
    now: Timestamp,
) -> Result<Balance, StoreError> {
    let mut tx = store.every_account().await?;
    let before = turn(&mut tx, account).await?.ok_or(StoreError::NoAccount)?;
    let granted_to = sqlx::query("SELECT account_id FROM transfer WHERE payment_id = $1")
        .bind(&grant.payment_id)
        .fetch_optional(&mut *tx)
        .await?;
    if let Some(row) = granted_to {
        let same = account_id(&row, "account_id")? == account;
        return if same { Ok(before) } else { Err(StoreError::Exists(grant.payment_id.clone())) };
    }
    let amount = credits_in(grant.amount)?;
    let posted = before.posted.checked_add(grant.amount).ok_or(StoreError::TooLarge(grant.amount))?;
    let posted_after = credits_in(posted).map_err(|_| StoreError::TooLarge(grant.amount))?;
    sqlx::query("UPDATE wallet SET posted = posted + $1 WHERE account_id = $2")
        .bind(amount)
        .bind(account_in(account))
        .execute(&mut *tx)
        .await?;
    let added = sqlx::query(
        "INSERT INTO transfer (account_id, debit, credit, amount, kind, payment_id, posted_after, note, created_at)
         SELECT $1, issued.id, own.id, $2, 'grant', $3, $4, $5, $6
         FROM book AS issued JOIN book AS own ON own.account_id = $1 WHERE issued.kind = 'issued'
         ON CONFLICT (payment_id) DO NOTHING",
    )
    .bind(account_in(account))
    .bind(amount)
    .bind(&grant.payment_id)
    .bind(posted_after)
    .bind(&grant.note)
    .bind(now.0)
    .execute(&mut *tx)
    .await?;
    if added.rows_affected() == 0 {
        // Another account took the payment since it was looked up; it cannot have been this one, whose turn it is.
        return Err(StoreError::Exists(grant.payment_id.clone()));
    }
    tx.commit().await?;
    Ok(Balance { posted, held: before.held })
}

pub(super) async fn history(
    store: &PostgresStore,
    account: AccountId,
    before_line: Option<u64>,
    limit: u32,
) -> Result<Vec<Line>, StoreError> {
    let before = before_line.and_then(|line| i64::try_from(line).ok()).unwrap_or(i64::MAX);
    sqlx::query(
        "SELECT line, created_at, kind, amount, posted_after, job_id, note FROM transfer
         WHERE account_id = $1 AND line < $2 ORDER BY line DESC LIMIT $3",
    )
    .bind(account_in(account))
    .bind(before)
    .bind(i64::from(limit))
    .fetch_all(&mut *store.account(account).await?)
    .await?
    .iter()
    .map(read_line)
    .collect()
}

fn read_line(row: &PgRow) -> Result<Line, StoreError> {
    let kind = match row.try_get("kind")? {
        "grant" => LineKind::Grant,
        "capture" => LineKind::Capture,
        _ => return Err(unreadable("kind")),
    };
    Ok(Line {
        line: number(row, "line")?,
        at: Timestamp(row.try_get("created_at")?),
        kind,
        amount: credits(row, "amount")?,
        posted_after: credits(row, "posted_after")?,
        job: if kind == LineKind::Capture { Some(job_id(row, "job_id")?) } else { None },
        note: row.try_get("note")?,
    })
}
