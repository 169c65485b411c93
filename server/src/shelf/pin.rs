//! What a file on the shelf is held to: its card's hash, or the pin of what came first. Writes the pins.

use super::{Shelf, ShelfError, download, sha256, unlink, with_part};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;
use tributary_models::catalog::{Card, CardFile};
use tributary_models::weights::{Files, Pin, Pins, Promise};

impl Shelf {
    /// What a file must be; none where no checksum is published and none of it ever came.
    pub(super) fn promise(&self, card: &Card, file: &CardFile) -> Result<Option<Promise>, ShelfError> {
        let promise = Files::in_folder(card, &self.folder).promise(file);
        promise.map_err(|cause| ShelfError::io("read", &self.place(card, Pins::FILE), cause))
    }

    /// Checks a draft and gives it its name: whole or not at all. A draft of something else is thrown away. Answers the
    /// pin where the file got one.
    pub(super) fn settle(
        &self,
        card: &Card,
        file: &CardFile,
        source: &str,
        date: &str,
    ) -> Result<Option<Pin>, ShelfError> {
        let (part, place) = (self.part(card, &file.file)?, self.place(card, &file.file));
        let found = sha256(&part)?;
        unlink(&download::origin(&part))?;
        let failed = |cause| ShelfError::io("write", &place, cause);
        let bytes = part.metadata().map_err(failed)?.len();
        let promise = self.promise(card, file)?;
        let pinned = match promise {
            Some(promise) if promise.sha256() == found => None,
            Some(promise) => {
                unlink(&part)?;
                return Err(refusal(card, source, promise, found));
            }
            None => {
                if let Err(error) = fits_start(file, source, &found) {
                    unlink(&part)?;
                    return Err(error);
                }
                if let Some(expected) = file.bytes.filter(|expected| *expected != bytes) {
                    unlink(&part)?;
                    return Err(ShelfError::WrongSize { from: source.to_owned(), expected, found: bytes });
                }
                let [source, date] = [source, date].map(str::to_owned);
                Some(Pin { file: file.file.clone(), sha256: found, bytes, source, date })
            }
        };
        File::options().append(true).open(&part).and_then(|file| file.sync_all()).map_err(failed)?;
        // The pin comes first: a file without one is not used.
        if let Some(pin) = &pinned {
            self.pin(card, pin.clone())?;
        }
        fs::rename(&part, &place).map_err(failed)?;
        Ok(pinned)
    }

    fn pin(&self, card: &Card, pin: Pin) -> Result<(), ShelfError> {
        let place = self.place(card, Pins::FILE);
        let folder = self.folder.join(&card.name);
        let mut pins = Pins::read(&folder).map_err(|cause| ShelfError::io("read", &place, cause))?;
        pins.set(pin);
        write(&place, &pins.to_text()).map_err(|cause| ShelfError::io("write", &place, cause))
    }
}

/// Whether a hash begins as the card says, where it says only that.
pub(super) fn fits_start(file: &CardFile, source: &str, found: &str) -> Result<(), ShelfError> {
    match &file.sha256_start {
        Some(start) if !found.starts_with(start.as_str()) => {
            let (from, expected) = (source.to_owned(), format!("that it begins with {start}"));
            Err(ShelfError::WrongHash { from, expected, found: found.to_owned() })
        }
        _ => Ok(()),
    }
}

pub(super) fn write(place: &Path, text: &str) -> io::Result<()> {
    let part = with_part(place);
    let mut file = File::create(&part)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&part, place)
}

/// Why a file of another hash is not taken.
pub(super) fn refusal(card: &Card, source: &str, promise: Promise, found: String) -> ShelfError {
    let from = source.to_owned();
    match promise {
        Promise::Card(expected) => ShelfError::WrongHash { from, expected, found },
        Promise::Pin(pin) => {
            ShelfError::NotAsPinned { model: card.name.clone(), from, found, pin: Box::new(pin) }
        }
    }
}
