//! From a checkpoint on disk to a model that can be used: understood, written, tried, put in place.

use super::draft::Draft;
use super::{Progress, Shelf, ShelfError, room};
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use tributary_models::catalog::{Card, OWN_CARD, Origin};
use tributary_models::checkpoint::{Checkpoint, CheckpointError, Settings};
use tributary_models::convert::{Bag, ConvertError, Separator, Target, Trial};
use tributary_models::weights::{Pin, beside};
use tributary_models::{Recipe, SessionOptions};

/// Settings are no longer; the reader says so of one byte more.
const SETTINGS_BYTES_MAX: u64 = (1 << 20) + 1;
/// A graph up to this size is run on both engines, where both are there.
const BOTH_ENGINES_BYTES_MAX: u64 = 32 << 20;
/// Both engines say the same to this, dB below what they say: 32-bit sums in another order are 120 dB below, half precision
/// on one side only 60 dB.
const APART_DB_MAX: f64 = -50.0;
/// Progress counts what is read of a checkpoint as 32-bit floats.
const NUMBER_BYTES: u64 = 4;
/// What progress calls the source of a graph.
const SOURCE: &str = "its checkpoint";

/// A checkpoint on disk.
pub(super) struct Given<'a> {
    pub(super) checkpoint: &'a Path,
    /// Its SHA-256.
    pub(super) sha256: &'a str,
    /// The publisher's settings, where they are not inside.
    pub(super) settings: Option<&'a Path>,
}

/// How a checkpoint is made into a graph.
#[derive(Clone, Copy, Debug, Default)]
pub struct ConvertOptions {
    /// A graph in half precision, too.
    pub half: bool,
    /// What new graphs are tried on.
    pub sessions: SessionOptions,
}

/// What was made of a checkpoint.
#[derive(Clone, Debug, PartialEq)]
pub struct Made {
    /// Files with their sizes.
    pub files: Vec<(String, u64)>,
    /// The engine on which the graph was tried.
    pub engine: String,
    /// How far both engines are apart, dB; none where only one tried it.
    pub apart_db: Option<f64>,
}

/// Checkpoints that are understood: most models have one.
pub(super) struct Understood<'a> {
    networks: Vec<Network<'a>>,
    recipe: Recipe,
}

struct Network<'a> {
    given: Given<'a>,
    separator: Separator<File>,
}

impl<'a> Understood<'a> {
    /// `bag`: how much each counts for each stem; nothing where all count the same.
    pub(super) fn new(
        given: Vec<Given<'a>>,
        bag: &[Vec<f32>],
        one_file_bytes_max: u64,
    ) -> Result<Self, ShelfError> {
        let networks: Vec<Network<'a>> = given
            .into_iter()
            .map(|given| Network::new(given, one_file_bytes_max))
            .collect::<Result<_, _>>()?;
        let recipes: Vec<Recipe> =
            networks.iter().map(|network| network.separator.recipe().clone()).collect();
        let path = |network: &Network<'_>| network.given.checkpoint.to_owned();
        let packages = networks.iter().map(|network| path(network).display().to_string()).collect();
        let recipe = Bag { packages, weights: bag.to_vec() }.recipe(&recipes);
        let first = networks.first().map(path).unwrap_or_default();
        Ok(Self { networks, recipe: recipe.map_err(|cause| refused(&first, cause))? })
    }

    pub(super) fn recipe(&self) -> &Recipe {
        &self.recipe
    }

    /// Whether it is what its card says.
    fn check(&self, card: &Card) -> Result<(), ShelfError> {
        let recipe = self.recipe();
        let stems = recipe.all_stems();
        let said = |word: &str, stems: &[String]| format!("{word} with the stems {}", stems.join(", "));
        let (said, found) = (said(&card.architecture, &card.stems), said(recipe.network.word(), &stems));
        if said == found {
            Ok(())
        } else {
            Err(ShelfError::NotTheCards { model: card.name.clone(), said, found })
        }
    }

    /// What its graphs are made of, in words.
    fn source(&self) -> String {
        let of = |Network { given, .. }: &Network<'_>| {
            format!("{}, SHA-256 {}", given.checkpoint.display(), given.sha256)
        };
        format!("made of {}", self.networks.iter().map(of).collect::<Vec<_>>().join("; "))
    }
}

impl<'a> Network<'a> {
    fn new(given: Given<'a>, one_file_bytes_max: u64) -> Result<Self, ShelfError> {
        let path = given.checkpoint;
        let file = File::open(path).map_err(|cause| ShelfError::io("read", path, cause))?;
        let settings = given.settings.map(read_settings).transpose()?;
        let separator = Checkpoint::open(file)
            .map_err(ConvertError::from)
            .and_then(|checkpoint| Separator::new(checkpoint, settings.as_ref()));
        let separator = separator.map_err(|cause| refused(path, cause))?;
        Ok(Self { given, separator: separator.with_one_file_bytes_max(one_file_bytes_max) })
    }
}

impl Shelf {
    /// Makes graphs and recipe of checkpoints and puts them in their places, with pins of `more` files beside theirs. `own`
    /// is the text of the model's card where it is not the program's.
    pub(super) fn convert(
        &self,
        card: &Card,
        understood: &Understood<'_>,
        own: Option<&str>,
        more: Vec<Pin>,
        (options, date): (&ConvertOptions, &str),
        told: &mut dyn FnMut(&Progress<'_>),
    ) -> Result<Made, ShelfError> {
        understood.check(card)?;
        let targets: &[Target] = if options.half { &[Target::Cpu, Target::Gpu] } else { &[Target::Cpu] };
        let model = self.folder.join(&card.name);
        std::fs::create_dir_all(&model).map_err(|cause| ShelfError::io("make", &model, cause))?;
        let bytes = |network: &Network<'_>| -> u64 {
            targets.iter().map(|target| network.separator.graph_bytes(*target)).sum()
        };
        room::check(self.free_bytes, &model, understood.networks.iter().map(bytes).sum())?;

        let mut draft = Draft::new(&model)?;
        let mut tried = None;
        for (n, Network { given, separator }) in understood.networks.iter().enumerate() {
            let path = given.checkpoint;
            let metadata = [("card", card.name.as_str()), ("checkpoint_sha256", given.sha256)];
            for (nth, target) in (0..).zip(targets) {
                let name = if *target == Target::Gpu { Origin::half(n) } else { Origin::graph(n) };
                let mut tell = |done: u64, all: u64| {
                    let all_bytes = NUMBER_BYTES * all;
                    let (done_bytes, total_bytes) =
                        (all_bytes * nth + NUMBER_BYTES * done, Some(all_bytes * targets.len() as u64));
                    told(&Progress { file: &name, source: SOURCE, done_bytes, total_bytes });
                };
                match draft.graph(&name, separator, (*target, &metadata), &mut tell) {
                    Err(ConvertError::Write(cause)) => {
                        return Err(ShelfError::io("write", &draft.place(&name), cause));
                    }
                    written => written.map_err(|cause| refused(path, cause))?,
                }
                let trial = separator.trial(*target).map_err(|cause| refused(path, cause))?;
                let made = try_out(card, path, &trial, &draft.place(&name), options.sessions)?;
                tried.get_or_insert(made);
            }
        }
        let written = draft.text(Origin::RECIPE, &understood.recipe().to_text());
        written.map_err(|cause| ShelfError::io("write", &draft.place(Origin::RECIPE), cause))?;
        if let Some(text) = own {
            let written = draft.text(OWN_CARD, text);
            written.map_err(|cause| ShelfError::io("write", &draft.place(OWN_CARD), cause))?;
        }
        let files = draft.settle(self, card, more, (&understood.source(), date))?;
        let (engine, apart_db) = tried.unwrap_or_default();
        Ok(Made { files, engine, apart_db })
    }
}

/// Runs a new graph; answers on what, and how far the engines are apart where both were asked.
fn try_out(
    card: &Card,
    checkpoint: &Path,
    trial: &Trial,
    graph: &Path,
    sessions: SessionOptions,
) -> Result<(String, Option<f64>), ShelfError> {
    let checkpoint = checkpoint.to_owned();
    let failed = |cause| ShelfError::Trial { checkpoint: checkpoint.clone(), cause: Box::new(cause) };
    let (_, engine) = trial.run(&card.name, graph, sessions).map_err(failed)?;
    let size = |path: &Path| path.metadata().map_or(0, |found| found.len());
    if size(graph) + size(&beside(graph)) > BOTH_ENGINES_BYTES_MAX {
        return Ok((engine, None));
    }
    match trial.compare(&card.name, graph).map_err(failed)? {
        Some(apart_db) if apart_db > APART_DB_MAX => Err(ShelfError::EnginesDiffer { checkpoint, apart_db }),
        apart_db => Ok((engine, apart_db)),
    }
}

fn read_settings(path: &Path) -> Result<Settings, ShelfError> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(SETTINGS_BYTES_MAX).read_to_end(&mut bytes));
    read.map_err(|cause| ShelfError::io("read", path, cause))?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    Settings::parse(&name, &bytes).map_err(|cause: CheckpointError| refused(path, cause.into()))
}

fn refused(path: &Path, cause: ConvertError) -> ShelfError {
    match cause {
        ConvertError::Write(cause) if cause.kind() == io::ErrorKind::StorageFull => {
            ShelfError::DiskFull { path: path.to_owned() }
        }
        cause => ShelfError::Convert { checkpoint: path.to_owned(), cause: Box::new(cause) },
    }
}
