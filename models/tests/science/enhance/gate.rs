//! The switch that leaves silence clean.

use super::measures::agreement_db;
use super::{NETWORKS, WHOLE, catalog, enhance, recording, through};
use crate::signals::noise;
use tributary_audio::{Audio, Resampler};
use tributary_models::settings::{Setting, Settings};
use tributary_models::{Ask, Enhance, ModelError, Pipeline};

const RATE: usize = 44_100;
/// Where speech begins in the clip.
const LEAD: usize = 3 * RATE;

fn on() -> Ask {
    Ask { settings: Settings::default().with("gate_silence", Setting::Switch(true)), ..Ask::default() }
}

fn with_voice(name: &str) -> Option<Enhance> {
    let catalog = catalog();
    if !catalog.is_installed("silero-vad") {
        println!("left out: silence with {name} (TRIBUTARY_TEST_DATA has no silero-vad)");
        return None;
    }
    Some(enhance(name)?.with_voice(catalog.files("silero-vad").unwrap().clone()))
}

/// 3 s of soft noise, a voice with the same noise, 3 s of it again; at 44.1 kHz, on two channels.
fn noise_voice_noise() -> Option<Audio> {
    let mut source = Resampler::new(Box::new(recording("jfk.wav")?.into_frames()), RATE as u32).unwrap();
    let voice = Audio::read_all(&mut source, u64::MAX).unwrap().channels.remove(0);
    let mut audio = noise(2, voice.len() + 2 * LEAD, RATE as u32);
    for channel in &mut audio.channels {
        channel.iter_mut().for_each(|x| *x *= 0.003);
        channel[LEAD..].iter_mut().zip(&voice).for_each(|(x, voice)| *x += voice);
    }
    Some(audio)
}

#[test]
fn where_nobody_speaks_the_speech_is_silent_and_elsewhere_as_without() {
    for name in NETWORKS {
        let (Some(pipeline), Some(audio)) = (with_voice(name), noise_voice_noise()) else { return };
        let (gated, open) = (through(&pipeline, &audio, &on()), through(&pipeline, &audio, &Ask::default()));
        let report: serde_json::Value = serde_json::from_slice(&gated.sheets[0].1).unwrap();
        let share = report["speech_share"].as_f64().unwrap();
        println!("{name}: somebody speaks in {:.0} % of the clip", 100.0 * share);
        // The voice is 11 s of 17 s, with pauses.
        assert!(share > 0.3 && share < 0.7);
        for c in 0..2 {
            let (gated_c, open_c) = (&gated.stems[0][c], &open.stems[0][c]);
            assert!(gated_c[..2 * RATE].iter().all(|x| *x == 0.0), "{name}");
            assert!(gated_c[gated_c.len() - 2 * RATE..].iter().all(|x| *x == 0.0), "{name}");
            let db = agreement_db(open_c, gated_c);
            println!("{name}: {db:.1} dB from the speech without the gate");
            assert!(db > 15.0, "{name}: {db}");
            let sums = gated_c.iter().zip(&gated.stems[1][c]).zip(&audio.channels[c]);
            assert!(sums.clone().all(|((s, n), x)| (s + n - x).abs() < 1e-6), "{name}");
        }
    }
}

#[test]
fn the_gate_does_not_see_segments() {
    for name in NETWORKS {
        let (Some(pipeline), Some(audio)) = (with_voice(name), noise_voice_noise()) else { return };
        let whole = through(&pipeline.with_segment_hops(WHOLE), &audio, &on());
        let cut = through(&with_voice(name).unwrap().with_segment_hops(77), &audio, &on());
        let db = agreement_db(&whole.stems[0][0], &cut.stems[0][0]);
        println!("{name}, gated segments: {db:.1} dB from one piece");
        assert!(db > 90.0, "{name}: {db}");
    }
}

#[test]
fn without_the_voice_model_only_the_switch_is_refused() {
    let pipeline = enhance("rnnoise").unwrap();
    let shape = noise(1, 1000, 48_000).shape();
    assert!(pipeline.plan(shape, &Ask::default()).is_ok());
    let refused = pipeline.plan(shape, &on()).unwrap_err();
    assert!(matches!(&refused, ModelError::Setting { setting, .. } if setting == "gate_silence"));
    assert!(refused.to_string().contains("tributary models pull silero-vad"), "{refused}");
}
