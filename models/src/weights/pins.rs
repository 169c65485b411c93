//! Pins: what the first pull brought of files whose card has no checksum, kept beside them. Only reads and words them;
//! the shelf writes them.

use serde::{Deserialize, Serialize};
use std::io::{self, Read};
use std::path::Path;

/// What came of one file at its first pull.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pin {
    /// The card's name for it.
    pub file: String,
    /// Its SHA-256, 64 lower-case hex digits.
    pub sha256: String,
    /// Its size.
    pub bytes: u64,
    /// Where it came from.
    pub source: String,
    /// When, in words.
    pub date: String,
}

/// The pins of one model.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pins {
    #[serde(default)]
    pins: Vec<Pin>,
}

impl Pins {
    /// Their file in the model's folder; no card's file has a name like it.
    pub const FILE: &str = ".pins.toml";
    /// More than a card's files can take.
    const BYTES_MAX: u64 = 256 * 1024;

    /// Those in a model's folder; none where nothing was pinned.
    ///
    /// # Errors
    /// Where the file cannot be read or is damaged.
    pub fn read(folder: &Path) -> io::Result<Self> {
        let file = match std::fs::File::open(folder.join(Self::FILE)) {
            Ok(file) => file,
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(cause) => return Err(cause),
        };
        let mut text = String::new();
        file.take(Self::BYTES_MAX).read_to_string(&mut text)?;
        toml::from_str(&text).map_err(|cause| io::Error::new(io::ErrorKind::InvalidData, cause))
    }

    /// The pin of a file.
    #[must_use]
    pub fn of(&self, file: &str) -> Option<&Pin> {
        self.pins.iter().find(|pin| pin.file == file)
    }

    /// All of them, in the order in which they came.
    #[must_use]
    pub fn all(&self) -> &[Pin] {
        &self.pins
    }

    /// Adds one, or puts it in the place of an older one of the same file.
    pub fn set(&mut self, pin: Pin) {
        self.pins.retain(|old| old.file != pin.file);
        self.pins.push(pin);
    }

    /// As [`Pins::read`] takes them.
    #[must_use]
    pub fn to_text(&self) -> String {
        let body = toml::to_string(self).expect("strings and numbers below 2^63 are TOML");
        format!(
            "# What came at the first pull, of files without a published checksum; used only while they stay so.\n{body}"
        )
    }
}
