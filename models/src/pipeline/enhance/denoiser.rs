//! The seam between all that is one for every network (chunks, rates, mixing) and what is not. Knows no clip.

use crate::ModelError;
use crate::session::Lane;
use std::borrow::Cow;

/// How a network sees sound, and how much of it around a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sight {
    /// The rate it works at.
    pub(super) rate_hz: u32,
    /// From column to column, frames.
    pub(super) hop_frames: usize,
    /// Hops of one segment: what one chunk answers for.
    pub(super) segment_hops: u32,
    /// Hops before a segment that are seen again, beside what the state holds.
    pub(super) before_hops: u32,
    /// Hops after a segment that its last column reaches.
    pub(super) ahead_hops: u32,
}

/// What one chunk holds, one channel.
#[derive(Clone, Copy, Debug)]
pub(super) struct Piece<'a> {
    /// Whether the post-filter is on, where there is one.
    pub(super) post_filter: bool,
    /// Hops before the segment.
    pub(super) before_hops: usize,
    /// Hops of the segment.
    pub(super) segment_hops: usize,
    /// What the network remembered after the segment before; empty at the start of the clip.
    pub(super) state: &'a [f32],
    /// One hop of history, the hops before, the segment, and what it looks ahead; all whole hops. Silence where the
    /// clip has not begun or has ended.
    pub(super) frames: &'a [f32],
}

/// What a network says to one piece.
pub(super) struct Denoised {
    /// Speech in the segment, `segment_hops * hop_frames` frames, the network's delay taken out.
    pub(super) frames: Vec<f32>,
    /// What it remembers for the next segment.
    pub(super) state: Vec<f32>,
}

/// Numbers before the state: post-filter, hops before the segment, its hops, numbers of the state.
const HEADER: usize = 4;

impl<'a> Piece<'a> {
    /// As it travels in a chunk.
    pub(super) fn pack(&self) -> Vec<f32> {
        let mut data = Vec::with_capacity(HEADER + self.state.len() + self.frames.len());
        // Counts below 2^24 are exact: 46 hours of hops.
        data.push(f32::from(u8::from(self.post_filter)));
        data.extend([self.before_hops, self.segment_hops, self.state.len()].map(|count| count as f32));
        data.extend_from_slice(self.state);
        data.extend_from_slice(self.frames);
        data
    }

    /// As it was packed; none where the counts do not agree with each other and `sight`.
    pub(super) fn unpack(data: &'a [f32], sight: &Sight) -> Option<Self> {
        let (&[post_filter, before_hops, segment_hops, state], rest) = data.split_first_chunk::<HEADER>()?;
        let [before_hops, segment_hops, state] =
            [before_hops, segment_hops, state].map(|count| count as usize);
        let (state, frames) = rest.split_at_checked(state)?;
        let hops = before_hops.checked_add(segment_hops)?.checked_add(1 + sight.ahead_hops as usize)?;
        let piece = Self { post_filter: post_filter != 0.0, before_hops, segment_hops, state, frames };
        (hops.checked_mul(sight.hop_frames)? == frames.len()).then_some(piece)
    }
}

/// A network whose memory cannot leave its object, and which is quick enough to run where the clip is read: it goes
/// through one channel from start to end. CPU, cutter's thread.
pub(super) trait Local: Send {
    /// Speech in the segment of `piece`, which follows the one before.
    fn denoise(&mut self, piece: &Piece<'_>) -> Vec<f32>;
}

/// One network.
pub(super) trait Denoiser: Send + Sync {
    /// How it sees sound.
    fn sight(&self) -> Sight;

    /// Its graphs: name in the session, and file. None for a local one.
    fn graphs(&self) -> &'static [(&'static str, &'static str)];

    /// Whether [`Piece::post_filter`] means anything to it.
    fn has_post_filter(&self) -> bool {
        false
    }

    /// One for each channel of a local network.
    fn local(&self) -> Option<Box<dyn Local>> {
        None
    }

    /// A file of [`Self::graphs`] as the session shall load it.
    ///
    /// # Errors
    /// What about it is not this network's.
    fn open(&self, _graph: &str, onnx: Cow<'static, [u8]>) -> Result<Cow<'static, [u8]>, String> {
        Ok(onnx)
    }

    /// Speech in one segment; not asked of a local network.
    ///
    /// # Errors
    /// Where the engine fails or the graph gives other shapes than the network's.
    fn denoise(&self, lane: &Lane<'_>, piece: &Piece<'_>) -> Result<Denoised, ModelError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIGHT: Sight =
        Sight { rate_hz: 48_000, hop_frames: 4, segment_hops: 2, before_hops: 1, ahead_hops: 1 };

    #[test]
    fn a_piece_comes_out_of_a_chunk_as_it_went_in() {
        let frames: Vec<f32> = (0..20).map(|i| i as f32).collect();
        let piece =
            Piece { post_filter: true, before_hops: 1, segment_hops: 2, state: &[7.0, 8.0], frames: &frames };
        let data = piece.pack();
        let back = Piece::unpack(&data, &SIGHT).unwrap();
        assert_eq!((back.post_filter, back.before_hops, back.segment_hops), (true, 1, 2));
        assert_eq!((back.state, back.frames), (piece.state, piece.frames));
    }

    #[test]
    fn a_chunk_with_other_counts_is_no_piece() {
        let good =
            Piece { post_filter: false, before_hops: 0, segment_hops: 1, state: &[], frames: &[0.0; 12] };
        let good = good.pack();
        assert!(Piece::unpack(&good, &SIGHT).is_some());
        for at in 1..HEADER {
            for count in [-1.0, 5.0, f32::MAX, f32::NAN] {
                let mut bad = good.clone();
                bad[at] = count;
                let same = bad[at].is_nan() || bad[at] < 0.0;
                assert!(Piece::unpack(&bad, &SIGHT).is_none() || (same && at != 2), "{at} {count}");
            }
        }
        assert!(Piece::unpack(&good[..good.len() - 1], &SIGHT).is_none());
        assert!(Piece::unpack(&[], &SIGHT).is_none());
    }
}
