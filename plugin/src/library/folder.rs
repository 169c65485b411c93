//! The library's folders on disk: where everything lies, and what is cleared away when it is opened. Holds nothing in
//! memory, so any number of instances and programs share one library.

use super::{JobKey, JobRecord, LibraryError, TakeId, TakeInfo};
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use uuid::Uuid;

/// Names another folder than the usual one; for tests and for studios that keep takes on a disk of their own.
pub const ROOT_VARIABLE: &str = "TRIBUTARY_PLUGIN_DATA";
/// Entries of a folder that are looked at; far more takes than anyone has.
pub(super) const ENTRIES_MAX: usize = 100_000;
/// A temporary file that nobody has touched for so long belongs to a program that is gone.
const TEMPORARY_AGE_MAX: Duration = Duration::from_secs(2 * 24 * 3600);

/// Takes, jobs and stems of this user.
#[derive(Clone, Debug)]
pub struct Library {
    root: PathBuf,
}

/// A record or file that is left out because it makes no sense.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// Where.
    pub path: PathBuf,
    /// What is wrong, for people.
    pub reason: String,
}

impl Library {
    /// Where this user's library is: [`ROOT_VARIABLE`], else the system's folder for a user's data. None where the
    /// system names no such folder.
    #[must_use]
    pub fn default_root() -> Option<PathBuf> {
        root_in(&|name| std::env::var_os(name))
    }

    /// Opens the library in `root`, making it where there is none. Takes that a crashed program was recording become
    /// takes again, as long as they got; what it left half written or half deleted is cleared away.
    ///
    /// # Errors
    /// [`LibraryError::Disk`] and [`LibraryError::Full`] where the folders cannot be made.
    pub fn open(root: &Path) -> Result<Self, LibraryError> {
        let library = Self { root: root.to_owned() };
        for folder in [library.takes_folder(), library.temporary(), library.trash(), library.cache()] {
            fs::create_dir_all(&folder).map_err(LibraryError::disk("make the folder", &folder))?;
        }
        library.clear_temporary();
        for (_, entry) in entries(&library.trash()) {
            discard(&entry);
        }
        library.clear_references();
        library.recover_takes();
        Ok(library)
    }

    /// The folder all of it is in.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Bytes this user may still write. Where the system does not tell: `u64::MAX`.
    #[must_use]
    pub fn free_bytes(&self) -> u64 {
        free_bytes(&self.root)
    }

    /// What is left out of [`Library::takes`] and [`Library::jobs`], and why.
    #[must_use]
    pub fn damaged(&self) -> Vec<Damage> {
        let mut damaged = self.read_takes().1;
        damaged.extend(self.read_jobs().1);
        damaged
    }

    /// The folder of a take.
    #[must_use]
    pub fn take_folder(&self, take: TakeId) -> PathBuf {
        self.takes_folder().join(take.0.to_string())
    }

    /// The canonical bytes of a take.
    #[must_use]
    pub fn take_file(&self, take: TakeId) -> PathBuf {
        self.take_folder(take).join("take.f32")
    }

    /// The samples of a take are on this disk, all of them.
    #[must_use]
    pub fn is_present(&self, take: &TakeInfo) -> bool {
        let bytes = take.frames.checked_mul(u64::from(take.channels) * 4);
        fs::metadata(self.take_file(take.id)).is_ok_and(|found| found.is_file() && Some(found.len()) == bytes)
    }

    /// The folder of a job, with its stems.
    #[must_use]
    pub fn job_folder(&self, job: &JobRecord) -> PathBuf {
        self.job_folder_in(job.take, job.key)
    }

    pub(super) fn job_folder_in(&self, take: TakeId, job: JobKey) -> PathBuf {
        self.take_folder(take).join("jobs").join(job.0.to_string())
    }

    pub(super) fn takes_folder(&self) -> PathBuf {
        self.root.join("takes")
    }

    /// Files on their way; on the same disk as all others, so that a rename is enough.
    pub(super) fn temporary(&self) -> PathBuf {
        self.root.join("temporary")
    }

    /// What can be made again at any time.
    pub(super) fn cache(&self) -> PathBuf {
        self.root.join("cache")
    }

    fn trash(&self) -> PathBuf {
        self.root.join("trash")
    }

    /// Takes a folder out of the library at once, then deletes it: a crash in between leaves nothing half deleted.
    pub(super) fn throw_away(&self, folder: &Path, what: &str) -> Result<(), LibraryError> {
        let grave = self.trash().join(Uuid::now_v7().to_string());
        fs::rename(folder, &grave).map_err(|cause| match cause.kind() {
            std::io::ErrorKind::NotFound => LibraryError::missing(what),
            _ => LibraryError::disk("delete", folder)(cause),
        })?;
        super::record::sync_folder_of(folder)?;
        // What cannot be deleted now is when the library is opened next.
        discard(&grave);
        Ok(())
    }

    fn clear_temporary(&self) {
        let now = SystemTime::now();
        for (_, path) in entries(&self.temporary()) {
            let age = fs::symlink_metadata(&path)
                .and_then(|found| found.modified())
                .map(|changed| now.duration_since(changed).unwrap_or_default());
            if age.is_ok_and(|age| age > TEMPORARY_AGE_MAX) {
                discard(&path);
            }
        }
    }
}

/// Names and paths in a folder; none where it cannot be read.
pub(super) fn entries(folder: &Path) -> impl Iterator<Item = (String, PathBuf)> + use<> {
    let found = fs::read_dir(folder).into_iter().flatten().take(ENTRIES_MAX).flatten();
    found.filter_map(|entry| Some((entry.file_name().into_string().ok()?, entry.path())))
}

/// Folders in a folder that are named by an id as we write it.
pub(super) fn id_folders(folder: &Path) -> impl Iterator<Item = (Uuid, PathBuf)> + use<> {
    entries(folder).filter_map(|(name, path)| {
        let id = Uuid::parse_str(&name).ok().filter(|id| id.to_string() == name)?;
        path.is_dir().then_some((id, path))
    })
}

/// Deletes a file or a folder with all in it, links not followed. Best effort: who calls tries again another day.
pub(super) fn discard(path: &Path) {
    let is_folder = fs::symlink_metadata(path).is_ok_and(|found| found.is_dir());
    let _ = if is_folder { fs::remove_dir_all(path) } else { fs::remove_file(path) };
}

#[cfg(unix)]
fn free_bytes(path: &Path) -> u64 {
    rustix::fs::statvfs(path).map_or(u64::MAX, |disk| disk.f_bavail.saturating_mul(disk.f_frsize))
}

#[cfg(not(unix))]
fn free_bytes(_path: &Path) -> u64 {
    u64::MAX
}

fn root_in(variable: &dyn Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let folder = |name: &str| variable(name).map(PathBuf::from).filter(|folder| folder.is_absolute());
    if let Some(root) = folder(ROOT_VARIABLE) {
        return Some(root);
    }
    let data = if cfg!(windows) {
        folder("LOCALAPPDATA")?
    } else if cfg!(target_os = "macos") {
        folder("HOME")?.join("Library").join("Application Support")
    } else {
        folder("XDG_DATA_HOME").or_else(|| Some(folder("HOME")?.join(".local").join("share")))?
    };
    Some(data.join("tributary").join("plugin"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(all(unix, not(target_os = "macos")))]
    #[test]
    fn the_root_follows_the_variables_of_the_system_and_ours_before_them() {
        let check = |set: &[(&str, &str)], expected: Option<&str>| {
            let variable =
                |name: &str| set.iter().find(|(key, _)| *key == name).map(|(_, at)| OsString::from(at));
            assert_eq!(root_in(&variable), expected.map(PathBuf::from), "{set:?}");
        };
        check(&[], None);
        check(&[("HOME", "/users/ann")], Some("/users/ann/.local/share/tributary/plugin"));
        check(&[("HOME", "/users/ann"), ("XDG_DATA_HOME", "/data")], Some("/data/tributary/plugin"));
        // The XDG specification: a relative path is to be ignored.
        check(
            &[("HOME", "/users/ann"), ("XDG_DATA_HOME", "data")],
            Some("/users/ann/.local/share/tributary/plugin"),
        );
        check(&[("HOME", "/users/ann"), (ROOT_VARIABLE, "/studio")], Some("/studio"));
    }

    #[test]
    fn a_disk_has_a_finite_number_of_free_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let library = Library::open(folder.path()).unwrap();
        assert!(library.free_bytes() > 0);
        assert_eq!(cfg!(unix), library.free_bytes() < u64::MAX);
    }
}
