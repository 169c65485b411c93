//! Pipelines in a row, as one job: a first one, and what follows where the user switches it on, on the first's stems or
//! beside it on the clip ("stems to MIDI"; speech out of noise, with beats or a transcript).
//!
//! Each stage keeps its own cutter, assembler and bound of chunks in flight, and knows nothing of the others. A chunk
//! says whose model it is for, so that a server runs it on the session, and in the batches, of everybody's jobs of that
//! model. Sound goes from the first to those who follow as it is made: no file, and never a whole clip
//! (`chain/hall.rs` says why it is bounded and why nobody waits for ever).

mod ends;
mod follower;
mod hall;

pub use follower::{Beside, Follower, Following, Hears};

use crate::ModelError;
use crate::pipeline::link::Link;
use crate::pipeline::{Ask, Chunk, ChunkAnswer, Clip, Clips, Ends, Part, Pipeline, Plan};
use crate::session::Session;
use crate::settings::{Control, Setting, Settings};
use ends::{ChainAssembler, ChainCutter};
use hall::{FIRST, Hall, StemClip};
use std::sync::Arc;
use tributary_audio::{AudioError, ClipShape};

/// A first pipeline and what can follow it. With every switch off it is the first, no more and no less.
pub struct Chain {
    model: String,
    first: Arc<dyn Pipeline>,
    followers: Vec<Arc<dyn Follower>>,
}

/// All plans of one job.
struct Plans {
    first: Plan,
    /// By number of the follower: those that are on.
    followings: Vec<(usize, Following)>,
    whole: Plan,
}

impl Chain {
    /// Of the card `model`, whose pipeline comes first.
    #[must_use]
    pub fn new(model: &str, first: Arc<dyn Pipeline>, followers: Vec<Arc<dyn Follower>>) -> Self {
        Self { model: model.to_owned(), first, followers }
    }

    /// The controls of a follower that the first has not itself.
    fn controls_of(&self, follower: &dyn Follower) -> Vec<Control> {
        let first = self.first.controls();
        let is_new = |control: &Control| first.iter().all(|known| known.name != control.name);
        follower.controls().into_iter().filter(is_new).collect()
    }

    /// Followers that these settings switch on, with their numbers.
    fn on(&self, settings: &Settings) -> impl Iterator<Item = (usize, &dyn Follower)> {
        let is_on = |follower: &dyn Follower| {
            let switch = follower.controls().first().map(|control| control.name);
            settings.iter().any(|(name, set)| Some(name) == switch && *set == Setting::Switch(true))
        };
        self.followers.iter().map(AsRef::as_ref).enumerate().filter(move |(_, follower)| is_on(*follower))
    }

    fn plans(&self, clip: ClipShape, ask: &Ask) -> Result<Plans, ModelError> {
        let settings = ask.settings.clone().checked(&self.controls())?;
        let own = settings.of(&self.first.controls());
        let first = self.first.plan(clip, &Ask { settings: own, ..ask.clone() })?;
        let mut whole = Plan { settings: settings.clone().and(first.settings.clone()), ..first.clone() };
        let mut followings = Vec::new();
        for (number, follower) in self.on(&settings) {
            let own = settings.of(&self.controls_of(follower)).checked(&follower.controls())?;
            let following = follower.plan(clip, own, &first.stems)?;
            let mut chunks = following.listeners.iter().map(|(_, plan)| plan.chunks);
            whole.chunks = chunks.try_fold(whole.chunks, u32::checked_add).ok_or_else(|| {
                let limit = format!("what {} chunks hold", u32::MAX);
                AudioError::Limit { what: "the length of the clip", value: clip.frames, limit }
            })?;
            if let Some(twice) = following.sheets.iter().find(|sheet| whole.sheets.contains(sheet)) {
                let reason = format!("`{twice}` would be written twice");
                return Err(ModelError::Card { card: self.model.clone(), reason });
            }
            whole.sheets.extend_from_slice(&following.sheets);
            let known = following.settings.of(&self.controls_of(follower));
            whole.settings = whole.settings.and(known);
            followings.push((number, following));
        }
        Ok(Plans { first, followings, whole })
    }

    /// The ends of a job in which something follows.
    fn begin_all(
        &self,
        plans: &Plans,
        clips: &Clips,
        in_flight_max: usize,
    ) -> Result<(ChainCutter, ChainAssembler), ModelError> {
        let clip = plans.first.clip;
        let mut hall = Hall::new();
        let mut ears = Vec::new();
        let mut heard = Vec::new();
        for (number, following) in &plans.followings {
            for (hears, _) in &following.listeners {
                let stem = match hears {
                    Hears::Clip => None,
                    Hears::Stem(name) => Some(self.stem(&plans.first, name)?),
                };
                let stage = hall.add(part(*number), stem.map(|_| clip.channels));
                ears.extend(stem.map(|stem| (stem, stage)));
                heard.push((stage, stem.is_some()));
            }
        }
        // Every stage bounds its own chunks; the hall bounds nothing but what is heard.
        let hall = Arc::new(Link::new(usize::MAX, hall));
        let mut heard = heard.into_iter();
        let mut assembler = ChainAssembler::new(&hall, ears);
        let ends = self.first.begin(&plans.first, clips.clone(), in_flight_max)?;
        assembler.start(ends, plans.first.chunks, 0)?;
        let mut sheets_from = plans.first.sheets.len();
        for (number, following) in &plans.followings {
            let theirs = heard.by_ref().take(following.listeners.len());
            let theirs = theirs.map(|(stage, is_stem)| match is_stem {
                true => Clips {
                    clip: Arc::new(StemClip::new(&hall, stage, clip)) as Arc<dyn Clip>,
                    references: Vec::new(),
                },
                false => Clips { clip: Arc::clone(&clips.clip), references: Vec::new() },
            });
            let all = self.followers[*number].begin(following, theirs.collect(), in_flight_max)?;
            for (ends, (_, plan)) in all.into_iter().zip(&following.listeners) {
                assembler.start(ends, plan.chunks, sheets_from)?;
            }
            sheets_from += following.sheets.len();
        }
        Ok((ChainCutter::new(&hall), assembler))
    }

    /// The number of a stem among those that the first writes.
    fn stem(&self, first: &Plan, name: &str) -> Result<usize, ModelError> {
        first.stems.iter().position(|stem| stem == name).ok_or_else(|| ModelError::UnknownStem {
            model: self.model.clone(),
            stem: name.to_owned(),
            known: first.stems.join(", "),
        })
    }
}

/// What chunks of that follower call its model.
fn part(follower: usize) -> u8 {
    u8::try_from(follower + 1).expect("nobody lets 255 pipelines follow one")
}

impl Pipeline for Chain {
    fn controls(&self) -> Vec<Control> {
        let theirs = self.followers.iter().flat_map(|follower| self.controls_of(follower.as_ref()));
        self.first.controls().into_iter().chain(theirs).collect()
    }

    fn references_max(&self) -> usize {
        self.first.references_max()
    }

    fn plan(&self, clip: ClipShape, ask: &Ask) -> Result<Plan, ModelError> {
        Ok(self.plans(clip, ask)?.whole)
    }

    fn begin(&self, plan: &Plan, clips: Clips, in_flight_max: usize) -> Result<Ends, ModelError> {
        let (stems, settings) = (plan.stems.clone(), plan.settings.clone());
        let plans = self.plans(plan.clip, &Ask { stems, settings, references: plan.references.clone() })?;
        if plans.whole != *plan {
            let (expected, got) = (format!("{plan:?}"), format!("{:?}", plans.whole));
            return Err(AudioError::Shape { expected, got }.into());
        }
        if plans.followings.is_empty() {
            return self.first.begin(&plans.first, clips, in_flight_max);
        }
        let (cutter, assembler) = self.begin_all(&plans, &clips, in_flight_max)?;
        Ok((Box::new(cutter), Box::new(assembler)))
    }

    /// Where something follows, a chunk may need the answer to any other.
    fn chunks_abreast(&self, plan: &Plan) -> usize {
        if self.on(&plan.settings).next().is_some() { 1 } else { self.first.chunks_abreast(plan) }
    }

    fn others(&self, plan: &Plan) -> Vec<Part> {
        let other = |(number, follower): (usize, &dyn Follower)| {
            let (model, pipeline) = follower.model();
            Part { number: part(number), model: model.to_owned(), pipeline: Arc::clone(pipeline) }
        };
        self.on(&plan.settings).map(other).collect()
    }

    fn load(&self) -> Result<Session, ModelError> {
        self.first.load()
    }

    fn infer(&self, session: &mut Session, batch: &[Chunk]) -> Result<Vec<ChunkAnswer>, ModelError> {
        let mut answers = Vec::with_capacity(batch.len());
        for chunks in batch.chunk_by(|one, next| one.part == next.part) {
            let part = chunks[0].part;
            if usize::from(part) == FIRST {
                answers.extend(self.first.infer(session, chunks)?);
                continue;
            }
            let follower = self.followers.get(usize::from(part) - 1).ok_or_else(|| ModelError::Engine {
                model: self.model.clone(),
                reason: format!("chunk {} is for a model that does not follow", chunks[0].index),
            })?;
            let (_, pipeline) = follower.model();
            let session = session.beside(part, || pipeline.load())?;
            answers.extend(pipeline.infer(session, chunks)?);
        }
        Ok(answers)
    }
}

#[cfg(test)]
#[path = "chain/chain_tests.rs"]
mod tests;
