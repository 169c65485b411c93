//! HTDemucs from its publisher's packages to stems, against its publisher's code, on both engines.

use crate::library::options;
use crate::unmix::{Installed, difference_db, engines, installed_bag, separate};
use std::io;
use tributary_audio::Audio;
use tributary_models::checkpoint::Checkpoint;
use tributary_models::convert::Separator;
use tributary_models::convert::roformer::Target;
use tributary_models::{Ask, EngineChoice, Pipeline, Recipe};

/// One of the small packages, and one chunk of sound.
struct Tiny {
    name: &'static str,
    package: &'static [u8],
    sound: &'static [u8],
    stems: &'static [u8],
}

macro_rules! tiny {
    ($name:literal) => {
        Tiny {
            name: $name,
            package: include_bytes!(concat!("../fixtures/", $name, ".th")),
            sound: include_bytes!(concat!("../fixtures/", $name, ".sound.raw")),
            stems: include_bytes!(concat!("../fixtures/", $name, ".stems.raw")),
        }
    };
}

const TINY: [Tiny; 2] = [tiny!("htdemucs_tiny"), tiny!("htdemucs_plain")];

impl Tiny {
    /// Its graph, and a recipe of one chunk at a time.
    fn converted(&self, target: Target) -> (Recipe, Vec<u8>) {
        let checkpoint = Checkpoint::open(io::Cursor::new(self.package)).unwrap();
        let separator = Separator::of_package(checkpoint).unwrap();
        let mut onnx = Vec::new();
        let written =
            separator.write(target, &[], "none", &mut onnx, || Ok(io::sink()), &mut |_, _| ()).unwrap();
        assert_eq!((written.graph_bytes, written.weights_bytes), (onnx.len() as u64, 0));
        (Recipe { overlap: 1, ..separator.recipe().clone() }, onnx)
    }

    /// A chunk in 16 bits, two channels.
    fn sound(&self, recipe: &Recipe) -> Audio {
        let two = self.sound.chunks_exact(2).map(|two| i16::from_le_bytes(two.try_into().unwrap()));
        let samples: Vec<f32> = two.map(|x| f32::from(x) / 32_768.0).collect();
        let channels: Vec<Vec<f32>> =
            samples.chunks_exact(recipe.chunk_frames as usize).map(<[f32]>::to_vec).collect();
        Audio { channels, rate_hz: recipe.rate_hz }
    }

    fn theirs(&self) -> Vec<f32> {
        let four = self.stems.chunks_exact(4);
        four.map(|four| f32::from_le_bytes(four.try_into().unwrap())).collect()
    }
}

/// The network's own stems of the chunk, one after the other.
fn stems(tiny: &Tiny, recipe: &Recipe, graphs: &[&[u8]], engine: EngineChoice) -> Vec<f32> {
    let Installed { pipeline, _folder } = installed_bag(recipe.clone(), graphs).unwrap();
    let pipeline = pipeline.with_session_options(options(engine, 2));
    let audio = tiny.sound(recipe);
    assert_eq!(pipeline.plan(audio.shape(), &Ask::default()).unwrap().chunks, 1);
    let (stems, _) = separate(&pipeline, &audio, &Ask::default()).unwrap();
    stems[..recipe.stems.len()].concat().concat()
}

/// -90 dB: what 32-bit sums in another order leave; -55 dB: what 16 bits leave.
#[test]
fn a_chunk_comes_out_as_its_publishers_code_has_it() {
    for tiny in &TINY {
        for (target, most_db) in [(Target::Cpu, -90.0), (Target::Gpu, -55.0)] {
            let (recipe, onnx) = tiny.converted(target);
            for engine in engines() {
                let db = difference_db(&stems(tiny, &recipe, &[&onnx], engine), &tiny.theirs());
                println!("{}, {target:?}, {engine:?}: {db:.1} dB from its publisher's code", tiny.name);
                assert!(db < most_db, "{} {target:?} {engine:?}: {db:.1} dB", tiny.name);
            }
        }
    }
}
