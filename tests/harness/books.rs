//! The books of a data folder, opened beside the server or after its death, as the operator's commands do.

use crate::database;
use anyhow::Context;
use std::path::Path;
use std::sync::Arc;
use tributary_protocol::vocab::JobId;
use tributary_server::data::LOCAL_ACCOUNT;
use tributary_server::job::Job;
use tributary_server::ledger::{Balance, Line};
use tributary_server::store::Store;
use tributary_server::tenant::Tenant;

/// The database of one data folder, and its local account.
pub struct Books {
    /// The database.
    pub store: Arc<dyn Store>,
    /// The local account.
    pub local: Tenant,
}

impl Books {
    /// Opens the books of the data folder `data`.
    ///
    /// # Errors
    /// Where there are none.
    pub async fn open(data: &Path) -> anyhow::Result<Self> {
        Self::of(database::open(data).await?).await
    }

    /// The books of an open database.
    ///
    /// # Errors
    /// Where it has no local account.
    pub async fn of(store: Arc<dyn Store>) -> anyhow::Result<Self> {
        let accounts = store.accounts().await?;
        let local =
            accounts.iter().find(|account| account.name == LOCAL_ACCOUNT).context("the local account")?;
        let local = Tenant::acting_for(local.id);
        Ok(Self { store, local })
    }

    /// A job of the local account.
    ///
    /// # Errors
    /// Where there is none.
    pub async fn job(&self, id: JobId) -> anyhow::Result<Job> {
        self.store.job(&self.local, id).await?.context("the job is on record")
    }

    /// The local account's credits.
    ///
    /// # Errors
    /// Where the store does not answer.
    pub async fn balance(&self) -> anyhow::Result<Balance> {
        Ok(self.store.account(&self.local).await?.balance)
    }

    /// The lines of the local account that were taken for `job`.
    ///
    /// # Errors
    /// Where the store does not answer.
    pub async fn captures(&self, job: JobId) -> anyhow::Result<Vec<Line>> {
        let lines = self.store.history(&self.local, None, 500).await?;
        Ok(lines.into_iter().filter(|line| line.job == Some(job)).collect())
    }

    /// The books, recomputed.
    ///
    /// # Errors
    /// Where the store does not answer.
    ///
    /// # Panics
    /// When the books are wrong.
    pub async fn audit(&self) -> anyhow::Result<()> {
        let audit = self.store.audit().await?;
        assert!(audit.is_clean(), "{audit:?}");
        Ok(())
    }
}
