//! Half precision at the edge of graphs, places that stay for shapes that come again, memory that runs out, and memory
//! that must not grow.

use crate::library::{MINI, onnx_runtime, options};
use std::path::PathBuf;
use tributary_models::session::{Input, Output};
use tributary_models::{Catalog, Chunk, EngineChoice, ModelError, Session, SessionOptions};

/// `fixtures/make_graphs.py` says what it computes.
const HALF: &[u8] = include_bytes!("../fixtures/half.onnx");
/// The same.
const GROW: &[u8] = include_bytes!("../fixtures/grow.onnx");

/// What half.onnx makes of `x`, in double precision.
fn half_expected(x: &[f32]) -> Vec<f32> {
    let one = |row: &[f32], j: usize| {
        let products = row.iter().enumerate().map(|(i, x)| f64::from(*x) * (i as f64 - j as f64) / 4.0);
        (products.sum::<f64>() + [0.5, 0.0, -0.5][j]).max(0.0) as f32
    };
    x.chunks_exact(4).flat_map(|row| [0, 1, 2].map(|j| one(row, j))).collect()
}

fn run_half(session: &mut Session, rows: usize, seed: usize) -> (Output, Vec<f32>) {
    let x: Vec<f32> = (0..rows * 4).map(|i| ((i * 37 + seed * 11) % 64) as f32 / 16.0 - 2.0).collect();
    let input = Input { name: "x", shape: &[rows, 4], data: &x };
    let expected = half_expected(&x);
    (session.run("net", &[input], &["y"]).unwrap().remove(0), expected)
}

fn check_half(session: &mut Session, rows: usize, seed: usize) {
    let (output, expected) = run_half(session, rows, seed);
    assert_eq!(output.shape, [rows, 3]);
    for (got, expected) in output.data.iter().zip(&expected) {
        // Half precision has 11 bits: 2^-11 of values below 8, and three roundings.
        assert!((got - expected).abs() < 8.0 * 3.0 / 2048.0, "{got} {expected}");
    }
}

#[test]
fn a_graph_in_half_precision_is_fed_and_read_in_single_on_both_engines() {
    let engines: &[_] = if onnx_runtime("half precision on ONNX Runtime") {
        &[EngineChoice::Rten, EngineChoice::OnnxRuntime]
    } else {
        &[EngineChoice::Rten]
    };
    for engine in engines {
        let mut session = Session::load("half", &[("net", HALF)], options(*engine, 1)).unwrap();
        [1, 5, 1].into_iter().enumerate().for_each(|(seed, rows)| check_half(&mut session, rows, seed));
    }
}

/// The way of accelerators, on the CPU: there is no accelerator where these tests run.
#[test]
fn shapes_that_come_again_have_places_that_stay_and_give_the_same() {
    if !onnx_runtime("bound inputs and outputs") {
        return;
    }
    let plain = options(EngineChoice::OnnxRuntime, 1);
    let bound = SessionOptions { bind_shapes: Some(true), ..plain };
    let [mut plain, mut bound] =
        [plain, bound].map(|options| Session::load("mini", &[("net", MINI)], options).unwrap());
    // More shapes than have places at once, each at least three times, in turns.
    for round in 0..3 {
        for columns in [8, 16, 8, 24, 32, 40, 48, 8] {
            let data: Vec<f32> =
                (0..2 * columns * 192).map(|i| ((i * 7919 + round) % 1000) as f32 / 500.0 - 1.0).collect();
            let input = Input { name: "bands", shape: &[1, 2, columns, 192], data: &data };
            let [plain, bound] = [&mut plain, &mut bound]
                .map(|session| session.run("net", &[input], &["mask_logits"]).unwrap().remove(0));
            assert_eq!(plain, bound, "{columns} columns, round {round}");
        }
    }
    assert_eq!((plain.bound_shapes(), bound.bound_shapes()), (0, 4), "as many sets of shapes as have places");
    // A failure leaves the places as they were.
    let wrong = Input { name: "bands", shape: &[1, 1, 16, 192], data: &[0.0; 16 * 192] };
    assert!(matches!(bound.run("net", &[wrong], &["mask_logits"]), Err(ModelError::Engine { .. })));
    assert_eq!(bound.bound_shapes(), 4);
    let mut half = SessionOptions { bind_shapes: Some(true), ..options(EngineChoice::OnnxRuntime, 1) };
    half.cuda_graphs = true;
    let mut half = Session::load("half", &[("net", HALF)], half).unwrap();
    (0..20).for_each(|seed| check_half(&mut half, 1 + seed % 3, seed));
    assert_eq!(half.bound_shapes(), 3, "half precision is bound as well");
}

#[test]
fn memory_that_runs_out_is_told_from_other_failures_and_the_session_lives_on() {
    if !onnx_runtime("memory that runs out") {
        return;
    }
    let mut session = Session::load("grow", &[("net", GROW)], options(EngineChoice::OnnxRuntime, 1)).unwrap();
    let mut grow = |numbers: f32| {
        let shape = Input { name: "shape", shape: &[1], data: &[numbers] };
        session.run("net", &[shape], &["y"])
    };
    assert_eq!(grow(3.0).unwrap()[0].data, [1.0; 3]);
    // 2^46 numbers are more than an address space holds, so no system promises them.
    let error = grow(2.0_f32.powi(46)).unwrap_err();
    println!("{error}");
    assert!(matches!(error, ModelError::OutOfMemory { .. }), "{error:?}");
    assert!(matches!(grow(-1.0).unwrap_err(), ModelError::Engine { .. }));
    assert_eq!(grow(2.0).unwrap()[0].data, [1.0; 2]);
}

/// Memory that this process has written to and not given back, MB; none where the system does not say.
fn resident_mb() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"))?;
    line.split_whitespace().next()?.parse::<f64>().ok().map(|kilobytes| kilobytes / 1024.0)
}

/// MB that a model takes: loaded, after one run of the longest, and after twenty of all lengths.
fn growth(name: &str, engine: EngineChoice) -> Option<[f64; 3]> {
    let models = std::env::var_os("TRIBUTARY_TEST_DATA").map(|folder| PathBuf::from(folder).join("models"));
    let catalog = Catalog::new(models.as_deref()).unwrap();
    if !catalog.is_installed(name) {
        return None;
    }
    let pipeline = catalog.with_session_options(options(engine, 1)).pipeline(name).unwrap();
    let before = resident_mb()?;
    let mut session = pipeline.load().unwrap();
    let chunk = |part: usize| match name {
        "mini" => {
            let columns = 512 * part / 20;
            Chunk { part: 0, index: 0, shape: vec![2, columns, 192], data: vec![0.1; 2 * columns * 192] }
        }
        // Segments of up to 8 s in hops of 10 ms, as the cutter packs them: no memory yet, no voice.
        _ => {
            let hops = 800 * part / 20;
            let mut data = vec![0.0, 0.0, 0.0, hops as f32, 0.0];
            data.extend((0..(hops + 4) * 480).map(|i| ((i * 7919) % 1000) as f32 / 5000.0 - 0.1));
            Chunk { part: 0, index: 0, shape: vec![data.len()], data }
        }
    };
    let mut grown = [resident_mb()?; 3];
    pipeline.infer(&mut session, &[chunk(20)]).unwrap();
    grown[1] = resident_mb()?;
    for run in 0..20 {
        pipeline.infer(&mut session, &[chunk(1 + run * 7 % 20)]).unwrap();
    }
    grown[2] = resident_mb()?;
    Some(grown.map(|mb| mb - before))
}

/// Set in a process that runs this one test: what others take would be counted, too.
const ALONE: &str = "TRIBUTARY_TEST_ALONE";

#[test]
fn runs_of_many_lengths_take_no_more_memory_than_the_longest() {
    if std::env::var_os(ALONE).is_none() {
        let mut alone = std::process::Command::new(std::env::current_exe().unwrap());
        let name = "options::runs_of_many_lengths_take_no_more_memory_than_the_longest";
        let ran = alone.args(["--exact", name, "--nocapture"]).env(ALONE, "1").output().unwrap();
        println!("{}", String::from_utf8_lossy(&ran.stdout));
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
        return;
    }
    let has_library = onnx_runtime("memory of ONNX Runtime");
    for name in ["mini", "deepfilternet3"] {
        for engine in [EngineChoice::OnnxRuntime, EngineChoice::Rten] {
            if engine == EngineChoice::OnnxRuntime && !has_library {
                continue;
            }
            match growth(name, engine) {
                Some([loaded, longest, many]) => {
                    println!("{name} on {engine}: {loaded:.1} MB, {longest:.1} MB, {many:.1} MB");
                    // What is caught is growth with every new length.
                    assert!(many < 1.5 * longest + 64.0, "{name} on {engine}: {longest} MB, then {many} MB");
                }
                None => println!("left out: memory of {name} on {engine} (not installed, or no /proc)"),
            }
        }
    }
}
