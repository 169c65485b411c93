//! What Stripe tells: verified, kept, and answered at once; looked at later, by asking Stripe for what the event names.

use super::{BATCH, Cashier, CashierError};
use crate::billing::Purchase;
use crate::clock::Timestamp;
use crate::store::StoreError;
use crate::store::purchases::{EventFate, OpenEvent, PaymentEvent};
use crate::tenant::Tenant;
use serde_json::Value;
use std::time::Duration;
use tributary_protocol::vocab::{AccountId, PurchaseId};
use tributary_stripe::webhook::{SignatureError, verify};
use tributary_stripe::{Envelope, StripeError};

/// An event that cannot be booked is tried this often, ever more rarely: about four days.
const TRIES_MAX: u32 = 40;
/// The longest pause between two tries.
const PAUSE_MAX: Duration = Duration::from_secs(3 * 3600);

/// The objects that an event can be about.
const CHECKOUT: &str = "checkout.session";
const PAYMENT: &str = "payment_intent";
const DISPUTE: &str = "dispute";

/// Why an event was not kept.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IntakeError {
    /// Not from Stripe, or not readable.
    #[error(transparent)]
    Signature(#[from] SignatureError),
    /// The store failed: Stripe sends it again.
    #[error("the store failed")]
    Store(#[from] StoreError),
}

impl Cashier {
    /// Takes an event as it came. `signature`: the value of `Stripe-Signature`.
    ///
    /// # Errors
    /// See [`IntakeError`].
    pub async fn take_in(&self, body: &[u8], signature: &str) -> Result<(), IntakeError> {
        let now = self.clock.now();
        let envelope = verify(body, signature, &self.webhook_secrets, now.0 / 1_000_000)?;
        let (object, object_id) = subject(&envelope, body);
        let (id, kind, live) = (envelope.id, envelope.kind, envelope.livemode);
        let event = PaymentEvent { id, kind, object, object_id, live, raw: body.to_vec() };
        if self.store.keep_event(&event, now).await? {
            self.bell.notify_one();
        }
        Ok(())
    }

    /// An event that was given up, or waits for its next try, is looked at now. False where there is none of that name.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn try_again(&self, event: &str) -> Result<bool, StoreError> {
        let known = self.store.retry_event(event, self.clock.now()).await?;
        self.bell.notify_one();
        Ok(known)
    }

    pub(super) async fn read_inbox(&self) -> Result<(), StoreError> {
        for event in self.store.open_events(self.clock.now(), BATCH).await? {
            let fate = match self.read(&event).await {
                Ok(fate) => fate,
                Err(CashierError::Store(error)) => return Err(error),
                Err(CashierError::Stripe(error)) => self.later(&event, &error),
            };
            self.store.end_event(&event.id, &fate).await?;
        }
        Ok(())
    }

    async fn read(&self, event: &OpenEvent) -> Result<EventFate, CashierError> {
        if event.live != self.live() {
            return Ok(EventFate::Ignored("it is of the other mode, test or live".to_owned()));
        }
        let found = match event.object.as_str() {
            CHECKOUT => {
                let page = self.stripe.checkout(&event.object_id).await?;
                let purchase = self.purchase_by(&page.id, page.purchase.as_deref()).await?;
                if let Some(purchase) = &purchase {
                    self.settle_page(purchase, &page).await?;
                }
                purchase
            }
            PAYMENT => {
                let payment = self.stripe.payment(&event.object_id).await?;
                let purchase = self.purchase_by(&payment.id, payment.purchase.as_deref()).await?;
                match &purchase {
                    // A page says itself when it is complete: until then its payment may be tried again.
                    Some(purchase) if purchase.session.is_some() => self.look(purchase).await?,
                    Some(purchase) => self.settle_payment(purchase, &payment).await?,
                    None => {}
                }
                if let Some(purchase) = &purchase {
                    self.book_returns(purchase, &payment).await?;
                }
                purchase
            }
            DISPUTE => {
                let dispute = self.stripe.dispute(&event.object_id).await?;
                let payment = self.stripe.payment(dispute.payment.as_deref().unwrap_or_default()).await?;
                let purchase = self.purchase_by(&payment.id, payment.purchase.as_deref()).await?;
                if let Some(purchase) = &purchase {
                    // It may be told before the payment is.
                    self.settle_payment(purchase, &payment).await?;
                    self.book_dispute(purchase, &dispute).await?;
                }
                purchase
            }
            other => return Ok(EventFate::Ignored(format!("nothing is done about `{other}`"))),
        };
        Ok(match found {
            Some(_) => EventFate::Done,
            None => EventFate::Ignored("no purchase of this server".to_owned()),
        })
    }

    /// By Stripe's name, or by ours, which Stripe kept.
    async fn purchase_by(&self, name: &str, reference: Option<&str>) -> Result<Option<Purchase>, StoreError> {
        if let Some(purchase) = self.store.purchase_of(name).await? {
            return Ok(Some(purchase));
        }
        let Some((account, id)) = reference.and_then(|reference| reference.split_once('.')) else {
            return Ok(None);
        };
        match (account.parse::<AccountId>(), id.parse::<PurchaseId>()) {
            (Ok(account), Ok(id)) => self.store.purchase(&Tenant::acting_for(account), id).await,
            _ => Ok(None),
        }
    }

    fn later(&self, event: &OpenEvent, error: &StripeError) -> EventFate {
        let reason = error.to_string();
        if matches!(error, StripeError::NotFound) {
            return EventFate::Ignored(reason);
        }
        if event.tries >= TRIES_MAX {
            tracing::error!(event = event.id, reason, "A PAYMENT EVENT WAS GIVEN UP");
            return EventFate::Dead(reason);
        }
        EventFate::Again(self.next_try(event.tries), reason)
    }

    fn next_try(&self, tries: u32) -> Timestamp {
        let pause = Duration::from_secs(5).saturating_mul(1 << tries.min(12)).min(PAUSE_MAX);
        self.clock.now().after(pause)
    }
}

/// What to ask Stripe for: of charges and refunds the payment, which the event names. Only a name is taken from it.
fn subject(envelope: &Envelope, body: &[u8]) -> (String, String) {
    let object = envelope.object_kind.clone().unwrap_or_default();
    let id = envelope.object.clone().unwrap_or_default();
    if !matches!(object.as_str(), "charge" | "refund") {
        return (object, id);
    }
    let payment = serde_json::from_slice::<Value>(body).ok().and_then(|event| {
        let payment = event.pointer("/data/object/payment_intent")?.clone();
        let id = payment.get("id").cloned().unwrap_or(payment);
        id.as_str().map(str::to_owned)
    });
    payment.map_or((object, id), |payment| (PAYMENT.to_owned(), payment))
}
