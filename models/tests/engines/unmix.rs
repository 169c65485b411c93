//! Published separators from checkpoint and settings to stems of a whole clip, against their publisher's code, on both
//! engines: as `fixtures/make_roformer.py` lays chunks over each other.

use crate::library::{onnx_runtime, options};
use std::io;
use std::sync::Arc;
use tributary_audio::{Audio, AudioError, ClipShape, Frames};
use tributary_models::checkpoint::{Checkpoint, Settings as Published};
use tributary_models::convert::Separator;
use tributary_models::convert::roformer::Target;
use tributary_models::pipeline::unmix::Unmix;
use tributary_models::weights::{Files, sha256_hex};
use tributary_models::{
    Ask, Card, Clip, EngineChoice, Go, ModelError, Pipeline, Recipe, ResultSink, Setting, Settings, run,
};

/// One of the small checkpoints.
pub(crate) struct Tiny {
    name: &'static str,
    checkpoint: &'static [u8],
    settings: &'static [u8],
    clip: &'static [u8],
    demixed: &'static [u8],
}

macro_rules! tiny {
    ($name:literal) => {
        Tiny {
            name: $name,
            checkpoint: include_bytes!(concat!("../fixtures/", $name, ".ckpt")),
            settings: include_bytes!(concat!("../fixtures/", $name, ".yaml")),
            clip: include_bytes!(concat!("../fixtures/", $name, ".clip.raw")),
            demixed: include_bytes!(concat!("../fixtures/", $name, ".demixed.raw")),
        }
    };
}

pub(crate) const TINY: [Tiny; 2] = [tiny!("bs_roformer_tiny"), tiny!("mel_band_roformer_tiny")];

impl Tiny {
    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    pub(crate) fn settings(&self) -> String {
        String::from_utf8(self.settings.to_vec()).unwrap()
    }

    pub(crate) fn converted(&self, settings: &str, target: Target) -> Result<(Recipe, Vec<u8>), String> {
        let said = |error: &dyn std::error::Error| error.to_string();
        let checkpoint = Checkpoint::open(io::Cursor::new(self.checkpoint)).map_err(|error| said(&error))?;
        let settings =
            Published::parse("settings.yaml", settings.as_bytes()).map_err(|error| said(&error))?;
        let separator = Separator::new(checkpoint, &settings).map_err(|error| said(&error))?;
        let (mut onnx, mut heard) = (Vec::new(), (0, 0));
        let written = separator
            .write(target, &[("card", self.name)], "none", &mut onnx, || Ok(io::sink()), &mut |done, all| {
                heard = (done, all);
            })
            .map_err(|error| said(&error))?;
        assert_eq!(written.graph_bytes, onnx.len() as u64);
        assert!(heard.0 > heard.1 * 9 / 10 && heard.1 > 0, "{heard:?}");
        assert!(
            onnx.len() as u64 <= separator.graph_bytes(target),
            "the estimate is no less than what it takes"
        );
        Ok((separator.recipe().clone(), onnx))
    }

    /// The clip in 16 bits, two channels.
    pub(crate) fn sound(&self) -> Audio {
        let samples: Vec<f32> = self
            .clip
            .chunks_exact(2)
            .map(|two| f32::from(i16::from_le_bytes(two.try_into().unwrap())) / 32_768.0)
            .collect();
        let half = samples.len() / 2;
        Audio { channels: vec![samples[..half].to_vec(), samples[half..].to_vec()], rate_hz: 44_100 }
    }

    fn theirs(&self) -> Vec<f32> {
        floats(self.demixed)
    }
}

fn floats(bytes: &[u8]) -> Vec<f32> {
    bytes.chunks_exact(4).map(|four| f32::from_le_bytes(four.try_into().unwrap())).collect()
}

/// A folder with one graph in it, and the pipeline that runs it.
pub(crate) struct Installed {
    pub(crate) _folder: tempfile::TempDir,
    pub(crate) pipeline: Unmix,
}

pub(crate) fn installed(recipe: Recipe, onnx: &[u8]) -> Result<Installed, ModelError> {
    installed_bag(recipe, &[onnx])
}

/// The same with several graphs.
pub(crate) fn installed_bag(recipe: Recipe, graphs: &[&[u8]]) -> Result<Installed, ModelError> {
    let folder = tempfile::tempdir().unwrap();
    let mut card = String::from(
        "name = \"tiny\"\ntitle = \"Tiny\"\ndescription = \"For tests.\"\ntask = \"separate\"\n\
         architecture = \"bs-roformer\"\ngrade = \"preview\"\nprice_class = \"large\"\npublisher = \"Nobody\"\n\
         licence = \"MIT\"\ncommercial_use = \"yes\"\nstems = [\"vocals\", \"other\"]\n",
    );
    std::fs::create_dir(folder.path().join("tiny")).unwrap();
    let names: Vec<String> = (0..graphs.len()).map(|at| format!("graph.{at}.onnx")).collect();
    for (name, onnx) in names.iter().zip(graphs) {
        card += &format!("[[files]]\nfile = \"{name}\"\nsha256 = \"{}\"\n", sha256_hex(onnx));
        std::fs::write(folder.path().join("tiny").join(name), onnx).unwrap();
    }
    let files = Files::in_folder(&Card::parse(&card).unwrap(), folder.path());
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    Ok(Installed { pipeline: Unmix::new("tiny", recipe, files, &names)?, _folder: folder })
}

pub(crate) struct Held(pub(crate) Arc<Audio>);

impl Clip for Held {
    fn open(&self) -> Result<Box<dyn Frames>, AudioError> {
        Ok(Box::new(Audio::clone(&self.0).into_frames()))
    }
}

/// `[channel][frames]`.
pub(crate) type Stem = Vec<Vec<f32>>;

/// `[stem]`.
#[derive(Default)]
struct Stems(Vec<Stem>);

impl ResultSink for Stems {
    fn write(&mut self, stem: usize, block: &[&[f32]]) -> Result<(), AudioError> {
        if self.0.len() <= stem {
            self.0.resize_with(stem + 1, || vec![Vec::new(); block.len()]);
        }
        self.0[stem].iter_mut().zip(block).for_each(|(to, from)| to.extend_from_slice(from));
        Ok(())
    }

    fn sheet(&mut self, _sheet: usize, _bytes: &[u8]) -> Result<(), AudioError> {
        panic!("separators write no sheets");
    }
}

pub(crate) fn separate(
    pipeline: &dyn Pipeline,
    audio: &Audio,
    ask: &Ask,
) -> Result<(Vec<Stem>, Vec<String>), ModelError> {
    let plan = pipeline.plan(audio.shape(), ask)?;
    let mut session = pipeline.load()?;
    let (mut stems, clip) = (Stems::default(), Arc::new(Held(Arc::new(audio.clone()))));
    run(pipeline, &mut session, clip.into(), &plan, &mut stems, &mut |_, _| Go::On)?;
    Ok((stems.0, plan.stems))
}

pub(crate) fn engines() -> Vec<EngineChoice> {
    let mut engines = vec![EngineChoice::Rten];
    if onnx_runtime("published separators on ONNX Runtime") {
        engines.push(EngineChoice::OnnxRuntime);
    }
    engines
}

pub(crate) fn difference_db(ours: &[f32], theirs: &[f32]) -> f64 {
    assert_eq!(ours.len(), theirs.len());
    let power = |numbers: &mut dyn Iterator<Item = f64>| numbers.map(|x| x * x).sum::<f64>();
    let off = power(&mut ours.iter().zip(theirs).map(|(a, b)| f64::from(a - b)));
    10.0 * (off / power(&mut theirs.iter().map(|x| f64::from(*x)))).log10()
}

pub(crate) fn ask(words: &[(&str, &str)]) -> Ask {
    let settings = words.iter().fold(Settings::default(), |settings, (name, word)| {
        settings.with(name, Setting::Choice((*word).to_owned()))
    });
    Ask { settings, ..Ask::default() }
}

/// -90 dB: what 32-bit sums in another order leave; -55 dB: what 16 bits leave.
#[test]
fn stems_of_a_clip_in_chunks_are_those_of_the_publishers_code() {
    for tiny in &TINY {
        for (target, most_db) in [(Target::Cpu, -90.0), (Target::Gpu, -55.0)] {
            let (recipe, onnx) = tiny.converted(&tiny.settings(), target).unwrap();
            for engine in engines() {
                let Installed { pipeline, _folder } = installed(recipe.clone(), &onnx).unwrap();
                let pipeline = pipeline.with_session_options(options(engine, 2));
                let (stems, names) = separate(&pipeline, &tiny.sound(), &Ask::default()).unwrap();
                let network = &stems[..recipe.stems.len()];
                let db = difference_db(&network.concat().concat(), &tiny.theirs());
                println!(
                    "{}, {target:?}, {engine:?}: {db:.1} dB from its publisher's code, {names:?}",
                    tiny.name
                );
                assert!(db < most_db, "{} {target:?} {engine:?}: {db:.1} dB", tiny.name);
            }
        }
    }
}

/// Frames of the clip's beginning, quality, what `fixtures/make_roformer.py` makes of them.
const WAYS: [(usize, &str, &[u8]); 3] = [
    (7001, "fast", include_bytes!("../fixtures/mel_band_roformer_tiny.fast.raw")),
    (7001, "best", include_bytes!("../fixtures/mel_band_roformer_tiny.best.raw")),
    (3001, "balanced", include_bytes!("../fixtures/mel_band_roformer_tiny.short.raw")),
];

#[test]
fn every_quality_is_what_an_independent_program_makes_of_the_publishers_code() {
    let tiny = &TINY[1];
    let (recipe, onnx) = tiny.converted(&tiny.settings(), Target::Cpu).unwrap();
    for engine in engines() {
        let Installed { pipeline, _folder } = installed(recipe.clone(), &onnx).unwrap();
        let pipeline = pipeline.with_session_options(options(engine, 2));
        for (frames, quality, theirs) in WAYS {
            let mut audio = tiny.sound();
            audio.channels.iter_mut().for_each(|channel| channel.truncate(frames));
            let (stems, _) = separate(&pipeline, &audio, &ask(&[("quality", quality)])).unwrap();
            let db = difference_db(&stems[..recipe.stems.len()].concat().concat(), &floats(theirs));
            println!("{quality} of {frames} frames, {engine:?}: {db:.1} dB");
            assert!(db < -90.0, "{quality} of {frames} frames, {engine:?}: {db:.1} dB");
        }
    }
}

#[test]
fn what_the_network_leaves_is_a_stem_and_all_add_up_to_the_mixture() {
    let tiny = &TINY[1];
    let (recipe, onnx) = tiny.converted(&tiny.settings(), Target::Cpu).unwrap();
    let Installed { pipeline, _folder } = installed(recipe, &onnx).unwrap();
    assert_eq!(pipeline.stem_names(), ["drums", "bass", "other"]);
    let adds_up = |stems: &[Stem], audio: &Audio| {
        for (channel, mixture) in audio.channels.iter().enumerate() {
            for (i, mixture) in mixture.iter().enumerate() {
                let sum: f32 = stems.iter().map(|stem| stem[channel][i]).sum();
                assert!((sum - mixture).abs() < 1e-5, "{channel} {i}: {sum} {mixture}");
            }
        }
    };
    let audio = tiny.sound();
    let (stems, _) = separate(&pipeline, &audio, &Ask::default()).unwrap();
    adds_up(&stems, &audio);
    // Asked for alone, it is the same.
    let (alone, names) = separate(&pipeline, &audio, &Ask::stems(&["other".to_owned()])).unwrap();
    assert_eq!(names, ["other"]);
    assert!(difference_db(&alone[0].concat(), &stems[2].concat()) < -100.0);

    // A network that gives all stems itself need not add up, and does where that is asked for.
    let tiny = &TINY[0];
    let (recipe, onnx) = tiny.converted(&tiny.settings(), Target::Cpu).unwrap();
    let Installed { pipeline, _folder } = installed(recipe, &onnx).unwrap();
    let settings = Settings::default().with("adds_up", Setting::Switch(true));
    let ask = Ask { settings, ..Ask::default() };
    let (stems, names) = separate(&pipeline, &tiny.sound(), &ask).unwrap();
    assert_eq!(names, ["vocals", "other"]);
    adds_up(&stems, &tiny.sound());
}

#[test]
fn any_clip_comes_out_as_long_as_it_was_whatever_the_quality() {
    let tiny = &TINY[0];
    let (recipe, onnx) = tiny.converted(&tiny.settings(), Target::Cpu).unwrap();
    let Installed { pipeline, _folder } = installed(recipe, &onnx).unwrap();
    let clip = |channels: usize, frames: usize, rate_hz: u32| Audio {
        channels: (0..channels)
            .map(|channel| (0..frames).map(|i| 0.3 * ((i * (channel + 3)) as f32 * 0.02).sin()).collect())
            .collect(),
        rate_hz,
    };
    let clips = [
        clip(1, 1, 44_100),
        clip(2, 441, 44_100),
        clip(1, 5_000, 44_100),
        clip(3, 9_000, 48_000),
        clip(2, 3_000, 8_000),
        clip(2, 20_000, 192_000),
    ];
    for quality in ["fast", "balanced", "best"] {
        for clip in &clips {
            let (stems, _) = separate(&pipeline, clip, &ask(&[("quality", quality)])).unwrap();
            for stem in &stems {
                assert_eq!(stem.len(), clip.channels.len());
                assert!(stem.iter().all(|channel| channel.len() == clip.channels[0].len()));
                assert!(stem.iter().flatten().all(|x| x.is_finite()));
            }
        }
        let shape = ClipShape { channels: 2, frames: 44_100 * 240, rate_hz: 44_100 };
        let chunks = pipeline.plan(shape, &ask(&[("quality", quality)])).unwrap().chunks;
        // Of 4,080 frames each: once, twice, four times over every frame.
        let about = match quality {
            "fast" => 1.0 / 0.9,
            "balanced" => 2.0,
            _ => 4.0,
        } * shape.frames as f64
            / 4_080.0;
        assert!((f64::from(chunks) - about).abs() <= 5.0, "{quality}: {chunks}, not {about}");
    }
}

#[test]
fn where_settings_say_nothing_of_dc_it_is_as_in_each_familys_program() {
    for (tiny, is_taken) in TINY.iter().zip([true, false]) {
        let settings = tiny.settings().replace("  zero_dc: false\n", "");
        assert!(!settings.contains("zero_dc"));
        let (recipe, _) = tiny.converted(&settings, Target::Cpu).unwrap();
        assert_eq!(recipe.network.spectrum().without_dc, is_taken, "{}", tiny.name);
    }
}

#[test]
fn settings_that_contradict_the_weights_are_refused_with_both() {
    let tiny = &TINY[0];
    let check = |from: &str, to: &str, words: &[&str]| {
        let settings = tiny.settings();
        assert!(settings.contains(from), "{from}");
        let error = tiny.converted(&settings.replace(from, to), Target::Cpu).unwrap_err();
        for word in words {
            assert!(error.contains(word), "{from} -> {to}: {error}");
        }
    };
    check("depth: 2\n  stereo", "depth: 3\n  stereo", &["model.depth", "is 3", "have 2"]);
    check("dim: 8", "dim: 16", &["model.dim", "is 16", "have 8"]);
    check("num_stems: 2", "num_stems: 3", &["model.num_stems", "is 3", "have 2"]);
    check("- 37", "- 36", &["freqs_per_bands", "36", "37"]);
    check("stereo: true", "stereo: false", &["stereo"]);
    check("chunk_size: 4080", "chunk_size: 20", &["chunk_size"]);
    check("num_overlap: 2", "num_overlap: 0", &["overlap"]);
    check("stft_hop_length: 60", "stft_hop_length: 200", &["hop"]);
    check("linear_transformer_depth: 0", "linear_transformer_depth: 1", &["linear attention"]);
}

#[test]
fn a_graph_that_is_not_the_recipes_is_refused_when_it_is_loaded() {
    let (recipe, onnx) = TINY[0].converted(&TINY[0].settings(), Target::Cpu).unwrap();
    let other = Recipe { stems: ["vocals", "drums", "other"].map(str::to_owned).into(), ..recipe.clone() };
    let Installed { pipeline, _folder } = installed(other, &onnx).unwrap();
    let said = |pipeline: &Unmix| match pipeline.load() {
        Err(error @ ModelError::Graph { .. }) => error.to_string(),
        other => panic!("{:?}", other.err()),
    };
    let error = said(&pipeline);
    assert!(error.contains("gives `mask.0` (1, 69, 516), `mask.1` (1, 69, 516), the recipe says"), "{error}");
    let other = Recipe { chunk_frames: 8_160, ..recipe };
    let Installed { pipeline, _folder } = installed(other, &onnx).unwrap();
    let error = said(&pipeline);
    assert!(
        error.contains("takes `spectrum` (1, 69, 516), the recipe says `spectrum` (1, 137, 516)"),
        "{error}"
    );
}
