//! What the stems of a result leave of its original: the number that says whether they sum to it. Changes no sample.

use super::{LibraryError, TrackFile};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use tributary_audio::Frames;
use tributary_audio::measure::residual_db;

/// Original minus the sum of all stems, in dB of the original; minus infinity for an exact sum, and none where the
/// original is silent. `stop` ends it early.
///
/// # Errors
/// [`LibraryError::Sound`] where shapes differ or a file cannot be read, [`LibraryError::Missing`],
/// [`LibraryError::Damaged`], [`LibraryError::Stopped`].
pub fn difference_db(
    original: &TrackFile,
    stems: &[TrackFile],
    stop: &Arc<AtomicBool>,
) -> Result<Option<f32>, LibraryError> {
    let mut mixture = original.frames_until(stop)?;
    let mut stems: Vec<Box<dyn Frames>> =
        stems.iter().map(|stem| stem.frames_until(stop)).collect::<Result<_, _>>()?;
    let mut stems: Vec<&mut dyn Frames> = stems.iter_mut().map(|stem| stem as &mut dyn Frames).collect();
    let decibel = residual_db(&mut mixture, &mut stems).map_err(LibraryError::sound(&original.path))?;
    // A silent original and stems that are not: infinitely far, which no number helps to say.
    Ok((decibel < f64::INFINITY).then_some(decibel as f32))
}
