//! The cut every task is made along: plan, cut, infer, assemble. Synchronous, and pure but for the device.

pub mod separate;

use crate::{ModelError, Session};
use std::sync::Arc;
use tributary_audio::{AudioError, ClipShape, Frames};

/// A clip that can be read as often as needed: from a file, from memory, from an artifact.
pub trait Clip: Send + Sync {
    /// A new reader at the first frame.
    ///
    /// # Errors
    /// Where the clip cannot be opened.
    fn open(&self) -> Result<Box<dyn Frames>, AudioError>;
}

/// How much work a clip is and what will come out. Made before any audio is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The clip's shape; every stem has the same.
    pub clip: ClipShape,
    /// Names of the stems that will be written, in the model's order.
    pub stems: Vec<String>,
    /// How many chunks the device will see, at least 1.
    pub chunks: u32,
}

/// One piece of device work: what the network sees at once. Chunks of one `shape` and one model may share a batch.
#[derive(Clone, Debug)]
pub struct Chunk {
    /// 0-based, in the order the assembler needs them.
    pub index: u32,
    /// Dimensions of `data` without the batch dimension.
    pub shape: Vec<usize>,
    /// The network's input, row-major.
    pub data: Vec<f32>,
}

/// What the network said to one chunk.
#[derive(Clone, Debug)]
pub struct ChunkAnswer {
    /// The chunk's index.
    pub index: u32,
    /// The network's output for this chunk, row-major, without the batch dimension.
    pub data: Vec<f32>,
}

/// Pulls frames from the clip and cuts them into chunks, in order. CPU work; own thread.
pub trait Cutter: Send {
    /// The next chunk, or none after the last. Blocks while too many chunks wait for the assembler, so that
    /// memory stays bounded.
    ///
    /// # Errors
    /// Where the clip cannot be read.
    fn next_chunk(&mut self) -> Result<Option<Chunk>, ModelError>;
}

/// Where finished stems go: blocks in order, for each stem of the plan.
pub trait StemSink: Send {
    /// Takes `[channels][frames]` of stem number `stem` (index into `Plan::stems`), at the clip's rate.
    ///
    /// # Errors
    /// Where the frames cannot be stored.
    fn write(&mut self, stem: usize, block: &[&[f32]]) -> Result<(), AudioError>;
}

/// Puts answers, in order, back together into stems. CPU work; own thread.
pub trait Assembler: Send {
    /// Takes the next answer and hands on every frame that is now final.
    ///
    /// # Errors
    /// Where an answer is missing, has the wrong size, or the sink fails.
    fn push(&mut self, answer: ChunkAnswer, sink: &mut dyn StemSink) -> Result<(), ModelError>;

    /// After the last answer: hands on the rest. Every stem now has exactly `Plan::clip.frames` frames.
    ///
    /// # Errors
    /// Where answers are missing or the sink fails.
    fn finish(&mut self, sink: &mut dyn StemSink) -> Result<(), ModelError>;
}

/// The two ends of one job: what goes to the device comes from the first, what it says goes to the second.
pub type Ends = (Box<dyn Cutter>, Box<dyn Assembler>);

/// One task of one model, cut where the server batches.
pub trait Pipeline: Send + Sync {
    /// CPU, no audio. `stems`: names to write; empty means all the model has.
    ///
    /// # Errors
    /// Where the model has no such stem or the clip's shape is outside what it takes.
    fn plan(&self, clip: ClipShape, stems: &[String]) -> Result<Plan, ModelError>;

    /// The two ends of one job. They share what need not go through the device (spectra), in a queue bounded by
    /// the chunks in flight: at most `in_flight_max` chunks are between the cutter and the assembler.
    ///
    /// # Errors
    /// Where the clip cannot be opened or is not the plan's.
    fn begin(&self, plan: &Plan, clip: Arc<dyn Clip>, in_flight_max: usize) -> Result<Ends, ModelError>;

    /// Loads the model, ready to run.
    ///
    /// # Errors
    /// Where the weights are not the card's or the engine refuses them.
    fn load(&self) -> Result<Session, ModelError>;

    /// Device. `batch` holds chunks of one shape, of one job or of many; answers come in the same order.
    ///
    /// # Errors
    /// Where the engine fails.
    fn infer(&self, session: &mut Session, batch: &[Chunk]) -> Result<Vec<ChunkAnswer>, ModelError>;
}
