//! News of running jobs to whoever watches. Lossy by design: a watcher starts from the stored state, asks it again
//! at every ring, and now and then without one. Job ids are the clients': two accounts may use the same one, so
//! every word here is about a tenant's job.

use crate::job::Topic;
use crate::tenant::Tenant;
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
    /// The user wants it to stop, and told another server.
    pub cancel_asked: bool,
    /// Rises with every ring, so that a ring without numbers is news too.
    rings: u64,
}

/// Tells watchers.
pub trait Progress: Send + Sync + 'static {
    /// Chunks of this attempt are done.
    fn chunks_done(&self, tenant: &Tenant, job: JobId, attempt: u32, chunks_done: u32);
    /// Something about the stored job changed.
    fn changed(&self, tenant: &Tenant, job: JobId);
    /// Another server changed the stored job, or this one did.
    fn heard(&self, topic: Topic, cancel_asked: bool);
    /// News from now on; the newest wins.
    fn subscribe(&self, tenant: &Tenant, job: JobId) -> watch::Receiver<News>;
}

/// News inside one process.
#[derive(Debug, Default)]
pub struct LocalProgress(Mutex<HashMap<Topic, watch::Sender<News>>>);

impl LocalProgress {
    fn tell(&self, job: Topic, change: impl FnOnce(&mut News)) {
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
    fn chunks_done(&self, tenant: &Tenant, job: JobId, attempt: u32, chunks_done: u32) {
        self.tell(Topic::of(tenant, job), |news| {
            news.attempt = attempt;
            news.chunks_done = chunks_done;
        });
    }

    fn changed(&self, tenant: &Tenant, job: JobId) {
        self.tell(Topic::of(tenant, job), |_| ());
    }

    fn heard(&self, topic: Topic, cancel_asked: bool) {
        self.tell(topic, |news| news.cancel_asked |= cancel_asked);
    }

    fn subscribe(&self, tenant: &Tenant, job: JobId) -> watch::Receiver<News> {
        let job = Topic::of(tenant, job);
        let mut watched = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        watched.retain(|other, sender| *other == job || sender.receiver_count() > 0);
        watched.entry(job).or_default().subscribe()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tributary_protocol::vocab::AccountId;

    #[tokio::test]
    async fn the_newest_news_reach_a_watcher_and_unwatched_jobs_are_forgotten() {
        let progress = LocalProgress::default();
        let job = JobId::generate();
        let [tenant, other] = [(); 2].map(|()| Tenant::acting_for(AccountId::generate()));
        let mut watcher = progress.subscribe(&tenant, job);
        progress.chunks_done(&tenant, job, 1, 1);
        progress.chunks_done(&tenant, job, 1, 2);
        progress.chunks_done(&other, job, 1, 9);
        watcher.changed().await.unwrap();
        assert_eq!((watcher.borrow().attempt, watcher.borrow().chunks_done), (1, 2));
        progress.changed(&tenant, job);
        assert!(watcher.has_changed().unwrap());
        progress.heard(Topic::of(&other, job), true);
        assert!(!watcher.borrow().cancel_asked);
        progress.heard(Topic::of(&tenant, job), true);
        progress.heard(Topic::of(&tenant, job), false);
        assert!(watcher.borrow().cancel_asked, "once asked, it stays so");
        drop(watcher);
        progress.changed(&tenant, job);
        assert!(progress.0.lock().unwrap().is_empty());
    }
}
