//! RNNoise (Valin 2018, "A hybrid DSP/deep learning approach to real-time full-band speech enhancement"), features and
//! network by the crate `nnnoiseless`, weights inside it. 48 kHz, causal, one hop of delay.

use super::denoiser::{Denoiser, Piece, Sight};
use crate::ModelError;
use crate::session::Lane;
use nnnoiseless::{DenoiseState, RnnModel};

const HOP_FRAMES: usize = DenoiseState::FRAME_SIZE;
/// The crate works on the range of 16-bit samples.
const FULL_SCALE: f32 = 32_768.0;
const SIGHT: Sight =
    Sight { rate_hz: 48_000, hop_frames: HOP_FRAMES, segment_hops: 1_500, warm_hops: 500, ahead_hops: 1 };

pub(super) struct Rnnoise {
    model: RnnModel,
}

impl Rnnoise {
    pub(super) fn new() -> Self {
        Self { model: RnnModel::default() }
    }
}

impl Denoiser for Rnnoise {
    fn sight(&self) -> Sight {
        SIGHT
    }

    fn graphs(&self) -> &'static [(&'static str, &'static str)] {
        &[]
    }

    fn denoise(&self, _lane: &Lane<'_>, piece: &Piece<'_>) -> Result<Vec<f32>, ModelError> {
        let mut state = DenoiseState::with_model(&self.model);
        let mut speech = Vec::with_capacity(piece.segment_hops * HOP_FRAMES);
        let (mut input, mut output) = ([0.0; HOP_FRAMES], [0.0; HOP_FRAMES]);
        // History is left out, since the program starts with a clip's first hop. What comes out with one hop belongs
        // to the hop before it.
        for (i, hop) in piece.frames.chunks_exact(HOP_FRAMES).skip(1).enumerate() {
            input.iter_mut().zip(hop).for_each(|(to, x)| *to = x * FULL_SCALE);
            state.process_frame(&mut output, &input);
            if i > piece.warm_hops && i <= piece.warm_hops + piece.segment_hops {
                speech.extend(output.iter().map(|x| x / FULL_SCALE));
            }
        }
        Ok(speech)
    }
}
