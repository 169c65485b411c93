//! Endpoints that an account wants to be told at, and what they were told.

use super::problem::Problem;
use super::{Edge, request};
use crate::auth::Pass;
use crate::clock::Timestamp;
use crate::webhook::{Delivery, Event, Secret, Webhook};
use axum::body::Body;
use axum::extract::{Extension, Path, RawQuery, State};
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value, json};
use tributary_protocol::vocab::{EventId, WebhookId};

/// Deliveries in an answer when the client does not say, and at most.
const PAGE: u32 = 50;
pub(super) const PAGE_MAX: u32 = 200;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WebhookWish {
    id: Option<String>,
    url: String,
    events: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ChangeWish {
    events: Option<Vec<String>>,
    /// What many will try; it is refused in words.
    url: Option<Value>,
}

fn webhook(webhook: &Webhook, now: Timestamp) -> Value {
    json!({
        "id": webhook.id.to_string(),
        "url": webhook.url,
        "events": webhook.events.iter().map(|event| event.word()).collect::<Vec<_>>(),
        "old_secret_until": webhook.old_until.filter(|until| now < *until).map(Timestamp::rfc3339),
        "created_at": webhook.created_at.rfc3339(),
        "disabled_at": webhook.disabled.as_ref().map(|disabled| disabled.at.rfc3339()),
        "disabled_reason": webhook.disabled.as_ref().map(|disabled| &disabled.reason),
    })
}

fn with_secret((made, secret): &(Webhook, Secret), now: Timestamp) -> Value {
    let mut answer = webhook(made, now);
    answer["secret"] = json!(secret.reveal());
    answer
}

fn delivery(delivery: &Delivery) -> Value {
    let waits = delivery.ended_at.is_none();
    json!({
        "id": delivery.event_id.to_string(),
        "type": delivery.event.word(),
        "state": delivery.state.word(),
        "tries": delivery.tries,
        "next_try_at": waits.then(|| delivery.next_try_at.rfc3339()),
        "last_status": delivery.last_status,
        "last_error": delivery.last_error,
        "created_at": delivery.created_at.rfc3339(),
        "ended_at": delivery.ended_at.map(Timestamp::rfc3339),
    })
}

fn webhook_id(text: &str) -> Result<WebhookId, Problem> {
    request::id(text, "webhook")
}

pub(super) async fn list(
    State(edge): State<Edge>,
    Extension(pass): Extension<Pass>,
) -> Result<Response, Problem> {
    let (found, now) = (edge.desk.store.webhooks(&pass.principal.tenant).await?, edge.desk.clock.now());
    let found = found.iter().map(|found| webhook(found, now)).collect::<Vec<_>>();
    Ok(super::answer(&json!({ "webhooks": found })))
}

pub(super) async fn create(
    State(edge): State<Edge>,
    Extension(pass): Extension<Pass>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let (principal, wish) = (&pass.principal, request::json::<WebhookWish>(body).await?);
    let id = request::id_of_new_webhook(principal.tenant.account(), wish.id.as_deref(), &headers)?;
    // All where nothing is said.
    let words = wish.events.unwrap_or_else(|| Event::CHOICES.map(|event| event.word().to_owned()).into());
    let words = words.iter().map(String::as_str);
    let added = edge.endpoints.add(principal, id, &wish.url, words).await?;
    Ok(super::answer(&with_secret(&added, edge.desk.clock.now())))
}

pub(super) async fn change(
    State(edge): State<Edge>,
    Extension(pass): Extension<Pass>,
    Path(id): Path<String>,
    body: Body,
) -> Result<Response, Problem> {
    let (id, wish) = (webhook_id(&id)?, request::json::<ChangeWish>(body).await?);
    if wish.url.is_some() {
        return Err(Problem::invalid(
            "the url of a webhook cannot be changed: make a new endpoint there, then remove this one",
        ));
    }
    let words = wish.events.unwrap_or_default();
    let words = words.iter().map(String::as_str);
    let changed = edge.endpoints.change(&pass.principal.tenant, id, words).await?;
    Ok(super::answer(&webhook(&changed, edge.desk.clock.now())))
}

pub(super) async fn enable(
    State(edge): State<Edge>,
    Extension(pass): Extension<Pass>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let enabled = edge.endpoints.enable(&pass.principal.tenant, webhook_id(&id)?).await?;
    Ok(super::answer(&webhook(&enabled, edge.desk.clock.now())))
}

pub(super) async fn remove(
    State(edge): State<Edge>,
    Extension(pass): Extension<Pass>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    edge.endpoints.remove(&pass.principal.tenant, webhook_id(&id)?).await?;
    Ok(super::answer(&json!({ "removed": true })))
}

pub(super) async fn rotate(
    State(edge): State<Edge>,
    Extension(pass): Extension<Pass>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let rotated = edge.endpoints.rotate(&pass.principal.tenant, webhook_id(&id)?).await?;
    Ok(super::answer(&with_secret(&rotated, edge.desk.clock.now())))
}

pub(super) async fn test(
    State(edge): State<Edge>,
    Extension(pass): Extension<Pass>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let event = edge.endpoints.test(&pass.principal.tenant, webhook_id(&id)?).await?;
    Ok(super::answer(&json!({ "id": event.to_string() })))
}

pub(super) async fn deliveries(
    State(edge): State<Edge>,
    Extension(pass): Extension<Pass>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let limit = request::page(query.as_deref(), PAGE, PAGE_MAX)?;
    let found = edge.endpoints.deliveries(&pass.principal.tenant, webhook_id(&id)?, limit).await?;
    Ok(super::answer(&json!({ "deliveries": found.iter().map(delivery).collect::<Vec<_>>() })))
}

pub(super) async fn again(
    State(edge): State<Edge>,
    Extension(pass): Extension<Pass>,
    Path((id, event)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let event = request::id::<EventId>(&event, "delivery")?;
    let again = edge.endpoints.again(&pass.principal.tenant, webhook_id(&id)?, event).await?;
    Ok(super::answer(&delivery(&again)))
}
