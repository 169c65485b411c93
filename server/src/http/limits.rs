//! How often one may ask for a page: 429 with the time to wait, and in every answer what is left. Names of the headers by
//! draft-ietf-httpapi-ratelimit-headers-05 and RFC 9110.

use crate::throttle::proxy::Proxies;
use crate::throttle::{Standing, Throttle, TooOften};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

const LIMIT: HeaderName = HeaderName::from_static("ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("ratelimit-reset");

/// Everything the door uses.
#[derive(Clone)]
pub struct Door {
    /// How often.
    pub throttle: Arc<Throttle>,
    /// From where.
    pub proxies: Arc<Proxies>,
}

/// Who asks, as the door found it: an extension of every request behind it. A page that lets nobody in (a wrong password)
/// tells [`Throttle::failed`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer(pub IpAddr);

/// A layer for routes: `axum::middleware::from_fn_with_state(door, limit)`.
pub async fn limit(State(door): State<Door>, mut request: Request, next: Next) -> Response {
    let socket = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
    let header = request.headers().get(door.proxies.header()).and_then(|value| value.to_str().ok());
    let peer = door.proxies.peer(socket.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED)), header);
    match door.throttle.arrives(peer) {
        Err(refused) => too_often(&refused),
        Ok(standing) => {
            request.extensions_mut().insert(Peer(peer));
            let mut response = next.run(request).await;
            if let Some(Standing { burst, remaining, full_in }) = standing {
                tell(&mut response, burst, remaining, full_in);
            }
            response
        }
    }
}

/// 429, for pages that count by something else, too.
#[must_use]
pub fn too_often(refused: &TooOften) -> Response {
    let mut response = (StatusCode::TOO_MANY_REQUESTS, refused.to_string()).into_response();
    tell(&mut response, refused.burst, 0, refused.retry_after);
    response.headers_mut().insert(RETRY_AFTER, seconds(refused.retry_after));
    response
}

fn tell(response: &mut Response, burst: u32, remaining: u32, reset: Duration) {
    let headers = response.headers_mut();
    headers.insert(LIMIT, HeaderValue::from(burst));
    headers.insert(REMAINING, HeaderValue::from(remaining));
    headers.insert(RESET, seconds(reset));
}

/// Whole seconds, up: whoever waits so long is not too early.
fn seconds(wait: Duration) -> HeaderValue {
    HeaderValue::from(wait.as_secs() + u64::from(wait.subsec_nanos() > 0))
}
