//! Letters on their way: taken at once, sent by and by, tried again where it may help. Never keeps a request waiting. What
//! has not left when the process ends is lost; whoever waits for a letter asks for another.

use super::{Letter, Mail, MailError};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Letters on their way at once, those that wait for another try included.
const LETTERS_MAX: usize = 256;
/// Letters being handed over at once.
const SENDING_MAX: usize = 4;
/// Waits before the second try and the further ones; after the last a letter is given up.
const WAITS: [Duration; 4] =
    [Duration::from_secs(5), Duration::from_secs(30), Duration::from_secs(120), Duration::from_secs(600)];
/// When the process goes down, letters being handed over have this long.
const DRAIN: Duration = Duration::from_secs(10);

/// No room for another letter: say so, nothing was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many letters wait to be sent; try again in a few minutes")]
pub struct PostFull;

/// Takes letters. Clones share one queue.
#[derive(Clone)]
pub struct Post {
    mail: Arc<dyn Mail>,
    room: Arc<Semaphore>,
    hands: Arc<Semaphore>,
    letters: TaskTracker,
    stop: CancellationToken,
}

impl Post {
    /// Sends by `mail`.
    #[must_use]
    pub fn new(mail: Arc<dyn Mail>) -> Self {
        Self {
            mail,
            room: Arc::new(Semaphore::new(LETTERS_MAX)),
            hands: Arc::new(Semaphore::new(SENDING_MAX)),
            letters: TaskTracker::new(),
            stop: CancellationToken::new(),
        }
    }

    /// Takes a letter; returns at once. Called inside of the runtime.
    ///
    /// # Errors
    /// `PostFull`.
    pub fn send(&self, letter: Letter) -> Result<(), PostFull> {
        let place = Arc::clone(&self.room).try_acquire_owned().map_err(|_| PostFull)?;
        self.letters.spawn(self.clone().deliver(letter, place));
        Ok(())
    }

    /// Takes no more time than a moment: letters being handed over are, those that wait for another try are not.
    pub async fn drain(&self) {
        self.stop.cancel();
        self.letters.close();
        if tokio::time::timeout(DRAIN, self.letters.wait()).await.is_err() {
            tracing::warn!("some letters were not sent");
        }
    }

    async fn deliver(self, letter: Letter, _place: OwnedSemaphorePermit) {
        let mut waits = WAITS.into_iter();
        loop {
            let error = match self.hand_over(&letter).await {
                Ok(()) => {
                    metrics::counter!("tributary_letters_total", "outcome" => "sent").increment(1);
                    return;
                }
                Err(error) => error,
            };
            let wait = if matches!(error, MailError::Later(_)) { waits.next() } else { None };
            let Some(wait) = wait else { return lost(&letter, &error) };
            tracing::warn!(
                ?letter,
                error = &error as &dyn std::error::Error,
                "a letter is tried again in {wait:?}"
            );
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = self.stop.cancelled() => return lost(&letter, &error),
            }
        }
    }

    async fn hand_over(&self, letter: &Letter) -> Result<(), MailError> {
        let _hand = self.hands.acquire().await.expect("the semaphore is never closed");
        self.mail.send(letter).await
    }
}

fn lost(letter: &Letter, error: &MailError) {
    metrics::counter!("tributary_letters_total", "outcome" => "lost").increment(1);
    tracing::error!(?letter, error = error as &dyn std::error::Error, "a letter was not sent");
}

#[cfg(test)]
mod tests {
    use super::*;
    use async_trait::async_trait;
    use std::sync::Mutex;
    use tokio::time::Instant;

    /// Says what it is told to, then "sent"; remembers when it was asked.
    #[derive(Default)]
    struct Scripted {
        refusals: Mutex<Vec<MailError>>,
        asked: Mutex<Vec<Instant>>,
        hangs: bool,
    }

    #[async_trait]
    impl Mail for Scripted {
        async fn send(&self, _letter: &Letter) -> Result<(), MailError> {
            self.asked.lock().unwrap().push(Instant::now());
            if self.hangs {
                std::future::pending::<()>().await;
            }
            let refusal = self.refusals.lock().unwrap().pop();
            refusal.map_or(Ok(()), Err)
        }
    }

    fn letter() -> Letter {
        Letter::new("a@b.org", "s", "t").unwrap()
    }

    /// Waits before each try, in seconds.
    async fn tries(refusals: Vec<MailError>) -> Vec<u64> {
        let mail = Arc::new(Scripted { refusals: Mutex::new(refusals), ..Scripted::default() });
        let (post, began) = (Post::new(Arc::clone(&mail) as Arc<dyn Mail>), Instant::now());
        post.send(letter()).unwrap();
        tokio::time::sleep(Duration::from_secs(3600)).await;
        post.drain().await;
        let asked = mail.asked.lock().unwrap();
        asked.iter().map(|at| at.duration_since(began).as_secs()).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn what_may_leave_later_is_tried_again_and_what_never_will_is_not() {
        let later = || MailError::Later("busy".into());
        assert_eq!(tries(vec![]).await, [0]);
        assert_eq!(tries(vec![later(), later()]).await, [0, 5, 35]);
        assert_eq!(tries((0..9).map(|_| later()).collect()).await, [0, 5, 35, 155, 755]);
        let never = || MailError::Never("no".into());
        // The last of them is said first.
        assert_eq!(tries(vec![later(), never()]).await, [0]);
        assert_eq!(tries(vec![never(), later()]).await, [0, 5]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_hangs_fills_the_post_and_nobody_waits() {
        let mail = Arc::new(Scripted { hangs: true, ..Scripted::default() });
        let post = Post::new(Arc::clone(&mail) as Arc<dyn Mail>);
        for _ in 0..LETTERS_MAX {
            post.send(letter()).unwrap();
        }
        assert_eq!(post.send(letter()), Err(PostFull));
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(mail.asked.lock().unwrap().len(), SENDING_MAX);
        let began = Instant::now();
        post.drain().await;
        assert_eq!(began.elapsed(), DRAIN);
    }

    #[tokio::test(start_paused = true)]
    async fn a_process_that_goes_down_does_not_wait_for_another_try() {
        let refusals = Mutex::new(vec![MailError::Later("busy".into())]);
        let post = Post::new(Arc::new(Scripted { refusals, ..Scripted::default() }));
        post.send(letter()).unwrap();
        tokio::time::sleep(Duration::from_secs(1)).await;
        let began = Instant::now();
        post.drain().await;
        assert_eq!(began.elapsed(), Duration::ZERO);
    }
}
