//! Clips that arrive in pieces, late, wrong, twice or never.

use super::*;
use crate::artifacts::conformance::{hash, tenant};
use crate::artifacts::disk::DiskArtifacts;
use crate::artifacts::disk::tests::SmallDisk;
use proptest::prelude::*;
use std::fs::OpenOptions;
use std::io::{Read, Write};

struct World {
    folder: PathBuf,
    uploads: Uploads,
    artifacts: Arc<dyn Artifacts>,
    kept: Option<tempfile::TempDir>,
}

fn world_in(folder: &Path) -> World {
    let artifacts: Arc<dyn Artifacts> = Arc::new(DiskArtifacts::open(&folder.join("artifacts")).unwrap());
    let uploads = Uploads::open(&folder.join("uploads"), Arc::clone(&artifacts)).unwrap();
    World { folder: folder.to_owned(), uploads, artifacts, kept: None }
}

fn world() -> World {
    let folder = tempfile::tempdir().unwrap();
    world_in(folder.path()).keeping(folder)
}

impl World {
    fn keeping(self, folder: tempfile::TempDir) -> Self {
        Self { kept: Some(folder), ..self }
    }

    fn partial(&self, owner: &Tenant, header: &ClipHeader) -> PathBuf {
        self.folder.join("uploads").join(Key::new(owner, header.sha256).relative_path())
    }

    fn stored(&self, key: &Key) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.artifacts.open(key).unwrap().read_to_end(&mut bytes).unwrap();
        bytes
    }
}

/// A ramp, and its header.
fn clip(frames: u64, channels: u16) -> (Vec<u8>, ClipHeader) {
    let samples = (0..frames * u64::from(channels)).map(|n| (n % 9973) as f32 / 9973.0 - 0.5);
    let bytes: Vec<u8> = samples.flat_map(f32::to_le_bytes).collect();
    let header = ClipHeader { sha256: hash(&bytes), frames, channels, rate_hz: 48_000 };
    (bytes, header)
}

/// What follows byte `at`.
fn from(bytes: &[u8], at: u64) -> &[u8] {
    &bytes[usize::try_from(at).unwrap()..]
}

/// The end of all time.
const EVER: Timestamp = Timestamp(i64::MAX);

#[test]
fn a_clip_sent_in_one_piece_is_stored_under_its_hash() {
    let (world, owner, (bytes, header)) = (world(), tenant(), clip(1000, 2));
    let mut upload = world.uploads.begin(&owner, &header).unwrap();
    assert_eq!((upload.committed_bytes(), upload.declared_bytes()), (0, 8000));
    assert_eq!(upload.append(0, &bytes).unwrap(), 8000);
    let key = upload.finish().unwrap();
    assert_eq!(key, Key::new(&owner, header.sha256));
    assert_eq!(world.stored(&key), bytes);
    world.artifacts.verify(&key).unwrap();
    assert!(!world.partial(&owner, &header).exists(), "moved, not copied");
}

#[derive(Clone, Debug)]
enum Step {
    /// Send that many frames.
    Send(usize),
    /// The connection breaks.
    Reconnect,
    /// The server dies in the middle of a packet: that many bytes of it are on disk.
    Die(usize),
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn whatever_breaks_on_the_way_the_same_clip_arrives(
        frames in 1_u64..400,
        channels in 1_u16..=8,
        steps in prop::collection::vec(
            prop_oneof![
                4 => (1_usize..60).prop_map(Step::Send),
                1 => Just(Step::Reconnect),
                1 => (0_usize..300).prop_map(Step::Die),
            ],
            0..30,
        ),
    ) {
        let (mut world, owner, (bytes, header)) = (world(), tenant(), clip(frames, channels));
        let frame_bytes = usize::try_from(header.frame_bytes()).unwrap();
        let mut upload = world.uploads.begin(&owner, &header).unwrap();
        for step in steps.into_iter().chain([Step::Send(400)]) {
            let at = upload.committed_bytes();
            let rest = from(&bytes, at);
            match step {
                Step::Send(frames) => {
                    let packet = &rest[..rest.len().min(frames * frame_bytes)];
                    prop_assert_eq!(upload.append(at, packet).unwrap(), at + packet.len() as u64);
                }
                Step::Reconnect => {
                    drop(upload);
                    upload = world.uploads.begin(&owner, &header).unwrap();
                    prop_assert_eq!(upload.committed_bytes(), at);
                }
                Step::Die(written) => {
                    drop(upload);
                    let torn = &rest[..rest.len().min(written)];
                    let mut file = OpenOptions::new().append(true).open(world.partial(&owner, &header)).unwrap();
                    file.write_all(torn).unwrap();
                    let kept = world.kept.take().unwrap();
                    world = world_in(kept.path()).keeping(kept);
                    let expected = at + (torn.len() - torn.len() % frame_bytes) as u64;
                    prop_assert_eq!(world.uploads.committed_bytes(&owner, &header).unwrap(), expected);
                    upload = world.uploads.begin(&owner, &header).unwrap();
                    prop_assert_eq!(upload.committed_bytes(), expected);
                }
            }
        }
        let key = upload.finish().unwrap();
        prop_assert_eq!(world.stored(&key), bytes);
    }
}

#[test]
fn a_packet_at_the_wrong_place_is_refused_with_the_right_one() {
    let (world, owner, (bytes, header)) = (world(), tenant(), clip(100, 1));
    let mut upload = world.uploads.begin(&owner, &header).unwrap();
    upload.append(0, &bytes[..40]).unwrap();
    for got in [0, 36, 44, u64::MAX] {
        let error = upload.append(got, &bytes[..4]).unwrap_err();
        assert!(matches!(error, UploadError::Offset { committed: 40, got: of } if of == got), "{error}");
    }
    upload.append(40, &bytes[40..]).unwrap();
    upload.finish().unwrap();
}

#[test]
fn more_than_declared_is_refused_and_the_clip_can_still_end() {
    let (world, owner, (bytes, header)) = (world(), tenant(), clip(10, 2));
    let mut upload = world.uploads.begin(&owner, &header).unwrap();
    let longer = [bytes.as_slice(), &[0; 8]].concat();
    assert!(matches!(upload.append(0, &longer), Err(UploadError::TooLong { declared: 80 })));
    upload.append(0, &bytes).unwrap();
    assert!(matches!(upload.append(80, &[0; 8]), Err(UploadError::TooLong { declared: 80 })));
    upload.append(80, &[]).unwrap();
    upload.finish().unwrap();
}

#[test]
fn part_of_a_frame_is_refused() {
    let (world, owner, (bytes, header)) = (world(), tenant(), clip(10, 3));
    let mut upload = world.uploads.begin(&owner, &header).unwrap();
    for length in [1, 4, 11, 13] {
        let refused = upload.append(0, &bytes[..length]);
        assert!(matches!(refused, Err(UploadError::PartialFrame { frame_bytes: 12 })), "{length}");
    }
    assert_eq!(upload.committed_bytes(), 0);
}

#[test]
fn samples_that_are_no_numbers_are_named_by_frame_and_channel() {
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let (world, owner, (mut bytes, _)) = (world(), tenant(), clip(100, 2));
        bytes[8 * 70 + 4..8 * 71].copy_from_slice(&bad.to_le_bytes());
        let header = ClipHeader { sha256: hash(&bytes), frames: 100, channels: 2, rate_hz: 48_000 };
        let mut upload = world.uploads.begin(&owner, &header).unwrap();
        upload.append(0, &bytes[..8 * 50]).unwrap();
        let refused = upload.append(8 * 50, &bytes[8 * 50..]);
        assert!(matches!(refused, Err(UploadError::NotFinite { frame: 70, channel: 1 })), "{refused:?}");
        assert_eq!(upload.committed_bytes(), 400);
    }
}

#[test]
fn a_clip_that_is_not_its_hash_is_deleted_and_can_be_sent_again() {
    let (world, owner, (bytes, header)) = (world(), tenant(), clip(100, 2));
    let mut wrong = bytes.clone();
    wrong[17] ^= 1;
    let mut upload = world.uploads.begin(&owner, &header).unwrap();
    upload.append(0, &wrong).unwrap();
    let error = upload.finish().unwrap_err();
    let expected = hash(&wrong);
    assert!(
        matches!(error, UploadError::HashMismatch { declared, found } if (declared, found) == (header.sha256, expected))
    );
    assert_eq!(world.uploads.committed_bytes(&owner, &header).unwrap(), 0);
    assert_eq!(world.artifacts.bytes(&Key::new(&owner, header.sha256)).unwrap(), None);
    let mut upload = world.uploads.begin(&owner, &header).unwrap();
    upload.append(0, &bytes).unwrap();
    upload.finish().unwrap();
}

#[test]
fn zeros_that_a_power_cut_left_are_found_by_the_hash() {
    let (world, owner, (bytes, header)) = (world(), tenant(), clip(100, 2));
    let mut upload = world.uploads.begin(&owner, &header).unwrap();
    upload.append(0, &bytes[..400]).unwrap();
    drop(upload);
    let file = OpenOptions::new().write(true).open(world.partial(&owner, &header)).unwrap();
    file.set_len(360).unwrap();
    file.set_len(400).unwrap();
    let mut upload = world.uploads.begin(&owner, &header).unwrap();
    upload.append(400, &bytes[400..]).unwrap();
    assert!(matches!(upload.finish(), Err(UploadError::HashMismatch { .. })));
}

#[test]
fn an_end_before_the_end_keeps_what_is_here() {
    let (world, owner, (bytes, header)) = (world(), tenant(), clip(100, 1));
    let mut upload = world.uploads.begin(&owner, &header).unwrap();
    upload.append(0, &bytes[..200]).unwrap();
    assert!(matches!(upload.finish(), Err(UploadError::Incomplete { committed: 200, declared: 400 })));
    assert_eq!(world.uploads.committed_bytes(&owner, &header).unwrap(), 200);
}

#[test]
fn one_clip_has_one_writer_per_tenant() {
    let (world, owner, (bytes, header)) = (world(), tenant(), clip(100, 1));
    let first = world.uploads.begin(&owner, &header).unwrap();
    assert!(matches!(world.uploads.begin(&owner, &header), Err(UploadError::Busy)));
    let mut of_another = world.uploads.begin(&tenant(), &header).unwrap();
    of_another.append(0, &bytes).unwrap();
    drop(first);
    world.uploads.begin(&owner, &header).unwrap();
}

/// Locks are of an opened file, so a second value on the folder is like a second process on it.
#[test]
fn one_clip_has_one_writer_among_the_processes_of_a_folder() {
    let (world, owner, (bytes, header)) = (world(), tenant(), clip(100, 1));
    let other = world_in(&world.folder);
    let mut first = world.uploads.begin(&owner, &header).unwrap();
    first.append(0, &bytes[..200]).unwrap();
    assert!(matches!(other.uploads.begin(&owner, &header), Err(UploadError::Busy)));
    assert_eq!(other.uploads.sweep(EVER).unwrap(), Swept::default(), "what is written is not swept");
    drop(first);
    let mut second = other.uploads.begin(&owner, &header).unwrap();
    assert_eq!(second.committed_bytes(), 200, "it goes on where the other was");
    second.append(200, &bytes[200..]).unwrap();
    let key = second.finish().unwrap();
    assert_eq!(world.stored(&key), bytes);
    assert_eq!(world.uploads.begin(&owner, &header).unwrap().finish().unwrap(), key);
}

#[cfg(unix)]
#[test]
fn a_partial_that_was_stored_since_it_was_opened_is_not_taken() {
    let (world, owner, (bytes, header)) = (world(), tenant(), clip(100, 1));
    let mut upload = world.uploads.begin(&owner, &header).unwrap();
    upload.append(0, &bytes).unwrap();
    let path = world.partial(&owner, &header);
    let late = OpenOptions::new().write(true).open(&path).unwrap();
    assert!(!lock::take(&late, &path).unwrap(), "its writer has it");
    upload.finish().unwrap();
    assert!(!lock::take(&late, &path).unwrap(), "it has another name now");
}

#[test]
fn a_clip_already_stored_is_whole_at_once_for_its_tenant_only() {
    let (world, owner, (bytes, header)) = (world(), tenant(), clip(100, 1));
    let mut upload = world.uploads.begin(&owner, &header).unwrap();
    upload.append(0, &bytes).unwrap();
    let key = upload.finish().unwrap();
    assert_eq!(world.uploads.committed_bytes(&owner, &header).unwrap(), 400);
    let mut again = world.uploads.begin(&owner, &header).unwrap();
    assert!(matches!(again.append(0, &bytes), Err(UploadError::Offset { committed: 400, got: 0 })));
    assert_eq!(again.finish().unwrap(), key);
    assert_eq!(world.uploads.committed_bytes(&tenant(), &header).unwrap(), 0);
}

#[test]
fn headers_beyond_the_limits_are_refused_before_anything_is_made() {
    let (world, owner, (_, header)) = (world(), tenant(), clip(1, 1));
    for (frames, channels) in [(0, 1), (1, 0), (1, 9), (u64::MAX, 8), (CLIP_SECONDS_MAX * 192_000 + 1, 1)] {
        let header = ClipHeader { frames, channels, ..header };
        assert!(matches!(world.uploads.begin(&owner, &header), Err(UploadError::Header { .. })));
        assert!(matches!(world.uploads.committed_bytes(&owner, &header), Err(UploadError::Header { .. })));
    }
    assert_eq!(fs::read_dir(world.folder.join("uploads")).unwrap().count(), 0);
}

#[test]
fn a_sweep_removes_the_abandoned_and_neither_the_written_nor_the_new() {
    let (world, owner) = (world(), tenant());
    let (bytes, header) = clip(100, 1);
    let (other_bytes, other) = clip(50, 1);
    let mut abandoned = world.uploads.begin(&owner, &header).unwrap();
    abandoned.append(0, &bytes[..240]).unwrap();
    let mut written = world.uploads.begin(&owner, &other).unwrap();
    written.append(0, &other_bytes[..4]).unwrap();
    assert_eq!(world.uploads.sweep(EVER).unwrap(), Swept::default(), "both have writers");
    drop(abandoned);
    assert_eq!(world.uploads.sweep(Timestamp(0)).unwrap(), Swept::default(), "both are new");
    assert_eq!(world.uploads.sweep(EVER).unwrap(), Swept { clips: 1, bytes: 240 });
    assert_eq!(world.uploads.committed_bytes(&owner, &header).unwrap(), 0);
    written.append(4, &other_bytes[4..]).unwrap();
    written.finish().unwrap();
}

#[test]
fn a_clip_that_nobody_wants_takes_no_room_and_nobody_elses_is_touched() {
    let (world, owner, other) = (world(), tenant(), tenant());
    let (bytes, header) = clip(1_000, 2);
    let send = |owner: &Tenant| {
        let mut upload = world.uploads.begin(owner, &header).unwrap();
        upload.append(0, &bytes).unwrap();
        upload
    };
    drop(send(&other));
    let writes = send(&owner);
    assert!(!world.uploads.discard(&owner, header.sha256).unwrap(), "somebody writes it");
    drop(writes);
    assert_eq!(world.uploads.partial_bytes(&owner).unwrap(), bytes.len() as u64);
    assert!(world.uploads.discard(&owner, header.sha256).unwrap());
    assert_eq!(world.uploads.partial_bytes(&owner).unwrap(), 0);
    assert_eq!(world.uploads.committed_bytes(&owner, &header).unwrap(), 0);
    assert!(!world.uploads.discard(&owner, header.sha256).unwrap(), "there is none");
    assert_eq!(world.uploads.partial_bytes(&other).unwrap(), bytes.len() as u64);
    let key = send(&owner).finish().unwrap();
    assert!(!world.uploads.discard(&owner, header.sha256).unwrap());
    assert_eq!(world.stored(&key), bytes, "what is stored stays");
}

#[test]
fn a_full_disk_refuses_the_packet_and_the_upload_goes_on_when_there_is_room() {
    let Some(disk) = SmallDisk::mount("1m") else { return };
    let (world, owner, (bytes, header)) = (world_in(disk.folder.path()), tenant(), clip(200_000, 1));
    let ballast = disk.folder.path().join("ballast");
    fs::write(&ballast, vec![0; 400_000]).unwrap();
    let mut upload = world.uploads.begin(&owner, &header).unwrap();
    let full = loop {
        let at = upload.committed_bytes();
        match upload.append(at, &from(&bytes, at)[..100_000]) {
            Ok(_) => {}
            Err(error) => break error,
        }
    };
    assert!(matches!(full, UploadError::Artifact(ArtifactError::DiskFull)), "{full:?}");
    fs::remove_file(ballast).unwrap();
    let at = upload.committed_bytes();
    upload.append(at, from(&bytes, at)).unwrap();
    assert_eq!(world.stored(&upload.finish().unwrap()), bytes);
}
