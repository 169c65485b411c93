//! The cut every task is made along: plan, cut, infer, assemble. Synchronous, and pure but for the device.

pub mod chain;
pub mod enhance;
pub mod ensemble;
mod link;
pub mod master;
mod mixed;
pub mod separate;
pub mod speech;
mod stems;
pub mod transcribe;
pub mod unmix;

use crate::settings::{Control, Settings};
use crate::{ModelError, Session};
use std::sync::Arc;
use tributary_audio::limits::{CHANNELS_MAX, RATE_HZ_MAX, RATE_HZ_MIN};
use tributary_audio::{AudioError, ClipShape, Frames};

/// A clip that can be read as often as needed: from a file, from memory, from an artifact.
pub trait Clip: Send + Sync {
    /// A new reader at the first frame.
    ///
    /// # Errors
    /// Where the clip cannot be opened.
    fn open(&self) -> Result<Box<dyn Frames>, AudioError>;
}

/// All a job listens to.
#[derive(Clone)]
pub struct Clips {
    /// What is worked on.
    pub clip: Arc<dyn Clip>,
    /// What it shall be made like; in the order of [`Ask::references`].
    pub references: Vec<Arc<dyn Clip>>,
}

impl<T: Clip + 'static> From<Arc<T>> for Clips {
    fn from(clip: Arc<T>) -> Self {
        Self { clip, references: Vec::new() }
    }
}

/// What a user wants of a model, beside the clip.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ask {
    /// Stems to write; empty means all the model has.
    pub stems: Vec<String>,
    /// Values of the pipeline's controls; what is not said has its default.
    pub settings: Settings,
    /// Shapes of the references.
    pub references: Vec<ClipShape>,
}

impl Ask {
    /// Some stems, everything else as it comes.
    #[must_use]
    pub fn stems(stems: &[String]) -> Self {
        Self { stems: stems.to_vec(), ..Self::default() }
    }
}

/// How much work a clip is and what will come out. Made before any audio is read.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// The clip's shape; every stem has the same.
    pub clip: ClipShape,
    /// Shapes of the references.
    pub references: Vec<ClipShape>,
    /// A value for every control.
    pub settings: Settings,
    /// Names of the stems that will be written, in the model's order. A stem is sound.
    pub stems: Vec<String>,
    /// Names of the sheets that will be written. A sheet is a small file beside the sound, its name ends in its
    /// format: `notes.mid`, `report.json`.
    pub sheets: Vec<String>,
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
    /// The network's input, row-major; where it has several inputs, one after the other.
    pub data: Vec<f32>,
    /// Whose model runs it: 0 is the pipeline's own, another number one of [`Pipeline::others`].
    pub part: u8,
}

/// Another model that works in the same job, on a session of its own: that of every other job of this model.
#[derive(Clone)]
pub struct Part {
    /// What its chunks call it, above 0.
    pub number: u8,
    /// The model's name.
    pub model: String,
    /// Loads it and runs its chunks.
    pub pipeline: Arc<dyn Pipeline>,
}

/// What the network said to one chunk.
#[derive(Clone, Debug)]
pub struct ChunkAnswer {
    /// The chunk's index.
    pub index: u32,
    /// The network's output for this chunk, row-major, without the batch dimension; where it has several outputs, one
    /// after the other.
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

/// Where results go.
pub trait ResultSink: Send {
    /// Takes the next block, `[channels][frames]`, of stem number `stem` (index into `Plan::stems`), at the clip's
    /// rate.
    ///
    /// # Errors
    /// Where the frames cannot be stored.
    fn write(&mut self, stem: usize, block: &[&[f32]]) -> Result<(), AudioError>;

    /// Takes sheet number `sheet` (index into `Plan::sheets`), whole; once each, at the end.
    ///
    /// # Errors
    /// Where it cannot be stored.
    fn sheet(&mut self, sheet: usize, bytes: &[u8]) -> Result<(), AudioError>;
}

/// Puts answers, in order, back together into stems and sheets. CPU work; own thread.
pub trait Assembler: Send {
    /// Takes the next answer and hands on every frame that is now final.
    ///
    /// # Errors
    /// Where an answer is missing, has the wrong size, or the sink fails.
    fn push(&mut self, answer: ChunkAnswer, sink: &mut dyn ResultSink) -> Result<(), ModelError>;

    /// After the last answer: hands on the rest. Every stem now has exactly `Plan::clip.frames` frames, and every
    /// sheet is written.
    ///
    /// # Errors
    /// Where answers are missing or the sink fails.
    fn finish(&mut self, sink: &mut dyn ResultSink) -> Result<(), ModelError>;
}

/// The two ends of one job: what goes to the device comes from the first, what it says goes to the second.
pub type Ends = (Box<dyn Cutter>, Box<dyn Assembler>);

/// One task of one model, cut where the server batches.
pub trait Pipeline: Send + Sync {
    /// What a user may set; none for most.
    fn controls(&self) -> Vec<Control> {
        Vec::new()
    }

    /// How many references it may be given beside the clip.
    fn references_max(&self) -> usize {
        0
    }

    /// CPU, no audio. Checks the wishes and counts the work.
    ///
    /// # Errors
    /// Where the model has no such stem or control, a value is wrong, or the clip's shape is outside what it takes.
    fn plan(&self, clip: ClipShape, ask: &Ask) -> Result<Plan, ModelError>;

    /// The two ends of one job. They share what need not go through the device (spectra), in a queue bounded by
    /// the chunks in flight: at most `in_flight_max` chunks are between the cutter and the assembler.
    ///
    /// # Errors
    /// Where a clip cannot be opened or is not the plan's.
    fn begin(&self, plan: &Plan, clips: Clips, in_flight_max: usize) -> Result<Ends, ModelError>;

    /// How many chunks of one job can be on the device at once, at least 1: whoever fills a batch from one job alone
    /// must not wait for more. A chunk may go on from the answer to an earlier one, for which the cutter waits.
    fn chunks_abreast(&self, _plan: &Plan) -> usize {
        usize::MAX
    }

    /// Other models that work on this plan, beside the pipeline's own; none for most. Each is paid.
    fn others(&self, _plan: &Plan) -> Vec<Part> {
        Vec::new()
    }

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

/// What every pipeline asks of a clip: 1 frame at least, channels and rate within the limits of `audio`.
fn check_limits(clip: ClipShape) -> Result<(), AudioError> {
    if clip.frames == 0 {
        return Err(AudioError::Empty);
    }
    if !(1..=CHANNELS_MAX).contains(&clip.channels) {
        let limit = format!("1 to {CHANNELS_MAX}");
        return Err(AudioError::Limit { what: "the number of channels", value: clip.channels.into(), limit });
    }
    if !(RATE_HZ_MIN..=RATE_HZ_MAX).contains(&clip.rate_hz) {
        let limit = format!("{RATE_HZ_MIN} to {RATE_HZ_MAX} Hz");
        return Err(AudioError::Limit { what: "the sample rate", value: clip.rate_hz.into(), limit });
    }
    Ok(())
}

/// Whether as many references came as the pipeline takes, each a possible clip.
fn check_references(model: &str, ask: &Ask, max: usize) -> Result<(), ModelError> {
    let given = ask.references.len();
    if given > max {
        let allowed = if max == 0 { "no reference".to_owned() } else { format!("at most {max} references") };
        return Err(ModelError::References { model: model.to_owned(), allowed, given });
    }
    ask.references.iter().try_for_each(|shape| check_limits(*shape).map_err(ModelError::from))
}
