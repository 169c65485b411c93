//! The archives of `torch.save` from PyTorch 1.6 on: a pickle and one stored entry for each storage. Never reads numbers.

use super::CheckpointError;
use super::layout::{self, Named};
use super::pickle::{self, Pickle, TensorNode, View};
use super::tensor::{Outline, Storage, Tensor};
use super::zip::{Archive, read_at};
use std::collections::HashMap;
use std::io::{Read, Seek};

const PICKLE: &str = "data.pkl";
/// "little" or "big".
const BYTE_ORDER: &str = "byteorder";
const BYTE_ORDER_BYTES_MAX: usize = 16;

/// What an archive holds.
pub(super) struct Contents {
    pub(super) tensors: Named<Tensor>,
    pub(super) layout: String,
    pub(super) pickle: Pickle,
}

/// Reads an archive's directory and its pickle.
pub(super) fn read(file: &mut (impl Read + Seek), length: u64) -> Result<Contents, CheckpointError> {
    let archive = Archive::read(file, length)?;
    let folder = folder(&archive)?;
    if archive.get(&format!("{folder}/constants.pkl")).is_some() {
        let reason = "a whole TorchScript program; save the state_dict of the model that it was made from";
        return Err(CheckpointError::Unsupported(reason.to_owned()));
    }
    if let Some(order) = content(file, &archive, &format!("{folder}/{BYTE_ORDER}"), BYTE_ORDER_BYTES_MAX)?
        && order != b"little"
    {
        let reason = "numbers in another byte order than little-endian; save it again on a usual machine";
        return Err(CheckpointError::Unsupported(reason.to_owned()));
    }
    let bytes = content(file, &archive, &format!("{folder}/{PICKLE}"), pickle::PICKLE_BYTES_MAX)?;
    let pickle = pickle::read(bytes.unwrap_or_default())?;
    let (outlines, layout) = layout::of_pickle(pickle.root())?;
    let mut storages = Storages { file, archive: &archive, folder: &folder, found: HashMap::new() };
    let mut tensors = Named::new();
    for (name, outline) in outlines {
        let tensor = storages.tensor(&name, outline, pickle.root())?;
        tensors.insert(name, tensor);
    }
    Ok(Contents { tensors, layout, pickle })
}

/// The folder that everything is in; its name is free.
fn folder(archive: &Archive) -> Result<String, CheckpointError> {
    let folder_of = |name: &str| {
        let (folder, file) = name.split_once('/')?;
        (file == PICKLE).then(|| folder.to_owned())
    };
    let mut folders = archive.names().filter_map(folder_of);
    match (folders.next(), folders.next()) {
        (Some(folder), None) => Ok(folder),
        (None, _) => Err(CheckpointError::NotACheckpoint(format!("a zip archive without {PICKLE}"))),
        (Some(_), Some(_)) => {
            Err(CheckpointError::damaged(format!("its archive has {PICKLE} more than once")))
        }
    }
}

/// All bytes of an entry that is small.
fn content(
    file: &mut (impl Read + Seek),
    archive: &Archive,
    name: &str,
    bytes_max: usize,
) -> Result<Option<Vec<u8>>, CheckpointError> {
    let Some(entry) = archive.get(name) else { return Ok(None) };
    let at = archive.content_at(file, entry)?;
    // It lies inside the file, so a length that is too large is no lie.
    let bytes = usize::try_from(entry.bytes).unwrap_or(usize::MAX);
    CheckpointError::at_most("bytes of pickle", bytes, bytes_max)?;
    let mut content = vec![0; bytes];
    read_at(file, at, &mut content)?;
    Ok(Some(content))
}

struct Storages<'a, R> {
    file: &'a mut R,
    archive: &'a Archive,
    folder: &'a str,
    /// Tensors may share one; each is looked for once.
    found: HashMap<String, (u64, u64)>,
}

impl<R: Read + Seek> Storages<'_, R> {
    fn tensor(
        &mut self,
        name: &str,
        outline: TensorNode,
        pickle: View<'_>,
    ) -> Result<Tensor, CheckpointError> {
        let wrong = |reason: String| CheckpointError::Tensor { name: name.to_owned(), reason };
        let storage = pickle.storage(outline.storage);
        let key = pickle.words(storage.key);
        let (at, bytes) = match self.found.get(key) {
            Some(found) => *found,
            None => {
                let entry = self.archive.get(&format!("{}/data/{key}", self.folder));
                let entry = entry.ok_or_else(|| wrong("its numbers are not in the file".to_owned()))?;
                let found = (self.archive.content_at(self.file, entry)?, entry.bytes);
                self.found.insert(key.to_owned(), found);
                found
            }
        };
        let expected = storage.elements.checked_mul(storage.dtype.bytes() as u64);
        if expected != Some(bytes) {
            let (elements, kind) = (storage.elements, storage.dtype.name());
            return Err(wrong(format!(
                "its storage should be {elements} {kind} numbers and has {bytes} bytes"
            )));
        }
        let elements = usize::try_from(storage.elements).unwrap_or(usize::MAX);
        let counts = |id| pickle.at(id).items().into_iter().flatten().filter_map(View::count).collect();
        let (shape, strides) = (counts(outline.shape), counts(outline.strides));
        let outline = Outline { offset: outline.offset, shape, strides: Some(strides) };
        Tensor::new(Storage { dtype: storage.dtype, at, elements }, outline).map_err(wrong)
    }
}
