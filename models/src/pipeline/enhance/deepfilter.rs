//! DeepFilterNet3 (Schröter, Rosenkranz, Escalante-B. & Maier 2023, "DeepFilterNet: Perceptually Motivated Real-Time
//! Speech Enhancement"): gains by ERB band for the whole spectrum, then a complex filter over five columns for the
//! lowest 4.8 kHz. 48 kHz. Transform, features and filters are here, the three graphs on the device.

mod features;
mod opened;

use super::denoiser::{Denoised, Denoiser, Piece, Sight};
use super::halves::Halves;
use crate::ModelError;
use crate::session::{Input, Lane};
use features::{ERB_BANDS, ERB_WIDTHS, FILTER_BINS, Features, MEANS, Means};
use opened::Fed;
use realfft::num_complex::Complex;
use std::borrow::Cow;

const HOP_FRAMES: usize = 480;
/// The forward transform's scale: what the features' constants were made for, and it makes the inverse exact.
const SCALE: f32 = 1.0 / 960.0;
/// Columns that the graphs' input is ahead of their output, and that the filter reaches ahead: the same two.
const AHEAD_COLUMNS: usize = 2;
/// Columns under the filter: two before, the column, two after.
const TAPS: usize = 5;
/// Numbers of one column's filters.
const COEFFICIENTS: usize = FILTER_BINS * TAPS * 2;
/// How much the post-filter takes from bins that are noise already (Valin et al. 2020, "A Perceptually-Motivated
/// Approach for Low-Complexity, Real-Time Enhancement of Fullband Speech", section 4; this network's own value).
const POST_FILTER_BETA: f32 = 0.02;
// Before: the filter's taps, and six columns of features, of which the graphs' convolutions see two and then four more.
// Ahead: a segment's last column is one past it, and two further are looked ahead.
const SIGHT: Sight = Sight {
    rate_hz: 48_000,
    hop_frames: HOP_FRAMES,
    segment_hops: 800,
    before_hops: 6,
    ahead_hops: 1 + AHEAD_COLUMNS as u32,
};
const ENCODER: &str = "enc";
const ERB_DECODER: &str = "erb_dec";
const FILTER_DECODER: &str = "df_dec";
/// Channels of the convolutions.
const CHANNELS: usize = 64;
/// What the encoder's convolutions say, `[1, CHANNELS, columns, width]`.
const CONVOLVED: [(&str, usize); 5] = [("e0", 32), ("e1", 16), ("e2", 8), ("e3", 8), ("c0", FILTER_BINS)];
/// What its recurrent layer is shown, `[columns, 1, MEMORY]`, and what it says, `[1, columns, EMBEDDED]`.
const RECURRENT_IN: &str = "/emb_gru/Transpose_output_0";
const EMBEDDING: &str = "emb";
const EMBEDDED: usize = 512;
/// Numbers that one recurrent layer remembers.
const MEMORY: usize = 256;
/// The layers: graph, the value they start from, and what they remember at the end.
const LAYERS: [(&str, &str, &str); 5] = [
    (ENCODER, "/emb_gru/ConstantOfShape_output_0", "/emb_gru/GRU_output_1"),
    (ERB_DECODER, "/emb_gru/Slice_output_0", "/emb_gru/GRU_output_1"),
    (ERB_DECODER, "/emb_gru/Slice_1_output_0", "/emb_gru/GRU_1_output_1"),
    (FILTER_DECODER, "/df_gru/gru/Slice_output_0", "/df_gru/gru/GRU_output_1"),
    (FILTER_DECODER, "/df_gru/gru/Slice_1_output_0", "/df_gru/gru/GRU_1_output_1"),
];
/// Columns before that the filter decoder's convolution sees; what it says is added to what the recurrent layers say.
const REACH_COLUMNS: usize = 4;

pub(super) struct DeepFilter {
    model: String,
    halves: Halves,
}

/// What is carried from segment to segment.
struct Memory {
    /// Before the first column that the next piece holds.
    means: Means,
    /// Of every layer.
    layers: Vec<f32>,
    /// The late half of the last column.
    tail: Vec<f32>,
}

/// Columns of one piece that are new: those before were answered for.
type New = std::ops::Range<usize>;

impl DeepFilter {
    /// `model` is the name that errors carry.
    pub(super) fn new(model: &str) -> Self {
        Self { model: model.to_owned(), halves: Halves::vorbis(HOP_FRAMES) }
    }

    fn failed(&self, reason: String) -> ModelError {
        ModelError::Engine { model: self.model.clone(), reason }
    }

    /// Runs a graph and checks that as many numbers come out as are due.
    fn run(
        &self,
        lane: &Lane<'_>,
        graph: &str,
        inputs: &[Input<'_>],
        outputs: &[(&str, usize)],
    ) -> Result<Vec<Vec<f32>>, ModelError> {
        let names: Vec<&str> = outputs.iter().map(|(name, _)| *name).collect();
        let came = lane.run(graph, inputs, &names)?;
        for (output, (name, numbers)) in came.iter().zip(outputs) {
            if output.data.len() != *numbers {
                let reason = format!("`{name}` came out as {:?}, {numbers} numbers were due", output.shape);
                return Err(self.failed(reason));
            }
        }
        Ok(came.into_iter().map(|output| output.data).collect())
    }

    /// The encoder: embedding of the new columns, and what its convolutions say to all, in the order of [`CONVOLVED`].
    /// Its recurrent layer is run apart, since it must not see the columns before again.
    fn encode(
        &self,
        lane: &Lane<'_>,
        features: &Features,
        new: &New,
        layer: &mut [f32],
    ) -> Result<(Vec<f32>, Vec<Vec<f32>>), ModelError> {
        let columns = features.columns;
        let (_, start, end) = LAYERS[0];
        let erb = Input { name: "feat_erb", shape: &[1, 1, columns, ERB_BANDS], data: &features.erb };
        let spec = Input { name: "feat_spec", shape: &[1, 2, columns, FILTER_BINS], data: &features.spec };
        // An engine may ask for every input, also for those that the outputs do not need.
        let idle = Input { name: RECURRENT_IN, shape: &[1, 1, MEMORY], data: &[0.0; MEMORY] };
        let memory = Input { name: start, shape: &[1, 1, MEMORY], data: layer };
        let made = opened::made(RECURRENT_IN);
        let mut outputs: Vec<_> =
            CONVOLVED.iter().map(|(name, width)| (*name, CHANNELS * columns * width)).collect();
        outputs.push((&made, columns * MEMORY));
        let mut convolved = self.run(lane, ENCODER, &[erb, spec, idle, memory], &outputs)?;
        let shown = convolved.pop().unwrap_or_default();
        let shown = Input {
            name: RECURRENT_IN,
            shape: &[new.len(), 1, MEMORY],
            data: &shown[new.start * MEMORY..new.end * MEMORY],
        };
        let erb = Input { name: "feat_erb", shape: &[1, 1, 1, ERB_BANDS], data: &[0.0; ERB_BANDS] };
        let spec = Input { name: "feat_spec", shape: &[1, 2, 1, FILTER_BINS], data: &[0.0; 2 * FILTER_BINS] };
        let outputs = [(EMBEDDING, new.len() * EMBEDDED), (end, MEMORY)];
        let mut came = self.run(lane, ENCODER, &[erb, spec, shown, memory], &outputs)?;
        layer.copy_from_slice(&came[1]);
        Ok((came.swap_remove(0), convolved))
    }

    /// Gains of the new columns by band, `[columns][ERB_BANDS]`.
    fn gains(
        &self,
        lane: &Lane<'_>,
        embedding: &[f32],
        convolved: &[Vec<f32>],
        (new, columns): (&New, usize),
        layers: &mut [f32],
    ) -> Result<Vec<f32>, ModelError> {
        let cut: Vec<_> = (0..4).map(|i| of_columns(&convolved[i], columns, CONVOLVED[i].1, new)).collect();
        let shapes: Vec<_> = (0..4).map(|i| [1, CHANNELS, new.len(), CONVOLVED[i].1]).collect();
        let mut inputs: Vec<_> =
            (0..4).map(|i| Input { name: CONVOLVED[i].0, shape: &shapes[i], data: &cut[i] }).collect();
        let shape = [1, new.len(), EMBEDDED];
        inputs.push(Input { name: EMBEDDING, shape: &shape, data: embedding });
        self.decode(lane, ERB_DECODER, &inputs, ("m", new.len() * ERB_BANDS), layers)
    }

    /// Filters of the new columns, `[columns][FILTER_BINS][TAPS][re, im]`.
    fn filters(
        &self,
        lane: &Lane<'_>,
        embedding: &[f32],
        c0: &[f32],
        (new, columns): (&New, usize),
        layers: &mut [f32],
    ) -> Result<Vec<f32>, ModelError> {
        let decode = |embedding: &[f32], c0: &[f32], layers: &mut [f32]| {
            let count = embedding.len() / EMBEDDED;
            let shown = Input { name: EMBEDDING, shape: &[1, count, EMBEDDED], data: embedding };
            let c0 = Input { name: "c0", shape: &[1, CHANNELS, count, FILTER_BINS], data: c0 };
            self.decode(lane, FILTER_DECODER, &[shown, c0], ("coefs", count * COEFFICIENTS), layers)
        };
        let mut filters = decode(embedding, &of_columns(c0, columns, FILTER_BINS, new), layers)?;
        let before = new.start.min(REACH_COLUMNS);
        if before > 0 {
            // The first columns lack what the convolution sees of the columns before: the difference between with and
            // without, all else being equal.
            let near = new.start - before..new.end.min(new.start + REACH_COLUMNS);
            let idle = vec![0.0; near.len() * EMBEDDED];
            let mut seen = of_columns(c0, columns, FILTER_BINS, &near);
            let with = decode(&idle, &seen, &mut [0.0; 2 * MEMORY])?;
            for channel in seen.chunks_exact_mut(near.len() * FILTER_BINS) {
                channel[..before * FILTER_BINS].fill(0.0);
            }
            let without = decode(&idle, &seen, &mut [0.0; 2 * MEMORY])?;
            let difference = with.iter().zip(&without).skip(before * COEFFICIENTS);
            filters.iter_mut().zip(difference).for_each(|(x, (with, without))| *x += with - without);
        }
        Ok(filters)
    }

    /// One of the decoders: its output, and what its two layers remember.
    fn decode(
        &self,
        lane: &Lane<'_>,
        graph: &str,
        inputs: &[Input<'_>],
        output: (&str, usize),
        layers: &mut [f32],
    ) -> Result<Vec<f32>, ModelError> {
        let (mut inputs, mut outputs) = (inputs.to_vec(), vec![output]);
        let before = layers.to_vec();
        let own = LAYERS.iter().filter(|(name, ..)| *name == graph);
        for ((_, start, end), memory) in own.zip(before.chunks_exact(MEMORY)) {
            inputs.push(Input { name: start, shape: &[1, 1, MEMORY], data: memory });
            outputs.push((end, MEMORY));
        }
        let mut came = self.run(lane, graph, &inputs, &outputs)?;
        for (memory, layer) in layers.chunks_exact_mut(MEMORY).zip(&came[1..]) {
            memory.copy_from_slice(layer);
        }
        Ok(came.swap_remove(0))
    }
}

impl Denoiser for DeepFilter {
    fn sight(&self) -> Sight {
        SIGHT
    }

    fn graphs(&self) -> &'static [(&'static str, &'static str)] {
        &[(ENCODER, "enc.onnx"), (ERB_DECODER, "erb_dec.onnx"), (FILTER_DECODER, "df_dec.onnx")]
    }

    fn has_post_filter(&self) -> bool {
        true
    }

    fn open(&self, graph: &str, onnx: Cow<'static, [u8]>) -> Result<Cow<'static, [u8]>, String> {
        let own = LAYERS.iter().filter(|(name, ..)| *name == graph);
        let mut told: Vec<String> = own.clone().map(|(.., end)| (*end).to_owned()).collect();
        let mut fed: Vec<Fed> =
            own.map(|(_, start, _)| Fed { name: start, shape: &[1, 1, MEMORY as u64] }).collect();
        if graph == ENCODER {
            fed.push(Fed { name: RECURRENT_IN, shape: &[0, 1, MEMORY as u64] });
            told.push(opened::made(RECURRENT_IN));
        }
        Ok(opened::opened(&onnx, &fed, &told)?.into())
    }

    fn denoise(&self, lane: &Lane<'_>, piece: &Piece<'_>) -> Result<Denoised, ModelError> {
        let bins = self.halves.bins();
        let mut memory =
            Memory::of(piece.state).ok_or_else(|| self.failed("the memory is another's".to_owned()))?;
        let noisy = self.halves.columns(piece.frames, SCALE);
        let end = piece.before_hops + piece.segment_hops;
        let before_next = end.min(SIGHT.before_hops as usize);
        let (features, means) = Features::of(&noisy, bins, memory.means, (AHEAD_COLUMNS, end - before_next));
        // Every segment ends with the column that its last hop shares with the next; so all but the first begin later.
        let first = usize::from(!piece.state.is_empty());
        let new = piece.before_hops + first..features.columns;
        let (of_encoder, rest) = memory.layers.split_at_mut(MEMORY);
        let (of_gains, of_filters) = rest.split_at_mut(2 * MEMORY);
        let (embedding, convolved) = self.encode(lane, &features, &new, of_encoder)?;
        let place = (&new, features.columns);
        let gains = self.gains(lane, &embedding, &convolved, place, of_gains)?;
        let filters = self.filters(lane, &embedding, &convolved[4], place, of_filters)?;
        let mut speech = noisy[new.start * bins..new.end * bins].to_vec();
        for (i, (t, column)) in new.clone().zip(speech.chunks_exact_mut(bins)).enumerate() {
            apply_gains(column, &gains[i * ERB_BANDS..][..ERB_BANDS]);
            apply_filter(column, &noisy, t, &filters[i * COEFFICIENTS..][..COEFFICIENTS]);
            if piece.post_filter {
                post_filter(column, &noisy[t * bins..][..bins]);
            }
        }
        // Forward scale times the transform's own 960 is 1.
        let mut frames = self.halves.frames(&mut speech, 1.0, &mut memory.tail);
        frames.drain(..(1 - first) * HOP_FRAMES);
        Ok(Denoised { frames, state: Memory { means, ..memory }.packed() })
    }
}

impl Memory {
    /// As it was packed, or as it is at the start of a clip; none where it is neither.
    fn of(state: &[f32]) -> Option<Self> {
        if state.is_empty() {
            let (layers, tail) = (vec![0.0; LAYERS.len() * MEMORY], vec![0.0; HOP_FRAMES]);
            return Some(Self { means: Means::at_start(), layers, tail });
        }
        let (means, rest) = state.split_first_chunk::<MEANS>()?;
        let (layers, tail) = rest.split_at_checked(LAYERS.len() * MEMORY)?;
        let memory = Self { means: Means(*means), layers: layers.to_vec(), tail: tail.to_vec() };
        (tail.len() == HOP_FRAMES).then_some(memory)
    }

    fn packed(&self) -> Vec<f32> {
        [&self.means.0[..], &self.layers, &self.tail].concat()
    }
}

/// Some columns of `[CHANNELS, columns, width]`.
fn of_columns(data: &[f32], columns: usize, width: usize, range: &New) -> Vec<f32> {
    let cut = |channel: &[f32]| channel[range.start * width..range.end * width].to_vec();
    data.chunks_exact(columns * width).flat_map(cut).collect()
}

/// Every bin of a band by the band's gain.
fn apply_gains(column: &mut [Complex<f32>], gains: &[f32]) {
    let mut from = 0;
    for (width, gain) in ERB_WIDTHS.iter().zip(gains) {
        column[from..from + width].iter_mut().for_each(|bin| *bin *= gain);
        from += width;
    }
}

/// The lowest bins of column `t` from five columns of the noisy spectrum; what lies outside the piece is silent.
fn apply_filter(column: &mut [Complex<f32>], noisy: &[Complex<f32>], t: usize, filter: &[f32]) {
    let bins = column.len();
    for (f, (bin, taps)) in column.iter_mut().zip(filter.chunks_exact(TAPS * 2)).enumerate() {
        *bin = Complex::default();
        for (k, tap) in taps.chunks_exact(2).enumerate() {
            let Some(from) = (t + k).checked_sub(TAPS - 1 - AHEAD_COLUMNS) else { continue };
            if let Some(x) = noisy.get(from * bins + f) {
                *bin += Complex::new(tap[0], tap[1]) * x;
            }
        }
    }
}

/// Takes more from bins that keep little.
fn post_filter(column: &mut [Complex<f32>], noisy: &[Complex<f32>]) {
    for (bin, x) in column.iter_mut().zip(noisy) {
        let (kept, all) = (bin.norm(), x.norm());
        if kept == 0.0 || all == 0.0 {
            continue;
        }
        let gain = (kept / all).clamp(1e-12, 1.0);
        let ratio = 1.0 / (std::f32::consts::FRAC_PI_2 * gain).sin();
        *bin *= (1.0 + POST_FILTER_BETA) / (1.0 + POST_FILTER_BETA * ratio * ratio);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(count: usize) -> Vec<Complex<f32>> {
        (0..count * 481).map(|i| Complex::new((i % 17) as f32 - 8.0, (i % 23) as f32 - 11.0)).collect()
    }

    #[test]
    fn a_filter_with_only_its_middle_tap_leaves_the_column() {
        let noisy = columns(5);
        let mut filter = vec![0.0; COEFFICIENTS];
        filter.chunks_exact_mut(TAPS * 2).for_each(|taps| taps[2 * 2] = 1.0);
        for t in 0..5 {
            let mut column = noisy[t * 481..][..481].to_vec();
            apply_filter(&mut column, &noisy, t, &filter);
            assert_eq!(column, noisy[t * 481..][..481]);
        }
    }

    #[test]
    fn the_last_tap_is_two_columns_ahead_and_beyond_the_piece_it_is_silence() {
        let noisy = columns(5);
        let mut filter = vec![0.0; COEFFICIENTS];
        filter.chunks_exact_mut(TAPS * 2).for_each(|taps| taps[4 * 2] = 1.0);
        let mut column = noisy[..481].to_vec();
        apply_filter(&mut column, &noisy, 0, &filter);
        assert_eq!(column[..FILTER_BINS], noisy[2 * 481..][..FILTER_BINS]);
        assert_eq!(column[FILTER_BINS..], noisy[FILTER_BINS..481]);
        apply_filter(&mut column, &noisy, 4, &filter);
        assert!(column[..FILTER_BINS].iter().all(|x| x.norm() == 0.0));
    }

    #[test]
    fn the_post_filter_leaves_speech_and_lowers_noise() {
        let noisy = vec![Complex::new(1.0, 0.0); 4];
        let mut column: Vec<_> = [1.0, 0.5, 0.01, 0.0].iter().map(|g| Complex::new(*g, 0.0)).collect();
        post_filter(&mut column, &noisy);
        assert!((column[0].re - 1.0).abs() < 1e-6, "full gain stays");
        // 1.02 / (1 + 0.02 / sin^2(pi / 4)) = 0.98077, 1.02 / (1 + 0.02 / sin^2(0.005 pi)) = 0.012432.
        assert!((column[1].re - 0.490_385).abs() < 1e-5, "{}", column[1].re);
        assert!((column[2].re - 0.01 * 0.012_432).abs() < 1e-6, "{}", column[2].re);
        assert_eq!(column[3].re, 0.0);
    }
}
