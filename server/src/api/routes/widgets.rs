//! Rows of the table: what an account shows on pages of others.

use super::super::{schema, widgets};
use super::{Content, IDEMPOTENCY_KEY, Method, Route};
use crate::people::Right;
use axum::routing::on;

pub(super) fn of_widgets() -> Vec<Route> {
    use Content::{Json, Nothing};
    use Method::{Delete, Get, Post};
    use Right::Manage;
    vec![
        route!(
            Get,
            "/widgets",
            Some(Manage),
            "listWidgets",
            "Services of this account that are shown on pages of others, and what is spent by them.",
            &[],
            Nothing,
            Json(schema::widgets),
            |method| on(method, widgets::list)
        ),
        route!(
            Post,
            "/widgets",
            Some(Manage),
            "createWidget",
            "Makes one: a model in a frame on pages of your own, whose visitors send a file and hear what becomes of it, and this \
             account pays. `html` goes into the page. Asking again with the same Idempotency-Key answers with the same widget; \
             with another request it is refused (409); without one, each call makes one.",
            &[IDEMPOTENCY_KEY],
            Json(schema::widget_wish),
            Json(schema::widget),
            |method| on(method, widgets::create)
        ),
        route!(
            Get,
            "/widgets/{widget}",
            Some(Manage),
            "getWidget",
            "A widget as it is now, revoked or not.",
            &[],
            Nothing,
            Json(schema::widget),
            |method| on(method, widgets::get)
        ),
        route!(
            Delete,
            "/widgets/{widget}",
            Some(Manage),
            "revokeWidget",
            "Ends it at once and for ever: pages that show it show nothing, and visitors cannot come back to what they made.",
            &[],
            Nothing,
            Json(schema::widget),
            |method| on(method, widgets::revoke)
        ),
    ]
}
