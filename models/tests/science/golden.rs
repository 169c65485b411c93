//! Mini against what PyTorch made of the same weights and the same mixture: features, logits, stems.
//! Always against the part of it in tests/fixtures; against all of it where the reference itself is at hand.

use crate::signals::{Held, RATE, STEMS, error_db, mini, separate_whole, test_data};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use tributary_audio::Audio;
use tributary_models::chunk::ChunkShape;
use tributary_models::{Ask, Pipeline};

const COLUMNS: usize = 130;
const BANDS: usize = 192;
/// -80 dB: what the issue asks. Seen here: features and stems below -100; another engine, another order of sums.
const TOLERANCE_DB: f64 = -80.0;

fn floats(bytes: &[u8]) -> Vec<f32> {
    bytes.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect()
}

fn mixture() -> Audio {
    let bytes = include_bytes!("../fixtures/mini_mixture.raw");
    let samples: Vec<f32> = bytes
        .chunks_exact(2)
        .map(|b| f32::from(i16::from_le_bytes(b.try_into().unwrap())) / 32_768.0)
        .collect();
    let channels = samples.chunks(samples.len() / 2).map(<[f32]>::to_vec).collect();
    Audio { channels, rate_hz: RATE }
}

/// Features and logits of the mixture as one chunk, `[2, COLUMNS, BANDS]` and `[4, 2, COLUMNS, BANDS]`.
fn through_the_network() -> (Vec<f32>, Vec<f32>) {
    let pipeline = mini().with_chunks(ChunkShape::whole());
    let plan = pipeline.plan(mixture().shape(), &Ask::default()).unwrap();
    assert_eq!(plan.chunks, 1);
    let clip = Arc::new(Held(Arc::new(mixture())));
    let (mut cutter, _assembler) = pipeline.begin(&plan, clip.into(), 1).unwrap();
    let chunk = cutter.next_chunk().unwrap().unwrap();
    assert_eq!(chunk.shape, [2, COLUMNS, BANDS]);
    let mut session = pipeline.load().unwrap();
    let answer = pipeline.infer(&mut session, std::slice::from_ref(&chunk)).unwrap().remove(0);
    (chunk.data, answer.data)
}

fn every_fourth_column(values: &[f32]) -> Vec<f32> {
    let rows = values.chunks(BANDS).enumerate().filter(|(row, _)| (row % COLUMNS).is_multiple_of(4));
    rows.flat_map(|(_, row)| row).copied().collect()
}

fn check(what: &str, reference: &[f32], got: &[f32]) {
    assert_eq!(reference.len(), got.len(), "{what}");
    let db = error_db(reference.iter(), got.iter());
    println!("{what}: {db:.1} dB from the reference");
    assert!(db < TOLERANCE_DB, "{what} is {db} dB from the reference");
}

#[test]
fn features_logits_and_stems_are_the_references() {
    let (bands, logits) = through_the_network();
    check("features", &floats(include_bytes!("../fixtures/mini_bands.raw")), &every_fourth_column(&bands));
    check("logits", &floats(include_bytes!("../fixtures/mini_logits.raw")), &every_fourth_column(&logits));
    let reference = floats(include_bytes!("../fixtures/mini_stems.raw"));
    let stems = separate_whole(&mixture());
    for ((name, stem), reference) in STEMS.iter().zip(&stems).zip(reference.chunks(2 * 16_384)) {
        let edges = stem.iter().flat_map(|c| c[..8192].iter().chain(&c[c.len() - 8192..]));
        check(name, reference, &edges.copied().collect::<Vec<_>>());
    }
}

/// One array of an `.npz` (a zip of `.npy`), unpacked by Python's own zipfile.
fn npz(path: &Path, name: &str) -> Vec<f32> {
    let script =
        "import sys, zipfile; sys.stdout.buffer.write(zipfile.ZipFile(sys.argv[1]).read(sys.argv[2]))";
    let output =
        Command::new("python3").args(["-c", script]).arg(path).arg(format!("{name}.npy")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    // NumPy format 1.0: 8 bytes magic and version, the header's length in two, the header, the numbers.
    let header = 10 + usize::from(u16::from_le_bytes([output.stdout[8], output.stdout[9]]));
    floats(&output.stdout[header..])
}

#[test]
fn the_whole_reference_is_met() {
    let Some(data) = test_data("the whole reference of mini") else { return };
    let path = data.join("models/tributary-mini/reference.npz");
    let mixture = mixture();
    assert_eq!(npz(&path, "mixture"), mixture.channels.concat());
    let (bands, logits) = through_the_network();
    check("all features", &npz(&path, "bands"), &bands);
    check("all logits", &npz(&path, "mask_logits"), &logits);
    for (name, stem) in STEMS.iter().zip(separate_whole(&mixture)) {
        check(&format!("all of {name}"), &npz(&path, name), &stem.concat());
    }
}
