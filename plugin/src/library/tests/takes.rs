//! Takes: recorded, imported, crashed, damaged, cut to clips.

use super::*;
use crate::library::folder::entries;
use crate::library::record;
use proptest::prelude::*;
use sha2::Digest;
use std::fs;
use std::io::Write;
use tributary_audio::{Audio, WavWriter};

#[test]
fn a_take_is_on_disk_what_was_recorded() {
    let (_folder, library) = library();
    for channels in [1, 2] {
        let take = recorded(&library, "Verse 2", 5_000, channels);
        assert_eq!(
            (take.frames, take.channels, take.rate_hz, take.lost_frames),
            (5_000, channels, 48_000, 0)
        );
        assert_eq!(fs::read(library.take_file(take.id)).unwrap(), bytes_of(&samples(5_000, channels)));
        assert_eq!(library.take(take.id).unwrap(), take);
        assert!(library.is_present(&take));
        assert_eq!(names(&library.take_folder(take.id)), ["take.f32", "take.json"]);
    }
    let again = Library::open(library.root()).unwrap();
    assert_eq!(again.takes(), library.takes());
    let times: Vec<i64> = again.takes().iter().map(|take| take.made_at_us).collect();
    assert!(times.is_sorted_by(|newer, older| newer >= older), "newest first: {times:?}");
    assert_eq!(again.damaged(), []);
}

#[test]
fn a_changed_record_is_kept_and_a_deleted_take_is_gone() {
    let (_folder, library) = library();
    let mut take = recorded(&library, "one", 100, 2);
    take.name = "two\nlines ".to_owned();
    take.trim = Some((10, 50));
    library.save_take(&take).unwrap();
    let kept = library.take(take.id).unwrap();
    assert_eq!((kept.name.as_str(), kept.trim, kept.range()), ("twolines", Some((10, 50)), (10, 50)));
    take.trim = Some((50, 101));
    library.save_take(&take).unwrap();
    assert_eq!(library.take(take.id).unwrap().trim, None, "beyond the end is no trim");
    library.delete_take(take.id).unwrap();
    assert!(matches!(library.take(take.id), Err(LibraryError::Missing { .. })));
    assert!(matches!(library.save_take(&take), Err(LibraryError::Missing { .. })));
    assert!(matches!(library.delete_take(take.id), Err(LibraryError::Missing { .. })));
    assert_eq!((library.takes(), names(&library.root().join("trash")).len()), (vec![], 0));
}

#[test]
fn samples_that_are_no_numbers_become_silence_and_count_as_lost() {
    let (_folder, library) = library();
    let id = TakeId::generate();
    let mut writer = library.begin_take(id, 2, 44_100).unwrap();
    writer.write(&[0.5, f32::NAN, 0.25, -0.25]).unwrap();
    writer.write(&[f32::INFINITY, f32::NEG_INFINITY, 7.0, -7.0]).unwrap();
    let take = writer.finish(TakeInfo { lost_frames: 10, ..info(id, "broken") }).unwrap();
    assert_eq!((take.frames, take.lost_frames), (4, 12));
    let expected = bytes_of(&[0.5, 0.0, 0.25, -0.25, 0.0, 0.0, 7.0, -7.0]);
    assert_eq!(fs::read(library.take_file(id)).unwrap(), expected);
}

#[test]
fn an_empty_or_unsuitable_take_leaves_nothing() {
    let (_folder, library) = library();
    let id = TakeId::generate();
    assert!(library.begin_take(id, 3, 48_000).is_err());
    assert!(library.begin_take(id, 0, 48_000).is_err());
    assert!(library.begin_take(id, 2, 1).is_err());
    let mut writer = library.begin_take(id, 2, 48_000).unwrap();
    assert!(library.begin_take(id, 2, 48_000).is_err(), "the same take twice");
    assert!(writer.write(&[0.0]).is_err(), "a piece of a frame");
    assert!(matches!(library.delete_take(id), Err(LibraryError::Busy)));
    assert!(writer.finish(info(id, "empty")).is_err());
    library.begin_take(id, 2, 48_000).unwrap().discard();
    assert_eq!(names(&library.root().join("takes")), [""; 0]);
}

/// What a crashed program leaves: `describe` or not, then a file cut to `bytes` bytes.
fn check_recovery(described: bool, bytes: u64, expected: Option<(&str, u64)>) {
    let (_folder, library) = library();
    let id = TakeId::generate();
    let mut writer = library.begin_take(id, 2, 48_000).unwrap();
    if described {
        writer.describe("Verse 2", info(id, "").place, 77).unwrap();
    }
    writer.write(&samples(100, 2)).unwrap();
    let beside = Library::open(library.root()).unwrap();
    assert_eq!((beside.takes(), beside.damaged()), (vec![], vec![]), "another instance leaves it alone");
    drop(writer);
    fs::OpenOptions::new().write(true).open(library.take_file(id)).unwrap().set_len(bytes).unwrap();
    let again = Library::open(library.root()).unwrap();
    let takes = again.takes();
    let found = takes.first().map(|take| (take.name.as_str(), take.frames));
    assert_eq!(found, expected, "{bytes} bytes");
    assert_eq!(again.damaged(), []);
    for take in &takes {
        assert!(again.is_present(take));
        assert_eq!(names(&again.take_folder(take.id)), ["take.f32", "take.json"]);
        assert_eq!(take.place.bar, described.then_some(3));
        assert_eq!(
            fs::read(again.take_file(id)).unwrap(),
            bytes_of(&samples(100, 2))[..take.frames as usize * 8]
        );
    }
}

#[test]
fn a_take_of_a_crashed_program_is_as_long_as_its_whole_frames() {
    check_recovery(true, 800, Some(("Verse 2 (recovered)", 100)));
    check_recovery(false, 800, Some(("Take (recovered)", 100)));
    for bytes in 401..408 {
        check_recovery(true, bytes, Some(("Verse 2 (recovered)", 50)));
    }
    check_recovery(true, 7, None);
    check_recovery(true, 0, None);
}

#[test]
fn a_crash_while_a_take_is_finished_or_begun_is_put_right() {
    let (_folder, library) = library();
    let take = recorded(&library, "done", 10, 1);
    // Its record is there, what stands for a recording is there still.
    fs::write(library.take_folder(take.id).join("begun.json"), "{}").unwrap();
    // The first line was not written to its end.
    let torn = TakeId::generate();
    fs::create_dir(library.take_folder(torn)).unwrap();
    fs::write(library.take_folder(torn).join("begun.json"), "{\"channels\":").unwrap();
    let again = Library::open(library.root()).unwrap();
    assert_eq!(again.takes(), std::slice::from_ref(&take));
    assert_eq!(names(&again.take_folder(take.id)), ["take.f32", "take.json"]);
    // A half import is not a take: the file it came from is still there.
    let half = TakeId::generate();
    let mut writer = library.begin_import(half, 2, 48_000).unwrap();
    writer.write(&[0.0; 100]).unwrap();
    drop(writer);
    let again = Library::open(library.root()).unwrap();
    assert_eq!(again.takes(), [take]);
    assert!(!again.take_folder(half).exists());
}

#[test]
fn a_record_cut_off_anywhere_is_reported_and_nothing_else_suffers() {
    let (_folder, library) = library();
    let good = recorded(&library, "good", 10, 1);
    let bad = recorded(&library, "bad", 10, 1);
    let path = library.take_folder(bad.id).join("take.json");
    let whole = fs::read(&path).unwrap();
    // The last byte is the line's end, which JSON does not need.
    for length in 0..whole.len() - 2 {
        fs::write(&path, &whole[..length]).unwrap();
        assert_eq!(library.takes(), std::slice::from_ref(&good), "{length} bytes");
        assert_eq!(library.damaged().len(), 1, "{length} bytes");
        assert!(matches!(library.take(bad.id), Err(LibraryError::Damaged { .. })), "{length} bytes");
    }
    fs::write(&path, &whole).unwrap();
    assert_eq!(library.takes().len(), 2);
}

#[test]
fn hostile_records_are_refused_with_a_reason() {
    let (_folder, library) = library();
    let take = recorded(&library, "take", 10, 1);
    let path = library.take_folder(take.id).join("take.json");
    let whole = fs::read_to_string(&path).unwrap();
    let other = TakeId::generate().0.to_string();
    let id = take.id.0.to_string();
    let cases = [
        ("\"version\": 1", "\"version\": 2", "newer"),
        ("\"version\": 1", "\"no\": 1", "no version"),
        (id.as_str(), other.as_str(), "another take"),
        ("\"frames\": 10", "\"frames\": 18446744073709551615", "frames"),
        ("\"frames\": 10", "\"frames\": 0", "frames"),
        ("\"frames\": 10", "\"frames\": -1", "invalid"),
        ("\"channels\": 1", "\"channels\": 8", "mono or stereo"),
        ("\"channels\": 1", "\"channels\": 0", "mono or stereo"),
        ("\"rate_hz\": 48000", "\"rate_hz\": 0", "0 Hz"),
    ];
    for (from, to, reason) in cases {
        assert!(whole.contains(from), "{from} in {whole}");
        fs::write(&path, whole.replace(from, to)).unwrap();
        let damaged = library.damaged();
        assert!(damaged.len() == 1 && damaged[0].reason.contains(reason), "{to}: {damaged:?}");
    }
    let harmless = whole.replace("\"version\": 1", "\"version\": 1, \"of later\": [1]");
    fs::write(&path, harmless.replace("124.0", "-5.0")).unwrap();
    assert_eq!(library.take(take.id).unwrap().place.tempo, None);
    fs::write(&path, vec![b' '; (1 << 20) + 1]).unwrap();
    assert_eq!(library.damaged().len(), 1, "too long to be read at all");
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    assert_eq!(library.damaged().len(), 1, "a folder in its place");
    fs::remove_dir(&path).unwrap();
    assert_eq!(library.damaged().len(), 1, "samples without a record");
    fs::write(library.root().join("takes").join("not an id"), "").unwrap();
    fs::create_dir(library.root().join("takes").join("..not")).unwrap();
    assert_eq!(library.damaged().len(), 1, "what is not ours is not looked at");
}

#[test]
fn a_full_disk_ends_a_recording_with_all_whole_frames_before_it() {
    struct Shared(std::sync::Arc<std::sync::Mutex<SmallDisk>>);
    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    impl crate::library::recording::Storage for Shared {
        fn cut(&mut self, bytes: u64) -> std::io::Result<()> {
            self.0.lock().unwrap().bytes.truncate(bytes as usize);
            Ok(())
        }
        fn settle(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    for room in [0, 1, 39, 40, 41, 100] {
        let (_folder, library) = library();
        let disk = std::sync::Arc::new(std::sync::Mutex::new(SmallDisk { bytes: Vec::new(), room }));
        let id = TakeId::generate();
        let mut writer = library.begin_take(id, 2, 48_000).unwrap();
        writer.store_in(Box::new(Shared(disk.clone())));
        let blocks = samples(100, 2);
        let error = blocks.chunks(10).map(|block| writer.write(block)).find_map(Result::err).unwrap();
        assert!(
            matches!(error, LibraryError::Full { .. }) && error.told().contains("free some space"),
            "{error}"
        );
        let whole = room / 40 * 40;
        assert_eq!(writer.frames(), whole as u64 / 8, "{room} bytes");
        assert_eq!(disk.lock().unwrap().bytes, bytes_of(&blocks)[..whole]);
    }
}

#[test]
fn a_record_is_replaced_as_a_whole_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let temporary = folder.path().join("temporary");
    fs::create_dir(&temporary).unwrap();
    let path = folder.path().join("record");
    fs::write(&path, "before").unwrap();
    for room in 0..20 {
        let error = record::replace(&temporary, &path, |out| {
            let mut disk = SmallDisk { bytes: Vec::new(), room };
            let outcome = disk.write_all(b"what comes after it, longer");
            out.write_all(&disk.bytes).unwrap();
            outcome.map_err(LibraryError::disk("write", &path))
        })
        .unwrap_err();
        assert!(matches!(error, LibraryError::Full { .. }));
        assert_eq!((fs::read_to_string(&path).unwrap().as_str(), names(&temporary).len()), ("before", 0));
    }
    record::replace(&temporary, &path, |out| {
        out.write_all(b"after").map_err(LibraryError::disk("write", &path))
    })
    .unwrap();
    assert_eq!((fs::read_to_string(&path).unwrap().as_str(), names(&temporary).len()), ("after", 0));
}

fn wav(folder: &Path, name: &str, channels: usize, frames: usize) -> (std::path::PathBuf, Audio) {
    let path = folder.join(name);
    let all = samples(frames, channels as u16);
    let channels: Vec<Vec<f32>> =
        (0..channels).map(|channel| all.iter().skip(channel).step_by(channels).copied().collect()).collect();
    let audio = Audio { channels, rate_hz: 44_100 };
    let mut writer = WavWriter::create(&path, audio.shape()).unwrap();
    tributary_audio::frames::copy(&mut audio.clone().into_frames(), &mut writer).unwrap();
    (path, audio)
}

#[test]
fn a_file_becomes_a_take_sample_by_sample() {
    let (folder, library) = library();
    for channels in [1, 2] {
        let (path, _) = wav(folder.path(), "My song.final.wav", channels, 10_000);
        let mut shares = Vec::new();
        let take = library
            .import(&path, &mut |share| {
                shares.push(share);
                true
            })
            .unwrap();
        assert_eq!(take.name, "My song.final");
        assert_eq!(take.origin, Origin::File("My song.final.wav".to_owned()));
        assert_eq!((take.frames, take.channels, take.rate_hz), (10_000, channels as u16, 44_100));
        assert_eq!(take.place, Place::default());
        assert!(take.made_at_us > 1_600_000_000_000_000);
        assert_eq!(
            fs::read(library.take_file(take.id)).unwrap(),
            bytes_of(&samples(10_000, channels as u16))
        );
        assert!(shares.is_sorted() && shares.last() == Some(&1.0), "{shares:?}");
    }
}

#[test]
fn what_cannot_be_imported_leaves_no_take() {
    let (folder, library) = library();
    let go_on = &mut |_| true;
    let (three, _) = wav(folder.path(), "three.wav", 3, 100);
    let error = library.import(&three, go_on).unwrap_err();
    assert!(error.told().contains("3 channels"), "{}", error.told());
    let text = folder.path().join("text.wav");
    fs::write(&text, "not a sound").unwrap();
    assert!(matches!(library.import(&text, go_on), Err(LibraryError::Sound { .. })));
    assert!(library.import(&folder.path().join("none.wav"), go_on).is_err());
    let (good, _) = wav(folder.path(), "good.wav", 2, 100_000);
    let mut calls = 0;
    let mut stop = |_| {
        calls += 1;
        calls < 3
    };
    assert!(matches!(library.import(&good, &mut stop), Err(LibraryError::Stopped)));
    // A NaN in the middle is found while copying.
    let mut bytes = fs::read(&good).unwrap();
    let at = bytes.len() - 40;
    bytes[at..at + 4].copy_from_slice(&f32::NAN.to_le_bytes());
    fs::write(&good, bytes).unwrap();
    let error = library.import(&good, go_on).unwrap_err();
    assert!(error.told().contains("not a finite number"), "{}", error.told());
    assert_eq!(entries(&library.root().join("takes")).count(), 0);
}

#[test]
fn a_clip_is_the_part_in_use_with_its_hash() {
    let (_folder, library) = library();
    let mut take = recorded(&library, "take", 10_000, 2);
    let all = bytes_of(&samples(10_000, 2));
    let clip = library.clip(&take).unwrap();
    assert_eq!(clip.path, library.take_file(take.id));
    assert_eq!(clip.header.sha256.0[..], sha2::Sha256::digest(&all)[..]);
    drop(clip);
    assert!(library.is_present(&take), "the take's own file stays");
    take.trim = Some((10, 9_000));
    let clip = library.clip(&take).unwrap();
    let part = &all[80..72_000];
    assert_eq!(fs::read(&clip.path).unwrap(), part);
    assert_eq!(clip.header.sha256.0[..], sha2::Sha256::digest(part)[..]);
    assert_eq!((clip.header.frames, clip.header.canonical_bytes()), (8_990, Some(part.len() as u64)));
    let path = clip.path.clone();
    drop(clip);
    assert!(!path.exists());
    assert_eq!(names(&library.root().join("temporary")), [""; 0]);
    assert!(library.clip_of(&take, (5, 5)).is_err());
    assert!(library.clip_of(&take, (0, 10_001)).is_err());
    fs::write(library.take_file(take.id), &all[1..]).unwrap();
    assert!(matches!(library.clip(&take), Err(LibraryError::Damaged { .. })));
    fs::remove_file(library.take_file(take.id)).unwrap();
    assert!(matches!(library.clip(&take), Err(LibraryError::Missing { .. })));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, rng_seed: proptest::test_runner::RngSeed::Fixed(1), ..Default::default() })]

    #[test]
    fn no_bytes_in_place_of_a_record_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400), at in 0usize..400) {
        let (_folder, library) = library();
        let take = recorded(&library, "take", 4, 1);
        let path = library.take_folder(take.id).join("take.json");
        let mut record = fs::read(&path).unwrap();
        let at = at.min(record.len());
        let end = (at + bytes.len()).min(record.len());
        record.splice(at..end, bytes);
        fs::write(&path, record).unwrap();
        prop_assert_eq!(library.takes().len() + library.damaged().len(), 1);
    }
}
