//! What the shared statements need to know of SQLite.

use super::rows::credits;
use super::{SqliteStore, StoreError, Write};
use crate::ledger::Balance;
use sqlx::Sqlite;
pub(super) use sqlx::SqliteConnection as Connection;
use sqlx::pool::PoolConnection;
pub(super) use sqlx::sqlite::SqliteRow as Row;
use tributary_protocol::vocab::AccountId;

pub(super) use super::SqliteStore as Books;

/// How many stems a row of `job` asks for.
macro_rules! stem_count {
    () => {
        "json_array_length(stems)"
    };
}
pub(super) use stem_count;

/// A transaction across accounts.
pub(super) async fn every(store: &SqliteStore) -> Result<Write<'_>, StoreError> {
    store.write().await
}

/// A transaction for one account; that it touches no other is the statements' matter.
pub(super) async fn own(store: &SqliteStore, _account: AccountId) -> Result<Write<'_>, StoreError> {
    store.write().await
}

/// A look across accounts.
pub(super) async fn look(store: &SqliteStore) -> Result<PoolConnection<Sqlite>, StoreError> {
    store.read().await
}

/// A look at one account.
pub(super) async fn look_own(
    store: &SqliteStore,
    _account: AccountId,
) -> Result<PoolConnection<Sqlite>, StoreError> {
    store.read().await
}

/// The account's credits, which nobody else changes until this transaction ends: there is one writer.
pub(super) async fn turn(
    connection: &mut Connection,
    account: AccountId,
) -> Result<Option<Balance>, StoreError> {
    sqlx::query("SELECT posted, held FROM wallet WHERE account_id = ?")
        .bind(&account.as_bytes()[..])
        .fetch_optional(connection)
        .await?
        .map(|row| Ok(Balance { posted: credits(&row, "posted")?, held: credits(&row, "held")? }))
        .transpose()
}
