//! What records metrics: one for the whole process, whichever of its servers began first.

use crate::StartError;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use std::sync::{Mutex, PoisonError};

/// Buckets of durations in seconds, from a small chunk to a long job.
const SECONDS: &[f64] = &[0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0];

/// Buckets of chunks in one batch.
const BATCH: &[f64] = &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0];

/// Reads the process's one recorder; the first who asks makes it.
///
/// # Errors
/// `Metrics` where it cannot be made, or something else in the process records already.
pub(super) fn of_this_process() -> Result<PrometheusHandle, StartError> {
    static MADE: Mutex<Option<PrometheusHandle>> = Mutex::new(None);
    // Held until it is installed: of two that are made at once one would be read, and the other told everything.
    let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(handle) = &*made {
        return Ok(handle.clone());
    }
    let failed = |error: &dyn std::fmt::Display| StartError::Metrics(error.to_string());
    let recorder = PrometheusBuilder::new()
        .set_buckets(SECONDS)
        .and_then(|builder| {
            builder.set_buckets_for_metric(Matcher::Full("tributary_batch_size".to_owned()), BATCH)
        })
        .map_err(|error| failed(&error))?
        .build_recorder();
    let handle = recorder.handle();
    metrics::set_global_recorder(recorder).map_err(|error| failed(&error))?;
    *made = Some(handle.clone());
    Ok(handle)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Barrier;
    use std::thread;

    #[test]
    fn servers_that_begin_at_once_read_what_any_of_them_records() {
        const SERVERS: usize = 8;
        let (together, recorded) = (Barrier::new(SERVERS), Barrier::new(SERVERS));
        thread::scope(|scope| {
            for _ in 0..SERVERS {
                scope.spawn(|| {
                    together.wait();
                    let handle = of_this_process().unwrap();
                    metrics::counter!("tributary_recorder_test").increment(1);
                    recorded.wait();
                    let page = handle.render();
                    assert!(page.contains("\ntributary_recorder_test 8\n"), "{page}");
                });
            }
        });
    }
}
