//! Opens weights and checks that they are the card's. Never downloads.

use crate::ModelError;
use sha2::{Digest, Sha256};
use std::fmt::Write;

/// Weights whose hash was checked: the only thing a pipeline loads.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Weights<'a> {
    bytes: &'a [u8],
}

impl<'a> Weights<'a> {
    /// Checks `bytes` against `expected`, the SHA-256 in the card of `model` as 64 lower-case hex digits.
    ///
    /// # Errors
    /// [`ModelError::Weights`] where they are other bytes.
    pub(crate) fn verified(model: &str, bytes: &'a [u8], expected: &str) -> Result<Self, ModelError> {
        let found = sha256_hex(bytes);
        if found != expected {
            return Err(ModelError::Weights {
                model: model.to_owned(),
                expected: expected.to_owned(),
                found,
            });
        }
        Ok(Self { bytes })
    }

    /// The bytes, as the card promises them.
    #[must_use]
    pub(crate) fn bytes(&self) -> &'a [u8] {
        self.bytes
    }
}

fn sha256_hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::with_capacity(64), |mut hex, byte| {
        write!(hex, "{byte:02x}").expect("a string takes any number of letters");
        hex
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_the_standard_one() {
        // FIPS 180-4, the example for "abc".
        let hex = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(Weights::verified("x", b"abc", hex).unwrap().bytes(), b"abc");
        assert!(matches!(Weights::verified("x", b"abd", hex), Err(ModelError::Weights { .. })));
    }
}
