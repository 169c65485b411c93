//! RNNoise (Valin 2018, "A hybrid DSP/deep learning approach to real-time full-band speech enhancement"), features and
//! network by the crate `nnnoiseless`, weights inside it. 48 kHz, causal, one hop of delay.

use super::denoiser::{Denoised, Denoiser, Local, Piece, Sight};
use crate::ModelError;
use crate::session::Lane;
use nnnoiseless::DenoiseState;

const HOP_FRAMES: usize = DenoiseState::FRAME_SIZE;
/// The crate works on the range of 16-bit samples.
const FULL_SCALE: f32 = 32_768.0;
/// Half of the memory of the network fades within seconds, the rest not at all: with 8 s of warm-up, segments were 39 dB
/// from one piece. So it runs in one go, on a hundredth of a core.
const SIGHT: Sight =
    Sight { rate_hz: 48_000, hop_frames: HOP_FRAMES, segment_hops: 1_600, before_hops: 0, ahead_hops: 1 };

pub(super) struct Rnnoise;

/// One channel.
struct Channel {
    state: Box<DenoiseState<'static>>,
    /// Hops that went in.
    hops: u64,
}

impl Denoiser for Rnnoise {
    fn sight(&self) -> Sight {
        SIGHT
    }

    fn graphs(&self) -> &'static [(&'static str, &'static str)] {
        &[]
    }

    fn local(&self) -> Option<Box<dyn Local>> {
        Some(Box::new(Channel { state: DenoiseState::new(), hops: 0 }))
    }

    fn denoise(&self, _lane: &Lane<'_>, _piece: &Piece<'_>) -> Result<Denoised, ModelError> {
        unreachable!("a local network is not asked")
    }
}

impl Local for Channel {
    fn denoise(&mut self, piece: &Piece<'_>) -> Vec<f32> {
        let mut speech = Vec::with_capacity(piece.segment_hops * HOP_FRAMES);
        let (mut input, mut output) = ([0.0; HOP_FRAMES], [0.0; HOP_FRAMES]);
        // History was heard already. So was the segment's first hop, but for the clip's very first: what comes out
        // with one hop belongs to the hop before it.
        let heard = if self.hops == 0 { 1 } else { 2 };
        for hop in piece.frames.chunks_exact(HOP_FRAMES).skip(heard) {
            input.iter_mut().zip(hop).for_each(|(to, x)| *to = x * FULL_SCALE);
            self.state.process_frame(&mut output, &input);
            if self.hops > 0 {
                speech.extend(output.iter().map(|x| x / FULL_SCALE));
            }
            self.hops += 1;
        }
        speech
    }
}
