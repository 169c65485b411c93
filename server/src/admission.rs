//! May this tenant run this clip now? Limits, then plan, then quote, then the hold; nothing is uploaded before.

mod queue_room;

use crate::artifacts::{ArtifactError, Artifacts, Key};
use crate::clock::Clock;
use crate::config::LimitsConfig;
use crate::job::{Job, JobState};
use crate::offer::Offers;
use crate::quote::{Price, quote};
use crate::settings;
use crate::steps::{SharedSteps, Step};
use crate::store::keeping::StorageLimit;
use crate::store::{Admission, NewJob, SpendLimit, Store, StoreError};
use crate::tenant::{Principal, Tenant};
use crate::widget::Fixed;
pub use queue_room::QueueRoom;
use std::sync::Arc;
use tributary_audio::ClipShape;
use tributary_models::{Ask, ModelError, Plan};
use tributary_protocol::limits::{
    CHANNELS_MAX, NAME_CHARS_MAX, RATE_HZ_MAX, RATE_HZ_MIN, REFERENCES_MAX, SETTINGS_MAX, STEMS_MAX,
    TITLE_CHARS_MAX,
};
use tributary_protocol::settings::{Setting, Settings};
use tributary_protocol::vocab::{ClipHeader, Credits, JobId};

/// What a client asks for.
#[derive(Clone, Debug)]
pub struct JobRequest {
    /// Made by the client.
    pub id: JobId,
    /// A model's name.
    pub model: String,
    /// Stems wanted; empty means all.
    pub stems: Vec<String>,
    /// The clip.
    pub clip: ClipHeader,
    /// For lists.
    pub title: String,
    /// Values of the model's controls.
    pub settings: Settings,
    /// Clips the result shall be made like.
    pub references: Vec<ClipHeader>,
    /// The quote that the user saw; none for whatever it costs.
    pub credits_max: Option<Credits>,
}

/// Why a job was not admitted; nothing was held.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// Something about the request is outside what is possible.
    #[error("{what} is {value}; it must be {allowed}")]
    Limit {
        /// Which property.
        what: &'static str,
        /// What was asked for.
        value: u64,
        /// What is allowed, in words.
        allowed: String,
    },
    /// A name that is too long or has control characters.
    #[error("the {what} must have at most {chars_max} characters and no control characters")]
    Text {
        /// Which text.
        what: &'static str,
        /// How long it may be.
        chars_max: usize,
    },
    /// Unknown model or stem.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The job id was used for another request.
    #[error("this job id was used for another request; make a new one")]
    Conflict,
    /// It would cost more than the user saw.
    #[error(
        "the job costs {quote} by now, not {seen}: the price has changed; look at the new quote and send it again"
    )]
    Dearer {
        /// The quote now.
        quote: Credits,
        /// The quote that was seen.
        seen: Credits,
    },
    /// Not enough credits.
    #[error("the job needs {needed}, {available} of this account are available")]
    NotEnoughCredits {
        /// The quote.
        needed: Credits,
        /// What is there.
        available: Credits,
    },
    /// Too many open jobs: wait for one to end.
    #[error("{open} jobs of this account are open, {max} are allowed; wait for one to end or cancel one")]
    TooMany {
        /// Open now.
        open: u32,
        /// Allowed.
        max: u32,
    },
    /// The member's or the widget's limit would be passed.
    #[error(
        "the job needs {needed}; of your limit of {limit} this month {spent} are spent or held; ask an owner for more"
    )]
    OverLimit {
        /// The quote.
        needed: Credits,
        /// The limit.
        limit: Credits,
        /// What is gone of it.
        spent: Credits,
    },
    /// The account starts no job any more.
    #[error("this account is suspended and starts no new jobs; write to the server's operator")]
    Suspended,
    /// The account would keep more than it may.
    #[error(
        "the account keeps {} of the {} it may on this server, and this job may add {}: delete results that are not \
         needed any more, or shorten the clip", mb(*kept), mb(*max), mb(*needed)
    )]
    OverStorage {
        /// Bytes it keeps now.
        kept: u64,
        /// Bytes it may keep.
        max: u64,
        /// What the job may add.
        needed: u64,
    },
    /// Too many jobs of all accounts wait: later.
    #[error("the server's queue is full: {max} jobs wait; try again in a while")]
    QueueFull {
        /// Allowed.
        max: u64,
    },
    /// No room for clip and stems: later.
    #[error("the server's disk is almost full; try again later or tell its operator")]
    DiskFull,
    /// The server is going down: later.
    #[error("the server is shutting down; try again in a moment")]
    Draining,
    /// The store failed.
    #[error("the store failed")]
    Store(#[from] StoreError),
    /// The artifacts failed.
    #[error("the artifact store failed")]
    Artifact(#[source] ArtifactError),
}

/// What a clip would cost, and why.
#[derive(Clone, Debug)]
pub struct Quote {
    /// The most that can be captured.
    pub credits: Credits,
    /// What it is made of.
    pub price: Price,
    /// What would be done.
    plan: Plan,
}

/// Seconds of an ordinary song by which prices are told before there is a file: prices are of started minutes.
const MINUTE_SECONDS: u64 = 60;
/// Its rate in Hz, and its channels.
const ORDINARY: (u32, u16) = (44_100, 2);

/// A job that asks to be admitted.
struct Asked {
    job: NewJob,
    /// Bytes that must be free for it, and for what the server keeps free.
    room: u64,
    /// Bytes that are; none where that is not known.
    free: Option<u64>,
}

/// Decides who may run what.
pub struct Admissions {
    /// Models and prices.
    pub offers: Offers,
    /// What one request may ask for.
    pub limits: LimitsConfig,
    /// The bound on the whole queue.
    pub queue_room: QueueRoom,
    /// Truth.
    pub store: Arc<dyn Store>,
    /// To see which clips are here already.
    pub artifacts: Arc<dyn Artifacts>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Who is told.
    pub steps: SharedSteps,
}

impl Admissions {
    /// What a clip of this shape would cost on this model, with these settings. Holds nothing.
    ///
    /// # Errors
    /// Where the model or a setting is unknown or the shape outside the limits.
    pub fn quote(&self, model: &str, clip: ClipShape, settings: &Settings) -> Result<Quote, Refusal> {
        check_settings(settings)?;
        self.planned(model, clip, &Ask { settings: settings::to_models(settings), ..Ask::default() })
    }

    /// What a minute of an ordinary song would cost with what a widget fixes; on a server that takes less than a minute, the
    /// longest that it takes. Holds nothing.
    ///
    /// # Errors
    /// Where the model is unknown, or a setting or a stem is none of its.
    pub fn quote_minute(&self, model: &str, fixed: &Fixed) -> Result<Quote, Refusal> {
        check_stems(&fixed.stems)?;
        check_settings(&fixed.settings)?;
        let (rate_hz, channels) = ORDINARY;
        let frames = self.limits.clip_seconds_max.min(MINUTE_SECONDS) * u64::from(rate_hz);
        let settings = settings::to_models(&fixed.settings);
        let ask = Ask { settings, stems: fixed.stems.clone(), ..Ask::default() };
        self.planned(model, ClipShape { channels, frames, rate_hz }, &ask)
    }

    /// The plan and its price.
    fn planned(&self, model: &str, clip: ClipShape, ask: &Ask) -> Result<Quote, Refusal> {
        // Before anything repeats the name: an error travels in headers, which have a limit of their own.
        check_text("model's name", model, NAME_CHARS_MAX)?;
        let offer = self.offers.get(model)?;
        self.check_shape(clip)?;
        ask.references.iter().try_for_each(|clip| self.check_shape(*clip))?;
        let plan = offer.pipeline.plan(clip, ask)?;
        let price = self.offers.price(offer, &plan)?;
        let credits = quote(clip.frames, clip.rate_hz, price.credits_per_minute());
        Ok(Quote { credits, price, plan })
    }

    /// Admits: the answer is a job whose credits are held, uploading or queued.
    ///
    /// # Errors
    /// A named refusal; nothing was held.
    pub async fn admit(&self, principal: &Principal, request: JobRequest) -> Result<Job, Refusal> {
        check_words(&request)?;
        let (tenant, seen, now) = (&principal.tenant, request.credits_max, self.clock.now());
        let Asked { job, room, free } = self.asked(principal, request).await?;
        let refusal = if let Some(seen) = seen.filter(|seen| job.quote > *seen) {
            Some(Refusal::Dearer { quote: job.quote, seen })
        } else if free.is_some_and(|free| free < room) {
            Some(Refusal::DiskFull)
        } else if self.queue_room.is_there(self.store.as_ref(), now).await? {
            None
        } else {
            Some(Refusal::QueueFull { max: self.queue_room.queued_max() })
        };
        // Whoever asks again for a job that was admitted gets it at its price, however full it is now.
        if let Some(refusal) = refusal
            && self.store.job(tenant, job.id).await?.is_none()
        {
            return Err(refusal);
        }
        let answer = self.store.admit(tenant, &job, now).await?;
        if let Admission::Admitted(job) = &answer {
            if job.state == JobState::Queued {
                self.queue_room.took().await;
            }
            self.steps.reached(Step::Admitted, Some(job.id));
        }
        self.told(principal, &job, answer)
    }

    /// What the store is asked to admit, with the room that it may take.
    async fn asked(&self, principal: &Principal, request: JobRequest) -> Result<Asked, Refusal> {
        let tenant = &principal.tenant;
        let ask = Ask {
            stems: request.stems,
            settings: settings::to_models(&request.settings),
            references: request.references.iter().map(shape).collect(),
        };
        let Quote { credits, plan, .. } = self.planned(&request.model, shape(&request.clip), &ask)?;
        let bytes =
            |clip: &ClipHeader| clip.canonical_bytes().expect("frames were checked against the limit");
        let clip = bytes(&request.clip);
        let (stored, free) = self.look(tenant, &request.clip).await?;
        let clip_is_stored = stored == Some(clip);
        let made = clip.saturating_mul(plan.stems.len() as u64);
        let mut needed = made.saturating_add(if clip_is_stored { 0 } else { clip });
        let mut room = clip.saturating_add(made).saturating_add(self.limits.disk_free_min_mb << 20);
        let mut references = Vec::with_capacity(request.references.len());
        for clip in request.references {
            let (stored, _) = self.look(tenant, &clip).await?;
            let length = bytes(&clip);
            let is_stored = stored == Some(length);
            room = room.saturating_add(length);
            needed = needed.saturating_add(if is_stored { 0 } else { length });
            references.push((clip, is_stored));
        }
        let now = self.clock.now();
        let job = NewJob {
            id: request.id,
            model: request.model,
            stems: plan.stems,
            title: request.title,
            clip: request.clip,
            settings: settings::from_models(&plan.settings),
            references,
            chunks: plan.chunks,
            quote: credits,
            clip_is_stored,
            upload_until: now.after(self.limits.upload_idle()),
            open_max: self.open_max(principal),
            person: principal.person,
            visitor: principal.visitor,
            spend_limit: principal.month_limit.map(|credits| SpendLimit { credits, since: now.month() }),
            storage_limit: self.limits.storage_bytes().map(|bytes| StorageLimit { bytes, needed }),
        };
        Ok(Asked { job, room, free })
    }

    /// Jobs of the account that may be open for this one to be started. Visitors of widgets leave half of them to the members.
    fn open_max(&self, principal: &Principal) -> u32 {
        let most = self.limits.jobs_open_max;
        if principal.visitor.is_some() { most.div_ceil(2) } else { most }
    }

    /// The store's answer in this server's words.
    fn told(&self, principal: &Principal, asked: &NewJob, answer: Admission) -> Result<Job, Refusal> {
        Err(match answer {
            Admission::Admitted(job) | Admission::Known(job) => return Ok(job),
            Admission::Conflict => Refusal::Conflict,
            Admission::Insufficient { needed, available } => Refusal::NotEnoughCredits { needed, available },
            Admission::OverLimit { spent } => {
                let limit = principal.month_limit.unwrap_or(Credits::ZERO);
                Refusal::OverLimit { needed: asked.quote, limit, spent }
            }
            Admission::OverStorage { kept } => {
                let (max, needed) = asked.storage_limit.map_or((0, 0), |limit| (limit.bytes, limit.needed));
                Refusal::OverStorage { kept, max, needed }
            }
            Admission::Suspended => Refusal::Suspended,
            Admission::TooMany { open } => Refusal::TooMany { open, max: self.open_max(principal) },
        })
    }

    /// Bytes of this clip already stored, and bytes free.
    async fn look(&self, tenant: &Tenant, clip: &ClipHeader) -> Result<(Option<u64>, Option<u64>), Refusal> {
        let artifacts = Arc::clone(&self.artifacts);
        let key = Key::new(tenant, clip.sha256);
        let look = move || Ok((artifacts.bytes(&key)?, artifacts.free_bytes()?));
        let result = tokio::task::spawn_blocking(look).await;
        result.expect("looking at artifacts does not panic").map_err(Refusal::Artifact)
    }

    /// Whether a clip of this shape could be taken at all.
    ///
    /// # Errors
    /// `Limit`.
    pub fn check_clip(&self, clip: ClipShape) -> Result<(), Refusal> {
        self.check_shape(clip)
    }

    fn check_shape(&self, clip: ClipShape) -> Result<(), Refusal> {
        limit("rate in Hz", clip.rate_hz.into(), RATE_HZ_MIN.into(), RATE_HZ_MAX.into())?;
        limit("number of channels", clip.channels.into(), 1, CHANNELS_MAX.into())?;
        let frames_max = self.limits.clip_seconds_max * u64::from(clip.rate_hz);
        if (1..=frames_max).contains(&clip.frames) {
            return Ok(());
        }
        let hours = self.limits.clip_seconds_max as f64 / 3600.0;
        let allowed = format!("1 to {frames_max} (the longest clip is {hours} h)");
        Err(Refusal::Limit { what: "length in frames", value: clip.frames, allowed })
    }
}

/// Megabytes, for people.
fn mb(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / (1 << 20) as f64)
}

fn shape(clip: &ClipHeader) -> ClipShape {
    ClipShape { channels: clip.channels, frames: clip.frames, rate_hz: clip.rate_hz }
}

/// Names and numbers of things, before anything is done with them.
fn check_words(request: &JobRequest) -> Result<(), Refusal> {
    check_text("title", &request.title, TITLE_CHARS_MAX)?;
    check_stems(&request.stems)?;
    limit("number of references", request.references.len() as u64, 0, REFERENCES_MAX as u64)?;
    check_settings(&request.settings)
}

fn check_stems(stems: &[String]) -> Result<(), Refusal> {
    limit("number of stems", stems.len() as u64, 0, STEMS_MAX as u64)?;
    stems.iter().try_for_each(|stem| check_text("stem's name", stem, NAME_CHARS_MAX))
}

fn check_settings(settings: &Settings) -> Result<(), Refusal> {
    limit("number of settings", settings.len() as u64, 0, SETTINGS_MAX as u64)?;
    settings.iter().try_for_each(|(name, setting)| {
        check_text("setting's name", name, NAME_CHARS_MAX)?;
        match setting {
            Setting::Choice(word) => check_text("setting's word", word, NAME_CHARS_MAX),
            _ => Ok(()),
        }
    })
}

fn limit(what: &'static str, value: u64, low: u64, high: u64) -> Result<(), Refusal> {
    if (low..=high).contains(&value) {
        return Ok(());
    }
    Err(Refusal::Limit { what, value, allowed: format!("{low} to {high}") })
}

fn check_text(what: &'static str, text: &str, chars_max: usize) -> Result<(), Refusal> {
    if text.chars().count() > chars_max || text.chars().any(char::is_control) {
        return Err(Refusal::Text { what, chars_max });
    }
    Ok(())
}
