//! A file of any format -> canonical bytes on disk and their hash: what is sent, and what a model reads.

use crate::cli::screen;
use anyhow::Context;
use sha2::{Digest, Sha256 as Hasher};
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use tempfile::NamedTempFile;
use tributary_audio::pcm::PcmWriter;
use tributary_audio::{ClipShape, FrameSink, decode, frames};
use tributary_protocol::vocab::{ClipHeader, Sha256};

/// A clip ready to send; the file goes with the value.
pub(super) struct CanonicalClip {
    pub(super) header: ClipHeader,
    pub(super) file: NamedTempFile,
}

impl CanonicalClip {
    pub(super) fn shape(&self) -> ClipShape {
        let ClipHeader { channels, frames, rate_hz, .. } = self.header;
        ClipShape { channels, frames, rate_hz }
    }
}

/// Decodes into a temporary file, hashing on the way. Bounded memory. Blocking.
pub(super) fn decode_file(path: &Path) -> anyhow::Result<CanonicalClip> {
    let named = || path.display().to_string();
    let mut source = decode::open(path).with_context(named)?;
    let shape = source.shape();
    let file = tempfile::Builder::new()
        .prefix("tributary-")
        .suffix(".f32")
        .tempfile()
        .context("make a temporary file")?;
    let hashed = Hashed {
        file: BufWriter::new(file.reopen().context("open the temporary file")?),
        hasher: Hasher::new(),
    };
    let mut writer = PcmWriter::new(hashed, shape).with_context(named)?;
    frames::copy(source.as_mut(), &mut writer).with_context(named)?;
    writer.finish().with_context(named)?;
    let sha256 = Sha256(writer.into_inner().hasher.finalize().into());
    let ClipShape { channels, frames, rate_hz } = shape;
    Ok(CanonicalClip { header: ClipHeader { sha256, frames, channels, rate_hz }, file })
}

/// The shape of a file, without keeping its samples.
pub(super) fn shape_of(path: &Path) -> anyhow::Result<ClipShape> {
    Ok(decode::open(path).with_context(|| path.display().to_string())?.shape())
}

struct Hashed {
    file: BufWriter<File>,
    hasher: Hasher,
}

impl Write for Hashed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.hasher.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// What is said about a clip before anything is done with it.
pub(super) fn describe(shape: ClipShape) -> String {
    let channels = match shape.channels {
        1 => "mono".to_owned(),
        2 => "stereo".to_owned(),
        channels => format!("{channels} channels"),
    };
    format!("{}, {} Hz, {channels}", screen::duration(shape.seconds()), shape.rate_hz)
}
