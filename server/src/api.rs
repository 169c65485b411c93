//! The developer API: JSON over HTTP beside gRPC, with the same keys, rights, limits and domain calls. Translates, nothing
//! else. One table of routes makes the router, the rights, the OpenAPI document and the reference page.
//!
//! Without a configured certificate it speaks plain HTTP: on loopback, or behind a proxy that has one.

mod account;
mod clips;
mod door;
mod events;
mod jobs;
mod members;
mod models;
mod openapi;
mod parameter;
mod problem;
mod reference;
mod request;
mod results;
mod routes;
mod schema;
mod shop;
mod webhooks;
mod widgets;
mod words;

use crate::auth::Auth;
use crate::cashier::Cashier;
use crate::courier::endpoints::Endpoints;
use crate::desk::Desk;
use crate::embed::Widgets;
use crate::grpc::TlsPem;
use crate::http::{limits, secured};
use crate::team::Team;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::header::CONTENT_TYPE;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

/// Streams of events that one process keeps open.
const WATCHES_MAX: usize = 1024;

/// Everything the edge uses.
#[derive(Clone)]
pub struct Edge {
    auth: Auth,
    door: limits::Door,
    desk: Arc<Desk>,
    cashier: Option<Arc<Cashier>>,
    endpoints: Endpoints,
    team: Team,
    widgets: Option<Widgets>,
    watches: Arc<Semaphore>,
}

impl Edge {
    /// Lets in by `auth`, counts at `door`, does calls at `desk`; `cashier` sells credits where any are sold, `endpoints`
    /// are where customers are told, `team` changes who belongs to an account, `widgets` are what accounts show elsewhere, where
    /// the server has them.
    #[must_use]
    pub fn new(
        auth: Auth,
        door: limits::Door,
        desk: Arc<Desk>,
        cashier: Option<Arc<Cashier>>,
        endpoints: Endpoints,
        team: Team,
        widgets: Option<Widgets>,
    ) -> Self {
        let watches = Arc::new(Semaphore::new(WATCHES_MAX));
        Self { auth, door, desk, cashier, endpoints, team, widgets, watches }
    }
}

/// A whole answer in JSON.
fn answer(body: &Value) -> Response {
    ([(CONTENT_TYPE, "application/json")], body.to_string()).into_response()
}

fn router(edge: Edge) -> Router {
    let mut router = Router::new();
    for route in routes::table() {
        let mut served = (route.serve)(route.method.filter());
        if let Some(right) = route.needs {
            served = served.route_layer(from_fn_with_state((edge.clone(), right), door::let_in));
        }
        router = router.route(&routes::full(route.path), served);
    }
    router
        .fallback(async || problem::no_route())
        .method_not_allowed_fallback(async || problem::no_method())
        .layer(DefaultBodyLimit::disable())
        .layer(from_fn_with_state(edge.door.clone(), limits::limit))
        .layer(from_fn(problem::dress))
        .with_state(edge)
}

/// Serves until `stop`, over TLS where there is a certificate, then lets calls under way end.
///
/// # Errors
/// Where certificate or listener cannot be used.
pub async fn serve(
    edge: Edge,
    listener: TcpListener,
    tls: Option<TlsPem>,
    stop: CancellationToken,
) -> std::io::Result<()> {
    secured::serve(router(edge), listener, tls, stop).await
}

#[cfg(test)]
#[path = "api/api_tests.rs"]
mod tests;
