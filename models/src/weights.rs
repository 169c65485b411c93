//! A model's files: in the program or in a folder, and used only if their hash is the card's or, where the card has none,
//! the one that was pinned when the file first came. Never downloads.

mod contract;
pub(crate) mod onnx_file;
mod pins;

pub use pins::{Pin, Pins};

use crate::ModelError;
use crate::catalog::card::{Card, CardFile};
use crate::catalog::facts::Graph;
use crate::session::Onnx;
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use std::fmt::Write;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Where the files of one model are; their names and hashes are the card's. Cheap to share.
#[derive(Clone, Debug)]
pub struct Files {
    model: String,
    files: Vec<CardFile>,
    graphs: Vec<Graph>,
    place: Place,
    half: bool,
}

#[derive(Clone, Debug)]
enum Place {
    Program(&'static [(&'static str, &'static [u8])]),
    Folder(PathBuf),
}

/// A file of a model that was found to be what was promised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stored {
    /// Its bytes: small, or part of the program.
    Bytes(Cow<'static, [u8]>),
    /// Its place, where it is too large to be held in memory beside what an engine makes of it, or has weights beside it.
    File(PathBuf),
}

impl Stored {
    /// As a session takes it.
    #[must_use]
    pub fn onnx(&self) -> Onnx<'_> {
        match self {
            Self::Bytes(bytes) => Onnx::Bytes(bytes),
            Self::File(path) => Onnx::File(path),
        }
    }
}

/// A graph larger than this is not read into memory but loaded by the engine from where it lies.
const IN_MEMORY_BYTES_MAX: u64 = 64 << 20;
/// So much of a file is hashed at once.
const BLOCK_BYTES: usize = 1 << 16;
/// What a file of weights is called after its graph's name.
const BESIDE: &str = ".data";

/// Where a graph's weights lie when they are too many for one file with it.
#[must_use]
pub fn beside(graph: &Path) -> PathBuf {
    let mut name = graph.as_os_str().to_owned();
    name.push(BESIDE);
    PathBuf::from(name)
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
        Self::of(card, Place::Program(files))
    }

    /// Files in a folder of models, which has one folder a card.
    #[must_use]
    pub fn in_folder(card: &Card, models: &Path) -> Self {
        Self::of(card, Place::Folder(models.join(&card.name)))
    }

    fn of(card: &Card, place: Place) -> Self {
        let (files, graphs) = (card.files.clone(), card.graphs.clone());
        Self { model: card.name.clone(), files, graphs, place, half: false }
    }

    /// The same, reading the variant in half precision of a file that has one here.
    #[must_use]
    pub fn in_half(mut self, half: bool) -> Self {
        self.half = half;
        self
    }

    /// Whether all of them are there, and it is known what they must be; their hashes are checked when they are read.
    /// Variants in half precision, and weights beside a graph that has none, need not be there.
    #[must_use]
    pub fn are_there(&self) -> bool {
        self.files.iter().filter(|file| !file.is_optional()).all(|file| self.is_there(file))
    }

    fn is_there(&self, file: &CardFile) -> bool {
        match &self.place {
            Place::Program(files) => files.iter().any(|(name, _)| *name == file.file),
            Place::Folder(folder) => folder.join(&file.file).is_file() && self.is_promised(file),
        }
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
    /// is another file, [`ModelError::Graph`] where it holds another graph than the card describes.
    pub fn read(&self, name: &str) -> Result<Cow<'static, [u8]>, ModelError> {
        let file = self.chosen(name)?;
        let bytes: Cow<'static, [u8]> = match &self.place {
            Place::Program(files) => {
                let found = files.iter().find(|(known, _)| *known == file.file);
                let missing = || self.missing(name, "it is not part of this program".to_owned());
                found.ok_or_else(missing)?.1.into()
            }
            Place::Folder(folder) => {
                let read = std::fs::read(folder.join(&file.file));
                read.map_err(|cause| self.missing(name, cause.to_string()))?.into()
            }
        };
        self.compare(file, &sha256_hex(&bytes))?;
        if let Some(graph) = self.graphs.iter().find(|graph| graph.file == name) {
            self.check(&bytes, graph, "card")?;
        }
        Ok(bytes)
    }

    /// A graph as [`Files::read`] gives it, or its place where it is large or has its weights beside it. What lies there is
    /// hashed piece by piece, the weights beside it, too; contracts of cards are not looked at.
    ///
    /// # Errors
    /// As [`Files::read`].
    pub fn graph(&self, name: &str) -> Result<Stored, ModelError> {
        let file = self.chosen(name)?;
        let Place::Folder(folder) = &self.place else { return Ok(Stored::Bytes(self.read(name)?)) };
        let place = folder.join(&file.file);
        let weights = self.files.iter().find(|other| other.weights_of.as_ref() == Some(&file.file));
        let weights = weights.filter(|weights| self.is_promised(weights));
        let bytes = place.metadata().map_err(|cause| self.missing(name, cause.to_string()))?.len();
        if weights.is_none() && bytes <= IN_MEMORY_BYTES_MAX {
            return Ok(Stored::Bytes(self.read(name)?));
        }
        for file in std::iter::once(file).chain(weights) {
            let found = sha256_of_file(&folder.join(&file.file));
            self.compare(file, &found.map_err(|cause| self.missing(&file.file, cause.to_string()))?)?;
        }
        Ok(Stored::File(place))
    }

    /// The card's entry for a name, or that of its variant in half precision.
    fn chosen(&self, name: &str) -> Result<&CardFile, ModelError> {
        let in_half = |file: &&CardFile| file.half_of.as_deref() == Some(name) && self.is_there(file);
        let half = self.files.iter().find(|file| self.half && in_half(file));
        let file = half.or_else(|| self.files.iter().find(|file| file.file == name));
        file.ok_or_else(|| self.missing(name, "the card does not list it".to_owned()))
    }

    fn is_promised(&self, file: &CardFile) -> bool {
        self.promise(file).is_ok_and(|promise| promise.is_some())
    }

    fn missing(&self, file: &str, reason: String) -> ModelError {
        ModelError::NoWeights { model: self.model.clone(), file: file.to_owned(), reason }
    }

    /// Whether a graph of the model is what `says`, the card or the recipe, describes.
    ///
    /// # Errors
    /// [`ModelError::Graph`] where not.
    pub(crate) fn check(&self, onnx: &[u8], graph: &Graph, says: &'static str) -> Result<(), ModelError> {
        contract::check(onnx, graph, says).map_err(|reason| ModelError::Graph {
            model: self.model.clone(),
            file: graph.file.clone(),
            says,
            reason,
        })
    }

    fn compare(&self, file: &CardFile, found: &str) -> Result<(), ModelError> {
        let missing = |reason| self.missing(&file.file, reason);
        let promise = self.promise(file).map_err(|cause| missing(format!("{}: {cause}", Pins::FILE)))?;
        let promise = promise.ok_or_else(|| {
            missing("no checksum is published for it, and what lies there was not pinned".to_owned())
        })?;
        if found == promise.sha256() {
            return Ok(());
        }
        Err(ModelError::Weights {
            model: self.model.clone(),
            file: file.file.clone(),
            says: if matches!(promise, Promise::Pin(_)) { "pin" } else { "card" },
            expected: promise.sha256().to_owned(),
            found: found.to_owned(),
        })
    }
}

/// SHA-256 of a file of any size, 64 lower-case hex digits.
///
/// # Errors
/// Where it cannot be read.
pub fn sha256_of_file(path: &Path) -> io::Result<String> {
    let mut file = std::fs::File::open(path)?;
    let (mut hash, mut block) = (Sha256::new(), vec![0; BLOCK_BYTES]);
    loop {
        match file.read(&mut block)? {
            0 => return Ok(hex(&hash.finalize())),
            read => hash.update(&block[..read]),
        }
    }
}

/// SHA-256 as 64 lower-case hex digits.
#[must_use]
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn hex(hash: &[u8]) -> String {
    hash.iter().fold(String::with_capacity(64), |mut hex, byte| {
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
    fn the_half_precision_variant_is_read_where_it_is_wanted_and_there() {
        let card = include_str!("../catalog/mini.toml");
        let full = include_bytes!("../weights/mini.onnx");
        // The same graph with a few words about it.
        let halved = [&full[..], b"\x32\x04half"].concat();
        let half = format!(
            "[[files]]\nfile = \"mini.half.onnx\"\nhalf_of = \"mini.onnx\"\nsha256 = \"{}\"\n\n[[graphs]]",
            sha256_hex(&halved)
        );
        let card = Card::parse(&card.replacen("[[graphs]]", &half, 1)).unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("mini")).unwrap();
        std::fs::write(folder.path().join("mini/mini.onnx"), full).unwrap();
        let files = Files::in_folder(&card, folder.path());
        assert!(files.are_there(), "the variant may be missing");
        assert_eq!(*files.clone().in_half(true).read("mini.onnx").unwrap(), full[..], "and is not missed");
        std::fs::write(folder.path().join("mini/mini.half.onnx"), &halved).unwrap();
        assert_eq!(*files.clone().in_half(true).read("mini.onnx").unwrap(), halved[..]);
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
