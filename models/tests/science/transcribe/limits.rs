//! Bad input, any shape of clip, any batch: never a panic, and nothing claimed of what holds no music.

use super::{settings, transcribe, transcribe_with};
use crate::signals::{noise, test_data};
use std::f32::consts::TAU;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use tributary_audio::{Audio, AudioError, ClipShape};
use tributary_models::{Ask, Catalog, ModelError, SessionOptions, Setting, Settings, Transcribe};

fn mono(frames: usize, rate_hz: u32, sample: impl Fn(usize) -> f32) -> Audio {
    Audio { channels: vec![(0..frames).map(sample).collect()], rate_hz }
}

fn tone(rate_hz: u32, frames: usize) -> Audio {
    mono(frames, rate_hz, |i| 0.5 * (TAU * 440.0 * i as f32 / rate_hz as f32).sin())
}

/// All models that can be run here, and the folder of the others.
fn models() -> (Vec<&'static str>, Option<PathBuf>) {
    match test_data("basic-pitch on bad input") {
        Some(data) => (vec!["basic-pitch", "swift-f0", "beats", "drum-notes"], Some(data.join("models"))),
        None => (vec!["beats", "drum-notes"], None),
    }
}

#[test]
fn no_input_is_a_panic_and_every_sheet_is_written() {
    let click = |rate: u32| mono(rate as usize, rate, |i| if i == 5000 { 1.0 } else { 0.0 });
    // Soft first: the level is taken from there.
    let loud =
        |rate: u32| mono(60_000, rate, |i| if i < 30_000 { 1e-3 } else { 3e38 * (i as f32 * 0.06).sin() });
    let six = noise(6, 60_000, 48_000);
    let clips = [
        ("silence", mono(100_000, 44_100, |_| 0.0)),
        ("a tone", tone(44_100, 100_000)),
        ("a click", click(44_100)),
        ("a step of 16 bits", mono(100_000, 44_100, |i| if i % 7 == 0 { 3e-5 } else { 0.0 })),
        ("direct current", mono(100_000, 44_100, |_| 0.7)),
        ("clipping", mono(100_000, 44_100, |i| if i / 50 % 2 == 0 { 1.0 } else { -1.0 })),
        ("far too loud", loud(44_100)),
        ("far too loud at the network's rate", loud(22_050)),
        ("no numbers", mono(50_000, 44_100, |i| if i % 3 == 0 { f32::NAN } else { f32::INFINITY })),
        ("8 kHz", tone(8_000, 20_000)),
        ("192 kHz", tone(192_000, 200_000)),
        ("one frame", mono(1, 44_100, |_| 1.0)),
        ("a hundredth of a second", tone(44_100, 441)),
        ("one frame at 192 kHz", mono(1, 192_000, |_| 1.0)),
        ("six channels of noise", six),
    ];
    let (names, folder) = models();
    for model in names {
        for (what, clip) in &clips {
            let sheets = transcribe(folder.as_deref(), model, clip, Settings::default());
            let analysis = sheets.analysis();
            assert!((analysis["seconds"].as_f64().unwrap() - clip.shape().seconds()).abs() < 2e-4, "{what}");
            if ["silence", "a step of 16 bits", "one frame", "no numbers"].contains(what) {
                assert!(
                    analysis["key"].is_null() && analysis["tempo"].is_null(),
                    "{model} on {what}: {analysis}"
                );
                assert!(analysis["notes"].as_array().unwrap().is_empty(), "{model} on {what}: {analysis}");
            }
        }
    }
}

#[test]
fn a_tone_is_one_note_at_any_rate_and_in_any_channel_count() {
    let Some(data) = test_data("a tone through two networks") else { return };
    let rates = [8_000, 22_050, 44_100, 48_000, 192_000];
    for (model, rate_hz) in rates.iter().flat_map(|&rate| [("basic-pitch", rate), ("swift-f0", rate)]) {
        // A string's: of a bare sine, with nothing beside it at all, the network for one voice is not sure.
        let mut audio = mono(3 * rate_hz as usize, rate_hz, |i| {
            let partial = |k: usize| (TAU * ((440 * k * i) as f32 / rate_hz as f32).fract()).sin() / k as f32;
            (1..8).map(|k| 0.3 * partial(k)).sum()
        });
        audio.channels[0].iter_mut().enumerate().for_each(|(i, x)| {
            if i < rate_hz as usize || i > 2 * rate_hz as usize {
                *x = 0.0;
            }
        });
        audio.channels.push(audio.channels[0].clone());
        let sheets = transcribe(Some(&data.join("models")), model, &audio, Settings::default());
        let analysis = sheets.analysis();
        let notes = analysis["notes"].as_array().unwrap();
        let a4 = notes.iter().find(|n| n["pitch"] == 69).unwrap_or_else(|| panic!("{rate_hz}: {notes:?}"));
        let (start, end) = (a4["start_seconds"].as_f64().unwrap(), a4["end_seconds"].as_f64().unwrap());
        // 50 ms: the usual tolerance for onsets (MIREX); the end rings a little in the network's windows.
        assert!((start - 1.0).abs() < 0.05 && (end - 2.0).abs() < 0.15, "{rate_hz}: {start} to {end}");
    }
}

#[test]
fn the_result_does_not_depend_on_how_chunks_share_the_device() {
    let Some(data) = test_data("basic-pitch in batches") else { return };
    let catalog = Catalog::new(Some(&data.join("models"))).unwrap();
    let (card, files) = (catalog.get("basic-pitch").unwrap(), catalog.files("basic-pitch").unwrap());
    let with = |threads: usize| {
        let threads = NonZeroUsize::new(threads).unwrap();
        let pipeline = Transcribe::new(card, files.clone()).unwrap();
        let pipeline = pipeline.with_session_options(SessionOptions { threads, ..SessionOptions::default() });
        let mut audio = noise(1, 200_000, 22_050);
        let tune = |i: usize| (TAU * [220.0, 277.2, 329.6][i / 20_000 % 3] * i as f32 / 22_050.0).sin();
        audio.channels[0].iter_mut().enumerate().for_each(|(i, x)| *x = 0.02 * *x + 0.4 * tune(i));
        transcribe_with(&pipeline, &audio, Settings::default())
    };
    let (one, three) = (with(1), with(3));
    assert!(!one.analysis()["notes"].as_array().unwrap().is_empty());
    for sheet in ["notes.mid", "score.musicxml", "notes.csv", "analysis.json"] {
        assert_eq!(one.bytes(sheet), three.bytes(sheet), "{sheet}");
    }
}

#[test]
fn wrong_wishes_are_refused_before_any_work() {
    let pipeline = Catalog::embedded().unwrap().pipeline("drum-notes").unwrap();
    let shape = ClipShape { channels: 2, frames: 44_100, rate_hz: 44_100 };
    let refused = |settings: Settings| pipeline.plan(shape, &Ask { settings, ..Ask::default() }).unwrap_err();
    for (wrong, name) in [
        (settings(&[("grid", "1/7")], &[]), "grid"),
        (settings(&[], &[("onset_threshold", 2.0)]), "onset_threshold"),
        (Settings::default().with("preset", Setting::Choice("bass".into())), "preset"),
    ] {
        assert!(matches!(refused(wrong), ModelError::Setting { setting, .. } if setting == name));
    }
    let stems = Ask::stems(&["vocals".to_owned()]);
    assert!(matches!(pipeline.plan(shape, &stems), Err(ModelError::UnknownStem { .. })));
    let none = ClipShape { frames: 0, ..shape };
    assert!(matches!(pipeline.plan(none, &Ask::default()), Err(ModelError::Audio(AudioError::Empty))));
    let endless = ClipShape { frames: u64::MAX / 100_000, rate_hz: 8_000, ..shape };
    assert!(matches!(
        pipeline.plan(endless, &Ask::default()),
        Err(ModelError::Audio(AudioError::Limit { .. }))
    ));
}
