//! Opens a sound file of any understood format as a stream of frames. Never resamples, never loads a whole clip.
//!
//! Uncompressed WAV is read by our own reader, bit for bit. Everything else is decoded by `symphonia`, whose every
//! call is guarded: damaged files must end in an error, not in a panic, and not in silence where sound was.

mod compressed;
mod edit_list;
mod ogg_end;
mod stream;

use std::fs::File;
use std::io::{Seek, SeekFrom};
use std::path::Path;

use crate::pcm::read_full;
use crate::wav::{WavReader, header};
use crate::{AudioError, Frames};

/// Opens WAV, FLAC, MP3, AAC (M4A or ADTS), Ogg Vorbis or AIFF, told apart by content, not by name.
///
/// The shape is exact: where the container does not say reliably how long it is (MP3, AAC, Vorbis), the file is decoded
/// once to count, in bounded memory. Encoder delay and padding are cut off where the file says how much there is.
///
/// # Errors
/// [`AudioError::NotAudio`], [`AudioError::Damaged`] (also where less is there than declared), [`AudioError::Empty`],
/// [`AudioError::Limit`] for more than 8 channels or rates outside 8 to 192 kHz, [`AudioError::Io`].
pub fn open(path: &Path) -> Result<Box<dyn Frames>, AudioError> {
    let io = |cause| AudioError::Io { action: "open audio file", cause };
    let mut file = File::open(path).map_err(io)?;
    let mut head = [0; 12];
    let found = read_full(&mut file, &mut head)?;
    if found == 0 {
        return Err(AudioError::NotAudio { hint: "the file has no bytes".to_owned() });
    }
    if header::is_wav(&head[..found]) {
        let header = header::parse(&mut file)?;
        if header.encoding.is_some() {
            return Ok(Box::new(WavReader::from_header(file, header)?));
        }
    }
    file.seek(SeekFrom::Start(0)).map_err(io)?;
    Ok(Box::new(compressed::CompressedFrames::open(path, file)?))
}
