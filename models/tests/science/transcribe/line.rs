//! One voice: the network's line against its publisher's program, chunks against the whole clip, and notes against those
//! that were written.

use super::files::{BASS, VOICE, notes_of, onset_f, read_midi};
use super::{read, settings, transcribe, transcribe_with};
use crate::signals::{Held, test_data};
use std::path::Path;
use std::sync::Arc;
use tributary_models::session::Input;
use tributary_models::{Ask, Catalog, Chunk, Session, SessionOptions, Settings};

const OUTPUTS: [&str; 2] = ["pitch_hz", "confidence"];

/// Largest differences of a line from another: cents where both are sure, and of confidence anywhere.
fn worst(ours: &[f32], theirs: &[f32]) -> (f32, f32) {
    assert_eq!(ours.len(), theirs.len());
    let columns = ours.len() / 2;
    (0..columns).fold((0.0, 0.0), |(cents, confidence): (f32, f32), i| {
        let off = (ours[columns + i] - theirs[columns + i]).abs();
        let is_sure = ours[columns + i].min(theirs[columns + i]) > 0.5;
        let away = if is_sure { 1200.0 * (ours[i] / theirs[i]).log2().abs() } else { 0.0 };
        (cents.max(away), confidence.max(off))
    })
}

/// The sound of fixtures/make_line.py.
fn plain_tones() -> Vec<f32> {
    let triangle = |i: i64, hz: i64| (2 * ((i * hz) % 16_000) - 16_000).abs() - 8_000;
    let noise = |i: i64| (i * i * 7_919 + i * 104_729) % 2_001 - 1_000;
    (0..48_000).map(|i| (triangle(i, 220 + 33 * (i / 5_000 % 5)) + noise(i)) as f32 / 32_768.0).collect()
}

#[test]
fn the_line_is_the_publishers() {
    let Some(data) = test_data("swift-f0's line") else { return };
    let pipeline = Catalog::new(Some(&data.join("models"))).unwrap().pipeline("swift-f0").unwrap();
    let sound = plain_tones();
    let chunk = Chunk { index: 0, shape: vec![sound.len()], data: sound, part: 0 };
    let ours = pipeline.infer(&mut pipeline.load().unwrap(), &[chunk]).unwrap().remove(0).data;
    let theirs: Vec<f32> = include_bytes!("../../fixtures/swift_f0_tones.raw")
        .chunks_exact(4)
        .map(|four| f32::from_le_bytes(four.try_into().unwrap()))
        .collect();
    let (cents, confidence) = worst(&ours, &theirs);
    println!("at worst {cents:.3} cents and {confidence:.1e} beside the publisher's program");
    // The program runs ONNX Runtime; a hundredth of a cent is its rounding.
    assert!(cents < 0.1 && confidence < 1e-4, "{cents} cents, {confidence}");
}

#[test]
fn chunks_hear_what_the_whole_clip_says() {
    let Some(data) = test_data("swift-f0 in chunks") else { return };
    let audio = read(&data.join("audio/transcription/vocadito_10.wav"));
    let catalog = Catalog::new(Some(&data.join("models"))).unwrap();
    let pipeline = catalog.pipeline("swift-f0").unwrap();
    let plan = pipeline.plan(audio.shape(), &Ask::default()).unwrap();
    assert!(plan.chunks > 1, "the clip must be longer than a chunk");
    let (mut cutter, _assembler) =
        pipeline.begin(&plan, Arc::new(Held(Arc::new(audio))).into(), 100).unwrap();
    let mut session = pipeline.load().unwrap();
    // A chunk brings 12 columns of 256 frames beside its own 512 at either end that is not the clip's.
    let (mut sound, mut line): (Vec<f32>, [Vec<f32>; 2]) = Default::default();
    for index in 0..plan.chunks {
        let chunk = cutter.next_chunk().unwrap().unwrap();
        let lead = if index == 0 { 0 } else { 12 };
        let frames = chunk.data.len() - 256 * lead;
        let own = if index + 1 == plan.chunks { frames } else { 256 * 512 };
        sound.extend(&chunk.data[256 * lead..256 * lead + own]);
        let answer = pipeline.infer(&mut session, &[chunk]).unwrap().remove(0).data;
        for (line, answer) in line.iter_mut().zip(answer.chunks(answer.len() / 2)) {
            line.extend(&answer[lead..lead + own / 256]);
        }
    }
    let onnx = std::fs::read(data.join("models/swift-f0/model.onnx")).unwrap();
    let mut session = Session::load("swift-f0", &[("net", &*onnx)], SessionOptions::default()).unwrap();
    let input = Input { name: "input_audio", shape: &[1, sound.len()], data: &sound };
    let whole: Vec<f32> =
        session.run("net", &[input], &OUTPUTS).unwrap().into_iter().flat_map(|output| output.data).collect();
    let (cents, confidence) = worst(&line.concat(), &whole);
    println!("{} chunks: at worst {cents:.4} cents, {confidence:.1e}", plan.chunks);
    assert!(cents < 0.05 && confidence < 1e-4, "{cents} cents, {confidence}");
}

/// The song's own score, against the stems that were played from it. The voice has a second one beside it now and then,
/// and no consonants. Seen here: voice 0.364 (basic-pitch 0.127), bass 0.757 (0.767).
#[test]
fn a_sung_melody_and_a_bass_are_found_note_by_note() {
    let Some(data) = test_data("a melody by swift-f0") else { return };
    let models = data.join("models");
    let song = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/song");
    let score = std::fs::read(song.join("song.mid")).unwrap();
    for (stem, channel, preset, least) in
        [("vocals.flac", VOICE, "voice", 0.3), ("bass.flac", BASS, "bass", 0.7)]
    {
        let (truth, stem_sound) = (notes_of(&score, channel), read(&song.join(stem)));
        let f = |model: &str, wishes: Settings| {
            let sheets = transcribe(Some(&models), model, &stem_sound, wishes);
            let found = read_midi(sheets.bytes("notes.mid")).0;
            let f = onset_f(&truth, &found);
            println!("{stem}, {model}: F {f:.3}, {} true, {} found", truth.len(), found.len());
            f
        };
        let line = f("swift-f0", Settings::default());
        let posteriors = f("basic-pitch", settings(&[("preset", preset)], &[]));
        assert!(line > least && line > posteriors - 0.05, "{stem}: {line} {posteriors}");
    }
}

#[test]
fn a_glide_is_heard_whole_in_its_bends() {
    let Some(data) = test_data("a glide through swift-f0") else { return };
    let catalog = Catalog::new(Some(&data.join("models"))).unwrap();
    let pipeline = catalog.pipeline("swift-f0").unwrap();
    // 220 Hz, up by 0.7 semitones between 1 and 1.5 s, and on: less than another note.
    let (rate_hz, mut phase) = (48_000_u32, 0.0_f64);
    let sample = |i: usize| {
        let seconds = i as f64 / f64::from(rate_hz);
        let bend = 0.7 * ((seconds - 1.0) / 0.5).clamp(0.0, 1.0);
        phase += std::f64::consts::TAU * 220.0 * (bend / 12.0).exp2() / f64::from(rate_hz);
        (1..9).map(|k| 0.3 / f64::from(k) * (f64::from(k) * phase).sin()).sum::<f64>() as f32
    };
    let channels = vec![(0..2 * rate_hz as usize).map(sample).collect::<Vec<f32>>()];
    let audio = tributary_audio::Audio { channels, rate_hz };
    let analysis = transcribe_with(&*pipeline, &audio, Settings::default()).analysis();
    let notes = analysis["notes"].as_array().unwrap();
    assert_eq!(notes.len(), 1, "{analysis}");
    let pitch = notes[0]["pitch"].as_f64().unwrap();
    let bends: Vec<f64> =
        notes[0]["bends_semitones"].as_array().unwrap().iter().map(|bend| bend.as_f64().unwrap()).collect();
    let (first, last) = (pitch + bends[10], pitch + bends[bends.len() - 10]);
    println!("from {first:.2} to {last:.2}");
    assert!((first - 57.0).abs() < 0.05 && (last - 57.7).abs() < 0.05, "{first} to {last}");
}
