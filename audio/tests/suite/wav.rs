//! WAV in all its forms, in and out, against `hound` and against headers written by hand.

use std::io::{self, Cursor, Read, Seek, SeekFrom};

use proptest::prelude::*;
use tributary_audio::wav::floats::Floats;
use tributary_audio::{
    Audio, AudioError, Bext, ClipShape, FrameSink, Frames, WavFormat, WavReader, WavWriter,
};

use crate::signal::{collect, noise};

fn read(bytes: Vec<u8>) -> Result<Audio, AudioError> {
    Ok(collect(&mut WavReader::new(Cursor::new(bytes))?))
}

fn written(audio: &Audio, format: WavFormat) -> (Vec<u8>, u64) {
    let mut writer = WavWriter::new(Vec::new(), audio.shape(), format).unwrap();
    tributary_audio::frames::copy(&mut audio.clone().into_frames(), &mut writer).unwrap();
    let clipped = writer.clipped_samples();
    (writer.into_inner(), clipped)
}

fn chunk(name: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let mut bytes = [name.as_slice(), &(body.len() as u32).to_le_bytes(), body].concat();
    bytes.resize(bytes.len().next_multiple_of(2), 0);
    bytes
}

fn format_chunk(tag: u16, channels: u16, rate_hz: u32, bits: u16, frame_bytes: u16) -> Vec<u8> {
    let mut body = [tag.to_le_bytes(), channels.to_le_bytes()].concat();
    body.extend(rate_hz.to_le_bytes());
    body.extend((rate_hz * u32::from(frame_bytes)).to_le_bytes());
    body.extend([frame_bytes.to_le_bytes(), bits.to_le_bytes()].concat());
    chunk(b"fmt ", &body)
}

fn riff(chunks: &[Vec<u8>]) -> Vec<u8> {
    let body = chunks.concat();
    [b"RIFF".as_slice(), &(body.len() as u32 + 4).to_le_bytes(), b"WAVE", &body].concat()
}

/// Writes with `hound`, reads with ours: every value must be its integer over full scale.
fn check_integers(bits: u16, channels: u16) {
    let top = 1i64 << (bits - 1);
    let values: Vec<i32> = [-top, -top + 1, -1, 0, 1, top / 3, top - 2, top - 1]
        .iter()
        .cycle()
        .take(usize::from(channels) * 9)
        .map(|&value| value as i32)
        .collect();
    let spec = hound::WavSpec {
        channels,
        sample_rate: 48_000,
        bits_per_sample: bits,
        sample_format: hound::SampleFormat::Int,
    };
    let mut file = Cursor::new(Vec::new());
    let mut writer = hound::WavWriter::new(&mut file, spec).unwrap();
    values.iter().for_each(|&value| writer.write_sample(value).unwrap());
    writer.finalize().unwrap();
    let audio = read(file.into_inner()).unwrap();
    assert_eq!(audio.shape(), ClipShape { channels, frames: 9, rate_hz: 48_000 });
    for (at, &value) in values.iter().enumerate() {
        let (frame, channel) = (at / usize::from(channels), at % usize::from(channels));
        let expected = (f64::from(value) / top as f64) as f32;
        assert_eq!(audio.channels[channel][frame].to_bits(), expected.to_bits(), "{bits} bits, sample {at}");
    }
}

#[test]
fn integers_of_every_width_and_channel_count_are_read_exactly() {
    for bits in [8, 16, 24, 32] {
        for channels in 1..=8 {
            check_integers(bits, channels);
        }
    }
}

#[test]
fn floats_of_32_bits_keep_every_bit() {
    let audio = noise(3, 10_000, 96_000, 4.0, 1);
    let spec = hound::WavSpec {
        channels: 3,
        sample_rate: 96_000,
        bits_per_sample: 32,
        sample_format: hound::SampleFormat::Float,
    };
    let mut file = Cursor::new(Vec::new());
    let mut writer = hound::WavWriter::new(&mut file, spec).unwrap();
    for frame in 0..audio.frames() {
        audio.channels.iter().for_each(|channel| writer.write_sample(channel[frame]).unwrap());
    }
    writer.finalize().unwrap();
    assert_eq!(read(file.into_inner()).unwrap(), audio);
}

#[test]
fn floats_of_64_bits_are_rounded_to_the_nearest() {
    let values = [0.1f64, -0.7, 1e-3, 1.5, -0.0];
    let data: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    let audio = read(riff(&[format_chunk(3, 1, 44_100, 64, 8), chunk(b"data", &data)])).unwrap();
    assert_eq!(audio.channels[0], values.map(|value| value as f32));
}

#[test]
fn extensible_headers_odd_chunks_and_a_piece_of_a_frame_are_understood() {
    let mut body = format_chunk(0xFFFE, 2, 44_100, 24, 6)[8..].to_vec();
    body.extend([22, 0, 20, 0, 3, 0, 0, 0, 1, 0]);
    body.extend([0, 0, 0, 0, 16, 0, 0x80, 0, 0, 0xAA, 0, 0x38, 0x9B, 0x71]);
    let data = [0, 0, 0x40, 0, 0, 0xC0, 0xF0, 0xFF, 0xFF, 0, 0, 0x80, 9, 9, 9];
    let file = riff(&[chunk(b"JUNK", &[1, 2, 3]), chunk(b"fmt ", &body), chunk(b"data", &data)]);
    let audio = read(file).unwrap();
    assert_eq!(audio.channels[0], [0.5, -16.0 / 8_388_608.0]);
    assert_eq!(audio.channels[1], [-0.5, -1.0]);
}

#[test]
fn a_recording_into_a_pipe_ends_where_the_file_ends() {
    let mut file = riff(&[format_chunk(1, 1, 8_000, 16, 2), chunk(b"data", &[0, 64, 0, 32])]);
    let at = file.len() - 8;
    file[at..at + 4].copy_from_slice(&u32::MAX.to_le_bytes());
    assert_eq!(read(file).unwrap().channels[0], [0.5, 0.25]);
}

#[test]
fn bad_files_are_refused_by_what_is_wrong_with_them() {
    let format = format_chunk(1, 2, 44_100, 16, 4);
    let data = chunk(b"data", &[0; 400]);
    let whole = riff(&[format.clone(), data.clone()]);
    let damaged = |bytes: Vec<u8>| match read(bytes).unwrap_err() {
        AudioError::Damaged { reason } => reason,
        other => panic!("{other}"),
    };
    let truncated = damaged(whole[..whole.len() - 40].to_vec());
    assert_eq!(truncated, "the header declares 100 frames, the file holds 90");
    assert!(damaged(riff(std::slice::from_ref(&format))).contains("no data chunk"));
    assert!(damaged(riff(std::slice::from_ref(&data))).contains("before their format"));
    assert!(damaged(riff(&[format_chunk(3, 1, 44_100, 16, 2), data.clone()])).contains("16 bits"));
    assert!(damaged(riff(&[format_chunk(1, 2, 44_100, 16, 2), data.clone()])).contains("2 bytes"));
    assert!(damaged(whole[..20].to_vec()).contains("format chunk"));
    let empty = riff(&[format, chunk(b"data", &[])]);
    assert!(matches!(read(empty), Err(AudioError::Empty)));
    let limit = |channels, rate_hz| {
        let format = format_chunk(1, channels, rate_hz, 16, channels * 2);
        match read(riff(&[format, data.clone()])).unwrap_err() {
            AudioError::Limit { what, value, .. } => (what, value),
            other => panic!("{other}"),
        }
    };
    assert_eq!(limit(9, 44_100), ("the number of channels", 9));
    assert_eq!(limit(2, 192_001), ("the sample rate", 192_001));
    assert_eq!(limit(2, 7_999), ("the sample rate", 7_999));
    assert!(matches!(read(b"RIFF\x04\0\0\0WAVX".to_vec()), Err(AudioError::NotAudio { .. })));
}

#[test]
fn a_sample_that_is_no_number_is_named_by_its_position() {
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let mut samples = vec![0.25f32; 20_000];
        samples[2 * 7_001 + 1] = bad;
        let data: Vec<u8> = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
        let file = riff(&[format_chunk(3, 2, 44_100, 32, 8), chunk(b"data", &data)]);
        let mut reader = WavReader::new(Cursor::new(file)).unwrap();
        let error = Audio::read_all(&mut reader, 1 << 20).unwrap_err();
        assert!(matches!(error, AudioError::NotFinite { frame: 7_001, channel: 1 }), "{error}");
        let mut writer = WavWriter::new(
            Vec::new(),
            ClipShape { channels: 1, frames: 1, rate_hz: 8_000 },
            WavFormat::Int16,
        );
        assert!(writer.as_mut().unwrap().write(&[&[bad]]).is_err());
    }
}

#[test]
fn what_we_write_hound_reads() {
    let audio = noise(2, 5_001, 44_100, 0.99, 3);
    for (format, bits, tolerance) in
        [(WavFormat::Float32, 32, 0.0), (WavFormat::Int24, 24, 0.5), (WavFormat::Int16, 16, 0.5)]
    {
        let (bytes, clipped) = written(&audio, format);
        assert_eq!(clipped, 0);
        let mut reader = hound::WavReader::new(Cursor::new(bytes)).unwrap();
        assert_eq!((reader.spec().bits_per_sample, reader.len()), (bits, 10_002));
        let values: Vec<f64> = match format {
            WavFormat::Float32 => reader.samples::<f32>().map(|sample| f64::from(sample.unwrap())).collect(),
            _ => reader.samples::<i32>().map(|sample| f64::from(sample.unwrap())).collect(),
        };
        let scale = if tolerance == 0.0 { 1.0 } else { f64::from(1u32 << (bits - 1)) };
        for (at, value) in values.iter().enumerate() {
            let expected = f64::from(audio.channels[at % 2][at / 2]) * scale;
            assert!((expected - value).abs() <= tolerance, "{format:?}: {expected} {value}");
        }
    }
}

#[test]
fn overs_are_clipped_and_counted_only_in_integers() {
    let audio = Audio { channels: vec![vec![1.0, -1.0, 1.5, -7.0, 0.0]], rate_hz: 44_100 };
    let (bytes, clipped) = written(&audio, WavFormat::Float32);
    assert_eq!((read(bytes).unwrap(), clipped), (audio.clone(), 0));
    let (bytes, clipped) = written(&audio, WavFormat::Int16);
    let top = 32_767.0 / 32_768.0;
    assert_eq!(
        (read(bytes).unwrap().channels[0].as_slice(), clipped),
        ([top, -1.0, top, -1.0, 0.0].as_slice(), 2)
    );
}

#[test]
fn more_or_fewer_frames_than_agreed_are_refused() {
    let shape = ClipShape { channels: 2, frames: 3, rate_hz: 44_100 };
    let mut writer = WavWriter::new(Vec::new(), shape, WavFormat::Float32).unwrap();
    writer.write(&[&[0.0; 2], &[0.0; 2]]).unwrap();
    assert!(matches!(writer.finish(), Err(AudioError::Shape { .. })));
    assert!(matches!(writer.write(&[&[0.0; 2], &[0.0; 2]]), Err(AudioError::Shape { .. })));
    assert!(matches!(writer.write(&[&[0.0]]), Err(AudioError::Shape { .. })));
    assert!(matches!(writer.write(&[&[0.0], &[0.0; 2]]), Err(AudioError::Shape { .. })));
    writer.write(&[&[0.0], &[0.0]]).unwrap();
    writer.finish().unwrap();
    let none = ClipShape { frames: 0, ..shape };
    assert!(matches!(WavWriter::new(Vec::new(), none, WavFormat::Float32), Err(AudioError::Empty)));
}

/// What a `bext` chunk says, by the offsets of EBU Tech 3285: texts, time reference, version, and the bytes before it.
fn read_bext(file: &[u8]) -> (Vec<String>, u64, u16, usize) {
    let at = file.windows(4).position(|name| name == b"bext").unwrap();
    assert_eq!(file[at + 4..at + 8], 602u32.to_le_bytes());
    let body = &file[at + 8..at + 8 + 602];
    let texts = [(0, 256), (256, 288), (288, 320), (320, 330), (330, 338)].map(|(start, end)| {
        String::from_utf8(body[start..end].to_vec()).unwrap().trim_end_matches('\0').to_owned()
    });
    assert!(body[348..].iter().all(|&byte| byte == 0), "no UMID, nothing reserved");
    let reference = u64::from_le_bytes(body[338..346].try_into().unwrap());
    (texts.to_vec(), reference, u16::from_le_bytes([body[346], body[347]]), at)
}

#[test]
fn a_bext_chunk_says_what_it_was_told_and_leaves_the_samples_alone() {
    let bext = |description: &str, time_reference| Bext {
        description: description.to_owned(),
        originator: "Tributary".to_owned(),
        originator_reference: "0".repeat(40),
        date: "2026-01-02".to_owned(),
        time: "03:04:05".to_owned(),
        time_reference,
    };
    let audio = noise(2, 5_001, 44_100, 0.99, 3);
    for (description, expected, reference) in [
        ("Verse 2 - vocals", "Verse 2 - vocals", 96_000),
        ("Größe\0\n", "Gr??e??", 0),
        ("", "", u64::MAX),
        (&"x".repeat(300), &"x".repeat(256), u64::from(u32::MAX) + 1),
    ] {
        let told = bext(description, reference);
        for format in [WavFormat::Float32, WavFormat::Int24] {
            let mut writer = WavWriter::with_bext(Vec::new(), audio.shape(), format, &told).unwrap();
            tributary_audio::frames::copy(&mut audio.clone().into_frames(), &mut writer).unwrap();
            let bytes = writer.into_inner();
            let length = u32::from_le_bytes(bytes[4..8].try_into().unwrap());
            assert_eq!(length as usize, bytes.len() - 8);
            let reference_cut = "0".repeat(32);
            let texts = [expected, "Tributary", reference_cut.as_str(), "2026-01-02", "03:04:05"];
            assert_eq!(read_bext(&bytes), (texts.map(str::to_owned).to_vec(), reference, 1, 12));
            assert_eq!(hound::WavReader::new(Cursor::new(&bytes)).unwrap().len(), 10_002);
            if format == WavFormat::Float32 {
                let floats = Floats::find(&mut Cursor::new(&bytes)).unwrap();
                assert_eq!(floats.shape, audio.shape());
                let first: Vec<u8> =
                    audio.channels.iter().flat_map(|channel| channel[0].to_le_bytes()).collect();
                assert_eq!(bytes[floats.at as usize..][..8], first);
                assert_eq!(read(bytes).unwrap(), audio);
            } else {
                assert!(matches!(Floats::find(&mut Cursor::new(&bytes)), Err(AudioError::NotAudio { .. })));
            }
        }
    }
}

#[test]
fn floats_are_found_only_where_all_of_them_are() {
    let (whole, _) = written(&noise(2, 100, 48_000, 1.0, 1), WavFormat::Float32);
    assert!(Floats::find(&mut Cursor::new(&whole)).is_ok());
    for length in 0..whole.len() {
        assert!(Floats::find(&mut Cursor::new(&whole[..length])).is_err(), "{length} bytes");
    }
}

/// A file of which only the beginning is kept and the rest is zero: long files without the disk.
struct MostlyZero {
    head: Vec<u8>,
    bytes: u64,
    at: u64,
}

impl Read for MostlyZero {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let count = bytes.len().min((self.bytes - self.at) as usize);
        bytes[..count].fill(0);
        let from = self.head.get(self.at as usize..).unwrap_or_default();
        let kept = from.len().min(count);
        bytes[..kept].copy_from_slice(&from[..kept]);
        self.at += count as u64;
        Ok(count)
    }
}

impl Seek for MostlyZero {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.at = match to {
            SeekFrom::Start(at) => at,
            SeekFrom::End(back) => self.bytes.saturating_add_signed(back),
            SeekFrom::Current(by) => self.at.saturating_add_signed(by),
        };
        Ok(self.at)
    }
}

#[test]
fn beyond_4_gib_the_file_is_rf64_and_reads_back_its_length() {
    let frames = (1u64 << 32) / 32 + 5;
    let shape = ClipShape { channels: 8, frames, rate_hz: 192_000 };
    for bext in [None, Some(Bext { time_reference: 7, ..Bext::default() })] {
        check_rf64(shape, bext);
    }
}

fn check_rf64(shape: ClipShape, bext: Option<Bext>) {
    let frames = shape.frames;
    let head = match &bext {
        None => WavWriter::new(Vec::new(), shape, WavFormat::Float32),
        Some(bext) => WavWriter::with_bext(Vec::new(), shape, WavFormat::Float32, bext),
    };
    let head = head.unwrap().into_inner();
    assert_eq!((&head[..4], &head[12..16]), (&b"RF64"[..], &b"ds64"[..]), "ds64 comes before all else");
    if bext.is_some() {
        assert_eq!(read_bext(&head).1, 7);
    }
    let file = MostlyZero { bytes: head.len() as u64 + frames * 32, head, at: 0 };
    let riff_bytes = u64::from_le_bytes(file.head[20..28].try_into().unwrap());
    assert_eq!(riff_bytes, file.bytes - 8, "the length in ds64 counts everything after it");
    let mut reader = WavReader::new(file).unwrap();
    assert_eq!(reader.shape(), shape);
    assert_eq!(reader.read(&mut vec![Vec::new(); 8], 100).unwrap(), 100);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, rng_seed: proptest::test_runner::RngSeed::Fixed(1), ..Default::default() })]

    #[test]
    fn whatever_is_written_comes_back(channels in 1usize..=8, frames in 1usize..9_000, seed: u64, block in 1usize..5_000) {
        let audio = noise(channels, frames, 44_100, 1.0, seed);
        let (bytes, _) = written(&audio, WavFormat::Float32);
        let mut reader = WavReader::new(Cursor::new(bytes)).unwrap();
        let mut back = vec![Vec::new(); channels];
        while reader.read(&mut back, block).unwrap() > 0 {}
        prop_assert_eq!(back, audio.channels);
    }
}
