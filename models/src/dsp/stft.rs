//! Short-time Fourier transform and its inverse, as streams: no column is kept that is not needed any more.
//!
//! Forward: `X[c, k] = sum_i w[i] x[c * hop + i - n_fft / 2] exp(-2 pi j k i / n_fft)`, `w` periodic Hann
//! or rectangular.
//! Inverse: least squares (Griffin & Lim 1984), so forward and back is the identity to rounding.
//!
//! Ends: frame `-i` is frame `i`, frame `last + i` is frame `last - i` (the outermost frame is not repeated).
//! A clip shorter than half a window is folded to and fro as often as needed; of a single frame every column sees
//! a constant. Frames inside the clip are never altered by this, whatever its length.

use crate::dsp::{OverlapAdd, window};
use realfft::num_complex::Complex;
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};
use std::sync::Arc;

/// Window length and hop of a transform that can be inverted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StftShape {
    n_fft: usize,
    hop_frames: usize,
}

impl StftShape {
    /// The longest window: 2^20 frames. Longer ones are a mistake in a card, not a wish.
    pub const N_FFT_MAX: usize = 1 << 20;

    /// None unless `n_fft` is even, at least 4 and at most [`Self::N_FFT_MAX`], and `hop_frames` fits into it at least 3
    /// times: at half overlap the last frames of a clip may lie where the only window is near 0. It need not divide it.
    #[must_use]
    pub fn new(n_fft: usize, hop_frames: usize) -> Option<Self> {
        let fits = (4..=Self::N_FFT_MAX).contains(&n_fft) && n_fft.is_multiple_of(2);
        let inverts = hop_frames > 0 && n_fft / hop_frames >= 3;
        (fits && inverts).then_some(Self { n_fft, hop_frames })
    }

    /// Frames under one window.
    #[must_use]
    pub fn n_fft(self) -> usize {
        self.n_fft
    }

    /// Frames from one column to the next.
    #[must_use]
    pub fn hop_frames(self) -> usize {
        self.hop_frames
    }

    /// Bins of one column: `n_fft / 2 + 1`.
    #[must_use]
    pub fn bins(self) -> usize {
        self.n_fft / 2 + 1
    }

    /// Columns of a clip of that many frames; none for an empty one.
    #[must_use]
    pub fn columns(self, frames: u64) -> u64 {
        if frames == 0 { 0 } else { frames / self.hop_frames as u64 + 1 }
    }
}

/// The plans and windows of one shape, made once and shared by all streams.
pub struct Stft {
    shape: StftShape,
    window: Vec<f32>,
    /// The window divided by `n_fft`, since the inverse transform is not normalised.
    synthesis: Vec<f32>,
    forward: Arc<dyn RealToComplex<f32>>,
    inverse: Arc<dyn ComplexToReal<f32>>,
}

impl Stft {
    /// Plans both directions, with Hann windows.
    #[must_use]
    pub fn new(shape: StftShape) -> Arc<Self> {
        Self::with_window(shape, window::hann_periodic(shape.n_fft))
    }

    /// The same with windows of ones: for networks that were trained on such.
    #[must_use]
    pub fn rectangular(shape: StftShape) -> Arc<Self> {
        Self::with_window(shape, vec![1.0; shape.n_fft])
    }

    fn with_window(shape: StftShape, window: Vec<f32>) -> Arc<Self> {
        let mut planner = RealFftPlanner::new();
        Arc::new(Self {
            shape,
            synthesis: window.iter().map(|w| w / shape.n_fft as f32).collect(),
            window,
            forward: planner.plan_fft_forward(shape.n_fft),
            inverse: planner.plan_fft_inverse(shape.n_fft),
        })
    }

    /// Window length and hop.
    #[must_use]
    pub fn shape(&self) -> StftShape {
        self.shape
    }
}

/// A clip's one channel going in, columns coming out.
pub struct Forward {
    stft: Arc<Stft>,
    /// The reflected clip from the next column's first frame on; before `begun`, the clip itself.
    pending: Vec<f32>,
    begun: bool,
    windowed: Vec<f32>,
    scratch: Vec<Complex<f32>>,
}

impl Forward {
    /// A stream at its first frame.
    #[must_use]
    pub fn new(stft: &Arc<Stft>) -> Self {
        Self {
            pending: Vec::new(),
            begun: false,
            windowed: vec![0.0; stft.shape.n_fft],
            scratch: stft.forward.make_scratch_vec(),
            stft: Arc::clone(stft),
        }
    }

    /// Takes the next frames and appends every column that can be computed, `[columns][bins]`.
    pub fn push(&mut self, frames: &[f32], columns: &mut Vec<Complex<f32>>) {
        self.pending.extend_from_slice(frames);
        let half = self.stft.shape.n_fft / 2;
        if !self.begun {
            if self.pending.len() <= half {
                return;
            }
            self.begun = true;
            let reflected: Vec<f32> = self.pending[1..=half].iter().rev().copied().collect();
            self.pending.splice(0..0, reflected);
        }
        self.transform(columns);
    }

    /// After the last frame: appends the columns that reach beyond the end. In all, a clip gives
    /// [`StftShape::columns`] columns. Leaves the stream as new.
    pub fn finish(&mut self, columns: &mut Vec<Complex<f32>>) {
        let half = self.stft.shape.n_fft / 2;
        let have = self.pending.len();
        if have > 0 {
            if self.begun {
                // At least half a window and one frame of the clip is pending: `transform` takes whole hops, and leaves
                // no less than a window but one hop.
                self.pending.extend_from_within(have - 1 - half..have - 1);
                let from = self.pending.len() - half;
                self.pending[from..].reverse();
            } else {
                let clip = std::mem::take(&mut self.pending);
                let (half, have) = (half.cast_signed(), have.cast_signed());
                self.pending.extend((-half..have + half).map(|i| clip[fold(i, clip.len())]));
            }
            self.transform(columns);
        }
        self.pending.clear();
        self.begun = false;
    }

    fn transform(&mut self, columns: &mut Vec<Complex<f32>>) {
        let StftShape { n_fft, hop_frames } = self.stft.shape;
        let bins = self.stft.shape.bins();
        let count =
            if self.pending.len() < n_fft { 0 } else { (self.pending.len() - n_fft) / hop_frames + 1 };
        let mut at = columns.len();
        columns.resize(at + count * bins, Complex::default());
        for c in 0..count {
            let frames = &self.pending[c * hop_frames..][..n_fft];
            for ((out, x), w) in self.windowed.iter_mut().zip(frames).zip(&self.stft.window) {
                *out = x * w;
            }
            self.stft
                .forward
                .process_with_scratch(&mut self.windowed, &mut columns[at..at + bins], &mut self.scratch)
                .expect("buffers were made for this plan");
            at += bins;
        }
        self.pending.drain(..count * hop_frames);
    }
}

/// Index `i`, which may lie outside, reflected into a clip of `frames` frames.
fn fold(i: isize, frames: usize) -> usize {
    if frames == 1 {
        return 0;
    }
    let last = frames.cast_signed() - 1;
    let i = i.rem_euclid(2 * last);
    (if i > last { 2 * last - i } else { i }).cast_unsigned()
}

/// Columns going in, one channel of a clip of known length coming out.
pub struct Inverse {
    stft: Arc<Stft>,
    add: OverlapAdd,
    piece: Vec<f32>,
    scratch: Vec<Complex<f32>>,
    /// Frames before the clip's first one still to be dropped.
    skip: usize,
    /// Frames of the clip still to come.
    left: u64,
}

impl Inverse {
    /// A stream for a clip of `frames` frames.
    #[must_use]
    pub fn new(stft: &Arc<Stft>, frames: u64) -> Self {
        let squared = stft.window.iter().map(|w| w * w).collect();
        Self {
            add: OverlapAdd::new(squared, stft.shape.hop_frames)
                .expect("StftShape::new made sure that the hop fits into the window"),
            piece: vec![0.0; stft.shape.n_fft],
            scratch: stft.inverse.make_scratch_vec(),
            skip: stft.shape.n_fft / 2,
            left: frames,
            stft: Arc::clone(stft),
        }
    }

    /// Takes the next column (its contents are used up) and appends the frames that are final now.
    ///
    /// # Panics
    /// Where `column` does not hold `n_fft / 2 + 1` bins.
    pub fn push(&mut self, column: &mut [Complex<f32>], out: &mut Vec<f32>) {
        assert_eq!(column.len(), self.stft.shape.bins(), "a column has n_fft / 2 + 1 bins");
        // A real signal has real outermost bins; a mask cannot change that, rounding elsewhere might.
        column[0].im = 0.0;
        column[column.len() - 1].im = 0.0;
        self.stft
            .inverse
            .process_with_scratch(column, &mut self.piece, &mut self.scratch)
            .expect("buffers were made for this plan");
        for (x, w) in self.piece.iter_mut().zip(&self.stft.synthesis) {
            *x *= w;
        }
        let done = self.add.add(&self.piece);
        emit(done, &mut self.skip, &mut self.left, out);
    }

    /// After the last column: appends the rest of the clip.
    pub fn finish(&mut self, out: &mut Vec<f32>) {
        let rest = self.add.finish();
        emit(&rest, &mut self.skip, &mut self.left, out);
    }
}

/// Appends what of `done` lies inside the clip.
fn emit(done: &[f32], skip: &mut usize, left: &mut u64, out: &mut Vec<f32>) {
    let from = done.len().min(*skip);
    *skip -= from;
    let inside = &done[from..];
    let take = usize::try_from(*left).unwrap_or(usize::MAX).min(inside.len());
    *left -= take as u64;
    out.extend_from_slice(&inside[..take]);
}
