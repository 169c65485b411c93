//! Takes made of files. The file stays as it is; its samples are copied, never converted in rate.

use super::{Library, LibraryError, Origin, Place, TakeId, TakeInfo, frames_max};
use std::path::Path;
use tributary_audio::Frames;
use tributary_audio::frames::{empty_block, fill};
use tributary_audio::limits::BLOCK_FRAMES;
use tributary_protocol::limits::CLIP_SECONDS_MAX;

impl Library {
    /// Makes a take of a sound file: WAV, FLAC, MP3, AAC, Ogg Vorbis or AIFF, mono or stereo. `progress` gets the share
    /// that is done, 0 to 1, and answers whether to go on.
    ///
    /// # Errors
    /// [`LibraryError::Sound`] for other files, [`LibraryError::Unsuitable`] for more channels and longer files,
    /// [`LibraryError::Stopped`] when `progress` said so, [`LibraryError::Full`], [`LibraryError::Disk`]. Nothing is left
    /// of the take then.
    pub fn import(
        &self,
        path: &Path,
        progress: &mut dyn FnMut(f32) -> bool,
    ) -> Result<TakeInfo, LibraryError> {
        let mut source = tributary_audio::open(path).map_err(LibraryError::sound(path))?;
        let shape = source.shape();
        super::take::check_shape(shape.channels, shape.rate_hz).map_err(|reason| {
            LibraryError::unsuitable(format!("`{}` cannot be used: {reason}", path.display()))
        })?;
        if shape.frames > frames_max(shape.rate_hz) {
            let hours = CLIP_SECONDS_MAX / 3600;
            return Err(LibraryError::unsuitable(format!(
                "`{}` lasts {:.1} hours; a take lasts {hours} hours at most, so cut it first",
                path.display(),
                shape.seconds() / 3600.0
            )));
        }
        let id = TakeId::generate();
        let mut writer = self.begin_import(id, shape.channels, shape.rate_hz)?;
        let mut copy = || {
            let mut block = empty_block(shape.channels, BLOCK_FRAMES);
            let mut interleaved = Vec::with_capacity(BLOCK_FRAMES * usize::from(shape.channels));
            while fill(&mut source, &mut block, BLOCK_FRAMES).map_err(LibraryError::sound(path))? > 0 {
                interleave(&block, &mut interleaved);
                writer.write(&interleaved)?;
                if !progress((writer.frames() as f64 / shape.frames as f64).min(1.0) as f32) {
                    return Err(LibraryError::Stopped);
                }
            }
            Ok(())
        };
        if let Err(error) = copy() {
            writer.discard();
            return Err(error);
        }
        let file_name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        writer.finish(TakeInfo {
            id,
            name: path.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
            frames: shape.frames,
            channels: shape.channels,
            rate_hz: shape.rate_hz,
            place: Place::default(),
            origin: Origin::File(file_name),
            lost_frames: 0,
            trim: None,
            made_at_us: id.made_at_us(),
        })
    }
}

/// Replaces `out` by the frames of `block`, channels side by side.
pub(super) fn interleave(block: &[Vec<f32>], out: &mut Vec<f32>) {
    out.clear();
    let frames = block.first().map_or(0, Vec::len);
    for frame in 0..frames {
        out.extend(block.iter().map(|channel| channel[frame]));
    }
}
