//! Sounds that a result shall be made like: read from files once, kept by their content, shared by all jobs that name them.
//! Never takes: they have no place in a song.

use super::import::interleave;
use super::{ClipRecord, Library, LibraryError, frames_max, record};
use serde::{Deserialize, Serialize};
use sha2::Digest;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use tributary_audio::Frames;
use tributary_audio::frames::{empty_block, fill};
use tributary_audio::limits::BLOCK_FRAMES;
use tributary_protocol::limits::{TITLE_CHARS_MAX, title_of};
use tributary_protocol::vocab::Sha256;

/// One that no job has used for so long goes when the library is opened; its file can be chosen again.
const AGE_MAX: Duration = Duration::from_secs(180 * 24 * 3600);

/// A reference as it stands in projects and jobs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReferenceRecord {
    /// The name of the file it was read from.
    pub name: String,
    /// What it is; its hash names the bytes.
    pub clip: ClipRecord,
}

impl ReferenceRecord {
    /// Whether it says what can be.
    pub(crate) fn is_reasonable(&self) -> bool {
        let ClipRecord { frames, channels, rate_hz, .. } = self.clip;
        self.name.chars().count() <= TITLE_CHARS_MAX
            && super::take::check_shape(channels, rate_hz).is_ok()
            && (1..=frames_max(rate_hz)).contains(&frames)
    }
}

impl Library {
    /// Reads a sound file as a reference. `progress` gets the share that is done and answers whether to go on.
    ///
    /// # Errors
    /// As [`Library::import`].
    pub fn add_reference(
        &self,
        path: &Path,
        progress: &mut dyn FnMut(f32) -> bool,
    ) -> Result<ReferenceRecord, LibraryError> {
        let mut source = tributary_audio::open(path).map_err(LibraryError::sound(path))?;
        let shape = source.shape();
        let refused = |reason: String| {
            LibraryError::unsuitable(format!("`{}` cannot be used: {reason}", path.display()))
        };
        super::take::check_shape(shape.channels, shape.rate_hz).map_err(refused)?;
        if shape.frames == 0 || shape.frames > frames_max(shape.rate_hz) {
            return Err(refused("it is empty or too long".to_owned()));
        }
        let mut hasher = sha2::Sha256::new();
        let made = record::make(&self.temporary(), path, |out| {
            let mut block = empty_block(shape.channels, BLOCK_FRAMES);
            let (mut interleaved, mut done) = (Vec::new(), 0);
            while fill(&mut source, &mut block, BLOCK_FRAMES).map_err(LibraryError::sound(path))? > 0 {
                interleave(&block, &mut interleaved);
                if interleaved.iter().any(|sample| !sample.is_finite()) {
                    return Err(refused("it has samples that are no numbers".to_owned()));
                }
                let bytes: Vec<u8> = interleaved.iter().flat_map(|sample| sample.to_le_bytes()).collect();
                hasher.update(&bytes);
                out.write_all(&bytes).map_err(LibraryError::disk("write", path))?;
                done += block.first().map_or(0, Vec::len) as u64;
                if !progress((done as f64 / shape.frames as f64).min(1.0) as f32) {
                    return Err(LibraryError::Stopped);
                }
            }
            Ok(())
        })?;
        let sha256 = hasher.finalize().into();
        let clip =
            ClipRecord { sha256, frames: shape.frames, channels: shape.channels, rate_hz: shape.rate_hz };
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let name = title_of(&name);
        let reference = ReferenceRecord { name, clip };
        let to = self.reference_file(&reference);
        let folder = self.references();
        fs::create_dir_all(&folder).map_err(LibraryError::disk("make the folder", &folder))?;
        made.persist(&to).map_err(|error| LibraryError::disk("write", &to)(error.error))?;
        record::sync_folder(&folder)?;
        if !self.has_reference(&reference) {
            return Err(LibraryError::damaged(path, "it has another length than it says"));
        }
        Ok(reference)
    }

    /// The canonical bytes of a reference.
    #[must_use]
    pub fn reference_file(&self, reference: &ReferenceRecord) -> PathBuf {
        self.references().join(format!("{}.f32", Sha256(reference.clip.sha256)))
    }

    /// Its bytes are on this disk, all of them.
    #[must_use]
    pub fn has_reference(&self, reference: &ReferenceRecord) -> bool {
        let bytes = tributary_protocol::vocab::ClipHeader::from(reference.clip).canonical_bytes();
        let path = self.reference_file(reference);
        fs::metadata(path).is_ok_and(|found| found.is_file() && Some(found.len()) == bytes)
    }

    /// It is used now, so it stays. Where the time cannot be set it goes earlier: no harm.
    pub(crate) fn touch_reference(&self, reference: &ReferenceRecord) {
        let file = fs::File::options().append(true).open(self.reference_file(reference));
        let _ = file.and_then(|file| file.set_modified(SystemTime::now()));
    }

    /// Those that nobody has used for long go.
    pub(super) fn clear_references(&self) {
        let now = SystemTime::now();
        for (_, path) in super::folder::entries(&self.references()) {
            let changed = fs::symlink_metadata(&path).and_then(|found| found.modified());
            if changed.is_ok_and(|at| now.duration_since(at).unwrap_or_default() > AGE_MAX) {
                super::folder::discard(&path);
            }
        }
    }

    fn references(&self) -> PathBuf {
        self.root().join("references")
    }
}
