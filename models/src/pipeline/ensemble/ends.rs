//! The two ends of an ensemble's job: its members' chunks leave in turns, every answer goes back to its member, and what
//! members write is blended. The assembler waits for nothing.

use super::blend::Blend;
use super::turns::Turns;
use crate::ModelError;
use crate::pipeline::link::Link;
use crate::pipeline::{Assembler, Chunk, ChunkAnswer, Cutter, ResultSink};
use std::sync::Arc;
use tributary_audio::AudioError;

pub(super) struct EnsembleCutter {
    /// What a member's chunks call its model, and who cuts them.
    cutters: Vec<(u8, Box<dyn Cutter>)>,
    turns: Turns,
    /// Bounds the chunks of all members together, so that none waits at its own bound.
    link: Arc<Link<()>>,
    next: u32,
}

pub(super) struct EnsembleAssembler {
    stages: Vec<Stage>,
    turns: Turns,
    blend: Blend,
    link: Arc<Link<()>>,
    next: u32,
}

/// One member at work.
pub(super) struct Stage {
    pub(super) assembler: Box<dyn Assembler>,
    /// Answers still to come.
    pub(super) left: u32,
    /// For each stem that it writes: which one it is in the whole, and its share of that.
    pub(super) shares: Vec<(usize, f32)>,
}

impl EnsembleCutter {
    pub(super) fn new(cutters: Vec<(u8, Box<dyn Cutter>)>, turns: Turns, link: Arc<Link<()>>) -> Self {
        Self { cutters, turns, link, next: 0 }
    }
}

impl Cutter for EnsembleCutter {
    fn next_chunk(&mut self) -> Result<Option<Chunk>, ModelError> {
        let Some((member, index)) = self.turns.next() else { return Ok(None) };
        self.link.depart()?;
        let (part, cutter) = &mut self.cutters[member];
        let chunk = cutter.next_chunk()?;
        let got = chunk.as_ref().map_or(u32::MAX, |chunk| chunk.index);
        let chunk = chunk.filter(|chunk| chunk.index == index);
        let chunk = chunk.ok_or(ModelError::ChunkOrder { expected: index, got })?;
        let chunk = Chunk { index: self.next, part: *part, ..chunk };
        self.next += 1;
        Ok(Some(chunk))
    }
}

impl EnsembleAssembler {
    pub(super) fn new(stages: Vec<Stage>, turns: Turns, blend: Blend, link: Arc<Link<()>>) -> Self {
        Self { stages, turns, blend, link, next: 0 }
    }
}

impl Assembler for EnsembleAssembler {
    fn push(&mut self, answer: ChunkAnswer, sink: &mut dyn ResultSink) -> Result<(), ModelError> {
        let out_of_order = ModelError::ChunkOrder { expected: self.next, got: answer.index };
        if answer.index != self.next {
            return Err(out_of_order);
        }
        let Some((member, index)) = self.turns.next() else { return Err(out_of_order) };
        self.next += 1;
        let Stage { assembler, left, shares } = &mut self.stages[member];
        let mut giver = Giver { member, shares, blend: &mut self.blend };
        assembler.push(ChunkAnswer { index, ..answer }, &mut giver)?;
        *left -= 1;
        if *left == 0 {
            assembler.finish(&mut giver)?;
        }
        self.blend.flush(sink)?;
        self.link.arrived();
        Ok(())
    }

    fn finish(&mut self, _sink: &mut dyn ResultSink) -> Result<(), ModelError> {
        match self.stages.iter().map(|stage| stage.left).sum() {
            0 => Ok(()),
            missing => Err(ModelError::ChunkOrder { expected: self.next, got: self.next + missing }),
        }
    }
}

impl Drop for EnsembleAssembler {
    /// A cutter that waits for room would wait for ever.
    fn drop(&mut self) {
        self.link.close();
    }
}

/// Where a member writes its stems.
struct Giver<'a> {
    member: usize,
    shares: &'a [(usize, f32)],
    blend: &'a mut Blend,
}

impl ResultSink for Giver<'_> {
    fn write(&mut self, stem: usize, block: &[&[f32]]) -> Result<(), AudioError> {
        let share = self.shares.get(stem).copied().ok_or_else(|| AudioError::Shape {
            expected: format!("{} stems", self.shares.len()),
            got: format!("stem {stem}"),
        })?;
        self.blend.give(self.member, share, block);
        Ok(())
    }

    fn sheet(&mut self, sheet: usize, _bytes: &[u8]) -> Result<(), AudioError> {
        Err(AudioError::Shape { expected: "stems only".to_owned(), got: format!("sheet {sheet}") })
    }
}
