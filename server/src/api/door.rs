//! Lets a request in: finds who asks before any of its body is read, counts it, and sees whether they may.

use super::Edge;
use super::problem::Problem;
use crate::auth::{AuthError, Pass};
use crate::http::limits::{self, Peer};
use crate::people::Right;
use crate::throttle::Standing;
use axum::extract::{Request, State};
use axum::http::header::AUTHORIZATION;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

/// A layer for every route that needs a right.
pub(super) async fn let_in(
    State((edge, right)): State<(Edge, Right)>,
    mut request: Request,
    next: Next,
) -> Response {
    let authorization = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let peer = request.extensions().get::<Peer>().copied();
    match pass(&edge, right, authorization, peer).await {
        Ok((pass, standings)) => {
            request.extensions_mut().insert(pass);
            let mut response = next.run(request).await;
            limits::tell(&mut response, &standings);
            response
        }
        Err(refused) => refused,
    }
}

async fn pass(
    edge: &Edge,
    right: Right,
    authorization: Option<&str>,
    peer: Option<Peer>,
) -> Result<(Pass, Vec<Standing>), Response> {
    let pass = Pass::of(&edge.auth, authorization).await.map_err(|error| {
        if let (AuthError::NoKey | AuthError::WrongKey, Some(Peer(peer))) = (&error, peer) {
            edge.door.throttle.failed(peer);
        }
        Problem::of_auth(&error).into_response()
    })?;
    let called = edge.door.throttle.calls(pass.prefix().as_deref(), pass.principal.tenant.account());
    let standings = called.map_err(|refused| limits::too_often(&refused))?;
    pass.principal.may(right).map_err(|forbidden| Problem::of_forbidden(&forbidden).into_response())?;
    Ok((pass, standings))
}
