//! Clips of any length out of our song. The song is a FLAC, so the program itself decodes it: the sum of its stems.

use crate::{run, workspace};
use anyhow::Context;
use hound::{SampleFormat, WavReader, WavSpec, WavWriter};
use std::path::{Path, PathBuf};
use std::process::Command;

const SPEC: WavSpec =
    WavSpec { channels: 2, sample_rate: 44_100, bits_per_sample: 16, sample_format: SampleFormat::Int };

/// Our song, left and right in turn.
pub(crate) struct Song {
    samples: Vec<i16>,
}

impl Song {
    /// Separates the song here and adds the stems up again.
    ///
    /// # Errors
    /// A program that fails, or stems that cannot be read.
    pub(crate) fn decode(program: &Path, scratch: &Path) -> anyhow::Result<Self> {
        let out = scratch.join("song");
        let mixture = workspace::root().join("tests/song/mixture.flac");
        let mut separate = Command::new(program);
        run::ask(separate.args(["separate", "--local", "--json", "--out"]).arg(&out).arg(mixture))?;
        let mut sum: Vec<f32> = Vec::new();
        for entry in std::fs::read_dir(&out).context("list the stems")? {
            let path = entry.context("list the stems")?.path();
            let mut stem = WavReader::open(&path).with_context(|| format!("read {}", path.display()))?;
            sum.resize(stem.len() as usize, 0.0);
            for (sum, sample) in sum.iter_mut().zip(stem.samples::<f32>()) {
                *sum += sample.with_context(|| format!("read {}", path.display()))?;
            }
        }
        Ok(Self { samples: sum.into_iter().map(whole).collect() })
    }

    /// The song again and again for that long, from frame `first` on: a server keeps the clips it has, so a clip that
    /// is to be sent must be a new one.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub(crate) fn looped(&self, seconds: usize, first: usize, path: &Path) -> anyhow::Result<PathBuf> {
        let channels = usize::from(SPEC.channels);
        let count = seconds * SPEC.sample_rate as usize * channels;
        write(self.samples.iter().copied().cycle().skip(first * channels).take(count), path)
    }

    /// Its first frames.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub(crate) fn beginning(&self, frames: usize, path: &Path) -> anyhow::Result<PathBuf> {
        write(self.samples.iter().copied().take(frames * usize::from(SPEC.channels)), path)
    }
}

fn write(samples: impl Iterator<Item = i16>, path: &Path) -> anyhow::Result<PathBuf> {
    let context = || format!("write {}", path.display());
    let mut wav = WavWriter::create(path, SPEC).with_context(context)?;
    for sample in samples {
        wav.write_sample(sample).with_context(context)?;
    }
    wav.finalize().with_context(context)?;
    Ok(path.to_owned())
}

/// Full scale is 32768; louder is clipped.
fn whole(sample: f32) -> i16 {
    // `as` from float to integer saturates.
    (sample * 32_768.0).round() as i16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clip_is_as_long_as_asked_and_begins_again_with_the_song() {
        let folder = tempfile::tempdir().unwrap();
        let song = Song { samples: vec![1, 2, 3, 4, 5, 6] };
        let path = song.looped(1, 1, &folder.path().join("a.wav")).unwrap();
        let mut wav = WavReader::open(path).unwrap();
        assert_eq!(wav.duration(), 44_100);
        assert_eq!(
            wav.samples::<i16>().take(8).collect::<Result<Vec<_>, _>>().unwrap(),
            [3, 4, 5, 6, 1, 2, 3, 4]
        );
        let path = song.beginning(1, &folder.path().join("b.wav")).unwrap();
        assert_eq!(WavReader::open(path).unwrap().duration(), 1);
    }
}
