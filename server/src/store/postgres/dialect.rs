//! What the shared statements need to know of PostgreSQL.

use super::rows::{account_in, balance};
use super::{PostgresStore, StoreError, Tx};
use crate::ledger::Balance;
pub(super) use sqlx::PgConnection as Connection;
pub(super) use sqlx::postgres::PgRow as Row;
use tributary_protocol::vocab::AccountId;

pub(super) use super::PostgresStore as Books;

/// How many stems a row of `job` asks for.
macro_rules! stem_count {
    () => {
        "jsonb_array_length(stems)"
    };
}
pub(super) use stem_count;

/// A transaction across accounts.
pub(super) async fn every(store: &PostgresStore) -> Result<Tx, StoreError> {
    store.every_account().await
}

/// A transaction for one account; the database hides all others.
pub(super) async fn own(store: &PostgresStore, account: AccountId) -> Result<Tx, StoreError> {
    store.account(account).await
}

/// A look across accounts.
pub(super) async fn look(store: &PostgresStore) -> Result<Tx, StoreError> {
    store.every_account().await
}

/// A look at one account; the database hides all others.
pub(super) async fn look_own(store: &PostgresStore, account: AccountId) -> Result<Tx, StoreError> {
    store.account(account).await
}

/// The account's turn, and its credits: until this transaction ends no other changes its wallet, admits, queues or ends its
/// jobs. Whoever also locks a job does it after this, so that no two wait for each other. None where there is no such account.
pub(super) async fn turn(
    connection: &mut Connection,
    account: AccountId,
) -> Result<Option<Balance>, StoreError> {
    sqlx::query("SELECT posted, held FROM wallet WHERE account_id = $1 FOR NO KEY UPDATE")
        .bind(account_in(account))
        .fetch_optional(connection)
        .await?
        .as_ref()
        .map(balance)
        .transpose()
}
