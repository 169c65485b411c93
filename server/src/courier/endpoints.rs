//! Endpoints as an account's people and programs see to them, whichever edge they come by. Who may is the edges' to know.

use super::target::{NotATarget, Target};
use crate::auth::token::Token;
use crate::clock::Clock;
use crate::config::WebhooksConfig;
use crate::store::webhooks::{AddedWebhook, NewWebhook};
use crate::store::{Store, StoreError};
use crate::tenant::{Principal, Tenant};
use crate::webhook::{Delivery, Event, OLD_SECRET_SIGNS, SECRET_SHOWN_AGAIN, Secret, WEBHOOKS_MAX, Webhook};
use std::collections::BTreeSet;
use std::sync::Arc;
use tributary_protocol::vocab::{EventId, WebhookId};

/// Characters of an unknown word that its refusal repeats.
const ECHO_CHARS_MAX: usize = 40;

/// Sees to endpoints.
#[derive(Clone)]
pub struct Endpoints {
    /// Truth.
    pub store: Arc<dyn Store>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Which addresses are allowed.
    pub config: WebhooksConfig,
}

/// Why nothing was changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EndpointError {
    /// Not one that may be posted to.
    #[error(transparent)]
    Address(#[from] NotATarget),
    /// None chosen.
    #[error("choose at least one event: {choices}", choices = choices())]
    NoEvent,
    /// One that there is not, or that nobody chooses; no more of it than a few words have characters.
    #[error("there is no event `{0}` to choose; choose of {choices}", choices = choices())]
    UnknownEvent(String),
    /// As many as there may be.
    #[error("an account has at most {WEBHOOKS_MAX} webhooks; remove one first")]
    TooMany,
    /// The name is another's.
    #[error("there is a webhook of this name with another address or other events")]
    Conflict,
    /// It was made long ago.
    #[error(
        "this webhook was made more than a day ago, so its secret is not shown again; rotate it for another one"
    )]
    SecretShown,
    /// None, or another account's.
    #[error("there is no such webhook")]
    NoWebhook,
    /// None, or another account's.
    #[error("there is no such delivery")]
    NoDelivery,
    /// The store failed.
    #[error("the store failed")]
    Store(#[from] StoreError),
}

impl Endpoints {
    /// Adds one under a name that hears of `words`; with its secret, which is shown to whoever asks with the name again
    /// for [`SECRET_SHOWN_AGAIN`], since the answer may have been lost.
    ///
    /// # Errors
    /// `Address`, `NoEvent`, `UnknownEvent`, `TooMany`, `Conflict`, `SecretShown`, or the store's.
    pub async fn add<'a>(
        &self,
        who: &Principal,
        id: WebhookId,
        url: &str,
        words: impl IntoIterator<Item = &'a str>,
    ) -> Result<(Webhook, Secret), EndpointError> {
        Target::read(url, &self.config)?;
        let events = chosen(words)?;
        let secret = Secret::new(Token::generate().reveal());
        let new = NewWebhook { id, url: url.to_owned(), events, secret: secret.clone(), made_by: who.person };
        let now = self.clock.now();
        let known = match self.store.add_webhook(&who.tenant, &new, now).await? {
            AddedWebhook::Yes(added) => return Ok((added, secret)),
            AddedWebhook::TooMany => return Err(EndpointError::TooMany),
            AddedWebhook::Conflict => return Err(EndpointError::Conflict),
            AddedWebhook::Known(known) => known,
        };
        if now > known.created_at.after(SECRET_SHOWN_AGAIN) {
            return Err(EndpointError::SecretShown);
        }
        let secret = self.store.webhook_secret(&who.tenant, id).await?.ok_or(EndpointError::NoWebhook)?;
        Ok((known, secret))
    }

    /// Has one hear of `words` from now on, and of nothing else; what it was to be told before it is still told.
    ///
    /// # Errors
    /// `NoEvent`, `UnknownEvent`, `NoWebhook`, or the store's.
    pub async fn change<'a>(
        &self,
        tenant: &Tenant,
        id: WebhookId,
        words: impl IntoIterator<Item = &'a str>,
    ) -> Result<Webhook, EndpointError> {
        let events = chosen(words)?;
        self.store.change_webhook(tenant, id, &events).await?.ok_or(EndpointError::NoWebhook)
    }

    /// Switches one on again that was switched off.
    ///
    /// # Errors
    /// `NoWebhook`, or the store's.
    pub async fn enable(&self, tenant: &Tenant, id: WebhookId) -> Result<Webhook, EndpointError> {
        self.store.enable_webhook(tenant, id).await?.ok_or(EndpointError::NoWebhook)
    }

    /// Forgets one.
    ///
    /// # Errors
    /// `NoWebhook`, or the store's.
    pub async fn remove(&self, tenant: &Tenant, id: WebhookId) -> Result<(), EndpointError> {
        let removed = self.store.remove_webhook(tenant, id).await?;
        removed.then_some(()).ok_or(EndpointError::NoWebhook)
    }

    /// Gives one another secret; the present one signs, too, for [`OLD_SECRET_SIGNS`].
    ///
    /// # Errors
    /// `NoWebhook`, or the store's.
    pub async fn rotate(&self, tenant: &Tenant, id: WebhookId) -> Result<(Webhook, Secret), EndpointError> {
        let secret = Secret::new(Token::generate().reveal());
        let old_until = self.clock.now().after(OLD_SECRET_SIGNS);
        if !self.store.rotate_webhook(tenant, id, &secret, old_until).await? {
            return Err(EndpointError::NoWebhook);
        }
        Ok((self.store.webhook(tenant, id).await?.ok_or(EndpointError::NoWebhook)?, secret))
    }

    /// Has it told something to try it; the event's name.
    ///
    /// # Errors
    /// `NoWebhook`, or the store's.
    pub async fn test(&self, tenant: &Tenant, id: WebhookId) -> Result<EventId, EndpointError> {
        let event = EventId::generate();
        let added = self.store.test_webhook(tenant, id, event, self.clock.now()).await?;
        added.then_some(event).ok_or(EndpointError::NoWebhook)
    }

    /// What it was told, newest first.
    ///
    /// # Errors
    /// `NoWebhook`, or the store's.
    pub async fn deliveries(
        &self,
        tenant: &Tenant,
        id: WebhookId,
        limit: u32,
    ) -> Result<Vec<Delivery>, EndpointError> {
        self.store.webhook(tenant, id).await?.ok_or(EndpointError::NoWebhook)?;
        Ok(self.store.deliveries(tenant, id, limit).await?)
    }

    /// Has something told again, whatever became of it.
    ///
    /// # Errors
    /// `NoDelivery`, or the store's.
    pub async fn again(
        &self,
        tenant: &Tenant,
        id: WebhookId,
        event: EventId,
    ) -> Result<Delivery, EndpointError> {
        let again = self.store.deliver_again(tenant, id, event, self.clock.now()).await?;
        again.ok_or(EndpointError::NoDelivery)
    }
}

/// The events of these words: none twice, in their order.
fn chosen<'a>(words: impl IntoIterator<Item = &'a str>) -> Result<Vec<Event>, EndpointError> {
    let mut events = BTreeSet::new();
    for word in words {
        let event = Event::CHOICES.into_iter().find(|event| event.word() == word);
        let unknown = || EndpointError::UnknownEvent(word.chars().take(ECHO_CHARS_MAX).collect());
        events.insert(event.ok_or_else(unknown)?);
    }
    if events.is_empty() {
        return Err(EndpointError::NoEvent);
    }
    Ok(events.into_iter().collect())
}

/// What there is to choose, for people.
fn choices() -> String {
    Event::CHOICES.map(Event::word).join(", ")
}
