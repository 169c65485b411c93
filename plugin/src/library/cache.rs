//! Tracks at other rates than their files: converted once, kept as long as there is room, made again when needed. Never
//! the only place of anything.

use super::folder::{discard, entries};
use super::{Library, LibraryError, TrackFile, record};
use sha2::Digest;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};
use tributary_audio::frames::{empty_block, fill, slices};
use tributary_audio::limits::BLOCK_FRAMES;
use tributary_audio::{FrameSink, Frames, PcmWriter, Resampler};

/// Bytes of all converted tracks together: about an hour of four stems and their original in stereo at 48 kHz.
pub const CACHE_BYTES_MAX: u64 = 8 << 30;

impl Library {
    /// The track at `rate_hz`, for a host that does not run at the rate of the take: itself where the rates are equal,
    /// else a converted copy, made where there is none yet. `progress` gets the share that is done, 0 to 1, and answers
    /// whether to go on.
    ///
    /// # Errors
    /// As [`TrackFile::frames`]; [`LibraryError::Sound`] for rates outside 8 to 192 kHz and samples that are no numbers,
    /// [`LibraryError::Stopped`] when `progress` said so, [`LibraryError::Full`], [`LibraryError::Disk`].
    pub fn at_rate(
        &self,
        track: &TrackFile,
        rate_hz: u32,
        progress: &mut dyn FnMut(f32) -> bool,
    ) -> Result<TrackFile, LibraryError> {
        if track.rate_hz == rate_hz {
            return Ok(track.clone());
        }
        let source = track.frames()?;
        let mut source = Resampler::new(source, rate_hz).map_err(LibraryError::sound(&track.path))?;
        let converted = TrackFile {
            path: self.cache().join(format!("{}.f32", fingerprint(track, rate_hz)?)),
            offset_bytes: 0,
            channels: track.channels,
            rate_hz,
            first_frame: 0,
            frames: source.shape().frames,
        };
        let bytes = converted.byte_of(converted.frames);
        let found = fs::metadata(&converted.path).map(|found| found.len()).ok();
        if found.is_some() && found == bytes {
            // Used now, so the last to go. Where the time cannot be set it goes earlier: no harm.
            let _ = File::options()
                .append(true)
                .open(&converted.path)
                .and_then(|file| file.set_modified(SystemTime::now()));
            return Ok(converted);
        }
        record::replace(&self.temporary(), &converted.path, |out| {
            convert(&mut source, out, &track.path, &converted.path, progress)
        })?;
        self.bound_cache(CACHE_BYTES_MAX, &converted.path);
        Ok(converted)
    }

    /// Removes what was longest not used until the cache fits; `keep` stays in any case.
    pub(super) fn bound_cache(&self, bytes_max: u64, keep: &Path) {
        let mut files: Vec<(SystemTime, u64, PathBuf)> = entries(&self.cache())
            .filter_map(|(_, path)| {
                let found = fs::symlink_metadata(&path).ok()?;
                Some((found.modified().unwrap_or(UNIX_EPOCH), found.len(), path))
            })
            .collect();
        files.sort();
        let mut bytes: u64 = files.iter().map(|(_, bytes, _)| bytes).sum();
        for (_, file_bytes, path) in files {
            if bytes <= bytes_max {
                break;
            }
            if path != keep {
                discard(&path);
                bytes -= file_bytes;
            }
        }
    }
}

fn convert(
    source: &mut Resampler,
    out: &mut BufWriter<&File>,
    from: &Path,
    to: &Path,
    progress: &mut dyn FnMut(f32) -> bool,
) -> Result<(), LibraryError> {
    let shape = source.shape();
    let mut sink = PcmWriter::new(out.by_ref(), shape).map_err(LibraryError::sound(from))?;
    let mut block = empty_block(shape.channels, BLOCK_FRAMES);
    let mut done = 0;
    loop {
        let frames = fill(source, &mut block, BLOCK_FRAMES).map_err(LibraryError::sound(from))?;
        if frames == 0 {
            break;
        }
        sink.write(&slices(&block)).map_err(LibraryError::sound(to))?;
        done += frames as u64;
        if !progress((done as f64 / shape.frames as f64).min(1.0) as f32) {
            return Err(LibraryError::Stopped);
        }
    }
    sink.finish().map_err(LibraryError::sound(to))
}

/// Names a part of a file as it is now, at another rate: another file, part, time of writing or rate has another name.
fn fingerprint(track: &TrackFile, rate_hz: u32) -> Result<String, LibraryError> {
    let found = fs::metadata(&track.path).map_err(LibraryError::disk("read", &track.path))?;
    let changed = found.modified().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok()).unwrap_or_default();
    let mut hasher = sha2::Sha256::new();
    hasher.update(track.path.as_os_str().as_encoded_bytes());
    for number in [
        found.len(),
        changed.as_secs(),
        u64::from(changed.subsec_nanos()),
        track.offset_bytes,
        u64::from(track.channels),
        u64::from(track.rate_hz),
        track.first_frame,
        track.frames,
        u64::from(rate_hz),
    ] {
        hasher.update(number.to_le_bytes());
    }
    Ok(hasher.finalize()[..16].iter().map(|byte| format!("{byte:02x}")).collect())
}
