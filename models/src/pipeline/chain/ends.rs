//! The two ends of a chain's job: all stages' chunks leave by one cutter, in turn, and every answer goes back to the
//! stage whose chunk it is to. The assembler waits for nothing but, at its own end, the stages' threads.

use super::hall::{FIRST, Failure, Hall, Route, cut_all};
use crate::ModelError;
use crate::pipeline::link::Link;
use crate::pipeline::{Assembler, Chunk, ChunkAnswer, Cutter, Ends, ResultSink};
use std::panic::resume_unwind;
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};
use tributary_audio::AudioError;

pub(super) struct ChainCutter {
    hall: Arc<Link<Hall>>,
}

pub(super) struct ChainAssembler {
    hall: Arc<Link<Hall>>,
    stages: Vec<Stage>,
    /// Who listens to which of the first's stems: its number, the stage.
    ears: Vec<(usize, usize)>,
    next: u32,
    threads: Vec<JoinHandle<()>>,
}

struct Stage {
    assembler: Box<dyn Assembler>,
    /// Answers still to come.
    left: u32,
    /// Where its sheets begin among the job's.
    sheets_from: usize,
}

impl ChainCutter {
    pub(super) fn new(hall: &Arc<Link<Hall>>) -> Self {
        Self { hall: Arc::clone(hall) }
    }

    #[cfg(test)]
    pub(super) fn hall(&self) -> Arc<Link<Hall>> {
        Arc::clone(&self.hall)
    }
}

impl Cutter for ChainCutter {
    fn next_chunk(&mut self) -> Result<Option<Chunk>, ModelError> {
        match self.hall.wait_for(Hall::leave)? {
            Ok(chunk) => Ok(chunk),
            Err(Failure::Error(error)) => Err(error),
            Err(Failure::Panic(panic)) => resume_unwind(panic),
        }
    }
}

impl ChainAssembler {
    /// Of the stages in `hall`, which [`ChainAssembler::start`] hands over one by one.
    pub(super) fn new(hall: &Arc<Link<Hall>>, ears: Vec<(usize, usize)>) -> Self {
        Self { hall: Arc::clone(hall), stages: Vec::new(), ears, next: 0, threads: Vec::new() }
    }

    /// The next stage, of so many chunks, goes to work.
    pub(super) fn start(
        &mut self,
        (cutter, assembler): Ends,
        chunks: u32,
        sheets_from: usize,
    ) -> Result<(), ModelError> {
        let stage = self.stages.len();
        self.stages.push(Stage { assembler, left: chunks, sheets_from });
        let hall = Arc::clone(&self.hall);
        let thread = Builder::new().name("stage".to_owned()).spawn(move || cut_all(&hall, stage, cutter));
        let failed = |cause| AudioError::Io { action: "start a thread", cause };
        self.threads.push(thread.map_err(failed)?);
        Ok(())
    }

    /// After the last answer of the first: those who listen hear the end.
    fn end_first(&mut self, sink: &mut dyn ResultSink) -> Result<(), ModelError> {
        let mut sink = StemSink { sink, hall: &self.hall, ears: &self.ears };
        self.stages[FIRST].assembler.finish(&mut sink)?;
        self.hall.with(Hall::end_stems);
        Ok(())
    }
}

impl Assembler for ChainAssembler {
    fn push(&mut self, answer: ChunkAnswer, sink: &mut dyn ResultSink) -> Result<(), ModelError> {
        let out_of_order = ModelError::ChunkOrder { expected: self.next, got: answer.index };
        if answer.index != self.next {
            return Err(out_of_order);
        }
        let Some(Route { stage, index }) = self.hall.with(Hall::arrive) else { return Err(out_of_order) };
        self.next += 1;
        let answer = ChunkAnswer { index, ..answer };
        let Stage { assembler, left, sheets_from } = &mut self.stages[stage];
        *left = left.saturating_sub(1);
        if stage != FIRST {
            return assembler.push(answer, &mut SheetSink { sink, from: *sheets_from });
        }
        let is_last = *left == 0;
        assembler.push(answer, &mut StemSink { sink, hall: &self.hall, ears: &self.ears })?;
        if is_last { self.end_first(sink) } else { Ok(()) }
    }

    fn finish(&mut self, sink: &mut dyn ResultSink) -> Result<(), ModelError> {
        let missing: u32 = self.stages.iter().map(|stage| stage.left).sum();
        if missing > 0 {
            return Err(ModelError::ChunkOrder { expected: self.next, got: self.next + missing });
        }
        for Stage { assembler, sheets_from, .. } in self.stages.iter_mut().skip(1) {
            assembler.finish(&mut SheetSink { sink, from: *sheets_from })?;
        }
        Ok(())
    }
}

impl Drop for ChainAssembler {
    /// Whoever waits, for room, for a turn or for sound, would wait for ever.
    fn drop(&mut self) {
        self.stages.clear();
        self.hall.close();
        for thread in self.threads.drain(..) {
            // Its panic, if any, was handed to the cutter.
            drop(thread.join());
        }
    }
}

/// The first's results, and its stems to those who listen.
struct StemSink<'a> {
    sink: &'a mut dyn ResultSink,
    hall: &'a Link<Hall>,
    ears: &'a [(usize, usize)],
}

impl ResultSink for StemSink<'_> {
    fn write(&mut self, stem: usize, block: &[&[f32]]) -> Result<(), AudioError> {
        self.sink.write(stem, block)?;
        for (_, stage) in self.ears.iter().filter(|(heard, _)| *heard == stem) {
            self.hall.with(|hall| hall.sound(*stage, block));
        }
        Ok(())
    }

    fn sheet(&mut self, sheet: usize, bytes: &[u8]) -> Result<(), AudioError> {
        self.sink.sheet(sheet, bytes)
    }
}

/// Sheets of those who follow, which stand behind others.
struct SheetSink<'a> {
    sink: &'a mut dyn ResultSink,
    from: usize,
}

impl ResultSink for SheetSink<'_> {
    fn write(&mut self, stem: usize, _block: &[&[f32]]) -> Result<(), AudioError> {
        Err(AudioError::Shape { expected: "sheets only".to_owned(), got: format!("stem {stem}") })
    }

    fn sheet(&mut self, sheet: usize, bytes: &[u8]) -> Result<(), AudioError> {
        self.sink.sheet(self.from + sheet, bytes)
    }
}
