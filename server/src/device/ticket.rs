//! The wait for one chunk's answer, from a blocking thread or from async code, ended by cancellation.

use super::DeviceError;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use tributary_models::ChunkAnswer;

type Answer = Result<ChunkAnswer, DeviceError>;

/// Redeemed once for the answer to one chunk. Dropped, the answer is thrown away.
#[derive(Debug)]
#[must_use = "the answer comes to whoever waits for the ticket"]
pub struct Ticket {
    answer: oneshot::Receiver<Answer>,
    cancelled: CancellationToken,
}

impl Ticket {
    pub(super) fn new(cancelled: CancellationToken) -> (oneshot::Sender<Answer>, Self) {
        let (sender, answer) = oneshot::channel();
        (sender, Self { answer, cancelled })
    }

    /// Thread: any that may block. Waits until the chunk is answered, its token is cancelled or the device stops.
    ///
    /// # Errors
    /// As [`DeviceError`] says; `Busy` never.
    pub fn wait(self) -> Answer {
        block_on(self.answered())
    }

    /// The same for async code.
    ///
    /// # Errors
    /// As [`DeviceError`] says; `Busy` never.
    pub async fn answered(self) -> Answer {
        let Self { answer, cancelled } = self;
        tokio::select! {
            biased;
            answer = answer => answer.unwrap_or_else(|_| {
                // The device drops what it will not run: the cancelled, and everything when it stops.
                Err(if cancelled.is_cancelled() { DeviceError::Cancelled } else { DeviceError::Stopped })
            }),
            () = cancelled.cancelled() => Err(DeviceError::Cancelled),
        }
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Runs a future that needs no runtime on this thread.
fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}
