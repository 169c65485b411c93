//! The calls that there are: parameters in, object out.

use crate::form::Form;
use crate::refusal::Refusal;
use crate::shape;
use crate::world::{NewCheckout, NewPayment, World};
use axum::http::Method;
use serde_json::Value;

/// How many objects a page has, where it is not said, and at most.
const PAGE: (i64, i64) = (10, 100);

pub(super) fn carry_out(
    world: &mut World,
    method: &Method,
    path: &str,
    form: Form,
) -> Result<Value, Refusal> {
    let parts: Vec<&str> = path.trim_start_matches("/v1/").split('/').collect();
    match (method.as_str(), parts.as_slice()) {
        ("POST", ["customers"]) => new_customer(world, form),
        ("POST", ["checkout", "sessions"]) => open(world, form),
        ("GET", ["checkout", "sessions"]) => checkouts(world, form),
        ("POST", ["checkout", "sessions", id, "expire"]) => {
            form.end()?;
            world.expire(id)?;
            checkout(world, id)
        }
        ("GET", ["checkout", "sessions", id]) => {
            form.end()?;
            checkout(world, id)
        }
        ("POST", ["payment_intents"]) => charge_again(world, form),
        ("GET", ["payment_intents", id]) => payment(world, id, form),
        ("POST", ["refunds"]) => refund(world, form),
        ("GET", ["customers", id]) => {
            found(form, "customer", id, world.customers.get(*id).map(shape::customer))
        }
        ("GET", ["refunds", id]) => found(form, "refund", id, world.refunds.get(*id).map(shape::refund)),
        ("GET", ["disputes", id]) => found(form, "dispute", id, world.disputes.get(*id).map(shape::dispute)),
        ("GET", ["invoices", id]) => {
            let invoice = world.invoices.get(*id).map(|invoice| shape::invoice(world, invoice));
            found(form, "invoice", id, invoice)
        }
        _ => Err(Refusal::no_route(path)),
    }
}

fn found(form: Form, kind: &str, id: &str, object: Option<Value>) -> Result<Value, Refusal> {
    form.end()?;
    object.ok_or_else(|| Refusal::not_found(kind, id))
}

fn checkout(world: &World, id: &str) -> Result<Value, Refusal> {
    let checkout = world.checkouts.get(id).ok_or_else(|| Refusal::not_found("checkout.session", id))?;
    Ok(shape::checkout(world, checkout))
}

fn new_customer(world: &mut World, mut form: Form) -> Result<Value, Refusal> {
    let email = form.take("email");
    let metadata = form.map("metadata");
    form.end()?;
    Ok(shape::customer(&world.new_customer(email, metadata)))
}

fn open(world: &mut World, mut form: Form) -> Result<Value, Refusal> {
    form.fixed("mode", "payment")?;
    form.fixed("line_items[0][quantity]", "1")?;
    let kept = form.take("payment_intent_data[setup_future_usage]");
    if kept.as_deref().is_some_and(|usage| usage != "off_session") {
        return Err(Refusal::invalid("payment_intent_data[setup_future_usage]"));
    }
    let new = NewCheckout {
        reference: form.take("client_reference_id"),
        metadata: form.map("metadata"),
        payment_metadata: form.map("payment_intent_data[metadata]"),
        product: form.need("line_items[0][price_data][product_data][name]")?,
        amount: form.amount("line_items[0][price_data][unit_amount]")?,
        currency: form.currency("line_items[0][price_data][currency]")?,
        customer: form.take("customer"),
        email: form.take("customer_email"),
        makes_customer: match form.take("customer_creation").as_deref() {
            None | Some("if_required") => false,
            Some("always") => true,
            Some(_) => return Err(Refusal::invalid("customer_creation")),
        },
        makes_invoice: form.switch("invoice_creation[enabled]")?,
        is_kept: kept.is_some(),
        locale: form.take("locale"),
        success_url: form.need("success_url")?,
        cancel_url: form.take("cancel_url"),
        expires_at: form.number("expires_at")?,
    };
    form.end()?;
    if new.customer.is_some() && (new.makes_customer || new.email.is_some()) {
        let message =
            "You may only specify one of these parameters: customer, customer_creation, customer_email.";
        return Err(Refusal::request("parameter_invalid", message, "customer"));
    }
    if new.email.as_ref().is_some_and(|email| !email.contains('@')) {
        return Err(Refusal::request("email_invalid", "Invalid email address", "customer_email"));
    }
    let checkout = world.open(new)?;
    Ok(shape::checkout(world, &checkout))
}

fn checkouts(world: &World, mut form: Form) -> Result<Value, Refusal> {
    let since = form.number("created[gte]")?.unwrap_or(i64::MIN);
    let after = form.take("starting_after");
    let limit = form.number("limit")?.unwrap_or(PAGE.0);
    form.end()?;
    if !(1..=PAGE.1).contains(&limit) {
        return Err(Refusal::invalid("limit"));
    }
    if let Some(after) = after.as_ref().filter(|id| !world.checkouts.contains_key(*id)) {
        return Err(Refusal::no_such("checkout.session", after, "starting_after"));
    }
    // Ids are in the order in which they were made; the newest comes first.
    let mut matching = world.checkouts.values().rev().filter(|checkout| {
        checkout.created >= since && after.as_ref().is_none_or(|after| checkout.id < *after)
    });
    let limit = usize::try_from(limit).unwrap_or(1);
    let page = matching.by_ref().take(limit).map(|checkout| shape::checkout(world, checkout)).collect();
    Ok(shape::list("/v1/checkout/sessions", page, matching.next().is_some()))
}

fn charge_again(world: &mut World, mut form: Form) -> Result<Value, Refusal> {
    form.fixed("confirm", "true")?;
    form.fixed("off_session", "true")?;
    // Else the payment could want a page to come back to.
    form.fixed("automatic_payment_methods[enabled]", "true")?;
    form.fixed("automatic_payment_methods[allow_redirects]", "never")?;
    let is_expanded = form.expands("latest_charge");
    let new = NewPayment {
        amount: form.amount("amount")?,
        currency: form.currency("currency")?,
        customer: Some(form.need("customer")?),
        metadata: form.map("metadata"),
        is_kept: false,
        checkout: None,
    };
    let method = form.need("payment_method")?;
    form.end()?;
    let id = world.charge_again(new, &method)?;
    Ok(shape::payment(world, &world.payments[&id], is_expanded))
}

fn payment(world: &World, id: &str, mut form: Form) -> Result<Value, Refusal> {
    let is_expanded = form.expands("latest_charge");
    form.end()?;
    let payment = world.payments.get(id).ok_or_else(|| Refusal::not_found("payment_intent", id))?;
    Ok(shape::payment(world, payment, is_expanded))
}

fn refund(world: &mut World, mut form: Form) -> Result<Value, Refusal> {
    let payment = form.need("payment_intent")?;
    let amount = form.amount("amount")?;
    form.end()?;
    Ok(shape::refund(&world.refund(&payment, Some(amount))?))
}
