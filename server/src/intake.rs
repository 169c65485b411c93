//! From a file of any format to a job: decoded and hashed on a thread that may be slow, kept as a draft until its owner has
//! seen the price, then admitted, stored as an artifact and queued. Nothing is held or stored before that.

use crate::admission::{Admissions, JobRequest, Refusal};
use crate::artifacts::Artifacts;
use crate::auth::token::Token;
use crate::canonical::{self, CanonicalClip};
use crate::clock::{Clock, Timestamp};
use crate::job::{Job, JobState};
use crate::progress::Progress;
use crate::queue::Queue;
use crate::steps::{SharedSteps, Step};
use crate::store::{Store, StoreError};
use crate::tenant::{Principal, Tenant};
use crate::upload::{UploadError, Uploads};
use crate::widget::Visitor;
use std::collections::HashMap;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tempfile::NamedTempFile;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tributary_audio::{AudioError, ClipShape};
use tributary_protocol::limits::TITLE_CHARS_MAX;
use tributary_protocol::settings::Settings;
use tributary_protocol::vocab::{ClipHeader, Credits, JobId, PersonId};

/// Files that come in or are decoded at once.
const TAKING_MAX: usize = 8;
/// Drafts of all people.
const DRAFTS_MAX: usize = 256;
/// A draft is forgotten after this.
const DRAFT: Duration = Duration::from_secs(3_600);
/// Bytes that are read at once.
const BLOCK_BYTES: usize = 1 << 20;

/// Why a file became no job.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NotTaken {
    /// Too many at once.
    #[error("too many files come in at this moment; try again in a minute")]
    Busy,
    /// Not sound, or damaged.
    #[error(transparent)]
    Audio(#[from] AudioError),
    /// Longer than clips may be.
    #[error("the file is longer than {0} minutes, which is the most this server takes")]
    Long(u64),
    /// Forgotten, or another's.
    #[error("this draft is gone; send the file again")]
    NoDraft,
    /// Not admitted.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Not stored.
    #[error(transparent)]
    Upload(#[from] UploadError),
    /// The store failed.
    #[error("the store failed")]
    Store(#[from] StoreError),
    /// The disk failed.
    #[error("the file cannot be kept")]
    Disk(#[from] io::Error),
}

/// A decoded file that waits for its owner.
#[derive(Clone, Debug)]
pub struct Draft {
    /// Whose.
    pub tenant: Tenant,
    /// Who sent it.
    pub person: Option<PersonId>,
    /// By which widget, where a visitor of one did.
    pub visitor: Option<Visitor>,
    /// Canonical bytes; gone when the last one who holds the draft lets it go.
    file: Arc<NamedTempFile>,
    /// What they are.
    pub clip: ClipHeader,
    /// The file's name, for lists.
    pub title: String,
    /// The job that it becomes: asking twice makes one.
    pub job: JobId,
    until: Timestamp,
}

impl Draft {
    /// As quotes want it.
    #[must_use]
    pub fn shape(&self) -> ClipShape {
        let ClipHeader { frames, channels, rate_hz, .. } = self.clip;
        ClipShape { channels, frames, rate_hz }
    }
}

/// What is wished for a draft.
#[derive(Clone, Debug)]
pub struct Wish {
    /// A model's name.
    pub model: String,
    /// Stems; empty for all.
    pub stems: Vec<String>,
    /// Values of the model's controls.
    pub settings: Settings,
    /// The quote that was seen; none for whatever it costs.
    pub credits_max: Option<Credits>,
}

/// Everything on the way from a file to a job.
pub struct Intake {
    /// Who may run what.
    pub admissions: Arc<Admissions>,
    /// Truth.
    pub store: Arc<dyn Store>,
    /// Finished stems.
    pub artifacts: Arc<dyn Artifacts>,
    /// Clips on their way.
    pub uploads: Arc<Uploads>,
    /// The bell.
    pub queue: Arc<dyn Queue>,
    /// The news.
    pub progress: Arc<dyn Progress>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Who is told.
    pub steps: SharedSteps,
    /// Set while the server is going down.
    pub drain: CancellationToken,
    folder: PathBuf,
    drafts: Mutex<HashMap<String, Draft>>,
    places: Arc<Semaphore>,
}

/// What [`Intake::new`] is made of.
pub struct Parts {
    /// As in [`Intake`].
    pub admissions: Arc<Admissions>,
    /// As in [`Intake`].
    pub store: Arc<dyn Store>,
    /// As in [`Intake`].
    pub artifacts: Arc<dyn Artifacts>,
    /// As in [`Intake`].
    pub uploads: Arc<Uploads>,
    /// As in [`Intake`].
    pub queue: Arc<dyn Queue>,
    /// As in [`Intake`].
    pub progress: Arc<dyn Progress>,
    /// As in [`Intake`].
    pub clock: Arc<dyn Clock>,
    /// As in [`Intake`].
    pub steps: SharedSteps,
    /// As in [`Intake`].
    pub drain: CancellationToken,
}

impl Intake {
    /// `folder` is this process's alone: what a process that died left there is taken away.
    ///
    /// # Errors
    /// Where the folder cannot be made.
    pub fn new(parts: Parts, folder: &Path) -> io::Result<Self> {
        match std::fs::remove_dir_all(folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => std::fs::create_dir_all(folder)?,
        }
        let Parts { admissions, store, artifacts, uploads, queue, progress, clock, steps, drain } = parts;
        let (drafts, places) = (Mutex::default(), Arc::new(Semaphore::new(TAKING_MAX)));
        let folder = folder.to_owned();
        Ok(Self {
            admissions,
            store,
            artifacts,
            uploads,
            queue,
            progress,
            clock,
            steps,
            drain,
            folder,
            drafts,
            places,
        })
    }

    /// A place for one more file.
    ///
    /// # Errors
    /// `Busy`.
    pub fn place(&self) -> Result<OwnedSemaphorePermit, NotTaken> {
        Arc::clone(&self.places).try_acquire_owned().map_err(|_| NotTaken::Busy)
    }

    /// A file to write what comes into.
    ///
    /// # Errors
    /// `Disk`.
    pub fn file(&self) -> Result<NamedTempFile, NotTaken> {
        Ok(tempfile::Builder::new().prefix("in-").tempfile_in(&self.folder)?)
    }

    /// Decodes a file and keeps it as a draft; its name. `title` is what the browser called the file.
    ///
    /// # Errors
    /// Where it is no sound, too long, or the disk fails.
    pub async fn take(&self, who: &Principal, file: NamedTempFile, title: &str) -> Result<String, NotTaken> {
        let (folder, seconds_max) = (self.folder.clone(), self.admissions.limits.clip_seconds_max);
        let work = move || decoded(file.path(), &folder, seconds_max);
        let decoded = tokio::task::spawn_blocking(work).await;
        let (clip, file) = decoded.map_err(io::Error::other)??;
        let title: String = title.chars().filter(|c| !c.is_control()).take(TITLE_CHARS_MAX).collect();
        let now = self.clock.now();
        let Principal { tenant, person, visitor, .. } = *who;
        let (file, job, until) = (Arc::new(file), JobId::generate(), now.after(DRAFT));
        let draft = Draft { tenant, person, visitor, file, clip, title, job, until };
        let mut drafts = self.drafts();
        drafts.retain(|_, draft| now < draft.until);
        if drafts.len() >= DRAFTS_MAX {
            return Err(NotTaken::Busy);
        }
        let name = Token::generate().reveal().to_owned();
        drafts.insert(name.clone(), draft);
        Ok(name)
    }

    /// A draft of this principal.
    ///
    /// # Errors
    /// `NoDraft` also for another's.
    pub fn draft(&self, who: &Principal, name: &str) -> Result<Draft, NotTaken> {
        let now = self.clock.now();
        let found = self.drafts().get(name).filter(|draft| now < draft.until).cloned();
        let is_theirs = |draft: &Draft| {
            (draft.tenant, draft.person, draft.visitor) == (who.tenant, who.person, who.visitor)
        };
        found.filter(is_theirs).ok_or(NotTaken::NoDraft)
    }

    /// Lets a draft of this principal go, where nobody comes back for it.
    pub fn forget(&self, who: &Principal, name: &str) {
        if self.draft(who, name).is_ok() {
            self.drafts().remove(name);
        }
    }

    fn drafts(&self) -> MutexGuard<'_, HashMap<String, Draft>> {
        self.drafts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Admits a draft's job, stores its clip and queues it. Asking again for the same draft answers the same job.
    ///
    /// # Errors
    /// A refusal holds nothing; what fails later is ended by the reaper, and everything comes back.
    pub async fn start(&self, who: &Principal, name: &str, wish: Wish) -> Result<Job, NotTaken> {
        let draft = self.draft(who, name)?;
        if self.drain.is_cancelled() {
            return Err(Refusal::Draining.into());
        }
        let request = JobRequest {
            id: draft.job,
            model: wish.model,
            stems: wish.stems,
            clip: draft.clip,
            title: draft.title.clone(),
            settings: wish.settings,
            references: Vec::new(),
            credits_max: wish.credits_max,
        };
        let job = self.admissions.admit(who, request).await?;
        if job.state == JobState::Uploading {
            self.store_clip(&draft).await?;
        } else {
            self.queue.ring(job.id);
        }
        self.drafts().remove(name);
        Ok(job)
    }

    async fn store_clip(&self, draft: &Draft) -> Result<(), NotTaken> {
        let (uploads, tenant, clip) = (Arc::clone(&self.uploads), draft.tenant, draft.clip);
        let file = Arc::clone(&draft.file);
        let work = move || -> Result<(), NotTaken> {
            let mut upload = uploads.begin(&tenant, &clip)?;
            let mut source = file.reopen()?;
            let committed = upload.committed_bytes();
            io::Seek::seek(&mut source, io::SeekFrom::Start(committed))?;
            let block_bytes = BLOCK_BYTES as u64 / clip.frame_bytes() * clip.frame_bytes();
            let (mut at, mut block) = (committed, Vec::new());
            loop {
                block.clear();
                if (&mut source).take(block_bytes).read_to_end(&mut block)? == 0 {
                    break;
                }
                at = upload.append(at, &block)?;
            }
            upload.finish()?;
            Ok(())
        };
        tokio::task::spawn_blocking(work).await.map_err(io::Error::other)??;
        self.steps.reached(Step::ClipStored, None);
        for job in self.store.uploaded(&tenant, clip.sha256, self.clock.now()).await? {
            self.steps.reached(Step::Queued, Some(job));
            self.queue.ring(job);
            self.progress.changed(&tenant, job);
        }
        Ok(())
    }
}

/// Canonical bytes of a file, and what they are. Bounded memory. Blocking.
fn decoded(path: &Path, folder: &Path, seconds_max: u64) -> Result<(ClipHeader, NamedTempFile), NotTaken> {
    let mut source = canonical::open(path)?;
    let shape = source.shape();
    if shape.frames > seconds_max.saturating_mul(shape.rate_hz.into()) {
        return Err(NotTaken::Long(seconds_max / 60));
    }
    let CanonicalClip { header, file } = canonical::write(source.as_mut(), folder)?;
    Ok((header, file))
}
