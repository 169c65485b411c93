//! A mixture into its stems by published networks, fed as their publishers' programs feed them: chunks of sound that
//! overlap, each separated alone, faded into each other. Which network, and how it sees a chunk, is its family's matter
//! (`unmix/net.rs`); where chunks lie is `unmix/layout.rs`.
//!
//! Channels are taken in pairs, 1+2, 3+4, ..; an odd last one as two that are equal. Any rate: the clip is converted to
//! the network's rate and the stems back. Where a network gives fewer stems than a mixture has, the rest is the mixture
//! minus all of them, at the clip's own rate.

mod assembler;
mod bag;
mod cutter;
mod htdemucs;
mod layout;
mod levels;
mod mel;
mod net;
mod parcel;
mod roformer;
mod scnet;
#[cfg(test)]
mod seam_tests;

use crate::ModelError;
use crate::catalog::facts;
use crate::pipeline::link;
use crate::pipeline::stems;
use crate::pipeline::stems::outlet;
use crate::pipeline::stems::parts::Parts;
use crate::pipeline::{Ask, Chunk, ChunkAnswer, Clips, Ends, Pipeline, Plan, check_limits, check_references};
use crate::recipe::{Network, Recipe};
use crate::session::{Graph, Session, SessionOptions};
use crate::settings::{Control, ControlKind, Settings};
use crate::weights::{Files, Stored};
use assembler::UnmixAssembler;
use bag::Bag;
use cutter::UnmixCutter;
use htdemucs::HtDemucs;
use layout::{Layout, Tiling};
pub(crate) use mel::mel_bands;
use net::{Kept, Net};
use parcel::Parcel;
use roformer::Roformer;
use scnet::Scnet;
use std::collections::VecDeque;
use std::sync::Arc;
use tributary_audio::{AudioError, ClipShape};

/// Separation by a published network, or a bag of them. Cheap to share, holds no sound.
pub struct Unmix {
    front: Arc<Front>,
    files: Files,
    /// One for each network of its bag.
    graphs: Vec<String>,
    options: SessionOptions,
}

/// What both ends of a job need to know of the model. Never changes.
struct Front {
    model: String,
    recipe: Recipe,
    /// The network's stems, and the one that is what they leave.
    stems: Vec<String>,
    net: Box<dyn Net>,
    bag: Bag,
}

/// What chunks leave here while the network works, one entry a chunk.
type Link = link::Link<VecDeque<Kept>>;

/// How much is computed for how good a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Effort {
    /// Chunks share their fades only.
    Fast,
    /// The publisher's overlap.
    Balanced,
    /// Twice that, every other chunk upside down: what depends on where a chunk begins, or on the sign of the sound,
    /// is averaged away.
    Best,
}

/// One clip seen by the model.
struct Job {
    front: Arc<Front>,
    clip: ClipShape,
    /// The clip's length at the network's rate.
    frames: u64,
    layout: Layout,
    effort: Effort,
    /// Whether one of the network's own stems is to be what the others leave, so that all add up to the mixture.
    adds_up: bool,
}

impl Unmix {
    /// The pipeline of `model`, fed by `recipe`, whose networks' graphs are `graphs` among `files`, in the order of the
    /// recipe's bag; most models have one.
    ///
    /// # Errors
    /// [`ModelError::Card`] where the recipe makes no sense, no code here runs its network, or there are more or fewer
    /// graphs than it has networks.
    pub fn new(
        model: &str,
        recipe: Recipe,
        files: Files,
        graphs: &[impl AsRef<str>],
    ) -> Result<Self, ModelError> {
        let bad = |reason: String| ModelError::Card { card: model.to_owned(), reason };
        recipe.check().map_err(bad)?;
        let bag = Bag::new(&recipe);
        if bag.networks() != graphs.len() {
            return Err(bad(format!("{} graphs for a bag of {} networks", graphs.len(), bag.networks())));
        }
        let net = net(model, &recipe).map_err(bad)?;
        let stems = recipe.stems.iter().cloned().chain(recipe.remainder().map(str::to_owned)).collect();
        let front = Front { model: model.to_owned(), recipe, stems, net, bag };
        let (options, graphs) =
            (SessionOptions::default(), graphs.iter().map(|graph| graph.as_ref().to_owned()).collect());
        Ok(Self { front: Arc::new(front), files, graphs, options })
    }

    /// The same with other options for the engine.
    #[must_use]
    pub fn with_session_options(mut self, options: SessionOptions) -> Self {
        self.options = options;
        self
    }

    /// Names of the stems that it can write.
    #[must_use]
    pub fn stem_names(&self) -> &[String] {
        &self.front.stems
    }

    fn job(&self, clip: ClipShape, settings: &Settings) -> Result<Job, ModelError> {
        check_limits(clip)?;
        let recipe = &self.front.recipe;
        let frames = outlet::model_frames(clip, recipe.rate_hz);
        let (effort, tiling) = match settings.choice("quality") {
            "fast" => (Effort::Fast, Tiling::touching(recipe.chunk_frames)),
            "best" => (Effort::Best, tiling(recipe).denser()),
            _ => (Effort::Balanced, tiling(recipe)),
        };
        let layout = tiling.lay(frames);
        let fits =
            layout.chunks().checked_mul(stems::pairs(clip).into()).is_some_and(|all| all <= u32::MAX.into());
        if !fits {
            let limit = format!("what {} chunks hold", u32::MAX);
            return Err(
                AudioError::Limit { what: "the length of the clip", value: clip.frames, limit }.into()
            );
        }
        let adds_up = recipe.remainder().is_none() && settings.switch("adds_up");
        Ok(Job { front: Arc::clone(&self.front), clip, frames, layout, effort, adds_up })
    }
}

/// Chunks as the publisher's program lays them.
fn tiling(recipe: &Recipe) -> Tiling {
    let (chunk, overlap) = (recipe.chunk_frames, recipe.overlap);
    match recipe.network {
        Network::HtDemucs { step_frames, .. } => {
            Tiling::centred(chunk, step_frames.unwrap_or(chunk / overlap.max(1)))
        }
        _ => Tiling::overlapping(chunk, overlap),
    }
}

/// The family of a recipe; the error in words.
fn net(model: &str, recipe: &Recipe) -> Result<Box<dyn Net>, String> {
    let stems = recipe.stems.len();
    let roformer = |spectrum, bands: &[Vec<usize>]| -> Result<Box<dyn Net>, String> {
        Ok(Box::new(Roformer::new(model, spectrum, bands, stems, recipe.chunk_frames)?))
    };
    match &recipe.network {
        Network::BsRoformer { spectrum, bands } => {
            let mut next = 0;
            let bins = bands.iter().map(|width| {
                next += width;
                (next - width..next).collect()
            });
            roformer(*spectrum, &bins.collect::<Vec<Vec<usize>>>())
        }
        Network::MelBandRoformer { spectrum, bands } => {
            roformer(*spectrum, &mel_bands(recipe.rate_hz, *spectrum, *bands))
        }
        Network::HtDemucs { spectrum, .. } => {
            Ok(Box::new(HtDemucs::new(model, *spectrum, stems, recipe.chunk_frames)?))
        }
        Network::Scnet { spectrum } => {
            Ok(Box::new(Scnet::new(model, *spectrum, stems, recipe.chunk_frames)?))
        }
    }
}

impl Front {
    /// How chunks are packed.
    fn parcel(&self) -> Parcel {
        Parcel { seen: self.net.shape().iter().product(), stems: self.recipe.stems.len() }
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
        self.layout.chunks() as u32 * self.pairs()
    }

    /// Whether chunk `k` of each pair is upside down.
    fn is_turned(&self, k: u64) -> bool {
        self.effort == Effort::Best && k % 2 == 1
    }

    /// The stem that is not computed but left.
    fn remainder(&self) -> Option<usize> {
        let recipe = &self.front.recipe;
        match recipe.remainder() {
            Some(_) => Some(recipe.stems.len()),
            None if self.adds_up => {
                let other = recipe.stems.iter().position(|stem| stem == "other");
                Some(other.unwrap_or(recipe.stems.len() - 1))
            }
            None => None,
        }
    }

    fn engine_error(&self, reason: String) -> ModelError {
        ModelError::Engine { model: self.front.model.clone(), reason }
    }
}

impl Pipeline for Unmix {
    fn controls(&self) -> Vec<Control> {
        let mut controls = vec![Control {
            name: "quality",
            title: "Quality",
            help: "Fast computes every part of the clip about once, balanced as often as its publisher does, best twice as \
                   often and upside down in turn: fewer seams, more time.",
            kind: ControlKind::Choice {
                options: &[("fast", "Fast"), ("balanced", "Balanced"), ("best", "Best")],
                default: "balanced",
            },
            advanced: false,
        }];
        // Stems that are what others leave add up as they are.
        if self.front.recipe.remainder().is_none() {
            controls.push(Control {
                name: "adds_up",
                title: "Stems add up",
                help: "One stem becomes what the others leave of the mixture, so that all together are the mixture exactly.",
                kind: ControlKind::Switch { default: false },
                advanced: true,
            });
        }
        controls
    }

    fn plan(&self, clip: ClipShape, ask: &Ask) -> Result<Plan, ModelError> {
        let settings = ask.settings.clone().checked(&self.controls())?;
        check_references(&self.front.model, ask, self.references_max())?;
        let job = self.job(clip, &settings)?;
        let stems = stems::chosen(&self.front.model, &self.front.stems, &ask.stems)?
            .into_iter()
            .map(|i| self.front.stems[i].clone())
            .collect();
        Ok(Plan { clip, references: Vec::new(), settings, stems, sheets: Vec::new(), chunks: job.chunks() })
    }

    fn begin(&self, plan: &Plan, clips: Clips, in_flight_max: usize) -> Result<Ends, ModelError> {
        let job = Arc::new(self.job(plan.clip, &plan.settings)?);
        let stems = stems::chosen(&self.front.model, &self.front.stems, &plan.stems)?;
        let parts = Arc::new(Parts::new(self.front.stems.len(), job.remainder(), &stems));
        let frames = clips.clip.open()?;
        if frames.shape() != plan.clip || plan.chunks != job.chunks() {
            let expected = format!("{:?} in {} chunks", plan.clip, plan.chunks);
            let got = format!("{:?} in {} chunks", frames.shape(), job.chunks());
            return Err(AudioError::Shape { expected, got }.into());
        }
        let mixture = if parts.remainder_output().is_some() { Some(clips.clip.open()?) } else { None };
        let link = Arc::new(Link::new(in_flight_max.min(IN_FLIGHT_MAX), VecDeque::new()));
        let cutter = UnmixCutter::new(Arc::clone(&job), parts.needed(), frames, Arc::clone(&link))?;
        let assembler = UnmixAssembler::new(job, parts, mixture, link)?;
        Ok((Box::new(cutter), Box::new(assembler)))
    }

    fn load(&self) -> Result<Session, ModelError> {
        let stored: Vec<_> =
            self.graphs.iter().map(|graph| self.files.graph(graph)).collect::<Result<_, _>>()?;
        for (file, stored) in self.graphs.iter().zip(&stored) {
            // What is too large to be looked at whole has its hash.
            if let Stored::Bytes(onnx) = stored {
                let (inputs, outputs) = self.front.net.ports();
                self.files.check(onnx, &facts::Graph { file: file.clone(), inputs, outputs }, "recipe")?;
            }
        }
        let names: Vec<String> = (0..stored.len()).map(Bag::graph).collect();
        let graphs: Vec<_> = (names.iter().zip(&stored))
            .map(|(name, stored)| Graph { name, onnx: stored.onnx(), ranges: &[] })
            .collect();
        let mut session = Session::load_in_turn(&self.front.model, &graphs, self.options)?;
        drop(graphs);
        drop(stored);
        // Shows that the graphs run before anybody waits for them; their shapes are fixed, so a chunk is whole.
        let (Parcel { seen, stems }, Front { net, bag, .. }) = (self.front.parcel(), &*self.front);
        bag.run(&**net, &mut session, &vec![0.0; seen], &(0..stems).collect::<Vec<_>>())?;
        Ok(session)
    }

    /// One after the other: a network of this size fills the device with one chunk, and two would need twice the memory.
    fn infer(&self, session: &mut Session, batch: &[Chunk]) -> Result<Vec<ChunkAnswer>, ModelError> {
        let run = |chunk: &Chunk| {
            let (seen, asked) = self.front.parcel().unpack(&chunk.data).ok_or_else(|| {
                let reason = format!("chunk {} has {} numbers", chunk.index, chunk.data.len());
                ModelError::Engine { model: self.front.model.clone(), reason }
            })?;
            let data = self.front.bag.run(&*self.front.net, session, seen, &asked)?;
            Ok(ChunkAnswer { index: chunk.index, data })
        };
        batch.iter().map(run).collect()
    }

    /// Nobody waits for a second chunk before the first is run: meanwhile that one is cut, and the last becomes sound.
    fn chunks_abreast(&self, _plan: &Plan) -> usize {
        1
    }
}

/// Chunks of one job between cutter and assembler: one is cut while one is on the device and one becomes sound. Each holds
/// some 50 MB for four stems.
const IN_FLIGHT_MAX: usize = 3;
