//! Norms over as many places as a whole chunk has, on both engines.

use crate::library::{onnx_runtime, options};
use std::io;
use tributary_models::onnx::{self, Graph};
use tributary_models::session::Input;
use tributary_models::{EngineChoice, Session};

/// As HTDemucs' first layer has: six channels at a quarter of a chunk's frames.
const SHAPE: [usize; 3] = [1, 6, 85_995];

/// -110 dB: what sums of pieces in 32 bits leave; one long sum leaves -108 dB of so many, and -82 dB of 4 million.
#[test]
fn a_norm_over_many_places_is_exact() {
    let mut graph = Graph::<'_, io::Error>::new("norm", false);
    let x = graph.input("x", &SHAPE);
    let normed = graph.group_norm(&x, 1).unwrap();
    graph.output("y", normed).unwrap();
    let mut onnx = Vec::new();
    onnx::write(graph, &[], "none", &mut onnx, || Ok(io::sink())).unwrap();
    let count = SHAPE.iter().product::<usize>();
    let data: Vec<f32> = (0..count).map(|i| ((i * 7919) % 1000) as f32 / 250.0 - 1.0).collect();
    let mean = data.iter().map(|x| f64::from(*x)).sum::<f64>() / count as f64;
    let variance = data.iter().map(|x| (f64::from(*x) - mean).powi(2)).sum::<f64>() / count as f64;
    let mut engines = vec![EngineChoice::Rten];
    if onnx_runtime("norms on ONNX Runtime") {
        engines.push(EngineChoice::OnnxRuntime);
    }
    for engine in engines {
        let mut session = Session::load("norm", &[("norm", &onnx)], options(engine, 2)).unwrap();
        let y = session.run("norm", &[Input { name: "x", shape: &SHAPE, data: &data }], &["y"]).unwrap();
        let off = y[0].data.iter().zip(&data).map(|(y, x)| {
            let exact = (f64::from(*x) - mean) / (variance + 1e-5).sqrt();
            (f64::from(*y) - exact).powi(2)
        });
        let db = 10.0 * (off.sum::<f64>() / count as f64).log10();
        println!("a norm over {count} places, {engine:?}: {db:.1} dB");
        assert!(db < -110.0, "{engine:?}: {db:.1} dB");
    }
}
