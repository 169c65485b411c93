//! The same graphs on both engines: same outputs, alone and side by side.

use crate::library::{MINI, onnx_runtime, options};
use std::path::PathBuf;
use tributary_models::session::{Input, Lane, Output};
use tributary_models::{EngineChoice, ModelError, Session};

/// White noise in (-1, 1) by a linear congruential generator (Knuth's MMIX constants).
fn noise(numbers: usize, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(2_862_933_555_777_941_757).wrapping_add(3_037_000_493);
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1_u64 << 23) as f32 - 1.0
    };
    (0..numbers).map(|_| next()).collect()
}

struct Case {
    file: &'static str,
    inputs: &'static [(&'static str, &'static [usize])],
    outputs: &'static [&'static str],
}

/// Largest difference, of outputs whose largest value is 1 or less; in proportion for others.
const TOLERANCE: f32 = 1e-4;
const S: usize = 100;

/// Tolerances leave room for other processors, whose kernels add in another order. Measured with rten 0.27 against
/// ONNX Runtime 1.31.1, AVX2, two threads, largest difference of largest value: mini 1e-5 of 24, basic-pitch 1.2e-5 of
/// 0.82, DeepFilterNet3 8.6e-6 of 15 (lsnr) and 6e-7 of 0.9 (masks, coefficients), gtcrn 4e-6 of 10, silero 1.2e-6
/// of 1.3.
const CASES: &[Case] = &[
    Case {
        file: "basic-pitch/nmp.onnx",
        inputs: &[("serving_default_input_2:0", &[2, 43844, 1])],
        outputs: &["StatefulPartitionedCall:1", "StatefulPartitionedCall:2", "StatefulPartitionedCall:0"],
    },
    Case {
        file: "deepfilternet3/enc.onnx",
        inputs: &[("feat_erb", &[1, 1, S, 32]), ("feat_spec", &[1, 2, S, 96])],
        outputs: &["e0", "e1", "e2", "e3", "emb", "c0", "lsnr"],
    },
    Case {
        file: "deepfilternet3/erb_dec.onnx",
        inputs: &[
            ("emb", &[1, S, 512]),
            ("e3", &[1, 64, S, 8]),
            ("e2", &[1, 64, S, 8]),
            ("e1", &[1, 64, S, 16]),
            ("e0", &[1, 64, S, 32]),
        ],
        outputs: &["m"],
    },
    Case {
        file: "deepfilternet3/df_dec.onnx",
        inputs: &[("emb", &[1, S, 512]), ("c0", &[1, 64, S, 96])],
        outputs: &["coefs"],
    },
    Case {
        file: "gtcrn/gtcrn_simple.onnx",
        inputs: &[
            ("mix", &[1, 257, 1, 2]),
            ("conv_cache", &[2, 1, 16, 16, 33]),
            ("tra_cache", &[2, 3, 1, 1, 16]),
            ("inter_cache", &[2, 1, 33, 16]),
        ],
        outputs: &["enh", "conv_cache_out", "tra_cache_out", "inter_cache_out"],
    },
    Case { file: "swift-f0/model.onnx", inputs: &[("input_audio", &[1, 48_000])], outputs: &["confidence"] },
    // Its rate is a 64-bit integer, which the session makes of our numbers.
    Case {
        file: "silero-vad/silero_vad.onnx",
        inputs: &[("input", &[1, 576]), ("state", &[2, 1, 128]), ("sr", &[])],
        outputs: &["output", "stateN"],
    },
];

fn models() -> Option<PathBuf> {
    let folder = std::env::var_os("TRIBUTARY_TEST_DATA").map(|folder| PathBuf::from(folder).join("models"));
    if folder.is_none() {
        println!("left out: graphs of others on both engines (TRIBUTARY_TEST_DATA is not set)");
    }
    folder
}

fn worst(a: &Output, b: &Output) -> f32 {
    assert_eq!(a.shape, b.shape);
    a.data.iter().zip(&b.data).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

fn run(engine: EngineChoice, onnx: &[u8], case: &Case, data: &[Vec<f32>]) -> Vec<Output> {
    let mut session = Session::load(case.file, &[("net", onnx)], options(engine, 2)).unwrap();
    let named = case.inputs.iter().zip(data);
    let inputs: Vec<_> = named.map(|((name, shape), data)| Input { name, shape, data }).collect();
    session.run("net", &inputs, case.outputs).unwrap()
}

fn check(onnx: &[u8], case: &Case) {
    let size = |shape: &[usize]| shape.iter().product::<usize>();
    let data = (1..).zip(case.inputs).map(|(seed, (name, shape))| match *name {
        "sr" => vec![16_000.0],
        _ => noise(size(shape), seed).iter().map(|x| 0.3 * x).collect(),
    });
    let data: Vec<_> = data.collect();
    let (ours, theirs) =
        (run(EngineChoice::Rten, onnx, case, &data), run(EngineChoice::OnnxRuntime, onnx, case, &data));
    for ((name, ours), theirs) in case.outputs.iter().zip(&ours).zip(&theirs) {
        let (worst, scale) = (worst(ours, theirs), theirs.data.iter().fold(0.0_f32, |m, x| m.max(x.abs())));
        println!("{} {name}: {worst:.1e} of {scale:.2}", case.file);
        assert!(worst <= TOLERANCE * scale.max(1.0), "{} {name}: {worst} of {scale}", case.file);
    }
}

#[test]
fn both_engines_say_the_same() {
    if !onnx_runtime("two engines on one graph") {
        return;
    }
    let mini = Case { file: "mini.onnx", inputs: &[("bands", &[1, 2, 64, 192])], outputs: &["mask_logits"] };
    check(MINI, &mini);
    let Some(models) = models() else { return };
    for case in CASES {
        check(&std::fs::read(models.join(case.file)).unwrap(), case);
    }
}

#[test]
fn items_side_by_side_on_onnx_runtime_are_the_items_alone() {
    if !onnx_runtime("lanes of ONNX Runtime") {
        return;
    }
    let data: Vec<_> = (0..5).map(|seed| noise(2 * 20 * 192, seed)).collect();
    let items: Vec<_> =
        data.iter().map(|data| Input { name: "bands", shape: &[1, 2, 20, 192], data }).collect();
    let net = |lane: &Lane<'_>, item: &Input<'_>| Ok(lane.run("net", &[*item], &["mask_logits"])?.remove(0));
    for threads in [1, 3] {
        let options = options(EngineChoice::OnnxRuntime, threads);
        let mut session = Session::load("mini", &[("net", MINI)], options).unwrap();
        assert_eq!(session.lanes(), threads);
        let together = session.each(&items, net).unwrap();
        for (item, together) in items.iter().zip(&together) {
            let alone = &session.run("net", &[*item], &["mask_logits"]).unwrap()[0];
            // 1e-4: logits reach 20; threads may share a sum differently.
            assert!(worst(alone, together) < 1e-4);
        }
        let bad = [items[0], Input { name: "nothing", ..items[1] }];
        assert!(matches!(session.each(&bad, net), Err(ModelError::Engine { .. })));
        for (graph, input, output) in [
            ("gross", items[0], "mask_logits"),
            ("net", items[0], "nothing"),
            ("net", Input { shape: &[1, 1, 40, 192], ..items[0] }, "mask_logits"),
            ("net", Input { shape: &[usize::MAX, 2, 8, 192], ..items[0] }, "mask_logits"),
            ("net", Input { shape: &[0, 2, 8, 192], data: &[], ..items[0] }, "mask_logits"),
        ] {
            let failed = session.run(graph, &[input], &[output]);
            assert!(matches!(failed, Err(ModelError::Engine { .. })), "{graph} {output} {:?}", input.shape);
        }
    }
}
