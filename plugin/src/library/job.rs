//! Jobs on disk: what was asked, saved before it is sent, and what became of it. Never speaks to a server.

use super::folder::{Damage, id_folders};
use super::music::ANALYSIS;
use super::record::{self, check_version};
use super::{
    JobKey, Library, LibraryError, Place, ReferenceRecord, SettingRecord, SettingRecords, SheetRecord, TakeId,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use tributary_protocol::limits::{
    CHANNELS_MAX, NAME_CHARS_MAX, REFERENCES_MAX, SETTINGS_MAX, STEMS_MAX, TITLE_CHARS_MAX,
};
use tributary_protocol::vocab::{ClipHeader, Sha256};

/// The name of a record.
const RECORD: &str = "job.json";
/// Characters of a server's address, of a version and of a reason; more is cut off.
const TEXT_CHARS_MAX: usize = 2_000;
/// Sheets of one job.
pub(crate) const SHEETS_MAX: usize = 32;

/// The record of a job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JobRecord {
    /// [`JobRecord::VERSION`]; the library writes it itself.
    #[serde(default)]
    pub version: u32,
    /// Its id, as the server knows it.
    pub key: JobKey,
    /// The take it was made of.
    pub take: TakeId,
    /// The take's name when it was sent.
    pub title: String,
    /// `separate` and so on.
    pub task: String,
    /// Name of the model.
    pub model: String,
    /// Version of the model, where the server told it.
    pub model_version: String,
    /// Stems asked for, in the model's order.
    pub stems: Vec<String>,
    /// Address of the server that has it.
    pub server: String,
    /// The most it can cost, in credits.
    pub quoted: u64,
    /// When it was begun, microseconds since 1970, UTC.
    pub begun_at_us: i64,
    /// What is sent.
    pub clip: ClipRecord,
    /// The frames of the take that it is: first and end.
    pub range: (u64, u64),
    /// Where in the song the take (not the range) begins.
    pub place: Place,
    /// The server is known to have it: it is never asked for anew, whichever account is signed in later.
    #[serde(default)]
    pub is_admitted: bool,
    /// The user wants it to end; the server may not have heard of that yet.
    #[serde(default)]
    pub is_cancelled: bool,
    /// How it ended; none while it has not.
    #[serde(default)]
    pub outcome: Option<Outcome>,
    /// How its stems were mixed, by name.
    #[serde(default)]
    pub mix: BTreeMap<String, Fader>,
    /// Values of the model's controls; what is not here has the model's default.
    #[serde(default)]
    pub settings: SettingRecords,
    /// What the result shall be made like; the bytes are in the library.
    #[serde(default)]
    pub references: Vec<ReferenceRecord>,
    /// Sheets that the server made; known once it is done.
    #[serde(default)]
    pub sheets: Vec<SheetRecord>,
}

/// A [`ClipHeader`] as it stands in files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClipRecord {
    /// Over the canonical bytes.
    #[serde(with = "hex")]
    pub sha256: [u8; 32],
    /// Length.
    pub frames: u64,
    /// 1 to 8.
    pub channels: u16,
    /// Hz.
    pub rate_hz: u32,
}

impl From<ClipHeader> for ClipRecord {
    fn from(clip: ClipHeader) -> Self {
        let ClipHeader { sha256, frames, channels, rate_hz } = clip;
        Self { sha256: sha256.0, frames, channels, rate_hz }
    }
}

impl From<ClipRecord> for ClipHeader {
    fn from(clip: ClipRecord) -> Self {
        let ClipRecord { sha256, frames, channels, rate_hz } = clip;
        Self { sha256: Sha256(sha256), frames, channels, rate_hz }
    }
}

/// The row of what was transcribed, and its sheet.
pub const NOTES: &str = "notes";
pub(crate) const NOTES_SHEET: &str = "notes.mid";
/// The same where beats were all that was looked for.
pub const BEATS: &str = "beats";
pub(crate) const BEATS_SHEET: &str = "beats.mid";

/// How a job ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The server has results.
    Done {
        /// Credits.
        cost: u64,
    },
    /// Ended by the user.
    Cancelled {
        /// Credits given back.
        released: u64,
        /// Credits taken.
        cost: u64,
    },
    /// Ended without a result; costs nothing.
    Failed {
        /// What happened and what to do, for people.
        reason: String,
        /// Credits given back; none when nothing had been set aside.
        released: Option<u64>,
    },
}

/// One stem in the mix.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Fader {
    /// dB, -60 to +12.
    pub gain_db: f32,
    /// Heard alone (with other soloed ones).
    pub is_solo: bool,
    /// Not heard.
    pub is_muted: bool,
}

impl JobRecord {
    /// What `job.json` is, as of this program.
    pub const VERSION: u32 = 1;

    /// Where in the song the clip begins.
    #[must_use]
    pub fn clip_place(&self) -> Place {
        self.place.later(self.range.0, self.clip.rate_hz)
    }

    /// What is heard of it, a fader each: its stems, and the notes that were found.
    #[must_use]
    pub fn rows(&self) -> Vec<String> {
        let has = |name: &str| self.sheets.iter().any(|sheet| sheet.name == name);
        let heard = has(ANALYSIS).then(|| if has(BEATS_SHEET) { BEATS } else { NOTES });
        self.stems.iter().cloned().chain(heard.map(str::to_owned)).collect()
    }

    /// How a row is mixed: as the user has set it. What our synth plays is silent beside stems until somebody wants it,
    /// or the stems would not sum to their original.
    #[must_use]
    pub fn fader(&self, row: &str) -> Fader {
        let is_beside = !self.stems.is_empty() && self.stems.iter().all(|stem| stem != row);
        let unset = Fader { is_muted: is_beside, ..Fader::default() };
        self.mix.get(row).copied().unwrap_or(unset)
    }
}

impl Library {
    /// All jobs of all takes, newest first. Those whose record makes no sense are in [`Library::damaged`].
    #[must_use]
    pub fn jobs(&self) -> Vec<JobRecord> {
        self.read_jobs().0
    }

    /// One job.
    ///
    /// # Errors
    /// [`LibraryError::Missing`], [`LibraryError::Damaged`], [`LibraryError::Disk`].
    pub fn job(&self, key: JobKey) -> Result<JobRecord, LibraryError> {
        for (take, _) in id_folders(&self.takes_folder()) {
            let path = self.job_folder_in(TakeId(take), key).join(RECORD);
            if path.exists() {
                return load(&path, TakeId(take), key);
            }
        }
        Err(LibraryError::missing("the job"))
    }

    /// Keeps a job's record; when this returns it is on the disk, power cut or not. The record before stays until then.
    ///
    /// # Errors
    /// [`LibraryError::Missing`] where its take was deleted, [`LibraryError::Unsuitable`] for a record that says what
    /// cannot be, [`LibraryError::Full`], [`LibraryError::Disk`].
    pub fn save_job(&self, job: &JobRecord) -> Result<(), LibraryError> {
        let take = self.take_folder(job.take);
        if !take.is_dir() {
            return Err(LibraryError::missing("the take"));
        }
        let job = tidy(JobRecord { version: JobRecord::VERSION, ..job.clone() })
            .map_err(LibraryError::unsuitable)?;
        let folder = self.job_folder(&job);
        if !folder.is_dir() {
            fs::create_dir_all(&folder).map_err(LibraryError::disk("make the folder", &folder))?;
            record::sync_folder(&take.join("jobs"))?;
            record::sync_folder(&take)?;
        }
        record::save(&self.temporary(), &folder.join(RECORD), &job)
    }

    /// Deletes a job with its stems.
    ///
    /// # Errors
    /// [`LibraryError::Missing`], [`LibraryError::Disk`].
    pub fn delete_job(&self, job: &JobRecord) -> Result<(), LibraryError> {
        self.throw_away(&self.job_folder(job), "the job")
    }

    /// All jobs, and what is left out.
    pub(super) fn read_jobs(&self) -> (Vec<JobRecord>, Vec<Damage>) {
        let (mut jobs, mut damaged) = (Vec::new(), Vec::new());
        for (take, folder) in id_folders(&self.takes_folder()) {
            for (key, folder) in id_folders(&folder.join("jobs")) {
                match load(&folder.join(RECORD), TakeId(take), JobKey(key)) {
                    Ok(job) => jobs.push(job),
                    // About to be saved for the first time, or deleted while we looked.
                    Err(LibraryError::Missing { .. }) => {}
                    Err(error) => damaged.push(Damage { path: folder, reason: error.told() }),
                }
            }
        }
        jobs.sort_by_key(|job: &JobRecord| std::cmp::Reverse((job.begun_at_us, job.key)));
        (jobs, damaged)
    }
}

fn load(path: &Path, take: TakeId, key: JobKey) -> Result<JobRecord, LibraryError> {
    let job: JobRecord = record::load(path, "the job")?;
    check_version(job.version, JobRecord::VERSION)
        .and_then(|()| match (job.take, job.key) == (take, key) {
            true => tidy(job),
            false => Err("it is the record of another job".to_owned()),
        })
        .map_err(|reason| LibraryError::damaged(path, reason))
}

/// A record that says what cannot be is refused; what does not matter is put right.
fn tidy(mut job: JobRecord) -> Result<JobRecord, String> {
    let names_max =
        [&job.model, &job.task].into_iter().chain(&job.stems).map(|name| name.chars().count()).max();
    if names_max > Some(NAME_CHARS_MAX) || job.stems.iter().any(String::is_empty) {
        return Err(format!("names of models and stems have 1 to {NAME_CHARS_MAX} characters"));
    }
    if job.stems.len() > STEMS_MAX {
        return Err(format!("a job has at most {STEMS_MAX} stems"));
    }
    let clip = job.clip;
    let frames = job.range.1.checked_sub(job.range.0);
    if !(1..=CHANNELS_MAX).contains(&clip.channels)
        || clip.rate_hz == 0
        || frames != Some(clip.frames)
        || clip.frames > super::frames_max(clip.rate_hz)
        || clip.frames == 0
    {
        return Err("its clip is not what was cut from its take".to_owned());
    }
    check_extras(&job)?;
    job.title = cut(&job.title, TITLE_CHARS_MAX);
    job.server = cut(&job.server, TEXT_CHARS_MAX);
    job.model_version = cut(&job.model_version, TEXT_CHARS_MAX);
    if let Some(Outcome::Failed { reason, .. }) = &mut job.outcome {
        *reason = cut(reason, TEXT_CHARS_MAX);
    }
    job.place = job.place.tidy();
    let rows = job.rows();
    job.mix.retain(|name, _| rows.contains(name));
    for fader in job.mix.values_mut() {
        fader.gain_db = if fader.gain_db.is_nan() { 0.0 } else { fader.gain_db.clamp(-60.0, 12.0) };
    }
    Ok(job)
}

/// Settings, references and sheets.
fn check_extras(job: &JobRecord) -> Result<(), String> {
    let is_name = |name: &String| (1..=NAME_CHARS_MAX).contains(&name.chars().count());
    let is_value = |value: &SettingRecord| match value {
        SettingRecord::Number(number) => number.is_finite(),
        SettingRecord::Switch(_) => true,
        SettingRecord::Choice(word) => word.chars().count() <= NAME_CHARS_MAX,
    };
    let are_settings = job.settings.iter().all(|(name, value)| is_name(name) && is_value(value));
    if job.settings.len() > SETTINGS_MAX || !are_settings {
        return Err("its settings are none".to_owned());
    }
    if job.references.len() > REFERENCES_MAX || !job.references.iter().all(ReferenceRecord::is_reasonable) {
        return Err("its references are none".to_owned());
    }
    if job.sheets.len() > SHEETS_MAX || !job.sheets.iter().all(|sheet| is_name(&sheet.name)) {
        return Err("its sheets are none".to_owned());
    }
    Ok(())
}

fn cut(text: &str, chars_max: usize) -> String {
    text.chars().take(chars_max).collect()
}

/// 32 bytes as 64 hex digits.
pub(super) mod hex {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(in crate::library) fn serialize<S: Serializer>(bytes: &[u8; 32], out: S) -> Result<S::Ok, S::Error> {
        out.collect_str(&super::Sha256(*bytes))
    }

    pub(in crate::library) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<[u8; 32], D::Error> {
        let text = String::deserialize(from)?;
        let digits: Option<Vec<u8>> =
            text.chars().map(|digit| digit.to_digit(16).and_then(|digit| u8::try_from(digit).ok())).collect();
        let bytes: Vec<u8> = digits
            .unwrap_or_default()
            .chunks(2)
            .map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit))
            .collect();
        match <[u8; 32]>::try_from(bytes) {
            Ok(bytes) if text.len() == 64 => Ok(bytes),
            _ => Err(D::Error::custom("a hash has 64 hex digits")),
        }
    }
}
