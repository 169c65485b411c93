//! A published architecture from checkpoint to sound, against its publisher's code, on both engines.

use crate::library::{onnx_runtime, options};
use crate::unmix::difference_db;
use realfft::num_complex::Complex;
use std::io;
use tributary_models::checkpoint::Checkpoint;
use tributary_models::convert::roformer::{Shape, Target, graph};
use tributary_models::convert::{Bands, CheckpointWeights};
use tributary_models::dsp::{Forward, Inverse, Stft, StftShape};
use tributary_models::session::Input;
use tributary_models::{EngineChoice, Session, onnx};

const FRAMES: usize = 8192;
const BINS: usize = 129;
const COLUMNS: usize = 129;

fn shape() -> Shape {
    Shape {
        dim: 8,
        depth: 2,
        heads: 2,
        head: 8,
        stems: 2,
        bands: Bands::new(&[2, 2, 2, 2, 4, 4, 4, 12, 12, 24, 24, 37], 2),
        columns: COLUMNS,
        batch: 1,
    }
}

fn floats(bytes: &[u8]) -> Vec<f32> {
    bytes.chunks_exact(4).map(|four| f32::from_le_bytes(four.try_into().unwrap())).collect()
}

fn onnx_of_tiny(target: Target) -> Vec<u8> {
    let bytes: &[u8] = include_bytes!("../fixtures/bs_roformer_tiny.ckpt");
    let weights = CheckpointWeights::from(Checkpoint::open(io::Cursor::new(bytes)).unwrap());
    let graph = graph(&shape(), &weights, target).unwrap();
    let mut onnx = Vec::new();
    let written = onnx::write(graph, &[("card", "tiny")], "none", &mut onnx, || Ok(io::sink())).unwrap();
    assert_eq!((written.graph_bytes, written.weights_bytes), (onnx.len() as u64, 0));
    onnx
}

/// Separates the fixture's sound as the publisher's `forward` does: one chunk, no fades.
fn stems(onnx: &[u8], engine: EngineChoice) -> Vec<f32> {
    let sound = floats(include_bytes!("../fixtures/bs_roformer_tiny.sound.raw"));
    let stft = Stft::new(StftShape::new(256, 64).unwrap());
    let spectra: Vec<Vec<Complex<f32>>> = sound
        .chunks_exact(FRAMES)
        .map(|channel| {
            let mut columns = Vec::new();
            let mut forward = Forward::new(&stft);
            forward.push(channel, &mut columns);
            forward.finish(&mut columns);
            columns
        })
        .collect();
    let mut spectrum = Vec::new();
    for column in 0..COLUMNS {
        for bin in 0..BINS {
            for channel in &spectra {
                let x = channel[column * BINS + bin];
                spectrum.extend([x.re, x.im]);
            }
        }
    }
    let mut session = Session::load("tiny", &[("masks", onnx)], options(engine, 2)).unwrap();
    let input = Input { name: "spectrum", shape: &[1, COLUMNS, 4 * BINS], data: &spectrum };
    let masks = session.run("masks", &[input], &["mask.0", "mask.1"]).unwrap();
    let mut out = Vec::new();
    for mask in &masks {
        for channel in 0..2 {
            let mut inverse = Inverse::new(&stft, FRAMES as u64);
            let start = out.len();
            for column in 0..COLUMNS {
                let mut masked: Vec<Complex<f32>> = (0..BINS)
                    .map(|bin| {
                        let at = ((column * BINS + bin) * 2 + channel) * 2;
                        let by = |numbers: &[f32]| Complex::new(numbers[at], numbers[at + 1]);
                        by(&mask.data) * by(&spectrum)
                    })
                    .collect();
                inverse.push(&mut masked, &mut out);
            }
            inverse.finish(&mut out);
            assert_eq!(out.len() - start, FRAMES);
        }
    }
    out
}

/// -90 dB: what 32-bit sums in another order leave.
#[test]
fn a_converted_checkpoint_separates_as_its_publishers_code_does() {
    let theirs = floats(include_bytes!("../fixtures/bs_roformer_tiny.stems.raw"));
    let onnx = onnx_of_tiny(Target::Cpu);
    let mut engines = vec![EngineChoice::Rten];
    if onnx_runtime("BS-RoFormer on ONNX Runtime") {
        engines.push(EngineChoice::OnnxRuntime);
    }
    for engine in engines {
        let db = difference_db(&stems(&onnx, engine), &theirs);
        println!("BS-RoFormer, {engine:?}: {db:.1} dB from its publisher's code");
        assert!(db < -90.0, "{engine:?}: {db:.1} dB");
    }
}
