//! A checkout as it comes over the wire: the fields that somebody relies on, and no others.

use super::{Checkout, CheckoutStatus, PaymentStatus};
use crate::{Money, StripeError};
use miniserde::Deserialize;

#[derive(Deserialize)]
pub(super) struct Answer {
    id: String,
    url: Option<String>,
    status: Option<String>,
    payment_status: String,
    amount_total: Option<i64>,
    currency: Option<String>,
    livemode: bool,
    client_reference_id: Option<String>,
    payment_intent: Option<String>,
    customer: Option<String>,
    invoice: Option<String>,
    created: i64,
    expires_at: i64,
}

#[derive(Deserialize)]
pub(super) struct Page {
    pub(super) data: Vec<Answer>,
    pub(super) has_more: bool,
}

impl Answer {
    pub(super) fn checkout(self) -> Result<Checkout, StripeError> {
        let total = match (self.amount_total, &self.currency) {
            (Some(amount), Some(currency)) => Some(Money::read(amount, currency)?),
            _ => None,
        };
        Ok(Checkout {
            status: status(self.status.unwrap_or_default()),
            payment_status: payment_status(self.payment_status),
            total,
            id: self.id,
            url: self.url,
            livemode: self.livemode,
            purchase: self.client_reference_id,
            payment: self.payment_intent,
            customer: self.customer,
            invoice: self.invoice,
            created_at_seconds: self.created,
            expires_at_seconds: self.expires_at,
        })
    }
}

fn status(word: String) -> CheckoutStatus {
    match word.as_str() {
        "open" => CheckoutStatus::Open,
        "complete" => CheckoutStatus::Complete,
        "expired" => CheckoutStatus::Expired,
        _ => CheckoutStatus::Other(word),
    }
}

fn payment_status(word: String) -> PaymentStatus {
    match word.as_str() {
        "paid" => PaymentStatus::Paid,
        "unpaid" => PaymentStatus::Unpaid,
        "no_payment_required" => PaymentStatus::NoPaymentRequired,
        _ => PaymentStatus::Other(word),
    }
}
