//! What the window shows: one snapshot, made by the session whenever something changed, newest wins. Plain data; no
//! behaviour beyond being read. Big things are behind `Arc`, so a snapshot costs little.
//!
//! What moves with the sound (levels, play position) is not here but in [`crate::audio::Gauges`].

use crate::library::{
    JobKey, Music, Outline, ReferenceRecord, Report, SettingRecords, Spectrogram, TakeId, TakeInfo,
    Transcript,
};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tributary_protocol::client::{ExpiringCredits, ModelView, PackView, Packs, ServerLimits};

/// All that the window shows.
#[derive(Clone, Debug, Default)]
pub struct View {
    /// The server, as far as we know it.
    pub connection: Connection,
    /// The account's credits, once the server told them.
    pub account: Option<Account>,
    /// Being let in by the browser.
    pub sign_in: SignIn,
    /// Credits that are being bought, or were just now.
    pub purchase: Option<Purchase>,
    /// What the server offers; empty until it told.
    pub offer: Arc<[ModelView]>,
    /// The server's limits.
    pub limits: Option<ServerLimits>,
    /// What shall be done with the take.
    pub choice: Choice,
    /// What the recorder is doing.
    pub recorder: Recorder,
    /// All takes of this user's library, newest first; those of this project first.
    pub takes: Arc<[TakeInfo]>,
    /// The take in the window.
    pub take: Option<Take>,
    /// All jobs of this user's library, newest first.
    pub jobs: Arc<[Job]>,
    /// The result in the window: stems of a job of this take.
    pub result: Option<Outcome>,
    /// What is heard.
    pub player: Player,
    /// A file or folder is asked for: a chooser may be open, and its path can be typed.
    pub asking: Option<Asking>,
    /// What the user should know, newest last; each stays until dismissed.
    pub notices: Vec<Notice>,
    /// Size and zoom of the window, as remembered.
    pub window: WindowSize,
}

/// The server, as far as we know it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Connection {
    /// None was ever named and none runs on this machine.
    #[default]
    NoServer,
    /// Asked, not yet answered.
    Connecting {
        /// Where.
        address: String,
    },
    /// It answers and knows us.
    Connected {
        /// Where.
        address: String,
        /// It was found on this machine, not entered.
        is_local: bool,
    },
    /// It answers and does not accept the key (or none was entered).
    SignedOut {
        /// Where.
        address: String,
        /// What to do, for people.
        reason: String,
    },
    /// A certificate of its own, seen for the first time (or changed): the user must compare and accept it.
    Unknown {
        /// Where.
        address: String,
        /// SHA-256 of the certificate, as `AB:CD:..`.
        fingerprint: String,
        /// The fingerprint that was accepted before, when it changed since.
        accepted_before: Option<String>,
    },
    /// It does not answer; tried again by itself.
    Lost {
        /// Where.
        address: String,
        /// What happened and what to do, for people.
        reason: String,
    },
}

/// Credits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// The account's name.
    pub name: String,
    /// Free to spend.
    pub available: u64,
    /// Set aside for jobs that have not ended.
    pub held: u64,
    /// The page that sells credits, where the server has one.
    pub buy_url: Option<String>,
    /// Who the key belongs to, by e-mail address.
    pub person: Option<String>,
    /// What they are in the account: owner, admin, member or viewer.
    pub role: Option<String>,
    /// Their jobs may take no more credits in one calendar month.
    pub month_limit: Option<u64>,
    /// What of that is spent or held.
    pub month_spent: u64,
    /// Credits that end, the soonest first.
    pub expiring: Vec<ExpiringCredits>,
    /// No job is started any more: a payment was taken back.
    pub is_suspended: bool,
    /// Results are deleted from the server so many days after their job has ended; 0 where it did not say.
    pub keep_days: u32,
    /// What is sold here; none where the operator grants credits.
    pub packs: Packs,
    /// The key may buy.
    pub may_buy: bool,
}

impl Account {
    /// What this person's jobs may still take this month; none without a limit.
    #[must_use]
    pub fn left_this_month(&self) -> Option<u64> {
        self.month_limit.map(|limit| limit.saturating_sub(self.month_spent))
    }
}

/// Being let in without typing a key: a page in the browser asks for a code.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum SignIn {
    /// Nobody asked.
    #[default]
    Nothing,
    /// The server is asked for a code.
    Asked,
    /// Somebody has to confirm the code.
    Waiting {
        /// `XXXX-XXXX`.
        code: String,
        /// The page that asks for it.
        page: String,
        /// The same page with the code filled in.
        page_with_code: String,
    },
    /// Somebody said no.
    Denied,
    /// Nobody confirmed it in time.
    TooLate,
    /// It cannot be done, and what to do, for people.
    Failed(String),
}

/// Credits that are being bought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Purchase {
    /// What is bought.
    pub pack: PackView,
    /// Where it stands.
    pub stage: PurchaseStage,
}

/// Where a purchase stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PurchaseStage {
    /// The server is asked for the page.
    Asked,
    /// To be paid on this page.
    Open {
        /// For the browser.
        url: String,
    },
    /// The money is on its way.
    Processing,
    /// The credits are there.
    Paid,
    /// Nobody paid in time.
    Expired,
    /// No credits came, and why, for people.
    Failed(String),
}

impl PurchaseStage {
    /// It will not change any more by itself.
    #[must_use]
    pub fn is_over(&self) -> bool {
        matches!(self, Self::Paid | Self::Expired | Self::Failed(_))
    }
}

/// What shall be done with the take.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Choice {
    /// `separate`, `enhance`, `transcribe`, `master`: a task of the offer.
    pub task: String,
    /// Name of the model in the offer; empty while there is none.
    pub model: String,
    /// Stems of the model and whether they are wanted, in the model's order.
    pub stems: Vec<(String, bool)>,
    /// Values of the model's controls that are not its defaults.
    pub settings: SettingRecords,
    /// What the result shall be made like; none where the model takes no references.
    pub references: Vec<ReferenceRecord>,
    /// A reference is being read.
    pub is_reading: bool,
    /// What it would cost.
    pub quote: Quote,
}

/// What it would cost.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Quote {
    /// No take, no model or no server.
    #[default]
    Nothing,
    /// Asked, not yet answered.
    Asked,
    /// The most it can cost.
    Price {
        /// Credits.
        credits: u64,
        /// How the price was made, for people.
        reason: String,
        /// Credits that are missing; 0 when there are enough.
        missing: u64,
    },
    /// The server would refuse, and why, for people.
    Refused(String),
}

/// How a take is begun.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "door", derive(serde::Deserialize))]
pub enum Trigger {
    /// With the host's transport.
    #[default]
    Transport,
    /// At once.
    Now,
}

/// What the recorder is doing.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Recorder {
    /// Nothing.
    #[default]
    Idle,
    /// Waits for the transport.
    Armed,
    /// Records; the length so far is in [`crate::audio::Gauges`].
    Recording {
        /// How it was begun.
        trigger: Trigger,
        /// Room left on the disk, as time at this rate and width.
        room: Duration,
    },
    /// Reads a file.
    Importing {
        /// The file's name.
        name: String,
        /// 0 to 1, as far as known.
        share: f32,
    },
}

/// The take in the window.
#[derive(Clone, Debug)]
pub struct Take {
    /// Name, length, position, trim: all of its record.
    pub info: Arc<TakeInfo>,
    /// The waveform; absent until computed.
    pub outline: Option<Arc<Outline>>,
    /// The spectrogram; absent until asked for and computed.
    pub spectrogram: Option<Arc<Spectrogram>>,
    /// The samples are on this disk.
    pub is_present: bool,
}

/// One job.
#[derive(Clone, Debug, PartialEq)]
pub struct Job {
    /// Its id.
    pub key: JobKey,
    /// The take it was made of.
    pub take: TakeId,
    /// The take's name when it was sent.
    pub title: String,
    /// Task, model and its version.
    pub task: String,
    /// Name of the model.
    pub model: String,
    /// Version of the model, where the server told it.
    pub version: String,
    /// Stems asked for.
    pub stems: Vec<String>,
    /// Values of the model's controls that were not its defaults.
    pub settings: SettingRecords,
    /// Names of the references.
    pub references: Vec<String>,
    /// Where it stands.
    pub stage: Stage,
    /// When it was begun, microseconds since 1970, UTC.
    pub begun_at_us: i64,
    /// The most it can cost.
    pub quoted: u64,
}

/// Where a job stands.
#[derive(Clone, Debug, PartialEq)]
pub enum Stage {
    /// Its clip is being made ready, or it waits for the server to answer; its id is saved already.
    Preparing,
    /// The clip is on its way.
    Uploading {
        /// 0 to 1.
        share: f32,
    },
    /// Waits on the server.
    Queued {
        /// Jobs in front.
        in_front: u32,
    },
    /// Runs on the server.
    Running {
        /// Chunks done.
        chunks_done: u32,
        /// Of so many.
        chunks: u32,
        /// Time left; told only after the third chunk.
        left: Option<Duration>,
    },
    /// Results are on their way.
    Fetching {
        /// 0 to 1 over all stems.
        share: f32,
    },
    /// The server cannot be reached; goes on by itself when it can.
    Waiting {
        /// For people.
        reason: String,
    },
    /// Results are on this disk.
    Ready {
        /// What it cost.
        cost: u64,
    },
    /// Done on the server, but the files are not on this disk any more: fetch again.
    Missing {
        /// What it cost.
        cost: u64,
    },
    /// Ended by the user.
    Cancelled {
        /// What was given back.
        released: u64,
        /// What it cost.
        cost: u64,
    },
    /// Ended without a result; costs nothing.
    Failed {
        /// What happened and what to do, for people.
        reason: String,
        /// What was given back; `None` when nothing had been set aside.
        released: Option<u64>,
    },
}

impl Stage {
    /// It will not change any more by itself.
    #[must_use]
    pub fn is_over(&self) -> bool {
        matches!(
            self,
            Self::Ready { .. } | Self::Missing { .. } | Self::Cancelled { .. } | Self::Failed { .. }
        )
    }
}

/// A result in the window.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Of which job.
    pub job: JobKey,
    /// Its task.
    pub task: String,
    /// Model and version that made it.
    pub model: String,
    /// First frame and end of the take's part that was sent: where the stems lie in the take.
    pub range: (u64, u64),
    /// One row a stem, in the model's order, and one for the notes that were found.
    pub stems: Vec<StemRow>,
    /// The other files.
    pub sheets: Vec<SheetRow>,
    /// What a transcription heard; absent until read.
    pub music: Option<Arc<Music>>,
    /// Which of its notes are picked, where any are.
    pub picked: Option<Picked>,
    /// What was said in the clip; absent until read.
    pub transcript: Option<Arc<Transcript>>,
    /// What was measured before and after; absent until read.
    pub report: Option<Arc<Report>>,
    /// Original minus sum of stems, dB of the original; absent until measured or when not all stems were asked for.
    pub difference_db: Option<f32>,
    /// The folder with all files.
    pub folder: PathBuf,
}

/// Some notes of a transcription.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Picked {
    /// Their numbers in [`Music::notes`], rising.
    pub notes: Arc<[u32]>,
    /// A MIDI file with them alone, in their place in the song; absent until whole.
    pub file: Option<PathBuf>,
    /// The row of the notes sounds as they alone.
    pub are_heard_alone: bool,
}

/// A file of a result that is not sound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SheetRow {
    /// `notes.mid` and so on.
    pub name: String,
    /// The file as it may be dragged. Absent until whole.
    pub file: Option<PathBuf>,
}

/// One stem, or the notes made heard.
#[derive(Clone, Debug)]
pub struct StemRow {
    /// `vocals` and so on.
    pub name: String,
    /// The file as it may be dragged: named by take, stem, tempo and bar, with its time inside; for notes the MIDI.
    /// Absent until whole.
    pub file: Option<PathBuf>,
    /// The waveform; absent until computed.
    pub outline: Option<Arc<Outline>>,
    /// The spectrogram; absent until asked for and computed.
    pub spectrogram: Option<Arc<Spectrogram>>,
    /// Gain of the fader, dB.
    pub gain_db: f32,
    /// Heard alone (with other soloed ones).
    pub is_solo: bool,
    /// Not heard.
    pub is_muted: bool,
}

/// What is heard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "door", derive(serde::Deserialize))]
pub enum Monitor {
    /// What the host sends, untouched.
    #[default]
    Input,
    /// The take as it was recorded, at the loudness of the mix of stems.
    Original,
    /// The mix of stems.
    Stems,
}

/// What is heard, and how. Where it is: [`crate::audio::Gauges`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Player {
    /// What is heard.
    pub monitor: Monitor,
    /// The stems sound on their own outputs, too.
    pub has_outputs: bool,
    /// Free play runs (the host stands still).
    pub is_playing: bool,
    /// Frames of the take that repeat in free play.
    pub looped: Option<(u64, u64)>,
    /// The gain that makes the original as loud as the mix, dB.
    pub match_db: f32,
}

/// A question for a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asking {
    /// What for.
    pub purpose: Purpose,
    /// The system opened no chooser: the path must be typed.
    pub has_no_chooser: bool,
}

/// Why a path is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// A file to make a take of.
    Import,
    /// A file that results shall be made like.
    Reference,
    /// A folder to write the result into.
    Export,
}

/// What the user should know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// To dismiss it.
    pub number: u64,
    /// How much it matters.
    pub weight: Weight,
    /// What happened and what to do.
    pub text: String,
    /// A folder or file it is about, to be revealed.
    pub path: Option<PathBuf>,
}

/// How much a notice matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weight {
    /// Good to know.
    Note,
    /// Something is not as it should be, and goes on.
    Warning,
    /// Something was not done.
    Error,
}

/// Size and zoom of the window.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "door", derive(serde::Deserialize))]
pub struct WindowSize {
    /// Width in points.
    pub width: f32,
    /// Height in points.
    pub height: f32,
    /// The user's zoom, 1.0 to 3.0, on top of the system's scale.
    pub zoom: f32,
}

/// As `design/screens` has it: large enough for four stems.
impl Default for WindowSize {
    fn default() -> Self {
        Self { width: 980.0, height: 620.0, zoom: 1.0 }
    }
}
