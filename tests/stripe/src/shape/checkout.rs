//! A checkout session: what is the same for each, what was asked for, and what became of it.

use crate::world::{Checkout, CheckoutState, NewCheckout, World};
use serde_json::{Value, json};

pub(crate) fn checkout(world: &World, checkout: &Checkout) -> Value {
    let mut object = always();
    for part in [asked(&checkout.new), became(world, checkout)] {
        if let (Value::Object(object), Value::Object(part)) = (&mut object, part) {
            object.extend(part);
        }
    }
    object
}

fn always() -> Value {
    json!({
        "object": "checkout.session",
        "adaptive_pricing": { "enabled": false },
        "after_expiration": null,
        "allow_promotion_codes": null,
        "automatic_tax": { "enabled": false, "liability": null, "provider": null, "status": null },
        "billing_address_collection": null,
        "client_secret": null,
        "collected_information": null,
        "consent": null,
        "consent_collection": null,
        "currency_conversion": null,
        "custom_fields": [],
        "custom_text": {
            "after_submit": null,
            "shipping_address": null,
            "submit": null,
            "terms_of_service_acceptance": null,
        },
        "discounts": [],
        "livemode": false,
        "mode": "payment",
        "origin_context": null,
        "payment_link": null,
        "payment_method_collection": "if_required",
        "payment_method_configuration_details": null,
        "payment_method_options": {},
        "payment_method_types": ["card", "sepa_debit"],
        "permissions": null,
        "phone_number_collection": { "enabled": false },
        "recovered_from": null,
        "saved_payment_method_options": null,
        "setup_intent": null,
        "shipping_address_collection": null,
        "shipping_cost": null,
        "shipping_options": [],
        "submit_type": null,
        "subscription": null,
        "total_details": { "amount_discount": 0, "amount_shipping": 0, "amount_tax": 0 },
        "wallet_options": null,
    })
}

fn asked(new: &NewCheckout) -> Value {
    json!({
        "amount_subtotal": new.amount,
        "amount_total": new.amount,
        "cancel_url": new.cancel_url,
        "client_reference_id": new.reference,
        "currency": new.currency,
        "customer_creation": new.makes_customer.then_some("always"),
        "customer_email": new.email,
        "invoice_creation": {
            "enabled": new.makes_invoice,
            "invoice_data": {
                "account_tax_ids": null,
                "custom_fields": null,
                "description": null,
                "footer": null,
                "issuer": null,
                "metadata": {},
                "rendering_options": null,
            },
        },
        "locale": new.locale,
        "metadata": new.metadata,
        "success_url": new.success_url,
    })
}

fn became(world: &World, checkout: &Checkout) -> Value {
    let email = &checkout.new.email;
    let is_open = checkout.state == CheckoutState::Open;
    let status = match checkout.state {
        CheckoutState::Open => "open",
        CheckoutState::Complete => "complete",
        CheckoutState::Expired => "expired",
    };
    let details = json!({
        "address": null,
        "business_name": null,
        "email": email,
        "individual_name": null,
        "name": null,
        "phone": null,
        "tax_exempt": "none",
        "tax_ids": null,
    });
    json!({
        "id": checkout.id,
        "created": checkout.created,
        "customer": checkout.customer,
        "customer_details": (!is_open || email.is_some()).then_some(details),
        "expires_at": checkout.expires_at,
        "invoice": checkout.invoice,
        "payment_intent": checkout.payment,
        "payment_status": if checkout.is_paid { "paid" } else { "unpaid" },
        "status": status,
        "url": is_open.then(|| format!("{}/pay/{}", world.url, checkout.id)),
    })
}
