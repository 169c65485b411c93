//! A payment as it comes over the wire, with its latest charge: the fields that somebody relies on, and no others.

use super::{Payment, PaymentState};
use crate::money::amount_of;
use crate::{Currency, PURCHASE, StripeError};
use miniserde::Deserialize;
use std::collections::BTreeMap;

#[derive(Deserialize)]
pub(super) struct Answer {
    id: String,
    status: String,
    currency: String,
    amount: i64,
    amount_received: i64,
    livemode: bool,
    customer: Option<String>,
    payment_method: Option<String>,
    last_payment_error: Option<Failure>,
    latest_charge: Option<Charge>,
    metadata: BTreeMap<String, String>,
    created: i64,
}

#[derive(Deserialize)]
struct Failure {
    code: Option<String>,
    decline_code: Option<String>,
}

#[derive(Deserialize)]
struct Charge {
    id: String,
    amount_refunded: i64,
    disputed: bool,
    receipt_url: Option<String>,
}

impl Answer {
    pub(super) fn payment(self) -> Result<Payment, StripeError> {
        let charge = self.latest_charge;
        Ok(Payment {
            state: state(self.status),
            currency: Currency::read(&self.currency)?,
            amount_minor: amount_of(self.amount)?,
            received_minor: amount_of(self.amount_received)?,
            refunded_minor: amount_of(charge.as_ref().map_or(0, |charge| charge.amount_refunded))?,
            is_disputed: charge.as_ref().is_some_and(|charge| charge.disputed),
            charge: charge.as_ref().map(|charge| charge.id.clone()),
            receipt_url: charge.and_then(|charge| charge.receipt_url),
            failure: self.last_payment_error.and_then(|failure| failure.decline_code.or(failure.code)),
            purchase: self.metadata.get(PURCHASE).cloned(),
            metadata: self.metadata,
            id: self.id,
            livemode: self.livemode,
            customer: self.customer,
            method: self.payment_method,
            created_at_seconds: self.created,
        })
    }
}

fn state(word: String) -> PaymentState {
    match word.as_str() {
        "requires_payment_method" => PaymentState::WantsMethod,
        "requires_confirmation" => PaymentState::WantsConfirmation,
        "requires_action" => PaymentState::WantsBuyer,
        "processing" => PaymentState::Processing,
        "requires_capture" => PaymentState::WantsCapture,
        "succeeded" => PaymentState::Succeeded,
        "canceled" => PaymentState::Cancelled,
        _ => PaymentState::Other(word),
    }
}
