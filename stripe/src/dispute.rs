//! A dispute: the buyer's bank wants a payment back. Only read here; evidence is given in Stripe's dashboard.

use crate::client::id;
use crate::{Money, Stripe, StripeError};
use miniserde::Deserialize;
use stripe_client_core::StripeRequest;
use stripe_core::dispute::RetrieveDispute;

/// Where a dispute is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DisputeState {
    /// The bank only asks: no money was taken.
    Inquiry,
    /// An inquiry that ended without a dispute.
    InquiryClosed,
    /// The money is gone until we answer and the bank decides.
    WantsAnswer,
    /// The bank decides.
    UnderReview,
    /// The money came back.
    Won,
    /// The money stays gone.
    Lost,
    /// Ended before it became one: the payment was refunded.
    Prevented,
    /// A word that Stripe has added since.
    Other(String),
}

/// A dispute as Stripe has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dispute {
    /// Stripe's id: `dp_...` or `du_...`.
    pub id: String,
    /// Where it is.
    pub state: DisputeState,
    /// How much is disputed.
    pub amount: Money,
    /// Why, in Stripe's word.
    pub reason: String,
    /// Of which payment: `pi_...`.
    pub payment: Option<String>,
    /// Of which charge: `ch_...`.
    pub charge: String,
    /// Whether money moves.
    pub livemode: bool,
    /// When it began, in seconds since 1970.
    pub created_at_seconds: i64,
}

impl Stripe {
    /// A dispute as it is now.
    ///
    /// # Errors
    /// See [`StripeError`].
    pub async fn dispute(&self, dispute: &str) -> Result<Dispute, StripeError> {
        let answer: Answer = self.get(RetrieveDispute::new(id(dispute)?).build()).await?;
        Ok(Dispute {
            state: state(answer.status),
            amount: Money::read(answer.amount, &answer.currency)?,
            id: answer.id,
            reason: answer.reason,
            payment: answer.payment_intent,
            charge: answer.charge,
            livemode: answer.livemode,
            created_at_seconds: answer.created,
        })
    }
}

#[derive(Deserialize)]
struct Answer {
    id: String,
    status: String,
    amount: i64,
    currency: String,
    reason: String,
    payment_intent: Option<String>,
    charge: String,
    livemode: bool,
    created: i64,
}

fn state(word: String) -> DisputeState {
    match word.as_str() {
        "warning_needs_response" | "warning_under_review" => DisputeState::Inquiry,
        "warning_closed" => DisputeState::InquiryClosed,
        "needs_response" => DisputeState::WantsAnswer,
        "under_review" => DisputeState::UnderReview,
        "won" => DisputeState::Won,
        "lost" => DisputeState::Lost,
        "prevented" => DisputeState::Prevented,
        _ => DisputeState::Other(word),
    }
}
