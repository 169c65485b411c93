//! Follows one job to its end. Survives reconnects; may skip changes in between, never the last one.

use super::connect::Wire;
use super::retry::{Backoff, Failure, Line};
use super::{ClientError, JobView, convert};
use crate::v1;
use crate::vocab::JobId;
use std::fmt;
use tokio::time::timeout;
use tonic::Streaming;

/// A job's states, never an older one after a newer one, ending with a terminal one. See [`super::Client::watch`].
pub struct Watch {
    wire: Wire,
    line: Line,
    id: JobId,
    last: Option<JobView>,
    stream: Option<Streaming<v1::Job>>,
    backoff: Backoff,
    ended: bool,
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").field("id", &self.id).field("ended", &self.ended).finish_non_exhaustive()
    }
}

/// What one look at the stream brought.
enum Seen {
    Job(Box<JobView>),
    /// Nothing for a while. A waiting job has nothing to say, so this is no failure; opening the stream again
    /// makes sure that somebody is there.
    Quiet,
}

impl Watch {
    pub(super) fn new(wire: Wire, line: Line, id: JobId) -> Self {
        let backoff = line.backoff();
        Self { wire, line, id, last: None, stream: None, backoff, ended: false }
    }

    /// The next change, at first the job as it is now; none once a terminal state was returned. May be dropped at
    /// any point, for instance in a `select!`, and called again without losing anything.
    ///
    /// # Errors
    /// Those of every call (see [`super::Client::models`]); [`ClientError::UnknownJob`]. After an error the watch
    /// may be asked again and goes on where it was.
    pub async fn next(&mut self) -> Result<Option<JobView>, ClientError> {
        while !self.ended {
            match self.look().await {
                Ok(Seen::Quiet) => self.stream = None,
                Ok(Seen::Job(job)) => {
                    self.backoff.succeeded();
                    self.ended = job.state.is_terminal();
                    if self.ended || self.is_news(&job) {
                        self.last = Some(*job.clone());
                        return Ok(Some(*job));
                    }
                }
                Err(failure) => {
                    self.stream = None;
                    self.backoff.again(failure).await?;
                }
            }
        }
        Ok(None)
    }

    /// A stream opened again begins with the job as it is. Its place in the queue changes without a new `seq`.
    fn is_news(&self, job: &JobView) -> bool {
        self.last.as_ref().is_none_or(|last| job.seq >= last.seq && job != last)
    }

    async fn look(&mut self) -> Result<Seen, Failure> {
        let stream = match &mut self.stream {
            Some(stream) => stream,
            None => {
                let after_seq = self.last.as_ref().map_or(0, |last| last.seq);
                let request = v1::WatchJobRequest { job_id: convert::id(self.id), after_seq };
                let stream = self.line.once(async { self.wire.jobs().watch(request).await }).await?;
                self.stream.insert(stream)
            }
        };
        match timeout(self.line.patience().stream_idle, stream.message()).await {
            Err(_) => Ok(Seen::Quiet),
            Ok(Ok(Some(job))) => {
                let job = JobView::try_from(job).map_err(Failure::last)?;
                if job.id != self.id {
                    return Err(Failure::last(ClientError::protocol("told about another job")));
                }
                Ok(Seen::Job(Box::new(job)))
            }
            // A server that stops ends its streams; the job goes on after it is back.
            Ok(Ok(None)) => Err(self.line.silence("the server ended the stream before the job ended")),
            Ok(Err(status)) => Err(self.line.judge(status)),
        }
    }
}
