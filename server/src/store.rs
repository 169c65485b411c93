//! The record of truth: accounts, keys, jobs, holds, ledger. One method is one whole transaction.
//!
//! Every adapter obeys `conformance`. A method that touches one account's rows takes the [`Tenant`] first; the
//! exceptions, by name, are the key look-up (before the tenant is known), `claim` and the reaper (which serve all
//! accounts), and the operator's `accounts`, `counts` and `audit`. A job of another account is the same as no job.

pub mod addresses;
pub mod closing;
pub mod copy;
pub mod keeping;
pub mod people;
pub mod postgres;
pub mod purchases;
pub mod sqlite;
pub mod terms;
pub mod webhooks;
pub mod widgets;

mod ending;
mod questions;
mod values;

#[cfg(test)]
mod conformance;

use crate::clock::Timestamp;
use crate::job::{Job, JobState, StemArtifact, Topic};
use crate::ledger::{Audit, Balance, Grant, Line};
use crate::people::{Rights, Role};
use crate::tenant::Tenant;
use crate::widget::Visitor;
use addresses::Addresses;
use async_trait::async_trait;
use closing::Closing;
use keeping::{Keeping, StorageLimit};
use people::{Devices, People, Teams};
use purchases::Purchases;
use terms::Terms;
use tokio::sync::mpsc::Receiver;
use tributary_protocol::settings::Settings;
use tributary_protocol::vocab::{AccountId, ClipHeader, Credits, JobId, PersonId, Sha256};
use webhooks::Webhooks;
use widgets::Widgets;

/// A job that asks to be admitted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewJob {
    /// Made by the client.
    pub id: JobId,
    /// The model's name, known to exist.
    pub model: String,
    /// Stems wanted; empty means all.
    pub stems: Vec<String>,
    /// For lists.
    pub title: String,
    /// The clip's shape and hash, within the limits.
    pub clip: ClipHeader,
    /// A value for every control of the model.
    pub settings: Settings,
    /// Clips the result shall be made like, each with whether it is stored already.
    pub references: Vec<(ClipHeader, bool)>,
    /// Chunks the device will see.
    pub chunks: u32,
    /// What will be held.
    pub quote: Credits,
    /// The clip is stored already; with all references stored, too, the job begins as queued.
    pub clip_is_stored: bool,
    /// When an upload that never ends is given up.
    pub upload_until: Timestamp,
    /// Jobs of this account that may be open at once.
    pub open_max: u32,
    /// Who asks; none for a key of nobody.
    pub person: Option<PersonId>,
    /// By which widget, where it is a visitor of one.
    pub visitor: Option<Visitor>,
    /// What the jobs of that person, or of that widget, may hold and take from a moment on.
    pub spend_limit: Option<SpendLimit>,
    /// What the account may keep on the disk; none for any amount.
    pub storage_limit: Option<StorageLimit>,
}

/// The limit of a member, or of a widget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpendLimit {
    /// How many credits.
    pub credits: Credits,
    /// Of jobs made from this moment on: the month's first.
    pub since: Timestamp,
}

/// The answer to a [`NewJob`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Admission {
    /// Hold made, job stored.
    Admitted(Job),
    /// The same id with the same request came before: this is its job. Nothing new was held.
    Known(Job),
    /// The id is taken by another request.
    Conflict,
    /// Not enough credits that are not held.
    Insufficient {
        /// The quote.
        needed: Credits,
        /// What is there.
        available: Credits,
    },
    /// Too many open jobs.
    TooMany {
        /// Jobs open now.
        open: u32,
    },
    /// The person's or the widget's limit would be passed.
    OverLimit {
        /// What their jobs held and took of it.
        spent: Credits,
    },
    /// The account would keep more than it may.
    OverStorage {
        /// Bytes it keeps now.
        kept: u64,
    },
    /// The account starts no job any more.
    Suspended,
}

/// Which jobs may be claimed.
#[derive(Clone, Copy, Debug)]
pub struct ClaimLimits<'a> {
    /// Jobs of one account that run at once.
    pub per_account: u32,
    /// Times a job may be claimed before it is given up.
    pub attempts: u32,
    /// Those that whoever claims can run; none for all jobs.
    pub models: Option<ClaimModels<'a>>,
}

/// What a worker among others claims.
#[derive(Clone, Copy, Debug)]
pub struct ClaimModels<'a> {
    /// The models it has.
    pub names: &'a [String],
    /// Jobs made before this moment are anybody's, whatever their model: somebody must end them.
    pub or_made_before: Timestamp,
}

/// The right to run and settle one attempt of a job, until the lease ends.
#[derive(Clone, Debug)]
pub struct Claim {
    /// The job as claimed; `job.attempt` is the fence.
    pub job: Job,
    /// The job's own account.
    pub tenant: Tenant,
}

/// What a worker learns when it extends its lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lease {
    /// Go on.
    Held,
    /// Go on to the next chunk's end, then settle as cancelled.
    CancelAsked,
    /// Somebody else has the job, or it has ended: stop, settle nothing.
    Lost,
}

/// What became of an attempt to settle.
#[expect(clippy::large_enum_variant, reason = "made once a job; a box would only be one more thing to open")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settled {
    /// Done now, or done before by this same attempt with the same result.
    Yes(Job),
    /// The claim is no longer valid; nothing changed.
    Stale,
}

/// What the user's cancel did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cancelled {
    /// Ended now; everything was released.
    Now(Job),
    /// A worker was told; it ends within one chunk.
    Asked(Job),
    /// It had ended before.
    Ended(Job),
    /// No such job.
    Unknown,
}

/// Something the reaper ended or put back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reaped {
    /// An upload that never came; hold released.
    Expired(JobId),
    /// A lost lease; queued again.
    Requeued(JobId),
    /// A lost lease, attempts used up; failed, hold released.
    Failed(JobId),
    /// A lost lease of a job the user had stopped; cancelled, hold released.
    Cancelled(JobId),
}

/// An account as the operator sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountRow {
    /// Its id.
    pub id: AccountId,
    /// What the operator calls it; unique on this server.
    pub name: String,
    /// What its people call it; empty where that is its name.
    pub title: String,
    /// Share of the device relative to others; 100 is normal.
    pub weight: u32,
    /// Starts no job since.
    pub suspended_at: Option<Timestamp>,
    /// Its owner closed it: nothing is granted to it any more.
    pub closed_at: Option<Timestamp>,
    /// Its credits.
    pub balance: Balance,
}

/// A key's row, found by its public prefix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRow {
    /// Whose key.
    pub account: AccountId,
    /// Public part, 12 characters.
    pub prefix: String,
    /// SHA-256 of the secret part.
    pub secret_sha256: Sha256,
    /// For people.
    pub label: String,
    /// Dead since.
    pub revoked_at: Option<Timestamp>,
    /// Whose key; none for the operator's own.
    pub person: Option<PersonId>,
    /// What it may do, as far as its person may.
    pub rights: Rights,
    /// Dead from then on.
    pub expires_at: Option<Timestamp>,
    /// When it was last seen, to a minute.
    pub used_at: Option<Timestamp>,
}

/// A key with what its person is in the account now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundKey {
    /// The row.
    pub key: KeyRow,
    /// None where the person is no member, or the key is nobody's.
    pub role: Option<Role>,
    /// The person's limit.
    pub month_limit: Option<Credits>,
}

/// What happened to a job, as every server that uses the database is told. Lossy: the rows are the truth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// Which job, without saying whose.
    pub topic: Topic,
    /// Its state now.
    pub state: JobState,
    /// Its user wants it to stop.
    pub cancel_asked: bool,
}

/// Jobs by state and open holds, for metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Waiting for their clip.
    pub uploading: u64,
    /// Waiting for a worker.
    pub queued: u64,
    /// With a worker.
    pub running: u64,
    /// Holds without settlement.
    pub holds_open: u64,
}

/// Why a store method failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The name or id is taken.
    #[error("`{0}` exists already")]
    Exists(String),
    /// No such account.
    #[error("there is no such account")]
    NoAccount,
    /// Its owner closed it.
    #[error("the account was closed by its owner; nothing more comes to it")]
    Closed,
    /// The disk is full: nothing changed, try again when there is room.
    #[error("the disk of the database is full")]
    DiskFull,
    /// The database does not answer now. Whether the last change was made is not known; asking again with the same ids
    /// is safe.
    #[error("the database does not answer now")]
    Away(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A number beyond what the ledger keeps (2^53 credits).
    #[error("{0} is more than an account can hold")]
    TooLarge(Credits),
    /// The database cannot be used as it is; the message says what to do.
    #[error(transparent)]
    Setup(#[from] postgres::SetupError),
    /// The database failed; nothing changed.
    #[error("the database failed")]
    Database(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Codes for "no room": SQLite's for the file and for the shared index of its write-ahead log, and PostgreSQL's.
const FULL_CODES: [&str; 3] = ["13", "4874", "53100"];

/// PostgreSQL's codes for what passes: too many connections, going down, gone down, coming up, another's lock held for
/// too long, transactions that waited for each other, one that stood still.
const AWAY_CODES: [&str; 7] = ["53300", "57P01", "57P02", "57P03", "55P03", "40P01", "25P03"];

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        let code = error.as_database_error().and_then(|cause| cause.code());
        let is_one_of = |codes: &[&str]| code.as_deref().is_some_and(|code| codes.contains(&code));
        if is_one_of(&FULL_CODES) {
            Self::DiskFull
        } else if is_one_of(&AWAY_CODES)
            || matches!(error, sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::Tls(_))
        {
            Self::Away(Box::new(error))
        } else {
            Self::Database(Box::new(error))
        }
    }
}

/// Jobs in one page, and lines in one page, are at most what `protocol::limits` says; callers pass checked limits.
#[async_trait]
pub trait Store:
    People
    + Teams
    + Devices
    + Terms
    + Purchases
    + Keeping
    + Webhooks
    + Widgets
    + Closing
    + Addresses
    + Send
    + Sync
    + 'static
{
    /// Adds an account with an empty wallet. `Exists` when the name is taken.
    async fn create_account(
        &self,
        id: AccountId,
        name: &str,
        weight: u32,
        now: Timestamp,
    ) -> Result<(), StoreError>;
    /// All accounts, by name. Operator.
    async fn accounts(&self) -> Result<Vec<AccountRow>, StoreError>;
    /// The tenant's own row.
    async fn account(&self, tenant: &Tenant) -> Result<AccountRow, StoreError>;

    /// Adds a key.
    async fn add_key(&self, tenant: &Tenant, key: &KeyRow, now: Timestamp) -> Result<(), StoreError>;
    /// Kills a key; false when the tenant has none of that prefix or it was dead already.
    async fn revoke_key(&self, tenant: &Tenant, prefix: &str, now: Timestamp) -> Result<bool, StoreError>;
    /// The tenant's keys, oldest first.
    async fn keys(&self, tenant: &Tenant) -> Result<Vec<KeyRow>, StoreError>;
    /// Any account's key by prefix, revoked ones included. Before the tenant is known.
    async fn find_key(&self, prefix: &str) -> Result<Option<FoundKey>, StoreError>;
    /// A key was seen.
    async fn key_used(&self, prefix: &str, now: Timestamp) -> Result<(), StoreError>;

    /// Adds credits once per `payment_id`; a second time changes nothing and answers the present balance.
    async fn grant(&self, tenant: &Tenant, grant: &Grant, now: Timestamp) -> Result<Balance, StoreError>;
    /// The tenant's lines, newest first, older than `before_line` where given.
    async fn history(
        &self,
        tenant: &Tenant,
        before_line: Option<u64>,
        limit: u32,
    ) -> Result<Vec<Line>, StoreError>;

    /// One transaction: limits, hold and job, or a named refusal that changed nothing.
    async fn admit(&self, tenant: &Tenant, job: &NewJob, now: Timestamp) -> Result<Admission, StoreError>;
    /// The clip or reference that a job of this tenant is waiting for, if any.
    async fn awaited_clip(&self, tenant: &Tenant, clip: Sha256) -> Result<Option<ClipHeader>, StoreError>;
    /// The content is stored: every uploading job of this tenant that waited for it, and now for nothing more, is
    /// queued. Answers their ids.
    async fn uploaded(&self, tenant: &Tenant, clip: Sha256, now: Timestamp)
    -> Result<Vec<JobId>, StoreError>;
    /// An upload goes on: its jobs' deadline moves to `until`.
    async fn still_uploading(
        &self,
        tenant: &Tenant,
        clip: Sha256,
        until: Timestamp,
    ) -> Result<(), StoreError>;
    /// One job.
    async fn job(&self, tenant: &Tenant, id: JobId) -> Result<Option<Job>, StoreError>;
    /// Newest first, older than `before` where given.
    async fn jobs(&self, tenant: &Tenant, before: Option<JobId>, limit: u32) -> Result<Vec<Job>, StoreError>;
    /// Queued jobs of all accounts that were queued before this one; 0 when it is not queued.
    async fn queue_position(&self, tenant: &Tenant, id: JobId) -> Result<u32, StoreError>;
    /// Uploading and queued jobs end now; running ones are asked to.
    async fn cancel(&self, tenant: &Tenant, id: JobId, now: Timestamp) -> Result<Cancelled, StoreError>;

    /// Takes the next queued job for `worker`: of the accounts below their limit, the one with the fewest running
    /// jobs, its oldest job that the limits allow; only one claim can win. The attempt rises by one.
    async fn claim(
        &self,
        worker: &str,
        limits: ClaimLimits<'_>,
        now: Timestamp,
        lease_until: Timestamp,
    ) -> Result<Option<Claim>, StoreError>;
    /// Keeps the lease alive and stores the progress.
    async fn extend(
        &self,
        claim: &Claim,
        chunks_done: u32,
        lease_until: Timestamp,
    ) -> Result<Lease, StoreError>;
    /// Gives the job back to the queue at once (drain); the attempt does not count.
    async fn give_back(&self, claim: &Claim, now: Timestamp) -> Result<Settled, StoreError>;
    /// All stems are stored: captures the whole hold. Asking again with the same claim answers the same.
    async fn finish(
        &self,
        claim: &Claim,
        stems: &[StemArtifact],
        now: Timestamp,
    ) -> Result<Settled, StoreError>;
    /// It cannot succeed: releases the whole hold.
    async fn fail(&self, claim: &Claim, reason: &str, now: Timestamp) -> Result<Settled, StoreError>;
    /// The user stopped it: captures the share of chunks done, releases the rest.
    async fn stopped(&self, claim: &Claim, chunks_done: u32, now: Timestamp) -> Result<Settled, StoreError>;

    /// Ends what was abandoned: uploads past their deadline, leases that ran out. At most `limit` a call. Answers
    /// whose job each was: ids are unique in an account only.
    async fn reap(
        &self,
        attempts_max: u32,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<(Tenant, Reaped)>, StoreError>;
    /// Jobs that ended before `ended_before` or were erased, and still have artifacts or a clip on record, oldest first.
    async fn stale_jobs(&self, ended_before: Timestamp, limit: u32) -> Result<Vec<Job>, StoreError>;
    /// Whether any job of the tenant that has not been [`Store::forget`]ten needs this content as clip, reference,
    /// stem or sheet, other than `except`.
    async fn content_needed(
        &self,
        tenant: &Tenant,
        content: Sha256,
        except: JobId,
    ) -> Result<bool, StoreError>;
    /// The job's artifacts were deleted: it keeps its row and money, but lists no stems any more.
    async fn forget(&self, tenant: &Tenant, id: JobId) -> Result<(), StoreError>;
    /// Whether this process is the one that does what one alone must do: of all that use the database, one at a time.
    /// Asked before each round; who stops asking keeps the office until its connection ends.
    async fn leads(&self) -> Result<bool, StoreError>;
    /// Changes of all jobs from now on, whoever makes them; none where no other process serves. Ends when it is dropped.
    fn changes(&self) -> Option<Receiver<Change>>;
    /// For metrics.
    async fn counts(&self) -> Result<Counts, StoreError>;
    /// Recomputes everything from the rows.
    async fn audit(&self) -> Result<Audit, StoreError>;
}
