//! One chunk of sound through a small network, against what its publisher's code makes of it.

use crate::library::options;
use crate::unmix::{Installed, difference_db, engines, installed_bag, separate};
use tributary_audio::Audio;
use tributary_models::convert::roformer::Target;
use tributary_models::session::Input;
use tributary_models::{Ask, EngineChoice, Pipeline, Recipe, Session};

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
        let (stems, names) = separate(&pipeline, &audio, &Ask::default()).unwrap();
        for (stem, name) in stems.iter().zip(&names) {
            let (alone, _) = separate(&pipeline, &audio, &Ask::stems(std::slice::from_ref(name))).unwrap();
            let db = difference_db(&alone[0].concat(), &stem.concat());
            assert!(db < -100.0, "{} {name}, {engine:?}: {db:.1} dB from what it is among all", self.name);
        }
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

/// Two chunks at once are the two alone. `graph` makes the graph for so many; `inputs` and `outputs` are named, inputs
/// with their dimensions behind the batch.
pub(crate) fn check_batch(graph: impl Fn(usize) -> Vec<u8>, inputs: &[(&str, &[usize])], outputs: &[&str]) {
    let mut state = 1_u64;
    let mut noise = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / 8_388_608.0 - 1.0
    };
    let data: Vec<Vec<f32>> = inputs
        .iter()
        .map(|(_, shape)| (0..2 * shape.iter().product::<usize>()).map(|_| noise()).collect())
        .collect();
    let run = |batch: usize, from: usize| -> Vec<Vec<f32>> {
        let mut session =
            Session::load("tiny", &[("net", &*graph(batch))], options(EngineChoice::Rten, 2)).unwrap();
        let shapes: Vec<Vec<usize>> = inputs.iter().map(|(_, shape)| [&[batch], *shape].concat()).collect();
        let input = |at: usize| {
            let numbers = data[at].len() / 2;
            let data = &data[at][from * numbers..][..batch * numbers];
            Input { name: inputs[at].0, shape: &shapes[at], data }
        };
        let inputs: Vec<Input<'_>> = (0..inputs.len()).map(input).collect();
        session.run("net", &inputs, outputs).unwrap().into_iter().map(|output| output.data).collect()
    };
    let (both, first, second) = (run(2, 0), run(1, 0), run(1, 1));
    for ((both, first), second) in both.iter().zip(&first).zip(&second) {
        let db = difference_db(both, &[&first[..], second].concat());
        assert!(db < -110.0, "{db:.1} dB");
    }
}
