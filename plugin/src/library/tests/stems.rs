//! Stems: made files with a place in the song, named, renamed, exported.

use super::*;
use std::fs;
use std::path::PathBuf;
use tributary_audio::{Audio, WavReader};

const FRAMES: usize = 5_000;

/// A take, its job, and stems fetched and kept.
fn kept(library: &Library, name: &str, stems: &[&str]) -> (TakeInfo, JobRecord) {
    let take = recorded(library, name, FRAMES, 2);
    let record = job(library, &take, stems);
    library.save_job(&record).unwrap();
    for stem in stems {
        fetch(library, &record, stem);
        library.keep_stem(&take, &record, stem).unwrap();
    }
    (take, record)
}

/// What a download leaves.
fn fetch(library: &Library, job: &JobRecord, stem: &str) {
    let part = library.stem_part(job, stem);
    assert_eq!(
        part.parent(),
        Some(library.job_folder(job).as_path()),
        "{stem:?} leads out of the job's folder"
    );
    fs::write(part, bytes_of(&samples(job.clip.frames as usize, 2))).unwrap();
}

fn read(path: &Path) -> Audio {
    let mut reader = WavReader::new(fs::File::open(path).unwrap()).unwrap();
    Audio::read_all(&mut reader, 1 << 20).unwrap()
}

/// Chunks of a RIFF file, by the letter of the format and by none of our code.
fn chunks(bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
    let number = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
    assert_eq!((&bytes[..4], &bytes[8..12], number(4)), (&b"RIFF"[..], &b"WAVE"[..], bytes.len() - 8));
    let mut chunks = Vec::new();
    let mut at = 12;
    while at < bytes.len() {
        let length = number(at + 4);
        let name = String::from_utf8(bytes[at..at + 4].to_vec()).unwrap();
        chunks.push((name, bytes[at + 8..at + 8 + length].to_vec()));
        at += 8 + length + length % 2;
    }
    chunks
}

/// The text of a fixed field: up to the first NUL, and nothing but NULs behind it.
fn text(field: &[u8]) -> &str {
    let end = field.iter().position(|&byte| byte == 0).unwrap_or(field.len());
    assert!(field[end..].iter().all(|&byte| byte == 0));
    std::str::from_utf8(&field[..end]).unwrap()
}

#[test]
fn a_stem_becomes_a_broadcast_wave_file_with_its_time_inside() {
    let (_folder, library) = library();
    let (take, record) = kept(&library, "Vérse 2", &["vocals"]);
    let (_, path) = library.stems(&record).remove(0);
    let path = path.unwrap();
    assert_eq!(path.file_name().unwrap(), "Vérse 2 - vocals - 124bpm - bar 3.wav");
    assert!(!library.stem_part(&record, "vocals").exists(), "the canonical bytes are gone");
    let audio = read(&path);
    let interleaved: Vec<f32> =
        (0..FRAMES).flat_map(|frame| [audio.channels[0][frame], audio.channels[1][frame]]).collect();
    assert_eq!((interleaved, audio.rate_hz), (samples(FRAMES, 2), 48_000));
    let bytes = fs::read(&path).unwrap();
    let chunks = chunks(&bytes);
    let names: Vec<&str> = chunks.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["bext", "fmt ", "fact", "data"]);
    let bext = &chunks[0].1;
    assert_eq!(bext.len(), 602);
    assert_eq!(text(&bext[..256]), "V?rse 2 - vocals, separate by mini 1");
    assert_eq!(text(&bext[256..288]), "Tributary");
    assert_eq!(text(&bext[288..320]), record.key.0.simple().to_string());
    assert_eq!((text(&bext[320..330]), text(&bext[330..338])), ("2023-11-14", "22:13:20"));
    assert_eq!(u64::from_le_bytes(bext[338..346].try_into().unwrap()), 96_000);
    assert_eq!(u16::from_le_bytes(bext[346..348].try_into().unwrap()), 1);
    assert!(bext[348..].iter().all(|&byte| byte == 0));
    // The same by our own reader of float files, as the player uses it.
    let track = TrackFile::wav(&path).unwrap();
    assert_eq!((track.frames, track.channels, track.rate_hz), (take.frames, 2, 48_000));
    assert_eq!(bytes[track.offset_bytes as usize..], bytes_of(&samples(FRAMES, 2)));
    assert_eq!(Audio::read_all(&mut track.frames().unwrap(), 1 << 20).unwrap(), audio);
}

#[test]
fn the_time_reference_is_that_of_the_clip_and_never_negative() {
    let (_folder, library) = library();
    for (place, trim, expected, name) in [
        (Some(96_000), None, 96_000, "take - vocals - 124bpm - bar 3.wav"),
        (Some(96_000), Some((1_000, 2_000)), 97_000, "take - vocals - 124bpm - bar 3.wav"),
        (Some(-500), Some((100, 200)), 0, "take - vocals - 124bpm - bar 3.wav"),
        (Some(-500), Some((600, 700)), 100, "take - vocals - 124bpm - bar 3.wav"),
        (None, Some((600, 700)), 0, "take - vocals - 124bpm - bar 3.wav"),
        (Some(i64::MAX), Some((600, 700)), 0, "take - vocals - 124bpm - bar 3.wav"),
    ] {
        let mut take = recorded(&library, "take", FRAMES, 2);
        take.trim = trim;
        let mut record = job(&library, &take, &["vocals"]);
        record.place.frames = place;
        library.save_job(&record).unwrap();
        fetch(&library, &record, "vocals");
        let path = library.keep_stem(&take, &record, "vocals").unwrap();
        let bext = chunks(&fs::read(&path).unwrap()).remove(0).1;
        assert_eq!(u64::from_le_bytes(bext[338..346].try_into().unwrap()), expected, "{place:?} {trim:?}");
        assert_eq!(path.file_name().unwrap(), name);
    }
}

#[test]
fn names_from_a_server_lead_nowhere_and_never_meet() {
    let (_folder, library) = library();
    let stems = ["../../vocals", "..\\..\\vocals", "vocals", "vo/cals", "vo:cals", "CON", "\u{202E}", "a\0b"];
    let (_, record) = kept(&library, "..", &stems);
    let files: Vec<PathBuf> = library.stems(&record).into_iter().map(|(_, file)| file.unwrap()).collect();
    for file in &files {
        assert_eq!(file.parent(), Some(library.job_folder(&record).as_path()));
    }
    let unique: std::collections::BTreeSet<_> = files.iter().collect();
    assert_eq!(unique.len(), stems.len());
    assert!(files[4].to_string_lossy().ends_with("Take - vo_cals - 124bpm - bar 3 (2).wav"), "{files:?}");
}

#[test]
fn a_stem_whose_file_is_gone_or_cut_is_not_there_and_can_be_fetched_again() {
    let (_folder, library) = library();
    let (take, record) = kept(&library, "take", &["vocals", "drums"]);
    let there = |library: &Library| {
        library.stems(&record).into_iter().map(|(_, file)| file.is_some()).collect::<Vec<_>>()
    };
    assert_eq!(there(&library), [true, true]);
    let path = library.stems(&record)[0].1.clone().unwrap();
    let whole = fs::read(&path).unwrap();
    fs::write(&path, &whole[..whole.len() - 1]).unwrap();
    assert_eq!(there(&library), [false, true]);
    fs::remove_file(&path).unwrap();
    assert_eq!(there(&library), [false, true]);
    assert!(matches!(library.keep_stem(&take, &record, "vocals"), Err(LibraryError::Missing { .. })));
    fetch(&library, &record, "vocals");
    assert_eq!(library.keep_stem(&take, &record, "vocals").unwrap(), path);
    assert_eq!(fs::read(&path).unwrap(), whole);
    // Fetched although it is there: the same file, not a second one.
    fetch(&library, &record, "vocals");
    assert_eq!(library.keep_stem(&take, &record, "vocals").unwrap(), path);
    assert_eq!(there(&library), [true, true]);
    // Its record leads elsewhere.
    let secret = library.root().join("secret.wav");
    fs::write(&secret, &whole).unwrap();
    for (name, file) in entries_of(&library.job_folder(&record)) {
        if name.starts_with("stem-") {
            let hostile = fs::read_to_string(&file).unwrap().replace("take - ", "../../../../secret");
            fs::write(&file, hostile).unwrap();
        }
    }
    assert_eq!(there(&library), [false, false]);
}

fn entries_of(folder: &Path) -> Vec<(String, PathBuf)> {
    crate::library::folder::entries(folder).collect()
}

#[test]
fn bytes_that_are_not_the_clips_are_refused_and_leave_no_file() {
    let (_folder, library) = library();
    let take = recorded(&library, "take", FRAMES, 2);
    let record = job(&library, &take, &["vocals"]);
    library.save_job(&record).unwrap();
    let whole = bytes_of(&samples(FRAMES, 2));
    let mut broken = whole.clone();
    let at = broken.len() - 8;
    broken[at..at + 4].copy_from_slice(&f32::NAN.to_le_bytes());
    for bytes in [&whole[..whole.len() - 8], &[&whole[..], &[0; 8]].concat(), &broken] {
        fs::write(library.stem_part(&record, "vocals"), bytes).unwrap();
        assert!(matches!(library.keep_stem(&take, &record, "vocals"), Err(LibraryError::Sound { .. })));
        assert_eq!(library.stems(&record)[0].1, None);
        assert_eq!(names(&library.root().join("temporary")), [""; 0]);
        assert!(!names(&library.job_folder(&record)).iter().any(|name| name.ends_with(".wav")));
    }
}

#[test]
fn a_full_disk_is_told_and_a_wav_file_cut_by_it_has_no_name() {
    let audio = Audio { channels: vec![vec![0.5; 1_000]; 2], rate_hz: 48_000 };
    for room in [0, 100, 700, 5_000] {
        let mut disk = SmallDisk { bytes: Vec::new(), room };
        let outcome = crate::library::stem::write_wav(
            &mut audio.clone().into_frames(),
            &mut disk,
            &tributary_audio::Bext::default(),
        );
        let error = LibraryError::sound(Path::new("x.wav"))(outcome.unwrap_err());
        assert!(matches!(error, LibraryError::Full { .. }), "{room} bytes: {error:?}");
    }
}

#[test]
fn files_follow_when_a_take_gets_another_name() {
    let (_folder, library) = library();
    let (mut take, record) = kept(&library, "old", &["vocals", "drums"]);
    let before = fs::read(library.stems(&record)[1].1.clone().unwrap()).unwrap();
    fs::remove_file(library.stems(&record)[0].1.clone().unwrap()).unwrap();
    take.name = "new / name".to_owned();
    library.save_take(&take).unwrap();
    for _ in 0..2 {
        library.rename_files(&take, &record).unwrap();
        let stems = library.stems(&record);
        assert_eq!(stems[0].1, None);
        let file = stems[1].1.clone().unwrap();
        assert_eq!(file.file_name().unwrap(), "new _ name - drums - 124bpm - bar 3.wav");
        assert_eq!(fs::read(&file).unwrap(), before);
    }
    let wavs = names(&library.job_folder(&record)).into_iter().filter(|name| name.ends_with(".wav")).count();
    assert_eq!(wavs, 1);
}

#[test]
fn an_export_is_a_new_folder_with_all_stems_and_the_original() {
    let (folder, library) = library();
    let (take, record) = kept(&library, "Verse 2", &["vocals", "drums"]);
    let to = folder.path().join("exports");
    fs::create_dir(&to).unwrap();
    let mut shares = Vec::new();
    let mut progress = |share| {
        shares.push(share);
        true
    };
    let first = library.export(&take, &record, &to, &mut progress).unwrap();
    assert_eq!(first, to.join("Verse 2"));
    assert!(shares.is_sorted() && shares.last() == Some(&1.0), "{shares:?}");
    let expected = [
        "Verse 2 - drums - 124bpm - bar 3.wav",
        "Verse 2 - original - 124bpm - bar 3.wav",
        "Verse 2 - vocals - 124bpm - bar 3.wav",
    ];
    assert_eq!(names(&first), expected);
    assert_eq!(read(&first.join(expected[0])), read(&first.join(expected[1])));
    let time = |file: &str| chunks(&fs::read(first.join(file)).unwrap())[0].1[338..346].to_vec();
    assert_eq!(time(expected[0]), time(expected[1]));
    let second = library.export(&take, &record, &to, &mut |_| true).unwrap();
    assert_eq!(second, to.join("Verse 2 (2)"));
    assert!(matches!(library.export(&take, &record, &to, &mut |_| false), Err(LibraryError::Stopped)));
    assert_eq!(names(&to), ["Verse 2", "Verse 2 (2)"], "a stopped export leaves nothing");
    fs::remove_file(library.take_file(take.id)).unwrap();
    let third = library.export(&take, &record, &to, &mut |_| true).unwrap();
    assert_eq!(names(&third), [expected[0], expected[2]], "stems without the take are worth having");
    fs::remove_file(library.stems(&record)[0].1.clone().unwrap()).unwrap();
    assert!(matches!(library.export(&take, &record, &to, &mut |_| true), Err(LibraryError::Missing { .. })));
    assert!(library.export(&take, &record, &to.join("not there"), &mut |_| true).is_err());
}
