//! A refund: money of one payment on its way back. Decides nothing about credits.

use crate::client::id;
use crate::{IdempotencyKey, Money, Stripe, StripeError};
use miniserde::Deserialize;
use stripe_client_core::StripeRequest;
use stripe_core::refund::{CreateRefund, RetrieveRefund};

/// What to give back.
#[derive(Debug, Clone)]
pub struct NewRefund {
    /// Of which payment: `pi_...`.
    pub payment: String,
    /// How much, in minor units of the payment's currency.
    pub amount_minor: u64,
}

/// Where a refund is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RefundState {
    /// On its way.
    Pending,
    /// The buyer must do something for it.
    WantsBuyer,
    /// Sent. A bank can still return it: then it fails.
    Succeeded,
    /// The money came back to the account.
    Failed,
    /// Given up.
    Cancelled,
    /// A word that Stripe has added since.
    Other(String),
}

/// A refund as Stripe has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refund {
    /// Stripe's id: `re_...`.
    pub id: String,
    /// Where it is.
    pub state: RefundState,
    /// How much.
    pub amount: Money,
    /// Of which payment: `pi_...`.
    pub payment: Option<String>,
    /// Of which charge: `ch_...`.
    pub charge: Option<String>,
    /// Why it failed, in Stripe's word.
    pub failure: Option<String>,
    /// When it was made, in seconds since 1970.
    pub created_at_seconds: i64,
}

impl Stripe {
    /// Gives back a part of a payment, or all of it.
    ///
    /// # Errors
    /// See [`StripeError`]; refused where less is left or the payment is disputed.
    pub async fn refund(&self, new: &NewRefund, key: &IdempotencyKey) -> Result<Refund, StripeError> {
        let amount = i64::try_from(new.amount_minor).unwrap_or(i64::MAX);
        let request = CreateRefund::new().payment_intent(new.payment.clone()).amount(amount);
        let answer: Answer = self.post(&request, key).await?;
        answer.refund()
    }

    /// A refund as it is now.
    ///
    /// # Errors
    /// See [`StripeError`].
    pub async fn refund_state(&self, refund: &str) -> Result<Refund, StripeError> {
        let answer: Answer = self.get(RetrieveRefund::new(id(refund)?).build()).await?;
        answer.refund()
    }
}

#[derive(Deserialize)]
struct Answer {
    id: String,
    status: Option<String>,
    amount: i64,
    currency: String,
    payment_intent: Option<String>,
    charge: Option<String>,
    failure_reason: Option<String>,
    created: i64,
}

impl Answer {
    fn refund(self) -> Result<Refund, StripeError> {
        Ok(Refund {
            state: state(self.status.unwrap_or_default()),
            amount: Money::read(self.amount, &self.currency)?,
            id: self.id,
            payment: self.payment_intent,
            charge: self.charge,
            failure: self.failure_reason,
            created_at_seconds: self.created,
        })
    }
}

fn state(word: String) -> RefundState {
    match word.as_str() {
        "pending" => RefundState::Pending,
        "requires_action" => RefundState::WantsBuyer,
        "succeeded" => RefundState::Succeeded,
        "failed" => RefundState::Failed,
        "canceled" => RefundState::Cancelled,
        _ => RefundState::Other(word),
    }
}
