//! The page where a buyer pays: plain HTML, so that a browser and a test can use it.

use crate::Inner;
use crate::form::Form;
use crate::world::{Checkout, CheckoutState, Way};
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Redirect, Response};
use std::sync::Arc;

/// What the page offers: name in the form, what people read, what it is.
const WAYS: [(&str, &str, Way); 4] = [
    ("card", "Card", Way::Card),
    ("card_of_holder", "Card that asks for its holder later", Way::CardOfHolder),
    ("declined_card", "Card that is declined", Way::DeclinedCard),
    ("sepa_debit", "SEPA debit, paid days later", Way::SepaDebit),
];

pub(crate) async fn show(State(inner): State<Arc<Inner>>, Path(id): Path<String>) -> Response {
    let mut state = inner.lock();
    state.world.pass_time();
    match state.world.checkouts.get(&id) {
        Some(checkout) => page(checkout, ""),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

pub(crate) async fn press(State(inner): State<Arc<Inner>>, Path(id): Path<String>, body: Bytes) -> Response {
    let mut form = Form::read(&body);
    let mut state = inner.lock();
    state.world.pass_time();
    let Some(checkout) = state.world.checkouts.get(&id).cloned() else {
        return StatusCode::NOT_FOUND.into_response();
    };
    if checkout.state != CheckoutState::Open {
        return page(&checkout, "");
    }
    if form.take("button").as_deref() == Some("cancel") {
        return Redirect::to(checkout.new.cancel_url.as_deref().unwrap_or("/")).into_response();
    }
    let method = form.take("method");
    let Some((_, _, way)) = WAYS.iter().find(|(name, _, _)| method.as_deref() == Some(name)) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let has_worked = state.world.pay(&id, *way);
    drop(state);
    inner.post();
    match has_worked {
        Ok(true) => {
            Redirect::to(&checkout.new.success_url.replace("{CHECKOUT_SESSION_ID}", &id)).into_response()
        }
        Ok(false) => page(&checkout, "Your card was declined. Try another."),
        Err(_) => StatusCode::CONFLICT.into_response(),
    }
}

fn page(checkout: &Checkout, word: &str) -> Response {
    let new = &checkout.new;
    let (product, currency) = (escaped(&new.product), escaped(&new.currency));
    let amount = format!("{}.{:02} {currency}", new.amount / 100, new.amount % 100);
    if checkout.state != CheckoutState::Open {
        return Html(format!("<!doctype html><title>{product}</title><p>This page is closed.</p>"))
            .into_response();
    }
    let ways: String = WAYS
        .iter()
        .enumerate()
        .map(|(index, (name, label, _))| {
            let checked = if index == 0 { " checked" } else { "" };
            format!("<p><label><input type=radio name=method value={name}{checked}> {label}</label></p>")
        })
        .collect();
    Html(format!(
        "<!doctype html><html lang=en><meta charset=utf-8><link rel=icon href=data:,><title>{product}</title>\
         <h1>{product}</h1><p id=amount>{amount}</p><p id=word>{word}</p>\
         <form method=post>{ways}\
         <button name=button value=pay>Pay</button> <button name=button value=cancel>Cancel</button></form></html>"
    ))
    .into_response()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
