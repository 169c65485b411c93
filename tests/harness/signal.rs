//! Sound made for tests: cheap, repeatable, different for every seed.

use sha2::{Digest, Sha256 as Hasher};
use std::f32::consts::TAU;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use tributary_audio::{ClipShape, FrameSink, WavWriter};
use tributary_protocol::vocab::{ClipHeader, Sha256};

/// A chord with a beat and a little noise, interleaved: `frames * channels` samples within ±0.6.
#[must_use]
pub fn song(seed: u32, frames: u64, channels: u16, rate_hz: u32) -> Vec<f32> {
    let mut samples = Vec::new();
    let mut noise = seed.wrapping_mul(2_654_435_761) | 1;
    for frame in 0..frames {
        let time = frame as f32 / rate_hz as f32;
        let beat = (-(time * 2.0).fract() * 12.0).exp();
        for channel in 0..channels {
            noise ^= noise << 13;
            noise ^= noise >> 17;
            noise ^= noise << 5;
            let hiss = noise as f32 / u32::MAX as f32 - 0.5;
            let root = 110.0 * (1.0 + (seed % 12) as f32 / 12.0) * (1.0 + 0.001 * f32::from(channel));
            let chord: f32 = [1.0, 1.5, 2.0].iter().map(|step| (TAU * root * step * time).sin()).sum();
            samples.push(0.1 * chord + 0.3 * hiss * beat);
        }
    }
    samples
}

/// Writes canonical bytes and answers their header.
///
/// # Errors
/// Where the file cannot be written.
pub fn write_canonical(
    path: &Path,
    samples: &[f32],
    channels: u16,
    rate_hz: u32,
) -> anyhow::Result<ClipHeader> {
    let (mut file, mut hasher) = (BufWriter::new(File::create(path)?), Hasher::new());
    for sample in samples {
        file.write_all(&sample.to_le_bytes())?;
        hasher.update(sample.to_le_bytes());
    }
    file.flush()?;
    let frames = samples.len() as u64 / u64::from(channels);
    Ok(ClipHeader { sha256: Sha256(hasher.finalize().into()), frames, channels, rate_hz })
}

/// Writes a WAV file of 32-bit float, as users have them.
///
/// # Errors
/// Where the file cannot be written.
pub fn write_wav(path: &Path, samples: &[f32], channels: u16, rate_hz: u32) -> anyhow::Result<()> {
    let frames = samples.len() as u64 / u64::from(channels);
    let mut wav = WavWriter::create(path, ClipShape { channels, frames, rate_hz })?;
    let planes: Vec<Vec<f32>> = (0..usize::from(channels))
        .map(|channel| samples.iter().skip(channel).step_by(channels.into()).copied().collect())
        .collect();
    wav.write(&planes.iter().map(Vec::as_slice).collect::<Vec<_>>())?;
    wav.finish()?;
    Ok(())
}

/// The samples of a file of canonical bytes.
///
/// # Errors
/// Where the file cannot be read.
pub fn read_canonical(path: &Path) -> anyhow::Result<Vec<f32>> {
    let bytes = std::fs::read(path)?;
    Ok(bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect())
}

/// How far `parts` are from summing to `whole`, in dB of the whole.
#[must_use]
pub fn residual_db(whole: &[f32], parts: &[Vec<f32>]) -> f64 {
    let square = |value: f64| value * value;
    let (mut signal, mut rest) = (1e-30, 1e-30);
    for (at, sample) in whole.iter().enumerate() {
        let sum: f64 = parts.iter().map(|part| f64::from(part[at])).sum();
        signal += square(f64::from(*sample));
        rest += square(f64::from(*sample) - sum);
    }
    10.0 * (rest / signal).log10()
}
