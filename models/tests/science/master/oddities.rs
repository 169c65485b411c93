//! Sound that no one masters, and settings that contradict the clips: no NaN, no panic, clear words.

use super::{Mastered, ask, choice, master, number, off, song, try_master};
use crate::signals::{Kept, RATE, error_db, noise};
use std::sync::Arc;
use tributary_audio::{Audio, AudioError, ClipShape, Frames};
use tributary_models::{Ask, Catalog, Clip, Clips, Go, ModelError, run};

fn sound(channels: usize, frames: usize, rate_hz: u32, of: impl Fn(usize) -> f32) -> Audio {
    Audio { channels: vec![(0..frames).map(of).collect(); channels], rate_hz }
}

fn peak(mastered: &Mastered) -> f32 {
    mastered.sound.iter().flatten().fold(0.0, |top, x| top.max(x.abs()))
}

#[test]
fn nothing_odd_breaks_it_with_or_without_a_reference() {
    let tone = |i: usize| (i as f32 * 0.1).sin() * 0.5;
    let cases = [
        ("silence", sound(2, 60_000, RATE, |_| 0.0)),
        ("one tone", sound(2, 60_000, RATE, tone)),
        ("a click", sound(2, 60_000, RATE, |i| f32::from(u8::from(i == 30_000)))),
        ("DC", sound(2, 60_000, RATE, |_| 0.7)),
        ("clipping everywhere", sound(2, 60_000, RATE, |i| if (i / 50) % 2 == 0 { 1.0 } else { -1.0 })),
        ("far beyond full scale", sound(2, 60_000, RATE, |i| 1e6 * tone(i))),
        ("hardly anything", sound(2, 60_000, RATE, |i| 1e-6 * tone(i))),
        ("1 frame", sound(2, 1, RATE, |_| 0.5)),
        ("0.01 s", sound(2, 441, RATE, tone)),
        ("0.01 s at 8 kHz", sound(1, 80, 8_000, tone)),
        ("8 kHz", noise(2, 20_000, 8_000)),
        ("192 kHz", noise(2, 200_000, 192_000)),
        ("mono", noise(1, 100_000, RATE)),
        ("3 channels", noise(3, 60_000, RATE)),
        ("6 channels", noise(6, 60_000, 48_000)),
        ("8 channels", noise(8, 60_000, 48_000)),
    ];
    let reference = noise(2, 50_000, 48_000);
    for (name, clip) in &cases {
        for preset in ["club", "reference"] {
            for limiter in ["true_peak", "classic", "off"] {
                let settings = [choice("preset", preset), choice("limiter", limiter)];
                let mastered = master(clip, &[&reference], &settings);
                // The classic limiter and noise at full scale: the ceiling is that of the reference, full scale.
                assert!(peak(&mastered) <= 1.0, "{name}, {preset}, {limiter}: {}", peak(&mastered));
            }
        }
        let alone = master(clip, &[], &[]);
        let level = alone.sound.iter().flatten().fold(0.0, |top: f32, x| top.max(x.abs()));
        assert!(level <= 0.892, "{name}: {level}");
    }
}

#[test]
fn silence_stays_silence_and_the_report_says_why() {
    let mastered = master(&sound(2, 50_000, RATE, |_| 0.0), &[&noise(2, 50_000, RATE)], &[]);
    assert_eq!(peak(&mastered), 0.0);
    assert!(mastered.notes().contains("the clip is silent"), "{}", mastered.notes());
}

#[test]
fn a_clip_too_short_for_spectra_gets_its_level_alone() {
    let mastered = master(&noise(2, 2000, RATE), &[&noise(2, 50_000, RATE)], &[]);
    assert!(mastered.notes().contains("too short for an equaliser"), "{}", mastered.notes());
    assert!(mastered.notes().contains("too short to measure"), "{}", mastered.notes());
    assert_eq!(mastered.report["eq"].as_array().unwrap().len(), 0);
    assert!(peak(&mastered) > 0.05);
}

#[test]
fn a_silent_reference_is_refused_with_a_way_out() {
    for references in
        [vec![sound(2, 50_000, RATE, |_| 0.0)], vec![noise(2, 9000, RATE), sound(1, 9, RATE, |_| 0.0)]]
    {
        let references: Vec<_> = references.iter().collect();
        let error = try_master(&noise(2, 50_000, RATE), &references, &[]).err().unwrap();
        let ModelError::Unfit(text) = error else { panic!("{error}") };
        assert!(text.contains("is silent: choose"), "{text}");
    }
}

#[test]
fn a_clip_like_itself_comes_back_and_the_report_warns() {
    let clip = song("mixture.flac");
    let settings = [choice("preset", "reference"), choice("limiter", "classic")];
    let mastered = master(&clip, &[&clip], &settings);
    assert!(mastered.notes().contains("the same recording"), "{}", mastered.notes());
    let error = error_db(clip.channels.iter().flatten(), mastered.sound.iter().flatten());
    println!("a song like itself: {error:.1} dB from it");
    // What is below the second bin, 21 Hz, goes.
    assert!(error < -40.0, "{error}");
}

#[test]
fn the_tone_alone_has_no_delay_and_a_half_match_is_half_the_curve() {
    let clip = song("mixture.flac");
    let reference = song("other.flac");
    let curve = |percent: f64| {
        let mastered =
            master(&clip, &[&reference], &[number("match_percent", percent), number("eq_range_db", 48.0)]);
        let points = mastered.report["eq"].as_array().unwrap().clone();
        points.iter().map(|p| p["mid_db"].as_f64().unwrap()).collect::<Vec<_>>()
    };
    let (whole, half) = (curve(100.0), curve(50.0));
    assert!(curve(0.0).is_empty());
    for (whole, half) in whole.iter().zip(&half).skip(6) {
        assert!((whole / 2.0 - half).abs() < 0.01, "{whole} and {half}");
    }
    // A click comes out with its peak where it went in, and the same before as after.
    let click = sound(2, 40_001, RATE, |i| if i == 20_000 { 0.5 } else { 0.0 });
    let mastered = master(&click, &[&reference], &[choice("preset", "reference"), choice("limiter", "off")]);
    let left = &mastered.sound[0];
    let top = left.iter().enumerate().max_by(|a, b| a.1.abs().total_cmp(&b.1.abs())).unwrap().0;
    assert_eq!(top, 20_000);
    let worst = (1..2000).map(|i| (left[20_000 - i] - left[20_000 + i]).abs()).fold(0.0, f32::max);
    assert!(worst < 1e-5 * left[20_000].abs().max(1e-3), "{worst} of {}", left[20_000]);
}

#[test]
fn wrong_wishes_are_refused_by_name() {
    let clip = noise(2, 1000, RATE);
    let refused =
        |references: &[&Audio], setting| try_master(&clip, references, &[setting]).err().unwrap().to_string();
    assert!(refused(&[], choice("preset", "reference")).contains("`preset`: `reference` needs a reference"));
    assert!(refused(&[], number("target_lufs", 0.0)).contains("`target_lufs`"));
    assert!(refused(&[&clip; 9], off("eq")).contains("at most 8 references"));
}

#[test]
fn a_sample_that_is_no_number_ends_the_job_and_is_named_wherever_it_is() {
    /// As files are read: what is no number is found on the way.
    struct Checked(Audio);
    impl Clip for Checked {
        fn open(&self) -> Result<Box<dyn Frames>, AudioError> {
            Ok(Box::new(self.0.clone().into_frames()))
        }
    }
    let pipeline = Catalog::embedded().unwrap().pipeline("master").unwrap();
    let good = || noise(2, 100_000, RATE);
    let bad = |x: f32| {
        let mut audio = good();
        audio.channels[1][77_777] = x;
        audio
    };
    for (clip, reference) in [(bad(f32::NAN), good()), (good(), bad(f32::INFINITY))] {
        let plan = pipeline.plan(clip.shape(), &ask(&[&reference], &[])).unwrap();
        let clips = Clips { clip: Arc::new(Checked(clip)), references: vec![Arc::new(Checked(reference))] };
        let (mut session, mut kept) = (pipeline.load().unwrap(), Kept::default());
        let mut progress = |_: u32, _: u32| Go::On;
        let error = run(&*pipeline, &mut session, clips, &plan, &mut kept, &mut progress).unwrap_err();
        let named = matches!(error, ModelError::Audio(AudioError::NotFinite { frame: 77_777, channel: 1 }));
        assert!(named && kept.sheets.is_empty(), "{error}");
    }
}

/// How long a clip may be is a server's to say, up to 6 hours (`e2e/refusals.rs` has limit and limit + 1). Here nothing
/// depends on it: chunks are counted, and only what cannot be counted is refused.
#[test]
fn clips_of_any_length_that_a_server_may_take_are_planned_and_what_cannot_be_counted_is_refused() {
    let pipeline = Catalog::embedded().unwrap().pipeline("master").unwrap();
    let shape =
        |seconds: u64, rate_hz: u32| ClipShape { channels: 2, frames: seconds * u64::from(rate_hz), rate_hz };
    for (clip, references) in [
        (shape(3 * 3600, 44_100), 0),
        (shape(6 * 3600, 192_000), 8),
        (ClipShape { frames: 6 * 3600 * 192_000 + 1, ..shape(1, 192_000) }, 0),
    ] {
        let ask = Ask { references: vec![clip; references], ..Ask::default() };
        let plan = pipeline.plan(clip, &ask).unwrap();
        // Six readings of the clip at most, one of each reference, in windows of more than half a second.
        let windows = (clip.seconds() * (6 + references) as f64 * 2.0) as u32;
        assert!(plan.chunks > 0 && plan.chunks < windows, "{} chunks", plan.chunks);
    }
    let endless = ClipShape { frames: u64::MAX, ..shape(1, 44_100) };
    let error = pipeline.plan(endless, &Ask::default()).unwrap_err();
    assert!(matches!(error, ModelError::Audio(AudioError::Limit { .. })), "{error}");
}
