//! Stems on disk: what was fetched becomes a Broadcast Wave file with its place in the song, named to be dragged. Never
//! fetches.

use super::record::{self, check_version};
use super::{JobRecord, Library, LibraryError, TakeInfo, name};
use serde::{Deserialize, Serialize};
use sha2::Digest;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use time::OffsetDateTime;
use tributary_audio::frames::copy;
use tributary_audio::{Bext, ClipShape, Frames, PcmReader, WavFormat, WavWriter};

/// Names tried before giving up on a folder full of the same one.
const NUMBER_MAX: usize = 1_000;

/// Where the file of a stem is: written before the file gets its name, so that no file is there that nobody knows.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct StemRecord {
    version: u32,
    stem: String,
    /// The name of the file beside this record.
    file: String,
    /// Its length; any other one is not the whole stem.
    bytes: u64,
}

impl Library {
    /// Where the canonical bytes of a stem are to be put, for [`Library::keep_stem`]. Its folder is there as soon as the
    /// job was saved.
    #[must_use]
    pub fn stem_part(&self, job: &JobRecord, stem: &str) -> PathBuf {
        self.job_folder(job).join(format!("{}.f32", file_key(stem)))
    }

    /// Makes the stem's canonical bytes a Broadcast Wave file of 32-bit floats, removes them, and returns the file.
    ///
    /// # Errors
    /// [`LibraryError::Missing`] where the bytes are not there, [`LibraryError::Sound`] where they are not as many as
    /// the clip's or no numbers, [`LibraryError::Full`] and [`LibraryError::Disk`]; the bytes stay in all cases.
    pub fn keep_stem(&self, take: &TakeInfo, job: &JobRecord, stem: &str) -> Result<PathBuf, LibraryError> {
        let part = self.stem_part(job, stem);
        if !part.exists() {
            return Err(LibraryError::missing(format!("what was fetched of `{stem}`")));
        }
        let folder = self.job_folder(job);
        let before = self.stem_record(job, stem);
        let made = record::make(&self.temporary(), &folder, |out| {
            let mut source = PcmReader::open(&part, clip_shape(job)).map_err(LibraryError::sound(&part))?;
            let bext = bext(job, &take.name, stem);
            write_wav(&mut source, out, &bext).map(|_| ()).map_err(LibraryError::sound(&part))
        })?;
        let bytes = made.as_file().metadata().map_err(LibraryError::disk("read", &folder))?.len();
        let path = self.put_stem(take, job, stem, made, bytes)?;
        let stale = before.map(|before| folder.join(before.file)).filter(|stale| *stale != path);
        if let Some(stale) = stale {
            super::folder::discard(&stale);
        }
        // Were it to stay, the next download would find it whole: no harm.
        super::folder::discard(&part);
        Ok(path)
    }

    /// The stems of a job in its order, each with its file where that is there and whole.
    #[must_use]
    pub fn stems(&self, job: &JobRecord) -> Vec<(String, Option<PathBuf>)> {
        let folder = self.job_folder(job);
        let file = |stem: &str| {
            let record = self.stem_record(job, stem)?;
            let path = folder.join(record.file);
            is_whole(&path, record.bytes).then_some(path)
        };
        job.stems.iter().map(|stem| (stem.clone(), file(stem))).collect()
    }

    /// After a take got another name: its stems' files get theirs. A file that is not there is left out.
    ///
    /// # Errors
    /// [`LibraryError::Disk`], [`LibraryError::Full`]: files renamed before stay renamed and known.
    pub fn rename_files(&self, take: &TakeInfo, job: &JobRecord) -> Result<(), LibraryError> {
        let folder = self.job_folder(job);
        for stem in &job.stems {
            let Some(before) = self.stem_record(job, stem) else { continue };
            let from = folder.join(&before.file);
            let wanted = stem_file_name(take, job, stem);
            if !is_whole(&from, before.bytes) || is_numbered(&before.file, &wanted) {
                continue;
            }
            let file = free_name(&folder, &wanted)?;
            fs::rename(&from, folder.join(&file)).map_err(LibraryError::disk("rename", &from))?;
            if let Err(error) = self.save_stem_record(job, &StemRecord { file: file.clone(), ..before }) {
                // A file under a name that no record knows would be lost to us.
                let _ = fs::rename(folder.join(&file), &from);
                return Err(error);
            }
        }
        Ok(())
    }

    /// Gives a whole file the first free name, its record first.
    fn put_stem(
        &self,
        take: &TakeInfo,
        job: &JobRecord,
        stem: &str,
        mut made: tempfile::NamedTempFile,
        bytes: u64,
    ) -> Result<PathBuf, LibraryError> {
        let folder = self.job_folder(job);
        let wanted = stem_file_name(take, job, stem);
        let own =
            self.stem_record(job, stem).map(|record| record.file).filter(|own| is_numbered(own, &wanted));
        for _ in 0..NUMBER_MAX {
            let file = match &own {
                Some(own) => own.clone(),
                None => free_name(&folder, &wanted)?,
            };
            let path = folder.join(&file);
            let stem_record = StemRecord { version: 1, stem: stem.to_owned(), file, bytes };
            self.save_stem_record(job, &stem_record)?;
            if own.is_some() {
                made.persist(&path).map_err(|error| LibraryError::disk("write", &path)(error.error))?;
                record::sync_folder(&folder)?;
                return Ok(path);
            }
            match record::put_new(&path, made)? {
                Ok(()) => return Ok(path),
                Err(taken) => made = taken,
            }
        }
        Err(LibraryError::unsuitable(format!("`{}` has no name left for the stem", folder.display())))
    }

    fn stem_record(&self, job: &JobRecord, stem: &str) -> Option<StemRecord> {
        let path = self.stem_record_path(job, stem);
        let record: StemRecord = record::load(&path, "the stem").ok()?;
        let is_ours =
            check_version(record.version, 1).is_ok() && record.stem == stem && name::is_plain(&record.file);
        is_ours.then_some(record)
    }

    fn save_stem_record(&self, job: &JobRecord, stem: &StemRecord) -> Result<(), LibraryError> {
        record::save(&self.temporary(), &self.stem_record_path(job, &stem.stem), stem)
    }

    fn stem_record_path(&self, job: &JobRecord, stem: &str) -> PathBuf {
        self.job_folder(job).join(format!("{}.json", file_key(stem)))
    }
}

/// A name for files made of a stem's name, which a server chose: letters and digits only, whatever it was.
fn file_key(stem: &str) -> String {
    let hash = sha2::Sha256::digest(stem.as_bytes());
    let digits: String = hash[..8].iter().map(|byte| format!("{byte:02x}")).collect();
    format!("stem-{digits}")
}

fn clip_shape(job: &JobRecord) -> ClipShape {
    ClipShape { channels: job.clip.channels, frames: job.clip.frames, rate_hz: job.clip.rate_hz }
}

/// `Verse 2 - vocals - 124bpm - bar 3`, without `.wav`.
pub(super) fn stem_file_name(take: &TakeInfo, job: &JobRecord, stem: &str) -> String {
    name::stem_name(&take.name, stem, &job.clip_place())
}

/// Whether a file has the wanted name or a numbered form of it.
fn is_numbered(file: &str, wanted: &str) -> bool {
    let Some(rest) = file.strip_suffix(".wav").and_then(|file| file.strip_prefix(wanted)) else {
        return false;
    };
    let number = rest.strip_prefix(" (").and_then(|rest| rest.strip_suffix(')'));
    rest.is_empty() || number.is_some_and(|number| number.parse::<usize>().is_ok())
}

/// The first name that nothing in the folder has.
fn free_name(folder: &Path, wanted: &str) -> Result<String, LibraryError> {
    (1..=NUMBER_MAX)
        .map(|number| format!("{}.wav", name::numbered(wanted, number)))
        .find(|file| fs::symlink_metadata(folder.join(file)).is_err())
        .ok_or_else(|| LibraryError::unsuitable(format!("`{}` is full of `{wanted}`", folder.display())))
}

fn is_whole(path: &Path, bytes: u64) -> bool {
    fs::symlink_metadata(path).is_ok_and(|found| found.is_file() && found.len() == bytes)
}

/// What a file says of itself. The time reference is 0 where the place is unknown, or before the project's start, for
/// which the format has no number.
pub(super) fn bext(job: &JobRecord, take: &str, what: &str) -> Bext {
    let place = job.clip_place();
    let made_at = OffsetDateTime::from_unix_timestamp(job.begun_at_us.div_euclid(1_000_000))
        .unwrap_or(OffsetDateTime::UNIX_EPOCH);
    Bext {
        description: format!("{take} - {what}, {} by {} {}", job.task, job.model, job.model_version),
        originator: "Tributary".to_owned(),
        originator_reference: job.key.0.simple().to_string(),
        date: format!("{:04}-{:02}-{:02}", made_at.year(), u8::from(made_at.month()), made_at.day()),
        time: format!("{:02}:{:02}:{:02}", made_at.hour(), made_at.minute(), made_at.second()),
        time_reference: place.frames.and_then(|frames| u64::try_from(frames).ok()).unwrap_or(0),
    }
}

/// All of `source` as a Broadcast Wave file of 32-bit floats.
pub(super) fn write_wav(
    source: &mut dyn Frames,
    out: &mut (impl Write + Send),
    bext: &Bext,
) -> Result<u64, tributary_audio::AudioError> {
    let mut writer = WavWriter::with_bext(out, source.shape(), WavFormat::Float32, bext)?;
    copy(source, &mut writer)
}
