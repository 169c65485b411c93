//! Samples to wire bytes and back, lossless, one packet at a time. Pure; never takes memory beyond the limits, and
//! believes nothing a packet says about itself before it was checked. Does not look at the samples: that they are
//! finite is checked where a clip is stored.

use crate::limits::{PACKET_CANONICAL_BYTES_MAX, PACKET_PAYLOAD_BYTES_MAX};
use zstd::bulk::{Compressor, Decompressor};
use zstd::zstd_safe::{CParameter, compress_bound};

/// Bytes of one sample, and so the number of planes of the split.
const PLANES: usize = 4;
/// The fastest level: higher ones gain 1 % on split floats and cost half the speed.
const ZSTD_LEVEL: i32 = 1;
/// log2 of [`PACKET_CANONICAL_BYTES_MAX`]: a packet stands alone, so no window reaches further.
const ZSTD_WINDOW_LOG: u32 = 18;

/// How a packet's samples are written. Numbers as in `packet.proto`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// Canonical bytes as they are.
    F32Raw,
    /// Byte k of every sample together, for k = 0..3 (BYTE_STREAM_SPLIT of the Parquet format), then zstd.
    F32SplitZstd,
}

impl Encoding {
    /// Its number on the wire.
    #[must_use]
    pub fn number(self) -> i32 {
        match self {
            Self::F32Raw => 1,
            Self::F32SplitZstd => 2,
        }
    }

    /// From its number on the wire; none for one that this version does not know.
    #[must_use]
    pub fn from_number(number: i32) -> Option<Self> {
        [Self::F32Raw, Self::F32SplitZstd].into_iter().find(|encoding| encoding.number() == number)
    }
}

/// Why a packet is refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PacketError {
    /// Nothing, a part of a sample, or more than a packet may hold.
    #[error(
        "a packet holds 4 to {PACKET_CANONICAL_BYTES_MAX} canonical bytes, a multiple of 4; this one {0}"
    )]
    CanonicalSize(usize),
    /// More wire bytes than any packet needs.
    #[error("a packet's payload is at most {PACKET_PAYLOAD_BYTES_MAX} bytes; this one has {0}")]
    PayloadSize(usize),
    /// The payload unpacks to another size than the packet says, or not at all.
    #[error("the packet's payload does not hold the {canonical_bytes} bytes it says")]
    Damaged {
        /// What the packet says.
        canonical_bytes: usize,
    },
    /// zstd got no memory.
    #[error("cannot pack or unpack samples")]
    Pack(#[source] std::io::Error),
}

fn check_canonical(bytes: usize) -> Result<(), PacketError> {
    let whole = bytes > 0 && bytes.is_multiple_of(PLANES);
    if whole && bytes <= PACKET_CANONICAL_BYTES_MAX { Ok(()) } else { Err(PacketError::CanonicalSize(bytes)) }
}

/// Packs samples. Keep one for a stream: it reuses its memory.
#[derive(Default)]
pub struct Encoder {
    zstd: Option<Compressor<'static>>,
    planes: Vec<u8>,
}

impl Encoder {
    /// One that has taken no memory yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Packs 4 to [`PACKET_CANONICAL_BYTES_MAX`] canonical bytes, a multiple of 4. Answers with the payload and how
    /// it was written: raw where `wanted` would have made it longer.
    ///
    /// # Errors
    /// [`PacketError::CanonicalSize`], or [`PacketError::Pack`] when zstd gets no memory.
    pub fn encode(&mut self, wanted: Encoding, canonical: &[u8]) -> Result<(Encoding, Vec<u8>), PacketError> {
        check_canonical(canonical.len())?;
        if wanted == Encoding::F32Raw {
            return Ok((Encoding::F32Raw, canonical.to_vec()));
        }
        let zstd = match &mut self.zstd {
            Some(zstd) => zstd,
            None => self.zstd.insert(compressor().map_err(PacketError::Pack)?),
        };
        split(canonical, &mut self.planes);
        let mut payload = Vec::with_capacity(compress_bound(canonical.len()));
        zstd.compress_to_buffer(&self.planes, &mut payload).map_err(PacketError::Pack)?;
        if payload.len() >= canonical.len() {
            return Ok((Encoding::F32Raw, canonical.to_vec()));
        }
        Ok((Encoding::F32SplitZstd, payload))
    }
}

fn compressor() -> std::io::Result<Compressor<'static>> {
    let mut zstd = Compressor::new(ZSTD_LEVEL)?;
    zstd.set_parameter(CParameter::WindowLog(ZSTD_WINDOW_LOG))?;
    Ok(zstd)
}

/// Unpacks samples. Keep one for a stream: it reuses its memory.
#[derive(Default)]
pub struct Decoder {
    zstd: Option<Decompressor<'static>>,
    planes: Vec<u8>,
}

impl Decoder {
    /// One that has taken no memory yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Unpacks a payload into exactly `canonical_bytes` bytes; what `canonical` held before is replaced. Sizes are
    /// checked first, and unpacking stops at `canonical_bytes`, so a packet that would swell takes no memory.
    /// After an error `canonical` holds nothing of use.
    ///
    /// # Errors
    /// [`PacketError::CanonicalSize`], [`PacketError::PayloadSize`], [`PacketError::Damaged`].
    pub fn decode(
        &mut self,
        encoding: Encoding,
        canonical_bytes: usize,
        payload: &[u8],
        canonical: &mut Vec<u8>,
    ) -> Result<(), PacketError> {
        check_canonical(canonical_bytes)?;
        if payload.len() > PACKET_PAYLOAD_BYTES_MAX {
            return Err(PacketError::PayloadSize(payload.len()));
        }
        let damaged = PacketError::Damaged { canonical_bytes };
        if encoding == Encoding::F32Raw {
            if payload.len() != canonical_bytes {
                return Err(damaged);
            }
            canonical.clear();
            canonical.extend_from_slice(payload);
            return Ok(());
        }
        let zstd = match &mut self.zstd {
            Some(zstd) => zstd,
            None => self.zstd.insert(Decompressor::new().map_err(PacketError::Pack)?),
        };
        // Unpacked in one go, so the output is the only window there is, whatever window a frame asks for.
        self.planes.resize(canonical_bytes, 0);
        match zstd.decompress_to_buffer(payload, self.planes.as_mut_slice()) {
            Ok(written) if written == canonical_bytes => {}
            _ => return Err(damaged),
        }
        join(&self.planes, canonical);
        Ok(())
    }
}

/// Four planes of equal length out of one run of bytes whose length is a multiple of four.
fn planes_of(bytes: &[u8]) -> [&[u8]; PLANES] {
    let plane = bytes.len() / PLANES;
    let (low, high) = bytes.split_at(2 * plane);
    let ((a, b), (c, d)) = (low.split_at(plane), high.split_at(plane));
    [a, b, c, d]
}

/// Byte k of every sample into plane k.
fn split(canonical: &[u8], planes: &mut Vec<u8>) {
    planes.resize(canonical.len(), 0);
    let plane = canonical.len() / PLANES;
    let (low, high) = planes.split_at_mut(2 * plane);
    let ((a, b), (c, d)) = (low.split_at_mut(plane), high.split_at_mut(plane));
    let (samples, _) = canonical.as_chunks::<PLANES>();
    for ((((sample, a), b), c), d) in samples.iter().zip(a).zip(b).zip(c).zip(d) {
        [*a, *b, *c, *d] = *sample;
    }
}

/// The inverse of [`split`].
fn join(planes: &[u8], canonical: &mut Vec<u8>) {
    canonical.resize(planes.len(), 0);
    let [a, b, c, d] = planes_of(planes);
    let (samples, _) = canonical.as_chunks_mut::<PLANES>();
    for ((((sample, a), b), c), d) in samples.iter_mut().zip(a).zip(b).zip(c).zip(d) {
        *sample = [*a, *b, *c, *d];
    }
}
