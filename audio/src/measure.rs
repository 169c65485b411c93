//! How close sound is to other sound, in dB, over whole clips in bounded memory. Never aligns, scales or resamples.

mod scores;

pub use scores::{Scores, scores};

use crate::frames::{empty_block, fill};
use crate::limits::BLOCK_FRAMES;
use crate::{AudioError, Frames};

/// Signal to distortion ratio in dB by its plain definition, `10 log10(sum r^2 / sum (r - e)^2)` over all channels and
/// frames. Equal signals give infinity, and a silent reference with any other estimate minus infinity.
///
/// # Errors
/// [`AudioError::Shape`] where channels, rate or length differ; those of the sources.
pub fn sdr_db(reference: &mut dyn Frames, estimate: &mut dyn Frames) -> Result<f64, AudioError> {
    let energies = compare(reference, &mut [estimate])?;
    Ok(if energies.difference == 0.0 {
        f64::INFINITY
    } else {
        10.0 * (energies.reference / energies.difference).log10()
    })
}

/// How far `stems` are from summing to `mixture`, in dB of the mixture:
/// `10 log10(sum (m - s1 - s2 ..)^2 / sum m^2)`. An exact sum gives minus infinity.
///
/// # Errors
/// [`AudioError::Shape`] where channels, rate or length differ; those of the sources.
pub fn residual_db(mixture: &mut dyn Frames, stems: &mut [&mut dyn Frames]) -> Result<f64, AudioError> {
    let energies = compare(mixture, stems)?;
    Ok(if energies.difference == 0.0 {
        f64::NEG_INFINITY
    } else {
        10.0 * (energies.difference / energies.reference).log10()
    })
}

struct Energies {
    reference: f64,
    difference: f64,
}

/// Energy of `reference` and of what is left of it after all `parts` are taken away.
fn compare(reference: &mut dyn Frames, parts: &mut [&mut dyn Frames]) -> Result<Energies, AudioError> {
    let shape = reference.shape();
    if let Some(other) = parts.iter().map(|part| part.shape()).find(|&other| other != shape) {
        return Err(AudioError::Shape { expected: format!("{shape:?}"), got: format!("{other:?}") });
    }
    let mut block = empty_block(shape.channels, BLOCK_FRAMES);
    let mut part_block = empty_block(shape.channels, BLOCK_FRAMES);
    let mut rest = vec![vec![0.0f64; BLOCK_FRAMES]; usize::from(shape.channels)];
    let mut energies = Energies { reference: 0.0, difference: 0.0 };
    loop {
        let frames = fill(reference, &mut block, BLOCK_FRAMES)?;
        for (rest, samples) in rest.iter_mut().zip(&block) {
            for (rest, &sample) in rest.iter_mut().zip(samples) {
                *rest = f64::from(sample);
            }
            energies.reference += rest[..frames].iter().map(|rest| rest * rest).sum::<f64>();
        }
        for part in parts.iter_mut() {
            let got = fill(*part, &mut part_block, BLOCK_FRAMES)?;
            if got != frames {
                return Err(AudioError::Shape {
                    expected: format!("{frames} more frames"),
                    got: got.to_string(),
                });
            }
            for (rest, samples) in rest.iter_mut().zip(&part_block) {
                for (rest, &sample) in rest.iter_mut().zip(samples) {
                    *rest -= f64::from(sample);
                }
            }
        }
        for rest in &rest {
            energies.difference += rest[..frames].iter().map(|rest| rest * rest).sum::<f64>();
        }
        if frames == 0 {
            return Ok(energies);
        }
    }
}
