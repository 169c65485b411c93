//! SCNet from checkpoint and settings to stems, against its publisher's code, on both engines.

use crate::chunk::{Chunk, check_batch};
use crate::whole_clip::WholeClip;
use std::io;
use tributary_models::checkpoint::{Checkpoint, Settings};
use tributary_models::convert::roformer::Target;
use tributary_models::convert::scnet::{Band, Shape, graph};
use tributary_models::convert::{CheckpointWeights, Separator};
use tributary_models::{Recipe, onnx};

const CHECKPOINT: &[u8] = include_bytes!("../fixtures/scnet_tiny.ckpt");
const CHUNK: Chunk = Chunk {
    name: "scnet_tiny",
    sound: include_bytes!("../fixtures/scnet_tiny.sound.raw"),
    stems: include_bytes!("../fixtures/scnet_tiny.stems.raw"),
};

/// Those of the checkpoint, as its publisher writes them.
const SETTINGS: &str = include_str!("../fixtures/scnet_tiny.yaml");

fn separator(settings: &str) -> Result<Separator<io::Cursor<&'static [u8]>>, String> {
    let settings = Settings::parse("scnet.yaml", settings.as_bytes()).unwrap();
    let checkpoint = Checkpoint::open(io::Cursor::new(CHECKPOINT)).unwrap();
    Separator::new(checkpoint, &settings).map_err(|error| error.to_string())
}

/// Its recipe and its graph.
pub(crate) fn published(target: Target) -> (Recipe, Vec<u8>) {
    let separator = separator(SETTINGS).unwrap();
    assert_eq!(separator.recipe().overlap, 4);
    assert_eq!(separator.recipe().stems, ["drums", "vocals"]);
    let mut onnx = Vec::new();
    separator.write(target, &[], "none", &mut onnx, || Ok(io::sink()), &mut |_, _| ()).unwrap();
    (separator.recipe().clone(), onnx)
}

#[test]
fn a_chunk_comes_out_as_its_publishers_code_has_it() {
    CHUNK.check(|target| {
        let (recipe, onnx) = published(target);
        (Recipe { overlap: 1, ..recipe }, onnx)
    });
}

#[test]
fn a_whole_clip_comes_out_as_its_publishers_program_has_it() {
    let clip = WholeClip {
        name: "scnet_tiny",
        sound: include_bytes!("../fixtures/scnet_tiny.clip.raw"),
        stems: include_bytes!("../fixtures/scnet_tiny.demixed.raw"),
    };
    // Every 1,500 of 11,001 frames and 4,500 before them; those that hear only what is mirrored after them are left out.
    clip.check(11, published);
}

#[test]
fn settings_that_contradict_the_weights_or_themselves_are_refused() {
    for (from, to, words) in [
        ("dims: [4, 8, 12]", "dims: [4, 8, 16]", &["does not fit", "of another shape", "encoder.1"][..]),
        ("dims: [4, 8, 12]", "dims: [4, 8]", &["does not fit", "extra"]),
        ("dims: [4, 8, 12]", "dims: [2, 8, 12]", &["begins with 2"]),
        ("conv_depths: [3, 2, 1]", "conv_depths: [3, 3, 3]", &["missing", "conv_modules.1.layers.2"]),
        ("compress: 4", "compress: 2", &["another shape", "conv_modules.0.layers.0.1.weight"]),
        ("compress: 4", "compress: 0", &["by 0"]),
        ("conv_depths: [3, 2, 1]", "conv_depths: [3, 2]", &["conv_depths", "three"]),
        ("band_SR: [0.175, 0.392, 0.433]", "band_SR: [0.6, 0.6, 0.1]", &["band_SR"]),
        ("band_stride: [1, 4, 16]", "band_stride: [0, 4, 16]", &["strides of 0"]),
        ("band_kernel: [3, 4, 16]", "band_kernel: [3, 4, 8]", &["kernels of 8"]),
        ("win_size: 256", "win_size: 128", &["window"]),
        ("hop_size: 64", "hop_size: 0", &["every 0"]),
        ("num_dplayer: 2", "num_dplayer: 3", &["even"]),
        ("num_dplayer: 2", "num_dplayer: 4", &["missing", "dp_modules.2"]),
        ("expand: 1", "expand: 2", &["another shape", "lstm_layers"]),
        ("sources: [Drums, vocals]", "sources: [a, b, c]", &["another shape", "decoder.1.1"]),
        ("chunk_size: 6000", "chunk_size: 9223372036854775807", &["chunks of"]),
        ("chunk_size: 6000", "chunk_size: 600000", &["columns"]),
        ("hop_size: 64", "hop_size: 9223372036854775807", &["every 9223372036854775807"]),
        ("audio_channels: 2", "audio_channels: 9223372036854775807", &["begins with 4"]),
        ("chunk_size: 6000", "chunk_size: 100", &["chunk_frames"]),
    ] {
        assert!(SETTINGS.contains(from), "{from}");
        let refused = separator(&SETTINGS.replace(from, to)).err();
        let refused = refused.unwrap_or_else(|| panic!("{from} -> {to} was taken"));
        for word in words {
            assert!(refused.contains(word), "{from} -> {to}: {refused}");
        }
    }
}

#[test]
fn chunks_of_one_batch_do_not_hear_each_other() {
    let band = |part, stride, kernel, depth| Band { part, stride, kernel, depth };
    let shape = Shape {
        stems: vec!["drums".to_owned(), "vocals".to_owned()],
        rate_hz: 44_100,
        channels: 2,
        frames: 6_000,
        n_fft: 256,
        hop_frames: 64,
        normalised: true,
        widths: vec![4, 8, 12],
        bands: [band(0.175, 1, 3, 3), band(0.392, 4, 4, 2), band(0.433, 16, 16, 1)],
        compress: 4.0,
        kernel: 3,
        pairs: 2,
        expand: 1,
    };
    let weights = CheckpointWeights::from(Checkpoint::open(io::Cursor::new(CHECKPOINT)).unwrap());
    let of_batch = |batch: usize| {
        let mut onnx = Vec::new();
        let net = graph(&shape, &weights, batch, Target::Cpu).unwrap();
        onnx::write(net, &[], "none", &mut onnx, || Ok(io::sink())).unwrap();
        onnx
    };
    check_batch(of_batch, &[("spectrum", &[96, 129, 4])], &["spectra"]);
}
