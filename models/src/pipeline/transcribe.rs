//! Sound into notes, beats, tempo, metre and key, and the files they are read from.
//!
//! One clip, mixed to one channel at 22,050 Hz, is listened to twice in one reading: by a network, window by window
//! (`basic-pitch`: R. Bittner et al., ICASSP 2022; constants of the publisher's program, version 0.4; or, for one voice,
//! `swift-f0`, see `transcribe/line.rs`), and by signal processing of our own ([`crate::music::ear`]), which needs no
//! network and is all that `beats` and `drum-notes` do.
//! The cutter listens and cuts, the assembler keeps what matters of the answers; what is made of both is written at
//! the end. Nothing grows with the clip's length but a few kB a second. Stems are transcribed as a band
//! (`transcribe/band.rs`): one job, one tempo map.

mod assembler;
mod band;
mod cutter;
mod line;
mod sheets;
mod windows;
mod wishes;

pub use band::StemNotes;

use crate::ModelError;
use crate::catalog::Card;
use crate::music::ear::Listened;
use crate::music::{CONTOUR_STEPS, PITCHES};
use crate::pipeline::link;
use crate::pipeline::{Ask, Chunk, ChunkAnswer, Clips, Ends, Pipeline, Plan, check_limits, check_references};
use crate::session::{Input, Lane, Session, SessionOptions};
use crate::settings::Control;
use crate::weights::Files;
use assembler::TranscribeAssembler;
use band::Role;
use cutter::TranscribeCutter;
use line::Span;
use std::sync::Arc;
use tributary_audio::resample::frames_at;
use tributary_audio::{AudioError, ClipShape};
use wishes::{Wishes, controls};

/// What the ear has heard, told before the last chunk departs.
type Link = link::Link<Option<Listened>>;

/// The graph's input, `[n, WINDOW_FRAMES, 1]`.
const INPUT: &str = "serving_default_input_2:0";
/// The graph's outputs: notes and onsets, `[n, WINDOW_COLUMNS, PITCHES]`, contour, `[.., CONTOUR_STEPS]`.
const OUTPUTS: [&str; 3] =
    ["StatefulPartitionedCall:1", "StatefulPartitionedCall:2", "StatefulPartitionedCall:0"];
/// The session's only graph.
const GRAPH: &str = "notes";

/// What the network and the ear listen to.
const RATE_HZ: u32 = 22_050;
/// What the network sees at once, frames.
const WINDOW_FRAMES: usize = 43_844;
/// From one window to the next, frames.
const STEP_FRAMES: usize = 36_164;
/// Silence before the first window's sound, frames: half of what windows share.
const LEAD_FRAMES: usize = 3_840;
/// From column to column within a window, frames.
const HOP_FRAMES: usize = 256;
/// Columns the network answers for a window.
const WINDOW_COLUMNS: usize = 172;
/// Columns at either end of a window that are left to its neighbours.
const EDGE_COLUMNS: usize = 15;
/// Columns that are used of a window.
const STEP_COLUMNS: usize = WINDOW_COLUMNS - 2 * EDGE_COLUMNS;
/// Without a network a chunk is only a step of progress: this much sound.
const CHUNK_SECONDS: u64 = 10;

/// What a card's pipeline does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Notes by a network, beats and key.
    Notes,
    /// Notes of one voice by another network, beats and key.
    Line,
    /// Beats and key.
    Beats,
    /// Drum notes, beats and key.
    Drums,
}

/// What the network that listens says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Network {
    /// How surely each pitch sounds and begins.
    Posteriors,
    /// One pitch at a time.
    Line,
}

/// Transcription by the model of one card. Cheap to share, holds no audio.
pub struct Transcribe {
    model: String,
    kind: Kind,
    files: Files,
    graph: Option<String>,
    options: SessionOptions,
}

/// One clip to be transcribed.
struct Job {
    model: String,
    clip: ClipShape,
    wishes: Wishes,
    role: Role,
    /// Whether notes are wanted, not only beats.
    notes: bool,
    /// The network that listens, if any does.
    network: Option<Network>,
    /// Whether the ear does.
    ear: bool,
    /// The clip's length at [`RATE_HZ`].
    frames: u64,
    chunks: u32,
}

impl Transcribe {
    /// The pipeline of `card`; its weights, where it has any, are in `files` and checked when they are loaded.
    ///
    /// # Errors
    /// [`ModelError::Card`] where no code here runs its architecture or its files are not what that needs.
    pub fn new(card: &Card, files: Files) -> Result<Self, ModelError> {
        let bad = |reason: String| ModelError::Card { card: card.name.clone(), reason };
        let (kind, graphs) = match card.architecture.as_str() {
            "basic-pitch" => (Kind::Notes, 1),
            "swift-f0" => (Kind::Line, 1),
            "beats" => (Kind::Beats, 0),
            "drum-notes" => (Kind::Drums, 0),
            other => return Err(bad(format!("`architecture` is `{other}`, which transcribe does not know"))),
        };
        if card.files.len() != graphs {
            return Err(bad(format!("`files` must be {graphs}, not {}", card.files.len())));
        }
        let graph = card.files.first().map(|file| file.file.clone());
        Ok(Self { model: card.name.clone(), kind, files, graph, options: SessionOptions::default() })
    }

    /// The same with other options for the engine.
    #[must_use]
    pub fn with_session_options(mut self, options: SessionOptions) -> Self {
        self.options = options;
        self
    }

    fn job(&self, clip: ClipShape, wishes: Wishes, role: Role) -> Result<Job, ModelError> {
        check_limits(clip)?;
        let frames = frames_at(clip.frames, clip.rate_hz, RATE_HZ).max(1);
        let notes = self.kind != Kind::Beats && !role.conducts();
        let network = match self.kind {
            Kind::Notes if notes && !wishes.drums => Some(Network::Posteriors),
            Kind::Line if notes => Some(Network::Line),
            _ => None,
        };
        // Of a player's beats and key nothing is made.
        let ear = !(network.is_some() && role.plays());
        let chunks = match network {
            Some(Network::Posteriors) => columns(frames).div_ceil(STEP_COLUMNS as u64).max(1),
            Some(Network::Line) => Span::of(frames).chunks(),
            None => frames.div_ceil(CHUNK_SECONDS * u64::from(RATE_HZ)),
        };
        // A column is counted in 32 bits, and each of its pitches.
        let fits = columns(frames) < u64::from(u32::MAX) / PITCHES as u64;
        let chunks = u32::try_from(chunks).ok().filter(|_| fits).ok_or_else(|| AudioError::Limit {
            what: "the length of the clip",
            value: clip.frames,
            limit: "six days".to_owned(),
        })?;
        Ok(Job { model: self.model.clone(), clip, wishes, role, notes, network, ear, frames, chunks })
    }

    /// The ends of a job that was planned.
    fn ends(&self, job: Job, plan: &Plan, clips: &Clips, in_flight_max: usize) -> Result<Ends, ModelError> {
        let frames = clips.clip.open()?;
        if frames.shape() != plan.clip || plan.chunks != job.chunks {
            let expected = format!("{:?} in {} chunks", plan.clip, plan.chunks);
            let got = format!("{:?} in {} chunks", frames.shape(), job.chunks);
            return Err(AudioError::Shape { expected, got }.into());
        }
        let (job, link) = (Arc::new(job), Arc::new(Link::new(in_flight_max, None)));
        let cutter = TranscribeCutter::new(Arc::clone(&job), frames, Arc::clone(&link))?;
        let assembler = TranscribeAssembler::new(job, link);
        Ok((Box::new(cutter), Box::new(assembler)))
    }
}

/// How many columns the network's windows give for that many frames; the publisher's count.
fn columns(frames: u64) -> u64 {
    // Beyond what a clip can have it saturates, and is refused.
    frames.saturating_mul(STEP_COLUMNS as u64) / STEP_FRAMES as u64
}

/// When a column is, seconds: from its window and its place in it. Beside the publisher's own formula, which spreads
/// the windows' offset over 172 columns where only 142 are used, by at most 10 ms, and by none in the long run.
fn column_seconds(column: u32) -> f64 {
    let (window, inside) = (column as usize / STEP_COLUMNS, column as usize % STEP_COLUMNS);
    (window * STEP_FRAMES + inside * HOP_FRAMES) as f64 / f64::from(RATE_HZ)
}

impl Pipeline for Transcribe {
    fn controls(&self) -> Vec<Control> {
        controls(self.kind)
    }

    fn plan(&self, clip: ClipShape, ask: &Ask) -> Result<Plan, ModelError> {
        let settings = ask.settings.clone().checked(&self.controls())?;
        check_references(&self.model, ask, self.references_max())?;
        if let Some(stem) = ask.stems.first() {
            return Err(ModelError::UnknownStem {
                model: self.model.clone(),
                stem: stem.clone(),
                known: "none, only sheets".to_owned(),
            });
        }
        let wishes = Wishes::read(&settings, self.kind)?;
        let settings = wishes.write(settings, self.kind);
        let job = self.job(clip, wishes, Role::Alone)?;
        let sheets = sheets::names(self.kind != Kind::Beats).map(str::to_owned).collect();
        Ok(Plan { clip, references: Vec::new(), settings, stems: Vec::new(), sheets, chunks: job.chunks })
    }

    fn begin(&self, plan: &Plan, clips: Clips, in_flight_max: usize) -> Result<Ends, ModelError> {
        let job = self.job(plan.clip, Wishes::read(&plan.settings, self.kind)?, Role::Alone)?;
        self.ends(job, plan, &clips, in_flight_max)
    }

    fn load(&self) -> Result<Session, ModelError> {
        let Some(graph) = &self.graph else {
            return Ok(Session::without_network(&self.model, self.options));
        };
        let onnx = self.files.read(graph)?;
        let mut session = Session::load(&self.model, &[(GRAPH, &*onnx)], self.options)?;
        // Warm-up: the first run of a graph allocates; it also shows that the graph is what the card says.
        let data = if self.kind == Kind::Line { line::silence() } else { vec![0.0; WINDOW_FRAMES] };
        let chunk = Chunk { index: 0, shape: vec![data.len(), 1], data, part: 0 };
        self.infer(&mut session, &[chunk])?;
        Ok(session)
    }

    fn infer(&self, session: &mut Session, batch: &[Chunk]) -> Result<Vec<ChunkAnswer>, ModelError> {
        session.each(batch, |lane: &Lane<'_>, chunk| {
            if chunk.data.is_empty() {
                return Ok(ChunkAnswer { index: chunk.index, data: Vec::new() });
            }
            if self.kind == Kind::Line {
                let data = line::run(&self.model, lane, GRAPH, &chunk.data)?;
                return Ok(ChunkAnswer { index: chunk.index, data });
            }
            let shape: Vec<usize> = std::iter::once(1).chain(chunk.shape.iter().copied()).collect();
            let input = Input { name: INPUT, shape: &shape, data: &chunk.data };
            let outputs = lane.run(GRAPH, &[input], &OUTPUTS)?;
            let sizes = [PITCHES, PITCHES, CONTOUR_STEPS].map(|numbers| numbers * WINDOW_COLUMNS);
            if outputs.iter().map(|output| output.data.len()).ne(sizes) {
                let shapes: Vec<_> = outputs.iter().map(|output| &output.shape).collect();
                let reason = format!("{shapes:?} came out for {:?}", chunk.shape);
                return Err(ModelError::Engine { model: self.model.clone(), reason });
            }
            let data = outputs.iter().map(|output| output.data.as_slice()).collect::<Vec<_>>().concat();
            Ok(ChunkAnswer { index: chunk.index, data })
        })
    }
}
