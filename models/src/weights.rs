//! A model's files: in the program or in a folder, and used only if their hash is the card's or, where the card has none,
//! the one that was pinned when the file first came. Never downloads.

mod pins;

pub use pins::{Pin, Pins};

use crate::ModelError;
use crate::catalog::card::{Card, CardFile};
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use std::fmt::Write;
use std::io;
use std::path::{Path, PathBuf};

/// Where the files of one model are; their names and hashes are the card's. Cheap to share.
#[derive(Clone, Debug)]
pub struct Files {
    model: String,
    files: Vec<CardFile>,
    place: Place,
}

#[derive(Clone, Debug)]
enum Place {
    Program(&'static [(&'static str, &'static [u8])]),
    Folder(PathBuf),
}

/// What a file must be to be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Promise {
    /// The card has this SHA-256; it goes before any pin.
    Card(String),
    /// The card has none: this came first.
    Pin(Pin),
}

impl Promise {
    /// The SHA-256.
    #[must_use]
    pub fn sha256(&self) -> &str {
        match self {
            Self::Card(sha256) => sha256,
            Self::Pin(pin) => &pin.sha256,
        }
    }
}

impl Files {
    /// Files that are part of the program: name and bytes.
    #[must_use]
    pub fn embedded(card: &Card, files: &'static [(&'static str, &'static [u8])]) -> Self {
        Self { model: card.name.clone(), files: card.files.clone(), place: Place::Program(files) }
    }

    /// Files in a folder of models, which has one folder a card.
    #[must_use]
    pub fn in_folder(card: &Card, models: &Path) -> Self {
        let place = Place::Folder(models.join(&card.name));
        Self { model: card.name.clone(), files: card.files.clone(), place }
    }

    /// Whether all of them are there, and it is known what they must be; their hashes are checked when they are read.
    #[must_use]
    pub fn are_there(&self) -> bool {
        self.files.iter().all(|file| match &self.place {
            Place::Program(files) => files.iter().any(|(name, _)| *name == file.file),
            Place::Folder(folder) => {
                folder.join(&file.file).is_file() && self.promise(file).is_ok_and(|promise| promise.is_some())
            }
        })
    }

    /// What a file must be: as the card says, else as it was pinned; none where it has never come.
    ///
    /// # Errors
    /// Where the pins cannot be read.
    pub fn promise(&self, file: &CardFile) -> io::Result<Option<Promise>> {
        match (&file.sha256, &self.place) {
            (Some(sha256), _) => Ok(Some(Promise::Card(sha256.clone()))),
            (None, Place::Folder(folder)) => {
                Ok(Pins::read(folder)?.of(&file.file).cloned().map(Promise::Pin))
            }
            (None, Place::Program(_)) => Ok(None),
        }
    }

    /// Names the weights: the hash of the first file, the card's or the pinned one. Of plain signal processing, and of
    /// files that have not come yet, it is the program's version.
    #[must_use]
    pub fn version(&self) -> String {
        let promise = self.files.first().and_then(|file| self.promise(file).ok().flatten());
        promise
            .map_or(concat!("v", env!("CARGO_PKG_VERSION")).to_owned(), |promise| promise.sha256().to_owned())
    }

    /// The bytes of one, as card or pin promise them.
    ///
    /// # Errors
    /// [`ModelError::NoWeights`] where it is not there or nobody knows what it must be, [`ModelError::Weights`] where it
    /// is another file.
    pub fn read(&self, name: &str) -> Result<Cow<'static, [u8]>, ModelError> {
        let missing = |reason: String| ModelError::NoWeights {
            model: self.model.clone(),
            file: name.to_owned(),
            reason,
        };
        let file = self.files.iter().find(|file| file.file == name);
        let file = file.ok_or_else(|| missing("the card does not list it".to_owned()))?;
        let bytes: Cow<'static, [u8]> = match &self.place {
            Place::Program(files) => {
                let found = files.iter().find(|(known, _)| *known == name);
                found.ok_or_else(|| missing("it is not part of this program".to_owned()))?.1.into()
            }
            Place::Folder(folder) => {
                std::fs::read(folder.join(name)).map_err(|cause| missing(cause.to_string()))?.into()
            }
        };
        let promise = self.promise(file).map_err(|cause| missing(format!("{}: {cause}", Pins::FILE)))?;
        let promise = promise.ok_or_else(|| {
            missing("no checksum is published for it, and what lies there was not pinned".to_owned())
        })?;
        let found = sha256_hex(&bytes);
        if found != promise.sha256() {
            let says = if matches!(promise, Promise::Pin(_)) { "pin" } else { "card" };
            let expected = promise.sha256().to_owned();
            return Err(ModelError::Weights { model: self.model.clone(), says, expected, found });
        }
        Ok(bytes)
    }
}

/// SHA-256 as 64 lower-case hex digits.
#[must_use]
pub fn sha256_hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::with_capacity(64), |mut hex, byte| {
        write!(hex, "{byte:02x}").expect("a string takes any number of letters");
        hex
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Catalog;

    #[test]
    fn the_hash_is_the_standard_one() {
        // FIPS 180-4, the example for "abc".
        let hex = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(sha256_hex(b"abc"), hex);
    }

    const CARD: &str = "name = \"new\"\ntitle = \"New\"\ndescription = \"For tests.\"\ntask = \"master\"\n\
        architecture = \"none\"\ngrade = \"preview\"\nprice_class = \"small\"\npublisher = \"Somebody\"\n\
        licence = \"MIT\"\ncommercial_use = \"yes\"\n[[files]]\nfile = \"net.onnx\"\n";

    #[test]
    fn a_file_whose_card_has_no_checksum_is_used_as_it_was_pinned_and_not_otherwise() {
        let (models, card) = (tempfile::tempdir().unwrap(), Card::parse(CARD).unwrap());
        let folder = models.path().join("new");
        std::fs::create_dir(&folder).unwrap();
        std::fs::write(folder.join("net.onnx"), b"abc").unwrap();
        let files = Files::in_folder(&card, models.path());
        assert!(!files.are_there());
        let error = files.read("net.onnx").unwrap_err().to_string();
        assert!(error.contains("not pinned") && error.contains("tributary models pull new"), "{error}");
        assert!(files.version().starts_with('v'), "{}", files.version());

        let [source, date] = ["https://example.org/net.onnx", "2026-11-27"].map(str::to_owned);
        let pin = Pin { file: "net.onnx".to_owned(), sha256: sha256_hex(b"abc"), bytes: 3, source, date };
        let mut pins = Pins::default();
        pins.set(pin.clone());
        pins.set(pin);
        std::fs::write(folder.join(Pins::FILE), pins.to_text()).unwrap();
        assert_eq!(Pins::read(&folder).unwrap(), pins);
        assert!(files.are_there());
        assert_eq!(files.read("net.onnx").unwrap(), &b"abc"[..]);
        assert_eq!(files.version(), sha256_hex(b"abc"));

        std::fs::write(folder.join("net.onnx"), b"abd").unwrap();
        let error = files.read("net.onnx").unwrap_err();
        assert!(matches!(error, ModelError::Weights { says: "pin", .. }), "{error}");

        // The publisher's word goes before what came first.
        let later = Card::parse(&format!("{CARD}sha256 = \"{}\"\n", sha256_hex(b"abd"))).unwrap();
        assert_eq!(Files::in_folder(&later, models.path()).read("net.onnx").unwrap(), &b"abd"[..]);

        std::fs::write(folder.join(Pins::FILE), "pins = 7").unwrap();
        assert!(!files.are_there());
        let error = files.read("net.onnx").unwrap_err().to_string();
        assert!(error.contains(Pins::FILE), "{error}");
    }

    #[test]
    fn a_flipped_byte_and_a_missing_file_are_refused() {
        let catalog = Catalog::embedded().unwrap();
        let card = catalog.get("mini").unwrap();
        let files = Files::embedded(card, &[("mini.onnx", b"other bytes")]);
        assert!(files.are_there());
        assert!(matches!(files.read("mini.onnx"), Err(ModelError::Weights { .. })));
        assert!(matches!(files.read("maxi.onnx"), Err(ModelError::NoWeights { .. })));
        let nowhere = Files::in_folder(card, Path::new("no/such/folder"));
        assert!(!nowhere.are_there());
        let error = nowhere.read("mini.onnx").unwrap_err().to_string();
        assert!(error.contains("tributary models pull mini"), "{error}");
    }
}
