//! Posteriors and notes against those that the network's publisher ships for one sung line.

use super::{read, transcribe_with};
use crate::signals::{Held, test_data};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use tributary_models::music::notes::{FrameNote, NoteRules, notes};
use tributary_models::music::posteriors::{Heard, Posteriors};
use tributary_models::{Ask, Catalog, Chunk, Settings};

const PITCHES: usize = 88;
const CONTOUR: usize = 264;
const WINDOW: usize = 172;
/// Seconds of one column.
const COLUMN: f64 = 256.0 / 22_050.0;

/// What npz.py makes of the publisher's arrays.
fn npz(arguments: &[&str], path: &Path) -> Vec<u8> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/science/transcribe/npz.py");
    let output = Command::new("python3").arg(script).arg(path).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

fn floats(bytes: &[u8]) -> Vec<f32> {
    bytes.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect()
}

/// One of the publisher's notes.
#[derive(Debug)]
struct Event {
    start: f64,
    end: f64,
    pitch: u8,
    amplitude: f32,
    bends: Vec<i8>,
}

fn events(path: &Path) -> Vec<Event> {
    let text = String::from_utf8(npz(&[], path)).unwrap();
    let event = |line: &str| {
        let words: Vec<&str> = line.split(' ').collect();
        Event {
            start: words[0].parse().unwrap(),
            end: words[1].parse().unwrap(),
            pitch: words[2].parse().unwrap(),
            amplitude: words[3].parse().unwrap(),
            bends: words[4].split(',').map(|b| b.parse().unwrap()).collect(),
        }
    };
    text.lines().map(event).collect()
}

/// The publisher's seconds of a column.
fn publisher_seconds(column: u32) -> f64 {
    let offset = COLUMN * (172.0 - 43_844.0 / 256.0) + 0.0018;
    f64::from(column) * COLUMN - f64::from(column / 172) * offset
}

fn check_notes(found: &[FrameNote], events: &[Event]) {
    assert_eq!(found.len(), events.len());
    for event in events {
        let same = |n: &&FrameNote| {
            n.index + 21 == event.pitch && (publisher_seconds(n.start) - event.start).abs() < 1e-6
        };
        let note = found.iter().find(same).unwrap_or_else(|| panic!("{event:?} is missing"));
        assert!((publisher_seconds(note.end) - event.end).abs() < 1e-6, "{event:?} ends at {}", note.end);
        assert!((note.amplitude - event.amplitude).abs() < 1e-5, "{event:?}: {}", note.amplitude);
        assert_eq!(note.bends, event.bends, "{event:?}");
    }
}

#[test]
fn the_publishers_posteriors_give_the_publishers_notes_exactly() {
    let Some(data) = test_data("the publisher's notes") else { return };
    let folder = data.join("audio/transcription");
    let array = |name: &str| floats(&npz(&[name], &folder.join("model_output.npz")));
    let (note, onset, contour) = (array("note"), array("onset"), array("contour"));
    let mut posteriors = Posteriors::new(0.3, 0..PITCHES);
    for ((note, onset), contour) in
        note.chunks(PITCHES).zip(onset.chunks(PITCHES)).zip(contour.chunks(CONTOUR))
    {
        posteriors.push(Heard { note, onset, contour });
    }
    let kept = posteriors.finish();
    println!("kept {} of {} posteriors", kept.cells(), note.len());
    let found = notes(&kept, NoteRules { onset_threshold: 0.5, minimum_frames: 11 });
    check_notes(&found, &events(&folder.join("note_events.npz")));
}

/// The window of fixtures/make_transcribe.py.
fn plain_tones() -> Vec<f32> {
    let triangle = |i: i64, hz: i64| (2 * ((i * hz) % 22_050) - 22_050).abs() - 11_025;
    let noise = |i: i64| (i * i * 7_919 + i * 104_729) % 16_001 - 8_000;
    let sample =
        |i: i64| noise(i) + triangle(i, 220 + 22 * (i / 5000 % 5)) + triangle(i, 440 + 110 * (i / 5000 % 3));
    (0..43_844).map(|i| sample(i) as f32 / 65_536.0).collect()
}

#[test]
fn the_network_says_here_what_it_says_on_onnx_runtime() {
    let Some(data) = test_data("basic-pitch's graph") else { return };
    let pipeline = Catalog::new(Some(&data.join("models"))).unwrap().pipeline("basic-pitch").unwrap();
    let chunk = Chunk { index: 0, shape: vec![43_844, 1], data: plain_tones(), part: 0 };
    let answer = pipeline.infer(&mut pipeline.load().unwrap(), &[chunk]).unwrap().remove(0).data;
    let (note, rest) = answer.split_at(WINDOW * PITCHES);
    let (onset, contour) = rest.split_at(WINDOW * PITCHES);
    let theirs = floats(include_bytes!("../../fixtures/basic_pitch_window.raw"));
    let mut worst = 0.0_f32;
    for (column, theirs) in theirs.chunks(2 * PITCHES + CONTOUR).enumerate() {
        let from = |x: &[f32], width: usize| x[4 * column * width..][..width].to_vec();
        let ours = [from(note, PITCHES), from(onset, PITCHES), from(contour, CONTOUR)].concat();
        worst = ours.iter().zip(theirs).map(|(a, b)| (a - b).abs()).fold(worst, f32::max);
    }
    println!("{worst:.2e} at worst beside ONNX Runtime");
    // 1e-5: what the issue asks of posteriors in 0 to 1.
    assert!(worst < 1e-5, "{worst}");
}

/// The publisher's file was made by TensorFlow from sound that soxr had converted to 22,050 Hz. ONNX Runtime on soxr's
/// sound is 1.2e-5, 8.1e-5 and 4.2e-5 beside it (note, onset, contour); ours is converted by another filter.
#[test]
fn from_the_sound_itself_posteriors_and_notes_are_the_publishers() {
    let Some(data) = test_data("the publisher's clip") else { return };
    let folder = data.join("audio/transcription");
    let audio = read(&folder.join("vocadito_10.wav"));
    let pipeline = Catalog::new(Some(&data.join("models"))).unwrap().pipeline("basic-pitch").unwrap();
    let plan = pipeline.plan(audio.shape(), &Ask::default()).unwrap();
    let (mut cutter, _assembler) =
        pipeline.begin(&plan, Arc::new(Held(Arc::new(audio.clone()))).into(), 100).unwrap();
    let mut session = pipeline.load().unwrap();
    let mut ours: [Vec<f32>; 3] = Default::default();
    while let Some(chunk) = cutter.next_chunk().unwrap() {
        let answer = pipeline.infer(&mut session, &[chunk]).unwrap().remove(0).data;
        let (note, rest) = answer.split_at(WINDOW * PITCHES);
        let (onset, contour) = rest.split_at(WINDOW * PITCHES);
        let parts = [(note, PITCHES), (onset, PITCHES), (contour, CONTOUR)];
        ours.iter_mut()
            .zip(parts)
            .for_each(|(ours, (part, width))| ours.extend(&part[15 * width..157 * width]));
    }
    // Seen here: 0.00056, 0.00281 and 0.00155 at worst, 9e-6 to 3.5e-5 on average.
    for (name, ours) in ["note", "onset", "contour"].iter().zip(&ours) {
        let theirs = floats(&npz(&[name], &folder.join("model_output.npz")));
        assert!(ours.len() >= theirs.len());
        let off: Vec<f32> = ours.iter().zip(&theirs).map(|(a, b)| (a - b).abs()).collect();
        let mean = off.iter().sum::<f32>() / off.len() as f32;
        let worst = off.iter().copied().fold(0.0, f32::max);
        println!("{name}: {worst:.5} at worst, {mean:.6} on average beside the publisher's");
        assert!(worst < 5e-3 && mean < 1e-4, "{name}: {worst} {mean}");
    }
    let found = transcribe_with(&*pipeline, &audio, Settings::default()).analysis();
    let found = found["notes"].as_array().unwrap();
    let events = events(&folder.join("note_events.npz"));
    assert_eq!(found.len(), events.len());
    let seconds = |note: &serde_json::Value, name: &str| note[name].as_f64().unwrap();
    // All of them, not only 99 of 100: at most 8.6 ms off, since the publisher's seconds are (`column_seconds`).
    for event in &events {
        let same = |note: &&serde_json::Value| {
            note["pitch"] == event.pitch
                && (seconds(note, "start_seconds") - event.start).abs() < COLUMN
                && (seconds(note, "end_seconds") - event.end).abs() < COLUMN
        };
        assert!(found.iter().any(|note| same(&note)), "{event:?} is missing");
    }
}
