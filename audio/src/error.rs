//! What can be wrong with sound and its files; one variant for each thing the caller can do about it.

use std::io;

/// Why a piece of sound could not be read, converted or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AudioError {
    /// The bytes are no audio format we know: choose another file.
    #[error(
        "not an audio file we can read ({hint}); WAV, FLAC, MP3, AAC/M4A, Ogg Vorbis and AIFF are understood"
    )]
    NotAudio {
        /// What was seen instead.
        hint: String,
    },
    /// A known format, but damaged: export the file again.
    #[error("the audio file is damaged: {reason}")]
    Damaged {
        /// What is wrong, in words.
        reason: String,
    },
    /// There is not one frame in it.
    #[error("the audio is empty: it has no frames")]
    Empty,
    /// A sample is NaN or infinite: bounce the clip again, or remove the plugin that makes such samples.
    #[error("frame {frame} of channel {channel} is not a finite number")]
    NotFinite {
        /// Counted from 0.
        frame: u64,
        /// Counted from 0.
        channel: usize,
    },
    /// Channels, rate or length outside what is supported.
    #[error("{what} is {value}, the limit is {limit}")]
    Limit {
        /// Which property, for example `channels`.
        what: &'static str,
        /// What was found.
        value: u64,
        /// What is allowed, in words.
        limit: String,
    },
    /// The block or sink has another shape than was agreed.
    #[error("expected {expected}, got {got}")]
    Shape {
        /// The agreed shape, in words.
        expected: String,
        /// The shape seen.
        got: String,
    },
    /// Reading or writing failed.
    #[error("cannot {action}")]
    Io {
        /// For example `write stem`.
        action: &'static str,
        /// Why.
        #[source]
        cause: io::Error,
    },
}
