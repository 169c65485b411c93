//! Stems on disk: what was fetched becomes a Broadcast Wave file with its place in the song, named to be dragged. Never
//! fetches.

use super::placed::Piece;
use super::{JobRecord, Library, LibraryError, TakeInfo, name, record};
use std::io::Write;
use std::path::PathBuf;
use time::OffsetDateTime;
use tributary_audio::frames::copy;
use tributary_audio::{Bext, ClipShape, Frames, PcmReader, WavFormat, WavWriter};

impl Library {
    /// Where the canonical bytes of a stem are to be put, for [`Library::keep_stem`]. Its folder is there as soon as the
    /// job was saved.
    #[must_use]
    pub fn stem_part(&self, job: &JobRecord, stem: &str) -> PathBuf {
        self.job_folder(job).join(format!("{}.f32", piece(stem).key()))
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
        let before = self.piece_record(job, piece(stem));
        let made = record::make(&self.temporary(), &folder, |out| {
            let mut source = PcmReader::open(&part, clip_shape(job)).map_err(LibraryError::sound(&part))?;
            let bext = bext(job, &take.name, stem);
            write_wav(&mut source, out, &bext).map(|_| ()).map_err(LibraryError::sound(&part))
        })?;
        let bytes = made.as_file().metadata().map_err(LibraryError::disk("read", &folder))?.len();
        let path = self.put_piece(take, job, piece(stem), made, bytes)?;
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
        job.stems.iter().map(|stem| (stem.clone(), self.placed(job, piece(stem)))).collect()
    }

    /// After a take got another name: its results' files get theirs. A file that is not there is left out.
    ///
    /// # Errors
    /// [`LibraryError::Disk`], [`LibraryError::Full`]: files renamed before stay renamed and known.
    pub fn rename_files(&self, take: &TakeInfo, job: &JobRecord) -> Result<(), LibraryError> {
        job.stems.iter().try_for_each(|stem| self.rename_piece(take, job, piece(stem)))?;
        self.rename_sheets(take, job)
    }
}

fn piece(stem: &str) -> Piece<'_> {
    Piece { kind: "stem", name: stem, title: stem, extension: "wav" }
}

fn clip_shape(job: &JobRecord) -> ClipShape {
    ClipShape { channels: job.clip.channels, frames: job.clip.frames, rate_hz: job.clip.rate_hz }
}

/// `Verse 2 - vocals - 124bpm - bar 3`, without `.wav`.
pub(super) fn stem_file_name(take: &TakeInfo, job: &JobRecord, stem: &str) -> String {
    name::stem_name(&take.name, stem, &job.clip_place())
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
