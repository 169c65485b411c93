//! A job's files under names for people: a record beside each says which of them is which, and how long it is when it is
//! whole. Makes no file itself.

use super::record::{self, check_version};
use super::{JobRecord, Library, LibraryError, TakeInfo, name};
use serde::{Deserialize, Serialize};
use sha2::Digest;
use std::fs;
use std::path::{Path, PathBuf};

/// Names tried before giving up on a folder full of the same one.
const NUMBER_MAX: usize = 1_000;

/// What a file of a job is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Piece<'a> {
    /// `stem` or `sheet`.
    pub(super) kind: &'static str,
    /// What the server calls it.
    pub(super) name: &'a str,
    /// What people call it.
    pub(super) title: &'a str,
    /// How its file's name ends, without the dot.
    pub(super) extension: &'static str,
}

/// Where a file is: written before the file gets its name, so that no file is there that nobody knows.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct PieceRecord {
    version: u32,
    /// The server's name of it; the word is the one of the first version, which knew nothing but stems.
    stem: String,
    /// The name of the file beside this record.
    pub(super) file: String,
    /// Its length; any other one is not the whole file.
    pub(super) bytes: u64,
}

impl Piece<'_> {
    /// A name for files made of a name that a server chose: letters and digits only, whatever it was.
    pub(super) fn key(&self) -> String {
        let hash = sha2::Sha256::digest(self.name.as_bytes());
        let digits: String = hash[..8].iter().map(|byte| format!("{byte:02x}")).collect();
        format!("{}-{digits}", self.kind)
    }

    /// `Verse 2 - vocals - 124bpm - bar 3`, without `.wav`.
    fn file_name(&self, take: &TakeInfo, job: &JobRecord) -> String {
        name::stem_name(&take.name, self.title, &job.clip_place())
    }
}

impl Library {
    /// The file where it is there and whole.
    pub(super) fn placed(&self, job: &JobRecord, piece: Piece<'_>) -> Option<PathBuf> {
        let record = self.piece_record(job, piece)?;
        let path = self.job_folder(job).join(record.file);
        is_whole(&path, record.bytes).then_some(path)
    }

    /// Gives a whole file the first free name, its record first.
    pub(super) fn put_piece(
        &self,
        take: &TakeInfo,
        job: &JobRecord,
        piece: Piece<'_>,
        mut made: tempfile::NamedTempFile,
        bytes: u64,
    ) -> Result<PathBuf, LibraryError> {
        let folder = self.job_folder(job);
        let wanted = piece.file_name(take, job);
        let own = self
            .piece_record(job, piece)
            .map(|record| record.file)
            .filter(|own| is_numbered(own, &wanted, piece.extension));
        for _ in 0..NUMBER_MAX {
            let file = match &own {
                Some(own) => own.clone(),
                None => free_name(&folder, &wanted, piece.extension)?,
            };
            let path = folder.join(&file);
            let record = PieceRecord { version: 1, stem: piece.name.to_owned(), file, bytes };
            self.save_piece_record(job, piece, &record)?;
            if own.is_some() {
                made.persist(&path).map_err(|error| LibraryError::disk("write", &path)(error.error))?;
                record::sync_folder(&folder)?;
                return Ok(path);
            }
            match record::put_new(&path, made)? {
                Ok(()) => return Ok(path),
                Err(taken) => made = taken,
            }
        }
        Err(LibraryError::unsuitable(format!("`{}` has no name left for `{wanted}`", folder.display())))
    }

    /// After a take got another name: its file gets its own. One that is not there is left out.
    pub(super) fn rename_piece(
        &self,
        take: &TakeInfo,
        job: &JobRecord,
        piece: Piece<'_>,
    ) -> Result<(), LibraryError> {
        let folder = self.job_folder(job);
        let Some(before) = self.piece_record(job, piece) else { return Ok(()) };
        let from = folder.join(&before.file);
        let wanted = piece.file_name(take, job);
        if !is_whole(&from, before.bytes) || is_numbered(&before.file, &wanted, piece.extension) {
            return Ok(());
        }
        let file = free_name(&folder, &wanted, piece.extension)?;
        fs::rename(&from, folder.join(&file)).map_err(LibraryError::disk("rename", &from))?;
        let record = PieceRecord { file: file.clone(), ..before };
        if let Err(error) = self.save_piece_record(job, piece, &record) {
            // A file under a name that no record knows would be lost to us.
            let _ = fs::rename(folder.join(&file), &from);
            return Err(error);
        }
        Ok(())
    }

    pub(super) fn piece_record(&self, job: &JobRecord, piece: Piece<'_>) -> Option<PieceRecord> {
        let path = self.piece_record_path(job, piece);
        let record: PieceRecord = record::load(&path, "the record of a file").ok()?;
        let is_ours = check_version(record.version, 1).is_ok()
            && record.stem == piece.name
            && name::is_plain(&record.file);
        is_ours.then_some(record)
    }

    fn save_piece_record(
        &self,
        job: &JobRecord,
        piece: Piece<'_>,
        record: &PieceRecord,
    ) -> Result<(), LibraryError> {
        record::save(&self.temporary(), &self.piece_record_path(job, piece), record)
    }

    fn piece_record_path(&self, job: &JobRecord, piece: Piece<'_>) -> PathBuf {
        self.job_folder(job).join(format!("{}.json", piece.key()))
    }
}

/// Whether a file has the wanted name or a numbered form of it.
fn is_numbered(file: &str, wanted: &str, extension: &str) -> bool {
    let bare = file.strip_suffix(extension).and_then(|file| file.strip_suffix('.'));
    let Some(rest) = bare.and_then(|file| file.strip_prefix(wanted)) else {
        return false;
    };
    let number = rest.strip_prefix(" (").and_then(|rest| rest.strip_suffix(')'));
    rest.is_empty() || number.is_some_and(|number| number.parse::<usize>().is_ok())
}

/// The first name that nothing in the folder has.
fn free_name(folder: &Path, wanted: &str, extension: &str) -> Result<String, LibraryError> {
    (1..=NUMBER_MAX)
        .map(|number| format!("{}.{extension}", name::numbered(wanted, number)))
        .find(|file| fs::symlink_metadata(folder.join(file)).is_err())
        .ok_or_else(|| LibraryError::unsuitable(format!("`{}` is full of `{wanted}`", folder.display())))
}

fn is_whole(path: &Path, bytes: u64) -> bool {
    fs::symlink_metadata(path).is_ok_and(|found| found.is_file() && found.len() == bytes)
}
