//! The store of many machines: a PostgreSQL database that any number of servers use at once.
//!
//! Two connections with two roles. `tributary_app` does what one account asks for: each transaction names the account,
//! and the database hides the rows of all others, also from a statement that forgot to ask for its own. The
//! `tributary_scheduler` does what is nobody's own: looks keys up, claims, ends jobs, moves credits. Every statement
//! names the account whose rows it touches all the same: the database is the second lock, not the first.
//!
//! Writers of one account take turns at its wallet (`dialect::turn`), so each transaction sees what the one before it
//! left, and none has to be tried again.

pub mod address;
pub(super) mod audit;
mod changes;
mod dialect;
mod error;
mod guard;
mod jobs;
mod reap;
mod rows;
mod settle;
pub mod setup;
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
use address::{Address, Addresses};
use async_trait::async_trait;
pub use error::SetupError;
use guard::Part;
pub(super) use guard::check_version;
use sqlx::postgres::PgPoolOptions;
use sqlx::{Connection, PgConnection, PgPool, Postgres, Transaction};
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::sync::mpsc::Receiver;
use tributary_protocol::vocab::{AccountId, ClipHeader, JobId, Sha256};

/// Connections of each role at once. A database takes 100 unless it is told otherwise: enough for five servers.
const CONNECTIONS_MAX: u32 = 8;
/// How long one waits for a connection, to a database that is away or busy.
const CONNECT_WAIT: Duration = Duration::from_secs(10);
/// Names the lock of the one server that sweeps.
const LEADER_LOCK: i64 = 0x7472_6962_0003;

/// The tables' schema.
const SCHEMA: &str = "tributary";
/// Owns the tables, never serves.
const OWNER: &str = "tributary_owner";
/// Acts for one account at a time.
const APP: &str = "tributary_app";
/// Acts across accounts.
const SCHEDULER: &str = "tributary_scheduler";

/// Number, name and text, in order; the same numbers and names as in every other database's folder.
const MIGRATIONS: [(i64, &str, &str); 14] = [
    (1, "accounts_and_ledger", include_str!("../../migrations/postgres/0001_accounts_and_ledger.sql")),
    (2, "jobs", include_str!("../../migrations/postgres/0002_jobs.sql")),
    (
        3,
        "settings_and_references",
        include_str!("../../migrations/postgres/0003_settings_and_references.sql"),
    ),
    (4, "people", include_str!("../../migrations/postgres/0004_people.sql")),
    (5, "terms_of_credits", include_str!("../../migrations/postgres/0005_terms_of_credits.sql")),
    (6, "purchases", include_str!("../../migrations/postgres/0006_purchases.sql")),
    (7, "webhooks", include_str!("../../migrations/postgres/0007_webhooks.sql")),
    (8, "erasures", include_str!("../../migrations/postgres/0008_erasures.sql")),
    (9, "widgets", include_str!("../../migrations/postgres/0009_widgets.sql")),
    (10, "webhooks_that_fail", include_str!("../../migrations/postgres/0010_webhooks_that_fail.sql")),
    (11, "closed_accounts", include_str!("../../migrations/postgres/0011_closed_accounts.sql")),
    (12, "another_address", include_str!("../../migrations/postgres/0012_another_address.sql")),
    (13, "settings_of_widgets", include_str!("../../migrations/postgres/0013_settings_of_widgets.sql")),
    (14, "webhooks_that_change", include_str!("../../migrations/postgres/0014_webhooks_that_change.sql")),
];

/// A transaction. Dropped without `commit`, nothing happened.
pub(super) type Tx = Transaction<'static, Postgres>;

/// Accounts, jobs and credits in a PostgreSQL database.
#[derive(Debug)]
pub struct PostgresStore {
    app: PgPool,
    scheduler: PgPool,
    scheduler_address: Address,
    /// Holds [`LEADER_LOCK`] as long as it lives.
    leader: Mutex<Option<PgConnection>>,
}

impl PostgresStore {
    /// Connects with both roles. The tables are there already: `setup::migrate` makes them.
    ///
    /// # Errors
    /// `Setup` where the database cannot be reached or does not bind these roles as it should.
    pub async fn open(addresses: &Addresses) -> Result<Self, StoreError> {
        Ok(Self {
            app: connect(&addresses.app, Part::App).await?,
            scheduler: connect(&addresses.scheduler, Part::Scheduler).await?,
            scheduler_address: addresses.scheduler.clone(),
            leader: Mutex::new(None),
        })
    }

    /// Waits until all connections are closed.
    pub async fn close(&self) {
        self.leader.lock().await.take();
        self.app.close().await;
        self.scheduler.close().await;
    }

    /// A transaction for one account; it sees no other's rows.
    async fn account(&self, account: AccountId) -> Result<Tx, StoreError> {
        let mut tx = self.app.begin().await?;
        // Local to the transaction: nothing of it is left on the connection for the next.
        sqlx::query("SELECT set_config('tributary.account', $1, true)")
            .bind(rows::account_in(account).to_string())
            .execute(&mut *tx)
            .await?;
        Ok(tx)
    }

    /// A transaction across accounts.
    async fn every_account(&self) -> Result<Tx, StoreError> {
        Ok(self.scheduler.begin().await?)
    }
}

async fn connect(address: &Address, part: Part) -> Result<PgPool, SetupError> {
    // Not through the pool, which would try until its time is over and hide why.
    let mut connection = PgConnection::connect_with(&address.options())
        .await
        .map_err(|cause| SetupError::no_connection(address, cause))?;
    guard::check(&mut connection, part).await?;
    connection.close().await?;
    let pool = PgPoolOptions::new().max_connections(CONNECTIONS_MAX).acquire_timeout(CONNECT_WAIT);
    Ok(pool.connect_lazy_with(address.options()))
}

#[async_trait]
impl Store for PostgresStore {
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
        jobs::one(self, tenant.account(), id).await
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
    async fn leads(&self) -> Result<bool, StoreError> {
        let mut leader = self.leader.lock().await;
        // The lock lives with its connection: one that answers still has it.
        if let Some(connection) = leader.as_mut() {
            if connection.ping().await.is_ok() {
                return Ok(true);
            }
            *leader = None;
        }
        let mut connection = PgConnection::connect_with(&self.scheduler_address.options()).await?;
        let leads = sqlx::query_scalar("SELECT pg_try_advisory_lock($1)")
            .bind(LEADER_LOCK)
            .fetch_one(&mut connection)
            .await?;
        if leads {
            *leader = Some(connection);
        } else {
            connection.close().await?;
        }
        Ok(leads)
    }
    fn changes(&self) -> Option<Receiver<Change>> {
        Some(changes::listen(self.scheduler_address.options()))
    }
    async fn counts(&self) -> Result<Counts, StoreError> {
        audit::counts(self).await
    }
    async fn audit(&self) -> Result<Audit, StoreError> {
        audit::audit(self).await
    }
}

#[cfg(test)]
pub(super) mod tests;

#[cfg(test)]
mod isolation_tests;

#[cfg(test)]
mod tls_tests;
