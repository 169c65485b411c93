//! Speech out of noise. One cut for every network (the seam is `enhance/denoiser.rs`): each channel is its own
//! sequence of segments, segment `k` of all channels before segment `k + 1` of any.
//!
//! These networks remember for as long as a clip lasts: with 8 s of warm-up before every segment, the result was 35 dB
//! from one piece, and no better with more. So a chunk carries what the network remembered after the segment before,
//! and an answer what it remembers now: the assembler hands it back to the cutter, which waits for it. Chunks of one
//! channel follow each other; those of several channels, and of several jobs, may share a batch. A network whose memory
//! cannot travel runs in the cutter, if it is quick enough.
//!
//! Any rate: the clip is converted to the network's rate and the speech back. `noise` is the clip minus `speech`, at
//! the clip's own rate: so both add up to it, and what conversion or the network's band loses is in `noise`.

mod assembler;
mod cutter;
mod deepfilter;
mod denoiser;
mod gtcrn;
mod halves;
mod outlet;
mod report;
mod rnnoise;
pub(super) mod voice;
mod wish;

use crate::ModelError;
use crate::catalog::Card;
use crate::pipeline::link;
use crate::pipeline::stems::outlet::model_frames;
use crate::pipeline::{
    Ask, Chunk, ChunkAnswer, Clip, Clips, Ends, Pipeline, Plan, check_limits, check_references,
};
use crate::session::{Lane, Session, SessionOptions};
use crate::settings::{Control, Setting, Settings};
use crate::weights::Files;
use assembler::EnhanceAssembler;
use cutter::EnhanceCutter;
use denoiser::{Denoised, Denoiser, Piece, Sight};
use std::sync::Arc;
use tributary_audio::{AudioError, ClipShape, Frames};
use wish::Wish;

/// What the network remembered after the last answer of each channel, until the next chunk takes it.
type Link = link::Link<Vec<Option<Vec<f32>>>>;

/// The only sheet.
const REPORT: &str = "report.json";

/// Enhancement by the network of one card. Cheap to share, holds no audio.
pub struct Enhance {
    front: Arc<Front>,
    files: Files,
    /// The network that hears where somebody speaks, where it is installed.
    voice: Option<Files>,
    segment_hops: u32,
    options: SessionOptions,
}

/// What both ends of a job need to know of the model. Never changes.
struct Front {
    model: String,
    denoiser: Box<dyn Denoiser>,
    /// Whether the network runs in the cutter.
    is_local: bool,
}

/// What can come out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stem {
    Speech,
    Noise,
}

/// One clip seen by the model.
struct Job {
    front: Arc<Front>,
    segment_hops: u32,
    clip: ClipShape,
    settings: Settings,
    wish: Wish,
    stems: Vec<Stem>,
    /// The clip's length at the model's rate, frames.
    model_frames: u64,
}

/// Where a chunk belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    pass: u32,
    segment: u32,
    channel: usize,
}

impl Stem {
    const ALL: [(Self, &'static str); 2] = [(Self::Speech, "speech"), (Self::Noise, "noise")];
}

impl Enhance {
    /// The pipeline of `card`, whose weights are in `files`; they are checked when they are loaded.
    ///
    /// # Errors
    /// [`ModelError::Card`] where no network here has its architecture, or it lacks a file that the network needs.
    pub fn new(card: &Card, files: Files) -> Result<Self, ModelError> {
        let bad = |reason: String| ModelError::Card { card: card.name.clone(), reason };
        let denoiser: Box<dyn Denoiser> = match card.architecture.as_str() {
            "rnnoise" => Box::new(rnnoise::Rnnoise),
            "deepfilternet3" => Box::new(deepfilter::DeepFilter::new(&card.name)),
            "gtcrn" => Box::new(gtcrn::Gtcrn::new(&card.name)),
            other => return Err(bad(format!("`architecture` is `{other}`, which enhance does not know"))),
        };
        if card.stems != Stem::ALL.map(|(_, name)| name) {
            return Err(bad("`stems` must be `speech` and `noise`".to_owned()));
        }
        for (_, file) in denoiser.graphs() {
            if !card.files.iter().any(|known| known.file == *file) {
                return Err(bad(format!("`files` must name `{file}`")));
            }
        }
        let segment_hops = denoiser.sight().segment_hops;
        let is_local = denoiser.local().is_some();
        let front = Arc::new(Front { model: card.name.clone(), denoiser, is_local });
        Ok(Self { front, files, voice: None, segment_hops, options: SessionOptions::default() })
    }

    /// The same with the network that hears where somebody speaks, the card `silero-vad`: without it, the switch that
    /// leaves silence clean is refused.
    #[must_use]
    pub fn with_voice(mut self, files: Files) -> Self {
        self.voice = Some(files);
        self
    }

    /// The same with other segments, at least one hop of the network: `u32::MAX` takes any clip in one piece, which is
    /// how reference figures are made. Memory grows with it.
    #[must_use]
    pub fn with_segment_hops(mut self, segment_hops: u32) -> Self {
        self.segment_hops = segment_hops.max(1);
        self
    }

    /// The same with other options for the engine.
    #[must_use]
    pub fn with_session_options(mut self, options: SessionOptions) -> Self {
        self.options = options;
        self
    }

    /// The clip seen by the model; `settings` are checked, `stems` may be empty for all.
    fn job(&self, clip: ClipShape, settings: Settings, stems: &[String]) -> Result<Job, ModelError> {
        check_limits(clip)?;
        let wish = Wish::of(&settings, self.front.denoiser.has_post_filter());
        if wish.gate && self.voice.is_none() {
            let reason =
                format!("model `{0}` is not installed; `tributary models pull {0}` brings it", voice::CARD);
            return Err(ModelError::Setting { setting: wish::GATE.to_owned(), reason });
        }
        let known = Stem::ALL.map(|(_, name)| name);
        if let Some(stem) = stems.iter().find(|stem| !known.contains(&stem.as_str())) {
            let (model, known) = (self.front.model.clone(), known.join(", "));
            return Err(ModelError::UnknownStem { model, stem: stem.clone(), known });
        }
        let wanted = Stem::ALL.iter().filter(|(_, name)| stems.is_empty() || stems.iter().any(|s| s == name));
        let denoiser = &self.front.denoiser;
        let job = Job {
            front: Arc::clone(&self.front),
            segment_hops: self.segment_hops,
            clip,
            wish,
            settings,
            stems: wanted.map(|(stem, _)| *stem).collect(),
            model_frames: model_frames(clip, denoiser.sight().rate_hz),
        };
        if job.chunks_checked().is_none() {
            let limit = format!("what {} chunks hold", u32::MAX);
            return Err(
                AudioError::Limit { what: "the length of the clip", value: clip.frames, limit }.into()
            );
        }
        Ok(job)
    }
}

impl Job {
    fn sight(&self) -> Sight {
        self.front.denoiser.sight()
    }

    fn hops(&self) -> u64 {
        self.model_frames.div_ceil(self.sight().hop_frames as u64)
    }

    fn chunks_checked(&self) -> Option<u32> {
        let segments = u32::try_from(self.hops().div_ceil(u64::from(self.segment_hops))).ok()?;
        segments.checked_mul(u32::from(self.clip.channels))?.checked_mul(self.passes())
    }

    fn chunks(&self) -> u32 {
        self.chunks_checked().expect("a job that is too long is not made")
    }

    /// How often the clip is gone through.
    fn passes(&self) -> u32 {
        if self.wish.target_lufs.is_some() { 2 } else { 1 }
    }

    fn place(&self, chunk: u32) -> Place {
        let (channels, a_pass) = (u32::from(self.clip.channels), self.chunks() / self.passes());
        let within = chunk % a_pass;
        Place { pass: chunk / a_pass, segment: within / channels, channel: (within % channels) as usize }
    }

    fn segment_start(&self, segment: u32) -> u64 {
        u64::from(segment) * u64::from(self.segment_hops)
    }

    fn segment_end(&self, segment: u32) -> u64 {
        self.hops().min(self.segment_start(segment) + u64::from(self.segment_hops))
    }

    /// Windows in which the voice is listened for, with the chunks of the first channel: up to where a segment ends.
    fn voice_windows(&self, segment: u32) -> std::ops::Range<u64> {
        let until = |hop: u64| {
            let frames = u128::from(hop) * self.sight().hop_frames as u128 * u128::from(voice::RATE_HZ);
            let a_window = u128::from(self.sight().rate_hz) * voice::WINDOW_FRAMES as u128;
            u64::try_from(frames.div_ceil(a_window)).unwrap_or(u64::MAX)
        };
        until(self.segment_start(segment))..until(self.segment_end(segment))
    }

    /// Whether the chunk of `place` also carries windows of the voice.
    fn listens(&self, place: Place) -> bool {
        self.wish.gate && place.channel == 0
    }

    fn is_last(&self, segment: u32) -> bool {
        self.segment_end(segment) == self.hops()
    }

    /// Frames of a segment at the model's rate, whole hops.
    fn segment_frames(&self, segment: u32) -> usize {
        (self.segment_end(segment) - self.segment_start(segment)) as usize * self.sight().hop_frames
    }

    /// A new reader of the clip that this job was made for.
    fn open(&self, clip: &dyn Clip) -> Result<Box<dyn Frames>, AudioError> {
        let frames = clip.open()?;
        if frames.shape() != self.clip {
            let (expected, got) = (format!("{:?}", self.clip), format!("{:?}", frames.shape()));
            return Err(AudioError::Shape { expected, got });
        }
        Ok(frames)
    }

    /// The clip is not as long as it says.
    fn broken(&self, got: String) -> ModelError {
        AudioError::Shape { expected: format!("{} frames", self.model_frames), got }.into()
    }
}

impl Pipeline for Enhance {
    fn controls(&self) -> Vec<Control> {
        wish::controls(self.front.denoiser.has_post_filter())
    }

    fn plan(&self, clip: ClipShape, ask: &Ask) -> Result<Plan, ModelError> {
        let settings = ask.settings.clone().checked(&self.controls())?;
        check_references(&self.front.model, ask, self.references_max())?;
        let job = self.job(clip, settings, &ask.stems)?;
        let name = |stem: &Stem| Stem::ALL.iter().find(|(known, _)| known == stem).map(|(_, name)| *name);
        let stems = job.stems.iter().filter_map(name).map(str::to_owned).collect();
        let (chunks, settings) = (job.chunks(), job.settings);
        Ok(Plan { clip, references: Vec::new(), settings, stems, sheets: vec![REPORT.to_owned()], chunks })
    }

    fn begin(&self, plan: &Plan, clips: Clips, in_flight_max: usize) -> Result<Ends, ModelError> {
        let settings = plan.settings.clone().checked(&self.controls())?;
        let job = Arc::new(self.job(plan.clip, settings, &plan.stems)?);
        if plan.chunks != job.chunks() {
            let (expected, got) = (format!("{} chunks", plan.chunks), format!("{} chunks", job.chunks()));
            return Err(AudioError::Shape { expected, got }.into());
        }
        let link = Arc::new(Link::new(in_flight_max, vec![None; usize::from(plan.clip.channels)]));
        let cutter = EnhanceCutter::new(Arc::clone(&job), Arc::clone(&clips.clip), Arc::clone(&link))?;
        let assembler = EnhanceAssembler::new(job, clips.clip, link)?;
        Ok((Box::new(cutter), Box::new(assembler)))
    }

    fn chunks_abreast(&self, plan: &Plan) -> usize {
        let gate =
            plan.settings.iter().any(|(name, set)| name == wish::GATE && *set == Setting::Switch(true));
        if self.front.is_local && !gate { usize::MAX } else { usize::from(plan.clip.channels) }
    }

    fn load(&self) -> Result<Session, ModelError> {
        let denoiser = &self.front.denoiser;
        let mut graphs = Vec::new();
        for (name, file) in denoiser.graphs() {
            let bytes = denoiser.open(name, self.files.read(file)?);
            let bytes = bytes.map_err(|reason| self.engine_error(format!("`{file}`: {reason}")))?;
            graphs.push((*name, bytes));
        }
        if let Some(voice) = &self.voice {
            graphs.push((voice::GRAPH, voice.read(voice::FILE)?));
        }
        if graphs.is_empty() {
            return Ok(Session::without_network(&self.front.model, self.options));
        }
        let graphs: Vec<(&str, &[u8])> = graphs.iter().map(|(name, bytes)| (*name, &**bytes)).collect();
        let mut session = Session::load(&self.front.model, &graphs, self.options)?;
        // Warm-up: the first run of a graph allocates; a small one also shows that the graphs are what the card says.
        let sight = denoiser.sight();
        let segment_hops = 8;
        let frames = vec![0.0; (1 + segment_hops + sight.ahead_hops as usize) * sight.hop_frames];
        let piece = Piece { post_filter: false, before_hops: 0, segment_hops, state: &[], frames: &frames };
        let windows = vec![0.0; if self.voice.is_some() { voice::WINDOW_FRAMES } else { 0 }];
        let data = [voice::pack(&[], &windows), piece.pack()].concat();
        self.infer(&mut session, &[Chunk { index: 0, shape: vec![data.len()], data, part: 0 }])?;
        Ok(session)
    }

    fn infer(&self, session: &mut Session, batch: &[Chunk]) -> Result<Vec<ChunkAnswer>, ModelError> {
        let Front { model, denoiser, is_local } = &*self.front;
        session.each(batch, |lane: &Lane<'_>, chunk| {
            let other = || self.engine_error(format!("chunk {} is not of this model", chunk.index));
            let (heard, rest) = voice::unpack(&chunk.data).ok_or_else(other)?;
            let mut data = voice::listen(lane, model, heard)?;
            if *is_local {
                data.extend_from_slice(rest);
            } else {
                let piece = Piece::unpack(rest, &denoiser.sight()).ok_or_else(other)?;
                let Denoised { frames, state } = denoiser.denoise(lane, &piece)?;
                data.extend(frames);
                data.extend(state);
            }
            Ok(ChunkAnswer { index: chunk.index, data })
        })
    }
}

impl Enhance {
    fn engine_error(&self, reason: String) -> ModelError {
        ModelError::Engine { model: self.front.model.clone(), reason }
    }
}
