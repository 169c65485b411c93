//! The laws that every [`Artifacts`] obeys. Tests only.

use super::{ArtifactError, Artifacts, Key};
use crate::tenant::Tenant;
use sha2::Digest;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use tributary_protocol::vocab::{AccountId, Sha256};

/// One implementation and what the suite needs beside it.
pub(crate) struct Rig<'a> {
    /// Under test.
    pub(crate) artifacts: &'a dyn Artifacts,
    /// A folder to stage files in that `adopt` takes.
    pub(crate) staging: &'a Path,
    /// Changes one stored byte behind the implementation's back.
    pub(crate) damage: &'a dyn Fn(&Key),
}

/// All of them.
pub(crate) fn run(rig: &Rig<'_>) {
    what_is_written_can_be_read_whole_and_from_anywhere(rig);
    the_same_content_twice_is_one_artifact_and_two_tenants_have_two(rig);
    what_is_dropped_without_finish_never_was(rig);
    missing_is_missing_and_deleting_it_is_fine(rig);
    a_flipped_byte_is_found(rig);
    a_staged_file_is_moved_not_copied(rig);
}

/// A new account.
pub(crate) fn tenant() -> Tenant {
    Tenant::acting_for(AccountId::generate())
}

/// Bytes that no two positions share by accident.
pub(crate) fn content(length: usize, seed: u32) -> Vec<u8> {
    let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(1);
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    (0..length).map(|_| next()).collect()
}

/// Its name.
pub(crate) fn hash(bytes: &[u8]) -> Sha256 {
    Sha256(sha2::Sha256::digest(bytes).into())
}

fn put(rig: &Rig<'_>, tenant: &Tenant, bytes: &[u8]) -> Key {
    let mut writer = rig.artifacts.create(tenant).unwrap();
    bytes.chunks(100_003).for_each(|block| writer.write(block).unwrap());
    assert_eq!(writer.finish().unwrap(), (hash(bytes), bytes.len() as u64));
    Key::new(tenant, hash(bytes))
}

fn read(rig: &Rig<'_>, key: &Key) -> Vec<u8> {
    let mut bytes = Vec::new();
    rig.artifacts.open(key).unwrap().read_to_end(&mut bytes).unwrap();
    bytes
}

fn what_is_written_can_be_read_whole_and_from_anywhere(rig: &Rig<'_>) {
    for length in [0, 1, 4096, 1_000_000] {
        let bytes = content(length, 1);
        let key = put(rig, &tenant(), &bytes);
        assert_eq!(rig.artifacts.bytes(&key).unwrap(), Some(length as u64));
        rig.artifacts.verify(&key).unwrap();
        assert_eq!(read(rig, &key), bytes);
        let mut reader = rig.artifacts.open(&key).unwrap();
        reader.seek(SeekFrom::Start(length as u64 / 2)).unwrap();
        let mut rest = Vec::new();
        reader.read_to_end(&mut rest).unwrap();
        assert_eq!(rest, bytes[length / 2..]);
    }
}

fn the_same_content_twice_is_one_artifact_and_two_tenants_have_two(rig: &Rig<'_>) {
    let (ours, theirs, bytes) = (tenant(), tenant(), content(5000, 2));
    let key = put(rig, &ours, &bytes);
    let mut open_before = rig.artifacts.open(&key).unwrap();
    assert_eq!(put(rig, &ours, &bytes), key);
    assert_eq!(rig.artifacts.bytes(&Key::new(&theirs, key.sha256())).unwrap(), None);
    let other = put(rig, &theirs, &bytes);
    rig.artifacts.delete(&key).unwrap();
    rig.artifacts.verify(&other).unwrap();
    let mut still = Vec::new();
    open_before.read_to_end(&mut still).unwrap();
    assert_eq!(still, bytes, "a reader keeps what it opened");
}

fn what_is_dropped_without_finish_never_was(rig: &Rig<'_>) {
    let (tenant, bytes) = (tenant(), content(300_000, 3));
    let mut writer = rig.artifacts.create(&tenant).unwrap();
    writer.write(&bytes).unwrap();
    drop(writer);
    assert_eq!(rig.artifacts.bytes(&Key::new(&tenant, hash(&bytes))).unwrap(), None);
}

fn missing_is_missing_and_deleting_it_is_fine(rig: &Rig<'_>) {
    let key = Key::new(&tenant(), Sha256([9; 32]));
    assert_eq!(rig.artifacts.bytes(&key).unwrap(), None);
    assert!(matches!(rig.artifacts.open(&key).err().unwrap(), ArtifactError::Missing));
    assert!(matches!(rig.artifacts.verify(&key), Err(ArtifactError::Missing)));
    rig.artifacts.delete(&key).unwrap();
}

fn a_flipped_byte_is_found(rig: &Rig<'_>) {
    let key = put(rig, &tenant(), &content(700_000, 4));
    (rig.damage)(&key);
    assert!(matches!(rig.artifacts.verify(&key), Err(ArtifactError::Damaged(of)) if of == key.sha256()));
}

fn a_staged_file_is_moved_not_copied(rig: &Rig<'_>) {
    let bytes = content(10_000, 5);
    let key = Key::new(&tenant(), hash(&bytes));
    let staged = rig.staging.join("staged");
    for _ in 0..2 {
        std::fs::write(&staged, &bytes).unwrap();
        rig.artifacts.adopt(&staged, &key).unwrap();
        assert!(!staged.exists());
        assert_eq!(read(rig, &key), bytes);
    }
    assert!(rig.artifacts.adopt(&staged, &key).is_err(), "there is nothing any more");
}
