//! The store of one machine: a SQLite file. Any number of readers, one writer at a time, every commit on the disk
//! before it is answered. A second process may use the same file.
//!
//! Every writing method is one `BEGIN IMMEDIATE` transaction: a plain `BEGIN` that reads first fails with "locked"
//! as soon as two of them meet. Writers of this process queue for their turn here, so nobody starves; only writers of
//! other processes meet at the file's lock. Every statement names the account whose rows it touches.

mod audit;
mod dialect;
mod jobs;
mod reap;
mod rows;
mod settle;
mod work;

// The same text for both databases: what differs stands in `dialect`.
#[path = "shared/accounts.rs"]
mod accounts;
#[path = "shared/addresses.rs"]
mod addresses;
#[path = "shared/closing.rs"]
mod closing;
#[path = "shared/credits.rs"]
mod credits;
#[path = "shared/devices.rs"]
mod devices;
#[path = "shared/keeping.rs"]
mod keeping;
#[path = "shared/keys.rs"]
mod keys;
#[path = "shared/lots.rs"]
mod lots;
#[path = "shared/people.rs"]
mod people;
#[path = "shared/purchases.rs"]
mod purchases;
#[path = "shared/read.rs"]
mod read;
#[path = "shared/teams.rs"]
mod teams;
#[path = "shared/terms.rs"]
mod terms;
#[path = "shared/webhooks.rs"]
mod webhooks;
#[path = "shared/widgets.rs"]
mod widgets;

use super::ending::Outcome;
use super::{
    AccountRow, Admission, Cancelled, Change, Claim, ClaimLimits, Counts, FoundKey, KeyRow, Lease, NewJob,
    Reaped, Settled, Store, StoreError, ending, values,
};
use crate::clock::Timestamp;
use crate::job::{Job, StemArtifact};
use crate::ledger::{Audit, Balance, Grant, Line};
use crate::tenant::Tenant;
use async_trait::async_trait;
use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};
use sqlx::pool::PoolConnection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, SqlSafeStr, Sqlite, SqliteConnection, SqlitePool, Transaction};
use std::borrow::Cow;
use std::ops::{Deref, DerefMut};
use std::path::Path;
use std::time::Duration;
use tokio::sync::mpsc::Receiver;
use tokio::sync::{Mutex, MutexGuard};
use tributary_protocol::vocab::{AccountId, ClipHeader, JobId, Sha256};

/// Connections at once: readers and the one writer. More do not help on one disk.
const CONNECTIONS_MAX: u32 = 8;
/// How long a writer waits for another process to finish its transaction.
const BUSY_WAIT: Duration = Duration::from_secs(10);
/// From one try to switch to a write-ahead log to the next.
const SWITCH_WAIT: Duration = Duration::from_millis(20);
/// SQLite's result code for "another has it".
const BUSY_CODE: &str = "5";
/// Number, name and text, in order; the same numbers and names as in every other database's folder.
const MIGRATIONS: [(i64, &str, &str); 14] = [
    (1, "accounts_and_ledger", include_str!("../../migrations/sqlite/0001_accounts_and_ledger.sql")),
    (2, "jobs", include_str!("../../migrations/sqlite/0002_jobs.sql")),
    (3, "settings_and_references", include_str!("../../migrations/sqlite/0003_settings_and_references.sql")),
    (4, "people", include_str!("../../migrations/sqlite/0004_people.sql")),
    (5, "terms_of_credits", include_str!("../../migrations/sqlite/0005_terms_of_credits.sql")),
    (6, "purchases", include_str!("../../migrations/sqlite/0006_purchases.sql")),
    (7, "webhooks", include_str!("../../migrations/sqlite/0007_webhooks.sql")),
    (8, "erasures", include_str!("../../migrations/sqlite/0008_erasures.sql")),
    (9, "widgets", include_str!("../../migrations/sqlite/0009_widgets.sql")),
    (10, "webhooks_that_fail", include_str!("../../migrations/sqlite/0010_webhooks_that_fail.sql")),
    (11, "closed_accounts", include_str!("../../migrations/sqlite/0011_closed_accounts.sql")),
    (12, "another_address", include_str!("../../migrations/sqlite/0012_another_address.sql")),
    (13, "settings_of_widgets", include_str!("../../migrations/sqlite/0013_settings_of_widgets.sql")),
    (14, "webhooks_that_change", include_str!("../../migrations/sqlite/0014_webhooks_that_change.sql")),
];

/// Accounts, jobs and credits in one file.
#[derive(Debug)]
pub struct SqliteStore {
    pool: SqlitePool,
    turn: Mutex<()>,
}

impl SqliteStore {
    /// Opens the file, or makes it, and brings its tables up to date.
    ///
    /// # Errors
    /// `DiskFull`, or `Database` where the file cannot be opened, is no database, or was written by a newer version.
    pub async fn open(path: &Path) -> Result<Self, StoreError> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full);
        Self::with(options, SqlitePoolOptions::new().max_connections(CONNECTIONS_MAX)).await
    }

    /// A store that lives as long as this value, in memory. For tests and trials.
    ///
    /// # Errors
    /// `Database` where SQLite fails.
    pub async fn open_in_memory() -> Result<Self, StoreError> {
        // One connection that is never closed: in memory, every connection is a database of its own.
        let pool = SqlitePoolOptions::new()
            .max_connections(1)
            .min_connections(1)
            .idle_timeout(None)
            .max_lifetime(None);
        Self::with(SqliteConnectOptions::new().in_memory(true), pool).await
    }

    async fn with(options: SqliteConnectOptions, pool: SqlitePoolOptions) -> Result<Self, StoreError> {
        let options = options
            .foreign_keys(true)
            .busy_timeout(BUSY_WAIT)
            // `INSERT OR REPLACE` deletes; without this it would do so behind the triggers that keep rows.
            .pragma("recursive_triggers", "ON")
            .disable_statement_logging();
        // When the disk is full SQLite ends the transaction by itself; sqlx still counts it as open and would refuse
        // the connection's next one. Such a connection is closed instead of used again.
        // (A file's connection cannot break while it waits, so it is not tried before each use.)
        let pool = pool.test_before_acquire(false).after_release(|connection, _| {
            Box::pin(async move {
                connection.ping().await?; // behind the rollback that is on its way
                Ok(!connection.is_in_transaction())
            })
        });
        let store = Self { pool: connect(pool, options).await?, turn: Mutex::new(()) };
        store.migrate().await?;
        Ok(store)
    }

    /// In one transaction, so that two processes that open a new file at once do not both make the tables.
    async fn migrate(&self) -> Result<(), StoreError> {
        let migrations = MIGRATIONS.map(|(number, name, text)| {
            Migration::new(number, Cow::Borrowed(name), MigrationType::Simple, text.into_sql_str(), false)
        });
        let mut tx = self.write().await?;
        Migrator::with_migrations(migrations.into()).run(&mut *tx).await.map_err(|error| match error {
            MigrateError::Execute(cause) | MigrateError::ExecuteMigration(cause, _) => {
                StoreError::from(cause)
            }
            other => StoreError::Database(Box::new(other)),
        })?;
        tx.commit().await
    }

    /// Waits until all connections are closed and the write-ahead log is folded into the file.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    /// Puts everything into the one file, so that it can be moved: the log beside it is empty then. Closing does the same only
    /// where one connection is the last; of several that close at once each may think that another is.
    ///
    /// # Errors
    /// `Database` where somebody reads or writes for too long.
    pub(super) async fn fold(&self) -> Result<(), StoreError> {
        let kept: i64 = sqlx::query_scalar("PRAGMA wal_checkpoint(TRUNCATE)").fetch_one(&self.pool).await?;
        if kept == 0 { Ok(()) } else { Err(StoreError::Database("the database's log is in use".into())) }
    }

    pub(super) async fn read(&self) -> Result<PoolConnection<Sqlite>, StoreError> {
        Ok(self.pool.acquire().await?)
    }

    pub(super) async fn write(&self) -> Result<Write<'_>, StoreError> {
        let turn = self.turn.lock().await;
        Ok(Write { tx: self.pool.begin_with("BEGIN IMMEDIATE").await?, _turn: turn })
    }
}

/// SQLite waits for locks, but not for the one that the switch to a write-ahead log takes: of two processes that make a
/// new file at once, one is told at once that it is locked. So this waits, as long as for other locks.
async fn connect(pool: SqlitePoolOptions, options: SqliteConnectOptions) -> Result<SqlitePool, sqlx::Error> {
    let is_busy = |error: &sqlx::Error| {
        error.as_database_error().and_then(|cause| cause.code()).is_some_and(|code| code == BUSY_CODE)
    };
    let tries = BUSY_WAIT.as_millis() / SWITCH_WAIT.as_millis();
    for _ in 0..tries {
        match pool.clone().connect_with(options.clone()).await {
            Err(error) if is_busy(&error) => tokio::time::sleep(SWITCH_WAIT).await,
            connected => return connected,
        }
    }
    pool.connect_with(options).await
}

/// The one transaction that may write. Dropped without `commit`, nothing happened.
pub(super) struct Write<'a> {
    // Declared first: rolled back before the next writer's turn.
    tx: Transaction<'static, Sqlite>,
    _turn: MutexGuard<'a, ()>,
}

impl Write<'_> {
    pub(super) async fn commit(self) -> Result<(), StoreError> {
        Ok(self.tx.commit().await?)
    }
}

impl Deref for Write<'_> {
    type Target = SqliteConnection;
    fn deref(&self) -> &SqliteConnection {
        &self.tx
    }
}

impl DerefMut for Write<'_> {
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        &mut self.tx
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn create_account(
        &self,
        id: AccountId,
        name: &str,
        weight: u32,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        accounts::create(self, id, name, weight, now).await
    }
    async fn accounts(&self) -> Result<Vec<AccountRow>, StoreError> {
        accounts::all(self).await
    }
    async fn account(&self, tenant: &Tenant) -> Result<AccountRow, StoreError> {
        accounts::one(self, tenant.account()).await
    }
    async fn add_key(&self, tenant: &Tenant, key: &KeyRow, now: Timestamp) -> Result<(), StoreError> {
        keys::add(self, tenant.account(), key, now).await
    }
    async fn revoke_key(&self, tenant: &Tenant, prefix: &str, now: Timestamp) -> Result<bool, StoreError> {
        keys::revoke(self, tenant.account(), prefix, now).await
    }
    async fn keys(&self, tenant: &Tenant) -> Result<Vec<KeyRow>, StoreError> {
        keys::all(self, tenant.account()).await
    }
    async fn find_key(&self, prefix: &str) -> Result<Option<FoundKey>, StoreError> {
        keys::find(self, prefix).await
    }
    async fn key_used(&self, prefix: &str, now: Timestamp) -> Result<(), StoreError> {
        keys::used(self, prefix, now).await
    }
    async fn grant(&self, tenant: &Tenant, grant: &Grant, now: Timestamp) -> Result<Balance, StoreError> {
        credits::grant(self, tenant.account(), grant, now).await
    }
    async fn history(
        &self,
        tenant: &Tenant,
        before_line: Option<u64>,
        limit: u32,
    ) -> Result<Vec<Line>, StoreError> {
        credits::history(self, tenant.account(), before_line, limit).await
    }
    async fn admit(&self, tenant: &Tenant, job: &NewJob, now: Timestamp) -> Result<Admission, StoreError> {
        jobs::admit(self, tenant.account(), job, now).await
    }
    async fn awaited_clip(&self, tenant: &Tenant, clip: Sha256) -> Result<Option<ClipHeader>, StoreError> {
        jobs::awaited_clip(self, tenant.account(), clip).await
    }
    async fn uploaded(
        &self,
        tenant: &Tenant,
        clip: Sha256,
        now: Timestamp,
    ) -> Result<Vec<JobId>, StoreError> {
        jobs::uploaded(self, tenant.account(), clip, now).await
    }
    async fn still_uploading(
        &self,
        tenant: &Tenant,
        clip: Sha256,
        until: Timestamp,
    ) -> Result<(), StoreError> {
        jobs::still_uploading(self, tenant.account(), clip, until).await
    }
    async fn job(&self, tenant: &Tenant, id: JobId) -> Result<Option<Job>, StoreError> {
        rows::job(&mut *self.read().await?, tenant.account(), id).await
    }
    async fn jobs(&self, tenant: &Tenant, before: Option<JobId>, limit: u32) -> Result<Vec<Job>, StoreError> {
        jobs::page(self, tenant.account(), before, limit).await
    }
    async fn queue_position(&self, tenant: &Tenant, id: JobId) -> Result<u32, StoreError> {
        jobs::queue_position(self, tenant.account(), id).await
    }
    async fn cancel(&self, tenant: &Tenant, id: JobId, now: Timestamp) -> Result<Cancelled, StoreError> {
        jobs::cancel(self, tenant.account(), id, now).await
    }
    async fn claim(
        &self,
        worker: &str,
        limits: ClaimLimits<'_>,
        now: Timestamp,
        lease_until: Timestamp,
    ) -> Result<Option<Claim>, StoreError> {
        work::claim(self, worker, limits, now, lease_until).await
    }
    async fn extend(
        &self,
        claim: &Claim,
        chunks_done: u32,
        lease_until: Timestamp,
    ) -> Result<Lease, StoreError> {
        work::extend(self, claim, chunks_done, lease_until).await
    }
    async fn give_back(&self, claim: &Claim, now: Timestamp) -> Result<Settled, StoreError> {
        work::give_back(self, claim, now).await
    }
    async fn finish(
        &self,
        claim: &Claim,
        stems: &[StemArtifact],
        now: Timestamp,
    ) -> Result<Settled, StoreError> {
        work::settle(self, claim, Outcome::Finished(stems), now).await
    }
    async fn fail(&self, claim: &Claim, reason: &str, now: Timestamp) -> Result<Settled, StoreError> {
        work::settle(self, claim, Outcome::Failed(reason), now).await
    }
    async fn stopped(&self, claim: &Claim, chunks_done: u32, now: Timestamp) -> Result<Settled, StoreError> {
        work::settle(self, claim, Outcome::Stopped(chunks_done), now).await
    }
    async fn reap(
        &self,
        attempts_max: u32,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<(Tenant, Reaped)>, StoreError> {
        reap::reap(self, attempts_max, now, limit).await
    }
    async fn stale_jobs(&self, ended_before: Timestamp, limit: u32) -> Result<Vec<Job>, StoreError> {
        jobs::stale(self, ended_before, limit).await
    }
    async fn content_needed(
        &self,
        tenant: &Tenant,
        content: Sha256,
        except: JobId,
    ) -> Result<bool, StoreError> {
        jobs::content_needed(self, tenant.account(), content, except).await
    }
    async fn forget(&self, tenant: &Tenant, id: JobId) -> Result<(), StoreError> {
        jobs::forget(self, tenant.account(), id).await
    }
    /// The data folder has one server, by its lock.
    async fn leads(&self) -> Result<bool, StoreError> {
        Ok(true)
    }
    fn changes(&self) -> Option<Receiver<Change>> {
        None
    }
    async fn counts(&self) -> Result<Counts, StoreError> {
        audit::counts(self).await
    }
    async fn audit(&self) -> Result<Audit, StoreError> {
        audit::audit(self).await
    }
}

#[cfg(test)]
mod tests;
