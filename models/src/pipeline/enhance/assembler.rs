//! Takes speech by segment and channel in order and makes the stems of it. Knows no network and waits for nothing.

use super::Link;
use super::outlet::{Outlet, Purpose};
use super::{Job, voice};
use crate::ModelError;
use crate::pipeline::{Assembler, ChunkAnswer, Clip, ResultSink};
use std::sync::Arc;

/// No point of the speech lies above this after loudness to target: what players and streaming services ask for.
const TRUE_PEAK_MAX_DBTP: f64 = -1.0;

pub(super) struct EnhanceAssembler {
    job: Arc<Job>,
    clip: Arc<dyn Clip>,
    link: Arc<Link>,
    outlet: Outlet,
    /// The segment that is on its way in, `[channels][frames]` at the network's rate.
    segment: Vec<Vec<f32>>,
    next: u32,
}

impl EnhanceAssembler {
    pub(super) fn new(job: Arc<Job>, clip: Arc<dyn Clip>, link: Arc<Link>) -> Result<Self, ModelError> {
        let purpose = if job.passes() > 1 { Purpose::Measure } else { Purpose::Write { gain_db: 0.0 } };
        let outlet = Outlet::new(&job, &*clip, purpose)?;
        let segment = Vec::with_capacity(usize::from(job.clip.channels));
        Ok(Self { job, clip, link, outlet, segment, next: 0 })
    }

    /// After the first of two passes: the gain is known now, and the clip begins anew.
    fn turn(&mut self, sink: &mut dyn ResultSink) -> Result<(), ModelError> {
        let speech = self.outlet.finish(&self.job, sink)?;
        // Silence, and what is too short to have a loudness, stays as it is.
        let mut gain_db = 0.0;
        if let (Some(target), Some(found)) = (self.job.wish.target_lufs, speech.integrated_lufs) {
            let headroom_db = TRUE_PEAK_MAX_DBTP - speech.true_peak_dbtp.unwrap_or(f64::NEG_INFINITY);
            gain_db = (target - found).min(headroom_db);
        }
        self.outlet = Outlet::new(&self.job, &*self.clip, Purpose::Write { gain_db })?;
        Ok(())
    }
}

impl Assembler for EnhanceAssembler {
    fn push(&mut self, answer: ChunkAnswer, sink: &mut dyn ResultSink) -> Result<(), ModelError> {
        if answer.index != self.next || self.next >= self.job.chunks() {
            return Err(ModelError::ChunkOrder { expected: self.next, got: answer.index });
        }
        let place = self.job.place(self.next);
        // In front what the voice's network said, if it was asked: probabilities, then its memory.
        let windows = self.job.voice_windows(place.segment);
        let (windows, heard) = match self.job.listens(place) {
            true => ((windows.end - windows.start) as usize, voice::MEMORY),
            false => (0, 0),
        };
        let due = self.job.segment_frames(place.segment);
        let mut probabilities = answer.data;
        if probabilities.len() < windows + heard + due {
            let reason =
                format!("chunk {} has {} numbers, {due} frames were due", answer.index, probabilities.len());
            return Err(ModelError::Engine { model: self.job.front.model.clone(), reason });
        }
        let mut memory = probabilities.split_off(windows);
        let mut frames = memory.split_off(heard);
        memory.extend_from_slice(&frames[due..]);
        frames.truncate(due);
        self.next += 1;
        // The network may go on while the stems are mixed.
        let goes_on = !self.job.is_last(place.segment);
        self.link.with(|memories| memories[place.channel] = goes_on.then_some(memory));
        self.link.arrived();
        self.outlet.hear(&probabilities);
        self.segment.push(frames);
        if self.segment.len() == usize::from(self.job.clip.channels) {
            self.outlet.push(&self.job, &self.segment, sink)?;
            self.segment.clear();
            if self.next < self.job.chunks() && self.job.place(self.next).pass != place.pass {
                self.turn(sink)?;
            }
        }
        Ok(())
    }

    fn finish(&mut self, sink: &mut dyn ResultSink) -> Result<(), ModelError> {
        if self.next != self.job.chunks() {
            return Err(ModelError::ChunkOrder { expected: self.next, got: self.job.chunks() });
        }
        self.outlet.finish(&self.job, sink)?;
        sink.sheet(0, &self.outlet.report(&self.job)?)?;
        Ok(())
    }
}

impl Drop for EnhanceAssembler {
    /// A cutter that waits for room would wait for ever.
    fn drop(&mut self) {
        self.link.close();
    }
}
