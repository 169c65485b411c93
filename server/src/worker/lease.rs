//! Keeps a claim alive while its job runs, and stops the job when the claim is lost or its owner cancels.

use super::Worker;
use super::stop::{Stop, StopReason};
use crate::store::{Claim, Lease};
use std::sync::Arc;

/// Extends the lease three times in its length, until aborted.
pub async fn keep(worker: Arc<Worker>, claim: Claim, stop: Arc<Stop>) {
    let length = worker.config.lease();
    let mut held_until = worker.clock.now().after(length);
    loop {
        tokio::time::sleep(length / 3).await;
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
