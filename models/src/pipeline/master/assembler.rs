//! Takes the filtered sound in order: gain, limiter, out; and writes the report. Waits for nothing.

use super::Link;
use super::chain::Chain;
use super::figures::{Gauge, PlainGauge};
use super::verdict::Verdict;
use super::{Job, report};
use crate::ModelError;
use crate::pipeline::{Assembler, ChunkAnswer, ResultSink};
use std::sync::Arc;
use tributary_audio::AudioError;
use tributary_audio::frames::slices;

/// Numbers of the plan's only stem and its only sheet.
const MASTER: usize = 0;
const REPORT: usize = 0;

pub(super) struct MasterAssembler {
    job: Arc<Job>,
    link: Arc<Link>,
    next: u32,
    /// Since the first chunk with sound.
    desk: Option<Desk>,
}

/// Everything between the answers and the sink.
struct Desk {
    verdict: Verdict,
    chain: Chain,
    unlimited: PlainGauge,
    after: Gauge,
    written_frames: u64,
}

impl MasterAssembler {
    pub(super) fn new(job: Arc<Job>, link: Arc<Link>) -> Self {
        Self { job, link, next: 0, desk: None }
    }

    fn sound(&mut self, data: &[f32], sink: &mut dyn ResultSink) -> Result<(), ModelError> {
        let desk = match &mut self.desk {
            Some(desk) => desk,
            none => {
                let index = self.job.analysis_chunks;
                let missing = ModelError::ChunkOrder { expected: index, got: self.next };
                let verdict = self.link.with(Option::take).ok_or(missing)?;
                none.insert(Desk::new(&self.job, verdict)?)
            }
        };
        let gain = desk.verdict.gain as f32;
        let frames = data.len() / self.job.channels();
        let block: Vec<Vec<f32>> =
            data.chunks_exact(frames).map(|row| row.iter().map(|x| x * gain).collect()).collect();
        desk.unlimited.push(&slices(&block));
        let block = desk.chain.push(block);
        desk.write(&block, sink)
    }
}

impl Desk {
    fn new(job: &Job, verdict: Verdict) -> Result<Self, ModelError> {
        Ok(Self {
            chain: Chain::new(job, verdict.ceiling, verdict.margin),
            verdict,
            unlimited: PlainGauge::default(),
            after: Gauge::new(job.clip.channels, job.clip.rate_hz)?,
            written_frames: 0,
        })
    }

    fn write(&mut self, block: &[Vec<f32>], sink: &mut dyn ResultSink) -> Result<(), ModelError> {
        let frames = block.first().map_or(0, Vec::len);
        if frames > 0 {
            let block = slices(block);
            self.after.push(&block)?;
            sink.write(MASTER, &block)?;
            self.written_frames += frames as u64;
        }
        Ok(())
    }
}

impl Assembler for MasterAssembler {
    fn push(&mut self, answer: ChunkAnswer, sink: &mut dyn ResultSink) -> Result<(), ModelError> {
        if answer.index != self.next || self.next >= self.job.chunks() {
            return Err(ModelError::ChunkOrder { expected: self.next, got: answer.index });
        }
        let numbers = self.job.answer_numbers(answer.index);
        if answer.data.len() != numbers {
            let reason = format!("chunk {} has {} numbers, not {numbers}", answer.index, answer.data.len());
            return Err(ModelError::Engine { model: self.job.model.clone(), reason });
        }
        if numbers > 0 {
            self.sound(&answer.data, sink)?;
        }
        self.next += 1;
        drop(answer);
        self.link.arrived();
        Ok(())
    }

    fn finish(&mut self, sink: &mut dyn ResultSink) -> Result<(), ModelError> {
        let (expected, got) = (self.next, self.job.chunks());
        let Some(desk) = self.desk.as_mut().filter(|_| expected == got) else {
            return Err(ModelError::ChunkOrder { expected, got });
        };
        let rest = desk.chain.finish(self.job.channels());
        desk.write(&rest, sink)?;
        if desk.written_frames != self.job.clip.frames {
            let got = format!("{} frames of the master", desk.written_frames);
            return Err(AudioError::Shape { expected: self.job.clip.frames.to_string(), got }.into());
        }
        let after = desk.after.figures()?;
        let sheet =
            report::write(&self.job, &desk.verdict, &desk.unlimited, after, desk.chain.reduction_db());
        sink.sheet(REPORT, &sheet)?;
        Ok(())
    }
}

impl Drop for MasterAssembler {
    /// A cutter that waits for room would wait for ever.
    fn drop(&mut self) {
        self.link.close();
    }
}
