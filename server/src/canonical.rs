//! A file of any format -> canonical bytes on disk and their hash: what is sent, and what a model reads. Blocking.

use sha2::{Digest, Sha256 as Hasher};
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use tempfile::NamedTempFile;
use tributary_audio::pcm::PcmWriter;
use tributary_audio::{AudioError, ClipShape, FrameSink, Frames, decode, frames};
use tributary_protocol::vocab::{ClipHeader, Sha256};

/// A clip ready to send; the file goes with the value.
pub struct CanonicalClip {
    /// What it is.
    pub header: ClipHeader,
    /// Its canonical bytes.
    pub file: NamedTempFile,
}

impl CanonicalClip {
    /// Its shape.
    #[must_use]
    pub fn shape(&self) -> ClipShape {
        let ClipHeader { channels, frames, rate_hz, .. } = self.header;
        ClipShape { channels, frames, rate_hz }
    }
}

/// Opens a file of any known format; its shape is known before any sample is read.
///
/// # Errors
/// Where it cannot be read or is of no known format.
pub fn open(path: &Path) -> Result<Box<dyn Frames>, AudioError> {
    decode::open(path)
}

/// Decodes into a temporary file of `folder`, hashing on the way. Bounded memory; as many bytes on disk as the shape says.
///
/// # Errors
/// Where the source is damaged or holds other than its shape says, or the file cannot be written.
pub fn write(source: &mut dyn Frames, folder: &Path) -> Result<CanonicalClip, AudioError> {
    let shape = source.shape();
    let made = |cause| AudioError::Io { action: "make a temporary file", cause };
    let file =
        tempfile::Builder::new().prefix("tributary-").suffix(".f32").tempfile_in(folder).map_err(made)?;
    let hashed = Hashed { file: BufWriter::new(file.reopen().map_err(made)?), hasher: Hasher::new() };
    let mut writer = PcmWriter::new(hashed, shape)?;
    frames::copy(source, &mut writer)?;
    writer.finish()?;
    let sha256 = Sha256(writer.into_inner().hasher.finalize().into());
    let ClipShape { channels, frames, rate_hz } = shape;
    Ok(CanonicalClip { header: ClipHeader { sha256, frames, channels, rate_hz }, file })
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
