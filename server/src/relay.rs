//! Carries what other servers of the same database do to this one's bell and news. Holds no truth: whoever hears nothing
//! asks the store now and then.

use crate::job::JobState;
use crate::progress::Progress;
use crate::queue::Queue;
use crate::store::Change;
use std::sync::Arc;
use tokio::sync::mpsc::Receiver;
use tokio_util::sync::CancellationToken;
use tributary_protocol::vocab::JobId;

/// Carries until told to stop.
pub async fn carry(
    mut changes: Receiver<Change>,
    queue: Arc<dyn Queue>,
    progress: Arc<dyn Progress>,
    stop: CancellationToken,
) {
    loop {
        let change = tokio::select! {
            () = stop.cancelled() => return,
            change = changes.recv() => change,
        };
        let Some(change) = change else { return };
        // A job that waits, or one that has ended and left its account's place to another.
        if !matches!(change.state, JobState::Uploading | JobState::Running) {
            // The bell carries no truth, so any name will do.
            queue.ring(JobId::generate());
        }
        progress.heard(change.topic, change.cancel_asked);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::Topic;
    use crate::progress::LocalProgress;
    use crate::queue::LocalQueue;
    use crate::tenant::Tenant;
    use tokio::sync::mpsc::channel;
    use tributary_protocol::vocab::AccountId;

    #[tokio::test]
    async fn another_servers_change_rings_here_and_reaches_who_watches() {
        let (queue, progress) = (Arc::new(LocalQueue::default()), Arc::new(LocalProgress::default()));
        let (tenant, job) = (Tenant::acting_for(AccountId::generate()), JobId::generate());
        let mut news = progress.subscribe(&tenant, job);
        let (sender, changes) = channel(8);
        let carried = tokio::spawn(carry(changes, queue.clone(), progress, CancellationToken::new()));
        let topic = Topic::of(&tenant, job);
        sender.send(Change { topic, state: JobState::Queued, cancel_asked: false }).await.unwrap();
        queue.wait().await;
        news.changed().await.unwrap();
        sender.send(Change { topic, state: JobState::Running, cancel_asked: true }).await.unwrap();
        news.changed().await.unwrap();
        assert!(news.borrow().cancel_asked);
        drop(sender);
        carried.await.unwrap();
    }
}
