//! Which errors are worth another try, how long to wait before it, and when to stop. Every call of ours may be
//! repeated without harm, so only the outcome decides. Reads codes and causes, never a message's text.

use super::ClientError;
use crate::reason;
use crate::vocab::Credits;
use std::error::Error;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout};
use tonic::{Code, Response, Status};
use tonic_types::StatusExt;

/// How long to wait, for what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// Longest wait before the second try; doubles with each further one. The wait itself is drawn evenly from
    /// zero to this ("full jitter", Brooker 2015), so that clients cut off together do not come back together.
    pub first_wait: Duration,
    /// Longest wait between tries.
    pub longest_wait: Duration,
    /// Give up after this long when the server has never answered: most likely the address is wrong.
    pub first_contact: Duration,
    /// Give up after this long without any success.
    pub without_success: Duration,
    /// One short call.
    pub unary: Duration,
    /// A stream on which nothing moves is given up and opened again.
    pub stream_idle: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            first_wait: Duration::from_millis(200),
            longest_wait: Duration::from_secs(10),
            first_contact: Duration::from_secs(5),
            without_success: Duration::from_secs(120),
            unary: Duration::from_secs(10),
            stream_idle: Duration::from_secs(60),
        }
    }
}

impl Patience {
    /// The wait before try `tries` + 2, `random` in [0, 1).
    fn wait(&self, tries: u32, random: f64) -> Duration {
        let longest = self.first_wait.saturating_mul(1_u32.checked_shl(tries).unwrap_or(u32::MAX));
        longest.min(self.longest_wait).mul_f64(random)
    }
}

/// A failed try: what it would mean if it was the last, and whether another one makes sense.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) error: ClientError,
    again: Again,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Again {
    Never,
    /// Not before this has passed.
    After(Duration),
}

impl Failure {
    /// Another try cannot help.
    pub(super) fn last(error: ClientError) -> Self {
        Self { error, again: Again::Never }
    }

    /// For calls about a job that is known: what was not found there is a result.
    pub(super) fn not_about_a_job(self) -> Self {
        Self { error: self.error.not_about_a_job(), ..self }
    }

    /// Another try may help.
    pub(super) fn passing(error: ClientError) -> Self {
        Self { error, again: Again::After(Duration::ZERO) }
    }
}

/// What is known about the way to one server; shared by a client's clones.
#[derive(Clone, Debug)]
pub(super) struct Line {
    address: Arc<str>,
    patience: Patience,
    reached: Arc<AtomicBool>,
}

impl Line {
    pub(super) fn new(address: String, patience: Patience) -> Self {
        Self { address: address.into(), patience, reached: Arc::default() }
    }

    pub(super) fn with_patience(self, patience: Patience) -> Self {
        Self { patience, ..self }
    }

    pub(super) fn address(&self) -> &str {
        &self.address
    }

    pub(super) fn patience(&self) -> &Patience {
        &self.patience
    }

    /// Counts the tries of one call, or of one stream that goes on over several.
    pub(super) fn backoff(&self) -> Backoff {
        Backoff { line: self.clone(), tries: 0, failing_since: None }
    }

    /// Asks until there is an answer, a final error, or no patience left.
    pub(super) async fn call<Q, T, F>(&self, request: Q, ask: impl Fn(Q) -> F) -> Result<T, ClientError>
    where
        Q: Clone,
        F: Future<Output = Result<Response<T>, Status>>,
    {
        let mut backoff = self.backoff();
        loop {
            match self.once(ask(request.clone())).await {
                Ok(answer) => return Ok(answer),
                Err(failure) => backoff.again(failure).await?,
            }
        }
    }

    /// One try of a short call, or the opening of a stream.
    pub(super) async fn once<T>(
        &self,
        ask: impl Future<Output = Result<Response<T>, Status>>,
    ) -> Result<T, Failure> {
        match timeout(self.patience.unary, ask).await {
            Ok(Ok(answer)) => {
                self.reached.store(true, Ordering::Relaxed);
                Ok(answer.into_inner())
            }
            Ok(Err(status)) => Err(self.judge(status)),
            Err(elapsed) => Err(self.silence(elapsed)),
        }
    }

    /// Nothing came in time.
    pub(super) fn silence(&self, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Failure {
        Failure::passing(self.unreachable(cause))
    }

    fn unreachable(&self, cause: impl Into<Box<dyn Error + Send + Sync>>) -> ClientError {
        ClientError::Unreachable { address: self.address.to_string(), cause: cause.into() }
    }

    /// What a status means. One with a cause was made on this side, by the transport: the server never spoke.
    /// CANCELLED from the server is how tonic says that its own deadline passed; we never ask for it.
    pub(super) fn judge(&self, status: Status) -> Failure {
        if is_untrusted(&status) {
            let address = self.address.to_string();
            return Failure::last(ClientError::Untrusted { address, cause: Box::new(status) });
        }
        if status.source().is_some() {
            return Failure::passing(self.unreachable(status));
        }
        let reason = status.message().to_owned();
        match status.code() {
            Code::Unavailable | Code::DeadlineExceeded | Code::Cancelled => {
                Failure::passing(self.unreachable(status))
            }
            Code::ResourceExhausted => {
                // Only the server says so: it is there, and worth waiting for.
                self.reached.store(true, Ordering::Relaxed);
                busy(&status, reason)
            }
            Code::Aborted => Failure::passing(ClientError::Busy { reason, retry_after: None }),
            Code::Unauthenticated => Failure::last(ClientError::SignIn),
            Code::FailedPrecondition => {
                Failure::last(named(&status).unwrap_or(ClientError::Refused { reason }))
            }
            Code::InvalidArgument | Code::OutOfRange | Code::PermissionDenied => {
                Failure::last(ClientError::Refused { reason })
            }
            Code::NotFound => Failure::last(ClientError::UnknownJob { reason }),
            Code::AlreadyExists => Failure::last(ClientError::Conflict),
            Code::DataLoss => Failure::last(ClientError::Corrupt { what: reason }),
            Code::Internal | Code::Unknown => Failure::last(ClientError::Server { reason }),
            Code::Unimplemented | Code::Ok => Failure::last(ClientError::Protocol { what: reason }),
        }
    }
}

/// RESOURCE_EXHAUSTED passes by itself only where the server says when; else it waits for the user (open jobs).
fn busy(status: &Status, reason: String) -> Failure {
    let retry_after = status.get_details_retry_info().and_then(|info| info.retry_delay);
    Failure {
        error: ClientError::Busy { reason, retry_after },
        again: retry_after.map_or(Again::Never, Again::After),
    }
}

/// Refusals about which there is something else to do than to change the request.
fn named(status: &Status) -> Option<ClientError> {
    let info = status.get_details_error_info().filter(|info| info.domain == reason::DOMAIN)?;
    let credits = |key: &str| info.metadata.get(key)?.parse().ok().map(Credits);
    match info.reason.as_str() {
        reason::NOT_ENOUGH_CREDITS => Some(ClientError::NotEnoughCredits {
            needed: credits(reason::NEEDED)?,
            available: credits(reason::AVAILABLE)?,
        }),
        reason::OVER_LIMIT => Some(ClientError::OverLimit),
        reason::SUSPENDED => Some(ClientError::Suspended),
        _ => None,
    }
}

/// The TLS layer reports a certificate it does not accept as invalid data; a lost connection is never that.
fn is_untrusted(status: &Status) -> bool {
    let mut cause = status.source();
    while let Some(error) = cause {
        if error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::InvalidData) {
            return true;
        }
        cause = error.source();
    }
    false
}

/// Waits between tries, and loses patience.
#[derive(Debug)]
pub(super) struct Backoff {
    line: Line,
    tries: u32,
    failing_since: Option<Instant>,
}

impl Backoff {
    /// Something went forward: the count begins anew.
    pub(super) fn succeeded(&mut self) {
        self.tries = 0;
        self.failing_since = None;
    }

    /// Returns when it is time for another try.
    ///
    /// # Errors
    /// The failure's error, where another try cannot help or would come too late.
    pub(super) async fn again(&mut self, failure: Failure) -> Result<(), ClientError> {
        let Again::After(at_least) = failure.again else { return Err(failure.error) };
        let patience = &self.line.patience;
        let limit = if self.line.reached.load(Ordering::Relaxed) {
            patience.without_success
        } else {
            patience.first_contact
        };
        // What the server asked for is kept; the jitter comes on top, or all would return at the same moment.
        let wait = at_least.saturating_add(patience.wait(self.tries, rand::random()));
        let failing_since = *self.failing_since.get_or_insert_with(Instant::now);
        if failing_since.elapsed().saturating_add(wait) > limit {
            return Err(failure.error);
        }
        self.tries = self.tries.saturating_add(1);
        sleep(wait).await;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;
    use std::future::{pending, ready};
    use tonic_types::ErrorDetails;

    fn line() -> Line {
        Line::new("http://127.0.0.1:1".into(), Patience::default())
    }

    fn judge(code: Code) -> Failure {
        line().judge(Status::new(code, "words"))
    }

    #[test]
    fn waits_double_up_to_the_limit_and_are_spread_over_all_of_it() {
        let patience = Patience::default();
        assert_eq!(patience.wait(0, 0.5), Duration::from_millis(100));
        assert_eq!(patience.wait(3, 0.5), Duration::from_millis(800));
        for tries in [6, 31, 32, 1000, u32::MAX] {
            assert_eq!(patience.wait(tries, 0.5), Duration::from_secs(5), "{tries}");
        }
        assert_eq!(patience.wait(9, 0.0), Duration::ZERO);
    }

    #[test]
    fn codes_that_pass_are_tried_again_and_the_others_are_final() {
        for code in [Code::Unavailable, Code::Aborted, Code::DeadlineExceeded, Code::Cancelled] {
            assert_eq!(judge(code).again, Again::After(Duration::ZERO), "{code:?}");
        }
        for code in [
            Code::Unauthenticated,
            Code::InvalidArgument,
            Code::NotFound,
            Code::AlreadyExists,
            Code::FailedPrecondition,
            Code::DataLoss,
            Code::Internal,
            Code::Unimplemented,
            Code::ResourceExhausted,
            Code::OutOfRange,
            Code::PermissionDenied,
        ] {
            assert_eq!(judge(code).again, Again::Never, "{code:?}");
        }
    }

    #[test]
    fn a_busy_server_is_asked_again_when_it_says_when() {
        let details = ErrorDetails::with_retry_info(Some(Duration::from_secs(3)));
        let status = Status::with_error_details(Code::ResourceExhausted, "full", details);
        let failure = line().judge(status);
        assert_eq!(failure.again, Again::After(Duration::from_secs(3)));
        assert_eq!(failure.error.to_string(), "the server is busy (full): try again in 3 s");
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_says_when_is_waited_for_also_when_it_says_so_first_of_all() {
        let details = ErrorDetails::with_retry_info(Some(Duration::from_secs(20)));
        let (began, asked) = (Instant::now(), AtomicBool::new(false));
        let answer = line()
            .call((), |()| {
                let first = !asked.swap(true, Ordering::Relaxed);
                let full = || Status::with_error_details(Code::ResourceExhausted, "full", details.clone());
                ready(if first { Err(full()) } else { Ok(Response::new(7)) })
            })
            .await;
        assert_eq!(answer.unwrap(), 7);
        let waited = began.elapsed();
        assert!(waited >= Duration::from_secs(20) && waited < Duration::from_secs(21), "{waited:?}");
    }

    fn no_credits(metadata: &[(&str, &str)]) -> ClientError {
        let metadata: HashMap<String, String> =
            metadata.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let details = ErrorDetails::with_error_info(reason::NOT_ENOUGH_CREDITS, reason::DOMAIN, metadata);
        line().judge(Status::with_error_details(Code::FailedPrecondition, "words", details)).error
    }

    #[test]
    fn missing_credits_come_with_both_numbers() {
        let error = no_credits(&[("needed", "5"), ("available", "2")]);
        assert!(matches!(error, ClientError::NotEnoughCredits { needed: Credits(5), available: Credits(2) }));
    }

    #[test]
    fn missing_credits_without_numbers_are_a_refusal_in_the_servers_words() {
        for metadata in [&[("needed", "5")][..], &[("needed", "-5"), ("available", "2")], &[]] {
            assert!(matches!(no_credits(metadata), ClientError::Refused { reason } if reason == "words"));
        }
    }

    #[test]
    fn a_members_limit_and_a_suspended_account_are_told_apart_from_other_refusals() {
        let judge = |reason, domain| {
            let details = ErrorDetails::with_error_info(reason, domain, HashMap::new());
            line().judge(Status::with_error_details(Code::FailedPrecondition, "words", details)).error
        };
        assert!(matches!(judge(reason::OVER_LIMIT, reason::DOMAIN), ClientError::OverLimit));
        assert!(matches!(judge(reason::SUSPENDED, reason::DOMAIN), ClientError::Suspended));
        assert!(matches!(judge(reason::SUSPENDED, "another"), ClientError::Refused { .. }));
        assert!(matches!(judge("NEWER", reason::DOMAIN), ClientError::Refused { .. }));
    }

    fn local(kind: io::ErrorKind) -> Failure {
        line().judge(Status::from_error(Box::new(io::Error::new(kind, "cause"))))
    }

    #[test]
    fn a_transport_error_is_tried_again_but_a_wrong_certificate_is_final() {
        assert_eq!(local(io::ErrorKind::ConnectionReset).again, Again::After(Duration::ZERO));
        let failure = local(io::ErrorKind::InvalidData);
        assert_eq!(failure.again, Again::Never);
        assert!(matches!(failure.error, ClientError::Untrusted { .. }));
    }

    #[tokio::test(start_paused = true)]
    async fn patience_is_short_before_the_first_answer_and_longer_after_it() {
        for (reached, limit) in [(false, Duration::from_secs(5)), (true, Duration::from_secs(120))] {
            let line = line();
            line.reached.store(reached, Ordering::Relaxed);
            let began = Instant::now();
            let asked = line.call((), |()| ready(Err::<Response<()>, _>(Status::unavailable("down")))).await;
            assert!(matches!(asked, Err(ClientError::Unreachable { .. })));
            assert!(began.elapsed() <= limit && began.elapsed() > limit / 4, "{:?}", began.elapsed());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_that_never_returns_is_ended() {
        let asked = line().call((), |()| pending::<Result<Response<()>, Status>>()).await;
        assert!(matches!(asked, Err(ClientError::Unreachable { .. })));
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_longer_than_our_patience_is_not_begun() {
        let details = ErrorDetails::with_retry_info(Some(Duration::from_secs(3600)));
        let began = Instant::now();
        let full = || Status::with_error_details(Code::ResourceExhausted, "full", details.clone());
        let asked = line().call((), |()| ready(Err::<Response<()>, _>(full()))).await;
        assert!(
            matches!(asked, Err(ClientError::Busy { retry_after: Some(wait), .. }) if wait.as_secs() == 3600)
        );
        assert_eq!(began.elapsed(), Duration::ZERO);
    }
}
