//! What Stripe tells, at `POST /stripe/events`. Kept before it is answered; looked at later.

use crate::cashier::{Cashier, IntakeError};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use std::sync::Arc;
use tributary_stripe::webhook::{BODY_BYTES_MAX, SignatureError};

/// The path that Stripe is told.
pub const PATH: &str = "/stripe/events";

/// The one route.
pub fn routes(cashier: Arc<Cashier>) -> Router {
    let limit = DefaultBodyLimit::max(BODY_BYTES_MAX);
    Router::new().route(PATH, post(take_in)).layer(limit).with_state(cashier)
}

async fn take_in(State(cashier): State<Arc<Cashier>>, headers: HeaderMap, body: Bytes) -> Response {
    let signature = headers.get("stripe-signature").and_then(|value| value.to_str().ok());
    match cashier.take_in(&body, signature.unwrap_or_default()).await {
        Ok(()) => StatusCode::OK.into_response(),
        Err(error) => {
            tracing::warn!(error = &error as &dyn std::error::Error, "an event of Stripe's was not taken");
            (status(&error), error.to_string()).into_response()
        }
    }
}

/// Where Stripe is right and this server is not, it shall come again.
fn status(error: &IntakeError) -> StatusCode {
    use SignatureError::{Header, Mismatch, NotAnEvent, TooLong, TooOld};
    match error {
        IntakeError::Signature(TooLong { .. } | Header | Mismatch) => StatusCode::BAD_REQUEST,
        IntakeError::Signature(TooOld { .. } | NotAnEvent(_)) | IntakeError::Store(_) => {
            StatusCode::INTERNAL_SERVER_ERROR
        }
    }
}
