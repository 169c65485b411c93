//! The threads of all sessions of this process: one tokio runtime, started by the first session, ended and joined by
//! the last, so that a host may unload the library then. Knows nothing of what runs on it.

use std::io;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::runtime::{Builder, Handle, Runtime};

/// Threads that run tasks: one can compute a view while the other is in the kernel.
const WORKERS: usize = 2;
/// Threads for files and computing; more wait in line. A recording keeps one to its end, and a big project may record
/// on every track at once: none of them may wait for another's end.
const BLOCKING_THREADS_MAX: usize = 512;
/// Idle ones go after this long.
const BLOCKING_THREAD_IDLE: Duration = Duration::from_secs(5);
/// Everything of ours that blocks ends long before. Only a name that the system looks up can take longer, and such a
/// thread is left to the system rather than the host left waiting.
const END_MAX: Duration = Duration::from_secs(5);
/// As seen in debuggers and by tests; Linux shows 15 characters.
const THREAD_NAME: &str = "tributary";

static SHARED: Mutex<Option<Shared>> = Mutex::new(None);

struct Shared {
    runtime: Runtime,
    leases: usize,
}

/// The right to run tasks; the runtime lives as long as any.
#[derive(Debug)]
pub(super) struct Lease(Handle);

impl Lease {
    /// Starts the threads where there are none.
    ///
    /// # Errors
    /// Where the system gives no threads.
    pub(super) fn take() -> io::Result<Self> {
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(shared) = shared.as_mut() {
            shared.leases += 1;
            return Ok(Self(shared.runtime.handle().clone()));
        }
        let runtime = Builder::new_multi_thread()
            .worker_threads(WORKERS)
            .max_blocking_threads(BLOCKING_THREADS_MAX)
            .thread_keep_alive(BLOCKING_THREAD_IDLE)
            .thread_name(THREAD_NAME)
            .enable_all()
            .build()?;
        let handle = runtime.handle().clone();
        *shared = Some(Shared { runtime, leases: 1 });
        Ok(Self(handle))
    }

    pub(super) fn handle(&self) -> &Handle {
        &self.0
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let last = {
            let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
            let Some(current) = shared.as_mut() else { return };
            current.leases -= 1;
            if current.leases > 0 {
                return;
            }
            shared.take()
        };
        // Outside the lock: a session that opens meanwhile gets a runtime of its own.
        let Some(Shared { runtime, .. }) = last else { return };
        if Handle::try_current().is_ok() {
            runtime.shutdown_background();
        } else {
            runtime.shutdown_timeout(END_MAX);
        }
    }
}
