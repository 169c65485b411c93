//! Waits for what must become true. Level-triggered, with a deadline: a test never sleeps for a guessed time.

use std::time::Duration;
use tokio::time::Instant;

/// Nothing in these tests may take longer.
pub const DEADLINE: Duration = Duration::from_secs(120);
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// Until `look` answers something.
///
/// # Panics
/// At the deadline, with `what` was waited for.
pub async fn until<T>(what: &str, look: impl AsyncFnMut() -> Option<T>) -> T {
    until_within(DEADLINE, what, look).await
}

/// The same for the few things that take longer.
///
/// # Panics
/// After `longest`, with `what` was waited for.
pub async fn until_within<T>(longest: Duration, what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + longest;
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(Instant::now() < deadline, "waited {longest:?} for {what}");
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

/// The same where nothing can be awaited, as while something is dropped; false where it never was.
pub fn blocking(longest: Duration, mut look: impl FnMut() -> bool) -> bool {
    let begun = std::time::Instant::now();
    loop {
        if look() {
            return true;
        }
        if begun.elapsed() > longest {
            return false;
        }
        std::thread::sleep(LOOK_AGAIN);
    }
}

/// Somebody does nothing for a while. For load that should not be even; never to wait for a state.
pub async fn idle(time: Duration) {
    tokio::time::sleep(time).await;
}
