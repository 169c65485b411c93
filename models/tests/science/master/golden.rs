//! The reference match against the program it is described after: PyPI matchering 2.0.6, run by fixtures/make_master.py,
//! which left its figures here.

use super::{Mastered, choice, master, number, real, song};
use crate::signals::test_data;
use realfft::RealFftPlanner;
use std::f64::consts::TAU;
use tributary_audio::Audio;

const FFT: usize = 16_384;
const HOP: usize = 8_192;

struct Golden {
    rms_limited_db: f64,
    rms_unlimited_db: f64,
    peak_limited_db: f64,
    /// Centre in Hz, dB.
    bands: Vec<(f64, f64)>,
}

fn parse(text: &str) -> Golden {
    let rows =
        || text.lines().filter(|line| !line.starts_with('#')).map(|l| l.split(' ').collect::<Vec<_>>());
    let named = |name: &str| rows().find(|row| row[0] == name).unwrap()[1].parse().unwrap();
    let bands = rows().filter(|row| row.len() == 3);
    Golden {
        rms_limited_db: named("rms_limited_db"),
        rms_unlimited_db: named("rms_unlimited_db"),
        peak_limited_db: named("peak_limited_db"),
        bands: bands.map(|row| (row[0].parse().unwrap(), row[1].parse().unwrap())).collect(),
    }
}

/// Mean power around each of `centres`, as the script measures it, dB.
fn third_octaves(sound: &[Vec<f32>], rate_hz: u32, centres: &[(f64, f64)]) -> Vec<f64> {
    let fft = RealFftPlanner::<f64>::new().plan_fft_forward(FFT);
    let window: Vec<f64> = (0..FFT).map(|i| 0.5 - 0.5 * (TAU * i as f64 / FFT as f64).cos()).collect();
    let mut power = vec![0.0; FFT / 2 + 1];
    let mut count = 0.0;
    for start in (0..=sound[0].len() - FFT).step_by(HOP) {
        for channel in sound {
            let mut block: Vec<f64> =
                channel[start..start + FFT].iter().zip(&window).map(|(x, w)| f64::from(*x) * w).collect();
            let mut spectrum = fft.make_output_vec();
            fft.process(&mut block, &mut spectrum).unwrap();
            power.iter_mut().zip(&spectrum).for_each(|(sum, bin)| *sum += bin.norm_sqr());
        }
        count += 1.0;
    }
    let scale = count * FFT as f64 * window.iter().map(|w| w * w).sum::<f64>() / 2.0;
    let edge = 10.0_f64.powf(0.05);
    let hz = |bin: usize| bin as f64 * f64::from(rate_hz) / FFT as f64;
    let band = |centre: f64| {
        let inside = |bin: &usize| hz(*bin) >= centre / edge && hz(*bin) < centre * edge;
        (0..power.len()).filter(inside).map(|bin| power[bin] / scale).sum::<f64>()
    };
    centres.iter().map(|(centre, _)| 10.0 * band(*centre).log10()).collect()
}

/// Measured: 0.005 dB in the worst third octave and 0.001 dB of RMS, before the limiter and after it. 0.5 dB and 0.1 dB
/// are what is promised.
fn check(name: &str, text: &str, clip: &Audio, reference: &Audio) {
    let golden = parse(text);
    let settings = [choice("preset", "reference"), choice("limiter", "classic"), number("eq_range_db", 48.0)];
    let mastered: Mastered = master(clip, &[reference], &settings);
    let got = third_octaves(&mastered.sound, clip.rate_hz, &golden.bands);
    let mut worst = 0.0_f64;
    for ((hz, theirs), ours) in golden.bands.iter().zip(&got) {
        println!("{name} {hz:8.1} Hz: {ours:8.3} dB, theirs {theirs:8.3}, {:+.3}", ours - theirs);
        worst = worst.max((ours - theirs).abs());
    }
    // Theirs before the limiter is where a reference with full peak would be.
    let full = 20.0 * ((32_768.0_f64 - 61.0) / 32_768.0).log10();
    let unlimited = golden.rms_unlimited_db + golden.peak_limited_db.min(full) - full;
    let (ours, after) = (mastered.number("/unlimited/rms_dbfs"), mastered.number("/after/rms_dbfs"));
    println!("{name}: worst band {worst:.3} dB; RMS before the limiter {ours:.3}, theirs {unlimited:.3}");
    println!("{name}: RMS after it {after:.3}, theirs {:.3}", golden.rms_limited_db);
    assert!(worst <= 0.5, "{name}: {worst} dB");
    assert!((ours - unlimited).abs() <= 0.1, "{name}: {ours}, theirs {unlimited}");
    assert!((after - golden.rms_limited_db).abs() <= 0.1, "{name}: {after}");
    assert!((mastered.number("/after/sample_peak_dbfs") - golden.peak_limited_db).abs() <= 0.02);
}

#[test]
fn the_demo_song_like_one_of_its_stems_is_as_the_reference_program_makes_it() {
    let text = include_str!("../../fixtures/master_song.txt");
    check("song", text, &song("mixture.flac"), &song("other.flac"));
}

#[test]
fn a_real_song_like_another_is_as_the_reference_program_makes_it() {
    let Some(data) = test_data("a real song mastered like another") else { return };
    let text = include_str!("../../fixtures/master_real.txt");
    check("sodium like lithium", text, &real(&data, "sodium"), &real(&data, "lithium"));
}
