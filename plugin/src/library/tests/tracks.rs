//! Tracks: read in parts, stopped, compared, converted to another rate.

use super::*;
use crate::library::folder::entries;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tributary_audio::{Audio, AudioError};

fn audio(track: &TrackFile) -> Audio {
    Audio::read_all(&mut track.frames().unwrap(), 1 << 24).unwrap()
}

/// A take of a sine of 1 kHz at 48 kHz.
fn sine(library: &Library, frames: usize) -> TakeInfo {
    let id = TakeId::generate();
    let mut writer = library.begin_take(id, 2, 48_000).unwrap();
    let samples: Vec<f32> = (0..frames)
        .flat_map(|frame| [(std::f64::consts::TAU * frame as f64 / 48.0).sin() as f32 * 0.5; 2])
        .collect();
    writer.write(&samples).unwrap();
    writer.finish(info(id, "sine")).unwrap()
}

#[test]
fn a_part_of_a_take_is_read_as_what_it_is() {
    let (_folder, library) = library();
    let take = recorded(&library, "take", 10_000, 2);
    let all = audio(&library.track_of_take(&take, take.range()));
    let part = audio(&library.track_of_take(&take, (100, 9_000)));
    for (part, all) in part.channels.iter().zip(&all.channels) {
        assert_eq!(part, &all[100..9_000]);
    }
    assert_eq!(library.track_of_take(&take, (5_000, 90_000)).frames, 5_000, "cut to what is there");
    let none = library.track_of_take(&take, (90_000, 5));
    assert!(none.frames == 0 && none.frames().is_err());
    let far = TrackFile { first_frame: u64::MAX, ..library.track_of_take(&take, take.range()) };
    assert!(matches!(far.frames(), Err(LibraryError::Damaged { .. })));
    fs::write(library.take_file(take.id), [0; 100]).unwrap();
    assert!(matches!(library.track_of_take(&take, take.range()).frames(), Err(LibraryError::Damaged { .. })));
    assert!(matches!(TrackFile::wav(&library.take_file(take.id)), Err(LibraryError::Sound { .. })));
    assert!(matches!(TrackFile::wav(Path::new("nowhere.wav")), Err(LibraryError::Missing { .. })));
}

#[test]
fn whatever_reads_a_track_can_be_stopped() {
    let (_folder, library) = library();
    let take = recorded(&library, "take", 100_000, 1);
    let track = library.track_of_take(&take, take.range());
    let stop = Arc::new(AtomicBool::new(false));
    let outline = track.analyse(&stop, Outline::of).unwrap();
    assert_eq!(outline.frames, 100_000);
    assert_eq!(track.analyse(&stop, Spectrogram::of).unwrap().height, crate::library::spectrogram::HEIGHT);
    assert!(difference_db(&track, &[], &stop).is_ok());
    stop.store(true, Ordering::Relaxed);
    assert!(matches!(track.analyse(&stop, Outline::of), Err(LibraryError::Stopped)));
    assert!(matches!(track.analyse(&stop, Spectrogram::of), Err(LibraryError::Stopped)));
    assert!(matches!(difference_db(&track, &[], &stop), Err(LibraryError::Stopped)));
}

#[test]
fn the_difference_is_what_the_stems_leave_of_the_original() {
    let (_folder, library) = library();
    let take = recorded(&library, "take", 10_000, 2);
    let record = JobRecord { range: (100, 9_100), ..job(&library, &take, &[]) };
    let original = library.track_of_take(&take, record.range);
    let bytes = fs::read(library.take_file(take.id)).unwrap();
    let stem = |share: f32| {
        let path = library.root().join(format!("{share}.f32"));
        let (samples, _) = bytes[100 * 8..9_100 * 8].as_chunks::<4>();
        let samples: Vec<f32> = samples.iter().map(|&sample| f32::from_le_bytes(sample) * share).collect();
        fs::write(&path, bytes_of(&samples)).unwrap();
        TrackFile { path, first_frame: 0, ..original.clone() }
    };
    let stop = Arc::new(AtomicBool::new(false));
    let difference = |stems: &[TrackFile]| difference_db(&original, stems, &stop);
    assert_eq!(difference(&[stem(0.5), stem(0.25), stem(0.25)]).unwrap(), Some(f32::NEG_INFINITY));
    let left = difference(&[stem(0.5), stem(0.25)]).unwrap().unwrap();
    assert!((left + 12.04).abs() < 0.01, "{left} dB");
    let shorter = TrackFile { frames: 8_000, ..stem(1.0) };
    assert!(matches!(
        difference(&[shorter]),
        Err(LibraryError::Sound { cause: AudioError::Shape { .. }, .. })
    ));
}

#[test]
fn a_track_at_another_rate_is_converted_once_and_sounds_the_same() {
    let (_folder, library) = library();
    let take = sine(&library, 48_000);
    let track = library.track_of_take(&take, (480, 48_000));
    assert_eq!(library.at_rate(&track, 48_000, &mut |_| false).unwrap(), track, "nothing to do");
    let mut shares = Vec::new();
    let mut progress = |share| {
        shares.push(share);
        true
    };
    let converted = library.at_rate(&track, 44_100, &mut progress).unwrap();
    assert!(shares.is_sorted() && shares.last() == Some(&1.0));
    assert_eq!((converted.frames, converted.rate_hz, converted.channels), (43_659, 44_100, 2));
    let sound = audio(&converted);
    for channel in &sound.channels {
        for (frame, sample) in channel.iter().enumerate().skip(4_000).take(35_000) {
            let expected = (std::f64::consts::TAU * 1_000.0 * frame as f64 / 44_100.0).sin() * 0.5;
            assert!((f64::from(*sample) - expected).abs() < 1e-4, "frame {frame}: {sample} {expected}");
        }
    }
    let again = library.at_rate(&track, 44_100, &mut |_| panic!("converted again")).unwrap();
    assert_eq!(again, converted);
    let other_part = TrackFile { first_frame: 0, ..track.clone() };
    assert_ne!(library.at_rate(&other_part, 44_100, &mut |_| true).unwrap().path, converted.path);
    assert!(matches!(library.at_rate(&track, 96_000, &mut |_| false), Err(LibraryError::Stopped)));
    assert!(matches!(library.at_rate(&track, 1, &mut |_| true), Err(LibraryError::Sound { .. })));
    assert_eq!(entries(&library.cache()).count(), 2);
    assert_eq!(entries(&library.temporary()).count(), 0, "a stopped one leaves nothing");
    // A piece of one, as a power cut may leave it, is made again.
    fs::write(&converted.path, [0; 100]).unwrap();
    assert_eq!(audio(&library.at_rate(&track, 44_100, &mut |_| true).unwrap()), sound);
}

#[test]
fn the_cache_is_bounded_and_the_longest_unused_go_first() {
    let (_folder, library) = library();
    let start = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000);
    let paths: Vec<_> = (0..5u64)
        .map(|age| {
            let path = library.cache().join(format!("{age}.f32"));
            fs::write(&path, [0; 100]).unwrap();
            let file = fs::File::options().append(true).open(&path).unwrap();
            file.set_modified(start - std::time::Duration::from_secs(age)).unwrap();
            path
        })
        .collect();
    library.bound_cache(500, &paths[4]);
    assert_eq!(names(&library.cache()).len(), 5);
    library.bound_cache(250, &paths[4]);
    assert_eq!(names(&library.cache()), ["0.f32", "4.f32"]);
    library.bound_cache(0, &paths[4]);
    assert_eq!(names(&library.cache()), ["4.f32"]);
}
