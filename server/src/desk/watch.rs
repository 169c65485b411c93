//! A job now and after each change, until it has ended, nobody listens, or the key that asked is dead.

use super::{Desk, DeskError};
use crate::auth::Pass;
use crate::clock::Timestamp;
use crate::job::{Job, JobState};
use crate::people::Right;
use crate::progress::News;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tributary_protocol::vocab::JobId;

/// Watchers hear at most this often.
const WATCH_MIN: Duration = Duration::from_millis(100);
/// Watchers ask the store at least this often, since rings may be lost.
const WATCH_MAX: Duration = Duration::from_secs(2);
/// The key is looked at again this often. With [`WATCH_MAX`] a dead one ends a watch within five seconds.
const KEY_EVERY: Duration = Duration::from_secs(2);
/// Chunk counts stay below this, so that one number orders states and chunks.
const CHUNKS_IN_SEQ: u64 = 1 << 24;

/// A job as clients see it.
#[derive(Clone, Debug)]
pub struct View {
    /// The job as stored.
    pub job: Job,
    /// Rises with every change.
    pub seq: u64,
    /// Chunks done, newer than the stored job by the news of its attempt.
    pub chunks_done: u32,
    /// Jobs in front of it, while queued.
    pub queue_position: u32,
    /// Bytes of its clips that are here, while uploading.
    pub uploaded_bytes: u64,
    /// When its clip and results are deleted; none while it is open, and once they are.
    pub kept_until: Option<Timestamp>,
}

impl View {
    /// As it stands in a list: without place and bytes. Results are kept for `keep`.
    #[must_use]
    pub fn listed(job: Job, news: News, keep: Duration) -> Self {
        let chunks_done = match job.state {
            JobState::Done => job.chunks,
            JobState::Running if news.attempt == job.attempt => job.chunks_done.max(news.chunks_done),
            _ => job.chunks_done,
        };
        let seq = job.seq.saturating_mul(CHUNKS_IN_SEQ).saturating_add(chunks_done.into());
        let kept_until = job.kept_until(keep);
        Self { job, seq, chunks_done, queue_position: 0, uploaded_bytes: 0, kept_until }
    }
}

impl Desk {
    /// Begins to watch. Changes may be merged; the last always arrives.
    ///
    /// # Errors
    /// `NoJob`, or the store's; later ones come through the channel and end it.
    pub async fn watch(
        self: &Arc<Self>,
        pass: Pass,
        id: JobId,
        after_seq: u64,
    ) -> Result<mpsc::Receiver<Result<View, DeskError>>, DeskError> {
        self.job(&pass.principal.tenant, id).await?;
        let (sender, receiver) = mpsc::channel(1);
        tokio::spawn(watch(Arc::clone(self), pass, id, after_seq, sender));
        Ok(receiver)
    }
}

async fn watch(
    desk: Arc<Desk>,
    pass: Pass,
    id: JobId,
    after_seq: u64,
    sender: mpsc::Sender<Result<View, DeskError>>,
) {
    if let Err(error) = tell(&desk, &pass, id, after_seq, &sender).await {
        let _ = sender.send(Err(error)).await;
    }
}

async fn tell(
    desk: &Desk,
    pass: &Pass,
    id: JobId,
    after_seq: u64,
    sender: &mpsc::Sender<Result<View, DeskError>>,
) -> Result<(), DeskError> {
    let tenant = pass.principal.tenant;
    let mut news = desk.progress.subscribe(&tenant, id);
    let (mut sent, mut position) = (after_seq, None);
    let mut looked = Instant::now();
    loop {
        if looked.elapsed() >= KEY_EVERY {
            pass.again().await?.may(Right::Read)?;
            looked = Instant::now();
        }
        let newest = *news.borrow_and_update();
        let view = desk.view(&tenant, desk.job(&tenant, id).await?, newest).await?;
        let ended = view.job.state.is_terminal();
        let is_news = view.seq > sent || ended || Some(view.queue_position) != position;
        (sent, position) = (sent.max(view.seq), Some(view.queue_position));
        if (is_news && sender.send(Ok(view)).await.is_err()) || ended {
            return Ok(());
        }
        tokio::select! {
            () = sender.closed() => return Ok(()),
            () = desk.drain.cancelled() => return Err(DeskError::Draining),
            _ = tokio::time::timeout(WATCH_MAX, news.changed()) => {}
        }
        tokio::time::sleep(WATCH_MIN).await;
    }
}
