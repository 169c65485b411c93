//! Where the samples of a float WAV file lie, for those who read it at any place. Never reads the samples.

use std::io::{Read, Seek};

use super::encoding::Encoding;
use super::header;
use crate::limits::check_shape;
use crate::{AudioError, ClipShape};

/// The samples of a file of 32-bit floats: from byte `at` on they are as in a canonical clip file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Floats {
    /// Channels, frames and rate.
    pub shape: ClipShape,
    /// First byte.
    pub at: u64,
}

impl Floats {
    /// Looks for them.
    ///
    /// # Errors
    /// [`AudioError::NotAudio`] for files of other samples, [`AudioError::Damaged`] where fewer frames are there than
    /// declared, [`AudioError::Empty`], [`AudioError::Limit`], [`AudioError::Io`].
    pub fn find(source: &mut (impl Read + Seek)) -> Result<Self, AudioError> {
        let header = header::parse(source)?;
        if header.encoding != Some(Encoding::F32) {
            return Err(AudioError::NotAudio { hint: "a WAV file, but not one of 32-bit floats".to_owned() });
        }
        let frame_bytes = 4 * u64::from(header.channels);
        let frames = header.data_bytes_found / frame_bytes;
        let declared_frames = header.data_bytes.map_or(frames, |bytes| bytes / frame_bytes);
        if frames < declared_frames {
            let reason = format!("the header declares {declared_frames} frames, the file holds {frames}");
            return Err(AudioError::Damaged { reason });
        }
        let shape = ClipShape { channels: header.channels, frames, rate_hz: header.rate_hz };
        check_shape(shape)?;
        Ok(Self { shape, at: header.data_at })
    }
}
