//! Asks the auditor's questions; reads only.

use super::rows::number;
use super::{Counts, PgConnection, PostgresStore, StoreError};
use crate::ledger::Audit;
use crate::store::questions::{AUDIT, COUNTS};

pub(super) async fn counts(store: &PostgresStore) -> Result<Counts, StoreError> {
    let row = sqlx::query(COUNTS).fetch_one(&mut *store.every_account().await?).await?;
    Ok(Counts {
        uploading: number(&row, "uploading")?,
        queued: number(&row, "queued")?,
        running: number(&row, "running")?,
        holds_open: number(&row, "holds_open")?,
    })
}

pub(super) async fn audit(store: &PostgresStore) -> Result<Audit, StoreError> {
    let mut tx = store.every_account().await?;
    audit_in(&mut tx).await
}

/// The same on a connection that sees every account.
pub(in crate::store) async fn audit_in(tx: &mut PgConnection) -> Result<Audit, StoreError> {
    let row = sqlx::query(AUDIT).fetch_one(tx).await?;
    Ok(Audit {
        accounts_off_ledger: number(&row, "accounts_off_ledger")?,
        accounts_off_holds: number(&row, "accounts_off_holds")?,
        holds_off_jobs: number(&row, "holds_off_jobs")?,
        settlements_off: number(&row, "settlements_off")?,
        transfers_off: number(&row, "transfers_off")?,
        lots_off: number(&row, "lots_off")?,
    })
}
