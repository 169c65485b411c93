//! What every separator does behind its network: which parts are computed, and how they become stems at the clip's rate.

pub(super) mod outlet;
pub(super) mod parts;

use crate::ModelError;
use std::ops::Range;
use tributary_audio::ClipShape;

/// How many pairs of channels a clip has: 1+2, 3+4, ..; an odd last channel is one alone.
pub(super) fn pairs(clip: ClipShape) -> u32 {
    u32::from(clip.channels).div_ceil(2)
}

/// The channels of pair `p`: two, or one for an odd last channel.
pub(super) fn pair_channels(clip: ClipShape, p: u32) -> Range<usize> {
    let first = 2 * p as usize;
    first..usize::from(clip.channels).min(first + 2)
}

/// Indices among `known` of the stems asked for, in the model's order; all for none.
///
/// # Errors
/// [`ModelError::UnknownStem`].
pub(super) fn chosen(model: &str, known: &[String], names: &[String]) -> Result<Vec<usize>, ModelError> {
    if let Some(stem) = names.iter().find(|name| !known.contains(name)) {
        let (model, stem, known) = (model.to_owned(), stem.clone(), known.join(", "));
        return Err(ModelError::UnknownStem { model, stem, known });
    }
    Ok((0..known.len()).filter(|&i| names.is_empty() || names.contains(&known[i])).collect())
}
