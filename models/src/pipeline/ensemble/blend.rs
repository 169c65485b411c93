//! Weighted sums of stems that come from several members, each at its own pace: a frame goes on when all have given it.

use crate::pipeline::ResultSink;
use tributary_audio::AudioError;
use tributary_audio::frames::{empty_block, slices};

/// The stems of one job.
pub(super) struct Blend {
    stems: Vec<Stem>,
}

/// What of one stem waits for somebody.
struct Stem {
    /// `[channels][..]` from the first frame that did not go on.
    sum: Vec<Vec<f32>>,
    /// Who gives to it, and how many frames of the sum each has given.
    given: Vec<(usize, usize)>,
}

impl Blend {
    /// `givers`: of each stem, the numbers of those who give to it.
    pub(super) fn new(channels: u16, givers: Vec<Vec<usize>>) -> Self {
        let stem = |givers: Vec<usize>| Stem {
            sum: empty_block(channels, 0),
            given: givers.into_iter().map(|giver| (giver, 0)).collect(),
        };
        Self { stems: givers.into_iter().map(stem).collect() }
    }

    /// Takes the next frames that `giver` has of `stem`, `[channels][frames]`, and its share.
    pub(super) fn give(&mut self, giver: usize, (stem, share): (usize, f32), block: &[&[f32]]) {
        let Stem { sum, given } = &mut self.stems[stem];
        let Some((_, at)) = given.iter_mut().find(|(number, _)| *number == giver) else { return };
        let frames = block.first().map_or(0, |channel| channel.len());
        for (sum, channel) in sum.iter_mut().zip(block) {
            sum.resize(sum.len().max(*at + frames), 0.0);
            sum[*at..].iter_mut().zip(*channel).for_each(|(sum, x)| *sum += share * x);
        }
        *at += frames;
    }

    /// Hands on what all have given.
    pub(super) fn flush(&mut self, sink: &mut dyn ResultSink) -> Result<(), AudioError> {
        for (number, Stem { sum, given }) in self.stems.iter_mut().enumerate() {
            let ready = given.iter().map(|(_, frames)| *frames).min().unwrap_or(0);
            if ready == 0 {
                continue;
            }
            let rest: Vec<Vec<f32>> = sum.iter_mut().map(|channel| channel.split_off(ready)).collect();
            sink.write(number, &slices(sum))?;
            *sum = rest;
            given.iter_mut().for_each(|(_, frames)| *frames -= ready);
        }
        Ok(())
    }
}
