//! A take on its way to the disk: every block is written at once, so that a DAW that crashes loses at most the last one.
//! Also what becomes of a take whose program is gone. Never waits for the audio thread.

use super::folder::{discard, id_folders};
use super::take::{BEGUN, RECORD, check_shape};
use super::{Library, LibraryError, Origin, Place, TakeId, TakeInfo, frames_max, record};
use serde::{Deserialize, Serialize};
use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

/// What is put aside when a recording begins, so that its record can be written on a disk that has become full.
const RESERVE_BYTES: usize = 64 * 1024;
const RESERVE: &str = "reserve";
/// Samples that are turned into bytes at a time.
const SAMPLES_AT_A_TIME: usize = 16 * 1024;

/// The first line of `begun.json`: what the bytes of the take mean.
#[derive(Serialize, Deserialize)]
struct Begun {
    channels: u16,
    rate_hz: u32,
    /// Made of a file: begun again rather than recovered.
    is_import: bool,
}

/// A later line of it.
#[derive(Serialize, Deserialize)]
struct Described {
    name: String,
    place: Place,
    made_at_us: i64,
}

/// Where samples go; a file, but for tests of what happens when it is full.
pub(super) trait Storage: Write + Send {
    /// Keeps only the first `bytes` bytes.
    fn cut(&mut self, bytes: u64) -> std::io::Result<()>;
    /// All of it is on the disk when this returns.
    fn settle(&mut self) -> std::io::Result<()>;
}

impl Storage for File {
    fn cut(&mut self, bytes: u64) -> std::io::Result<()> {
        self.set_len(bytes)?;
        std::io::Seek::seek(self, std::io::SeekFrom::Start(bytes)).map(|_| ())
    }

    fn settle(&mut self) -> std::io::Result<()> {
        self.sync_all()
    }
}

/// Writes one take. Dropped without [`TakeWriter::finish`], the take is recovered when the library is opened next.
pub struct TakeWriter {
    library: Library,
    id: TakeId,
    channels: u16,
    rate_hz: u32,
    frames: u64,
    broken_frames: u64,
    samples: Box<dyn Storage>,
    /// Locked as long as we are there: nobody else takes the take for a crashed one.
    begun: File,
    bytes: Vec<u8>,
}

impl std::fmt::Debug for TakeWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TakeWriter")
            .field("id", &self.id)
            .field("frames", &self.frames)
            .finish_non_exhaustive()
    }
}

impl Library {
    /// Begins a take of `channels` (1 or 2) at `rate_hz`.
    ///
    /// # Errors
    /// [`LibraryError::Unsuitable`] for other shapes and an id that is there already, [`LibraryError::Full`],
    /// [`LibraryError::Disk`].
    pub fn begin_take(&self, id: TakeId, channels: u16, rate_hz: u32) -> Result<TakeWriter, LibraryError> {
        self.begin(id, Begun { channels, rate_hz, is_import: false })
    }

    /// The same for a file: what is left of it after a crash is cleared away.
    pub(super) fn begin_import(
        &self,
        id: TakeId,
        channels: u16,
        rate_hz: u32,
    ) -> Result<TakeWriter, LibraryError> {
        self.begin(id, Begun { channels, rate_hz, is_import: true })
    }

    fn begin(&self, id: TakeId, begun: Begun) -> Result<TakeWriter, LibraryError> {
        check_shape(begun.channels, begun.rate_hz).map_err(LibraryError::unsuitable)?;
        let folder = self.take_folder(id);
        fs::create_dir(&folder).map_err(|cause| match cause.kind() {
            std::io::ErrorKind::AlreadyExists => LibraryError::unsuitable("this take is there already"),
            _ => LibraryError::disk("make the folder", &folder)(cause),
        })?;
        let opened = open_take(&folder, &begun);
        if opened.is_err() {
            discard(&folder);
        }
        let (begun_file, samples) = opened?;
        Ok(TakeWriter {
            library: self.clone(),
            id,
            channels: begun.channels,
            rate_hz: begun.rate_hz,
            frames: 0,
            broken_frames: 0,
            samples: Box::new(samples),
            begun: begun_file,
            bytes: Vec::new(),
        })
    }

    /// Makes takes of what crashed programs were recording. What cannot be put right stays for another time.
    pub(super) fn recover_takes(&self) {
        for (id, folder) in id_folders(&self.takes_folder()) {
            let path = folder.join(BEGUN);
            if !path.exists() {
                continue;
            }
            let Ok(mut begun) = OpenOptions::new().read(true).write(true).open(&path) else { continue };
            // Locked: it is being recorded. The lock goes with the process that holds it.
            if begun.try_lock().is_err() {
                continue;
            }
            if folder.join(RECORD).exists() || self.recover(TakeId(id), &folder, &mut begun).is_ok() {
                discard(&path);
                discard(&folder.join(RESERVE));
            }
        }
    }

    fn recover(&self, id: TakeId, folder: &Path, begun: &mut File) -> Result<(), LibraryError> {
        let mut text = String::new();
        let read = begun.take(record::RECORD_BYTES_MAX).read_to_string(&mut text);
        read.map_err(LibraryError::disk("read", folder))?;
        let mut lines = text.lines();
        let first = lines.next().unwrap_or_default();
        let Ok(shape) = serde_json::from_str::<Begun>(first) else {
            return Err(LibraryError::damaged(folder, "what was recorded cannot be told any more"));
        };
        check_shape(shape.channels, shape.rate_hz).map_err(|reason| LibraryError::damaged(folder, reason))?;
        let path = self.take_file(id);
        let frame_bytes = u64::from(shape.channels) * 4;
        let frames = fs::metadata(&path).map_or(0, |found| found.len()) / frame_bytes;
        let frames = frames.min(frames_max(shape.rate_hz));
        if shape.is_import || frames == 0 {
            return self.throw_away(folder, "the take");
        }
        OpenOptions::new()
            .write(true)
            .open(&path)
            .and_then(|samples| samples.set_len(frames * frame_bytes).and_then(|()| samples.sync_all()))
            .map_err(LibraryError::disk("write", &path))?;
        let described = lines.rev().find_map(|line| serde_json::from_str::<Described>(line).ok());
        let (name, place, made_at_us) = match described {
            Some(told) => (told.name, told.place, told.made_at_us),
            None => ("Take".to_owned(), Place::default(), id.made_at_us()),
        };
        discard(&folder.join(RESERVE));
        self.save_take(&TakeInfo {
            id,
            name: format!("{name} (recovered)"),
            frames,
            channels: shape.channels,
            rate_hz: shape.rate_hz,
            place,
            origin: Origin::Recorded,
            lost_frames: 0,
            trim: None,
            made_at_us,
        })
    }
}

impl TakeId {
    /// When it was generated, microseconds since 1970, UTC; 0 for an id of another kind.
    #[must_use]
    pub fn made_at_us(self) -> i64 {
        let made_at = self.0.get_timestamp().map(|at| at.to_unix());
        made_at.map_or(0, |(seconds, nanoseconds)| {
            i64::try_from(seconds).unwrap_or(0).saturating_mul(1_000_000) + i64::from(nanoseconds / 1_000)
        })
    }
}

/// `begun.json`, locked, and the empty file of samples.
fn open_take(folder: &Path, begun: &Begun) -> Result<(File, File), LibraryError> {
    let make = |name: &str| {
        let path = folder.join(name);
        OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .open(&path)
            .map_err(LibraryError::disk("make", &path))
    };
    let mut begun_file = make(BEGUN)?;
    // Some network disks have no locks. Recording there is worth more than recovery, which then leaves takes alone.
    let _ = begun_file.lock();
    append_line(&mut begun_file, begun, folder)?;
    make(RESERVE)?.write_all(&vec![0; RESERVE_BYTES]).map_err(LibraryError::disk("write in", folder))?;
    Ok((begun_file, make("take.f32")?))
}

fn append_line(file: &mut File, line: &impl Serialize, folder: &Path) -> Result<(), LibraryError> {
    let mut bytes = serde_json::to_vec(line)
        .map_err(|cause| LibraryError::unsuitable(format!("this cannot be written down: {cause}")))?;
    bytes.push(b'\n');
    file.write_all(&bytes).map_err(LibraryError::disk("write in", folder))
}

impl TakeWriter {
    /// What is known of the take already, for the case that the program crashes. May be called again.
    ///
    /// # Errors
    /// [`LibraryError::Full`], [`LibraryError::Disk`]; the recording goes on all the same.
    pub fn describe(&mut self, name: &str, place: Place, made_at_us: i64) -> Result<(), LibraryError> {
        let folder = self.folder();
        append_line(&mut self.begun, &Described { name: name.to_owned(), place, made_at_us }, &folder)
    }

    /// Adds interleaved samples, whole frames, full scale ±1.0. A frame with a sample that is no number (a plugin before
    /// us is broken) becomes silent there and counts as lost: one such sample would make the take useless.
    ///
    /// # Errors
    /// [`LibraryError::Full`] and [`LibraryError::Disk`]: what was written before is whole and can be finished.
    /// [`LibraryError::Unsuitable`] for a piece of a frame, and when the take is as long as a take can be.
    pub fn write(&mut self, samples: &[f32]) -> Result<(), LibraryError> {
        let channels = usize::from(self.channels);
        if !samples.len().is_multiple_of(channels) {
            return Err(LibraryError::unsuitable("the samples end within a frame"));
        }
        let room = usize::try_from(frames_max(self.rate_hz) - self.frames).unwrap_or(usize::MAX);
        let fitting = samples.len().min(room.saturating_mul(channels));
        for samples in samples[..fitting].chunks(SAMPLES_AT_A_TIME / channels * channels) {
            self.write_chunk(samples)?;
        }
        if fitting < samples.len() {
            return Err(LibraryError::unsuitable("the take is as long as a take can be; begin another one"));
        }
        Ok(())
    }

    fn write_chunk(&mut self, samples: &[f32]) -> Result<(), LibraryError> {
        self.bytes.clear();
        let mut broken_frames = 0;
        for frame in samples.chunks_exact(usize::from(self.channels)) {
            let mut is_broken = false;
            for &sample in frame {
                is_broken |= !sample.is_finite();
                let sample = if sample.is_finite() { sample } else { 0.0 };
                self.bytes.extend(sample.to_le_bytes());
            }
            broken_frames += u64::from(is_broken);
        }
        if let Err(cause) = self.samples.write_all(&self.bytes) {
            // Part of it may have been written. If even cutting it off fails, the record's length still is right.
            let _ = self.samples.cut(self.frames * u64::from(self.channels) * 4);
            return Err(LibraryError::disk("write", &self.library.take_file(self.id))(cause));
        }
        self.frames += (samples.len() / usize::from(self.channels)) as u64;
        self.broken_frames += broken_frames;
        Ok(())
    }

    /// Frames so far.
    #[must_use]
    pub fn frames(&self) -> u64 {
        self.frames
    }

    /// Makes it a take: `info` is its record, but for id, channels, rate and length, which are what was written. Returns
    /// the record as it was kept.
    ///
    /// # Errors
    /// [`LibraryError::Unsuitable`] where there is not one frame; the take is gone then. [`LibraryError::Full`],
    /// [`LibraryError::Disk`]; the take is recovered when the library is opened next.
    pub fn finish(mut self, info: TakeInfo) -> Result<TakeInfo, LibraryError> {
        if self.frames == 0 {
            self.discard();
            return Err(LibraryError::unsuitable("nothing was recorded: not one frame came"));
        }
        let folder = self.folder();
        let path = self.library.take_file(self.id);
        self.samples.settle().map_err(LibraryError::disk("write", &path))?;
        let info = super::take::tidy(TakeInfo {
            id: self.id,
            channels: self.channels,
            rate_hz: self.rate_hz,
            frames: self.frames,
            lost_frames: info.lost_frames.saturating_add(self.broken_frames),
            ..info
        })
        .map_err(LibraryError::unsuitable)?;
        discard(&folder.join(RESERVE));
        self.library.save_take(&info)?;
        discard(&folder.join(BEGUN));
        record::sync_folder(&self.library.takes_folder())?;
        Ok(info)
    }

    /// Deletes what was written.
    pub fn discard(self) {
        let folder = self.folder();
        if self.library.throw_away(&folder, "the take").is_err() {
            discard(&folder);
        }
    }

    fn folder(&self) -> PathBuf {
        self.library.take_folder(self.id)
    }

    /// Samples go there from now on.
    #[cfg(test)]
    pub(super) fn store_in(&mut self, storage: Box<dyn Storage>) {
        self.samples = storage;
    }
}
