//! Stems of several separators averaged, each by its weight: what one hears wrongly, others may not. Any pipelines whose
//! stems have the same names will do, whatever their chunks, rates and families.
//!
//! Members keep their own cutters and assemblers and know nothing of each other; each reads the clip for itself. Their
//! chunks take turns by how far each has come, so that little of any has to wait for the others, and go to the sessions of
//! the members' own jobs. A member that gives nothing of what is asked for does not run and costs nothing.

mod blend;
mod ends;
mod turns;

use crate::ModelError;
use crate::pipeline::link::Link;
use crate::pipeline::stems;
use crate::pipeline::{Ask, Chunk, ChunkAnswer, Clips, Ends, Part, Pipeline, Plan, check_references};
use crate::session::{Session, SessionOptions};
use crate::settings::Control;
use blend::Blend;
use ends::{EnsembleAssembler, EnsembleCutter, Stage};
use std::sync::Arc;
use tributary_audio::{AudioError, ClipShape};
use turns::Turns;

/// Separators whose stems are averaged. Cheap to share, holds no sound.
pub struct Ensemble {
    model: String,
    members: Vec<Member>,
    stems: Vec<String>,
    options: SessionOptions,
}

/// One of an ensemble's separators.
#[derive(Clone)]
pub struct Member {
    /// The name of its card: its chunks are run as those of that model.
    pub model: String,
    /// Runs it.
    pub pipeline: Arc<dyn Pipeline>,
    /// Its stems that count, each with how much: 0 or more, relative to the other members.
    pub weights: Vec<(String, f32)>,
}

/// All plans of one job.
struct Plans {
    /// By number of the member: those that are needed.
    members: Vec<(usize, Plan)>,
    whole: Plan,
}

impl Ensemble {
    /// More members than these are a mistake.
    pub const MEMBERS_MAX: usize = 16;

    /// Of the card `model`. Its stems are those of the first member, then what others have more.
    ///
    /// # Errors
    /// [`ModelError::Card`] where there is no member, too many or no weight for a stem; [`ModelError::UnknownStem`] where a
    /// member has not the stem that shall count.
    pub fn new(model: &str, members: Vec<Member>) -> Result<Self, ModelError> {
        let bad = |reason: String| ModelError::Card { card: model.to_owned(), reason };
        if members.is_empty() || members.len() > Self::MEMBERS_MAX {
            let most = Self::MEMBERS_MAX;
            return Err(bad(format!("{} members, allowed are 1 to {most}", members.len())));
        }
        // Any clip will do to ask for stems.
        let clip = ClipShape { channels: 2, frames: 1, rate_hz: tributary_audio::limits::RATE_HZ_MIN };
        let mut stems: Vec<String> = Vec::new();
        for member in &members {
            let names: Vec<String> = member.weights.iter().map(|(stem, _)| stem.clone()).collect();
            let plan = member.pipeline.plan(clip, &Ask::stems(&names))?;
            let alone = member.pipeline.others(&plan).is_empty() && plan.sheets.is_empty();
            if names.is_empty() || plan.stems.len() != names.len() || !alone {
                return Err(bad(format!("`{}` must give stems, each counted once, alone", member.model)));
            }
            if member.weights.iter().any(|(_, weight)| !weight.is_finite() || *weight < 0.0) {
                return Err(bad(format!("weights of `{}` must be 0 or more", member.model)));
            }
            stems.extend(names.into_iter().filter(|name| !stems.contains(name)).collect::<Vec<_>>());
        }
        let new = Self { model: model.to_owned(), members, stems, options: SessionOptions::default() };
        match new.stems.iter().find(|stem| new.weights(stem) <= 0.0) {
            Some(stem) => Err(bad(format!("nothing counts for `{stem}`"))),
            None => Ok(new),
        }
    }

    /// The same with other options for the threads that its own session shares.
    #[must_use]
    pub fn with_session_options(mut self, options: SessionOptions) -> Self {
        self.options = options;
        self
    }

    /// Names of the stems that it can write.
    #[must_use]
    pub fn stem_names(&self) -> &[String] {
        &self.stems
    }

    /// What all members' weights for a stem add up to.
    fn weights(&self, stem: &str) -> f32 {
        self.members.iter().map(|member| member.weight(stem)).sum()
    }

    fn plans(&self, clip: ClipShape, ask: &Ask) -> Result<Plans, ModelError> {
        let settings = ask.settings.clone().checked(&self.controls())?;
        check_references(&self.model, ask, self.references_max())?;
        let chosen = stems::chosen(&self.model, &self.stems, &ask.stems)?;
        let stems: Vec<String> = chosen.into_iter().map(|stem| self.stems[stem].clone()).collect();
        let (mut members, mut chunks) = (Vec::new(), 0_u32);
        for (number, member) in self.members.iter().enumerate() {
            let wanted: Vec<String> =
                stems.iter().filter(|stem| member.weight(stem) > 0.0).cloned().collect();
            if wanted.is_empty() {
                continue;
            }
            let ask = Ask { settings: settings.clone(), ..Ask::stems(&wanted) };
            let plan = member.pipeline.plan(clip, &ask)?;
            chunks = chunks.checked_add(plan.chunks).ok_or_else(|| {
                let limit = format!("what {} chunks hold", u32::MAX);
                AudioError::Limit { what: "the length of the clip", value: clip.frames, limit }
            })?;
            members.push((number, plan));
        }
        let whole = Plan { clip, references: Vec::new(), settings, stems, sheets: Vec::new(), chunks };
        Ok(Plans { members, whole })
    }

    /// For each stem that a member writes: which one it is in the whole, and its share of that.
    fn shares(&self, member: &Member, plan: &Plan, whole: &Plan) -> Vec<(usize, f32)> {
        let share = |name: &String| {
            let stem = whole.stems.iter().position(|stem| stem == name)?;
            Some((stem, member.weight(name) / self.weights(name)))
        };
        plan.stems.iter().filter_map(share).collect()
    }
}

impl Member {
    /// How much its stem of that name counts.
    fn weight(&self, stem: &str) -> f32 {
        self.weights.iter().find(|(name, _)| name == stem).map_or(0.0, |(_, weight)| *weight)
    }
}

/// What chunks of that member call its model; the ensemble itself has none.
fn part(member: usize) -> u8 {
    u8::try_from(member + 1).expect("an ensemble has at most 16 members")
}

impl Pipeline for Ensemble {
    /// Those that all members have alike. Not that one member's stems add up: their averages would not.
    fn controls(&self) -> Vec<Control> {
        let [first, others @ ..] = &self.members[..] else { return Vec::new() };
        let others: Vec<Vec<Control>> = others.iter().map(|member| member.pipeline.controls()).collect();
        let is_shared = |control: &Control| others.iter().all(|controls| controls.contains(control));
        let mut controls = first.pipeline.controls();
        controls.retain(|control| control.name != "adds_up" && is_shared(control));
        controls
    }

    fn plan(&self, clip: ClipShape, ask: &Ask) -> Result<Plan, ModelError> {
        Ok(self.plans(clip, ask)?.whole)
    }

    fn begin(&self, plan: &Plan, clips: Clips, in_flight_max: usize) -> Result<Ends, ModelError> {
        let ask = Ask { settings: plan.settings.clone(), ..Ask::stems(&plan.stems) };
        let Plans { members, whole } = self.plans(plan.clip, &ask)?;
        if whole != *plan {
            let (expected, got) = (format!("{plan:?}"), format!("{whole:?}"));
            return Err(AudioError::Shape { expected, got }.into());
        }
        let link = Arc::new(Link::new(in_flight_max, ()));
        let turns = Turns::new(members.iter().map(|(_, plan)| plan.chunks).collect());
        let (mut cutters, mut stages) = (Vec::new(), Vec::new());
        for (number, plan) in &members {
            let member = &self.members[*number];
            let (cutter, assembler) = member.pipeline.begin(plan, clips.clone(), in_flight_max)?;
            cutters.push((part(*number), cutter));
            let shares = self.shares(member, plan, &whole);
            stages.push(Stage { assembler, left: plan.chunks, shares });
        }
        let givers = |stem| {
            let gives = |stage: &Stage| stage.shares.iter().any(|(given, _)| *given == stem);
            (0..stages.len()).filter(|&stage| gives(&stages[stage])).collect()
        };
        let blend = Blend::new(whole.clip.channels, (0..whole.stems.len()).map(givers).collect());
        let cutter = EnsembleCutter::new(cutters, turns.clone(), Arc::clone(&link));
        let assembler = EnsembleAssembler::new(stages, turns, blend, link);
        Ok((Box::new(cutter), Box::new(assembler)))
    }

    fn chunks_abreast(&self, plan: &Plan) -> usize {
        let ask = Ask { settings: plan.settings.clone(), ..Ask::stems(&plan.stems) };
        let members = self.plans(plan.clip, &ask).map_or_else(|_| Vec::new(), |plans| plans.members);
        let abreast = members.iter().map(|(at, plan)| self.members[*at].pipeline.chunks_abreast(plan));
        abreast.min().unwrap_or(1)
    }

    fn others(&self, plan: &Plan) -> Vec<Part> {
        let needed = |member: &Member| plan.stems.iter().any(|stem| member.weight(stem) > 0.0);
        let part = |(number, member): (usize, &Member)| Part {
            number: part(number),
            model: member.model.clone(),
            pipeline: Arc::clone(&member.pipeline),
        };
        self.members.iter().enumerate().filter(|(_, member)| needed(member)).map(part).collect()
    }

    /// Nothing of its own: its members are loaded under their own names.
    fn load(&self) -> Result<Session, ModelError> {
        Ok(Session::without_network(&self.model, self.options))
    }

    fn infer(&self, session: &mut Session, batch: &[Chunk]) -> Result<Vec<ChunkAnswer>, ModelError> {
        let mut answers = Vec::with_capacity(batch.len());
        for chunks in batch.chunk_by(|one, next| one.part == next.part) {
            let part = chunks[0].part;
            let member = usize::from(part).checked_sub(1).and_then(|number| self.members.get(number));
            let Member { pipeline, .. } = member.ok_or_else(|| ModelError::Engine {
                model: self.model.clone(),
                reason: format!("chunk {} is for no member", chunks[0].index),
            })?;
            let session = session.beside(part, || pipeline.load())?;
            answers.extend(pipeline.infer(session, chunks)?);
        }
        Ok(answers)
    }
}
