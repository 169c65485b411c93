//! The directory of a zip archive as PyTorch writes it: stored entries, zip64 or not. Never unpacks and never takes
//! memory before the directory's size was compared with its limit, which is why this is no general zip reader.

use super::CheckpointError;
use std::collections::HashMap;
use std::io::{Read, Seek, SeekFrom};

/// The largest published checkpoints have some 3,000 entries; a training state has three times as many.
const ENTRIES_MAX: usize = 65_536;
/// 256 bytes an entry.
const DIRECTORY_BYTES_MAX: usize = 16 << 20;

const END_SIGNATURE: &[u8] = b"PK\x05\x06";
const END_BYTES: usize = 22;
const COMMENT_BYTES_MAX: usize = 65_535;
const LOCATOR_SIGNATURE: &[u8] = b"PK\x06\x07";
const LOCATOR_BYTES: usize = 20;
const END64_SIGNATURE: &[u8] = b"PK\x06\x06";
const END64_BYTES: usize = 56;
const ENTRY_SIGNATURE: &[u8] = b"PK\x01\x02";
const ENTRY_BYTES: usize = 46;
const LOCAL_SIGNATURE: &[u8] = b"PK\x03\x04";
const LOCAL_BYTES: usize = 30;
/// This in a field of 32 bits means that the zip64 extra has it.
const IN_ZIP64: u64 = 0xffff_ffff;
const ZIP64_EXTRA: u64 = 1;

/// What lies in an archive.
pub(super) struct Archive {
    entries: HashMap<String, Entry>,
    directory_at: u64,
}

/// One stored file.
#[derive(Clone, Copy)]
pub(super) struct Entry {
    header_at: u64,
    /// Its length.
    pub(super) bytes: u64,
    form: Form,
}

/// How an entry is kept. PyTorch stores what is read here; sources of TorchScript beside it may be compressed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Stored,
    Compressed,
    Encrypted,
}

/// Where the directory lies, as the archive's end says.
struct End {
    entries: u64,
    directory_bytes: u64,
    directory_at: u64,
}

impl Archive {
    /// Reads the directory of an archive of `length` bytes.
    pub(super) fn read(file: &mut (impl Read + Seek), length: u64) -> Result<Self, CheckpointError> {
        let end = End::find(file, length)?;
        let entries = usize::try_from(end.entries).unwrap_or(usize::MAX);
        CheckpointError::at_most("entries", entries, ENTRIES_MAX)?;
        let bytes = usize::try_from(end.directory_bytes).unwrap_or(usize::MAX);
        CheckpointError::at_most("bytes of zip directory", bytes, DIRECTORY_BYTES_MAX)?;
        if end
            .directory_at
            .checked_add(end.directory_bytes)
            .is_none_or(|directory_end| directory_end > length)
        {
            return Err(CheckpointError::damaged("its zip directory lies outside the file"));
        }
        let mut directory = vec![0; bytes];
        read_at(file, end.directory_at, &mut directory)?;
        let mut archive = Self { entries: HashMap::new(), directory_at: end.directory_at };
        let mut at = 0;
        for _ in 0..entries {
            at = archive.take(&directory, at)?;
        }
        Ok(archive)
    }

    /// Takes the entry at `at` of the directory; where the next one begins.
    fn take(&mut self, directory: &[u8], at: usize) -> Result<usize, CheckpointError> {
        let field = |offset, width| number(directory, at + offset, width);
        if slice(directory, at, 4)? != ENTRY_SIGNATURE {
            return Err(CheckpointError::damaged(
                "its zip directory has something else where an entry should be",
            ));
        }
        let (flags, method) = (field(8, 2)?, field(10, 2)?);
        let (name_bytes, extra_bytes) = (field(28, 2)? as usize, field(30, 2)? as usize);
        let comment_bytes = field(32, 2)? as usize;
        let name_at = at + ENTRY_BYTES;
        let name = std::str::from_utf8(slice(directory, name_at, name_bytes)?)
            .map_err(|_| CheckpointError::damaged("a name in its zip directory is not UTF-8"))?;
        let extra = slice(directory, name_at + name_bytes, extra_bytes)?;
        let next = name_at + name_bytes + extra_bytes + comment_bytes;
        if name.ends_with('/') {
            return Ok(next);
        }
        let outside =
            name.starts_with('/') || name.contains('\\') || name.split('/').any(|part| part == "..");
        if outside {
            return Err(CheckpointError::damaged("a name in its zip directory leads out of the archive"));
        }
        let form = match (flags & 1, method) {
            (0, 0) => Form::Stored,
            (0, _) => Form::Compressed,
            _ => Form::Encrypted,
        };
        let [bytes, packed_bytes, header_at] =
            wide_fields([field(24, 4)?, field(20, 4)?, field(42, 4)?], extra)?;
        if form == Form::Stored && bytes != packed_bytes {
            return Err(CheckpointError::damaged("a stored zip entry has two lengths"));
        }
        if self.entries.insert(name.to_owned(), Entry { header_at, bytes, form }).is_some() {
            return Err(CheckpointError::damaged("its zip directory has a name twice"));
        }
        Ok(next)
    }

    /// Names of all entries, in no order.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.keys().map(String::as_str)
    }

    /// The entry of that name.
    pub(super) fn get(&self, name: &str) -> Option<Entry> {
        self.entries.get(name).copied()
    }

    /// Where the content of an entry begins; all of it lies in the file, before the directory.
    pub(super) fn content_at(
        &self,
        file: &mut (impl Read + Seek),
        entry: Entry,
    ) -> Result<u64, CheckpointError> {
        let unsupported = match entry.form {
            Form::Stored => None,
            Form::Compressed => {
                Some("compressed zip entries, which PyTorch never writes; pack it again without compression")
            }
            Form::Encrypted => Some("encrypted zip entries; pack it again without"),
        };
        if let Some(what) = unsupported {
            return Err(CheckpointError::Unsupported(what.to_owned()));
        }
        let mut header = [0; LOCAL_BYTES];
        read_at(file, entry.header_at, &mut header)?;
        if header[..4] != *LOCAL_SIGNATURE {
            return Err(CheckpointError::damaged("a zip entry is not where the directory says"));
        }
        let skip = LOCAL_BYTES as u64 + number(&header, 26, 2)? + number(&header, 28, 2)?;
        let content_at = entry.header_at.saturating_add(skip);
        if content_at.saturating_add(entry.bytes) > self.directory_at {
            return Err(CheckpointError::damaged("a zip entry is longer than the file"));
        }
        Ok(content_at)
    }
}

impl End {
    fn find(file: &mut (impl Read + Seek), length: u64) -> Result<Self, CheckpointError> {
        let tail_bytes = length.min((END_BYTES + COMMENT_BYTES_MAX + LOCATOR_BYTES) as u64);
        let tail_at = length - tail_bytes;
        let mut tail = vec![0; tail_bytes as usize];
        read_at(file, tail_at, &mut tail)?;
        let is_end = |at: &usize| {
            tail[*at..].starts_with(END_SIGNATURE)
                && number(&tail, at + 20, 2)
                    .is_ok_and(|comment| at + END_BYTES + comment as usize == tail.len())
        };
        let Some(at) = (0..=tail.len().saturating_sub(END_BYTES)).rev().find(is_end) else {
            return Err(CheckpointError::damaged("the end of its zip archive is missing"));
        };
        let locator = at.checked_sub(LOCATOR_BYTES).filter(|at| tail[*at..].starts_with(LOCATOR_SIGNATURE));
        let Some(locator) = locator else {
            let field = |offset, width| number(&tail, at + offset, width);
            return Ok(Self {
                entries: field(10, 2)?,
                directory_bytes: field(12, 4)?,
                directory_at: field(16, 4)?,
            });
        };
        let mut end = [0; END64_BYTES];
        read_at(file, number(&tail, locator + 8, 8)?, &mut end)?;
        if end[..4] != *END64_SIGNATURE {
            return Err(CheckpointError::damaged("the zip64 end of its archive is not where it should be"));
        }
        Ok(Self {
            entries: number(&end, 32, 8)?,
            directory_bytes: number(&end, 40, 8)?,
            directory_at: number(&end, 48, 8)?,
        })
    }
}

/// Fields of 32 bits in the order of the zip64 extra, which has those that do not fit.
fn wide_fields(mut fields: [u64; 3], extra: &[u8]) -> Result<[u64; 3], CheckpointError> {
    let mut at = 0;
    while at + 4 <= extra.len() {
        let (kind, bytes) = (number(extra, at, 2)?, number(extra, at + 2, 2)? as usize);
        let content = slice(extra, at + 4, bytes)?;
        if kind == ZIP64_EXTRA {
            let mut place = 0;
            for field in fields.iter_mut().filter(|field| **field == IN_ZIP64) {
                *field = number(content, place, 8)?;
                place += 8;
            }
            break;
        }
        at += 4 + bytes;
    }
    Ok(fields)
}

/// Fills `bytes` from `at` on.
pub(super) fn read_at(
    file: &mut (impl Read + Seek),
    at: u64,
    bytes: &mut [u8],
) -> Result<(), CheckpointError> {
    file.seek(SeekFrom::Start(at)).map_err(CheckpointError::Read)?;
    file.read_exact(bytes).map_err(CheckpointError::reading)
}

fn slice(bytes: &[u8], at: usize, length: usize) -> Result<&[u8], CheckpointError> {
    let end = at.checked_add(length);
    end.and_then(|end| bytes.get(at..end))
        .ok_or_else(|| CheckpointError::damaged("its zip directory ends too soon"))
}

/// A little-endian number of at most eight bytes.
fn number(bytes: &[u8], at: usize, width: usize) -> Result<u64, CheckpointError> {
    Ok(slice(bytes, at, width)?.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_beyond_32_bits_are_those_of_the_zip64_extra() {
        // An extra of another kind first, as PyTorch's own padding is one.
        let extra = |content: &[u8]| [b"FB\x03\0zzz\x01\0", &[content.len() as u8, 0][..], content].concat();
        let two = extra(&[5u64 << 32, 7 << 32].map(u64::to_le_bytes).concat());
        assert_eq!(wide_fields([IN_ZIP64, 3, IN_ZIP64], &two).unwrap(), [5 << 32, 3, 7 << 32]);
        assert_eq!(wide_fields([1, 2, 3], &[]).unwrap(), [1, 2, 3]);
        assert!(wide_fields([IN_ZIP64; 3], &two).is_err());
        assert!(wide_fields([1, 2, 3], &two[..12]).is_err());
    }
}
