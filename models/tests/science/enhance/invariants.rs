//! What holds for every clip: stems of its shape that add up to it, silence that stays silent, controls that do what
//! they say, refusals that name what is wrong.

use super::{NETWORKS, enhance, speech, through};
use crate::signals::{Held, Kept, error_db, noise};
use std::sync::Arc;
use tributary_audio::Audio;
use tributary_models::settings::{Setting, Settings};
use tributary_models::{Ask, Chunk, Clip, Enhance, Go, ModelError, Pipeline, run};

fn ask(settings: &[(&str, Setting)]) -> Ask {
    let settings =
        settings.iter().fold(Settings::default(), |all, (name, value)| all.with(name, value.clone()));
    Ask { settings, ..Ask::default() }
}

/// Both stems have the clip's shape, are finite, and add up to the clip times `gain`.
fn check_stems(audio: &Audio, kept: &Kept, gain: f32, what: &str) {
    assert_eq!(kept.stems.len(), 2, "{what}");
    for stem in &kept.stems {
        assert_eq!(stem.len(), audio.channels.len(), "{what}");
        assert!(stem.iter().all(|channel| channel.len() == audio.frames()), "{what}");
        assert!(stem.iter().flatten().all(|x| x.is_finite()), "{what}");
    }
    let sum: Vec<f32> =
        kept.stems[0].iter().flatten().zip(kept.stems[1].iter().flatten()).map(|(s, n)| s + n).collect();
    let clip: Vec<f32> = audio.channels.iter().flatten().map(|x| x * gain).collect();
    let db = error_db(clip.iter(), sum.iter());
    assert!(db < -120.0 || clip.iter().all(|x| *x == 0.0), "{what}: the stems are {db} dB from the clip");
}

fn report(kept: &Kept) -> serde_json::Value {
    let [(0, bytes)] = &kept.sheets[..] else { panic!("one sheet was due") };
    serde_json::from_slice(bytes).unwrap()
}

#[test]
fn any_rate_comes_back_exactly_as_long_and_adds_up() {
    for name in NETWORKS {
        let Some(pipeline) = enhance(name) else { continue };
        for rate_hz in [8_000, 11_025, 16_000, 22_050, 44_099, 44_100, 48_000, 96_000, 192_000] {
            let audio = noise(2, rate_hz as usize / 5 + 7, rate_hz);
            check_stems(
                &audio,
                &through(&pipeline, &audio, &Ask::default()),
                1.0,
                &format!("{name} {rate_hz}"),
            );
        }
    }
}

#[test]
fn lengths_around_the_borders_of_segments_and_hops_are_exact() {
    for name in NETWORKS {
        let Some(pipeline) = enhance(name) else { continue };
        let pipeline = pipeline.with_segment_hops(8);
        let (rate_hz, hop) = if name == "gtcrn" { (16_000, 256) } else { (48_000, 480) };
        for frames in [1, 2, hop - 1, hop, hop + 1, 8 * hop - 1, 8 * hop, 8 * hop + 1, 9 * hop, 16 * hop + 1]
        {
            let audio = noise(1, frames, rate_hz);
            check_stems(
                &audio,
                &through(&pipeline, &audio, &Ask::default()),
                1.0,
                &format!("{name} {frames}"),
            );
        }
    }
}

/// A name, and the value of every frame.
type Signal = (&'static str, fn(usize) -> f32);

#[test]
fn odd_signals_come_out_finite_and_silence_silent() {
    let frames = 48_000;
    let signals: [Signal; 6] = [
        ("silence", |_| 0.0),
        ("a tone", |i| (i as f32 * 0.06).sin()),
        ("a click", |i| if i == 20_000 { 1.0 } else { 0.0 }),
        ("DC", |_| 1.0),
        ("clipping", |i| if i / 50 % 2 == 0 { 1.0 } else { -1.0 }),
        ("far too loud", |i| 1e6 * (i as f32 * 0.06).sin()),
    ];
    for name in NETWORKS {
        let Some(pipeline) = enhance(name) else { continue };
        for (what, signal) in signals {
            let audio = Audio { channels: vec![(0..frames).map(signal).collect()], rate_hz: 48_000 };
            let kept = through(&pipeline, &audio, &Ask::default());
            check_stems(&audio, &kept, 1.0, &format!("{name} {what}"));
            if what == "silence" {
                assert!(kept.stems.iter().flatten().flatten().all(|x| *x == 0.0), "{name}");
                assert!(report(&kept)["mean_reduction_db"].is_null());
            }
        }
    }
}

#[test]
fn every_channel_is_what_it_is_alone() {
    for name in NETWORKS {
        let Some(pipeline) = enhance(name) else { continue };
        let pipeline = pipeline.with_segment_hops(20);
        let audio = noise(6, 30_000, 48_000);
        let together = speech(&pipeline, &audio);
        for c in [0, 3, 5] {
            let alone = Audio { channels: vec![audio.channels[c].clone()], rate_hz: 48_000 };
            let db = error_db(speech(&pipeline, &alone)[0].iter(), together[c].iter());
            // Threads may share a sum differently.
            assert!(db < -100.0, "{name}: channel {c} is {db} dB from what it is alone");
        }
    }
}

#[test]
fn strength_and_room_say_how_much_of_the_clip_stays() {
    let pipeline = enhance("rnnoise").unwrap();
    let audio = noise(1, 60_000, 44_100);
    for (name, value) in [("strength_db", 0.0), ("room_percent", 100.0)] {
        let kept = through(&pipeline, &audio, &ask(&[(name, Setting::Number(value))]));
        assert_eq!(kept.stems[0], audio.channels, "{name}: the clip itself, bit for bit");
        assert!(kept.stems[1].iter().flatten().all(|x| *x == 0.0));
    }
    let full = through(&pipeline, &audio, &Ask::default());
    let limited = through(&pipeline, &audio, &ask(&[("strength_db", Setting::Number(20.0))]));
    let mixed: Vec<f32> =
        full.stems[0][0].iter().zip(&audio.channels[0]).map(|(e, x)| 0.9 * e + 0.1 * x).collect();
    assert!(error_db(mixed.iter(), limited.stems[0][0].iter()) < -120.0);
    let [full, limited] = [&full, &limited].map(|kept| report(kept)["mean_reduction_db"].as_f64().unwrap());
    assert!(full > limited && limited > 0.0 && limited <= 20.0, "{full} {limited}");
}

#[test]
fn loudness_reaches_its_target_or_the_peaks_their_ceiling() {
    let pipeline = enhance("rnnoise").unwrap();
    // A voice-like sound: harmonics under a slow envelope, with some noise.
    let tone = |i: usize| {
        let t = i as f32 / 48_000.0;
        let voiced: f32 = (1..20).map(|k| (k as f32 * 942.0 * t).sin() / k as f32).sum();
        0.1 * voiced * (0.5 + 0.5 * (9.0 * t).sin()) + 0.003 * ((i * 7919 % 1000) as f32 / 500.0 - 1.0)
    };
    let audio = Audio { channels: vec![(0..96_000).map(tone).collect()], rate_hz: 48_000 };
    let plain = pipeline.plan(audio.shape(), &Ask::default()).unwrap();
    for target in [-23.0, -8.0] {
        let ask = ask(&[("loudness", Setting::Switch(true)), ("target_lufs", Setting::Number(target))]);
        assert_eq!(pipeline.plan(audio.shape(), &ask).unwrap().chunks, 2 * plain.chunks);
        let kept = through(&pipeline, &audio, &ask);
        let report = report(&kept);
        let lufs = report["after"]["integrated_lufs"].as_f64().unwrap();
        let peak = report["after"]["true_peak_dbtp"].as_f64().unwrap();
        println!("target {target}: {lufs:.2} LUFS, {peak:.2} dBTP");
        assert!((lufs - target).abs() < 0.1 && peak <= -0.99 || lufs < target && (peak + 1.0).abs() < 0.01);
        let gain = 10.0_f64.powf(report["gain_db"].as_f64().unwrap() / 20.0) as f32;
        check_stems(&audio, &kept, gain, "loudness");
    }
    // What has no loudness stays as it is.
    let silence = noise(1, 100, 48_000);
    let kept = through(&pipeline, &silence, &ask(&[("loudness", Setting::Switch(true))]));
    check_stems(&silence, &kept, 1.0, "too short");
}

#[test]
fn the_post_filter_takes_more() {
    let Some(pipeline) = enhance("deepfilternet3") else { return };
    let Some(audio) = super::recording("p232_005_noisy.wav") else { return };
    let energy = |settings: &[(&str, Setting)]| -> f64 {
        let kept = through(&pipeline, &audio, &ask(settings));
        kept.stems[0].iter().flatten().map(|x| f64::from(*x).powi(2)).sum()
    };
    let (without, with) = (energy(&[]), energy(&[("post_filter", Setting::Switch(true))]));
    println!("post-filter: {:.2} dB", 10.0 * (with / without).log10());
    assert!(with < without && with > 0.5 * without);
}

fn chunks_of(pipeline: &Enhance, audio: &Audio) -> Vec<Chunk> {
    let plan = pipeline.plan(audio.shape(), &Ask::default()).unwrap();
    let (mut cutter, _assembler) =
        pipeline.begin(&plan, Arc::new(Held(Arc::new(audio.clone()))).into(), 1000).unwrap();
    (0..audio.channels.len()).map(|_| cutter.next_chunk().unwrap().unwrap()).collect()
}

#[test]
fn a_batch_is_its_chunks_alone() {
    for name in NETWORKS {
        let Some(pipeline) = enhance(name) else { continue };
        let chunks = chunks_of(&pipeline, &noise(5, 40_000, 48_000));
        let mut session = pipeline.load().unwrap();
        let together = pipeline.infer(&mut session, &chunks).unwrap();
        for (chunk, together) in chunks.iter().zip(&together) {
            let alone = pipeline.infer(&mut session, std::slice::from_ref(chunk)).unwrap().remove(0);
            assert_eq!(alone.index, together.index);
            assert!(error_db(alone.data.iter(), together.data.iter()) < -100.0, "{name}");
        }
    }
}

#[test]
fn a_chunk_of_another_model_is_an_error_and_no_panic() {
    let frames = noise(1, 40_000, 48_000);
    let foreign = chunks_of(&enhance("rnnoise").unwrap(), &frames);
    for name in ["deepfilternet3", "gtcrn"] {
        let Some(pipeline) = enhance(name) else { continue };
        let mut session = pipeline.load().unwrap();
        assert!(matches!(pipeline.infer(&mut session, &foreign), Err(ModelError::Engine { .. })));
        let mut cut = chunks_of(&pipeline, &frames);
        cut[0].data.truncate(1000);
        assert!(matches!(pipeline.infer(&mut session, &cut), Err(ModelError::Engine { .. })));
        cut[0].data.clear();
        assert!(matches!(pipeline.infer(&mut session, &cut), Err(ModelError::Engine { .. })));
    }
}

#[test]
fn a_stop_frees_a_cutter_that_waits_for_an_answer() {
    for name in NETWORKS {
        let Some(pipeline) = enhance(name) else { continue };
        let pipeline = pipeline.with_segment_hops(4);
        let audio = noise(2, 60_000, 48_000);
        let plan = pipeline.plan(audio.shape(), &Ask::default()).unwrap();
        let (mut session, mut sink) = (pipeline.load().unwrap(), Kept::default());
        let clip = Arc::new(Held(Arc::new(audio)));
        let mut progress = |done: u32, _: u32| if done == 3 { Go::Stop } else { Go::On };
        let stopped = run(&pipeline, &mut session, clip.into(), &plan, &mut sink, &mut progress);
        assert!(matches!(stopped, Err(ModelError::Stopped)), "{name}");
    }
}

#[test]
fn wrong_stems_settings_and_clips_are_refused_by_name() {
    let pipeline = enhance("rnnoise").unwrap();
    let audio = noise(1, 1000, 48_000);
    let stems = Ask::stems(&["vocals".to_owned()]);
    assert!(
        matches!(pipeline.plan(audio.shape(), &stems), Err(ModelError::UnknownStem { stem, .. }) if stem == "vocals")
    );
    for (name, value) in [
        ("strength_db", Setting::Number(101.0)),
        ("room_percent", Setting::Number(f64::NAN)),
        ("loudness", Setting::Number(1.0)),
        ("post_filter", Setting::Switch(true)),
    ] {
        let refused = pipeline.plan(audio.shape(), &ask(&[(name, value)]));
        assert!(matches!(refused, Err(ModelError::Setting { setting, .. }) if setting == name));
    }
    let plan = pipeline.plan(noise(1, 1001, 48_000).shape(), &Ask::default()).unwrap();
    let other: Arc<dyn Clip> = Arc::new(Held(Arc::new(audio)));
    let clips = tributary_models::Clips { clip: other, references: Vec::new() };
    assert!(matches!(pipeline.begin(&plan, clips, 4), Err(ModelError::Audio(_))));
}
