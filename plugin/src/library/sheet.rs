//! Sheets on disk: what a job made beside its stems (MIDI, scores, reports), named to be dragged. Never fetches, and knows
//! nothing of what they say.

use super::placed::Piece;
use super::{JobRecord, Library, LibraryError, NOTES_SHEET, TakeInfo, midi, name, record};
use serde::{Deserialize, Serialize};
use sha2::Digest;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use tributary_protocol::client::SheetView;
use tributary_protocol::limits::SHEET_BYTES_MAX;

/// The folder beside a job's files for what was picked of its notes.
const PICKED: &str = "picked";

/// How files may end that a server makes. Whatever else it says becomes text: nothing that a click would start.
const EXTENSIONS: [&str; 8] = ["mid", "musicxml", "csv", "json", "txt", "srt", "vtt", "xml"];

/// A [`SheetView`] as it stands in files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SheetRecord {
    /// `notes.mid`.
    pub name: String,
    /// Over its bytes.
    #[serde(with = "super::job::hex")]
    pub sha256: [u8; 32],
    /// How many.
    pub bytes: u64,
}

impl From<&SheetView> for SheetRecord {
    fn from(sheet: &SheetView) -> Self {
        Self { name: sheet.name.clone(), sha256: sheet.sha256.0, bytes: sheet.bytes }
    }
}

impl Library {
    /// Where a sheet is to be put, for [`Library::keep_sheet`]. Its folder is there as soon as the job was saved.
    #[must_use]
    pub fn sheet_part(&self, job: &JobRecord, sheet: &str) -> PathBuf {
        self.job_folder(job).join(format!("{}.sheet", piece(sheet).key()))
    }

    /// Gives a fetched sheet its name for people, and returns the file.
    ///
    /// # Errors
    /// [`LibraryError::Missing`] where nothing was fetched, [`LibraryError::Damaged`] where it is not what the job made,
    /// [`LibraryError::Full`], [`LibraryError::Disk`].
    pub fn keep_sheet(
        &self,
        take: &TakeInfo,
        job: &JobRecord,
        sheet: &SheetRecord,
    ) -> Result<PathBuf, LibraryError> {
        let part = self.sheet_part(job, &sheet.name);
        if !part.exists() {
            return Err(LibraryError::missing(format!("what was fetched of `{}`", sheet.name)));
        }
        let bytes = read(&part, SHEET_BYTES_MAX)?;
        if bytes.len() as u64 != sheet.bytes || sha2::Sha256::digest(&bytes)[..] != sheet.sha256 {
            super::folder::discard(&part);
            return Err(LibraryError::damaged(&part, "it is not what the job made"));
        }
        let piece = piece(&sheet.name);
        let before = self.piece_record(job, piece).map(|before| before.file);
        let folder = self.job_folder(job);
        let made = record::make(&self.temporary(), &part, |out| {
            out.write_all(&bytes).map_err(LibraryError::disk("write", &part))
        })?;
        let path = self.put_piece(take, job, piece, made, sheet.bytes)?;
        let stale = before.map(|before| folder.join(before)).filter(|stale| *stale != path);
        if let Some(stale) = stale {
            super::folder::discard(&stale);
        }
        super::folder::discard(&part);
        Ok(path)
    }

    /// The sheets of a job in its order, each with its file where that is there and whole.
    #[must_use]
    pub fn sheets(&self, job: &JobRecord) -> Vec<(SheetRecord, Option<PathBuf>)> {
        job.sheets.iter().map(|sheet| (sheet.clone(), self.placed(job, piece(&sheet.name)))).collect()
    }

    /// All bytes of one sheet, where there are no more than these.
    ///
    /// # Errors
    /// [`LibraryError::Missing`], [`LibraryError::Damaged`] for a longer one, [`LibraryError::Disk`].
    pub fn read_sheet(&self, job: &JobRecord, sheet: &str, bytes_max: u64) -> Result<Vec<u8>, LibraryError> {
        let file = self.placed(job, piece(sheet));
        read(&file.ok_or_else(|| LibraryError::missing(format!("`{sheet}`")))?, bytes_max)
    }

    /// Writes a MIDI file with some notes of a job's, named by how many they are, for who drags them out. The one that
    /// was written before goes.
    ///
    /// # Errors
    /// [`LibraryError::Missing`] where the notes' file is not here, [`LibraryError::Damaged`] where it is no MIDI,
    /// [`LibraryError::Full`], [`LibraryError::Disk`].
    pub fn pick_notes(
        &self,
        take: &TakeInfo,
        job: &JobRecord,
        wanted: &[midi::Wanted<'_>],
    ) -> Result<PathBuf, LibraryError> {
        let file = self.placed(job, piece(NOTES_SHEET));
        let file = file.ok_or_else(|| LibraryError::missing(format!("`{NOTES_SHEET}`")))?;
        let bytes = midi::only(&read(&file, SHEET_BYTES_MAX)?, wanted)
            .ok_or_else(|| LibraryError::damaged(&file, "it is no MIDI that counts in beats"))?;
        let folder = self.job_folder(job).join(PICKED);
        fs::create_dir_all(&folder).map_err(LibraryError::disk("make the folder", &folder))?;
        let title = if wanted.len() == 1 { "1 note".to_owned() } else { format!("{} notes", wanted.len()) };
        let path = folder.join(format!("{}.mid", name::stem_name(&take.name, &title, &job.clip_place())));
        record::replace(&self.temporary(), &path, |out| {
            out.write_all(&bytes).map_err(LibraryError::disk("write", &path))
        })?;
        let others = super::folder::entries(&folder).map(|(_, other)| other);
        others.filter(|other| *other != path).for_each(|other| super::folder::discard(&other));
        Ok(path)
    }

    /// See [`Library::rename_files`].
    pub(super) fn rename_sheets(&self, take: &TakeInfo, job: &JobRecord) -> Result<(), LibraryError> {
        job.sheets.iter().try_for_each(|sheet| self.rename_piece(take, job, piece(&sheet.name)))
    }
}

fn piece(sheet: &str) -> Piece<'_> {
    let (title, end) = sheet.rsplit_once('.').unwrap_or((sheet, ""));
    let known = EXTENSIONS.iter().find(|known| **known == end);
    Piece {
        kind: "sheet",
        name: sheet,
        title: if known.is_some() { title } else { sheet },
        extension: known.copied().unwrap_or("txt"),
    }
}

fn read(path: &Path, bytes_max: u64) -> Result<Vec<u8>, LibraryError> {
    let mut file = File::open(path).map_err(LibraryError::disk("read", path))?;
    let long = file.metadata().map_err(LibraryError::disk("read", path))?.len();
    if long > bytes_max {
        return Err(LibraryError::damaged(path, "it is too long to be read"));
    }
    let mut bytes = Vec::new();
    Read::by_ref(&mut file)
        .take(bytes_max)
        .read_to_end(&mut bytes)
        .map_err(LibraryError::disk("read", path))?;
    Ok(bytes)
}
