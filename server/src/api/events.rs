//! A job's changes as server-sent events (the HTML standard, 9.2): `event: job`, `id:` the job's `seq`, `data:` the job.
//! The stream ends with the job; with an `event: problem` where the key died or the server goes down.

use super::problem::Problem;
use super::{Edge, request, words};
use crate::auth::Pass;
use axum::body::Body;
use axum::extract::{Extension, Path, State};
use axum::http::HeaderMap;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

/// A comment is sent after so long without news: proxies close what is silent.
const COMMENT_EVERY: Duration = Duration::from_secs(15);
/// A listener that takes nothing for so long is given up.
const SEND_PATIENCE: Duration = Duration::from_secs(60);

pub(super) async fn watch(
    State(edge): State<Edge>,
    Extension(pass): Extension<Pass>,
    Path(job): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let Ok(place) = Arc::clone(&edge.watches).try_acquire_owned() else {
        return Err(Problem::busy("too many streams of events are open here; ask for the job instead"));
    };
    let last = headers.get("last-event-id").and_then(|value| value.to_str().ok()?.parse().ok()).unwrap_or(0);
    let mut views = edge.desk.watch(pass, request::job_id(&job)?, last).await?;
    let (sender, receiver) = mpsc::channel::<Result<String, Infallible>>(1);
    tokio::spawn(async move {
        let _place = place;
        loop {
            let (text, ends) = tokio::select! {
                () = sender.closed() => return,
                next = tokio::time::timeout(COMMENT_EVERY, views.recv()) => match next {
                    Err(_) => (":\n\n".to_owned(), false),
                    Ok(None) => return,
                    Ok(Some(Ok(view))) => (
                        format!("event: job\nid: {}\ndata: {}\n\n", view.seq, words::job(&view)),
                        view.job.state.is_terminal(),
                    ),
                    Ok(Some(Err(error))) => {
                        (format!("event: problem\ndata: {}\n\n", Problem::from(error).body()), true)
                    }
                },
            };
            if sender.send_timeout(Ok(text), SEND_PATIENCE).await.is_err() || ends {
                return;
            }
        }
    });
    let headers = [(CONTENT_TYPE, "text/event-stream"), (CACHE_CONTROL, "no-store")];
    Ok((headers, Body::from_stream(ReceiverStream::new(receiver))).into_response())
}
