//! The settings on disk: read with a limit, replaced as a whole, readable by their owner only, shared by all instances
//! and programs of this user. Blocking.

use super::Settings;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

/// A longer file is none of ours.
const FILE_BYTES_MAX: u64 = 64 << 10;

/// Tells one content of a file from another without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp(Option<(SystemTime, u64)>);

impl Stamp {
    /// Of no file.
    pub(crate) fn none() -> Self {
        Self(None)
    }

    /// Of the file as it is now; all absent files are alike.
    pub(crate) fn of(path: &Path) -> Self {
        let found = fs::metadata(path).ok().filter(fs::Metadata::is_file);
        Self(found.and_then(|found| Some((found.modified().ok()?, found.len()))))
    }
}

/// Instances of this process change the file one after the other.
static CHANGING: Mutex<()> = Mutex::new(());

/// Where the settings are.
#[derive(Clone, Debug)]
pub(crate) struct SettingsFile(pub(crate) PathBuf);

impl SettingsFile {
    /// What is in it; the usual where there is none.
    ///
    /// # Errors
    /// Where it is there and cannot be read.
    pub(crate) fn load(&self) -> io::Result<Settings> {
        match load_limited(&self.0, FILE_BYTES_MAX) {
            Ok(text) => Ok(Settings::parse(&text)),
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(Settings::default()),
            Err(cause) if cause.kind() == io::ErrorKind::InvalidData => {
                Ok(Settings { is_damaged: true, ..Settings::default() })
            }
            Err(cause) => Err(cause),
        }
    }

    /// Changes what is in it now, and gives the whole back. A damaged file is kept beside it.
    ///
    /// # Errors
    /// Where it cannot be written; then it is as it was.
    pub(crate) fn change(&self, change: impl FnOnce(&mut Settings)) -> io::Result<Settings> {
        let _one_at_a_time = CHANGING.lock().unwrap_or_else(PoisonError::into_inner);
        let mut settings = self.load()?;
        let before = settings.clone();
        change(&mut settings);
        if settings == before {
            return Ok(settings);
        }
        if settings.is_damaged {
            let _ = fs::rename(&self.0, self.0.with_extension("toml.damaged"));
            settings.is_damaged = false;
        }
        self.replace(&settings.as_toml())?;
        Ok(settings)
    }

    /// The temporary file is its owner's alone from the first byte, since there is a key in it.
    fn replace(&self, text: &str) -> io::Result<()> {
        let folder = self.0.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder)?;
        let mut draft = tempfile::Builder::new().prefix(".plugin-").suffix(".toml").tempfile_in(folder)?;
        draft.write_all(text.as_bytes())?;
        draft.as_file().sync_all()?;
        draft.persist(&self.0).map_err(|error| error.error)?;
        Ok(())
    }
}

/// A small text file.
///
/// # Errors
/// `InvalidData` where it is no file, too long or no text.
pub(crate) fn load_limited(path: &Path, bytes_max: u64) -> io::Result<String> {
    let no_text = || io::Error::from(io::ErrorKind::InvalidData);
    // Asked before opening: opening a pipe that lies in a file's place would wait for ever.
    let found = fs::metadata(path)?;
    if !found.is_file() || found.len() > bytes_max {
        return Err(no_text());
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(bytes_max).read_to_end(&mut bytes)?;
    String::from_utf8(bytes).map_err(|_| no_text())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place() -> (tempfile::TempDir, SettingsFile) {
        let folder = tempfile::tempdir().unwrap();
        let file = SettingsFile(folder.path().join("config/tributary/plugin.toml"));
        (folder, file)
    }

    #[test]
    fn a_change_makes_the_file_and_its_folders_and_is_its_owners_alone() {
        let (_folder, file) = place();
        assert_eq!(file.load().unwrap(), Settings::default());
        let before = Stamp::of(&file.0);
        let changed =
            file.change(|settings| settings.use_server("https://h").key = Some("tk".into())).unwrap();
        assert_eq!(file.load().unwrap(), changed);
        assert_ne!(Stamp::of(&file.0), before);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(&file.0).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn a_change_that_changes_nothing_leaves_the_file_alone() {
        let (_folder, file) = place();
        file.change(|_| {}).unwrap();
        assert!(!file.0.exists());
    }

    #[test]
    fn a_damaged_file_is_kept_beside_the_new_one() {
        let (_folder, file) = place();
        fs::create_dir_all(file.0.parent().unwrap()).unwrap();
        for content in [&b"no toml"[..], &[0xFF; 9], &[b'#'; FILE_BYTES_MAX as usize + 1]] {
            fs::write(&file.0, content).unwrap();
            assert!(file.load().unwrap().is_damaged);
            let changed = file.change(|settings| settings.server = Some("https://h".into())).unwrap();
            assert!(!changed.is_damaged);
            assert_eq!(file.load().unwrap(), changed);
            assert_eq!(fs::read(file.0.with_extension("toml.damaged")).unwrap(), content);
        }
    }

    #[test]
    fn a_folder_in_its_place_is_an_error_and_no_panic() {
        let (_folder, file) = place();
        fs::create_dir_all(&file.0).unwrap();
        assert!(file.load().unwrap().is_damaged);
        fs::write(file.0.join("full"), "x").unwrap();
        assert!(file.change(|settings| settings.window.zoom = 3.0).is_ok() || file.0.is_dir());
    }

    #[test]
    fn ten_instances_that_change_it_at_once_lose_nothing() {
        let (_folder, file) = place();
        std::thread::scope(|scope| {
            for number in 0..10 {
                let file = &file;
                scope.spawn(move || {
                    file.change(|settings| {
                        drop(settings.use_server(&format!("https://h{number}")).key.take())
                    })
                });
            }
        });
        assert_eq!(file.load().unwrap().known.len(), 10);
    }
}
