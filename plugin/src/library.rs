//! What lies on this user's disk: takes, jobs and stems. It is the memory that survives the DAW: whatever a project
//! says, files are found here. Never speaks to a server or to the audio thread.
//!
//! ```text
//! <user data>/tributary/plugin/
//!   takes/<take id>/take.json          its record
//!                   begun.json         instead of it while the take is recorded
//!                   take.f32           canonical bytes: interleaved little-endian float
//!                   jobs/<job id>/job.json     what was asked and what became of it, saved before it is sent
//!                                 stem-<hash>.json, sheet-<hash>.json   which of the files is what
//!                                 <take> - <stem> - <tempo>bpm - bar <n>.wav   results, ready to be dragged
//!                                 picked/   a MIDI file of the notes that were selected last
//!   references/<hash>.f32              what results shall be made like
//!   temporary/, trash/                 files on their way in and out
//!   cache/                             takes and stems at other rates, notes as sound; made again when needed
//! ```

mod audition;
mod cache;
mod clip;
pub mod difference;
mod error;
mod export;
pub mod feeder;
mod folder;
mod import;
mod job;
pub mod midi;
pub mod mix_loudness;
pub mod music;
mod name;
pub mod outline;
mod place;
mod placed;
mod record;
mod recording;
mod reference;
pub mod report;
mod setting;
mod sheet;
pub mod spectrogram;
mod stem;
mod take;
#[cfg(test)]
mod tests;
mod track;
pub mod transcript;

pub use audition::Timbre;
pub use cache::CACHE_BYTES_MAX;
pub use clip::Clip;
pub use difference::difference_db;
pub use error::LibraryError;
pub use feeder::Feeder;
pub use folder::{Damage, Library, ROOT_VARIABLE};
pub use job::{BEATS, ClipRecord, Fader, JobRecord, NOTES, Outcome};
pub(crate) use job::{BEATS_SHEET, NOTES_SHEET, SHEETS_MAX};
pub use mix_loudness::MixLoudness;
pub use music::Music;
pub use outline::Outliner;
pub use recording::TakeWriter;
pub use reference::ReferenceRecord;
pub use report::Report;
pub(crate) use setting::sent;
pub use setting::{SettingRecord, SettingRecords};
pub use sheet::SheetRecord;
pub use track::TrackFile;
pub use transcript::Transcript;

use serde::{Deserialize, Serialize};
use tributary_protocol::limits::CLIP_SECONDS_MAX;
use tributary_protocol::vocab::JobId;
use uuid::Uuid;

/// Names a take, in the order of their making.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TakeId(pub Uuid);

impl TakeId {
    /// A new one.
    #[must_use]
    pub fn generate() -> Self {
        Self(Uuid::now_v7())
    }
}

/// A job's id as it stands in files: the same 16 bytes as [`JobId`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct JobKey(pub Uuid);

impl From<JobId> for JobKey {
    fn from(id: JobId) -> Self {
        Self(Uuid::from_bytes(*id.as_bytes()))
    }
}

impl JobKey {
    /// As the server knows it.
    #[must_use]
    pub fn id(self) -> JobId {
        JobId::from_slice(self.0.as_bytes()).expect("a job's id is 16 bytes")
    }
}

/// Where in the song a take begins, as the host told it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Place {
    /// Frames from the project's start at the take's rate; `None` when the transport stood still or for a file.
    pub frames: Option<i64>,
    /// Quarter notes from the project's start.
    pub beats: Option<f64>,
    /// The bar it begins in, counted from 1.
    pub bar: Option<i32>,
    /// Beats a minute at its start.
    pub tempo: Option<f64>,
    /// Time signature at its start: numerator and denominator.
    pub meter: Option<(u16, u16)>,
}

/// Where a take came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// Recorded in the host.
    Recorded,
    /// A file; its name.
    File(String),
}

/// The record of a take.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TakeInfo {
    /// Its name in files and in projects.
    pub id: TakeId,
    /// Its name for people.
    pub name: String,
    /// Length of `take.f32`.
    pub frames: u64,
    /// 1 or 2.
    pub channels: u16,
    /// Hz.
    pub rate_hz: u32,
    /// Where in the song it begins.
    pub place: Place,
    /// Where it came from.
    pub origin: Origin,
    /// Frames that were lost while recording; 0 for a whole take.
    pub lost_frames: u64,
    /// The part in use, first frame and end; `None` for all.
    pub trim: Option<(u64, u64)>,
    /// When it was made, microseconds since 1970, UTC.
    pub made_at_us: i64,
}

impl TakeInfo {
    /// First frame and end of the part in use.
    #[must_use]
    pub fn range(&self) -> (u64, u64) {
        self.trim.unwrap_or((0, self.frames))
    }
}

/// Frames of the longest take at this rate: as long as any server may take.
pub(crate) fn frames_max(rate_hz: u32) -> u64 {
    CLIP_SECONDS_MAX * u64::from(rate_hz)
}

/// Lowest and highest sample of each column at halving resolutions, for drawing at any zoom.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outline {
    /// Frames it stands for.
    pub frames: u64,
    /// Frames a column of `levels[0]`; each further level has half the columns.
    pub column_frames: u64,
    /// Pairs (lowest, highest), finest first.
    pub levels: Vec<Vec<(f32, f32)>>,
}

/// A picture of energy over time and frequency, log frequency axis, for drawing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spectrogram {
    /// Columns (time).
    pub width: usize,
    /// Rows (frequency, highest first).
    pub height: usize,
    /// Row by row; 0 is -90 dB or less, 255 is 0 dB.
    pub levels: Vec<u8>,
}
