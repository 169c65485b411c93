//! Tempo and key of real music.

use super::{read, transcribe};
use crate::signals::test_data;
use std::path::{Path, PathBuf};
use tributary_audio::Audio;
use tributary_models::Settings;

/// Clip, tempo, key.
fn pieces(data: &Path) -> Vec<(PathBuf, f64, &'static str)> {
    let song = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/song");
    let separation = data.join("audio/separation");
    let stem = |stem: &str| {
        let file = format!("{stem}.flac");
        [
            (separation.join("lithium").join(&file), 124.0, "G minor"),
            (separation.join("sodium").join(&file), 140.0, "G minor"),
            (song.join(&file), 104.0, "A minor"),
        ]
    };
    ["mixture", "other"].into_iter().flat_map(stem).collect()
}

/// Seen here: tempo off by at most 0.04 %, confidences 0.13 to 0.66; the key of all mixtures, and of all but one (the
/// relative of its relative, Bb minor) without voice and bass; with confidences of 0.13 to 0.38.
///
/// The fourth clip that was meant for this, a solo guitar at 119 beats a minute, holds nothing but the last step of
/// its 16 bits: nothing may be claimed of it.
#[test]
fn tempo_and_key_of_real_music_are_found_however_quiet_it_is() {
    let Some(data) = test_data("tempo and key of real music") else { return };
    let mut keys = 0;
    for (path, bpm, key) in pieces(&data) {
        for gain in [1.0, 0.01] {
            let mut audio = read(&path);
            audio.channels.iter_mut().flatten().for_each(|x| *x *= gain);
            let found = transcribe(None, "beats", &audio, Settings::default()).analysis();
            let heard = found["tempo"]["bpm"].as_f64().unwrap();
            let octaves = (heard / bpm).log2();
            let off = (octaves - octaves.round()).exp2() - 1.0;
            println!("{} at {gain}: {heard:.2} for {bpm}, {} for {key}", path.display(), found["key"]);
            assert!(off.abs() < 0.01, "{}: {heard} for {bpm}", path.display());
            keys += usize::from(found["key"]["name"] == key);
            // Files are in time with the clip: beats lie on the map.
            let map = found["tempo_map"].as_array().unwrap();
            assert!(map[0]["start_seconds"] == 0.0 && map.len() <= 3, "{map:?}");
        }
    }
    assert!(keys >= 10, "{keys} keys of 12");
    let silent = read(&data.join("audio/transcription/03_BN3-119-G_solo_mic.wav"));
    assert!(silent.channels[0].iter().all(|x| x.abs() < 4e-5));
    let found = transcribe(None, "beats", &silent, Settings::default()).analysis();
    assert!(found["tempo"].is_null() && found["key"].is_null(), "{found}");
}

/// Clicks and a triad on every downbeat, a tempo that changes half way.
fn band(meter: usize, bpm: [f64; 2]) -> (Audio, Vec<f64>) {
    let rate = 22_050;
    let mut frames = vec![0.0_f32; 40 * rate];
    let (mut at, mut beats, mut beat) = (0.35, Vec::new(), 0);
    while at < 39.0 {
        let chord = [[220.0, 261.6], [174.6, 220.0], [196.0, 246.9]][beat / meter % 3];
        let start = (at * rate as f64) as usize;
        for i in 0..rate / 3 {
            let t = i as f32 / rate as f32;
            let click = if i < 200 { 0.3 * (i as f32 * 2.1).sin() } else { 0.0 };
            let tones: f32 = chord.iter().map(|hz| (std::f32::consts::TAU * hz * t).sin()).sum();
            let loud = if beat % meter == 0 { 0.3 } else { 0.1 };
            frames[start + i] += click + loud * tones * (-6.0 * t).exp();
        }
        beats.push(at);
        at += 60.0 / bpm[usize::from(at > 20.0)];
        beat += 1;
    }
    (Audio { channels: vec![frames], rate_hz: rate as u32 }, beats)
}

#[test]
fn beats_bars_and_changes_of_tempo_are_where_they_were_played() {
    for (meter, bpm) in [(4, [110.0, 110.0]), (3, [96.0, 96.0]), (4, [100.0, 112.0])] {
        let (audio, beats) = band(meter, bpm);
        let found = transcribe(None, "beats", &audio, Settings::default()).analysis();
        let heard: Vec<f64> =
            found["beats_seconds"].as_array().unwrap().iter().map(|t| t.as_f64().unwrap()).collect();
        let met = beats.iter().filter(|t| heard.iter().any(|h| (h - **t).abs() < 0.03)).count();
        let mean: f64 = beats
            .iter()
            .filter_map(|t| heard.iter().map(|h| h - t).min_by(|a, b| a.abs().total_cmp(&b.abs())))
            .sum::<f64>()
            / beats.len() as f64;
        println!(
            "{meter} at {bpm:?}: {met} of {}, {:.1} ms late, {}",
            beats.len(),
            1e3 * mean,
            found["meter"]
        );
        println!("{}", found["tempo_map"]);
        assert!(met * 20 >= beats.len() * 19, "{met} of {}", beats.len());
        assert_eq!(found["meter"]["beats"], meter);
        let downbeat = found["downbeats_seconds"][1].as_f64().unwrap();
        let nearest = beats.iter().step_by(meter).map(|t| (t - downbeat).abs()).fold(9.0, f64::min);
        assert!(nearest < 0.03, "{downbeat}");
    }
}
