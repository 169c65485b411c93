//! The API over HTTP: who asks, whether they asked before, what goes wrong. What a call does is in `api/calls`.

mod answer;
mod calls;
mod keys;

use crate::Inner;
use crate::fault::{Fault, When};
use crate::form::Form;
use crate::refusal::Refusal;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, Uri};
use axum::response::Response;
use std::sync::Arc;

use answer::Answer;
use keys::Known;

pub(crate) use keys::Keys;

/// The key of the account in test mode.
pub const TEST_KEY: &str = "sk_test_double";
/// The key of the same account in live mode, where it has nothing and may nothing.
pub const LIVE_KEY: &str = "sk_live_double";

pub(crate) async fn call(
    State(inner): State<Arc<Inner>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let fault = inner.lock().faults.next();
    match fault {
        Some((fault, When::Before)) => answer::spoiled(fault, Answer::nothing()).await,
        Some((fault, when)) => {
            let kept = (when == When::Kept).then_some(fault);
            let answer = carry_out(&inner, &method, &uri, &headers, &body, kept);
            inner.post();
            answer::spoiled(fault, answer).await
        }
        None => {
            let answer = carry_out(&inner, &method, &uri, &headers, &body, None);
            inner.post();
            answer.response()
        }
    }
}

/// `kept`: a failure that takes the place of the work and stays with the key.
fn carry_out(
    inner: &Inner,
    method: &Method,
    uri: &Uri,
    headers: &HeaderMap,
    body: &[u8],
    kept: Option<Fault>,
) -> Answer {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    match header("authorization").and_then(|value| value.strip_prefix("Bearer ")) {
        Some(TEST_KEY) => {}
        Some(LIVE_KEY) if method == Method::GET => {
            return Answer::refusal(&Refusal::other_mode(uri.path().rsplit('/').next().unwrap_or_default()));
        }
        Some(LIVE_KEY) => return Answer::refusal(&Refusal::test_only()),
        _ => return Answer::refusal(&Refusal::unauthorized()),
    }
    let mut state = inner.lock();
    state.world.pass_time();
    let encoded = if method == Method::GET { uri.query().unwrap_or_default().as_bytes() } else { body };
    let key = header("idempotency-key").filter(|_| method == Method::POST).map(str::to_owned);
    if let Some(key) = &key {
        match state.keys.ask(key, uri.path(), body) {
            Known::No => {}
            Known::Same(answer) => return answer.replayed(),
            Known::Other => return Answer::refusal(&Refusal::key_reused()),
        }
    }
    let answer = match kept {
        Some(Fault::Status(status)) => Answer::refusal(&Refusal::broken(status)),
        _ => match calls::carry_out(&mut state.world, method, uri.path(), Form::read(encoded)) {
            Ok(object) => Answer::of(object),
            Err(refusal) => Answer::refusal(&refusal),
        },
    };
    // What was refused before anything was tried can be asked again.
    if let Some(key) = key.filter(|_| !matches!(answer.status, 400 | 401 | 403 | 404)) {
        state.keys.keep(key, uri.path(), body, answer.clone());
    }
    answer
}
