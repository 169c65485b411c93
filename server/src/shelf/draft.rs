//! Files of a model while they are made: in a folder of their own, where nothing is ever loaded from, until all of them are
//! whole. Then they are pinned and get their places; whatever ends that in between leaves a model that is not used.

use super::{Shelf, ShelfError, pin, unlink};
use sha2::{Digest, Sha256};
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use tributary_models::catalog::{Card, OWN_CARD};
use tributary_models::convert::{ConvertError, Separator, Target};
use tributary_models::weights::{Pin, Pins, beside};

/// The folder's name in its model's.
pub(super) const FOLDER: &str = ".draft";

/// The folder; it goes when nobody needs it any more.
pub(super) struct Draft {
    folder: PathBuf,
    /// Name, hash and size of what is whole.
    made: Vec<(String, String, u64)>,
}

impl Draft {
    /// An empty one in a model's folder, in the place of what an earlier one left.
    pub(super) fn new(model: &Path) -> Result<Self, ShelfError> {
        let folder = model.join(FOLDER);
        clear(&folder)?;
        fs::create_dir_all(&folder).map_err(|cause| ShelfError::io("make", &folder, cause))?;
        Ok(Self { folder, made: Vec::new() })
    }

    /// Where a file is while it is a draft.
    pub(super) fn place(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Writes a graph, and beside it weights that are too many for one file. `told` hears how many of how many numbers were
    /// read.
    pub(super) fn graph(
        &mut self,
        name: &str,
        separator: &Separator<File>,
        (target, metadata): (Target, &[(&str, &str)]),
        told: &mut dyn FnMut(u64, u64),
    ) -> Result<(), ConvertError> {
        let place = self.place(name);
        let weights = beside(Path::new(name)).display().to_string();
        let mut out = Hashed::create(&place)?;
        let mut apart = None;
        let (slot, apart_place) = (&mut apart, beside(&place));
        separator.write(
            target,
            metadata,
            &weights,
            &mut out,
            move || Ok(slot.insert(Hashed::create(&apart_place)?)),
            told,
        )?;
        self.made.push(out.finish(name)?);
        if let Some(apart) = apart {
            self.made.push(apart.finish(&weights)?);
        }
        Ok(())
    }

    /// Writes a small file.
    pub(super) fn text(&mut self, name: &str, text: &str) -> io::Result<()> {
        let mut out = Hashed::create(&self.place(name))?;
        out.write_all(text.as_bytes())?;
        self.made.push(out.finish(name)?);
        Ok(())
    }

    /// Pins what was made, beside `more`, and gives it its places. Answers names and sizes.
    pub(super) fn settle(
        mut self,
        shelf: &Shelf,
        card: &Card,
        more: Vec<Pin>,
        (source, date): (&str, &str),
    ) -> Result<Vec<(String, u64)>, ShelfError> {
        let folder = shelf.folder().join(&card.name);
        let place = folder.join(Pins::FILE);
        let old = Pins::read(&folder).map_err(|cause| ShelfError::io("read", &place, cause))?;
        let mut pins = Pins::default();
        for pin in old.all().iter().filter(|pin| card.files.iter().all(|file| file.file != pin.file)) {
            pins.set(pin.clone());
        }
        let made = std::mem::take(&mut self.made);
        for (file, sha256, bytes) in made.iter().filter(|(file, ..)| file != OWN_CARD) {
            let [source, date] = [source, date].map(str::to_owned);
            pins.set(Pin { file: file.clone(), sha256: sha256.clone(), bytes: *bytes, source, date });
        }
        more.into_iter().for_each(|pin| pins.set(pin));
        // Pins come first: files that are not theirs are not used, whenever this ends.
        pin::write(&place, &pins.to_text()).map_err(|cause| ShelfError::io("write", &place, cause))?;
        for file in card.files.iter().filter(|file| made.iter().all(|(name, ..)| *name != file.file)) {
            unlink(&folder.join(&file.file))?;
        }
        for (name, ..) in &made {
            let to = folder.join(name);
            fs::rename(self.place(name), &to).map_err(|cause| ShelfError::io("write", &to, cause))?;
        }
        Ok(made.into_iter().map(|(name, _, bytes)| (name, bytes)).collect())
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // What cannot be removed is overwritten by the next one.
        let _ = clear(&self.folder);
    }
}

/// Takes a folder of drafts away.
pub(super) fn clear(folder: &Path) -> Result<(), ShelfError> {
    match fs::remove_dir_all(folder) {
        Err(cause) if cause.kind() != io::ErrorKind::NotFound => Err(ShelfError::io("remove", folder, cause)),
        _ => Ok(()),
    }
}

/// A file whose hash is known when it is whole.
struct Hashed {
    file: BufWriter<File>,
    hash: Sha256,
    bytes: u64,
}

impl Hashed {
    fn create(place: &Path) -> io::Result<Self> {
        Ok(Self { file: BufWriter::new(File::create(place)?), hash: Sha256::new(), bytes: 0 })
    }

    /// Name, hash and size, once the file is on the disk.
    fn finish(self, name: &str) -> io::Result<(String, String, u64)> {
        self.file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
        let hash = self.hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        Ok((name.to_owned(), hash, self.bytes))
    }
}

impl Write for Hashed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.hash.update(&bytes[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
