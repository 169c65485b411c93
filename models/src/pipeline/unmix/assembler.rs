//! Takes the network's answers in order and lays the stems' chunks over each other. Runs no network and waits for nothing.

use super::{Job, Link};
use crate::ModelError;
use crate::pipeline::stems::outlet::Outlet;
use crate::pipeline::stems::parts::Parts;
use crate::pipeline::{Assembler, ChunkAnswer, ResultSink};
use rayon::prelude::*;
use std::collections::VecDeque;
use std::sync::Arc;
use tributary_audio::Frames;

pub(super) struct UnmixAssembler {
    job: Arc<Job>,
    /// `[parts]`: where its stems are in an answer, which has those that are needed.
    places: Vec<Vec<usize>>,
    /// Numbers of an answer.
    numbers: usize,
    link: Arc<Link>,
    /// `[pairs]`.
    sums: Vec<Sum>,
    outlet: Outlet,
    next: u32,
}

/// Chunks of one pair of channels, laid over each other.
struct Sum {
    /// The first frame that is not final yet.
    from: u64,
    /// `[parts][2][..]`, from there on.
    sound: Vec<[Vec<f32>; 2]>,
    weights: Vec<f32>,
}

impl UnmixAssembler {
    pub(super) fn new(
        job: Arc<Job>,
        parts: Arc<Parts>,
        mixture: Option<Box<dyn Frames>>,
        link: Arc<Link>,
    ) -> Result<Self, ModelError> {
        let sum = || Sum {
            from: 0,
            sound: parts.parts().iter().map(|_| Default::default()).collect(),
            weights: Vec::new(),
        };
        let sums = (0..job.pairs()).map(|_| sum()).collect();
        let needed = parts.needed();
        let places = |part: &Vec<usize>| part.iter().filter_map(|s| needed.binary_search(s).ok()).collect();
        let places = parts.parts().iter().map(places).collect();
        let numbers = needed.len() * job.front.net.stem_numbers();
        let outlet = Outlet::new(job.clip, job.front.recipe.rate_hz, parts, mixture)?;
        Ok(Self { job, places, numbers, link, sums, outlet, next: 0 })
    }

    /// Whether an answer is as long as it must be, and numbers: half precision may have run over.
    fn check(&self, ChunkAnswer { index, data }: &ChunkAnswer) -> Result<(), ModelError> {
        if data.len() != self.numbers {
            let (got, wanted) = (data.len(), self.numbers);
            return Err(self.job.engine_error(format!("chunk {index} has {got} numbers, not {wanted}")));
        }
        match data.iter().find(|x| !x.is_finite()) {
            Some(bad) => Err(self.job.engine_error(format!("{bad} came out of chunk {index}"))),
            None => Ok(()),
        }
    }
}

impl Sum {
    /// Lays chunk `k`, `[parts][2][chunk_frames]`, over what is there.
    fn lay(&mut self, job: &Job, k: u64, sounds: &[[Vec<f32>; 2]]) {
        let (start, from) = (job.layout.start(k), self.from.cast_signed());
        let end = (start + i64::from(job.front.recipe.chunk_frames)).min(job.frames.cast_signed());
        // Where the chunk meets what is not final: from the sum's first frame, and from the chunk's.
        let place = (start.max(from) - from) as usize;
        let heard = (start.max(from) - start) as usize..(end - start) as usize;
        let weights: Vec<f32> = heard.clone().map(|i| job.layout.weight(k, i as u64)).collect();
        let sign = if job.is_turned(k) { -1.0 } else { 1.0 };
        for (sum, sound) in self.sound.iter_mut().flatten().zip(sounds.iter().flatten()) {
            let weighted = sound[heard.clone()].iter().zip(&weights).map(|(x, weight)| sign * weight * x);
            add(sum, place, weighted);
        }
        add(&mut self.weights, place, weights.iter().copied());
    }

    /// The frames before `done` of all parts, divided by what they weigh: they are final.
    fn take(&mut self, done: u64) -> Vec<[Vec<f32>; 2]> {
        let count = (done - self.from) as usize;
        let weights: Vec<f32> = self.weights.drain(..count.min(self.weights.len())).collect();
        self.from = done;
        let take = |sum: &mut Vec<f32>| -> Vec<f32> {
            let sound = sum.drain(..count.min(sum.len()));
            // Where no chunk weighs anything there is silence.
            sound.zip(&weights).map(|(x, weight)| if *weight > 0.0 { x / weight } else { 0.0 }).collect()
        };
        self.sound.iter_mut().map(|part| part.each_mut().map(take)).collect()
    }
}

/// Adds numbers to those from `place` on; beyond the last there are zeros.
fn add(sum: &mut Vec<f32>, place: usize, more: impl ExactSizeIterator<Item = f32>) {
    sum.resize(sum.len().max(place + more.len()), 0.0);
    for (sum, more) in sum[place..].iter_mut().zip(more) {
        *sum += more;
    }
}

impl Assembler for UnmixAssembler {
    fn push(&mut self, answer: ChunkAnswer, sink: &mut dyn ResultSink) -> Result<(), ModelError> {
        let out_of_order = ModelError::ChunkOrder { expected: self.next, got: answer.index };
        if answer.index != self.next || self.next >= self.job.chunks() {
            return Err(out_of_order);
        }
        self.check(&answer)?;
        let Some(kept) = self.link.with(VecDeque::pop_front) else { return Err(out_of_order) };
        let (k, p) = (u64::from(self.next / self.job.pairs()), self.next % self.job.pairs());
        let sum = &mut self.sums[p as usize];
        let net = &self.job.front.net;
        let sounds: Vec<_> =
            self.places.par_iter().map(|places| net.stem(&kept, &answer.data, places)).collect();
        sum.lay(&self.job, k, &sounds);
        let channels = self.job.pair_channels(p);
        for (part, [left, right]) in sum.take(self.job.layout.done(k)).into_iter().enumerate() {
            if channels.len() == 1 {
                // One channel went in as two that are equal.
                let mean = left.iter().zip(&right).map(|(l, r)| 0.5 * (l + r));
                self.outlet.feed(part, channels.start, mean);
            } else {
                self.outlet.feed(part, channels.start, left.into_iter());
                self.outlet.feed(part, channels.start + 1, right.into_iter());
            }
        }
        self.outlet.flush(sink)?;
        self.next += 1;
        drop(kept);
        self.link.arrived();
        Ok(())
    }

    fn finish(&mut self, sink: &mut dyn ResultSink) -> Result<(), ModelError> {
        if self.next != self.job.chunks() {
            return Err(ModelError::ChunkOrder { expected: self.next, got: self.job.chunks() });
        }
        self.outlet.finish(sink)
    }
}

impl Drop for UnmixAssembler {
    /// A cutter that waits for room would wait for ever.
    fn drop(&mut self) {
        self.link.close();
    }
}
