//! Stems on disk: names, formats, and never half a file under its final name.

mod encoder;

use anyhow::Context;
use encoder::Encoder;
use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use tributary_audio::wav::{WavFormat, WavWriter};
use tributary_audio::{AudioError, ClipShape, FrameSink, Frames, frames};

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Format {
    /// 32-bit float: exactly what the model gave
    Wav,
    /// 24-bit, with dither
    Wav24,
    /// 16-bit, with dither
    Wav16,
    /// 24-bit: a third of the size
    Flac,
}

/// Where the results of one file go: `<folder>/<song> - <stem>.<format>`, `<folder>/<song> - <sheet>`.
#[derive(Clone, Debug)]
pub(super) struct StemPaths {
    folder: PathBuf,
    song: String,
    format: Format,
}

impl StemPaths {
    pub(super) fn path(&self, stem: &str) -> PathBuf {
        let ending = match self.format {
            Format::Wav | Format::Wav24 | Format::Wav16 => "wav",
            Format::Flac => "flac",
        };
        self.folder.join(format!("{} - {stem}.{ending}", self.song))
    }

    /// Of a sheet, whose name ends in its format.
    pub(super) fn sheet(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{} - {name}", self.song))
    }

    /// Writes one sheet; it appears whole or not at all.
    pub(super) fn write_sheet(&self, name: &str, bytes: &[u8]) -> anyhow::Result<PathBuf> {
        let (path, draft) = (self.sheet(name), self.draft(name, "new"));
        fs::write(&draft, bytes)
            .and_then(|()| fs::rename(&draft, &path))
            .with_context(|| format!("write {}", path.display()))?;
        Ok(path)
    }

    /// The folder, made where it is missing.
    pub(super) fn make_folder(&self) -> anyhow::Result<()> {
        fs::create_dir_all(&self.folder).with_context(|| format!("make the folder {}", self.folder.display()))
    }

    /// Where a stem lies while it is on its way.
    pub(super) fn draft(&self, stem: &str, ending: &str) -> PathBuf {
        self.folder.join(format!(".{} - {stem}.{ending}", self.song))
    }

    /// Writes one stem; it appears whole or not at all. Answers how many samples were beyond full scale.
    pub(super) fn write(&self, stem: &str, source: &mut dyn Frames) -> anyhow::Result<(PathBuf, u64)> {
        let mut writer = self.writer(stem, source.shape())?;
        frames::copy(source, &mut writer).with_context(|| format!("write {}", writer.path.display()))?;
        writer.keep()
    }

    /// Begins one stem.
    pub(super) fn writer(&self, stem: &str, shape: ClipShape) -> anyhow::Result<StemFile> {
        let (path, draft) = (self.path(stem), self.draft(stem, "new"));
        let wav = |format| WavWriter::create_as(&draft, shape, format);
        let whole = |wav: WavWriter<_>| Writer::Wav(Box::new(wav.dithered()));
        let opened = match self.format {
            Format::Wav => wav(WavFormat::Float32).map(|wav| Writer::Wav(Box::new(wav))),
            Format::Wav24 => wav(WavFormat::Int24).map(whole),
            Format::Wav16 => wav(WavFormat::Int16).map(whole),
            Format::Flac => Encoder::create(&draft, shape).map(Writer::Flac),
        };
        let writer = opened.with_context(|| format!("write {}", path.display()))?;
        Ok(StemFile { writer, path, draft, kept: false })
    }
}

/// Paths for every file of a batch; two songs of one name in one folder get a number. Without `out`, results go to
/// `<song> <what>` beside their song.
pub(super) fn lay_out(files: &[PathBuf], out: Option<&Path>, what: &str, format: Format) -> Vec<StemPaths> {
    let mut taken = HashSet::new();
    let lay = |file: &PathBuf| {
        let name = file.file_stem().map_or_else(|| "song".into(), |stem| stem.to_string_lossy().into_owned());
        let beside = || file.with_file_name(format!("{name} {what}"));
        let folder = out.map_or_else(beside, Path::to_owned);
        let numbered = (2..).map(|number| format!("{name} ({number})"));
        let song = std::iter::once(name.clone())
            .chain(numbered)
            .find(|song| taken.insert((folder.clone(), song.clone())))
            .expect("numbers do not end");
        StemPaths { folder, song, format }
    };
    files.iter().map(lay).collect()
}

enum Writer {
    Wav(Box<WavWriter<std::io::BufWriter<fs::File>>>),
    Flac(Encoder),
}

/// A stem being written under a draft's name, which goes when this is dropped.
pub(super) struct StemFile {
    writer: Writer,
    path: PathBuf,
    draft: PathBuf,
    kept: bool,
}

impl StemFile {
    /// The stem is whole: gives it its name.
    pub(super) fn keep(mut self) -> anyhow::Result<(PathBuf, u64)> {
        let clipped = match &mut self.writer {
            Writer::Wav(wav) => wav.clipped_samples(),
            Writer::Flac(flac) => flac.clipped_samples(),
        };
        fs::rename(&self.draft, &self.path).with_context(|| format!("write {}", self.path.display()))?;
        self.kept = true;
        Ok((self.path.clone(), clipped))
    }
}

impl FrameSink for StemFile {
    fn write(&mut self, block: &[&[f32]]) -> Result<(), AudioError> {
        match &mut self.writer {
            Writer::Wav(wav) => wav.write(block),
            Writer::Flac(flac) => flac.write(block),
        }
    }

    fn finish(&mut self) -> Result<(), AudioError> {
        match &mut self.writer {
            Writer::Wav(wav) => wav.finish(),
            Writer::Flac(flac) => flac.finish(),
        }
    }
}

impl Drop for StemFile {
    fn drop(&mut self) {
        if !self.kept {
            let _ = fs::remove_file(&self.draft);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stems_lie_beside_their_song_and_equal_names_get_numbers() {
        let files = [PathBuf::from("a/song.wav"), PathBuf::from("b/song.mp3")];
        let beside = lay_out(&files, None, "stems", Format::Wav);
        assert_eq!(beside[1].path("bass"), PathBuf::from("b/song stems/song - bass.wav"));
        let together = lay_out(&files, Some(Path::new("out")), "stems", Format::Flac);
        assert_eq!(together[0].path("bass"), PathBuf::from("out/song - bass.flac"));
        assert_eq!(together[1].path("bass"), PathBuf::from("out/song (2) - bass.flac"));
    }

    #[test]
    fn wav_of_fewer_bits_is_dithered_and_says_what_was_clipped() {
        let dir = tempfile::tempdir().unwrap();
        let shape = ClipShape { channels: 1, frames: 1000, rate_hz: 44_100 };
        for (format, bits) in [(Format::Wav16, 16), (Format::Wav24, 24)] {
            let paths = lay_out(&[PathBuf::from("x.wav")], Some(dir.path()), "stems", format).remove(0);
            let mut file = paths.writer("bass", shape).unwrap();
            let mut samples = vec![0.25 / 2.0_f32.powi(bits - 1); 999];
            samples.push(1.5);
            file.write(&[&samples]).unwrap();
            file.finish().unwrap();
            let (path, clipped) = file.keep().unwrap();
            let mut read = vec![Vec::new()];
            let mut source = tributary_audio::decode::open(&path).unwrap();
            while source.read(&mut read, 1000).unwrap() > 0 {}
            assert_eq!(clipped, 1, "{format:?}");
            // A quarter of a step is silence without dither.
            assert!(read[0][..999].iter().any(|x| *x > 0.0) && read[0][999] > 0.999, "{format:?}");
        }
    }

    #[test]
    fn a_stem_that_is_not_kept_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let paths = lay_out(&[PathBuf::from("x.wav")], Some(dir.path()), "stems", Format::Wav).remove(0);
        let shape = ClipShape { channels: 1, frames: 2, rate_hz: 44_100 };
        let mut half = paths.writer("bass", shape).unwrap();
        half.write(&[&[0.5]]).unwrap();
        drop(half);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
        let mut whole = paths.writer("bass", shape).unwrap();
        whole.write(&[&[0.5, -0.5]]).unwrap();
        whole.finish().unwrap();
        assert_eq!(whole.keep().unwrap(), (paths.path("bass"), 0));
    }
}
