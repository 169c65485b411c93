//! Posteriors and notes against those that the network's publisher ships for one sung line.

use super::{read, transcribe};
use crate::signals::{Held, test_data};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use tributary_models::music::notes::{FrameNote, NoteRules, notes};
use tributary_models::music::posteriors::{Heard, Posteriors};
use tributary_models::{Ask, Catalog, Settings};

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
        for (ours, (theirs, width)) in
            ours.iter_mut().zip([(note, PITCHES), (onset, PITCHES), (contour, CONTOUR)])
        {
            ours.extend(&theirs[15 * width..157 * width]);
        }
    }
    for (name, ours) in ["note", "onset", "contour"].iter().zip(&ours) {
        let theirs = floats(&npz(&[name], &folder.join("model_output.npz")));
        let off: Vec<f32> = ours.iter().zip(&theirs).map(|(a, b)| (a - b).abs()).collect();
        let mean = off.iter().sum::<f32>() / off.len() as f32;
        let worst = off.iter().copied().fold(0.0, f32::max);
        println!("{name}: {worst:.5} at worst, {mean:.6} on average beside the publisher's");
    }
    let found = transcribe(Some(&data.join("models")), "basic-pitch", &audio, Settings::default()).analysis();
    let found = found["notes"].as_array().unwrap();
    let events = events(&folder.join("note_events.npz"));
    println!("{} notes, the publisher has {}", found.len(), events.len());
    for event in &events {
        let near = found.iter().filter(|n| n["pitch"] == event.pitch);
        let off = near.map(|n| {
            (
                (n["start_seconds"].as_f64().unwrap() - event.start),
                (n["end_seconds"].as_f64().unwrap() - event.end),
            )
        });
        let best = off.min_by(|a, b| a.0.abs().total_cmp(&b.0.abs()));
        println!("{} {:.3} {:.3}: {best:?}", event.pitch, event.start, event.end);
    }
}
