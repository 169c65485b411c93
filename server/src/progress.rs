//! News of running jobs to whoever watches. Lossy by design: a watcher starts from the stored state, asks it again
//! at every ring, and now and then without one.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use tokio::sync::watch;
use tributary_protocol::vocab::JobId;

/// The newest about one job, beyond what is stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct News {
    /// Which attempt it is about; 0 for none yet.
    pub attempt: u32,
    /// Chunks done in it.
    pub chunks_done: u32,
    /// Rises with every ring, so that a ring without numbers is news too.
    rings: u64,
}

/// Tells watchers.
pub trait Progress: Send + Sync + 'static {
    /// Chunks of this attempt are done.
    fn chunks_done(&self, job: JobId, attempt: u32, chunks_done: u32);
    /// Something about the stored job changed.
    fn changed(&self, job: JobId);
    /// News from now on; the newest wins.
    fn subscribe(&self, job: JobId) -> watch::Receiver<News>;
}

/// News inside one process.
#[derive(Debug, Default)]
pub struct LocalProgress(Mutex<HashMap<JobId, watch::Sender<News>>>);

impl LocalProgress {
    fn tell(&self, job: JobId, change: impl FnOnce(&mut News)) {
        let mut watched = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(sender) = watched.get(&job) else { return };
        if sender.receiver_count() == 0 {
            watched.remove(&job);
        } else {
            sender.send_modify(|news| {
                news.rings += 1;
                change(news);
            });
        }
    }
}

impl Progress for LocalProgress {
    fn chunks_done(&self, job: JobId, attempt: u32, chunks_done: u32) {
        self.tell(job, |news| {
            news.attempt = attempt;
            news.chunks_done = chunks_done;
        });
    }

    fn changed(&self, job: JobId) {
        self.tell(job, |_| ());
    }

    fn subscribe(&self, job: JobId) -> watch::Receiver<News> {
        let mut watched = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        watched.retain(|other, sender| *other == job || sender.receiver_count() > 0);
        watched.entry(job).or_default().subscribe()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_newest_news_reach_a_watcher_and_unwatched_jobs_are_forgotten() {
        let progress = LocalProgress::default();
        let (job, other) = (JobId::generate(), JobId::generate());
        let mut watcher = progress.subscribe(job);
        progress.chunks_done(job, 1, 1);
        progress.chunks_done(job, 1, 2);
        progress.chunks_done(other, 1, 9);
        watcher.changed().await.unwrap();
        assert_eq!((watcher.borrow().attempt, watcher.borrow().chunks_done), (1, 2));
        progress.changed(job);
        assert!(watcher.has_changed().unwrap());
        drop(watcher);
        progress.changed(job);
        assert!(progress.0.lock().unwrap().is_empty());
    }
}
