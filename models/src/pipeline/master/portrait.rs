//! What a recording is like: how loud its loud pieces are, and the spectra of their middle and side. One reading,
//! bounded memory.
//!
//! Pieces of at most 15 s; a long recording has at most 61 of them, which are then longer, so that memory does not
//! grow. The loud ones are those whose middle is at least as loud as the mean of all.

use super::figures::{Figures, Gauge, PlainGauge};
use super::planes::{Group, half_sum, heard, mid};
use crate::ModelError;
use realfft::num_complex::Complex;
use rustfft::{Fft, FftPlanner};
use std::sync::Arc;
use tributary_audio::ClipShape;

const PIECE_SECONDS: u64 = 15;
const PIECES_MAX: u64 = 61;
/// Window of the spectra at 44.1 and 48 kHz; at other rates the power of two that is as long.
const FFT_FRAMES: f64 = 4096.0;
const FFT_RATE_HZ: f64 = 44_100.0;
/// Below this a level is silence.
pub(super) const SILENCE: f64 = 1e-6;

/// Pieces of a recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pieces {
    pub(super) count: u64,
    /// Each; what is left at the end is in none.
    pub(super) frames: u64,
}

impl Pieces {
    pub(super) fn of(shape: ClipShape) -> Self {
        let longest = (PIECE_SECONDS * u64::from(shape.rate_hz)).max(1);
        let count = (shape.frames / longest + 1).min(PIECES_MAX);
        Self { count, frames: (shape.frames / count).max(1) }
    }
}

/// Which pieces are loud, and the root of the mean square of their levels.
pub(super) fn loud(levels: &[f64]) -> (Vec<bool>, f64) {
    let mean_square = |levels: &mut dyn Iterator<Item = f64>| {
        let (sum, count) = levels.fold((0.0, 0), |(sum, count), level| (sum + level * level, count + 1));
        if count == 0 { 0.0 } else { sum / f64::from(count) }
    };
    let mean = mean_square(&mut levels.iter().copied()).sqrt();
    // A hair below the mean counts: pieces that are all alike are all loud, whatever rounding does.
    let is_loud: Vec<bool> = levels.iter().map(|level| *level >= mean * (1.0 - 1e-9)).collect();
    let mut of_loud = levels.iter().zip(&is_loud).filter(|(_, loud)| **loud).map(|(level, _)| *level);
    let level = mean_square(&mut of_loud).sqrt();
    (is_loud, level)
}

/// The window of the spectra at a rate.
pub(super) fn fft_frames(rate_hz: u32) -> usize {
    let exact = FFT_FRAMES * f64::from(rate_hz) / FFT_RATE_HZ;
    1 << (exact.log2().round() as u32)
}

/// What a recording is like.
#[derive(Clone, Debug)]
pub(super) struct Portrait {
    pub(super) figures: Figures,
    /// Highest sample.
    pub(super) peak: f64,
    /// Level of the loud pieces' middle.
    pub(super) level: f64,
    /// Mean magnitude by bin; none where it is shorter than one window.
    pub(super) spectra: Option<Spectra>,
}

#[derive(Clone, Debug)]
pub(super) struct Spectra {
    pub(super) mid: Vec<f64>,
    /// None for mono and where the sides are silent beside the middle.
    pub(super) side: Option<Vec<f64>>,
}

impl Portrait {
    /// Whether both are the same recording or nearly: level and every bin within 1 %.
    pub(super) fn is_much_like(&self, other: &Self) -> bool {
        let near = |a: f64, b: f64| (a - b).abs() <= 0.01 * a.max(b) + 1e-9;
        let all_near = |a: &[f64], b: &[f64]| a.iter().zip(b).all(|(a, b)| near(*a, *b));
        near(self.level, other.level)
            && match (&self.spectra, &other.spectra) {
                (Some(a), Some(b)) => all_near(&a.mid, &b.mid),
                _ => false,
            }
    }
}

/// The sides count as silent that far below the middle: what is there then is rounding, and must not be raised.
const SIDE_SILENCE: f64 = 1e-3;

/// A portrait in the making.
pub(super) struct Sketch {
    shape: ClipShape,
    gauge: Gauge,
    pieces: Vec<Piece>,
    piece_frames: u64,
    pieces_max: u64,
    fft: Arc<dyn Fft<f32>>,
    /// For every group that is heard.
    lanes: Vec<Lane>,
    scratch: Vec<Complex<f32>>,
}

struct Lane {
    group: Group,
    mid: Vec<f32>,
    side: Vec<f32>,
    /// The window not full yet: the middle is the real part, the side the imaginary one, and one transform is that of
    /// both.
    pending: Vec<Complex<f32>>,
}

struct Piece {
    /// Of the middles.
    plain: PlainGauge,
    frames: u64,
    /// Sums of magnitudes, mid and side.
    sums: [Vec<f32>; 2],
    columns: u64,
}

impl Sketch {
    /// `gauge` measures what is portrayed.
    pub(super) fn new(shape: ClipShape, gauge: Gauge) -> Self {
        let fft = FftPlanner::new().plan_fft_forward(fft_frames(shape.rate_hz));
        let pieces = Pieces::of(shape);
        let lane = |group| Lane { group, mid: Vec::new(), side: Vec::new(), pending: Vec::new() };
        Self {
            shape,
            gauge,
            pieces: Vec::new(),
            piece_frames: pieces.frames,
            pieces_max: pieces.count,
            lanes: heard(shape.channels).map(lane).collect(),
            scratch: vec![Complex::default(); fft.get_inplace_scratch_len()],
            fft,
        }
    }

    /// Takes the next frames, `[channels][frames]`.
    pub(super) fn push(&mut self, block: &[&[f32]]) -> Result<(), ModelError> {
        self.gauge.push(block)?;
        for lane in &mut self.lanes {
            mid(block, lane.group, &mut lane.mid);
            match lane.group {
                Group::Pair(l, r) => half_sum(block[l], block[r], -1.0, &mut lane.side),
                Group::One(_) => lane.side.resize(lane.mid.len(), 0.0),
            }
        }
        let frames = block.first().map_or(0, |channel| channel.len());
        let mut at = 0;
        while at < frames {
            if self.pieces.last().is_none_or(|piece| piece.frames == self.piece_frames) {
                if self.pieces.len() as u64 == self.pieces_max {
                    break;
                }
                let bins = self.fft.len() / 2 + 1;
                let sums = [vec![0.0; bins], vec![0.0; bins]];
                self.pieces.push(Piece { plain: PlainGauge::default(), frames: 0, sums, columns: 0 });
                self.lanes.iter_mut().for_each(|lane| lane.pending.clear());
            }
            at += self.advance(at, frames);
        }
        Ok(())
    }

    /// Puts frames from `at` on into the last piece, no further than its end or the window's; returns how many.
    fn advance(&mut self, at: usize, frames: usize) -> usize {
        let piece = self.pieces.last_mut().expect("a piece was begun before frames are put into it");
        let window = self.fft.len();
        let room = window - self.lanes[0].pending.len();
        let left = usize::try_from(self.piece_frames - piece.frames).unwrap_or(usize::MAX);
        let take = room.min(left).min(frames - at);
        for lane in &mut self.lanes {
            let (mid, side) = (&lane.mid[at..at + take], &lane.side[at..at + take]);
            piece.plain.push_row(mid);
            lane.pending.extend(mid.iter().zip(side).map(|(mid, side)| Complex::new(*mid, *side)));
            if room == take {
                self.fft.process_with_scratch(&mut lane.pending, &mut self.scratch);
                piece.add(&lane.pending);
                lane.pending.clear();
            }
        }
        if room == take {
            piece.columns += 1;
        }
        piece.frames += take as u64;
        take
    }

    pub(super) fn finish(mut self) -> Result<Portrait, ModelError> {
        let levels: Vec<f64> = self.pieces.iter().map(|piece| piece.plain.rms()).collect();
        let (is_loud, level) = loud(&levels);
        let figures = self.gauge.figures()?;
        let peak = figures.sample_peak_dbfs.map_or(0.0, super::figures::amplitude);
        Ok(Portrait { figures, peak, level, spectra: self.spectra(&is_loud) })
    }

    fn spectra(&self, is_loud: &[bool]) -> Option<Spectra> {
        let loud = || self.pieces.iter().zip(is_loud).filter(|(_, loud)| **loud).map(|(piece, _)| piece);
        let columns: u64 = loud().map(|piece| piece.columns).sum();
        if columns == 0 {
            return None;
        }
        let scale = 1.0 / (columns as f64 * self.lanes.len() as f64 * self.fft.len() as f64);
        let [mid, side] = [0, 1].map(|plane| {
            let mut mean = vec![0.0; self.fft.len() / 2 + 1];
            for piece in loud() {
                mean.iter_mut().zip(&piece.sums[plane]).for_each(|(mean, sum)| *mean += f64::from(*sum));
            }
            mean.iter_mut().for_each(|mean| *mean *= scale);
            mean
        });
        let power = |plane: &[f64]| plane.iter().map(|x| x * x).sum::<f64>();
        let has_sides = self.shape.channels > 1 && power(&side) > SIDE_SILENCE.powi(2) * power(&mid);
        Some(Spectra { mid, side: has_sides.then_some(side) })
    }
}

impl Piece {
    /// Adds the magnitudes of a window, whose spectrum is that of the middle and of i times the side: with a bin and its
    /// mirror, half of what they share is the middle's, half of what they differ by the side's.
    fn add(&mut self, spectrum: &[Complex<f32>]) {
        let half = spectrum.len() / 2;
        let [mids, sides] = &mut self.sums;
        for (bin, alone) in [(0, spectrum[0]), (half, spectrum[half])] {
            mids[bin] += alone.re.abs();
            sides[bin] += alone.im.abs();
        }
        let mirrored = spectrum[1..half].iter().zip(spectrum[half + 1..].iter().rev());
        for ((mid, side), (a, b)) in mids[1..].iter_mut().zip(&mut sides[1..]).zip(mirrored) {
            let (sum, difference) =
                (Complex::new(a.re + b.re, a.im - b.im), Complex::new(a.re - b.re, a.im + b.im));
            *mid += 0.5 * sum.norm_sqr().sqrt();
            *side += 0.5 * difference.norm_sqr().sqrt();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_at_most_15_s_and_few() {
        let of = |frames| Pieces::of(ClipShape { channels: 2, frames, rate_hz: 100 });
        assert_eq!(of(1499), Pieces { count: 1, frames: 1499 });
        assert_eq!(of(3001), Pieces { count: 3, frames: 1000 });
        assert_eq!(of(1), Pieces { count: 1, frames: 1 });
        assert_eq!(of(1_080_000), Pieces { count: 61, frames: 17_704 });
    }

    #[test]
    fn windows_are_as_long_in_time_at_every_rate() {
        let at = [8_000, 22_050, 44_100, 48_000, 96_000, 192_000].map(fft_frames);
        assert_eq!(at, [1024, 2048, 4096, 4096, 8192, 16_384]);
    }

    #[test]
    fn the_loud_pieces_make_the_level() {
        let (is_loud, level) = loud(&[0.1, 0.5, 0.5, 0.0]);
        assert_eq!(is_loud, [false, true, true, false]);
        assert!((level - 0.5).abs() < 1e-12);
        assert_eq!(loud(&[0.0]).1, 0.0);
    }

    #[test]
    fn blocks_do_not_matter() {
        let sound: Vec<f32> = (0..20_000).map(|i| ((i * 7919) % 2001) as f32 / 1000.0 - 1.0).collect();
        let shape = ClipShape { channels: 2, frames: 20_000, rate_hz: 8_000 };
        let portrait = |step: usize| {
            let mut sketch = Sketch::new(shape, Gauge::new(2, 8_000).unwrap());
            for (a, b) in sound.chunks(step).zip(sound.chunks(step)) {
                sketch.push(&[a, b]).unwrap();
            }
            sketch.finish().unwrap()
        };
        let (one, many) = (portrait(20_000), portrait(777));
        assert!((one.level - many.level).abs() < 1e-6);
        let (a, b) = (one.spectra.unwrap(), many.spectra.unwrap());
        assert!(a.side.is_none() && a.mid.iter().zip(&b.mid).all(|(a, b)| (a - b).abs() < 1e-6));
    }
}
