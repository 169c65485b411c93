//! A payment intent and its charge.

use crate::world::{Charge, Payment, PaymentState, Way, World};
use serde_json::{Value, json};

/// `is_expanded`: with the latest charge as an object.
pub(crate) fn payment(world: &World, payment: &Payment, is_expanded: bool) -> Value {
    let new = &payment.new;
    let status = match payment.state {
        PaymentState::WantsMethod => "requires_payment_method",
        PaymentState::Processing => "processing",
        PaymentState::Succeeded => "succeeded",
    };
    let latest = payment.charge.as_ref();
    let failure = payment.decline.map(|decline| {
        json!({
            "charge": latest.map(|charge| &charge.id),
            "code": decline.code,
            "decline_code": decline.reason,
            "message": decline.message,
            "type": "card_error",
        })
    });
    json!({
        "id": payment.id,
        "object": "payment_intent",
        "amount": new.amount,
        "amount_capturable": 0,
        "amount_details": { "tip": {} },
        "amount_received": if payment.state == PaymentState::Succeeded { new.amount } else { 0 },
        "application": null,
        "application_fee_amount": null,
        "automatic_payment_methods": { "allow_redirects": "never", "enabled": true },
        "canceled_at": null,
        "cancellation_reason": null,
        "capture_method": "automatic_async",
        "client_secret": format!("{}_secret_double", payment.id),
        "confirmation_method": "automatic",
        "created": payment.created,
        "currency": new.currency,
        "customer": new.customer,
        "description": null,
        "excluded_payment_method_types": null,
        "last_payment_error": failure,
        "latest_charge": latest.map(|latest| {
            if is_expanded { charge(world, payment, latest) } else { latest.id.clone().into() }
        }),
        "livemode": false,
        "metadata": new.metadata,
        "next_action": null,
        "on_behalf_of": null,
        "payment_method": payment.method,
        "payment_method_configuration_details": null,
        "payment_method_options": { "card": { "request_three_d_secure": "automatic" } },
        "payment_method_types": ["card", "sepa_debit"],
        "processing": null,
        "receipt_email": null,
        "review": null,
        "setup_future_usage": new.is_kept.then_some("off_session"),
        "shipping": null,
        "source": null,
        "statement_descriptor": null,
        "statement_descriptor_suffix": null,
        "status": status,
        "transfer_data": null,
        "transfer_group": null,
    })
}

pub(crate) fn charge(world: &World, payment: &Payment, charge: &Charge) -> Value {
    let amount = payment.new.amount;
    let has_paid = payment.state == PaymentState::Succeeded;
    let status = match payment.state {
        PaymentState::WantsMethod => "failed",
        PaymentState::Processing => "pending",
        PaymentState::Succeeded => "succeeded",
    };
    json!({
        "id": charge.id,
        "object": "charge",
        "amount": amount,
        "amount_captured": if has_paid { amount } else { 0 },
        "amount_refunded": charge.refunded,
        "application": null,
        "application_fee": null,
        "application_fee_amount": null,
        "balance_transaction": null,
        "billing_details": { "address": null, "email": null, "name": null, "phone": null, "tax_id": null },
        "calculated_statement_descriptor": "DOUBLE",
        "captured": payment.decline.is_none(),
        "created": charge.created,
        "currency": payment.new.currency,
        "customer": payment.new.customer,
        "description": null,
        "disputed": charge.is_disputed,
        "failure_balance_transaction": null,
        "failure_code": payment.decline.map(|decline| decline.code),
        "failure_message": payment.decline.map(|decline| decline.message),
        "fraud_details": {},
        "livemode": false,
        "metadata": payment.new.metadata,
        "on_behalf_of": null,
        "outcome": null,
        "paid": has_paid,
        "payment_intent": payment.id,
        "payment_method": payment.method,
        "payment_method_details": details(charge.way),
        "receipt_email": null,
        "receipt_number": null,
        "receipt_url": has_paid.then(|| format!("{}/receipt/{}", world.url, charge.id)),
        "refunded": charge.refunded == amount,
        "review": null,
        "shipping": null,
        "source": null,
        "source_transfer": null,
        "statement_descriptor": null,
        "statement_descriptor_suffix": null,
        "status": status,
        "transfer_data": null,
        "transfer_group": null,
    })
}

fn details(way: Way) -> Value {
    match way {
        Way::SepaDebit => json!({
            "sepa_debit": {
                "bank_code": "37040044",
                "branch_code": "",
                "country": "DE",
                "expected_debit_date": null,
                "fingerprint": null,
                "last4": "3000",
                "mandate": null,
            },
            "type": "sepa_debit",
        }),
        Way::Card | Way::DeclinedCard | Way::CardOfHolder => json!({
            "card": {
                "brand": "visa",
                "checks": { "address_line1_check": null, "address_postal_code_check": null, "cvc_check": "pass" },
                "country": "DE",
                "exp_month": 12,
                "exp_year": 2099,
                "fingerprint": null,
                "funding": "credit",
                "installments": null,
                "last4": "4242",
                "mandate": null,
                "network": "visa",
                "three_d_secure": null,
                "wallet": null,
            },
            "type": "card",
        }),
    }
}
