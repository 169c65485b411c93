//! What a folder on disk promises beyond every [`Artifacts`].

use super::*;
use crate::artifacts::conformance::{self, Rig, content, hash, tenant};
use std::io::{Seek, SeekFrom};
use std::process::Command;

fn names(folder: &Path) -> Vec<String> {
    let entries =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    entries.collect()
}

#[test]
fn a_folder_keeps_the_laws_of_artifacts() {
    let folder = tempfile::tempdir().unwrap();
    let artifacts = DiskArtifacts::open(&folder.path().join("artifacts")).unwrap();
    let damage = |key: &Key| {
        let mut file = OpenOptions::new().read(true).write(true).open(artifacts.path(key)).unwrap();
        let mut byte = [0];
        file.seek(SeekFrom::Start(500_000)).unwrap();
        file.read_exact(&mut byte).unwrap();
        file.seek(SeekFrom::Start(500_000)).unwrap();
        file.write_all(&[byte[0] ^ 1]).unwrap();
    };
    conformance::run(&Rig { artifacts: &artifacts, staging: folder.path(), damage: &damage });
    assert_eq!(names(&artifacts.root.join(INCOMING)), Vec::<String>::new());
}

#[test]
fn opening_removes_what_the_dead_left_and_nothing_that_is_being_written() {
    let folder = tempfile::tempdir().unwrap();
    let artifacts = DiskArtifacts::open(folder.path()).unwrap();
    let (tenant, bytes) = (tenant(), content(1000, 6));
    let mut alive = artifacts.create(&tenant).unwrap();
    alive.write(&bytes).unwrap();
    fs::write(folder.path().join(INCOMING).join("dead"), b"half").unwrap();
    let again = DiskArtifacts::open(folder.path()).unwrap();
    assert_eq!(names(&folder.path().join(INCOMING)).len(), 1);
    alive.finish().unwrap();
    again.verify(&Key::new(&tenant, hash(&bytes))).unwrap();
}

#[test]
fn free_bytes_shrink_when_something_is_stored_on_a_small_disk() {
    let Some(disk) = SmallDisk::mount("4m") else { return };
    let artifacts = DiskArtifacts::open(disk.folder.path()).unwrap();
    let before = artifacts.free_bytes().unwrap().unwrap();
    let mut writer = artifacts.create(&tenant()).unwrap();
    writer.write(&content(1 << 20, 7)).unwrap();
    writer.finish().unwrap();
    let taken = before - artifacts.free_bytes().unwrap().unwrap();
    assert!((1 << 20..=(1 << 20) + (1 << 16)).contains(&taken), "{taken}");
}

#[test]
fn a_full_disk_keeps_nothing_and_takes_again_when_there_is_room() {
    let Some(disk) = SmallDisk::mount("1m") else { return };
    let artifacts = DiskArtifacts::open(disk.folder.path()).unwrap();
    let owner = tenant();
    let mut writer = artifacts.create(&owner).unwrap();
    let too_much = content(2 << 20, 8);
    let written = too_much.chunks(65_536).try_for_each(|block| writer.write(block));
    assert!(matches!(written, Err(ArtifactError::DiskFull)), "{written:?}");
    drop(writer);
    assert!(names(&disk.folder.path().join(INCOMING)).is_empty());
    let mut writer = artifacts.create(&owner).unwrap();
    writer.write(&too_much[..1 << 19]).unwrap();
    let (sha256, _) = writer.finish().unwrap();
    artifacts.verify(&Key::new(&owner, sha256)).unwrap();
}

#[cfg(unix)]
#[test]
fn nobody_else_on_the_machine_may_read_what_is_stored() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let artifacts = DiskArtifacts::open(&folder.path().join("artifacts")).unwrap();
    let owner = tenant();
    let (sha256, _) = artifacts.create(&owner).unwrap().finish().unwrap();
    let path = artifacts.path(&Key::new(&owner, sha256));
    for path in path.ancestors().take_while(|path| *path != folder.path()) {
        assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o077, 0, "{}", path.display());
    }
}

/// A file system of a fixed size, where this user may mount one.
pub(crate) struct SmallDisk {
    pub(crate) folder: tempfile::TempDir,
}

impl SmallDisk {
    pub(crate) fn mount(size: &str) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"]).arg(folder.path());
        if mount.output().is_ok_and(|done| done.status.success()) {
            return Some(Self { folder });
        }
        println!("left out: this user may not mount a small tmpfs");
        None
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        drop(Command::new("umount").arg(self.folder.path()).output());
    }
}
