//! The life of one job, as a task of its own: saved, admitted, uploaded, watched, fetched. Whatever goes wrong on the
//! way, it goes on where it was, for ever, until it has an outcome; and it begins again there after a restart.
//!
//! - `send`, `fetch`: clip and references there, stems and sheets back
//! - `claim`: one instance at a time, of all programs on this machine
//! - `trouble`: what an error means for a job
//! - `pace`: how long it will take

mod claim;
mod fetch;
mod pace;
mod send;
mod trouble;

use super::connection::Link;
use super::mailbox::{Event, Mailbox};
use crate::library::{Clip, JobKey, JobRecord, Library, LibraryError, TakeInfo, sent};
use crate::project::Project;
use crate::view::Stage;
use claim::Claim;
use pace::Pace;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio::time::sleep;
use tributary_protocol::client::{Client, ClientError, JobState, JobView, NewJob, Patience};
use tributary_protocol::vocab::Credits;
use trouble::Trouble;
pub(super) use trouble::sentence;

/// Waits between tries, on top of the client's own.
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// How often a job that another instance looks after is looked at.
const LOOK_AT_OTHERS: Duration = Duration::from_secs(2);
/// Told changes of one share at most this far apart: a percent.
const SHARE_STEP: f32 = 0.01;
/// The client gives up soon, so that the window can say that we wait; we never do.
const PATIENCE: Patience = Patience {
    first_wait: Duration::from_millis(100),
    longest_wait: Duration::from_secs(2),
    first_contact: Duration::from_secs(6),
    without_success: Duration::from_secs(6),
    unary: Duration::from_secs(8),
    stream_idle: Duration::from_secs(30),
};

/// What a job's task tells.
#[derive(Debug)]
pub(super) enum JobNews {
    /// Its record is on the disk, or has changed there.
    Saved(Box<JobRecord>),
    /// It has got further.
    Stage(JobKey, Stage),
    /// It has ended; nothing more will come. The reason says why results could not be fetched, where they could not.
    Over { record: Box<JobRecord>, not_fetched: Option<String> },
    /// It never came to the disk.
    NotSaved { key: JobKey, reason: String },
}

/// What a job's task uses.
#[derive(Clone)]
pub(super) struct Surroundings {
    pub(super) library: Library,
    pub(super) project: Arc<Project>,
    pub(super) link: watch::Receiver<Option<Link>>,
    pub(super) mailbox: Mailbox,
}

/// One job on its way.
pub(super) struct Life {
    record: JobRecord,
    around: Surroundings,
    /// The user wants it to end.
    cancel: watch::Receiver<bool>,
    /// Its files, as long as they are needed.
    clip: Option<Clip>,
    /// It may be known to a server: asked for now or in an earlier life.
    may_be_known: bool,
    wait: Duration,
    told: Option<Stage>,
}

type Attempt<T> = Result<T, Trouble>;

impl Life {
    pub(super) fn new(record: JobRecord, around: Surroundings, cancel: watch::Receiver<bool>) -> Self {
        Self { record, around, cancel, clip: None, may_be_known: true, wait: FIRST_WAIT, told: None }
    }

    /// A job that nobody but us knows yet: first its id goes to the disk and into the project, then it lives.
    pub(super) async fn begin(mut self, take: TakeInfo) {
        self.may_be_known = false;
        let (library, mut record) = (self.around.library.clone(), self.record.clone());
        let saved = blocking(move || {
            let clip = library.clip_of(&take, record.range)?;
            record.clip = clip.header.into();
            library.save_job(&record)?;
            Ok((record, clip))
        });
        match saved.await {
            Ok((record, clip)) => {
                self.clip = Some(clip);
                self.around.project.update(|state| state.add_job(record.key));
                self.record = record.clone();
                self.post(JobNews::Saved(Box::new(record))).await;
                self.live().await;
            }
            Err(error) => self.post(JobNews::NotSaved { key: self.record.key, reason: error.told() }).await,
        }
    }

    /// Goes on from wherever it is, to its end.
    pub(super) async fn live(mut self) {
        let Some(_claim) = self.claim().await else { return };
        loop {
            match self.attempt().await {
                Ok(()) => return self.over(None).await,
                Err(Trouble::Over { outcome, not_fetched }) => {
                    self.record.outcome = Some(outcome);
                    return self.over(not_fetched).await;
                }
                Err(Trouble::Later(reason)) => self.wait_after(reason).await,
            }
        }
    }

    /// The right to look after it; none once another instance has brought it to its end.
    async fn claim(&mut self) -> Option<Claim> {
        loop {
            let (library, key) = (self.around.library.clone(), self.record.key);
            let looked = blocking(move || {
                let claim = Claim::take(&library, key);
                // Read after the claim: whoever had it before has written by then.
                Ok((claim, library.job(key)))
            });
            match looked.await {
                Ok((Some(claim), Ok(record))) => {
                    // Asked to fetch again what is done, or not done yet.
                    self.record = record;
                    return Some(claim);
                }
                Ok((None, Ok(record))) if record.outcome.is_some() => {
                    self.record = record;
                    self.post(JobNews::Over { record: Box::new(self.record.clone()), not_fetched: None })
                        .await;
                    return None;
                }
                Ok((_, Err(LibraryError::Missing { .. }))) => {
                    let reason = "It was deleted.".to_owned();
                    self.post(JobNews::NotSaved { key: self.record.key, reason }).await;
                    return None;
                }
                _ => {
                    let reason = "Another window of Tributary looks after it.".to_owned();
                    self.tell(Stage::Waiting { reason }).await;
                    sleep(LOOK_AT_OTHERS).await;
                }
            }
        }
    }

    async fn over(mut self, not_fetched: Option<String>) {
        self.save().await;
        self.clip = None;
        self.post(JobNews::Over { record: Box::new(self.record.clone()), not_fetched }).await;
    }

    /// Keeps the record. Where the disk does not take it, the server still knows, and is asked again another day.
    async fn save(&mut self) {
        let (library, record) = (self.around.library.clone(), self.record.clone());
        let saved = blocking(move || library.save_job(&record).map(|()| record));
        match saved.await {
            Ok(record) => self.post(JobNews::Saved(Box::new(record))).await,
            Err(error) => {
                let text = format!(
                    "What became of `{}` cannot be written down: {}.",
                    self.record.title,
                    error.told()
                );
                let weight = crate::view::Weight::Warning;
                self.around.mailbox.post(Event::Notice { weight, text, path: None }).await;
            }
        }
    }

    /// Another try makes sense after a while, with another connection, or when the user has changed his mind.
    async fn wait_after(&mut self, reason: String) {
        self.tell(Stage::Waiting { reason }).await;
        let was_cancelled = self.is_cancelled();
        let wait = self.wait;
        self.wait = (self.wait * 2).min(LONGEST_WAIT);
        tokio::select! {
            () = sleep(wait) => {}
            Ok(()) = self.around.link.changed() => self.wait = FIRST_WAIT,
            () = cancelled(&mut self.cancel), if !was_cancelled => self.wait = FIRST_WAIT,
        }
    }

    fn is_cancelled(&self) -> bool {
        *self.cancel.borrow() || self.record.is_cancelled
    }

    /// One way through, from where the server says that it is.
    async fn attempt(&mut self) -> Attempt<()> {
        self.keep_wish().await;
        if self.is_cancelled() && !self.may_be_known {
            return Err(Trouble::cancelled(0, 0));
        }
        let client = self.client().await?;
        if !self.record.is_admitted {
            self.tell(Stage::Preparing).await;
        }
        let mut job = self.find(&client).await?;
        self.wait = FIRST_WAIT;
        if job.state == JobState::Uploading && !self.is_cancelled() {
            self.upload(&client).await?;
        }
        if !job.state.is_terminal() {
            job = self.watch(&client).await?;
        }
        match job.state {
            JobState::Done => self.fetch(&client, &job).await,
            JobState::Cancelled => Err(Trouble::cancelled(job.released.0, job.captured.0)),
            JobState::Expired => Err(Trouble::failed(
                "The clip did not reach the server in time. Run it again.",
                Some(job.released.0),
            )),
            _ => Err(Trouble::failed(
                job.failure.unwrap_or_else(|| "The server does not say why. Try again.".to_owned()),
                Some(job.released.0),
            )),
        }
    }

    /// A wish to cancel survives us.
    async fn keep_wish(&mut self) {
        if *self.cancel.borrow() && !self.record.is_cancelled && self.record.outcome.is_none() {
            self.record.is_cancelled = true;
            self.save().await;
        }
    }

    /// A client of the server that has the job.
    async fn client(&mut self) -> Attempt<Client> {
        let link = self.around.link.borrow_and_update().clone();
        match link {
            Some(link) if link.server == self.record.server => Ok(link.client.with_patience(PATIENCE)),
            Some(_) => Err(Trouble::Later(format!(
                "It was sent to another server: connect to {} to go on.",
                self.record.server
            ))),
            None if self.is_cancelled() => {
                Err(Trouble::Later("It will be cancelled as soon as the server is back.".to_owned()))
            }
            None => {
                Err(Trouble::Later("Not connected: it goes on as soon as the server is back.".to_owned()))
            }
        }
    }

    /// The job as the server has it. A job that was never received is asked for again under the same id, which costs
    /// nothing more.
    async fn find(&mut self, client: &Client) -> Attempt<JobView> {
        let id = self.record.key.id();
        if self.is_cancelled() && self.record.outcome.is_none() {
            return self.cancel_there(client).await;
        }
        if self.record.is_admitted {
            return client.job(id).await.map_err(Trouble::of);
        }
        self.may_be_known = true;
        let (model, clip) = (&self.record.model, self.record.clip.into());
        let stems = self.record.stems.clone();
        let settings = sent(&self.record.settings);
        let references = self.record.references.iter().map(|reference| reference.clip.into()).collect();
        let wanted = NewJob {
            stems,
            settings,
            references,
            credits_max: Some(Credits(self.record.quoted)),
            ..NewJob::new(id, model, clip, &self.record.title)
        };
        let mut cancel = self.cancel.clone();
        let created = tokio::select! {
            created = client.create(&wanted) => Some(created),
            () = cancelled(&mut cancel) => None,
        };
        let Some(created) = created else {
            self.keep_wish().await;
            return self.cancel_there(client).await;
        };
        let job = created.map_err(Trouble::of)?;
        self.record.is_admitted = true;
        self.save().await;
        Ok(job)
    }

    /// Where the server never heard of it, nothing was set aside.
    async fn cancel_there(&self, client: &Client) -> Attempt<JobView> {
        match client.cancel(self.record.key.id()).await {
            Err(ClientError::UnknownJob { .. }) => Err(Trouble::cancelled(0, 0)),
            answer => answer.map_err(Trouble::of),
        }
    }

    async fn cut(&self) -> Result<Clip, LibraryError> {
        let (library, record) = (self.around.library.clone(), self.record.clone());
        blocking(move || library.clip_of(&library.take(record.take)?, record.range)).await
    }

    /// What cannot be sent is ended on the server, too, so that nothing stays set aside.
    async fn give_up(&self, client: &Client, reason: impl Into<String>) -> Trouble {
        match client.cancel(self.record.key.id()).await {
            Ok(job) => Trouble::failed(reason, Some(job.released.0)),
            Err(ClientError::UnknownJob { .. }) => Trouble::failed(reason, None),
            Err(error) => Trouble::of(error),
        }
    }

    /// Follows it to its end on the server.
    async fn watch(&mut self, client: &Client) -> Attempt<JobView> {
        let mut watch = client.watch(self.record.key.id());
        let mut pace = Pace::default();
        let mut is_told = false;
        loop {
            if self.is_cancelled() && !is_told {
                self.keep_wish().await;
                let job = client.cancel(self.record.key.id()).await.map_err(Trouble::of)?;
                is_told = true;
                if job.state.is_terminal() {
                    return Ok(job);
                }
            }
            let seen = tokio::select! {
                seen = watch.next() => seen.map_err(Trouble::of)?,
                () = cancelled(&mut self.cancel), if !is_told => continue,
            };
            let Some(job) = seen else { return Err(Trouble::again()) };
            match job.state {
                // It waits for the clip again: the server came back from a time before the upload.
                JobState::Uploading if !is_told => return Err(Trouble::again()),
                JobState::Queued => self.tell(Stage::Queued { in_front: job.queue_position }).await,
                JobState::Running => {
                    let left = pace.left(Instant::now(), job.chunks_done, job.chunks);
                    let (chunks_done, chunks) = (job.chunks_done, job.chunks);
                    self.tell(Stage::Running { chunks_done, chunks, left }).await;
                }
                state if state.is_terminal() => return Ok(job),
                _ => {}
            }
        }
    }

    async fn tell(&mut self, stage: Stage) {
        if self.told.as_ref() != Some(&stage) {
            self.told = Some(stage.clone());
            self.post(JobNews::Stage(self.record.key, stage)).await;
        }
    }

    async fn post(&self, news: JobNews) {
        self.around.mailbox.post(Event::Job(news)).await;
    }
}

/// Returns when the user wants the job to end; never when nobody can want it any more.
async fn cancelled(cancel: &mut watch::Receiver<bool>) {
    if cancel.wait_for(|is_cancelled| *is_cancelled).await.is_err() {
        std::future::pending().await
    }
}

/// A share that grows, told by whole percents.
struct Told {
    key: JobKey,
    mailbox: Mailbox,
    last: f32,
}

impl Told {
    fn new(key: JobKey, mailbox: Mailbox) -> Self {
        Self { key, mailbox, last: 0.0 }
    }

    fn share(&mut self, share: f32, stage: impl Fn(f32) -> Stage) {
        if (share - self.last).abs() >= SHARE_STEP {
            self.last = share;
            self.mailbox.post_if_room(Event::Job(JobNews::Stage(self.key, stage(share.clamp(0.0, 1.0)))));
        }
    }
}

/// Work for a thread that may wait for the disk.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, LibraryError> + Send + 'static,
) -> Result<T, LibraryError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(_) => Err(LibraryError::Stopped),
    }
}
