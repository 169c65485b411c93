//! A mixture into its stems, by masks on band-compressed spectra (models/training/train_mini.py defines the signal).
//!
//! Channels are taken in pairs, 1+2, 3+4, ..; the network sees mid = (L+R)/2 and side = (L-R)/2 of one pair, and an
//! odd last channel as mid with a side of 0. Every pair is its own sequence of chunks; chunk `k` of all pairs comes
//! before chunk `k + 1` of any, so that the stems stream out in order.
//!
//! Any rate: the clip is converted to the network's rate and the stems back. One stem, the card's `remainder`, is not
//! computed but is the mixture, read a second time at its own rate, minus all others: so the stems add up to the
//! mixture to rounding at any rate, and what conversion loses (above 22.05 kHz) is in the remainder. That holds at
//! the network's own rate too, where it also saves one of four inverse transforms.

mod analysis;
mod assembler;
mod bands;
mod cutter;
mod synthesis;

use crate::ModelError;
use crate::catalog::Card;
use crate::chunk::{ChunkLayout, ChunkShape};
use crate::dsp::Stft;
use crate::pipeline::link;
use crate::pipeline::stems;
use crate::pipeline::stems::outlet;
use crate::pipeline::stems::parts::Parts;
use crate::pipeline::{Ask, Chunk, ChunkAnswer, Clips, Ends, Pipeline, Plan, check_limits, check_references};
use crate::session::{Graph, Input, Lane, Onnx, Range, Session, SessionOptions};
use crate::weights::Files;
use analysis::Spectra;
use assembler::SeparateAssembler;
use bands::{BANDS, BINS, Bands};
use cutter::SeparateCutter;
use std::collections::VecDeque;
use std::sync::Arc;
use tributary_audio::{AudioError, ClipShape};

/// The graph's input, `[1, 2 (mid, side), columns, BANDS]`, log power by band.
const INPUT: &str = "bands";
/// The graph's output, `[1, stems, 2 (mid, side), columns, BANDS]`; a softmax over the stems makes masks of it.
const OUTPUT: &str = "mask_logits";
/// The session's only graph.
const GRAPH: &str = "masks";
/// Mid and side: what the network sees of one pair of channels.
const PLANES: usize = 2;

/// Separation by the model of one card. Cheap to share, holds no audio.
pub struct Separate {
    front: Arc<Front>,
    files: Files,
    /// The graph's file.
    graph: String,
    options: SessionOptions,
}

/// What both ends of a job need to know of the model. Never changes.
struct Front {
    model: String,
    stems: Vec<String>,
    remainder: usize,
    rate_hz: u32,
    chunk: ChunkShape,
    stft: Arc<Stft>,
    bands: Bands,
}

/// Spectra on their way from the cutter to the assembler, one entry a chunk.
type Link = link::Link<VecDeque<Spectra>>;

/// One clip seen by the model.
struct Job {
    front: Arc<Front>,
    clip: ClipShape,
    /// The clip's length at the model's rate, frames.
    model_frames: u64,
    layout: ChunkLayout,
}

impl Separate {
    /// The pipeline of `card`, whose weights are in `files`; they are checked when they are loaded.
    ///
    /// # Errors
    /// [`ModelError::Card`] where the card is not for this task or its window is too short for the bands.
    pub fn new(card: &Card, files: Files) -> Result<Self, ModelError> {
        let bad = |reason: &str| ModelError::Card { card: card.name.clone(), reason: reason.to_owned() };
        let signal = card.signal.ok_or_else(|| bad("`signal` is missing"))?;
        let shape =
            signal.stft().ok_or_else(|| bad("`signal.n_fft` or `signal.hop_frames` is not usable"))?;
        if shape.bins() < BINS {
            return Err(bad("`signal.n_fft` is too short: the bands need 1536 bins"));
        }
        let chunk = signal.chunk().ok_or_else(|| bad("`signal.chunk_columns` is not usable"))?;
        let remainder = card.stems.iter().position(|stem| Some(stem) == card.remainder.as_ref());
        let front = Front {
            model: card.name.clone(),
            stems: card.stems.clone(),
            remainder: remainder.ok_or_else(|| bad("`remainder` is not among `stems`"))?,
            rate_hz: signal.rate_hz,
            chunk,
            stft: Stft::new(shape),
            bands: Bands::new(shape),
        };
        let mut full = card.files.iter().filter(|file| file.half_of.is_none());
        let (Some(graph), None) = (full.next(), full.next()) else {
            return Err(bad("`files` must be one graph"));
        };
        let graph = graph.file.clone();
        Ok(Self { front: Arc::new(front), files, graph, options: SessionOptions::default() })
    }

    /// The same with other chunks than the card's: [`ChunkShape::whole`] is how reference figures are made.
    #[must_use]
    pub fn with_chunks(mut self, chunk: ChunkShape) -> Self {
        let front = Arc::get_mut(&mut self.front).expect("a pipeline that was just made shares nothing yet");
        front.chunk = chunk;
        self
    }

    /// The same with other options for the engine.
    #[must_use]
    pub fn with_session_options(mut self, options: SessionOptions) -> Self {
        self.options = options;
        self
    }

    fn job(&self, clip: ClipShape) -> Result<Job, ModelError> {
        check_limits(clip)?;
        let model_frames = outlet::model_frames(clip, self.front.rate_hz);
        let columns = self.front.stft.shape().columns(model_frames);
        let layout =
            self.front.chunk.lay(columns).filter(|l| l.chunks().checked_mul(stems::pairs(clip)).is_some());
        let layout = layout.ok_or_else(|| AudioError::Limit {
            what: "the length of the clip",
            value: clip.frames,
            limit: format!("what {} chunks hold", u32::MAX),
        })?;
        Ok(Job { front: Arc::clone(&self.front), clip, model_frames, layout })
    }
}

impl Job {
    fn pairs(&self) -> u32 {
        stems::pairs(self.clip)
    }

    fn pair_channels(&self, p: u32) -> std::ops::Range<usize> {
        stems::pair_channels(self.clip, p)
    }

    fn chunks(&self) -> u32 {
        self.layout.chunks() * self.pairs()
    }

    fn engine_error(&self, reason: String) -> ModelError {
        ModelError::Engine { model: self.front.model.clone(), reason }
    }
}

impl Pipeline for Separate {
    fn plan(&self, clip: ClipShape, ask: &Ask) -> Result<Plan, ModelError> {
        let settings = ask.settings.clone().checked(&self.controls())?;
        check_references(&self.front.model, ask, self.references_max())?;
        let job = self.job(clip)?;
        let stems = stems::chosen(&self.front.model, &self.front.stems, &ask.stems)?
            .into_iter()
            .map(|i| self.front.stems[i].clone())
            .collect();
        Ok(Plan { clip, references: Vec::new(), settings, stems, sheets: Vec::new(), chunks: job.chunks() })
    }

    fn begin(&self, plan: &Plan, clips: Clips, in_flight_max: usize) -> Result<Ends, ModelError> {
        let job = Arc::new(self.job(plan.clip)?);
        let stems = stems::chosen(&self.front.model, &self.front.stems, &plan.stems)?;
        let parts = Arc::new(Parts::new(self.front.stems.len(), Some(self.front.remainder), &stems));
        let frames = clips.clip.open()?;
        if frames.shape() != plan.clip || plan.chunks != job.chunks() {
            let expected = format!("{:?} in {} chunks", plan.clip, plan.chunks);
            let got = format!("{:?} in {} chunks", frames.shape(), job.chunks());
            return Err(AudioError::Shape { expected, got }.into());
        }
        let mixture = if parts.remainder_output().is_some() { Some(clips.clip.open()?) } else { None };
        let link = Arc::new(Link::new(in_flight_max, VecDeque::new()));
        let cutter = SeparateCutter::new(Arc::clone(&job), frames, Arc::clone(&link))?;
        let assembler = SeparateAssembler::new(job, parts, mixture, link)?;
        Ok((Box::new(cutter), Box::new(assembler)))
    }

    fn load(&self) -> Result<Session, ModelError> {
        let onnx = self.files.read(&self.graph)?;
        // Chunks are as long as the card says; a clip that is shorter is one chunk of its own length.
        let usual = [1, PLANES, self.front.chunk.columns() as usize, BANDS];
        let least = [1, PLANES, 1, BANDS];
        let ranges = [Range { input: INPUT, least: &least, usual: &usual, most: &usual }];
        let graph = Graph { name: GRAPH, onnx: Onnx::Bytes(&onnx), ranges: &ranges };
        let mut session = Session::load_graphs(&self.front.model, &[graph], self.options)?;
        // Warm-up: the first run of a graph allocates; a small one also shows that the graph is what the card says.
        let columns = 2 * self.front.chunk.overlap_columns().clamp(1, 64);
        let shape = vec![PLANES, columns as usize, BANDS];
        let data = vec![0.0; shape.iter().product()];
        self.infer(&mut session, &[Chunk { index: 0, shape, data, part: 0 }])?;
        Ok(session)
    }

    fn infer(&self, session: &mut Session, batch: &[Chunk]) -> Result<Vec<ChunkAnswer>, ModelError> {
        let stems = self.front.stems.len();
        session.each(batch, |lane: &Lane<'_>, chunk| {
            let shape: Vec<usize> = std::iter::once(1).chain(chunk.shape.iter().copied()).collect();
            let input = Input { name: INPUT, shape: &shape, data: &chunk.data };
            let output = lane.run(GRAPH, &[input], &[OUTPUT])?.remove(0);
            if output.data.len() != stems * chunk.data.len() {
                let reason = format!("{:?} came out for {:?}", output.shape, chunk.shape);
                return Err(ModelError::Engine { model: self.front.model.clone(), reason });
            }
            Ok(ChunkAnswer { index: chunk.index, data: output.data })
        })
    }
}
