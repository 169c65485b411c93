//! Keeps a claim alive while its job runs, and stops the job when the claim is lost or its owner cancels.

use super::Worker;
use super::stop::{Stop, StopReason};
use crate::progress::News;
use crate::store::{Claim, Lease};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

/// Progress is stored this often, for those who watch the job through another server.
const PROGRESS_EVERY: Duration = Duration::from_secs(2);

/// Extends the lease three times in its length, and sooner where there is progress to store, until aborted.
pub async fn keep(worker: Arc<Worker>, claim: Claim, stop: Arc<Stop>) {
    let length = worker.config.lease();
    let mut held_until = worker.clock.now().after(length);
    let mut news = worker.progress.subscribe(&claim.tenant, claim.job.id);
    loop {
        wait(&mut news, &stop, length / 3).await;
        let until = worker.clock.now().after(length);
        match worker.store.extend(&claim, stop.chunks_done(), until).await {
            Ok(Lease::Held) => held_until = until,
            Ok(Lease::CancelAsked) => {
                held_until = until;
                stop.stop(StopReason::User);
            }
            Ok(Lease::Lost) => return stop.stop(StopReason::LeaseLost),
            Err(error) => {
                tracing::warn!(job = %claim.job.id, error = &error as &dyn std::error::Error, "cannot extend the lease");
                if worker.clock.now() >= held_until {
                    return stop.stop(StopReason::LeaseLost);
                }
            }
        }
    }
}

/// Until the lease should be extended: in `longest`, or when chunks were done, or when another server was told to stop
/// the job.
async fn wait(news: &mut watch::Receiver<News>, stop: &Stop, longest: Duration) {
    let (until, stored) = (Instant::now() + longest, stop.chunks_done());
    while Instant::now() < until {
        tokio::select! {
            () = tokio::time::sleep_until(until.min(Instant::now() + PROGRESS_EVERY)) => {}
            () = cancel_asked(news), if !stop.is_stopped() => return,
        }
        if stop.chunks_done() > stored {
            return;
        }
    }
}

async fn cancel_asked(news: &mut watch::Receiver<News>) {
    while !news.borrow_and_update().cancel_asked {
        if news.changed().await.is_err() {
            return std::future::pending().await;
        }
    }
}
