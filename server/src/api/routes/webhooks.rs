//! Rows of the table: addresses that are told of jobs, and what they were told.

use super::super::{schema, webhooks};
use super::{Content, IDEMPOTENCY, Method, Route, limit};
use crate::people::Right;
use axum::routing::on;

/// Endpoints that are told of jobs.
pub(super) fn of_webhooks() -> Vec<Route> {
    use Content::{Json, Nothing};
    use Method::{Delete, Get, Post};
    use Right::Manage;
    vec![
        route!(
            Get,
            "/webhooks",
            Some(Manage),
            "listWebhooks",
            "Addresses that are told how jobs end.",
            &[],
            Nothing,
            Json(schema::webhooks),
            |method| on(method, webhooks::list)
        ),
        route!(
            Post,
            "/webhooks",
            Some(Manage),
            "createWebhook",
            "Adds an address, and shows the secret that signs what is sent there. Each event is a POST of JSON with `id`, \
             `type`, `created_at` and `job`; `Tributary-Signature: t=SECONDS,v1=HEX` is HMAC-SHA256 of `SECONDS.BODY` by the \
             secret. Whatever answers 2xx within 10 s has taken it; else it is sent again with growing waits for a day. An \
             event may come twice, always with the same `id`. Where something is given up and nothing was taken for three \
             days, the address is switched off. Asking again with the same `id` or Idempotency-Key answers with the same \
             webhook, for a day with its secret, later with 409; without either, each call adds one.",
            &[IDEMPOTENCY],
            Json(schema::webhook_wish),
            Json(schema::webhook_with_secret),
            |method| on(method, webhooks::create)
        ),
        route!(
            Delete,
            "/webhooks/{webhook}",
            Some(Manage),
            "deleteWebhook",
            "Forgets an address and what it was still to be told.",
            &[],
            Nothing,
            Json(schema::removed),
            |method| on(method, webhooks::remove)
        ),
    ]
}

/// What is done with one.
pub(super) fn of_one() -> Vec<Route> {
    use Content::{Json, Nothing};
    use Method::{Patch, Post};
    use Right::Manage;
    vec![
        route!(
            Patch,
            "/webhooks/{webhook}",
            Some(Manage),
            "changeWebhook",
            "Has an address hear of these events from now on, and of no others; what it was still to be told before, it is \
             told. Its url and its secret stay: for another url make a new one, for another secret rotate it.",
            &[],
            Json(schema::webhook_change),
            Json(schema::webhook),
            |method| on(method, webhooks::change)
        ),
        route!(
            Post,
            "/webhooks/{webhook}/rotate",
            Some(Manage),
            "rotateWebhook",
            "Makes another secret and shows it. For 24 hours both sign: the header has a `v1` of each.",
            &[],
            Nothing,
            Json(schema::webhook_with_secret),
            |method| on(method, webhooks::rotate)
        ),
        route!(
            Post,
            "/webhooks/{webhook}/enable",
            Some(Manage),
            "enableWebhook",
            "Switches an address on again that was switched off. Jobs that ended meanwhile are not told of.",
            &[],
            Nothing,
            Json(schema::webhook),
            |method| on(method, webhooks::enable)
        ),
    ]
}

/// What they were told.
pub(super) fn of_deliveries() -> Vec<Route> {
    use Content::{Json, Nothing};
    use Method::{Get, Post};
    use Right::Manage;
    vec![
        route!(
            Post,
            "/webhooks/{webhook}/test",
            Some(Manage),
            "testWebhook",
            "Sends an event of the type `test` without a job.",
            &[],
            Nothing,
            Json(schema::event),
            |method| on(method, webhooks::test)
        ),
        route!(
            Get,
            "/webhooks/{webhook}/deliveries",
            Some(Manage),
            "listDeliveries",
            "What an address was told in the last 30 days and how it went, newest first.",
            &[limit::<{ webhooks::PAGE_MAX }>()],
            Nothing,
            Json(schema::deliveries),
            |method| on(method, webhooks::deliveries)
        ),
        route!(
            Post,
            "/webhooks/{webhook}/deliveries/{event}/again",
            Some(Manage),
            "deliverAgain",
            "Sends an event again, whatever became of it, for another day.",
            &[],
            Nothing,
            Json(schema::delivery),
            |method| on(method, webhooks::again)
        ),
    ]
}
