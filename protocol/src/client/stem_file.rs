//! A stem on its way to disk: `<name>.part`, hashed as it grows, renamed when it is whole. Blocking; knows no
//! network.

use super::ClientError;
use crate::limits::PACKET_CANONICAL_BYTES_MAX;
use crate::packet::{Decoder, Encoding};
use crate::v1;
use crate::vocab::Sha256;
use sha2::Digest;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::PathBuf;

/// What a whole stem is.
#[derive(Clone, Debug)]
pub(super) struct Whole {
    /// Where it goes.
    pub(super) to: PathBuf,
    pub(super) sha256: Sha256,
    pub(super) bytes: u64,
    pub(super) frame_bytes: u64,
}

impl Whole {
    /// True if an earlier download already put it there.
    pub(super) fn is_there(&self) -> Result<bool, ClientError> {
        match fs::metadata(&self.to) {
            Ok(found) if found.is_file() && found.len() == self.bytes => {}
            _ => return Ok(false),
        }
        let mut hasher = sha2::Sha256::new();
        File::open(&self.to)
            .and_then(|mut file| hash_from(&mut file, &mut hasher))
            .map_err(|cause| ClientError::disk(&self.to, cause))?;
        Ok(hasher.finalize()[..] == self.sha256.0)
    }

    fn part(&self) -> PathBuf {
        let mut name = self.to.clone().into_os_string();
        name.push(".part");
        name.into()
    }
}

/// What is there of a stem so far. Always a whole number of frames.
pub(super) struct StemFile {
    whole: Whole,
    path: PathBuf,
    file: File,
    hasher: sha2::Sha256,
    written: u64,
    decoder: Decoder,
    canonical: Vec<u8>,
}

/// Why bytes could not be added.
pub(super) enum Trouble {
    /// They are not what was asked for.
    Damaged,
    Disk(ClientError),
}

impl StemFile {
    /// Opens or makes the file, and hashes what an earlier download left in it.
    pub(super) fn open(whole: Whole) -> Result<Self, ClientError> {
        let path = whole.part();
        let disk = |cause| ClientError::disk(&path, cause);
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(disk)?;
        let found = file.metadata().map_err(disk)?.len();
        let written = if found > whole.bytes { 0 } else { found - found % whole.frame_bytes };
        file.set_len(written).map_err(disk)?;
        let mut hasher = sha2::Sha256::new();
        hash_from(&mut file, &mut hasher).map_err(disk)?;
        Ok(Self { whole, path, file, hasher, written, decoder: Decoder::new(), canonical: Vec::new() })
    }

    /// Canonical bytes on disk.
    pub(super) fn written(&self) -> u64 {
        self.written
    }

    pub(super) fn is_complete(&self) -> bool {
        self.written == self.whole.bytes
    }

    /// Adds the packet that comes next.
    pub(super) fn add(&mut self, packet: &v1::Packet) -> Result<(), Trouble> {
        let encoding = Encoding::from_number(packet.encoding).ok_or(Trouble::Damaged)?;
        let canonical_bytes = u64::from(packet.canonical_bytes);
        let left = self.whole.bytes - self.written;
        let fits = canonical_bytes <= left && canonical_bytes % self.whole.frame_bytes == 0;
        if packet.offset != self.written || !fits {
            return Err(Trouble::Damaged);
        }
        self.decoder
            .decode(encoding, packet.canonical_bytes as usize, &packet.payload, &mut self.canonical)
            .map_err(|_| Trouble::Damaged)?;
        self.file.write_all(&self.canonical).map_err(|cause| Trouble::Disk(self.disk(cause)))?;
        self.hasher.update(&self.canonical);
        self.written += canonical_bytes;
        Ok(())
    }

    /// Throws away what is there and begins anew.
    pub(super) fn restart(&mut self) -> Result<(), ClientError> {
        self.file.set_len(0).and_then(|()| self.file.rewind()).map_err(|cause| self.disk(cause))?;
        self.hasher = sha2::Sha256::new();
        self.written = 0;
        Ok(())
    }

    /// Gives a complete file its name, unless its hash is wrong: then false.
    pub(super) fn finish(&mut self) -> Result<bool, ClientError> {
        if self.hasher.clone().finalize()[..] != self.whole.sha256.0 {
            return Ok(false);
        }
        // On disk before it has its name: a file under that name is whole even after a power cut.
        self.file.sync_all().map_err(|cause| self.disk(cause))?;
        fs::rename(&self.path, &self.whole.to).map_err(|cause| ClientError::disk(&self.whole.to, cause))?;
        Ok(true)
    }

    /// Removes what is there; it will never be of use.
    pub(super) fn discard(&self) -> Result<(), ClientError> {
        fs::remove_file(&self.path).map_err(|cause| self.disk(cause))
    }

    fn disk(&self, cause: io::Error) -> ClientError {
        ClientError::disk(&self.path, cause)
    }
}

/// Hashes a file from its beginning and leaves it at its end, where writing goes on.
fn hash_from(file: &mut File, hasher: &mut sha2::Sha256) -> io::Result<()> {
    file.seek(SeekFrom::Start(0))?;
    let mut bytes = vec![0; PACKET_CANONICAL_BYTES_MAX];
    loop {
        match file.read(&mut bytes) {
            Ok(0) => return Ok(()),
            Ok(read) => hasher.update(&bytes[..read]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
