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

    fn sound(&mut self, sink: &mut dyn ResultSink) -> Result<(), ModelError> {
        let missing = || ModelError::ChunkOrder { expected: self.job.analysis_chunks, got: self.next };
        let desk = match &mut self.desk {
            Some(desk) => desk,
            none => {
                let verdict = self.link.with(|shared| shared.verdict.take()).ok_or_else(missing)?;
                none.insert(Desk::new(&self.job, verdict)?)
            }
        };
        let mut rows = self.link.with(|shared| shared.sound.pop_front()).ok_or_else(missing)?;
        let gain = desk.verdict.gain as f32;
        rows.iter_mut().for_each(|row| row.iter_mut().for_each(|x| *x *= gain));
        desk.take(&rows, sink)?;
        self.link.with(|shared| shared.spare.push(rows));
        Ok(())
    }
}

impl Desk {
    fn new(job: &Job, verdict: Verdict) -> Result<Self, ModelError> {
        Ok(Self {
            chain: Chain::new(job, verdict.ceiling),
            verdict,
            unlimited: PlainGauge::default(),
            after: Gauge::new(job.clip.channels, job.clip.rate_hz)?,
            written_frames: 0,
        })
    }

    /// Everything from the gain on.
    fn take(&mut self, rows: &[Vec<f32>], sink: &mut dyn ResultSink) -> Result<(), ModelError> {
        self.unlimited.push(&slices(rows));
        let Self { chain, after, written_frames, .. } = self;
        write(chain.push(rows), after, written_frames, sink)
    }
}

fn write(
    block: &[Vec<f32>],
    after: &mut Gauge,
    written_frames: &mut u64,
    sink: &mut dyn ResultSink,
) -> Result<(), ModelError> {
    let frames = block.first().map_or(0, Vec::len);
    if frames > 0 {
        let block = slices(block);
        after.push(&block)?;
        sink.write(MASTER, &block)?;
        *written_frames += frames as u64;
    }
    Ok(())
}

impl Assembler for MasterAssembler {
    fn push(&mut self, answer: ChunkAnswer, sink: &mut dyn ResultSink) -> Result<(), ModelError> {
        if answer.index != self.next || self.next >= self.job.chunks() {
            return Err(ModelError::ChunkOrder { expected: self.next, got: answer.index });
        }
        if answer.index >= self.job.analysis_chunks {
            self.sound(sink)?;
        }
        self.next += 1;
        self.link.arrived();
        Ok(())
    }

    fn finish(&mut self, sink: &mut dyn ResultSink) -> Result<(), ModelError> {
        let (expected, got) = (self.next, self.job.chunks());
        let Some(desk) = self.desk.as_mut().filter(|_| expected == got) else {
            return Err(ModelError::ChunkOrder { expected, got });
        };
        let rest = desk.chain.finish(self.job.channels());
        write(&rest, &mut desk.after, &mut desk.written_frames, sink)?;
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
