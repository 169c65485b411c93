//! HTDemucs from its publisher's packages to stems, against its publisher's code, on both engines.

use crate::chunk::{Chunk, check_batch};
use crate::unmix::{difference_db, engines};
use crate::whole_clip::WholeClip;
use std::io;
use tributary_models::checkpoint::{Checkpoint, Settings};
use tributary_models::convert::htdemucs::{Residual, Shape, Transformer, graph};
use tributary_models::convert::roformer::Target;
use tributary_models::convert::{Bag, CheckpointWeights, Separator};
use tributary_models::recipe::Network;
use tributary_models::{Recipe, onnx};

/// One of the small packages, and one chunk of sound.
pub(crate) struct Tiny {
    package: &'static [u8],
    chunk: Chunk,
}

macro_rules! tiny {
    ($name:literal) => {
        Tiny {
            package: include_bytes!(concat!("../fixtures/", $name, ".th")),
            chunk: Chunk {
                name: $name,
                sound: include_bytes!(concat!("../fixtures/", $name, ".sound.raw")),
                stems: include_bytes!(concat!("../fixtures/", $name, ".stems.raw")),
            },
        }
    };
}

pub(crate) const TINY: [Tiny; 2] = [tiny!("htdemucs_tiny"), tiny!("htdemucs_plain")];

impl Tiny {
    /// Its recipe and its graph.
    pub(crate) fn published(&self, target: Target) -> (Recipe, Vec<u8>) {
        let checkpoint = Checkpoint::open(io::Cursor::new(self.package)).unwrap();
        let separator = Separator::new(checkpoint, None).unwrap();
        let mut onnx = Vec::new();
        let written =
            separator.write(target, &[], "none", &mut onnx, || Ok(io::sink()), &mut |_, _| ()).unwrap();
        assert_eq!((written.graph_bytes, written.weights_bytes), (onnx.len() as u64, 0));
        (separator.recipe().clone(), onnx)
    }

    /// The same with a recipe of one chunk at a time.
    fn converted(&self, target: Target) -> (Recipe, Vec<u8>) {
        let (recipe, onnx) = self.published(target);
        (apart(recipe, 1), onnx)
    }
}

/// With so many chunks over a frame, and not as its publisher's program lays them.
fn apart(recipe: Recipe, overlap: u32) -> Recipe {
    let network = Network::HtDemucs { spectrum: recipe.network.spectrum(), step_frames: None };
    Recipe { overlap, network, ..recipe }
}

#[test]
fn a_chunk_comes_out_as_its_publishers_code_has_it() {
    for tiny in &TINY {
        tiny.chunk.check(|target| tiny.converted(target));
    }
}

#[test]
fn a_whole_clip_comes_out_as_its_publishers_program_has_it() {
    let clip = WholeClip {
        name: "htdemucs_plain",
        sound: include_bytes!("../fixtures/htdemucs_plain.clip.raw"),
        stems: include_bytes!("../fixtures/htdemucs_plain.demixed.raw"),
    };
    // Every 1,653 of 7,001 frames; the last two reach beyond them.
    clip.check(5, |target| TINY[1].published(target));
}

#[test]
fn each_stem_of_a_bag_is_that_of_its_package() {
    let tiny = &TINY[0];
    let (recipe, onnx) = tiny.converted(Target::Cpu);
    // The second network is the first one in half precision: near it, and yet another.
    let settings = "models: ['955717e8', '5c90dfd2']\nweights: [\n  [1., 1.],\n  [0., 3.],\n]";
    let bag = Bag::read(&Settings::parse("bag.yaml", settings.as_bytes()).unwrap()).unwrap();
    assert_eq!(bag.packages, ["955717e8", "5c90dfd2"]);
    let both = bag.recipe(&[recipe.clone(), recipe.clone()]).unwrap();
    let text = toml::to_string(&both).unwrap();
    assert!(text.contains("architecture = \"htdemucs\""), "{text}");
    assert_eq!(toml::from_str::<Recipe>(&text).unwrap(), both);
    assert_eq!(both.bag, [[1.0, 1.0], [0.0, 3.0]]);
    let (_, other) = tiny.converted(Target::Gpu);
    for engine in engines() {
        let alone = [&onnx, &other].map(|onnx| tiny.chunk.separated(&recipe, &[onnx], engine));
        let together = tiny.chunk.separated(&both, &[&onnx, &other], engine);
        let half = together.len() / 2;
        assert!(difference_db(&together[..half], &alone[0][..half]) < -130.0);
        let mixed: Vec<f32> =
            alone[0][half..].iter().zip(&alone[1][half..]).map(|(a, b)| 0.25 * a + 0.75 * b).collect();
        let db = difference_db(&together[half..], &mixed);
        assert!(db < -110.0, "{db:.1} dB");
        assert!(difference_db(&together[half..], &alone[0][half..]) > -100.0, "the second counts");
    }

    let refused = |settings: &str, each: &[Recipe]| {
        let settings = Settings::parse("bag.yaml", settings.as_bytes()).unwrap();
        Bag::read(&settings).and_then(|bag| bag.recipe(each)).unwrap_err().to_string()
    };
    let same = [recipe.clone(), recipe.clone()];
    assert!(refused("models: [a, b]\nweights: [[1, 0]]", &same).contains("for 1 packages"));
    assert!(refused("models: [a, b]\nweights: [[1, 0], [1, 0]]", &same).contains("`vocals`"));
    assert!(refused("models: [a, b]\nweights: [[1], [1]]", &same).contains("2 weights"));
    assert!(refused("models: [a]", &same).contains("bag of 1"));
    let differently = [recipe.clone(), Recipe { rate_hz: 48_000, ..recipe }];
    assert!(refused("models: [a, b]", &differently).contains("fed differently"));
}

#[test]
fn settings_beside_a_state_are_read_as_those_inside_a_package() {
    let tiny = &TINY[0];
    let (recipe, onnx) = tiny.converted(Target::Cpu);
    let settings = "model: htdemucs
training: {segment: 0.78, samplerate: 8000, channels: 2, instruments: ['Drums', 'vocals'], target_instrument: null}
inference: {num_overlap: 4}
htdemucs:
  channels: 6
  channels_time:
  nfft: 512
  depth: 3
  dconv_mode: 3
  dconv_comp: 3
  multi_freqs: []
  bottom_channels: 16
  t_layers: 3
  t_heads: 4
  t_hidden_scale: 2.0
";
    let read = |from: &str, to: &str| {
        assert!(settings.contains(from));
        let settings = Settings::parse("htdemucs.yaml", settings.replace(from, to).as_bytes()).unwrap();
        let checkpoint = Checkpoint::open(io::Cursor::new(tiny.package)).unwrap();
        Separator::new(checkpoint, &settings).map_err(|error| error.to_string())
    };
    let separator = read("nfft", "nfft").unwrap();
    assert_eq!(*separator.recipe(), apart(recipe, 4));
    let mut same = Vec::new();
    separator.write(Target::Cpu, &[], "none", &mut same, || Ok(io::sink()), &mut |_, _| ()).unwrap();
    assert!(same == onnx, "the same graph");

    for (from, to, words) in [
        ("channels: 6", "channels: 12", &["does not fit", "shape", "encoder.0.conv.weight"][..]),
        ("depth: 3", "depth: 2", &["does not fit", "extra"]),
        ("depth: 3", "depth: 4", &["bins", "merge"]),
        ("depth: 3", "depth: 99", &["depth of 99"]),
        ("t_layers: 3", "t_layers: 4", &["missing", "crosstransformer.layers.3"]),
        ("multi_freqs: []", "multi_freqs: [0.5]", &["multi_freqs"]),
        ("t_heads: 4", "t_heads: 5", &["5 heads"]),
        ("dconv_mode: 3", "dconv_mode: 1", &["extra", "decoder.0.dconv"]),
        ("dconv_comp: 3", "dconv_comp: 0", &["residual"]),
        ("dconv_comp: 3", "t_norm_out: false", &["extra", "norm_out"]),
        ("t_hidden_scale: 2.0", "t_hidden_scale: -1", &["widens"]),
        (
            "bottom_channels: 16",
            "bottom_channels: 0",
            &["another shape", "extra", "channel_upsampler.weight"],
        ),
        ("dconv_mode: 3", "cac: false", &["cac", "magnitudes"]),
        ("dconv_mode: 3", "t_emb: cape", &["t_emb", "cape"]),
        ("dconv_mode: 3", "t_sparse_self_attn: 0.5", &["sparse"]),
        ("dconv_mode: 3", "stride: 0", &["stride of 0"]),
        ("nfft: 512", "nfft: 1000000000", &["transform"]),
        ("segment: 0.78", "segment: 1e9", &["places", "at once"]),
        (
            "samplerate: 8000, channels: 2",
            "samplerate: 8000, channels: 9223372036854775807",
            &["channels of sound"],
        ),
        ("channels: 2, instruments", "channels: 1, instruments", &["stereo"]),
    ] {
        let refused = read(from, to).err().unwrap_or_else(|| panic!("{from} -> {to} was taken"));
        for word in words {
            assert!(refused.contains(word), "{from} -> {to}: {refused}");
        }
    }
}

#[test]
fn a_package_of_another_network_or_without_settings_is_refused() {
    let plain =
        Checkpoint::open(io::Cursor::new(&include_bytes!("../fixtures/bs_roformer_tiny.ckpt")[..])).unwrap();
    assert!(Separator::new(plain, None).err().unwrap().to_string().contains("does not hold its settings"));
    let demucs =
        Checkpoint::open(io::Cursor::new(&include_bytes!("../fixtures/checkpoints/demucs.th")[..])).unwrap();
    assert!(Separator::new(demucs, None).is_err());
}

#[test]
fn chunks_of_one_batch_do_not_hear_each_other() {
    let shape = Shape {
        stems: vec!["drums".to_owned(), "vocals".to_owned()],
        rate_hz: 8_000,
        channels: 2,
        frames: 6_240,
        n_fft: 512,
        widths: vec![6, 12, 24],
        waveform_widths: vec![6, 12, 24],
        kernel: 8,
        stride: 4,
        encoder_context: 0,
        decoder_context: 1,
        norms_from: 4,
        norm_groups: 4,
        residual: Residual { in_encoders: true, in_decoders: true, depth: 2, compress: 3.0 },
        bin_scale: 2.0,
        transformer: Transformer {
            dim: 16,
            projected: true,
            norm_in: true,
            norm_out: true,
            scaled: true,
            widening: 2.0,
            layers: 3,
            heads: 4,
            cross_first: false,
            period_max: 10_000.0,
            place_scale: 1.0,
        },
    };
    let weights = CheckpointWeights::from(Checkpoint::open(io::Cursor::new(TINY[0].package)).unwrap());
    let of_batch = |batch: usize| {
        let mut onnx = Vec::new();
        let net = graph(&shape, &weights, batch, Target::Cpu).unwrap();
        onnx::write(net, &[], "none", &mut onnx, || Ok(io::sink())).unwrap();
        onnx
    };
    let inputs: [(&str, &[usize]); 2] = [("spectrum", &[49, 256, 4]), ("waveform", &[2, 6_240])];
    check_batch(of_batch, &inputs, &["spectra", "waveforms"]);
    // Settings and shape say the same.
    assert!(of_batch(1) == TINY[0].converted(Target::Cpu).1);
}
