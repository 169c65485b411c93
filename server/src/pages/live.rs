//! Progress by server-sent events: the job now and after each change, until it ends, the session or the widget dies,
//! or nobody listens.

use super::fault::{Answer, Fault};
use super::visit::Visit;
use super::{Edge, job};
use crate::desk::{DeskError, View};
use crate::progress::News;
use crate::store::StoreError;
use crate::tenant::Tenant;
use axum::extract::{Path, State};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_stream::wrappers::ReceiverStream;
use tributary_protocol::vocab::{JobId, Sha256};

/// Watchers hear at most this often.
const WATCH_MIN: Duration = Duration::from_millis(200);
/// Watchers ask the store at least this often, since rings may be lost; a session that ended is noticed by then.
const WATCH_MAX: Duration = Duration::from_secs(2);

pub(super) async fn watch(State(edge): State<Edge>, visit: Visit, Path(id): Path<String>) -> Answer {
    let place = place(&edge.bounds.watchers)?;
    let job = job::find(&edge, &visit, &id).await?;
    let (tenant, session) = (visit.tenant()?, visit.session()?.secret_sha256);
    Ok(stream(edge, tenant, job.id, Watcher::Session(session), place))
}

/// Whoever watches, to be looked at again as long as they do.
pub(super) enum Watcher {
    /// A signed-in browser, by its cookie's hash.
    Session(Sha256),
    /// A visitor of a widget, by its token.
    Visitor(String),
}

/// A place for one more watcher.
pub(super) fn place(places: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit, Fault> {
    super::place(places, "too many browsers watch jobs")
}

/// The job's events, to whoever was found to be allowed to hear them.
pub(super) fn stream(
    edge: Edge,
    tenant: Tenant,
    job: JobId,
    watcher: Watcher,
    place: OwnedSemaphorePermit,
) -> Response {
    let (sender, receiver) = mpsc::channel(1);
    tokio::spawn(async move {
        let _held = place;
        if let Err(error) = tell(&edge, &tenant, job, &watcher, &sender).await {
            tracing::warn!(error = &error as &dyn std::error::Error, "a browser's watch ended");
        }
    });
    Sse::new(ReceiverStream::new(receiver)).keep_alive(KeepAlive::default()).into_response()
}

async fn tell(
    edge: &Edge,
    tenant: &Tenant,
    id: JobId,
    watcher: &Watcher,
    sender: &mpsc::Sender<Result<Event, Infallible>>,
) -> Result<(), DeskError> {
    let mut news = edge.desk.progress.subscribe(tenant, id);
    let mut told = String::new();
    loop {
        let newest = *news.borrow_and_update();
        if !may_still(edge, tenant, watcher).await? {
            return Ok(());
        }
        let (text, ended) = now(edge, tenant, id, newest).await?;
        if text != told && sender.send(Ok(Event::default().data(&text))).await.is_err() || ended {
            return Ok(());
        }
        told = text;
        tokio::select! {
            () = sender.closed() => return Ok(()),
            () = edge.desk.drain.cancelled() => return Ok(()),
            _ = tokio::time::timeout(WATCH_MAX, news.changed()) => {}
        }
        tokio::time::sleep(WATCH_MIN).await;
    }
}

/// Still signed in and looking at that account; or the widget still lives.
async fn may_still(edge: &Edge, tenant: &Tenant, watcher: &Watcher) -> Result<bool, StoreError> {
    match watcher {
        Watcher::Session(session) => {
            let found = edge.store.session(*session, edge.clock.now()).await?;
            Ok(found.is_some_and(|found| found.membership.account == tenant.account()))
        }
        Watcher::Visitor(token) => Ok(edge.widgets().find(token).await?.is_some()),
    }
}

/// The job as browsers hear of it, and whether it has ended.
async fn now(edge: &Edge, tenant: &Tenant, id: JobId, news: News) -> Result<(String, bool), DeskError> {
    let View { job, chunks_done, queue_position, .. } =
        edge.desk.view(tenant, edge.desk.job(tenant, id).await?, news).await?;
    let words = job::progress_words(job.state, queue_position, chunks_done, job.chunks);
    let ended = job.state.is_terminal();
    let told = json!({ "words": words, "done": chunks_done, "of": job.chunks.max(1), "ended": ended });
    Ok((told.to_string(), ended))
}
