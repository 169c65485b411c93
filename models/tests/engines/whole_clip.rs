//! A clip longer than several chunks through a small network, against its publisher's own program.

use crate::library::options;
use crate::unmix::{Installed, difference_db, engines, installed, separate};
use tributary_audio::Audio;
use tributary_models::convert::roformer::Target;
use tributary_models::{Ask, Pipeline, Recipe};

/// What a script beside the fixtures wrote.
pub(crate) struct WholeClip {
    pub(crate) name: &'static str,
    /// Two channels in 16 bits, one after the other.
    pub(crate) sound: &'static [u8],
    /// Two channels of every stem in 32-bit floats.
    pub(crate) stems: &'static [u8],
}

impl WholeClip {
    fn audio(&self, rate_hz: u32) -> Audio {
        let two = self.sound.chunks_exact(2).map(|two| i16::from_le_bytes(two.try_into().unwrap()));
        let samples: Vec<f32> = two.map(|x| f32::from(x) / 32_768.0).collect();
        let channels = samples.chunks_exact(samples.len() / 2).map(<[f32]>::to_vec).collect();
        Audio { channels, rate_hz }
    }

    /// On every engine, in 32 bits and in 16, cut in so many chunks. -90 dB: what 32-bit sums in another order leave; -55 dB:
    /// what 16 bits leave.
    pub(crate) fn check(&self, chunks: u32, converted: impl Fn(Target) -> (Recipe, Vec<u8>)) {
        let theirs: Vec<f32> =
            self.stems.chunks_exact(4).map(|four| f32::from_le_bytes(four.try_into().unwrap())).collect();
        for (target, most_db) in [(Target::Cpu, -90.0), (Target::Gpu, -55.0)] {
            let (recipe, onnx) = converted(target);
            let audio = self.audio(recipe.rate_hz);
            for engine in engines() {
                let Installed { pipeline, _folder } = installed(recipe.clone(), &onnx).unwrap();
                let pipeline = pipeline.with_session_options(options(engine, 2));
                assert_eq!(pipeline.plan(audio.shape(), &Ask::default()).unwrap().chunks, chunks);
                let (stems, _) = separate(&pipeline, &audio, &Ask::default()).unwrap();
                let db = difference_db(&stems[..recipe.stems.len()].concat().concat(), &theirs);
                println!("{}, a whole clip, {target:?}, {engine:?}: {db:.1} dB", self.name);
                assert!(db < most_db, "{} {target:?} {engine:?}: {db:.1} dB", self.name);
            }
        }
    }
}
