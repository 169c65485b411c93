//! Lets a call in: finds its tenant before any of its body is read. The health service is open.

use super::status;
use crate::auth::Auth;
use crate::tenant::Tenant;
use axum::extract::{Request, State};
use axum::http::header::AUTHORIZATION;
use axum::middleware::Next;
use axum::response::Response;
use tonic::Status;

const OPEN: &str = "/grpc.health.v1.Health/";

pub(super) async fn let_in(State(auth): State<Auth>, mut request: Request, next: Next) -> Response {
    if request.uri().path().starts_with(OPEN) {
        return next.run(request).await;
    }
    let authorization = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    match auth.tenant(authorization).await {
        Ok(tenant) => {
            request.extensions_mut().insert(tenant);
            next.run(request).await
        }
        Err(error) => status::of_auth(&error).into_http(),
    }
}

/// The tenant the gate found.
pub(super) fn tenant<T>(request: &tonic::Request<T>) -> Result<Tenant, Status> {
    request.extensions().get::<Tenant>().copied().ok_or_else(|| Status::unauthenticated("no API key"))
}
