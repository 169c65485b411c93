//! A finished mix made like references, or like a neutral tone, brought to a loudness with its peaks held.
//!
//! The clip is read several times. First every reference and the clip are portrayed: level and spectra of middle and
//! side over the loud pieces. From that come two equaliser curves, smooth over a logarithmic axis, and linear-phase
//! filters. A second reading of the filtered clip gives the gain: to the reference's level, or to a loudness, where
//! readings through the limiter correct it. Only then sound goes out: filters in the cutter, gain and limiter in the
//! assembler. There is no network, so chunks carry nothing and the device has nothing to do; sound goes past it. Chunks
//! are there so that progress moves, a stop is heard and memory is bounded, in every reading.
//!
//! The matching follows the published description of the program Matchering 2.0 in words; no line of it was read.

mod analysis;
mod assembler;
mod chain;
mod cutter;
mod equaliser;
mod figures;
mod goal;
mod level;
mod planes;
mod portrait;
mod report;
mod search;
mod target;
mod verdict;
mod windows;

use crate::ModelError;
use crate::catalog::Card;
use crate::dsp::Fir;
use crate::pipeline::link;
use crate::pipeline::{Ask, Chunk, ChunkAnswer, Clips, Ends, Pipeline, Plan, check_limits, check_references};
use crate::session::{Session, SessionOptions};
use crate::settings::{Control, Settings};
use assembler::MasterAssembler;
use cutter::MasterCutter;
use equaliser::Equaliser;
use goal::{Goal, Guard, Level};
use std::collections::VecDeque;
use std::sync::Arc;
use tributary_audio::{AudioError, ClipShape};
use verdict::Verdict;

type Link = link::Link<Shared>;

/// What the cutter tells the assembler.
#[derive(Default)]
struct Shared {
    /// From when it is made until the first sound arrives.
    verdict: Option<Verdict>,
    /// Filtered windows, `[channels][frames]`, in order.
    sound: VecDeque<Vec<Vec<f32>>>,
    /// Windows that were written, to be used again.
    spare: Vec<Vec<Vec<f32>>>,
}

/// References that may be averaged.
const REFERENCES_MAX: usize = 8;
/// The only sheet.
const REPORT: &str = "report.json";
/// A window is so many blocks of the filters, which do a middle alone two blocks at a time: 1.3 s at 44.1 kHz.
const WINDOW_BLOCKS: usize = 2;

/// Mastering. Cheap to share, holds no audio.
pub struct Master {
    model: String,
    stem: String,
    options: SessionOptions,
}

/// One clip to be mastered.
struct Job {
    clip: ClipShape,
    references: Vec<ClipShape>,
    settings: Settings,
    goal: Goal,
    /// Window of the spectra; filters have one tap less.
    fft_frames: usize,
    /// Frames of a chunk.
    window_frames: usize,
    /// The readings before the last, and how many chunks each takes.
    passes: Vec<(Pass, u32)>,
    analysis_chunks: u32,
    sound_chunks: u32,
}

/// A reading that only looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pass {
    /// What a reference is like.
    Reference(usize),
    /// What the clip is like.
    Clip,
    /// Level or loudness after the equaliser.
    Filtered,
    /// Loudness through the limiter; most clips do not need all of these.
    Trial,
}

impl Master {
    /// The pipeline of `card`.
    ///
    /// # Errors
    /// [`ModelError::Card`] where the card does not name exactly one stem.
    pub fn new(card: &Card) -> Result<Self, ModelError> {
        let [stem] = &card.stems[..] else {
            let reason = "`stems` must name one".to_owned();
            return Err(ModelError::Card { card: card.name.clone(), reason });
        };
        let options = SessionOptions::default();
        Ok(Self { model: card.name.clone(), stem: stem.clone(), options })
    }

    fn job(&self, clip: ClipShape, references: &[ClipShape], settings: Settings) -> Result<Job, ModelError> {
        check_limits(clip)?;
        let goal = Goal::new(&settings, references.len())?;
        let fft_frames = portrait::fft_frames(clip.rate_hz);
        let window_frames = WINDOW_BLOCKS * Fir::frames_of_block(fft_frames - 1);
        let too_long = || AudioError::Limit {
            what: "the length of the clip",
            value: clip.frames,
            limit: format!("what {} chunks hold", u32::MAX),
        };
        let steps =
            |frames: u64| u32::try_from(frames.div_ceil(window_frames as u64)).map_err(|_| too_long());
        let sound_chunks = steps(clip.frames)?;
        let mut passes = Vec::new();
        for (i, reference) in references.iter().enumerate() {
            passes.push((Pass::Reference(i), steps(analysis::at_rate(*reference, clip.rate_hz).frames)?));
        }
        passes.extend([(Pass::Clip, sound_chunks), (Pass::Filtered, sound_chunks)]);
        if matches!(goal.level, Level::Loudness { .. }) && goal.guard != Guard::Off {
            passes.extend([(Pass::Trial, sound_chunks); search::TRIALS_MAX]);
        }
        let chunks: u64 = passes.iter().map(|(_, steps)| u64::from(*steps)).sum();
        let analysis_chunks = u32::try_from(chunks).map_err(|_| too_long())?;
        analysis_chunks.checked_add(sound_chunks).ok_or_else(too_long)?;
        Ok(Job {
            clip,
            references: references.to_vec(),
            settings,
            goal,
            fft_frames,
            window_frames,
            passes,
            analysis_chunks,
            sound_chunks,
        })
    }

    /// The same with other options for the threads.
    #[must_use]
    pub fn with_session_options(mut self, options: SessionOptions) -> Self {
        self.options = options;
        self
    }
}

impl Job {
    fn chunks(&self) -> u32 {
        self.analysis_chunks + self.sound_chunks
    }

    fn channels(&self) -> usize {
        usize::from(self.clip.channels)
    }
}

impl Pipeline for Master {
    fn controls(&self) -> Vec<Control> {
        goal::CONTROLS.to_vec()
    }

    fn references_max(&self) -> usize {
        REFERENCES_MAX
    }

    fn plan(&self, clip: ClipShape, ask: &Ask) -> Result<Plan, ModelError> {
        let settings = ask.settings.clone().checked(&self.controls())?;
        check_references(&self.model, ask, self.references_max())?;
        if let Some(stem) = ask.stems.iter().find(|stem| **stem != self.stem) {
            let (model, known) = (self.model.clone(), self.stem.clone());
            return Err(ModelError::UnknownStem { model, stem: stem.clone(), known });
        }
        let job = self.job(clip, &ask.references, settings)?;
        Ok(Plan {
            clip,
            references: ask.references.clone(),
            chunks: job.chunks(),
            settings: job.settings,
            stems: vec![self.stem.clone()],
            sheets: vec![REPORT.to_owned()],
        })
    }

    fn begin(&self, plan: &Plan, clips: Clips, in_flight_max: usize) -> Result<Ends, ModelError> {
        let job = Arc::new(self.job(plan.clip, &plan.references, plan.settings.clone())?);
        let shapes = clips.references.iter().map(|r| Ok(r.open()?.shape()));
        let references = shapes.collect::<Result<Vec<_>, AudioError>>()?;
        let found = (clips.clip.open()?.shape(), references, job.chunks());
        let planned = (plan.clip, plan.references.clone(), plan.chunks);
        if found != planned {
            let (expected, got) = (format!("{planned:?}"), format!("{found:?}"));
            return Err(AudioError::Shape { expected, got }.into());
        }
        let link = Arc::new(Link::new(in_flight_max, Shared::default()));
        let cutter = MasterCutter::new(Arc::clone(&job), clips, Arc::clone(&link));
        Ok((Box::new(cutter), Box::new(MasterAssembler::new(job, link))))
    }

    fn load(&self) -> Result<Session, ModelError> {
        Ok(Session::without_network(&self.model, self.options))
    }

    fn infer(&self, _: &mut Session, batch: &[Chunk]) -> Result<Vec<ChunkAnswer>, ModelError> {
        Ok(batch.iter().map(|chunk| ChunkAnswer { index: chunk.index, data: Vec::new() }).collect())
    }
}

/// `rows`, which reach over both ends, through the filters, if any, into `out`.
fn filtered(rows: &[Vec<f32>], equaliser: Option<&mut Equaliser>, out: &mut Vec<Vec<f32>>) {
    match equaliser {
        Some(equaliser) => equaliser.run(rows, out),
        None => rows.clone_into(out),
    }
}
