//! Credits beyond grant and capture: grants that end, refunds of jobs, payments that are taken back, and what was used by
//! whom. Each method is one whole transaction.

use super::StoreError;
use crate::clock::Timestamp;
use crate::ledger::{Balance, Lot};
use crate::tenant::Tenant;
use async_trait::async_trait;
use std::time::Duration;
use tributary_protocol::vocab::{Credits, JobId, PersonId, WidgetId};

/// What became of a refund.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refunded {
    /// So many came back, now or when it was asked for the first time; the balance afterwards.
    Yes(Credits, Balance),
    /// The job took nothing, or less than what should come back: this is what it took.
    TooMuch(Credits),
    /// The account has no such job, or it has not ended.
    Unknown,
}

/// What a takeback found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TakenBack {
    /// Credits that went.
    pub taken: Credits,
    /// Credits that were spent or held already: the account owes them.
    pub missing: Credits,
}

/// What the jobs of one person or widget with one model took in one day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Usage {
    /// Its first moment, UTC.
    pub day: Timestamp,
    /// Which model.
    pub model: String,
    /// Who asked; none for keys of nobody.
    pub person: Option<PersonId>,
    /// By which widget, where visitors of one asked.
    pub widget: Option<WidgetId>,
    /// Jobs that ended that day.
    pub jobs: u64,
    /// Of them, those that were done.
    pub done: u64,
    /// Credits they took.
    pub captured: Credits,
    /// How long the clips were that they were given.
    pub sound: Duration,
    /// Time of the device they took.
    pub device: Duration,
}

/// Terms of credits.
#[async_trait]
pub trait Terms: Send + Sync {
    /// Gives back what a job took, or `amount` of it; once a job. For the operator.
    async fn refund(
        &self,
        tenant: &Tenant,
        job: JobId,
        amount: Option<Credits>,
        reason: &str,
        now: Timestamp,
    ) -> Result<Refunded, StoreError>;
    /// Takes back what a payment brought, as far as it is neither spent nor held; once a `payment_id`, whose second asking
    /// answers what the first one took.
    async fn take_back(
        &self,
        tenant: &Tenant,
        payment_id: &str,
        amount: Credits,
        note: &str,
        now: Timestamp,
    ) -> Result<TakenBack, StoreError>;
    /// Ends at most `limit` lots whose time is over. What is held for jobs stays until they have ended. How many credits went.
    async fn expire_lots(&self, now: Timestamp, limit: u32) -> Result<Credits, StoreError>;
    /// Grants that end and have credits left, the soonest first.
    async fn lots(&self, tenant: &Tenant) -> Result<Vec<Lot>, StoreError>;
    /// The account starts no job any more (some), or again (none). For the operator and for payments.
    async fn suspend(&self, tenant: &Tenant, since: Option<Timestamp>) -> Result<(), StoreError>;
    /// The device worked on a job for so long, whatever became of the attempt.
    async fn add_device_time(&self, tenant: &Tenant, job: JobId, time: Duration) -> Result<(), StoreError>;
    /// What the account used from `since` on, before `until`.
    async fn usage(
        &self,
        tenant: &Tenant,
        since: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<Usage>, StoreError>;
    /// The same of all accounts together, without persons. For the operator.
    async fn usage_of_all(&self, since: Timestamp, until: Timestamp) -> Result<Vec<Usage>, StoreError>;
}
