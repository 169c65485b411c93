//! FLAC out, read back by `symphonia`, which checks the checksum of every block and of all samples.

use std::io::Cursor;
use std::path::Path;

use tributary_audio::{Audio, AudioError, ClipShape, FlacWriter, FrameSink, frames, open};

use crate::signal::{collect, noise, tones};

fn round_trip(audio: &Audio) -> (Audio, u64) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("clip.flac");
    let mut writer = FlacWriter::create(&path, audio.shape()).unwrap();
    frames::copy(&mut audio.clone().into_frames(), &mut writer).unwrap();
    (read(&path), writer.clipped_samples())
}

fn read(path: &Path) -> Audio {
    collect(&mut open(path).unwrap())
}

/// The nearest 24-bit value of every sample.
fn rounded(audio: &Audio) -> Audio {
    let nearest =
        |&sample: &f32| (f64::from(sample) * 8_388_608.0).round_ties_even().clamp(-8_388_608.0, 8_388_607.0);
    let channels = audio
        .channels
        .iter()
        .map(|channel| channel.iter().map(|sample| (nearest(sample) / 8_388_608.0) as f32).collect())
        .collect();
    Audio { channels, rate_hz: audio.rate_hz }
}

#[test]
fn every_length_around_a_block_comes_back_to_24_bits() {
    for frames in [1, 2, 31, 32, 33, 63, 64, 4_095, 4_096, 4_097, 8_192, 20_000] {
        for channels in [1, 2, 8] {
            let audio = noise(channels, frames, 44_100, 0.5, frames as u64);
            assert_eq!(round_trip(&audio), (rounded(&audio), 0), "{frames} frames, {channels} channels");
        }
    }
}

#[test]
fn silence_full_scale_and_alternating_extremes_survive() {
    let extremes = (0..10_000).map(|frame| if frame % 2 == 0 { -1.0 } else { 1.0 }).collect::<Vec<f32>>();
    let opposite = extremes.iter().map(|sample| -sample).collect();
    for audio in [
        Audio::silence(ClipShape { channels: 2, frames: 10_000, rate_hz: 48_000 }),
        Audio { channels: vec![vec![1.0; 10_000], vec![-1.0; 10_000]], rate_hz: 48_000 },
        Audio { channels: vec![extremes, opposite], rate_hz: 48_000 },
        noise(2, 10_000, 48_000, 1.0, 9),
        tones(48_000, 10_000, &[(0.9, 440.0), (1e-6, 3_000.0)]),
    ] {
        assert_eq!(round_trip(&audio), (rounded(&audio), 0));
    }
}

#[test]
fn no_block_is_longer_than_its_samples() {
    for level in [0.01, 0.1, 0.5, 1.0] {
        let audio = noise(3, 40_000, 44_100, level, 12);
        let mut writer = FlacWriter::new(Cursor::new(Vec::new()), audio.shape()).unwrap();
        frames::copy(&mut audio.into_frames(), &mut writer).unwrap();
        let bytes = writer.into_inner().into_inner().len();
        // 32 bytes a block for its own header and those of its channels.
        assert!(bytes <= 42 + 3 * 3 * 40_000 + 10 * 32, "noise of {level}: {bytes} bytes");
    }
}

#[test]
fn every_rate_reaches_the_reader() {
    for rate_hz in [8_000, 11_025, 44_100, 47_999, 88_200, 95_999, 96_000, 96_001, 176_400, 192_000] {
        let audio = noise(2, 5_000, rate_hz, 0.1, 11);
        assert_eq!(round_trip(&audio).0, rounded(&audio), "{rate_hz} Hz");
    }
}

#[test]
fn overs_are_clipped_and_counted() {
    let audio =
        Audio { channels: vec![vec![0.0, 1.0, 1.25, -3.0], vec![-1.0, 0.5, 1.1, 0.0]], rate_hz: 44_100 };
    let (back, clipped) = round_trip(&audio);
    assert_eq!(clipped, 3);
    assert_eq!(back, rounded(&audio));
}

#[test]
fn the_header_declares_length_and_checksum() {
    let audio = tones(44_100, 10_000, &[(0.5, 440.0)]);
    let mut writer = FlacWriter::new(Cursor::new(Vec::new()), audio.shape()).unwrap();
    frames::copy(&mut audio.clone().into_frames(), &mut writer).unwrap();
    let bytes = writer.into_inner().into_inner();
    assert_eq!(&bytes[..4], b"fLaC");
    assert_eq!(u64::from_be_bytes(bytes[18..26].try_into().unwrap()) & 0xF_FFFF_FFFF, 10_000);
    assert_ne!(bytes[26..42], [0; 16]);
    assert!(bytes.len() < 10_000 * 2, "a sine is compressed: {} bytes", bytes.len());
}

#[test]
fn a_wrong_number_of_frames_and_bad_samples_are_refused() {
    let shape = ClipShape { channels: 1, frames: 3, rate_hz: 44_100 };
    let mut writer = FlacWriter::new(Cursor::new(Vec::new()), shape).unwrap();
    assert!(matches!(writer.write(&[&[0.0, f32::NAN]]), Err(AudioError::NotFinite { frame: 1, channel: 0 })));
    writer.write(&[&[0.0; 2]]).unwrap();
    assert!(matches!(writer.finish(), Err(AudioError::Shape { .. })));
    assert!(matches!(writer.write(&[&[0.0; 2]]), Err(AudioError::Shape { .. })));
    writer.write(&[&[0.0]]).unwrap();
    writer.finish().unwrap();
}
