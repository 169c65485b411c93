//! Speech into words with their times, and the files they are read from: text, subtitles, markers, JSON.
//!
//! The network is Whisper (A. Radford et al., Robust Speech Recognition via Large-Scale Weak Supervision, 2022), which
//! hears 30 s of one channel at 16 kHz. The clip as it is, not a cleaned one: enhancement before it makes more mistakes
//! than noise does. The cutter cuts windows at the quietest place about every 24 s, so that no word is in two; each is
//! heard for itself, so that one window's mistakes do not go on into the next, and windows of many jobs may share a batch.
//! Only the language goes on: where it is not said, the first window with words decides it for the rest.
//!
//! Whisper makes up words where nobody speaks. So silence does not come to it; where Silero VAD is installed, nor does
//! anything else that is no voice; and what it itself doubts to be speech it leaves out.

mod assembler;
mod cutter;
mod languages;
mod lines;
mod parcel;
mod quiet;
mod sheets;
mod subtitles;
mod wish;
mod words;

use crate::ModelError;
use crate::catalog::Card;
use crate::pipeline::enhance::voice;
use crate::pipeline::link;
use crate::pipeline::stems::outlet::model_frames;
use crate::pipeline::{Ask, Chunk, ChunkAnswer, Clips, Ends, Pipeline, Plan, check_limits, check_references};
use crate::session::whisper::{Language, Listen, RATE_HZ, WINDOW_FRAMES};
use crate::session::{Lane, Session, SessionOptions};
use crate::settings::Control;
use crate::weights::Files;
use assembler::SpeechAssembler;
use cutter::SpeechCutter;
use parcel::{Parcel, Window};
use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;
use tributary_audio::{AudioError, ClipShape};
use wish::Wish;
use words::{Word, words};

/// From one cut to the next, frames; a cut lies at most [`SLACK_FRAMES`] from its place.
const STEP_FRAMES: u64 = 24 * RATE_HZ as u64;
/// A window reaches from a cut that is early to one that is late: then it is full.
const SLACK_FRAMES: u64 = 3 * RATE_HZ as u64;
const _: () = assert!(STEP_FRAMES + 2 * SLACK_FRAMES == WINDOW_FRAMES as u64);
/// A window in which no sample is above this, -66 dB, is silence.
const SILENCE: f32 = 5e-4;
/// Frames around a voice that are heard with it: soft beginnings and ends are missed by 0.1 s or so.
const MARGIN_FRAMES: usize = RATE_HZ as usize / 2;
/// A shorter window than this is not heard in halves, however much is said in it: a second holds 20 tokens at most.
const HALVES_FRAMES_MIN: usize = 8 * RATE_HZ as usize;

/// Words by the model of one card. Cheap to share, holds no audio.
pub struct Speech {
    model: String,
    files: Files,
    weights: String,
    /// The network that hears where somebody speaks, where it is installed.
    voice: Option<Files>,
    options: SessionOptions,
}

/// One clip to be written down.
struct Job {
    model: String,
    clip: ClipShape,
    wish: Wish,
    /// The clip's length at [`RATE_HZ`].
    frames: u64,
    chunks: u32,
}

/// What cutter and assembler tell each other.
#[derive(Default)]
struct Told {
    /// Where windows that are on their way begin, frames at [`RATE_HZ`].
    starts: VecDeque<u64>,
    /// What is spoken, since the first window with words.
    language: Option<Language>,
    answered: u32,
}

type Link = link::Link<Told>;

impl Speech {
    /// The pipeline of `card`, whose weights are in `files`; they are checked when they are loaded.
    ///
    /// # Errors
    /// [`ModelError::Card`] where no code here runs its architecture or it has more files than one.
    pub fn new(card: &Card, files: Files) -> Result<Self, ModelError> {
        let bad = |reason: String| ModelError::Card { card: card.name.clone(), reason };
        if card.architecture != "whisper" {
            return Err(bad(format!(
                "`architecture` is `{}`, which speech does not know",
                card.architecture
            )));
        }
        let [file] = &card.files[..] else {
            return Err(bad(format!("`files` must be 1, not {}", card.files.len())));
        };
        let options = SessionOptions::default();
        Ok(Self { model: card.name.clone(), files, weights: file.file.clone(), voice: None, options })
    }

    /// The same with the network that hears where somebody speaks.
    #[must_use]
    pub fn with_voice(mut self, voice: Files) -> Self {
        self.voice = Some(voice);
        self
    }

    /// The same with other options for the engine.
    #[must_use]
    pub fn with_session_options(mut self, options: SessionOptions) -> Self {
        self.options = options;
        self
    }

    fn job(&self, clip: ClipShape, wish: Wish) -> Result<Job, ModelError> {
        check_limits(clip)?;
        let frames = model_frames(clip, RATE_HZ);
        // What remains after the last cut must fit a window, also where that cut is early.
        let chunks = frames.saturating_sub(SLACK_FRAMES).div_ceil(STEP_FRAMES).max(1);
        let chunks = u32::try_from(chunks).map_err(|_| AudioError::Limit {
            what: "the length of the clip",
            value: clip.frames,
            limit: format!("what {} windows hold", u32::MAX),
        })?;
        Ok(Job { model: self.model.clone(), clip, wish, frames, chunks })
    }

    fn engine_error(&self, reason: String) -> ModelError {
        ModelError::Engine { model: self.model.clone(), reason }
    }

    /// Thread: device. What is said in one window.
    fn hear(&self, lane: &Lane<'_>, window: &Window<'_>) -> Result<Parcel, ModelError> {
        if window.frames.iter().all(|frame| frame.abs() <= SILENCE) {
            return Ok(Parcel::default());
        }
        let Some(range) = self.voice_range(lane, window)? else { return Ok(Parcel::default()) };
        let mut parcel = Parcel::default();
        self.write_down(lane, window, range, &mut parcel)?;
        Ok(parcel)
    }

    /// The part of the window in which somebody speaks; all of it where that is not known.
    fn voice_range(&self, lane: &Lane<'_>, window: &Window<'_>) -> Result<Option<Range<usize>>, ModelError> {
        let whole = 0..window.frames.len();
        if self.voice.is_none() || !window.voice_only {
            return Ok(Some(whole));
        }
        let mut heard = vec![0.0; voice::MEMORY];
        heard.extend_from_slice(window.frames);
        let windows = window.frames.len().div_ceil(voice::WINDOW_FRAMES);
        heard.resize(voice::MEMORY + windows * voice::WINDOW_FRAMES, 0.0);
        let probabilities = voice::listen(lane, &self.model, &heard)?;
        let probabilities = &probabilities[..windows];
        if !probabilities.iter().any(|probability| *probability >= voice::BEGINS) {
            return Ok(None);
        }
        let speaks = |probability: &f32| *probability >= voice::ENDS;
        let first = probabilities.iter().position(speaks).unwrap_or(0) * voice::WINDOW_FRAMES;
        let last =
            probabilities.iter().rposition(speaks).map_or(windows, |last| last + 1) * voice::WINDOW_FRAMES;
        Ok(Some(first.saturating_sub(MARGIN_FRAMES)..(last + MARGIN_FRAMES).min(whole.end)))
    }

    /// Adds what is said in `range`; where that is more than the model writes down at once, in halves.
    fn write_down(
        &self,
        lane: &Lane<'_>,
        window: &Window<'_>,
        range: Range<usize>,
        parcel: &mut Parcel,
    ) -> Result<(), ModelError> {
        let frames = &window.frames[range.clone()];
        let language = window.language.or(parcel.language);
        let heard = lane.listen(frames, Listen { language, translate: window.translate })?;
        if heard.is_cut && frames.len() >= HALVES_FRAMES_MIN {
            let middle = range.start + quiet::quietest(frames, frames.len() / 4..frames.len() * 3 / 4);
            parcel.know(heard.language, heard.confidence);
            self.write_down(lane, window, range.start..middle, parcel)?;
            return self.write_down(lane, window, middle..range.end, parcel);
        }
        let found: Vec<Word> = words(&heard, frames, range.start as f32 / RATE_HZ as f32);
        if !found.is_empty() {
            parcel.know(heard.language, heard.confidence);
            parcel.words.extend(found);
        }
        Ok(())
    }
}

impl Job {
    /// The clip is not as long as it says.
    fn broken(&self, got: String) -> ModelError {
        AudioError::Shape { expected: format!("{} frames", self.frames), got }.into()
    }
}

impl Pipeline for Speech {
    fn controls(&self) -> Vec<Control> {
        wish::controls()
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
        let job = self.job(clip, Wish::of(&settings))?;
        let sheets = sheets::NAMES.map(str::to_owned).into();
        Ok(Plan { clip, references: Vec::new(), settings, stems: Vec::new(), sheets, chunks: job.chunks })
    }

    fn begin(&self, plan: &Plan, clips: Clips, in_flight_max: usize) -> Result<Ends, ModelError> {
        let settings = plan.settings.clone().checked(&self.controls())?;
        let job = Arc::new(self.job(plan.clip, Wish::of(&settings))?);
        let source = clips.clip.open()?;
        if source.shape() != plan.clip || plan.chunks != job.chunks {
            let expected = format!("{:?} in {} chunks", plan.clip, plan.chunks);
            let got = format!("{:?} in {} chunks", source.shape(), job.chunks);
            return Err(AudioError::Shape { expected, got }.into());
        }
        let link = Arc::new(Link::new(in_flight_max, Told::default()));
        let cutter = SpeechCutter::new(Arc::clone(&job), source, Arc::clone(&link))?;
        Ok((Box::new(cutter), Box::new(SpeechAssembler::new(job, link))))
    }

    fn chunks_abreast(&self, plan: &Plan) -> usize {
        let settings = plan.settings.clone().checked(&self.controls());
        // Until the language is known, a window waits for the answer to the one before.
        let waits = settings.map_or(true, |settings| Wish::of(&settings).language.is_none());
        if waits { 1 } else { usize::MAX }
    }

    fn load(&self) -> Result<Session, ModelError> {
        let session = match &self.voice {
            Some(voice) => {
                let graph = voice.read(voice::FILE)?;
                Session::load(&self.model, &[(voice::GRAPH, &*graph)], self.options)?
            }
            None => Session::without_network(&self.model, self.options),
        };
        session.with_speech(&self.files.read(&self.weights)?, self.options)
    }

    fn infer(&self, session: &mut Session, batch: &[Chunk]) -> Result<Vec<ChunkAnswer>, ModelError> {
        session.each(batch, |lane: &Lane<'_>, chunk| {
            let other = || self.engine_error(format!("chunk {} is not of this model", chunk.index));
            let window = Window::unpack(&chunk.data).ok_or_else(other)?;
            Ok(ChunkAnswer { index: chunk.index, data: self.hear(lane, &window)?.pack() })
        })
    }
}
