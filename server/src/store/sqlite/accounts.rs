//! Accounts, keys, grants and the lines of an account.

use super::rows::{account_id, count, credits, job_id, sha256};
use super::values::{credits_in, unreadable};
use super::{AccountRow, KeyRow, SqliteStore, StoreError};
use crate::clock::Timestamp;
use crate::ledger::{Balance, Grant, Line, LineKind};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;
use tributary_protocol::vocab::AccountId;

pub(super) async fn create(
    store: &SqliteStore,
    id: AccountId,
    name: &str,
    weight: u32,
    now: Timestamp,
) -> Result<(), StoreError> {
    let id_bytes = &id.as_bytes()[..];
    let mut tx = store.write().await?;
    let taken: Option<String> = sqlx::query_scalar("SELECT name FROM account WHERE name = ? OR id = ?")
        .bind(name)
        .bind(id_bytes)
        .fetch_optional(&mut *tx)
        .await?;
    if let Some(taken) = taken {
        return Err(StoreError::Exists(if taken == name { taken } else { id.to_string() }));
    }
    sqlx::query("INSERT INTO account (id, name, weight, created_at) VALUES (?, ?, ?, ?)")
        .bind(id_bytes)
        .bind(name)
        .bind(weight)
        .bind(now.0)
        .execute(&mut *tx)
        .await?;
    sqlx::query("INSERT INTO wallet (account_id) VALUES (?)").bind(id_bytes).execute(&mut *tx).await?;
    sqlx::query("INSERT INTO book (account_id, kind) VALUES (?, 'wallet')")
        .bind(id_bytes)
        .execute(&mut *tx)
        .await?;
    tx.commit().await
}

pub(super) async fn all(store: &SqliteStore) -> Result<Vec<AccountRow>, StoreError> {
    sqlx::query(
        "SELECT id, name, weight, posted, held FROM account JOIN wallet ON wallet.account_id = account.id
         ORDER BY name",
    )
    .fetch_all(&mut *store.read().await?)
    .await?
    .iter()
    .map(read_account)
    .collect()
}

pub(super) async fn one(store: &SqliteStore, account: AccountId) -> Result<AccountRow, StoreError> {
    let row = sqlx::query(
        "SELECT id, name, weight, posted, held FROM account JOIN wallet ON wallet.account_id = account.id
         WHERE account.id = ?",
    )
    .bind(&account.as_bytes()[..])
    .fetch_optional(&mut *store.read().await?)
    .await?;
    read_account(&row.ok_or(StoreError::NoAccount)?)
}

fn read_account(row: &SqliteRow) -> Result<AccountRow, StoreError> {
    Ok(AccountRow {
        id: account_id(row, "id")?,
        name: row.try_get("name")?,
        weight: row.try_get("weight")?,
        balance: read_balance(row)?,
    })
}

fn read_balance(row: &SqliteRow) -> Result<Balance, StoreError> {
    Ok(Balance { posted: credits(row, "posted")?, held: credits(row, "held")? })
}

pub(super) async fn add_key(
    store: &SqliteStore,
    account: AccountId,
    key: &KeyRow,
    now: Timestamp,
) -> Result<(), StoreError> {
    let mut tx = store.write().await?;
    let known: Option<i64> = sqlx::query_scalar("SELECT 1 FROM account WHERE id = ?")
        .bind(&account.as_bytes()[..])
        .fetch_optional(&mut *tx)
        .await?;
    known.ok_or(StoreError::NoAccount)?;
    let added = sqlx::query(
        "INSERT INTO api_key (prefix, account_id, secret_sha256, label, created_at, revoked_at)
         VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (prefix) DO NOTHING",
    )
    .bind(&key.prefix)
    .bind(&account.as_bytes()[..])
    .bind(&key.secret_sha256.0[..])
    .bind(&key.label)
    .bind(now.0)
    .bind(key.revoked_at.map(|at| at.0))
    .execute(&mut *tx)
    .await?;
    if added.rows_affected() == 0 {
        return Err(StoreError::Exists(key.prefix.clone()));
    }
    tx.commit().await
}

pub(super) async fn revoke_key(
    store: &SqliteStore,
    account: AccountId,
    prefix: &str,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let mut tx = store.write().await?;
    let revoked = sqlx::query(
        "UPDATE api_key SET revoked_at = ? WHERE account_id = ? AND prefix = ? AND revoked_at IS NULL",
    )
    .bind(now.0)
    .bind(&account.as_bytes()[..])
    .bind(prefix)
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(revoked.rows_affected() == 1)
}

pub(super) async fn keys(store: &SqliteStore, account: AccountId) -> Result<Vec<KeyRow>, StoreError> {
    sqlx::query(
        "SELECT account_id, prefix, secret_sha256, label, revoked_at FROM api_key
         WHERE account_id = ? ORDER BY created_at, rowid",
    )
    .bind(&account.as_bytes()[..])
    .fetch_all(&mut *store.read().await?)
    .await?
    .iter()
    .map(read_key)
    .collect()
}

pub(super) async fn find_key(store: &SqliteStore, prefix: &str) -> Result<Option<KeyRow>, StoreError> {
    sqlx::query("SELECT account_id, prefix, secret_sha256, label, revoked_at FROM api_key WHERE prefix = ?")
        .bind(prefix)
        .fetch_optional(&mut *store.read().await?)
        .await?
        .as_ref()
        .map(read_key)
        .transpose()
}

fn read_key(row: &SqliteRow) -> Result<KeyRow, StoreError> {
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
    store: &SqliteStore,
    account: AccountId,
    grant: &Grant,
    now: Timestamp,
) -> Result<Balance, StoreError> {
    let account = &account.as_bytes()[..];
    let mut tx = store.write().await?;
    let before = sqlx::query("SELECT posted, held FROM wallet WHERE account_id = ?")
        .bind(account)
        .fetch_optional(&mut *tx)
        .await?;
    let before = read_balance(&before.ok_or(StoreError::NoAccount)?)?;
    let granted_to: Option<Vec<u8>> =
        sqlx::query_scalar("SELECT account_id FROM transfer WHERE payment_id = ?")
            .bind(&grant.payment_id)
            .fetch_optional(&mut *tx)
            .await?;
    match granted_to {
        Some(same) if same == account => return Ok(before),
        Some(_) => return Err(StoreError::Exists(grant.payment_id.clone())),
        None => {}
    }
    let amount = credits_in(grant.amount)?;
    let posted = before.posted.checked_add(grant.amount).ok_or(StoreError::TooLarge(grant.amount))?;
    let posted_after = credits_in(posted).map_err(|_| StoreError::TooLarge(grant.amount))?;
    sqlx::query("UPDATE wallet SET posted = posted + ? WHERE account_id = ?")
        .bind(amount)
        .bind(account)
        .execute(&mut *tx)
        .await?;
    sqlx::query(
        "INSERT INTO transfer (account_id, debit, credit, amount, kind, payment_id, posted_after, note, created_at)
         SELECT ?1, issued.id, own.id, ?2, 'grant', ?3, ?4, ?5, ?6
         FROM book AS issued JOIN book AS own ON own.account_id = ?1 WHERE issued.kind = 'issued'",
    )
    .bind(account)
    .bind(amount)
    .bind(&grant.payment_id)
    .bind(posted_after)
    .bind(&grant.note)
    .bind(now.0)
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(Balance { posted, held: before.held })
}

pub(super) async fn history(
    store: &SqliteStore,
    account: AccountId,
    before_line: Option<u64>,
    limit: u32,
) -> Result<Vec<Line>, StoreError> {
    let before = before_line.and_then(|line| i64::try_from(line).ok()).unwrap_or(i64::MAX);
    sqlx::query(
        "SELECT line, created_at, kind, amount, posted_after, job_id, note FROM transfer
         WHERE account_id = ? AND line < ? ORDER BY line DESC LIMIT ?",
    )
    .bind(&account.as_bytes()[..])
    .bind(before)
    .bind(limit)
    .fetch_all(&mut *store.read().await?)
    .await?
    .iter()
    .map(read_line)
    .collect()
}

fn read_line(row: &SqliteRow) -> Result<Line, StoreError> {
    let kind = match row.try_get("kind")? {
        "grant" => LineKind::Grant,
        "capture" => LineKind::Capture,
        _ => return Err(unreadable("kind")),
    };
    Ok(Line {
        line: count(row, "line")?,
        at: Timestamp(row.try_get("created_at")?),
        kind,
        amount: credits(row, "amount")?,
        posted_after: credits(row, "posted_after")?,
        job: if kind == LineKind::Capture { Some(job_id(row, "job_id")?) } else { None },
        note: row.try_get("note")?,
    })
}
