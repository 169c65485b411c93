//! What can be wrong with the library on disk; one variant for each thing the caller can do about it.

use std::io;
use std::path::{Path, PathBuf};
use tributary_audio::AudioError;

/// Why something could not be found, read or kept.
#[derive(Debug, thiserror::Error)]
pub enum LibraryError {
    /// Nothing was changed; what was there before still is.
    #[error("the disk is full: free some space on the disk of `{}`, then try again", path.display())]
    Full {
        /// What was to be written.
        path: PathBuf,
    },
    /// The system refused.
    #[error("cannot {action} `{}`", path.display())]
    Disk {
        /// For example `write`.
        action: &'static str,
        /// What it was about.
        path: PathBuf,
        /// Why.
        #[source]
        cause: io::Error,
    },
    /// It was deleted, here, in another instance or by hand.
    #[error("{what} is not on this disk any more")]
    Missing {
        /// For example `the take`.
        what: String,
    },
    /// The file is there and makes no sense.
    #[error("`{}` cannot be used: {reason}", path.display())]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The sound in it cannot be read or converted.
    #[error("cannot use the sound in `{}`", path.display())]
    Sound {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        cause: AudioError,
    },
    /// What was asked for is outside of what the library keeps.
    #[error("{reason}")]
    Unsuitable {
        /// What and what to do.
        reason: String,
    },
    /// The caller wanted no more; nothing is left of it.
    #[error("stopped")]
    Stopped,
    /// Recorded at this moment, here or in another instance.
    #[error("this take is being recorded; stop the recording first")]
    Busy,
}

impl LibraryError {
    /// All of it in one line, for people.
    #[must_use]
    pub fn told(&self) -> String {
        let mut text = self.to_string();
        let mut cause = std::error::Error::source(self);
        while let Some(deeper) = cause {
            text.push_str(": ");
            text.push_str(&deeper.to_string());
            cause = deeper.source();
        }
        text
    }

    pub(super) fn disk(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |cause| match cause.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full { path },
            _ => Self::Disk { action, path, cause },
        }
    }

    pub(super) fn sound(path: &Path) -> impl FnOnce(AudioError) -> Self {
        let path = path.to_owned();
        move |cause| match cause {
            // No reader of ours lets the system's own interruptions through: this is a stop that was asked for.
            AudioError::Io { cause, .. } if cause.kind() == io::ErrorKind::Interrupted => Self::Stopped,
            AudioError::Io { cause, .. }
                if matches!(cause.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) =>
            {
                Self::Full { path }
            }
            cause => Self::Sound { path, cause },
        }
    }

    pub(super) fn damaged(path: &Path, reason: impl Into<String>) -> Self {
        Self::Damaged { path: path.to_owned(), reason: reason.into() }
    }

    pub(super) fn unsuitable(reason: impl Into<String>) -> Self {
        Self::Unsuitable { reason: reason.into() }
    }

    pub(crate) fn missing(what: impl Into<String>) -> Self {
        Self::Missing { what: what.into() }
    }
}
