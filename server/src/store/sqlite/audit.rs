//! Asks the auditor's questions; reads only.

use super::rows::count;
use super::{Counts, SqliteStore, StoreError};
use crate::ledger::Audit;
use crate::store::questions::{AUDIT, COUNTS};

pub(super) async fn counts(store: &SqliteStore) -> Result<Counts, StoreError> {
    let row = sqlx::query(COUNTS).fetch_one(&mut *store.read().await?).await?;
    Ok(Counts {
        uploading: count(&row, "uploading")?,
        queued: count(&row, "queued")?,
        running: count(&row, "running")?,
        holds_open: count(&row, "holds_open")?,
    })
}

pub(super) async fn audit(store: &SqliteStore) -> Result<Audit, StoreError> {
    let row = sqlx::query(AUDIT).fetch_one(&mut *store.read().await?).await?;
    Ok(Audit {
        accounts_off_ledger: count(&row, "accounts_off_ledger")?,
        accounts_off_holds: count(&row, "accounts_off_holds")?,
        holds_off_jobs: count(&row, "holds_off_jobs")?,
        settlements_off: count(&row, "settlements_off")?,
        transfers_off: count(&row, "transfers_off")?,
        lots_off: count(&row, "lots_off")?,
    })
}
