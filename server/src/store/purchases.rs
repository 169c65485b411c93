//! The record of purchases and of what the payment service tells. Each method is one whole transaction.

use super::StoreError;
use super::terms::TakenBack;
use crate::billing::{Bought, NewPurchase, Payer, Purchase, TopUp};
use crate::clock::Timestamp;
use crate::ledger::Balance;
use crate::tenant::Tenant;
use async_trait::async_trait;
use tributary_protocol::vocab::{AccountId, Credits, PurchaseId};

/// What became of the wish to buy.
#[expect(
    clippy::large_enum_variant,
    reason = "made once a purchase; a box would only be one more thing to open"
)]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Begun {
    /// It is on record now, or was already.
    Yes(Purchase),
    /// The id is another purchase's.
    Conflict,
    /// A top-up of this account is under way.
    UnderWay,
}

/// What the payment service told, as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaymentEvent {
    /// Its own name for it: the same one is one event however often it comes.
    pub id: String,
    /// What happened.
    pub kind: String,
    /// What it is about: `checkout.session`.
    pub object: String,
    /// Which one.
    pub object_id: String,
    /// Whether real money moves.
    pub live: bool,
    /// The body as it came.
    pub raw: Vec<u8>,
}

/// An event whose effect is not in the books yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenEvent {
    /// Its name.
    pub id: String,
    /// What happened.
    pub kind: String,
    /// What it is about.
    pub object: String,
    /// Which one.
    pub object_id: String,
    /// Whether real money moves.
    pub live: bool,
    /// How often it was looked at.
    pub tries: u32,
}

/// An event that did not get into the books at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TroubledEvent {
    /// Its name, and what it is about.
    pub event: OpenEvent,
    /// Nobody looks at it any more; else it is looked at again by itself.
    pub is_dead: bool,
    /// What went wrong the last time.
    pub error: String,
    /// When it came.
    pub received_at: Timestamp,
    /// When it is looked at again.
    pub next_try_at: Timestamp,
}

/// What became of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EventFate {
    /// Its effect is in the books.
    Done,
    /// Nothing of ours, for this reason.
    Ignored(String),
    /// To be looked at again then, for this reason.
    Again(Timestamp, String),
    /// Given up: an operator looks.
    Dead(String),
}

/// A purchase's way until it is paid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PurchaseStep {
    /// The payment service shows its page.
    Opened {
        /// Its name for the page.
        session: String,
        /// Where the page is.
        url: String,
    },
    /// The money is on its way; the payment service's name for the payment.
    Processing(Option<String>),
    /// No money came, for this reason.
    Failed(String),
    /// The page was closed unpaid.
    Expired,
    /// Something else was paid than was agreed.
    Mismatch(String),
}

/// A dispute's step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DisputeStep {
    /// It began, and took what was there.
    Opened(TakenBack),
    /// The money stays: what it took was given back already, and nothing is owed for it any more.
    Won {
        /// What the account owed for it.
        missing: Credits,
    },
    /// The money is gone.
    Lost,
}

/// Purchases, payers, and the payment service's events.
#[async_trait]
pub trait Purchases: Send + Sync {
    /// Puts a purchase on record, once an id.
    async fn begin_purchase(
        &self,
        tenant: &Tenant,
        new: &NewPurchase,
        now: Timestamp,
    ) -> Result<Begun, StoreError>;
    /// One of the account's.
    async fn purchase(&self, tenant: &Tenant, id: PurchaseId) -> Result<Option<Purchase>, StoreError>;
    /// The account's, newest first.
    async fn purchases(&self, tenant: &Tenant, limit: u32) -> Result<Vec<Purchase>, StoreError>;
    /// By the payment service's name for its page or its payment.
    async fn purchase_of(&self, session_or_payment: &str) -> Result<Option<Purchase>, StoreError>;
    /// A step before the end. A purchase that has ended stays as it ended; false then.
    async fn step_purchase(
        &self,
        tenant: &Tenant,
        id: PurchaseId,
        step: &PurchaseStep,
        now: Timestamp,
    ) -> Result<bool, StoreError>;
    /// The money is there: the purchase is paid, the credits come and the payer is kept, in one transaction and once.
    async fn pay(
        &self,
        tenant: &Tenant,
        id: PurchaseId,
        bought: &Bought,
        now: Timestamp,
    ) -> Result<Balance, StoreError>;
    /// Money went back, `returned_minor` of it in all; `missing` credits were gone already and are owed. Once for each sum.
    async fn return_money(
        &self,
        tenant: &Tenant,
        id: PurchaseId,
        returned_minor: u64,
        missing: Credits,
    ) -> Result<(), StoreError>;
    /// A dispute's step, once each.
    async fn dispute_money(
        &self,
        tenant: &Tenant,
        id: PurchaseId,
        step: DisputeStep,
    ) -> Result<(), StoreError>;
    /// Whether the account owes credits, or money of it is disputed.
    async fn is_in_debt(&self, tenant: &Tenant) -> Result<bool, StoreError>;
    /// Purchases that have not ended and were not looked at since `before`, of real money or not, the longest first. They
    /// count as looked at now.
    async fn unchecked_purchases(
        &self,
        live: bool,
        before: Timestamp,
        limit: u32,
        now: Timestamp,
    ) -> Result<Vec<Purchase>, StoreError>;
    /// Money of an account's top-ups that were paid or are under way since `since`.
    async fn topped_up(&self, tenant: &Tenant, live: bool, since: Timestamp) -> Result<u64, StoreError>;

    /// Who pays for the account.
    async fn payer(&self, tenant: &Tenant, live: bool) -> Result<Option<Payer>, StoreError>;
    /// Tops up from now on, or not any more. False where there is nobody who pays.
    async fn set_top_up(
        &self,
        tenant: &Tenant,
        live: bool,
        top_up: Option<&TopUp>,
        failure: Option<&str>,
    ) -> Result<bool, StoreError>;
    /// Accounts with fewer credits than they want, and no top-up under way.
    async fn low_accounts(&self, live: bool, limit: u32) -> Result<Vec<AccountId>, StoreError>;

    /// Keeps an event before anything is done about it; whether it is new.
    async fn keep_event(&self, event: &PaymentEvent, now: Timestamp) -> Result<bool, StoreError>;
    /// Events to be looked at now, the oldest first.
    async fn open_events(&self, now: Timestamp, limit: u32) -> Result<Vec<OpenEvent>, StoreError>;
    /// Events that were given up, and those that are tried again, the newest first. For the operator.
    async fn troubled_events(&self, limit: u32) -> Result<Vec<TroubledEvent>, StoreError>;
    /// One of those is looked at again, as soon as can be. False where there is none of that name. For the operator.
    async fn retry_event(&self, id: &str, now: Timestamp) -> Result<bool, StoreError>;
    /// What became of one.
    async fn end_event(&self, id: &str, fate: &EventFate) -> Result<(), StoreError>;
}
