//! The doorbell between admission and workers. Carries no truth: rings may be lost, repeated or wrong; the store
//! decides who works on what.

use async_trait::async_trait;
use tokio::sync::Notify;
use tributary_protocol::vocab::JobId;

/// Rings when there may be work.
#[async_trait]
pub trait Queue: Send + Sync + 'static {
    /// There may be work: this job.
    fn ring(&self, job: JobId);
    /// Until somebody rings. A ring while nobody waits is kept (one of them).
    async fn wait(&self);
}

/// The doorbell inside one process.
#[derive(Debug, Default)]
pub struct LocalQueue(Notify);

#[async_trait]
impl Queue for LocalQueue {
    fn ring(&self, _job: JobId) {
        self.0.notify_one();
    }

    async fn wait(&self) {
        self.0.notified().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_ring_while_nobody_waits_is_kept() {
        let queue = LocalQueue::default();
        queue.ring(JobId::generate());
        queue.wait().await;
    }
}
