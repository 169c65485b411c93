//! A result as a folder of its own, wherever the user wants it. Never writes over anything.

use super::folder::discard;
use super::stem::{bext, stem_file_name, write_wav};
use super::{JobRecord, Library, LibraryError, TakeInfo, name};
use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

/// Folders of the same name in one place.
const NUMBER_MAX: usize = 1_000;
/// Bytes copied between two looks at whether to go on.
const BYTES_AT_A_TIME: usize = 1 << 20;

impl Library {
    /// Writes all stems and sheets of a job and the part of the take it was made of (where that is still on this disk) into a new
    /// folder in `to`, named by the take. `progress` gets the share that is done, 0 to 1, and answers whether to go on.
    /// Returns the folder.
    ///
    /// # Errors
    /// [`LibraryError::Missing`] where a stem is not on this disk, [`LibraryError::Stopped`] when `progress` said so,
    /// [`LibraryError::Full`], [`LibraryError::Disk`]. No folder is left then.
    pub fn export(
        &self,
        take: &TakeInfo,
        job: &JobRecord,
        to: &Path,
        progress: &mut dyn FnMut(f32) -> bool,
    ) -> Result<PathBuf, LibraryError> {
        let mut stems = Vec::new();
        for (stem, file) in self.stems(job) {
            stems.push(file.ok_or_else(|| LibraryError::missing(format!("the stem `{stem}`")))?);
        }
        for (sheet, file) in self.sheets(job) {
            stems.push(file.ok_or_else(|| LibraryError::missing(format!("`{}`", sheet.name)))?);
        }
        let folder = new_folder(to, &name::folder_name(&take.name))?;
        let outcome = self.fill(take, job, &stems, &folder, progress);
        if outcome.is_err() {
            discard(&folder);
        }
        outcome.map(|()| folder)
    }

    fn fill(
        &self,
        take: &TakeInfo,
        job: &JobRecord,
        stems: &[PathBuf],
        folder: &Path,
        progress: &mut dyn FnMut(f32) -> bool,
    ) -> Result<(), LibraryError> {
        let files = (stems.len() + 1) as f32;
        for (done, stem) in stems.iter().enumerate() {
            let file = folder.join(stem.file_name().unwrap_or_default());
            copy_file(stem, &file, &mut |share| progress((done as f32 + share) / files))?;
        }
        if self.is_present(take) {
            let file = folder.join(format!("{}.wav", stem_file_name(take, job, "original")));
            // A stem may be called `original` too.
            let file = if file.exists() { folder.join("original of the take.wav") } else { file };
            let track = self.track_of_take(take, job.range);
            let mut source = track.frames()?;
            let mut out = BufWriter::new(make(&file)?);
            write_wav(&mut source, &mut out, &bext(job, &take.name, "original"))
                .map_err(LibraryError::sound(&file))?;
            out.into_inner()
                .map_err(io::IntoInnerError::into_error)
                .and_then(|out| out.sync_all())
                .map_err(LibraryError::disk("write", &file))?;
        }
        if progress(1.0) { Ok(()) } else { Err(LibraryError::Stopped) }
    }
}

/// Makes a folder that was not there.
fn new_folder(to: &Path, wanted: &str) -> Result<PathBuf, LibraryError> {
    for number in 1..=NUMBER_MAX {
        let folder = to.join(name::numbered(wanted, number));
        match fs::create_dir(&folder) {
            Ok(()) => return Ok(folder),
            Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists => {}
            Err(cause) => return Err(LibraryError::disk("make the folder", &folder)(cause)),
        }
    }
    Err(LibraryError::unsuitable(format!("`{}` is full of `{wanted}`; choose another folder", to.display())))
}

fn make(path: &Path) -> Result<File, LibraryError> {
    File::create_new(path).map_err(LibraryError::disk("write", path))
}

fn copy_file(from: &Path, to: &Path, progress: &mut dyn FnMut(f32) -> bool) -> Result<(), LibraryError> {
    let mut source = File::open(from).map_err(LibraryError::disk("read", from))?;
    let total = source.metadata().map_err(LibraryError::disk("read", from))?.len().max(1);
    let mut out = make(to)?;
    let mut bytes = vec![0; BYTES_AT_A_TIME];
    let mut done = 0;
    loop {
        let count = match source.read(&mut bytes) {
            Ok(0) => break,
            Ok(count) => count,
            Err(cause) if cause.kind() == io::ErrorKind::Interrupted => continue,
            Err(cause) => return Err(LibraryError::disk("read", from)(cause)),
        };
        out.write_all(&bytes[..count]).map_err(LibraryError::disk("write", to))?;
        done += count as u64;
        if !progress((done as f64 / total as f64).min(1.0) as f32) {
            return Err(LibraryError::Stopped);
        }
    }
    out.sync_all().map_err(LibraryError::disk("write", to))
}
