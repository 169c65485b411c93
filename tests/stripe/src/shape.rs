//! Objects as Stripe's API writes them in the version named here: every field that its published description says is
//! always there, and those that anybody here reads. Written after that description, not copied from any recording.
//!
//! What it cannot say is whether Stripe would write the same; a test of the adapter holds every object against types
//! that were generated from the description.

mod checkout;
mod payment;

use crate::world::{Customer, Dispute, Invoice, Refund, World};
use serde_json::{Value, json};

pub(crate) use checkout::checkout;
pub(crate) use payment::{charge, payment};

/// The version that is answered, whatever is asked for.
pub(crate) const API_VERSION: &str = "2026-09-30.endive";

pub(crate) fn customer(customer: &Customer) -> Value {
    json!({
        "id": customer.id,
        "object": "customer",
        "address": null,
        "balance": 0,
        "created": customer.created,
        "currency": null,
        "default_source": null,
        "delinquent": false,
        "description": null,
        "email": customer.email,
        "invoice_prefix": "DOUBLE",
        "invoice_settings": {
            "custom_fields": null,
            "default_payment_method": null,
            "footer": null,
            "rendering_options": null,
        },
        "livemode": false,
        "metadata": customer.metadata,
        "name": null,
        "next_invoice_sequence": 1,
        "phone": null,
        "preferred_locales": [],
        "shipping": null,
        "tax_exempt": "none",
        "test_clock": null,
    })
}

pub(crate) fn refund(refund: &Refund) -> Value {
    let mut object = json!({
        "id": refund.id,
        "object": "refund",
        "amount": refund.amount,
        "balance_transaction": null,
        "charge": refund.charge,
        "created": refund.created,
        "currency": refund.currency,
        "destination_details": { "card": { "type": "refund" }, "type": "card" },
        "metadata": {},
        "payment_intent": refund.payment,
        "reason": null,
        "receipt_number": null,
        "source_transfer_reversal": null,
        "status": if refund.has_failed { "failed" } else { "succeeded" },
        "transfer_reversal": null,
    });
    if refund.has_failed {
        object["failure_reason"] = "lost_or_stolen_card".into();
    }
    object
}

pub(crate) fn dispute(dispute: &Dispute) -> Value {
    let status = match dispute.won {
        None => "needs_response",
        Some(true) => "won",
        Some(false) => "lost",
    };
    json!({
        "id": dispute.id,
        "object": "dispute",
        "amount": dispute.amount,
        "balance_transactions": [],
        "charge": dispute.charge,
        "created": dispute.created,
        "currency": dispute.currency,
        "enhanced_eligibility_types": [],
        "evidence": { "customer_email_address": null, "enhanced_evidence": {}, "uncategorized_text": null },
        "evidence_details": {
            "due_by": dispute.created + 7 * 24 * 60 * 60,
            "enhanced_eligibility": {},
            "has_evidence": false,
            "past_due": false,
            "submission_count": 0,
        },
        "is_charge_refundable": false,
        "livemode": false,
        "metadata": {},
        "payment_intent": dispute.payment,
        "payment_method_details": {
            "card": { "brand": "visa", "case_type": "chargeback", "network": "visa", "network_reason_code": "10.4" },
            "type": "card",
        },
        "reason": "fraudulent",
        "status": status,
    })
}

/// A paid one.
pub(crate) fn invoice(world: &World, invoice: &Invoice) -> Value {
    let amount = invoice.amount;
    json!({
        "id": invoice.id,
        "object": "invoice",
        "account_country": "DE",
        "account_name": "Double",
        "account_tax_ids": null,
        "amount_due": amount,
        "amount_overpaid": 0,
        "amount_paid": amount,
        "amount_remaining": 0,
        "amount_shipping": 0,
        "application": null,
        "attempt_count": 0,
        "attempted": true,
        "auto_advance": false,
        "automatic_tax": { "disabled_reason": null, "enabled": false, "liability": null, "provider": null, "status": null },
        "billing_reason": "manual",
        "collection_method": "charge_automatically",
        "created": invoice.created,
        "currency": invoice.currency,
        "custom_fields": null,
        "customer": invoice.customer,
        "customer_email": null,
        "default_tax_rates": [],
        "description": null,
        "discounts": [],
        "due_date": null,
        "ending_balance": 0,
        "hosted_invoice_url": format!("{}/invoice/{}", world.url, invoice.id),
        "invoice_pdf": format!("{}/invoice/{}/pdf", world.url, invoice.id),
        "issuer": { "type": "self" },
        "lines": {
            "object": "list",
            "data": [],
            "has_more": false,
            "url": format!("/v1/invoices/{}/lines", invoice.id),
        },
        "livemode": false,
        "metadata": {},
        "next_payment_attempt": null,
        "number": "DOUBLE-0001",
        "payment_settings": {
            "default_mandate": null,
            "payment_method_options": null,
            "payment_method_types": null,
        },
        "period_end": invoice.created,
        "period_start": invoice.created,
        "post_payment_credit_notes_amount": 0,
        "pre_payment_credit_notes_amount": 0,
        "starting_balance": 0,
        "status": "paid",
        "status_transitions": {
            "finalized_at": invoice.created,
            "marked_uncollectible_at": null,
            "paid_at": invoice.created,
            "voided_at": null,
        },
        "subtotal": amount,
        "total": amount,
    })
}

/// One page of objects.
pub(crate) fn list(url: &str, data: Vec<Value>, has_more: bool) -> Value {
    json!({ "object": "list", "url": url, "data": data, "has_more": has_more })
}
