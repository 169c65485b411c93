//! Weighted overlap-add: pieces that lie one hop apart become one stream. Keeps one piece, whatever the length.

/// Adds up pieces that start `hop_frames` after each other and divides by the sum of the weights that reach each
/// frame: `sum(piece) / sum(weights)`. With pieces already multiplied by a window and `weights` its square this is
/// the least-squares inverse of a windowed transform (Griffin & Lim 1984).
pub struct OverlapAdd {
    weights: Vec<f32>,
    hop_frames: usize,
    /// What a hop in the middle is multiplied by: one over the full sum of weights.
    steady: Vec<f32>,
    /// The sum so far of the frames that are not final, `weights.len()` of them.
    sum: Vec<f32>,
    done: Vec<f32>,
    pieces: usize,
}

/// A sum of weights below this is a frame that no piece reaches: it becomes silence instead of noise.
const WEIGHT_MIN: f32 = 1e-8;

impl OverlapAdd {
    /// `weights`: one for each frame of a piece. None where there are none, or `hop_frames` is 0 or more than them.
    #[must_use]
    pub fn new(weights: Vec<f32>, hop_frames: usize) -> Option<Self> {
        if hop_frames == 0 || hop_frames > weights.len() {
            return None;
        }
        let sum = vec![0.0; weights.len()];
        let mut new =
            Self { hop_frames, steady: Vec::new(), sum, done: vec![0.0; hop_frames], pieces: 0, weights };
        new.steady = new.reciprocals(0, new.hops());
        Some(new)
    }

    /// Adds the next piece, as long as the weights, and returns the `hop_frames` frames that are final now.
    ///
    /// # Panics
    /// Where the piece is not as long as the weights.
    pub fn add(&mut self, piece: &[f32]) -> &[f32] {
        assert_eq!(piece.len(), self.weights.len(), "a piece is as long as the weights");
        for (sum, x) in self.sum.iter_mut().zip(piece) {
            *sum += x;
        }
        self.pieces = self.pieces.saturating_add(1);
        if self.pieces >= self.hops() {
            for ((out, sum), scale) in self.done.iter_mut().zip(&self.sum).zip(&self.steady) {
                *out = sum * scale;
            }
        } else {
            let scales = self.reciprocals(0, self.pieces);
            for ((out, sum), scale) in self.done.iter_mut().zip(&self.sum).zip(&scales) {
                *out = sum * scale;
            }
        }
        self.sum.copy_within(self.hop_frames.., 0);
        let kept = self.sum.len() - self.hop_frames;
        self.sum[kept..].fill(0.0);
        &self.done
    }

    /// After the last piece: the frames that no further piece will reach, all but one hop of a piece's length.
    /// Leaves the object as new.
    pub fn finish(&mut self) -> Vec<f32> {
        let mut rest = Vec::with_capacity(self.sum.len() - self.hop_frames);
        for missing in 1..self.hops() {
            let scales = self.reciprocals(missing, self.hops().min(missing + self.pieces));
            let at = (missing - 1) * self.hop_frames;
            let kept = self.sum.len() - self.hop_frames;
            let hop = &self.sum[at..kept.min(at + self.hop_frames)];
            rest.extend(hop.iter().zip(&scales).map(|(sum, scale)| sum * scale));
        }
        self.sum.fill(0.0);
        self.pieces = 0;
        rest
    }

    /// Of the weights, the last one perhaps not whole.
    fn hops(&self) -> usize {
        self.weights.len().div_ceil(self.hop_frames)
    }

    /// One over the sum of the weights of one hop, to which hops `first..end` of the weights contribute.
    fn reciprocals(&self, first: usize, end: usize) -> Vec<f32> {
        let hop = self.hop_frames;
        (0..hop)
            .map(|i| {
                let sum: f32 = (first..end).filter_map(|h| self.weights.get(h * hop + i)).sum();
                if sum < WEIGHT_MIN { 0.0 } else { 1.0 / sum }
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Cuts a ramp into weighted pieces and adds them up again.
    fn check_ramp(weights: &[f32], hop: usize, pieces: usize) {
        let ramp = |i: usize| i as f32 + 1.0;
        let mut add = OverlapAdd::new(weights.to_vec(), hop).unwrap();
        let mut out = Vec::new();
        for p in 0..pieces {
            let piece: Vec<f32> = weights.iter().enumerate().map(|(i, w)| w * ramp(p * hop + i)).collect();
            out.extend_from_slice(add.add(&piece));
        }
        out.extend(add.finish());
        assert_eq!(out.len(), weights.len() + (pieces - 1) * hop);
        for (i, x) in out.iter().enumerate() {
            assert!((x / ramp(i) - 1.0).abs() < 1e-5, "frame {i} of {pieces} pieces is {x}");
        }
    }

    #[test]
    fn any_positive_weights_give_back_the_signal_also_at_both_ends() {
        for pieces in 1..9 {
            check_ramp(&[0.1, 0.9, 1.0, 0.4, 0.3, 0.2], 2, pieces);
            check_ramp(&[0.5; 4], 1, pieces);
            check_ramp(&[0.5; 4], 4, pieces);
            check_ramp(&[0.1, 0.9, 1.0, 0.4, 0.3, 0.2, 0.7], 2, pieces);
            check_ramp(&[0.1, 0.9, 1.0, 0.4, 0.3, 0.2, 0.7], 3, pieces);
        }
    }

    #[test]
    fn frames_without_weight_are_silent_not_infinite() {
        let mut add = OverlapAdd::new(vec![0.0, 1.0], 2).unwrap();
        assert_eq!(add.add(&[3.0, 4.0]), &[0.0, 4.0]);
    }

    #[test]
    fn a_hop_of_nothing_or_beyond_the_piece_is_refused() {
        assert!(OverlapAdd::new(vec![1.0; 6], 7).is_none());
        assert!(OverlapAdd::new(vec![1.0; 6], 0).is_none());
        assert!(OverlapAdd::new(Vec::new(), 1).is_none());
    }
}
