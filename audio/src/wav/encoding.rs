//! How one sample is written in a WAV file, and its exact value as `f32`. Never knows of chunks or files.

use crate::interleave::extend_planar;

/// Uncompressed encodings. Full scale of n bits is 2^(n-1), so up to 24 bits every value is exact in `f32`;
/// 32-bit integers and 64-bit floats are rounded to the nearest `f32`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// Unsigned with its zero at 128, as the format has it for 8 bits only.
    U8,
    I16,
    I24,
    I32,
    F32,
    F64,
}

impl Encoding {
    /// By kind and bits. Odd widths (12, 20 bits) fill their container from the top, so they read as the container.
    pub(crate) fn of(is_float: bool, bits: u16) -> Option<Self> {
        match (is_float, bits) {
            (false, 1..=8) => Some(Self::U8),
            (false, 9..=16) => Some(Self::I16),
            (false, 17..=24) => Some(Self::I24),
            (false, 25..=32) => Some(Self::I32),
            (true, 32) => Some(Self::F32),
            (true, 64) => Some(Self::F64),
            _ => None,
        }
    }

    /// Bytes of one sample.
    pub(crate) fn bytes(self) -> usize {
        match self {
            Self::U8 => 1,
            Self::I16 => 2,
            Self::I24 => 3,
            Self::I32 | Self::F32 => 4,
            Self::F64 => 8,
        }
    }

    /// Appends whole frames of `bytes`, channels side by side, to `block`.
    pub(crate) fn decode(self, bytes: &[u8], block: &mut [Vec<f32>]) {
        const SCALE_8: f32 = 1.0 / 128.0;
        const SCALE_16: f32 = 1.0 / 32_768.0;
        const SCALE_32: f32 = 1.0 / 2_147_483_648.0;
        match self {
            Self::U8 => extend_planar(bytes, block, |[byte]| (f32::from(byte) - 128.0) * SCALE_8),
            Self::I16 => extend_planar(bytes, block, |two| f32::from(i16::from_le_bytes(two)) * SCALE_16),
            // The three bytes on top of a 32-bit number carry the sign for free.
            Self::I24 => extend_planar(bytes, block, |[low, middle, high]| {
                i32::from_le_bytes([0, low, middle, high]) as f32 * SCALE_32
            }),
            Self::I32 => extend_planar(bytes, block, |four| i32::from_le_bytes(four) as f32 * SCALE_32),
            Self::F32 => extend_planar(bytes, block, f32::from_le_bytes),
            Self::F64 => extend_planar(bytes, block, |eight| f64::from_le_bytes(eight) as f32),
        }
    }
}
