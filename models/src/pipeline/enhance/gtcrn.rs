//! GTCRN (Rong, Sun, Zhang, Hu, Zhu & Lu 2024, "GTCRN: A Speech Enhancement Model Requiring Ultralow Computational
//! Resources"): a complex mask by a graph that takes one column at a time and its own memory. 16 kHz, causal.

use super::denoiser::{Denoised, Denoiser, Piece, Sight};
use super::halves::Halves;
use crate::ModelError;
use crate::session::{Input, Lane};
use realfft::num_complex::Complex;

const HOP_FRAMES: usize = 256;
const SIGHT: Sight =
    Sight { rate_hz: 16_000, hop_frames: HOP_FRAMES, segment_hops: 500, before_hops: 0, ahead_hops: 1 };
const GRAPH: &str = "gtcrn";
/// One column, `[1, bins, 1, (re, im)]`, in and out.
const NOISY: &str = "mix";
const CLEAN: &str = "enh";
/// What the graph remembers: the name going in, the name coming out, and the shape.
const CACHES: [(&str, &str, &[usize]); 3] = [
    ("conv_cache", "conv_cache_out", &[2, 1, 16, 16, 33]),
    ("tra_cache", "tra_cache_out", &[2, 3, 1, 1, 16]),
    ("inter_cache", "inter_cache_out", &[2, 1, 33, 16]),
];

pub(super) struct Gtcrn {
    model: String,
    halves: Halves,
}

/// What is carried from column to column, and from segment to segment.
struct Memory {
    caches: [Vec<f32>; CACHES.len()],
    /// The late half of the last column.
    tail: Vec<f32>,
}

impl Gtcrn {
    /// `model` is the name that errors carry.
    pub(super) fn new(model: &str) -> Self {
        Self { model: model.to_owned(), halves: Halves::root_hann(HOP_FRAMES) }
    }

    fn failed(&self, reason: String) -> ModelError {
        ModelError::Engine { model: self.model.clone(), reason }
    }

    /// One column through the graph, in place.
    fn step(
        &self,
        lane: &Lane<'_>,
        column: &mut [Complex<f32>],
        caches: &mut [Vec<f32>],
    ) -> Result<(), ModelError> {
        let noisy: Vec<f32> = column.iter().flat_map(|x| [x.re, x.im]).collect();
        let shape = [1, column.len(), 1, 2];
        let mut inputs = vec![Input { name: NOISY, shape: &shape, data: &noisy }];
        let mut outputs = vec![CLEAN];
        for ((name, out, shape), data) in CACHES.iter().zip(&*caches) {
            inputs.push(Input { name, shape, data });
            outputs.push(out);
        }
        let mut came = lane.run(GRAPH, &inputs, &outputs)?.into_iter();
        let clean = came.next().filter(|clean| clean.data.len() == noisy.len());
        let clean = clean.ok_or_else(|| self.failed(format!("`{CLEAN}` is not a column")))?;
        for (x, y) in column.iter_mut().zip(clean.data.chunks_exact(2)) {
            *x = Complex::new(y[0], y[1]);
        }
        for ((cache, new), (_, name, _)) in caches.iter_mut().zip(came).zip(&CACHES) {
            if new.data.len() != cache.len() {
                return Err(self.failed(format!("`{name}` came out as {:?}", new.shape)));
            }
            *cache = new.data;
        }
        Ok(())
    }
}

impl Denoiser for Gtcrn {
    fn sight(&self) -> Sight {
        SIGHT
    }

    fn graphs(&self) -> &'static [(&'static str, &'static str)] {
        &[(GRAPH, "gtcrn_simple.onnx")]
    }

    fn denoise(&self, lane: &Lane<'_>, piece: &Piece<'_>) -> Result<Denoised, ModelError> {
        let memory = Memory::of(piece.state);
        let mut memory = memory.ok_or_else(|| self.failed("the memory is another's".to_owned()))?;
        let mut columns = self.halves.columns(piece.frames, 1.0);
        // Every segment ends with the column that its last hop shares with the next; so all but the first begin later.
        let first = usize::from(!piece.state.is_empty());
        let new = &mut columns[first * self.halves.bins()..];
        for column in new.chunks_exact_mut(self.halves.bins()) {
            self.step(lane, column, &mut memory.caches)?;
        }
        let mut frames = self.halves.frames(new, 0.5 / HOP_FRAMES as f32, &mut memory.tail);
        frames.drain(..(1 - first) * HOP_FRAMES);
        Ok(Denoised { frames, state: memory.packed() })
    }
}

impl Memory {
    /// As it was packed, or as it is at the start of a clip; none where it is neither.
    fn of(state: &[f32]) -> Option<Self> {
        let sizes = CACHES.map(|(_, _, shape)| shape.iter().product::<usize>());
        if state.is_empty() {
            return Some(Self { caches: sizes.map(|size| vec![0.0; size]), tail: vec![0.0; HOP_FRAMES] });
        }
        if state.len() != sizes.iter().sum::<usize>() + HOP_FRAMES {
            return None;
        }
        let mut rest = state;
        let caches = sizes.map(|size| {
            let (cache, later) = rest.split_at(size);
            rest = later;
            cache.to_vec()
        });
        Some(Self { caches, tail: rest.to_vec() })
    }

    fn packed(&self) -> Vec<f32> {
        self.caches.iter().chain([&self.tail]).flatten().copied().collect()
    }
}
