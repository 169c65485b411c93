//! What the server told us, in plain words. No behaviour beyond being read.

use crate::settings::{Control, Settings};
use crate::vocab::{ClipHeader, Credits, JobId, Sha256};

/// What a server offers, and its limits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// Every model that may be named in a job.
    pub models: Vec<ModelView>,
    /// What this server takes.
    pub limits: ServerLimits,
}

/// One model, as its card says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelView {
    /// What a job names.
    pub name: String,
    /// For people.
    pub title: String,
    /// separate, enhance, master, transcribe or generate.
    pub task: String,
    /// preview, standard or best.
    pub grade: String,
    /// Stems it makes.
    pub stems: Vec<String>,
    /// For people.
    pub description: String,
    /// Licence of the weights.
    pub licence: String,
    /// Measured quality, for people.
    pub quality: String,
    /// Price of a started minute.
    pub credits_per_minute: Credits,
    /// Version of the weights; empty where the server does not tell.
    pub version: String,
    /// What a job may set.
    pub controls: Vec<Control>,
    /// References a job may name.
    pub references_max: u32,
    /// Sheets it makes.
    pub sheets: Vec<String>,
    /// Whether what comes out may be used commercially: yes, no or unstated.
    pub commercial_use: String,
}

/// What one server takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServerLimits {
    /// Longest clip.
    pub clip_seconds_max: u64,
    /// Most channels of a clip.
    pub channels_max: u32,
    /// Lowest rate of a clip.
    pub rate_hz_min: u32,
    /// Highest rate of a clip.
    pub rate_hz_max: u32,
    /// Jobs of one account that have not ended.
    pub jobs_open_max: u32,
}

/// What to ask a price for.
#[derive(Clone, Debug, PartialEq)]
pub struct QuoteAsk {
    /// The model's name.
    pub model: String,
    /// Length of the clip in frames.
    pub frames: u64,
    /// 1 to 8.
    pub channels: u16,
    /// Frames a second.
    pub rate_hz: u32,
    /// What the model would be told.
    pub settings: Settings,
}

/// The most a job would cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuoteView {
    /// The price.
    pub credits: Credits,
    /// What the account could spend now.
    pub available: Credits,
    /// How the price was made, for people.
    pub reason: String,
}

/// The account behind the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountView {
    /// For people.
    pub name: String,
    /// All credits, held ones included.
    pub posted: Credits,
    /// Set aside for jobs that have not ended.
    pub held: Credits,
    /// The page that sells credits, `http://..` or `https://..`, where the server has one.
    pub buy_url: Option<String>,
    /// Who the key belongs to, by e-mail address.
    pub person: Option<String>,
    /// What they are in the account: owner, admin, member or viewer.
    pub role: Option<String>,
    /// What the key may do: read, run, manage, buy.
    pub rights: Vec<String>,
    /// Their jobs may take no more in one calendar month.
    pub month_limit: Option<Credits>,
    /// What of that is spent or held.
    pub month_spent: Credits,
    /// Credits that end, the soonest first; they are among `posted`.
    pub expiring: Vec<ExpiringCredits>,
    /// No job is started any more: a payment was taken back.
    pub suspended: bool,
    /// What its clips and results take on the server, with room for those of open jobs.
    pub kept_bytes: u64,
    /// What they may take; none for any amount.
    pub kept_bytes_max: Option<u64>,
    /// Results are deleted so many days after their job has ended.
    pub keep_days: u32,
}

impl AccountView {
    /// What could be spent now.
    #[must_use]
    pub fn available(&self) -> Credits {
        self.posted.checked_sub(self.held).unwrap_or(Credits::ZERO)
    }
}

/// Credits that end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExpiringCredits {
    /// How many.
    pub credits: Credits,
    /// When, in microseconds since 1970, UTC.
    pub expires_at_us: i64,
}

/// Which ledger lines to list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HistoryPage {
    /// At most this many, up to [`crate::limits::HISTORY_PAGE_MAX`]; 0 means 100.
    pub limit: u32,
    /// Only lines older than this one.
    pub before_line: Option<u64>,
}

/// Why credits came or went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LedgerKind {
    /// Credits given by the operator or bought.
    Grant,
    /// Credits taken for a job that ended.
    Capture,
    /// A job's credits given back by the operator.
    Refund,
    /// Credits that ended.
    Expiry,
    /// Credits whose payment was taken back.
    Takeback,
}

impl LedgerKind {
    /// In lists and statements.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Grant => "grant",
            Self::Capture => "capture",
            Self::Refund => "refund",
            Self::Expiry => "expiry",
            Self::Takeback => "takeback",
        }
    }
}

/// One line of the ledger. Lines are only ever added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerLine {
    /// Its number; give it back in [`HistoryPage::before_line`].
    pub line: u64,
    /// When, in microseconds since 1970, UTC.
    pub at_us: i64,
    /// Why.
    pub kind: LedgerKind,
    /// Positive: credits came; negative: credits went.
    pub credits: i64,
    /// All credits of the account after this line.
    pub posted_after: Credits,
    /// The job a capture paid for.
    pub job: Option<JobId>,
    /// For people.
    pub note: String,
    /// The name of the widget by which that job came.
    pub widget: Option<String>,
}

/// Which jobs to list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct JobsPage {
    /// At most this many, up to [`crate::limits::JOBS_PAGE_MAX`]; 0 means 50.
    pub limit: u32,
    /// Only jobs older than this one.
    pub before: Option<JobId>,
}

/// One clip to be sent through one model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewJob {
    /// Made by the caller and saved before it is sent.
    pub id: JobId,
    /// The model's name.
    pub model: String,
    /// Stems wanted; empty for all the model has.
    pub stems: Vec<String>,
    /// The clip, before its samples are sent.
    pub clip: ClipHeader,
    /// What it is called in lists, at most [`crate::limits::TITLE_CHARS_MAX`] characters.
    pub title: String,
    /// Values of the model's controls; what is not said has its default.
    pub settings: Settings,
    /// Clips the result shall be made like; sent like the clip.
    pub references: Vec<ClipHeader>,
    /// The quote that the user saw: refused where it would cost more by now. None for whatever it costs.
    pub credits_max: Option<Credits>,
}

impl NewJob {
    /// A job with nothing said beside model, clip and title.
    #[must_use]
    pub fn new(id: JobId, model: &str, clip: ClipHeader, title: &str) -> Self {
        Self {
            id,
            model: model.to_owned(),
            stems: Vec::new(),
            clip,
            title: title.to_owned(),
            settings: Settings::new(),
            references: Vec::new(),
            credits_max: None,
        }
    }
}

/// Where a job is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum JobState {
    /// Admitted; the server waits for the clip.
    Uploading,
    /// The clip is there; waiting for a worker.
    Queued,
    /// A worker has it.
    Running,
    /// Stems are there.
    Done,
    /// It cost nothing; [`JobView::failure`] says why.
    Failed,
    /// Ended by its owner; what had been done was paid for.
    Cancelled,
    /// The clip never came.
    Expired,
}

impl JobState {
    /// Nothing will change any more.
    #[must_use]
    pub fn is_terminal(self) -> bool {
        matches!(self, Self::Done | Self::Failed | Self::Cancelled | Self::Expired)
    }
}

/// A job as it was when the server told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobView {
    /// Its name.
    pub id: JobId,
    /// Where it is.
    pub state: JobState,
    /// The model's name.
    pub model: String,
    /// What it is called in lists.
    pub title: String,
    /// The clip it is about.
    pub clip: ClipHeader,
    /// Rises with every change.
    pub seq: u64,
    /// Canonical bytes of the clip that the server has.
    pub uploaded_bytes: u64,
    /// Jobs in front of this one, while queued.
    pub queue_position: u32,
    /// Chunks the model has done.
    pub chunks_done: u32,
    /// Chunks in all; 0 while unknown.
    pub chunks: u32,
    /// Times a worker has taken it.
    pub attempt: u32,
    /// Set aside when it was admitted: the most it can cost.
    pub held: Credits,
    /// Taken when it ended.
    pub captured: Credits,
    /// Given back when it ended.
    pub released: Credits,
    /// Why it failed, for people.
    pub failure: Option<String>,
    /// Names of the stems asked for.
    pub stem_names: Vec<String>,
    /// The finished stems; empty until done.
    pub stems: Vec<StemView>,
    /// The finished sheets; empty until done.
    pub sheets: Vec<SheetView>,
    /// A value for every control of the model.
    pub settings: Settings,
    /// The references.
    pub references: Vec<ClipHeader>,
    /// Microseconds since 1970, UTC.
    pub created_at_us: i64,
    /// When a worker first took it.
    pub started_at_us: Option<i64>,
    /// When it ended.
    pub ended_at_us: Option<i64>,
    /// When the server deletes clip and results; none while it is open, and once they are deleted.
    pub kept_until_us: Option<i64>,
    /// Clip and results are deleted.
    pub erased: bool,
}

/// A finished stem: as many frames and channels as the clip, at the clip's rate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StemView {
    /// Its name, as the model's card has it.
    pub name: String,
    /// Over its canonical bytes.
    pub sha256: Sha256,
    /// Canonical bytes.
    pub bytes: u64,
}

/// A finished file that is not sound; its name ends in its format: `notes.mid`, `report.json`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SheetView {
    /// Its name.
    pub name: String,
    /// Over its bytes.
    pub sha256: Sha256,
    /// How many.
    pub bytes: u64,
}
