//! Other instances in this process share the library: who changes it tells them. Other programs' changes are seen when
//! the window is opened.

use std::sync::LazyLock;
use tokio::sync::watch;

static CHANGES: LazyLock<watch::Sender<u64>> = LazyLock::new(|| watch::Sender::new(0));

/// Hears of changes from now on.
pub(super) fn listen() -> watch::Receiver<u64> {
    CHANGES.subscribe()
}

/// The library has changed.
pub(super) fn tell() {
    CHANGES.send_modify(|count| *count = count.wrapping_add(1));
}
