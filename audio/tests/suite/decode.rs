//! Files of every format against the tones they were made of, and files that are none.

use std::path::{Path, PathBuf};

use tributary_audio::{Audio, AudioError, ClipShape, open};

use crate::signal::{collect, ratio_db, tones};

const FRAMES: usize = 22_050;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

fn tones_of_fixtures(frames: usize) -> Audio {
    tones(44_100, frames, &[(0.4, 440.0), (0.3, 1_000.0)])
}

/// Decodes `name`; from frame `delay_frames` on it must be the tones, `decibel` apart at least.
fn check(name: &str, frames: usize, delay_frames: usize, decibel: f64) {
    let audio = collect(&mut open(&fixture(name)).unwrap());
    assert_eq!(audio.shape(), ClipShape { channels: 2, frames: frames as u64, rate_hz: 44_100 }, "{name}");
    let known = FRAMES.min(frames - delay_frames);
    let expected = tones_of_fixtures(known);
    for (expected, decoded) in expected.channels.iter().zip(&audio.channels) {
        let reached = ratio_db(expected, &decoded[delay_frames..delay_frames + known]);
        assert!(reached >= decibel, "{name}: {reached:.1} dB");
    }
}

// The lossless ones reach what 16 bits can say of such tones. The lossy ones reach what ffmpeg's own decoders reach
// with the same files: 26.0 (LAME takes 5 % off the level), 21.7 and 39.5 dB. One frame of delay would leave 16 dB.

#[test]
fn flac_and_aiff_are_exact_to_16_bits() {
    check("tones.flac", FRAMES, 0, 85.0);
    check("tones.aiff", 5_512, 0, 85.0);
}

#[test]
fn mp3_is_cut_to_its_true_length_where_its_encoder_left_a_tag() {
    check("tones.mp3", FRAMES, 0, 25.5);
}

#[test]
fn mp3_without_a_tag_is_given_whole_with_its_delay() {
    // 576 frames of the encoder, 528 + 1 of the decoder.
    check("tones.no-xing.mp3", 21 * 1_152, 1_105, 25.5);
}

#[test]
fn aac_in_mp4_is_cut_to_its_edit_list() {
    check("tones.m4a", FRAMES, 0, 21.5);
}

#[test]
fn aac_without_a_container_is_given_whole_with_its_delay() {
    check("tones.aac", 23 * 1_024, 1_024, 21.5);
}

#[test]
fn ogg_vorbis_has_its_true_length() {
    check("tones.ogg", FRAMES, 0, 39.0);
}

#[test]
fn compressed_wav_is_decoded_too() {
    // Its last block is filled up, and nothing says how far: 6 blocks of 1,017 frames.
    let audio = collect(&mut open(&fixture("tones.adpcm.wav")).unwrap());
    assert_eq!(audio.shape(), ClipShape { channels: 2, frames: 6 * 1_017, rate_hz: 44_100 });
    let reached = ratio_db(&tones_of_fixtures(5_512).channels[1], &audio.channels[1][..5_512]);
    assert!(reached >= 25.0, "{reached:.1} dB");
}

fn opened(bytes: &[u8]) -> Result<(), AudioError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("clip");
    std::fs::write(&path, bytes).unwrap();
    let mut frames = open(&path)?;
    Audio::read_all(&mut frames, 1 << 24).map(drop)
}

#[test]
fn a_file_without_bytes_and_files_that_are_no_sound_are_told_so() {
    assert!(matches!(opened(b""), Err(AudioError::NotAudio { .. })));
    assert!(matches!(opened(b"hello"), Err(AudioError::NotAudio { .. } | AudioError::Damaged { .. })));
    let text = "It is a truth universally acknowledged. ".repeat(500);
    let error = opened(text.as_bytes()).unwrap_err();
    assert!(matches!(error, AudioError::NotAudio { .. }), "{error}");
    let picture = [b"\x89PNG\r\n\x1a\n".as_slice(), &[7; 5_000]].concat();
    let error = opened(&picture).unwrap_err();
    assert!(matches!(error, AudioError::NotAudio { .. }), "{error}");
    assert!(matches!(open(Path::new("no such file")), Err(AudioError::Io { .. })));
}

#[test]
fn a_file_cut_short_is_damaged_and_never_ends_in_silence() {
    for name in ["tones.flac", "tones.aiff", "tones.mp3", "tones.m4a", "tones.ogg", "tones.adpcm.wav"] {
        let bytes = std::fs::read(fixture(name)).unwrap();
        for kept in [bytes.len() / 2, bytes.len() * 9 / 10] {
            let error = opened(&bytes[..kept]).unwrap_err();
            assert!(matches!(error, AudioError::Damaged { .. }), "{name} at {kept}: {error}");
        }
    }
}

#[test]
fn a_flac_file_whose_samples_changed_is_found_by_its_checksum() {
    let mut bytes = std::fs::read(fixture("tones.flac")).unwrap();
    // The checksum of all samples stands in bytes 26 to 42; another one there is as good as another sample.
    bytes[30] ^= 1;
    let error = opened(&bytes).unwrap_err();
    assert!(error.to_string().contains("checksum"), "{error}");
}

#[test]
fn a_clip_of_our_own_opens_whatever_its_name() {
    let audio = tones(8_000, 1, &[(0.5, 440.0)]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("clip.mp3");
    let mut writer = tributary_audio::WavWriter::create(&path, audio.shape()).unwrap();
    tributary_audio::frames::copy(&mut audio.clone().into_frames(), &mut writer).unwrap();
    drop(writer);
    assert_eq!(collect(&mut open(&path).unwrap()), audio, "one frame is a clip");
}
