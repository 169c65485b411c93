//! Kinds of numbers in a checkpoint, and floats of all widths as f32. Never rounds a value to infinity in silence: the
//! reader refuses what is not finite afterwards.

/// The kind of a tensor's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Dtype {
    /// IEEE double.
    F64,
    /// IEEE single.
    F32,
    /// IEEE half.
    F16,
    /// The upper half of a single.
    Bf16,
    /// Signed, 8 bytes.
    I64,
    /// Signed, 4 bytes.
    I32,
    /// Signed, 2 bytes.
    I16,
    /// Signed, 1 byte.
    I8,
    /// Unsigned, 8 bytes.
    U64,
    /// Unsigned, 4 bytes.
    U32,
    /// Unsigned, 2 bytes.
    U16,
    /// Unsigned, 1 byte.
    U8,
    /// One byte, zero or one.
    Bool,
    /// Two singles.
    Complex64,
    /// Two doubles.
    Complex128,
}

impl Dtype {
    /// Bytes of one number.
    #[must_use]
    pub fn bytes(self) -> usize {
        match self {
            Self::I8 | Self::U8 | Self::Bool => 1,
            Self::F16 | Self::Bf16 | Self::I16 | Self::U16 => 2,
            Self::F32 | Self::I32 | Self::U32 => 4,
            Self::F64 | Self::I64 | Self::U64 | Self::Complex64 => 8,
            Self::Complex128 => 16,
        }
    }

    /// Its name in PyTorch.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::F64 => "float64",
            Self::F32 => "float32",
            Self::F16 => "float16",
            Self::Bf16 => "bfloat16",
            Self::I64 => "int64",
            Self::I32 => "int32",
            Self::I16 => "int16",
            Self::I8 => "int8",
            Self::U64 => "uint64",
            Self::U32 => "uint32",
            Self::U16 => "uint16",
            Self::U8 => "uint8",
            Self::Bool => "bool",
            Self::Complex64 => "complex64",
            Self::Complex128 => "complex128",
        }
    }

    /// The class of a PyTorch storage that holds it, without its module.
    pub(super) fn of_storage(class: &str) -> Option<Self> {
        Some(match class {
            "DoubleStorage" => Self::F64,
            "FloatStorage" => Self::F32,
            "HalfStorage" => Self::F16,
            "BFloat16Storage" => Self::Bf16,
            "LongStorage" => Self::I64,
            "IntStorage" => Self::I32,
            "ShortStorage" => Self::I16,
            "CharStorage" => Self::I8,
            "ByteStorage" => Self::U8,
            "BoolStorage" => Self::Bool,
            "ComplexFloatStorage" => Self::Complex64,
            "ComplexDoubleStorage" => Self::Complex128,
            _ => return None,
        })
    }

    /// The word for it in a safetensors header.
    pub(super) fn of_safetensors(word: &str) -> Option<Self> {
        Some(match word {
            "F64" => Self::F64,
            "F32" => Self::F32,
            "F16" => Self::F16,
            "BF16" => Self::Bf16,
            "I64" => Self::I64,
            "I32" => Self::I32,
            "I16" => Self::I16,
            "I8" => Self::I8,
            "U64" => Self::U64,
            "U32" => Self::U32,
            "U16" => Self::U16,
            "U8" => Self::U8,
            "BOOL" => Self::Bool,
            "C64" => Self::Complex64,
            _ => return None,
        })
    }

    /// What turns the little-endian bytes of one number into f32; none where it is no real float.
    pub(super) fn to_f32(self) -> Option<fn(&[u8]) -> f32> {
        match self {
            Self::F64 => Some(|bytes| {
                let mut eight = [0; 8];
                eight.copy_from_slice(bytes);
                f64::from_le_bytes(eight) as f32
            }),
            Self::F32 => Some(|bytes| {
                let mut four = [0; 4];
                four.copy_from_slice(bytes);
                f32::from_le_bytes(four)
            }),
            Self::F16 => Some(|bytes| half(u16::from_le_bytes([bytes[0], bytes[1]]))),
            Self::Bf16 => {
                Some(|bytes| f32::from_bits(u32::from(u16::from_le_bytes([bytes[0], bytes[1]])) << 16))
            }
            _ => None,
        }
    }
}

/// An IEEE half as f32, which holds all of them exactly.
fn half(bits: u16) -> f32 {
    let sign = u32::from(bits & 0x8000) << 16;
    let exponent = u32::from(bits >> 10 & 0x1f);
    let fraction = u32::from(bits & 0x3ff);
    match exponent {
        // Below 2^-14 the fraction counts steps of 2^-24.
        0 => f32::from_bits(sign | (fraction as f32 / 16_777_216.0).to_bits()),
        0x1f => f32::from_bits(sign | 0x7f80_0000 | fraction << 13),
        // The exponents' zero points are 15 and 127.
        _ => f32::from_bits(sign | (exponent + 112) << 23 | fraction << 13),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_half_is_what_the_standards_formula_says() {
        for bits in 0..=u16::MAX {
            let sign = if bits >> 15 == 1 { -1.0 } else { 1.0 };
            let (exponent, fraction) = (i32::from(bits >> 10 & 0x1f), f64::from(bits & 0x3ff));
            let expected = match exponent {
                0 => sign * fraction / 1024.0 * 2f64.powi(-14),
                31 if fraction == 0.0 => sign * f64::INFINITY,
                31 => f64::NAN,
                _ => sign * (1.0 + fraction / 1024.0) * 2f64.powi(exponent - 15),
            };
            let found = f64::from(half(bits));
            assert!(
                found.to_bits() == expected.to_bits() || found.is_nan() && expected.is_nan(),
                "{bits:04x}"
            );
        }
    }

    #[test]
    fn floats_of_all_widths_become_f32_and_integers_do_not() {
        let read = |dtype: Dtype, bytes: &[u8]| dtype.to_f32().map(|convert| convert(bytes));
        assert_eq!(read(Dtype::F64, &(-1.5f64).to_le_bytes()), Some(-1.5));
        assert_eq!(read(Dtype::F32, &0.1f32.to_le_bytes()), Some(0.1));
        assert_eq!(read(Dtype::F16, &[0x00, 0xbe]), Some(-1.5));
        assert_eq!(read(Dtype::Bf16, &[0xc0, 0xbf]), Some(-1.5));
        assert_eq!(read(Dtype::I64, &[0; 8]), None);
    }
}
