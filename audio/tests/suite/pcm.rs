//! The canonical clip file: its bytes, and its refusal of any other number of them.

use std::io::Cursor;

use tributary_audio::{Audio, AudioError, ClipShape, FrameSink, Frames, PcmReader, PcmWriter};

use crate::signal::{collect, noise};

fn bytes_of(audio: &Audio) -> Vec<u8> {
    let mut writer = PcmWriter::new(Vec::new(), audio.shape()).unwrap();
    tributary_audio::frames::copy(&mut audio.clone().into_frames(), &mut writer).unwrap();
    writer.into_inner()
}

#[test]
fn a_clip_is_its_samples_side_by_side_and_comes_back_bit_for_bit() {
    let audio = noise(3, 9_001, 48_000, 2.0, 5);
    let bytes = bytes_of(&audio);
    assert_eq!(bytes.len() as u64, tributary_audio::pcm::bytes_of(audio.shape()).unwrap());
    assert_eq!(bytes[4..8], audio.channels[1][0].to_le_bytes());
    assert_eq!(collect(&mut PcmReader::new(Cursor::new(bytes), audio.shape()).unwrap()), audio);
}

#[test]
fn a_clip_on_disk_must_be_as_long_as_its_shape_says() {
    let audio = noise(2, 1_000, 44_100, 1.0, 6);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("clip.pcm");
    let mut writer = PcmWriter::create(&path, audio.shape()).unwrap();
    tributary_audio::frames::copy(&mut audio.clone().into_frames(), &mut writer).unwrap();
    assert_eq!(collect(&mut PcmReader::open(&path, audio.shape()).unwrap()), audio);
    for frames in [999, 1_001] {
        let error = PcmReader::open(&path, ClipShape { frames, ..audio.shape() }).unwrap_err();
        assert!(error.to_string().contains("there are 8000"), "{error}");
    }
}

#[test]
fn fewer_or_more_bytes_than_declared_are_found_while_reading() {
    let audio = noise(2, 1_000, 44_100, 1.0, 7);
    let bytes = bytes_of(&audio);
    let read = |bytes: Vec<u8>| {
        let mut reader = PcmReader::new(Cursor::new(bytes), audio.shape())?;
        let mut block = vec![Vec::new(); 2];
        while reader.read(&mut block, 300)? > 0 {}
        Ok::<_, AudioError>(())
    };
    let short = read(bytes[..bytes.len() - 8].to_vec()).unwrap_err();
    assert!(short.to_string().contains("declares 1000 frames, 999 were found"), "{short}");
    assert!(matches!(read([bytes, vec![0]].concat()), Err(AudioError::Damaged { .. })));
}

#[test]
fn no_bad_sample_passes_in_either_direction() {
    let shape = ClipShape { channels: 1, frames: 6, rate_hz: 44_100 };
    let mut bytes: Vec<u8> = Vec::new();
    for sample in [0.0, 0.0, 0.0, f32::NAN, 0.0, 0.0] {
        bytes.extend(sample.to_le_bytes());
    }
    let mut reader = PcmReader::new(Cursor::new(bytes), shape).unwrap();
    let mut block = vec![Vec::new()];
    assert_eq!(reader.read(&mut block, 2).unwrap(), 2);
    assert!(matches!(reader.read(&mut block, 4), Err(AudioError::NotFinite { frame: 3, channel: 0 })));
    let mut writer = PcmWriter::new(Vec::new(), shape).unwrap();
    writer.write(&[&[0.0; 4]]).unwrap();
    let error = writer.write(&[&[0.0, f32::INFINITY]]).unwrap_err();
    assert!(matches!(error, AudioError::NotFinite { frame: 5, channel: 0 }), "{error}");
}

#[test]
fn a_length_beyond_64_bits_of_bytes_is_refused() {
    let shape = ClipShape { channels: 8, frames: u64::MAX / 16, rate_hz: 44_100 };
    assert!(matches!(PcmReader::new(Cursor::new([]), shape), Err(AudioError::Limit { .. })));
}
