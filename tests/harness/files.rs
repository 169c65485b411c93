//! Sound files made for tests, and files that only look like some.

use crate::signal;
use std::fs;
use std::path::{Path, PathBuf};
use tributary_audio::wav::{WavFormat, WavWriter};
use tributary_audio::{Audio, ClipShape, FrameSink, frames};

/// Frames written at once when a song is repeated.
const LOOP_SECONDS: u64 = 20;

/// A whole sound file in memory.
///
/// # Errors
/// Where it cannot be read.
pub fn read(path: &Path) -> anyhow::Result<Audio> {
    let mut source = tributary_audio::open(path)?;
    let frames = source.shape().frames;
    Ok(Audio::read_all(&mut source, frames)?)
}

/// A WAV file of 32-bit floats with [`signal::song`] in it.
///
/// # Errors
/// Where it cannot be written.
pub fn wav(path: &Path, seed: u32, shape: ClipShape) -> anyhow::Result<PathBuf> {
    let ClipShape { channels, frames, rate_hz } = shape;
    signal::write_wav(path, &signal::song(seed, frames, channels, rate_hz), channels, rate_hz)?;
    Ok(path.to_owned())
}

/// A long 16-bit stereo WAV file at 44.1 kHz: some seconds of song, again and again. Bounded memory.
///
/// # Errors
/// Where it cannot be written.
pub fn long_wav(path: &Path, minutes: u64) -> anyhow::Result<PathBuf> {
    let (rate_hz, channels) = (44_100, 2);
    let once = LOOP_SECONDS * u64::from(rate_hz);
    let song = planar(&signal::song(1, once, channels, rate_hz), channels);
    let shape = ClipShape { channels, frames: minutes * 60 * u64::from(rate_hz), rate_hz };
    let mut writer = WavWriter::create_as(path, shape, WavFormat::Int16)?;
    for _ in 0..shape.frames / once {
        writer.write(&frames::slices(&song))?;
    }
    writer.finish()?;
    Ok(path.to_owned())
}

/// Interleaved samples as `[channels][frames]`.
#[must_use]
pub fn planar(interleaved: &[f32], channels: u16) -> Vec<Vec<f32>> {
    let channels = usize::from(channels);
    (0..channels)
        .map(|channel| interleaved.iter().skip(channel).step_by(channels).copied().collect())
        .collect()
}

/// A file that cannot be separated, and words of the message that must say so.
pub struct Broken {
    /// The file.
    pub path: PathBuf,
    /// Words of the message.
    pub says: &'static [&'static str],
}

/// Every way a file is no song, one file each.
///
/// # Errors
/// Where they cannot be written.
pub fn broken(folder: &Path) -> anyhow::Result<Vec<Broken>> {
    let shape = ClipShape { channels: 2, frames: 2_000, rate_hz: 44_100 };
    let whole = fs::read(wav(&folder.join("whole.wav"), 5, shape)?)?;
    let header_bytes = whole.len() - 2_000 * 8;
    let mut not_a_number = whole.clone();
    // Frame 100, channel 1.
    let at = header_bytes + (100 * 2 + 1) * 4;
    not_a_number[at..at + 4].copy_from_slice(&f32::NAN.to_le_bytes());
    let mut nine_channels = whole.clone();
    nine_channels[22..24].copy_from_slice(&9_u16.to_le_bytes());
    nine_channels[32..34].copy_from_slice(&36_u16.to_le_bytes());
    let mut no_samples = whole[..header_bytes].to_vec();
    no_samples[header_bytes - 4..].fill(0);
    let files: [(&str, Vec<u8>, &[&str]); 8] = [
        (
            "letter.wav",
            b"Dear mixing engineer, the song is in the other mail.".to_vec(),
            &["not an audio file"],
        ),
        ("empty.wav", vec![], &["no bytes"]),
        ("no samples.wav", no_samples, &["empty", "no frames"]),
        ("header only.wav", whole[..header_bytes].to_vec(), &["damaged", "the file holds 0"]),
        ("half a header.wav", whole[..30].to_vec(), &["damaged"]),
        ("cut off.wav", whole[..header_bytes + 8_000].to_vec(), &["damaged", "2000 frames", "holds 1000"]),
        ("not a number.wav", not_a_number, &["frame 100 of channel 1", "not a finite number"]),
        ("nine channels.wav", nine_channels, &["channels is 9", "8"]),
    ];
    let mut broken = vec![
        Broken { path: folder.join("nowhere.wav"), says: &["No such file"] },
        Broken { path: folder.to_owned(), says: &["directory"] },
    ];
    for (name, bytes, says) in files {
        let path = folder.join(name);
        fs::write(&path, bytes)?;
        broken.push(Broken { path, says });
    }
    Ok(broken)
}
