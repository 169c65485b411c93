//! Lets a call in: finds who asks before any of its body is read, and whether they may. The health service and signing in
//! are open.

use super::status;
use crate::auth::Auth;
use crate::people::Right;
use crate::tenant::{Principal, Tenant};
use axum::extract::{Request, State};
use axum::http::header::AUTHORIZATION;
use axum::middleware::Next;
use axum::response::Response;
use tonic::Status;

/// Services that nobody has to be known for.
const OPEN: [&str; 2] = ["/grpc.health.v1.Health/", "/tributary.v1.SignIn/"];

/// What each call needs. One that is not here is refused, so that a new one is decided on.
const NEEDS: [(&str, Right); 13] = [
    ("/tributary.v1.Account/Get", Right::Read),
    ("/tributary.v1.Account/History", Right::Read),
    ("/tributary.v1.Clips/Write", Right::Run),
    ("/tributary.v1.Clips/QueryWriteStatus", Right::Run),
    ("/tributary.v1.Jobs/Quote", Right::Read),
    ("/tributary.v1.Jobs/Create", Right::Run),
    ("/tributary.v1.Jobs/Get", Right::Read),
    ("/tributary.v1.Jobs/List", Right::Read),
    ("/tributary.v1.Jobs/Watch", Right::Read),
    ("/tributary.v1.Jobs/Cancel", Right::Run),
    ("/tributary.v1.Models/List", Right::Read),
    ("/tributary.v1.Stems/Read", Right::Read),
    ("/tributary.v1.Sheets/Read", Right::Read),
];

pub(super) async fn let_in(State(auth): State<Auth>, mut request: Request, next: Next) -> Response {
    let path = request.uri().path();
    if OPEN.iter().any(|open| path.starts_with(open)) {
        return next.run(request).await;
    }
    let right = NEEDS.iter().find(|(call, _)| *call == path).map(|(_, right)| *right);
    let authorization = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let principal = match auth.principal(authorization).await {
        Ok(principal) => principal,
        Err(error) => return status::of_auth(&error).into_http(),
    };
    let Some(right) = right else { return Status::unimplemented("this server has no such call").into_http() };
    if let Err(forbidden) = principal.may(right) {
        return status::of_forbidden(&forbidden).into_http();
    }
    request.extensions_mut().insert(principal);
    next.run(request).await
}

/// Who the gate found.
pub(super) fn principal<T>(request: &tonic::Request<T>) -> Result<Principal, Status> {
    request.extensions().get::<Principal>().copied().ok_or_else(|| Status::unauthenticated("no API key"))
}

/// Their account.
pub(super) fn tenant<T>(request: &tonic::Request<T>) -> Result<Tenant, Status> {
    Ok(principal(request)?.tenant)
}
