//! The record of endpoints and of what they are told. Each method is one whole transaction; that a job's end is to be told
//! is written in the transaction that ends the job.

use super::StoreError;
use crate::clock::Timestamp;
use crate::tenant::Tenant;
use crate::webhook::{Delivery, Event, Fate, Parcel, Secret, Webhook};
use async_trait::async_trait;
use tributary_protocol::vocab::{EventId, PersonId, WebhookId};

/// An endpoint that is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewWebhook {
    /// Its name: asked for again with the same one, it is the same endpoint.
    pub id: WebhookId,
    /// Where it is, as it was checked.
    pub url: String,
    /// What it hears of; at least one.
    pub events: Vec<Event>,
    /// Signs what is sent.
    pub secret: Secret,
    /// Who asks; none for a key of nobody.
    pub made_by: Option<PersonId>,
}

/// What became of the wish for an endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AddedWebhook {
    /// It is there from now on.
    Yes(Webhook),
    /// It was asked for before, with the same address and events: this is it. Its secret is the one it has.
    Known(Webhook),
    /// The name is taken by one with another address or other events.
    Conflict,
    /// The account has as many as it may.
    TooMany,
}

/// How much is taken up at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Load {
    /// Deliveries.
    pub deliveries: u32,
    /// Of one endpoint, those that are being sent included: one that never answers keeps no other waiting.
    pub of_one_endpoint: u32,
}

/// Endpoints, and what they are told.
#[async_trait]
pub trait Webhooks: Send + Sync {
    /// Adds an endpoint, once a name.
    async fn add_webhook(
        &self,
        tenant: &Tenant,
        new: &NewWebhook,
        now: Timestamp,
    ) -> Result<AddedWebhook, StoreError>;
    /// The secret that signs what is sent to one of the account's: for whoever made it and lost the answer.
    async fn webhook_secret(&self, tenant: &Tenant, id: WebhookId) -> Result<Option<Secret>, StoreError>;
    /// Has one of the account's hear of `events`, at least one, from now on; as it is then, none where the account has none of
    /// that name. What was to be told before stays so, of an event that is heard no more, too: whoever stops to listen still
    /// hears how everything ended that ended while they listened. Asking with the same events again changes nothing.
    async fn change_webhook(
        &self,
        tenant: &Tenant,
        id: WebhookId,
        events: &[Event],
    ) -> Result<Option<Webhook>, StoreError>;
    /// Switches one on again that was switched off; as it is then, none where the account has none of that name.
    async fn enable_webhook(&self, tenant: &Tenant, id: WebhookId) -> Result<Option<Webhook>, StoreError>;
    /// The account's, oldest first.
    async fn webhooks(&self, tenant: &Tenant) -> Result<Vec<Webhook>, StoreError>;
    /// One of the account's.
    async fn webhook(&self, tenant: &Tenant, id: WebhookId) -> Result<Option<Webhook>, StoreError>;
    /// Forgets an endpoint and all its deliveries; whether it was there.
    async fn remove_webhook(&self, tenant: &Tenant, id: WebhookId) -> Result<bool, StoreError>;
    /// Another secret from now on; the present one signs, too, until `old_until`. Whether the endpoint is there.
    async fn rotate_webhook(
        &self,
        tenant: &Tenant,
        id: WebhookId,
        secret: &Secret,
        old_until: Timestamp,
    ) -> Result<bool, StoreError>;
    /// An endpoint's deliveries, newest first.
    async fn deliveries(
        &self,
        tenant: &Tenant,
        id: WebhookId,
        limit: u32,
    ) -> Result<Vec<Delivery>, StoreError>;
    /// Has one event sent to one endpoint to try it; whether the endpoint is there.
    async fn test_webhook(
        &self,
        tenant: &Tenant,
        id: WebhookId,
        event: EventId,
        now: Timestamp,
    ) -> Result<bool, StoreError>;
    /// Has a delivery sent again from the beginning, whatever became of it; none where there is none.
    async fn deliver_again(
        &self,
        tenant: &Tenant,
        id: WebhookId,
        event: EventId,
        now: Timestamp,
    ) -> Result<Option<Delivery>, StoreError>;

    /// Takes up what is to be sent now, the longest waiting first. Until `lease_until` nobody else does; what has no
    /// [`Fate`] by then is taken up again.
    async fn take_deliveries(
        &self,
        load: Load,
        now: Timestamp,
        lease_until: Timestamp,
    ) -> Result<Vec<Parcel>, StoreError>;
    /// What became of one that was taken up. Changes nothing where it is not waiting any more. Where it was given up, and
    /// nothing was taken there for [`crate::webhook::FAILING_DAYS_MAX`] days, the endpoint is switched off, and what else
    /// waits for it is given up: the endpoint then, in the one answer that switched it off.
    async fn end_delivery(
        &self,
        parcel: &Parcel,
        fate: &Fate,
        now: Timestamp,
    ) -> Result<Option<Webhook>, StoreError>;
    /// Forgets deliveries that ended before then.
    async fn sweep_deliveries(&self, ended_before: Timestamp) -> Result<u64, StoreError>;
}
