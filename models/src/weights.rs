//! A model's files: in the program or in a folder, and used only if their hash is the card's. Never downloads.

use crate::ModelError;
use crate::catalog::card::{Card, CardFile};
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// Where the files of one model are; their names and hashes are the card's. Cheap to share.
#[derive(Clone, Debug)]
pub struct Files {
    model: String,
    files: Vec<CardFile>,
    place: Place,
    half: bool,
}

#[derive(Clone, Debug)]
enum Place {
    Program(&'static [(&'static str, &'static [u8])]),
    Folder(PathBuf),
}

impl Files {
    /// Files that are part of the program: name and bytes.
    #[must_use]
    pub fn embedded(card: &Card, files: &'static [(&'static str, &'static [u8])]) -> Self {
        Self {
            model: card.name.clone(),
            files: card.files.clone(),
            place: Place::Program(files),
            half: false,
        }
    }

    /// Files in a folder of models, which has one folder a card.
    #[must_use]
    pub fn in_folder(card: &Card, models: &Path) -> Self {
        let place = Place::Folder(models.join(&card.name));
        Self { model: card.name.clone(), files: card.files.clone(), place, half: false }
    }

    /// The same, reading the variant in half precision of a file that has one here.
    #[must_use]
    pub fn in_half(mut self, half: bool) -> Self {
        self.half = half;
        self
    }

    /// Whether all of them are there; their hashes are checked when they are read. Variants in half precision need not
    /// be there.
    #[must_use]
    pub fn are_there(&self) -> bool {
        self.files.iter().filter(|file| file.half_of.is_none()).all(|file| self.is_there(file))
    }

    fn is_there(&self, file: &CardFile) -> bool {
        match &self.place {
            Place::Program(files) => files.iter().any(|(name, _)| *name == file.file),
            Place::Folder(folder) => folder.join(&file.file).is_file(),
        }
    }

    /// The bytes of one, as the card promises them.
    ///
    /// # Errors
    /// [`ModelError::NoWeights`] where it is not there, [`ModelError::Weights`] where it is another file.
    pub fn read(&self, name: &str) -> Result<Cow<'static, [u8]>, ModelError> {
        let asked = name;
        let missing = |reason: String| ModelError::NoWeights {
            model: self.model.clone(),
            file: asked.to_owned(),
            reason,
        };
        let in_half = |file: &&CardFile| file.half_of.as_deref() == Some(name) && self.is_there(file);
        let half = self.files.iter().find(|file| self.half && in_half(file));
        let file = half.or_else(|| self.files.iter().find(|file| file.file == name));
        let file = file.ok_or_else(|| missing("the card does not list it".to_owned()))?;
        let name = file.file.as_str();
        let bytes: Cow<'static, [u8]> = match &self.place {
            Place::Program(files) => {
                let found = files.iter().find(|(known, _)| *known == name);
                found.ok_or_else(|| missing("it is not part of this program".to_owned()))?.1.into()
            }
            Place::Folder(folder) => {
                std::fs::read(folder.join(name)).map_err(|cause| missing(cause.to_string()))?.into()
            }
        };
        let found = sha256_hex(&bytes);
        if found != file.sha256 {
            let expected = file.sha256.clone();
            return Err(ModelError::Weights { model: self.model.clone(), expected, found });
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

    #[test]
    fn the_half_precision_variant_is_read_where_it_is_wanted_and_there() {
        let card = include_str!("../catalog/mini.toml");
        let half = format!(
            "[[files]]\nfile = \"mini.half.onnx\"\nhalf_of = \"mini.onnx\"\nsha256 = \"{}\"\n\n[[graphs]]",
            sha256_hex(b"half")
        );
        let card = Card::parse(&card.replacen("[[graphs]]", &half, 1)).unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("mini")).unwrap();
        let full = include_bytes!("../weights/mini.onnx");
        std::fs::write(folder.path().join("mini/mini.onnx"), full).unwrap();
        let files = Files::in_folder(&card, folder.path());
        assert!(files.are_there(), "the variant may be missing");
        assert_eq!(*files.clone().in_half(true).read("mini.onnx").unwrap(), full[..], "and is not missed");
        std::fs::write(folder.path().join("mini/mini.half.onnx"), b"half").unwrap();
        assert_eq!(*files.clone().in_half(true).read("mini.onnx").unwrap(), b"half"[..]);
        assert_eq!(*files.read("mini.onnx").unwrap(), full[..]);
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
