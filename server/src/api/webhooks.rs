//! Endpoints that an account wants to be told at, and what they were told.

use super::problem::Problem;
use super::{Edge, request};
use crate::auth::Pass;
use crate::auth::token::Token;
use crate::clock::Timestamp;
use crate::courier::target::Target;
use crate::store::webhooks::NewWebhook;
use crate::webhook::{Delivery, Event, OLD_SECRET_SIGNS, Secret, WEBHOOKS_MAX, Webhook};
use axum::body::Body;
use axum::extract::{Extension, Path, RawQuery, State};
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use tributary_protocol::vocab::{EventId, WebhookId};

/// Deliveries in an answer when the client does not say, and at most.
const PAGE: u32 = 50;
const PAGE_MAX: u32 = 200;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WebhookWish {
    url: String,
    events: Option<Vec<String>>,
}

fn webhook(webhook: &Webhook, now: Timestamp) -> Value {
    json!({
        "id": webhook.id.to_string(),
        "url": webhook.url,
        "events": webhook.events.iter().map(|event| event.word()).collect::<Vec<_>>(),
        "old_secret_until": webhook.old_until.filter(|until| now < *until).map(Timestamp::rfc3339),
        "created_at": webhook.created_at.rfc3339(),
    })
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

fn none() -> Problem {
    Problem::not_found("there is no such webhook")
}

fn webhook_id(text: &str) -> Result<WebhookId, Problem> {
    request::id(text, "webhook")
}

/// All where nothing is said; none twice, in their order.
fn events(words: Option<Vec<String>>) -> Result<Vec<Event>, Problem> {
    let Some(words) = words else { return Ok(Event::CHOICES.to_vec()) };
    let read = |word: &String| Event::CHOICES.into_iter().find(|event| event.word() == word);
    let events: Option<BTreeSet<_>> = words.iter().map(read).collect();
    match events {
        Some(events) if !events.is_empty() => Ok(events.into_iter().collect()),
        _ => {
            let words = Event::CHOICES.map(Event::word).join(", ");
            Err(Problem::invalid(format!("`events` must name some of {words}")))
        }
    }
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
    body: Body,
) -> Result<Response, Problem> {
    let wish: WebhookWish = request::json(body).await?;
    Target::read(&wish.url, &edge.webhooks).map_err(|error| Problem::invalid(error.to_string()))?;
    let (id, secret) = (WebhookId::generate(), Secret::new(Token::generate().reveal()));
    let new = NewWebhook { id, url: wish.url, events: events(wish.events)?, secret };
    let now = edge.desk.clock.now();
    let added = edge.desk.store.add_webhook(&pass.principal.tenant, &new, now).await?;
    let added =
        added.ok_or_else(|| Problem::conflict(format!("an account has at most {WEBHOOKS_MAX} webhooks")))?;
    let mut answer = webhook(&added, now);
    answer["secret"] = json!(new.secret.reveal());
    Ok(super::answer(&answer))
}

pub(super) async fn remove(
    State(edge): State<Edge>,
    Extension(pass): Extension<Pass>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let removed = edge.desk.store.remove_webhook(&pass.principal.tenant, webhook_id(&id)?).await?;
    if removed { Ok(super::answer(&json!({ "removed": true }))) } else { Err(none()) }
}

pub(super) async fn rotate(
    State(edge): State<Edge>,
    Extension(pass): Extension<Pass>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let (tenant, id, now) = (&pass.principal.tenant, webhook_id(&id)?, edge.desk.clock.now());
    let secret = Secret::new(Token::generate().reveal());
    let old_until = now.after(OLD_SECRET_SIGNS);
    if !edge.desk.store.rotate_webhook(tenant, id, &secret, old_until).await? {
        return Err(none());
    }
    let rotated = edge.desk.store.webhook(tenant, id).await?.ok_or_else(none)?;
    let mut answer = webhook(&rotated, now);
    answer["secret"] = json!(secret.reveal());
    Ok(super::answer(&answer))
}

pub(super) async fn deliveries(
    State(edge): State<Edge>,
    Extension(pass): Extension<Pass>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let (tenant, id) = (&pass.principal.tenant, webhook_id(&id)?);
    let limit = request::page(query.as_deref(), PAGE, PAGE_MAX)?;
    edge.desk.store.webhook(tenant, id).await?.ok_or_else(none)?;
    let found = edge.desk.store.deliveries(tenant, id, limit).await?;
    Ok(super::answer(&json!({ "deliveries": found.iter().map(delivery).collect::<Vec<_>>() })))
}

pub(super) async fn again(
    State(edge): State<Edge>,
    Extension(pass): Extension<Pass>,
    Path((id, event)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let (tenant, event) = (&pass.principal.tenant, request::id::<EventId>(&event, "delivery")?);
    let store = &edge.desk.store;
    let again = store.deliver_again(tenant, webhook_id(&id)?, event, edge.desk.clock.now()).await?;
    let again = again.ok_or_else(|| Problem::not_found("there is no such delivery"))?;
    Ok(super::answer(&delivery(&again)))
}

pub(super) async fn test(
    State(edge): State<Edge>,
    Extension(pass): Extension<Pass>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let (tenant, id, event) = (&pass.principal.tenant, webhook_id(&id)?, EventId::generate());
    if !edge.desk.store.test_webhook(tenant, id, event, edge.desk.clock.now()).await? {
        return Err(none());
    }
    Ok(super::answer(&json!({ "id": event.to_string() })))
}
