//! What holds for every model that can be run here: clips at the limits, sound that is no number, files that are not what
//! they should be.

use crate::signals::{Kept, noise, test_data};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tributary_audio::{Audio, AudioError, ClipShape, Frames};
use tributary_models::catalog::Task;
use tributary_models::weights::{Pin, Pins, sha256_hex};
use tributary_models::{Ask, Card, Catalog, Clip, Enhance, Files, Go, ModelError, Pipeline, Transcribe, run};

/// The longest clip that a server may be configured to take (`protocol::limits::CLIP_SECONDS_MAX`).
const SECONDS_MAX: u64 = 6 * 3600;

fn models() -> Option<PathBuf> {
    test_data("models that are not in the program").map(|data| data.join("models"))
}

#[test]
fn every_model_plans_the_longest_clip_and_refuses_shapes_that_are_none() {
    let catalog = Catalog::new(models().as_deref()).unwrap();
    for card in catalog.cards() {
        let pipeline = catalog.pipeline(&card.name).unwrap();
        let plan = |shape: ClipShape| pipeline.plan(shape, &Ask::default());
        for (rate_hz, channels) in [(8_000, 1), (44_100, 2), (192_000, 8)] {
            let shape = ClipShape { frames: SECONDS_MAX * u64::from(rate_hz), channels, rate_hz };
            let planned = plan(shape).unwrap();
            let short = plan(ClipShape { frames: 1, ..shape }).unwrap();
            assert!(planned.chunks > short.chunks && short.chunks >= 1, "{} {shape:?}", card.name);
            let (longer, as_long) = (ClipShape { frames: shape.frames + 1, ..shape }, planned.chunks);
            assert!(plan(longer).is_ok_and(|plan| plan.chunks >= as_long), "{} {longer:?}", card.name);
        }
        let usual = ClipShape { frames: 44_100, channels: 2, rate_hz: 44_100 };
        for wrong in [
            ClipShape { frames: 0, ..usual },
            ClipShape { channels: 0, ..usual },
            ClipShape { channels: 9, ..usual },
            ClipShape { rate_hz: 0, ..usual },
            ClipShape { rate_hz: 7_999, ..usual },
            ClipShape { rate_hz: 192_001, ..usual },
            ClipShape { frames: u64::MAX, ..usual },
            ClipShape { frames: u64::MAX, channels: 8, rate_hz: 8_000 },
        ] {
            let refused = plan(wrong);
            assert!(matches!(refused, Err(ModelError::Audio(_))), "{} {wrong:?}: {refused:?}", card.name);
        }
    }
}

/// A clip as it is read everywhere: by a reader that looks at every sample.
struct Checked(Audio);

impl Clip for Checked {
    fn open(&self) -> Result<Box<dyn Frames>, AudioError> {
        Ok(Box::new(self.0.clone().into_frames()))
    }
}

#[test]
fn a_sample_that_is_no_number_ends_the_job_and_is_named() {
    let catalog = Catalog::new(models().as_deref()).unwrap();
    for card in catalog.cards() {
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let mut audio = noise(2, 50_000, 44_100);
            audio.channels[1][40_000] = bad;
            let pipeline = catalog.pipeline(&card.name).unwrap();
            let plan = pipeline.plan(audio.shape(), &Ask::default()).unwrap();
            let (mut session, clip) = (pipeline.load().unwrap(), Arc::new(Checked(audio)));
            let mut go = |_: u32, _: u32| Go::On;
            let ended = run(&*pipeline, &mut session, clip.into(), &plan, &mut Kept::default(), &mut go);
            let named =
                matches!(ended, Err(ModelError::Audio(AudioError::NotFinite { frame: 40_000, channel: 1 })));
            assert!(named, "{} at {bad}: {ended:?}", card.name);
        }
    }
}

/// Loads a card's network from a folder of models, on whatever engine there is.
fn load(card: &Card, folder: &Path) -> Result<(), ModelError> {
    let files = Files::in_folder(card, folder);
    match card.task {
        Task::Transcribe => Transcribe::new(card, files)?.load().map(drop),
        Task::Enhance => Enhance::new(card, files)?.load().map(drop),
        // It listens for another.
        Task::Detect => {
            let catalog = Catalog::embedded()?;
            let rnnoise = Enhance::new(catalog.get("rnnoise")?, catalog.files("rnnoise")?.clone())?;
            rnnoise.with_voice(files).load().map(drop)
        }
        task => panic!("no model of {} has files of its own here", task.word()),
    }
}

/// Every card with files that are not in the program, and a folder with these files and nothing else.
fn installed() -> Option<(tempfile::TempDir, Vec<Card>)> {
    let models = models()?;
    let catalog = Catalog::new(Some(&models)).unwrap();
    let embedded = Catalog::embedded().unwrap();
    let cards: Vec<Card> = catalog
        .known()
        .filter(|card| catalog.is_installed(&card.name) && !embedded.is_installed(&card.name))
        .filter(|card| !card.graphs.is_empty())
        .cloned()
        .collect();
    let folder = tempfile::tempdir().unwrap();
    for card in &cards {
        std::fs::create_dir(folder.path().join(&card.name)).unwrap();
        for file in &card.files {
            let place = Path::new(&card.name).join(&file.file);
            std::fs::copy(models.join(&place), folder.path().join(&place)).unwrap();
        }
    }
    Some((folder, cards))
}

#[test]
fn files_that_are_missing_cut_short_or_changed_are_refused_by_name() {
    let Some((folder, cards)) = installed() else { return };
    for card in &cards {
        load(card, folder.path()).unwrap();
        for file in &card.files {
            let place = folder.path().join(&card.name).join(&file.file);
            let whole = std::fs::read(&place).unwrap();
            std::fs::remove_file(&place).unwrap();
            let error = load(card, folder.path()).unwrap_err();
            assert!(matches!(&error, ModelError::NoWeights { file: f, .. } if *f == file.file), "{error}");
            assert!(error.to_string().contains(&format!("models pull {}", card.name)), "{error}");
            let mut flipped = whole.clone();
            flipped[whole.len() / 2] ^= 1;
            for wrong in [&whole[..whole.len() / 2], &whole[..0], &flipped] {
                std::fs::write(&place, wrong).unwrap();
                let error = load(card, folder.path()).unwrap_err();
                assert!(matches!(error, ModelError::Weights { says: "card", .. }), "{error}");
            }
            std::fs::write(&place, &whole).unwrap();
        }
    }
}

#[test]
fn a_graph_with_other_inputs_than_the_cards_is_refused_before_it_runs() {
    let Some((folder, cards)) = installed() else { return };
    for card in &cards {
        for (g, graph) in card.graphs.iter().enumerate() {
            // The card says more than the graph has.
            let mut other = card.clone();
            other.graphs[g].inputs[0].name = "sound".to_owned();
            check_graph_refused(&other, folder.path(), &[&graph.file, "`sound`", &graph.inputs[0].name]);
            // Another graph lies there, and was pinned.
            let mut other = card.clone();
            let file = other.files.iter_mut().find(|file| file.file == graph.file).unwrap();
            file.sha256 = None;
            let own = folder.path().join(&card.name);
            let whole = std::fs::read(own.join(&graph.file)).unwrap();
            let mini = include_bytes!("../../weights/mini.onnx");
            for (bytes, says) in [
                (&mini[..], "it takes `bands` (1, 2, ?, 192)"),
                (&whole[..whole.len() - 1], "the file is broken"),
            ] {
                std::fs::write(own.join(&graph.file), bytes).unwrap();
                let mut pins = Pins::default();
                pins.set(Pin {
                    file: graph.file.clone(),
                    sha256: sha256_hex(bytes),
                    bytes: bytes.len() as u64,
                    source: "a test".to_owned(),
                    date: "today".to_owned(),
                });
                std::fs::write(own.join(Pins::FILE), pins.to_text()).unwrap();
                check_graph_refused(&other, folder.path(), &[&graph.file, says]);
            }
            std::fs::write(own.join(&graph.file), whole).unwrap();
            std::fs::remove_file(own.join(Pins::FILE)).unwrap();
        }
        load(card, folder.path()).unwrap();
    }
}

fn check_graph_refused(card: &Card, folder: &Path, words: &[&str]) {
    let error = load(card, folder).unwrap_err();
    assert!(matches!(error, ModelError::Graph { .. }), "{error}");
    let text = error.to_string();
    for word in words.iter().chain([&card.name.as_str()]) {
        assert!(text.contains(word), "`{text}` says {word}");
    }
}
