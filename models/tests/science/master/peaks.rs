//! The true peak, measured by another method than the limiter's: eightfold by zero-padded spectra (ideal filters), of
//! all the sound at once, or of long blocks where it is long.

use super::{choice, master, number, off};
use crate::signals::{RATE, noise};
use realfft::RealFftPlanner;
use realfft::num_complex::Complex;
use std::f64::consts::TAU;
use tributary_audio::Audio;

const BLOCK: usize = 131_072;
const TIMES: usize = 8;
/// The one sound of which eight points a frame show less than all there is, and how much less.
const EDGE: &str = "a tone at the top of the band";
const EDGE_DB: f64 = 0.1;

/// The highest magnitude of sound eight times oversampled, silence before and after, dB.
pub(super) fn true_peak_db(sound: &[Vec<f32>]) -> f64 {
    let mut planner = RealFftPlanner::<f64>::new();
    let (forward, inverse) = (planner.plan_fft_forward(BLOCK), planner.plan_fft_inverse(BLOCK * TIMES));
    let mut highest = 0.0_f64;
    for channel in sound {
        let mut padded = vec![0.0; BLOCK / 2];
        padded.extend(channel.iter().map(|x| f64::from(*x)));
        padded.resize(padded.len() + BLOCK, 0.0);
        // Only the middle half of a block counts: its ends are cut off.
        for start in (0..padded.len() - BLOCK + 1).step_by(BLOCK / 2) {
            let mut block = padded[start..start + BLOCK].to_vec();
            let mut narrow = forward.make_output_vec();
            forward.process(&mut block, &mut narrow).unwrap();
            let mut wide = vec![Complex::default(); BLOCK * TIMES / 2 + 1];
            wide[..narrow.len()].copy_from_slice(&narrow);
            wide[BLOCK / 2] *= 0.5;
            let mut fine = inverse.make_output_vec();
            inverse.process(&mut wide, &mut fine).unwrap();
            let middle = &fine[BLOCK * TIMES / 4..BLOCK * TIMES * 3 / 4];
            highest = middle.iter().fold(highest, |top, x| top.max(x.abs() / BLOCK as f64));
        }
    }
    20.0 * highest.log10()
}

/// The same by one spectrum of all the sound: no filter reaches farther.
fn ideal_peak_db(sound: &[Vec<f32>]) -> f64 {
    let mut planner = RealFftPlanner::<f64>::new();
    let mut highest = 0.0_f64;
    let mut seen: Vec<&Vec<f32>> = Vec::new();
    for channel in sound {
        if seen.contains(&channel) {
            continue;
        }
        seen.push(channel);
        let frames = (2 * channel.len()).next_power_of_two();
        let mut padded: Vec<f64> = channel.iter().map(|x| f64::from(*x)).collect();
        padded.resize(frames, 0.0);
        let (forward, inverse) = (planner.plan_fft_forward(frames), planner.plan_fft_inverse(frames * TIMES));
        let mut spectrum = forward.make_output_vec();
        forward.process(&mut padded, &mut spectrum).unwrap();
        spectrum[frames / 2] *= 0.5;
        spectrum.resize(frames * TIMES / 2 + 1, Complex::default());
        let mut fine = inverse.make_output_vec();
        inverse.process(&mut spectrum, &mut fine).unwrap();
        highest = fine.iter().fold(highest, |top, x| top.max(x.abs() / frames as f64));
    }
    20.0 * highest.log10()
}

fn stereo(frames: usize, of: impl Fn(usize) -> f64) -> Audio {
    let channel: Vec<f32> = (0..frames).map(|i| of(i) as f32).collect();
    Audio { channels: vec![channel.clone(), channel], rate_hz: RATE }
}

fn hostile() -> Vec<(&'static str, Audio)> {
    let frames = 3 * RATE as usize;
    let sign = |x: f64| if x < 0.0 { -1.0 } else { 1.0 };
    let at = |i: usize, hz: f64| TAU * hz * i as f64 / f64::from(RATE);
    let quarter = f64::from(RATE) / 4.0;
    vec![
        ("quarter of the rate at 45 degrees", stereo(frames, |i| (at(i, quarter) + TAU / 8.0).sin())),
        (
            "the same in bursts",
            stereo(frames, |i| f64::from(i % 9000 < 3000) * (at(i, quarter) + TAU / 8.0).sin()),
        ),
        ("a square wave", stereo(frames, |i| sign(at(i, 997.0).sin()))),
        ("a square wave of four frames", stereo(frames, |i| if i % 4 < 2 { 1.0 } else { -1.0 })),
        ("a sine near the top", stereo(frames, |i| at(i, 19_000.0).sin())),
        ("clicks", stereo(frames, |i| f64::from(i % 10_007 == 100))),
        ("pairs of clicks", stereo(frames, |i| f64::from(i % 5003 < 2))),
        // What makes the ideal curve highest: alternating signs that turn over in the middle.
        (
            "signs that turn over",
            stereo(frames, |i| {
                let (place, even) = (i % 4000, i % 2 == 0);
                f64::from((1980..2020).contains(&place)) * if (place < 2000) == even { 1.0 } else { -1.0 }
            }),
        ),
        // In otherwise normal sound, and far longer than any filter reaches: an ideal meter sees the ends of such a burst
        // the higher the longer it is.
        ("a burst at half the rate in music", {
            let burst = |i: usize| {
                f64::from((60_000..63_000).contains(&i)) * if i.is_multiple_of(2) { 0.4 } else { -0.4 }
            };
            stereo(frames, |i| 0.5 * at(i, 220.0).sin() + 0.3 * at(i, 2_500.0).sin() + burst(i))
        }),
        ("a burst at half the rate that turns over", {
            let turn = |i: usize| if i.is_multiple_of(2) == (i < 61_500) { 0.4 } else { -0.4 };
            let burst = |i: usize| f64::from((60_000..63_000).contains(&i)) * turn(i);
            stereo(frames, |i| 0.5 * at(i, 220.0).sin() + 0.3 * at(i, 2_500.0).sin() + burst(i))
        }),
        ("half the rate", stereo(frames, |i| if i.is_multiple_of(2) { 0.5 } else { -0.5 })),
        (EDGE, stereo(frames, |i| 0.7 * at(i, 20_900.0).sin())),
        ("a tone above the top of the band", stereo(frames, |i| 0.7 * at(i, 21_900.0).sin())),
        ("a low sine full of clipping", stereo(frames, |i| (3.0 * at(i, 60.0).sin()).clamp(-1.0, 1.0))),
        ("noise", noise(2, frames, RATE)),
        ("clipped noise", {
            let mut audio = noise(2, frames, RATE);
            audio.channels.iter_mut().flatten().for_each(|x| *x = (*x * 4.0).clamp(-1.0, 1.0));
            audio
        }),
    ]
}

/// The second pair drives everything into the limiter, far beyond reason.
#[test]
fn the_true_peak_is_never_above_the_ceiling() {
    for (name, audio) in hostile() {
        for (ceiling, target) in [(-1.0, -9.0), (-12.0, -5.0)] {
            let settings = [
                off("eq"),
                choice("preset", "custom"),
                number("target_lufs", target),
                number("ceiling_dbtp", ceiling),
            ];
            let mastered = master(&audio, &[], &settings);
            let (peak, said) = (ideal_peak_db(&mastered.sound), mastered.number("/after/true_peak_dbtp"));
            println!(
                "{name}: ceiling {ceiling}, {peak:.3} dBTP by spectra, {said:.3} in the report, {:.2} LUFS",
                mastered.number("/after/integrated_lufs"),
            );
            // A tone beside the Nyquist frequency that is cut off: what an ideal filter sees at the cut lies where no
            // finite one lets all of it through.
            let ideal = if name == EDGE { ceiling + EDGE_DB } else { ceiling };
            assert!(peak <= ideal, "{name}: {peak} dBTP above {ceiling}");
            assert!(said <= ceiling, "{name}: {said} in the report");
        }
    }
}

#[test]
fn a_fast_release_and_rates_from_8_to_192_khz_hold_the_ceiling_too() {
    for rate_hz in [8_000, 48_000, 192_000] {
        let audio = Audio { rate_hz, ..noise(2, rate_hz as usize, rate_hz) };
        let settings = [number("release_ms", 20.0), choice("preset", "club")];
        let mastered = master(&audio, &[], &settings);
        let peak = true_peak_db(&mastered.sound);
        println!("noise at {rate_hz} Hz: {peak:.3} dBTP");
        assert!(peak <= -0.5, "{rate_hz}: {peak}");
    }
}

#[test]
fn what_is_below_the_ceiling_and_the_top_of_the_band_is_left_alone_but_for_one_gain() {
    let frames = 4 * RATE as usize;
    let at = |i: usize, hz: f64| (TAU * hz * i as f64 / f64::from(RATE)).sin();
    // Faded in and out: what begins all at once has no end to its band.
    let fade = |i: usize| (std::f64::consts::PI * i as f64 / frames as f64).sin().powi(2);
    let audio = stereo(frames, |i| fade(i) * 0.03 * (at(i, 90.0) + at(i, 1_700.0) + at(i, 19_000.0)));
    for limiter in ["true_peak", "classic", "off"] {
        let mastered =
            master(&audio, &[], &[off("eq"), choice("limiter", limiter), choice("preset", "broadcast")]);
        let gain = 10.0_f64.powf(mastered.number("/gain_db") / 20.0) as f32;
        let pairs = mastered.sound.iter().flatten().zip(audio.channels.iter().flatten());
        let worst = pairs.map(|(out, x)| (out - x * gain).abs()).fold(0.0, f32::max);
        assert!(worst < 1e-6, "{limiter}: {worst}");
        assert_eq!(mastered.number("/gain_reduction_db"), 0.0);
    }
}
