//! One instance looks after a job, of all instances in all programs of this machine: a locked file says which. The
//! system opens the lock when its program is gone. Blocking.

use crate::library::{JobKey, Library};
use std::fs::{self, File};
use std::path::PathBuf;

/// The right to look after one job, for as long as this lives.
#[derive(Debug)]
pub(super) struct Claim {
    path: PathBuf,
    // Closed, and with that unlocked, when dropped.
    _lock: File,
}

impl Claim {
    /// None while another one has it, or where no file can be locked: then nobody is in anybody's way for long.
    pub(super) fn take(library: &Library, job: JobKey) -> Option<Self> {
        let folder = library.root().join("claims");
        fs::create_dir_all(&folder).ok()?;
        let path = folder.join(format!("{}.lock", job.0));
        let lock = File::options().create(true).append(true).open(&path).ok()?;
        lock.try_lock().ok()?;
        // The one before may have removed the file between our opening and locking it: then it is nobody's.
        path.exists().then_some(Self { path, _lock: lock })
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        // While it is still locked, so that nobody else's file is removed.
        let _ = fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn one_has_it_until_it_lets_go() {
        let folder = tempfile::tempdir().unwrap();
        let library = Library::open(folder.path()).unwrap();
        let job = JobKey(Uuid::now_v7());
        let claim = Claim::take(&library, job).unwrap();
        assert!(Claim::take(&library, job).is_none());
        assert!(Claim::take(&library, JobKey(Uuid::now_v7())).is_some());
        drop(claim);
        assert!(Claim::take(&library, job).is_some());
    }

    #[test]
    fn of_many_that_ask_at_once_one_gets_it() {
        let folder = tempfile::tempdir().unwrap();
        let library = Library::open(folder.path()).unwrap();
        let job = JobKey(Uuid::now_v7());
        let taken: Vec<_> = std::thread::scope(|scope| {
            let ask = || Claim::take(&library, job);
            let asking: Vec<_> = (0..8).map(|_| scope.spawn(ask)).collect();
            asking.into_iter().filter_map(|one| one.join().unwrap()).collect()
        });
        assert_eq!(taken.len(), 1);
    }
}
