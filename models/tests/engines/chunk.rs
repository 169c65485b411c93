//! One chunk of sound through a small network, against what its publisher's code makes of it.

use crate::library::options;
use crate::unmix::{Installed, difference_db, engines, installed_bag, separate};
use tributary_audio::Audio;
use tributary_models::convert::roformer::Target;
use tributary_models::{Ask, EngineChoice, Pipeline, Recipe};

/// What a script beside the fixtures wrote.
pub(crate) struct Chunk {
    pub(crate) name: &'static str,
    /// Two channels in 16 bits, one after the other.
    pub(crate) sound: &'static [u8],
    /// Two channels of every stem in 32-bit floats.
    pub(crate) stems: &'static [u8],
}

impl Chunk {
    /// The network's own stems of the chunk, one after the other. The recipe must be one of one chunk over every frame.
    pub(crate) fn separated(&self, recipe: &Recipe, graphs: &[&[u8]], engine: EngineChoice) -> Vec<f32> {
        let Installed { pipeline, _folder } = installed_bag(recipe.clone(), graphs).unwrap();
        let pipeline = pipeline.with_session_options(options(engine, 2));
        let two = self.sound.chunks_exact(2).map(|two| i16::from_le_bytes(two.try_into().unwrap()));
        let samples: Vec<f32> = two.map(|x| f32::from(x) / 32_768.0).collect();
        let channels = samples.chunks_exact(recipe.chunk_frames as usize).map(<[f32]>::to_vec).collect();
        let audio = Audio { channels, rate_hz: recipe.rate_hz };
        assert_eq!(pipeline.plan(audio.shape(), &Ask::default()).unwrap().chunks, 1);
        let (stems, _) = separate(&pipeline, &audio, &Ask::default()).unwrap();
        stems[..recipe.stems.len()].concat().concat()
    }

    /// On every engine, in 32 bits and in 16. -90 dB: what 32-bit sums in another order leave; -55 dB: what 16 bits leave.
    pub(crate) fn check(&self, converted: impl Fn(Target) -> (Recipe, Vec<u8>)) {
        let theirs: Vec<f32> =
            self.stems.chunks_exact(4).map(|four| f32::from_le_bytes(four.try_into().unwrap())).collect();
        for (target, most_db) in [(Target::Cpu, -90.0), (Target::Gpu, -55.0)] {
            let (recipe, onnx) = converted(target);
            for engine in engines() {
                let db = difference_db(&self.separated(&recipe, &[&onnx], engine), &theirs);
                println!("{}, {target:?}, {engine:?}: {db:.1} dB from its publisher's code", self.name);
                assert!(db < most_db, "{} {target:?} {engine:?}: {db:.1} dB", self.name);
            }
        }
    }
}
