//! Takes the network's answers in order and makes stems of them. Knows no network and waits for nothing.

use super::Link;
use super::synthesis::{Masks, PairSynthesis, Place};
use super::{BANDS, Job, PLANES};
use crate::ModelError;
use crate::pipeline::stems::outlet::Outlet;
use crate::pipeline::stems::parts::Parts;
use crate::pipeline::{Assembler, ChunkAnswer, ResultSink};
use std::collections::VecDeque;
use std::sync::Arc;
use tributary_audio::Frames;

/// Columns synthesised before their frames are handed on: small enough to stay in the cache, large enough to share
/// among threads.
const COLUMNS_AT_ONCE: usize = 64;

pub(super) struct SeparateAssembler {
    job: Arc<Job>,
    parts: Arc<Parts>,
    link: Arc<Link>,
    pairs: Vec<PairSynthesis>,
    outlet: Outlet,
    next: u32,
}

impl SeparateAssembler {
    pub(super) fn new(
        job: Arc<Job>,
        parts: Arc<Parts>,
        mixture: Option<Box<dyn Frames>>,
        link: Arc<Link>,
    ) -> Result<Self, ModelError> {
        let pairs = (0..job.pairs())
            .map(|p| PairSynthesis::new(&job, parts.parts(), job.pair_channels(p).len()))
            .collect();
        let outlet = Outlet::new(job.clip, job.front.rate_hz, Arc::clone(&parts), mixture)?;
        Ok(Self { job, parts, link, pairs, outlet, next: 0 })
    }

    /// Passes on what pair `p` has just made.
    fn feed(&mut self, p: u32) {
        let channels = self.job.pair_channels(p);
        for part in 0..self.parts.parts().len() {
            let (mid, side) = self.pairs[p as usize].made(part, channels.len());
            match side {
                None => self.outlet.feed(part, channels.start, mid.iter().copied()),
                Some(side) => {
                    let both = || mid.iter().zip(side);
                    self.outlet.feed(part, channels.start, both().map(|(m, s)| m + s));
                    self.outlet.feed(part, channels.start + 1, both().map(|(m, s)| m - s));
                }
            }
        }
    }
}

impl Assembler for SeparateAssembler {
    fn push(&mut self, answer: ChunkAnswer, sink: &mut dyn ResultSink) -> Result<(), ModelError> {
        let out_of_order = ModelError::ChunkOrder { expected: self.next, got: answer.index };
        if answer.index != self.next || self.next >= self.job.chunks() {
            return Err(out_of_order);
        }
        let (k, p) = (self.next / self.job.pairs(), self.next % self.job.pairs());
        let (layout, stems) = (self.job.layout, self.job.front.stems.len());
        let (chunk, segment) = (layout.chunk(k), layout.segment(k));
        let numbers = stems * PLANES * chunk.len() * BANDS;
        if answer.data.len() != numbers {
            let reason = format!("chunk {} has {} numbers, not {numbers}", answer.index, answer.data.len());
            return Err(self.job.engine_error(reason));
        }
        let Some(spectra) = self.link.with(VecDeque::pop_front) else { return Err(out_of_order) };
        let masks = Masks::from_logits(answer.data, stems);
        let place = Place { first: (segment.start - chunk.start) as usize, fade: layout.fade_columns(k) };
        for from in (0..segment.len()).step_by(COLUMNS_AT_ONCE) {
            let range = from..segment.len().min(from + COLUMNS_AT_ONCE);
            self.pairs[p as usize].push(&masks, place, &spectra, &range);
            self.feed(p);
            self.outlet.flush(sink)?;
        }
        if !layout.is_last(k) {
            self.pairs[p as usize].keep_tail(&masks, layout.fade_columns(k + 1) as usize);
        }
        self.next += 1;
        drop(spectra);
        self.link.arrived();
        Ok(())
    }

    fn finish(&mut self, sink: &mut dyn ResultSink) -> Result<(), ModelError> {
        if self.next != self.job.chunks() {
            return Err(ModelError::ChunkOrder { expected: self.next, got: self.job.chunks() });
        }
        for p in 0..self.job.pairs() {
            self.pairs[p as usize].finish();
            self.feed(p);
        }
        self.outlet.finish(sink)
    }
}

impl Drop for SeparateAssembler {
    /// A cutter that waits for room would wait for ever.
    fn drop(&mut self) {
        self.link.close();
    }
}
