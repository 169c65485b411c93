//! The level of a reference: what gain makes the loud pieces as loud as its, were everything above full scale cut off.
//! One reading instead of one for each correction, by a histogram of magnitudes for every piece.

use super::portrait::{Pieces, SILENCE, loud};
use tributary_audio::ClipShape;

/// Corrections, each from the level that the last one left.
const CORRECTIONS: usize = 4;
/// Bins an octave: 1/32 octave is 0.19 dB.
const BITS: u32 = 5;
/// From 2^-24 to 2^24 of full scale.
const OCTAVES: u32 = 48;
const BINS: usize = (OCTAVES << BITS) as usize;

/// Magnitudes of the middle, piece by piece.
pub(super) struct LevelHistogram {
    pieces: Vec<Piece>,
    piece_frames: u64,
    pieces_max: u64,
    /// Frames of the last piece so far.
    frames: u64,
}

struct Piece {
    energy: Vec<f64>,
    count: Vec<u32>,
    total: u64,
}

impl LevelHistogram {
    pub(super) fn new(clip: ClipShape) -> Self {
        let pieces = Pieces::of(clip);
        Self { pieces: Vec::new(), piece_frames: pieces.frames, pieces_max: pieces.count, frames: 0 }
    }

    /// Takes the next frames of the middles of all groups that are heard.
    pub(super) fn push(&mut self, middles: &[Vec<f32>]) {
        let frames = middles.first().map_or(0, Vec::len);
        let mut at = 0;
        while at < frames {
            if self.pieces.is_empty() || self.frames == self.piece_frames {
                if self.pieces.len() as u64 == self.pieces_max {
                    return;
                }
                self.pieces.push(Piece { energy: vec![0.0; BINS], count: vec![0; BINS], total: 0 });
                self.frames = 0;
            }
            let left = usize::try_from(self.piece_frames - self.frames).unwrap_or(usize::MAX);
            let take = left.min(frames - at);
            let piece = self.pieces.last_mut().expect("a piece was begun above");
            for middle in middles {
                piece.push(&middle[at..at + take]);
            }
            self.frames += take as u64;
            at += take;
        }
    }

    /// The gain that brings the level to `wanted` (full scale is 1), begun at `gain`.
    pub(super) fn gain(&self, gain: f64, wanted: f64) -> f64 {
        (0..CORRECTIONS).fold(gain, |gain, _| gain * wanted / self.level(gain).max(SILENCE))
    }

    fn level(&self, gain: f64) -> f64 {
        let levels: Vec<f64> = self.pieces.iter().map(|piece| piece.level(gain)).collect();
        loud(&levels).1
    }
}

impl Piece {
    fn push(&mut self, sound: &[f32]) {
        // The exponent and the first bits of the fraction are the logarithm, coarsely.
        let lowest = (127 - OCTAVES / 2) << BITS;
        for x in sound {
            let bin = (x.abs().to_bits() >> (23 - BITS)).saturating_sub(lowest).min(BINS as u32 - 1) as usize;
            self.energy[bin] += f64::from(x * x);
            self.count[bin] += 1;
        }
        self.total += sound.len() as u64;
    }

    /// The level after `gain` and clipping at full scale.
    fn level(&self, gain: f64) -> f64 {
        let clipped = self.energy.iter().zip(&self.count).map(|(energy, count)| {
            let count = f64::from(*count);
            (energy * gain * gain).min(count)
        });
        (clipped.sum::<f64>() / self.total.max(1) as f64).sqrt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_histogram_agrees_with_clipping_and_measuring() {
        let sound: Vec<f32> =
            (0..16_000).map(|i| (f64::from(i) * 0.37).sin() as f32 * (i as f32 / 16_000.0)).collect();
        let clip = ClipShape { channels: 1, frames: 16_000, rate_hz: 16_000 };
        let mut histogram = LevelHistogram::new(clip);
        sound.chunks(777).for_each(|part| histogram.push(&[part.to_vec()]));
        for gain in [0.5, 1.0, 2.0, 5.0] {
            let energy: f64 = sound.iter().map(|x| (f64::from(*x) * gain).clamp(-1.0, 1.0).powi(2)).sum();
            let exact = (energy / 16_000.0).sqrt();
            let level = histogram.level(gain);
            // 0.01 dB: bins of 0.19 dB, and only one of them lies across full scale.
            assert!((level / exact - 1.0).abs() < 1e-3, "{gain}: {level}, not {exact}");
        }
        let gain = histogram.gain(1.0, 0.6);
        assert!((histogram.level(gain) - 0.6).abs() < 0.02, "{}", histogram.level(gain));
    }

    #[test]
    fn silence_asks_for_no_infinite_gain() {
        let mut histogram = LevelHistogram::new(ClipShape { channels: 1, frames: 10, rate_hz: 8000 });
        histogram.push(&[vec![0.0; 10]]);
        assert!(histogram.gain(1.0, 0.5).is_finite());
    }
}
