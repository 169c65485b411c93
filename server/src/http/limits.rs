//! How often one may ask for a page: 429 with the time to wait, and in every answer what is left. Names of the headers by
//! draft-ietf-httpapi-ratelimit-headers-10 (`RateLimit-Policy`, `RateLimit`) and RFC 9110.

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

const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const STANDING: HeaderName = HeaderName::from_static("ratelimit");

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
    let headers = request.headers().get_all(door.proxies.header()).into_iter();
    let lines = headers.filter_map(|line| line.to_str().ok());
    let peer = door.proxies.peer(socket.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED)), lines);
    match door.throttle.arrives(peer) {
        Err(refused) => too_often(&refused),
        Ok(standing) => {
            request.extensions_mut().insert(Peer(peer));
            let mut response = next.run(request).await;
            tell(&mut response, standing.as_slice());
            response
        }
    }
}

/// 429, for pages that count by something else, too.
#[must_use]
pub fn too_often(refused: &TooOften) -> Response {
    let mut response = (StatusCode::TOO_MANY_REQUESTS, refused.to_string()).into_response();
    tell(&mut response, &[refused.into()]);
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds(refused.retry_after)));
    response
}

/// What is allowed in which time, and what is left until when, one line a bucket: `q` calls in `w` seconds, `r` calls left
/// and all of them again in `t` seconds.
pub fn tell(response: &mut Response, standings: &[Standing]) {
    for standing in standings {
        let Standing { whose, burst, remaining, full_in, .. } = standing;
        let (name, window, full_in) = (whose.word(), seconds(standing.window()), seconds(*full_in));
        for (header, text) in [
            (POLICY, format!("\"{name}\";q={burst};w={window}")),
            (STANDING, format!("\"{name}\";r={remaining};t={full_in}")),
        ] {
            let value = HeaderValue::try_from(text).expect("words and digits are a header");
            response.headers_mut().append(header, value);
        }
    }
}

/// Whole seconds, up: whoever waits so long is not too early.
fn seconds(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}
