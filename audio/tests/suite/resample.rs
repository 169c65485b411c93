//! Rates: length, phase, level, and an independent resampler (a windowed sinc in f64, sample by sample) beside ours.

use std::f64::consts::{PI, TAU};

use proptest::prelude::*;
use tributary_audio::resample::frames_at;
use tributary_audio::{Audio, AudioError, Frames, PcmWriter, PushResampler, ResampleSink, Resampler};

use crate::signal::{collect, noise, ratio_db, tones};

fn resampled(audio: &Audio, to_hz: u32) -> Audio {
    collect(&mut Resampler::new(Box::new(audio.clone().into_frames()), to_hz).unwrap())
}

/// Sum of sines up to `top_hz`, faded in and out: nothing above, no edges.
fn band_limited(rate_hz: u32, frames: usize, top_hz: f64) -> Audio {
    let sample = |frame: usize| {
        let time = frame as f64 / f64::from(rate_hz);
        let edge = (frame.min(frames - 1 - frame) as f64 / (frames as f64 / 4.0)).min(1.0);
        let fade = 0.5 - 0.5 * (PI * edge).cos();
        let sum: f64 = (0..40)
            .map(|k| (TAU * top_hz * (f64::from(k) + 0.5) / 40.0 * time + f64::from(k * k)).sin())
            .sum();
        (fade * sum * 0.03) as f32
    };
    Audio { channels: vec![(0..frames).map(sample).collect()], rate_hz }
}

/// A windowed sinc around each output frame: Blackman window of 512 zero crossings, cut at the lower Nyquist frequency.
fn reference(samples: &[f32], from_hz: u32, to_hz: u32) -> Vec<f64> {
    let ratio = f64::from(to_hz) / f64::from(from_hz);
    let cutoff = ratio.min(1.0);
    let half = 256.0 / cutoff;
    (0..frames_at(samples.len() as u64, from_hz, to_hz))
        .map(|frame| {
            let centre = frame as f64 / ratio;
            let first = (centre - half).ceil().max(0.0) as usize;
            let last = ((centre + half).floor() as usize).min(samples.len() - 1);
            (first..=last)
                .map(|at| {
                    let x = at as f64 - centre;
                    let sinc = if x == 0.0 { 1.0 } else { (PI * cutoff * x).sin() / (PI * cutoff * x) };
                    let window = 0.42 + 0.5 * (PI * x / half).cos() + 0.08 * (TAU * x / half).cos();
                    f64::from(samples[at]) * cutoff * sinc * window
                })
                .sum()
        })
        .collect()
}

#[test]
fn there_and_back_costs_less_than_90_decibels() {
    for (from_hz, to_hz) in
        [(44_100, 48_000), (48_000, 44_100), (96_000, 44_100), (8_000, 192_000), (11_025, 44_100)]
    {
        let top_hz = 0.45 * f64::from(from_hz.min(to_hz));
        let audio = band_limited(from_hz, from_hz as usize, top_hz);
        let there = resampled(&audio, to_hz);
        let back =
            Resampler::with_length(Box::new(there.into_frames()), from_hz, audio.shape().frames).unwrap();
        let back = collect(&mut { back });
        let reached = ratio_db(&audio.channels[0], &back.channels[0]);
        assert!(reached >= 90.0, "{from_hz} -> {to_hz} -> {from_hz}: {reached:.1} dB");
    }
}

#[test]
fn a_plain_windowed_sinc_gives_the_same() {
    for (from_hz, to_hz) in [(44_100, 48_000), (48_000, 44_100), (48_000, 16_000), (22_050, 96_000)] {
        let audio = band_limited(from_hz, 12_000, 0.4 * f64::from(from_hz.min(to_hz)));
        let expected: Vec<f32> =
            reference(&audio.channels[0], from_hz, to_hz).into_iter().map(|sample| sample as f32).collect();
        let reached = ratio_db(&expected, &resampled(&audio, to_hz).channels[0]);
        assert!(reached >= 90.0, "{from_hz} -> {to_hz}: {reached:.1} dB");
    }
}

#[test]
fn sines_stay_in_phase_and_constants_keep_their_level() {
    for (from_hz, to_hz) in
        [(44_100, 48_000), (48_000, 44_100), (8_000, 44_100), (192_000, 8_000), (44_100, 44_101)]
    {
        // 0.9 of the lower Nyquist frequency: high enough that a hundredth of a frame of delay would show (-31 dB).
        let hertz = 0.45 * f64::from(from_hz.min(to_hz));
        let sine = resampled(&tones(from_hz, from_hz as usize * 4, &[(0.5, hertz)]), to_hz);
        let expected = tones(to_hz, to_hz as usize * 4, &[(0.5, hertz)]);
        // The edges of a sine that begins at once hold frequencies beyond the band; the inner second is free of them.
        let inner = to_hz as usize * 3 / 2..to_hz as usize * 5 / 2;
        let reached = ratio_db(&expected.channels[0][inner.clone()], &sine.channels[0][inner.clone()]);
        assert!(reached >= 95.0, "{from_hz} -> {to_hz}: {reached:.1} dB");
        let level =
            resampled(&Audio { channels: vec![vec![0.5; from_hz as usize * 4]], rate_hz: from_hz }, to_hz);
        let worst = level.channels[0][inner].iter().map(|sample| (sample - 0.5).abs()).fold(0.0, f32::max);
        // -100 dB: the noise of f32 in the longest transform here, 176,400 points for 44,100 to 44,101 Hz.
        assert!(worst < 5e-6, "{from_hz} -> {to_hz}: {worst:e}");
    }
}

#[test]
fn the_band_is_kept_to_95_percent_and_what_does_not_fit_is_gone() {
    for (from_hz, to_hz) in [(48_000, 44_100), (96_000, 44_100), (192_000, 48_000), (44_100, 48_000)] {
        let nyquist_hz = f64::from(from_hz.min(to_hz)) / 2.0;
        let level = |hertz: f64| {
            let audio = resampled(&tones(from_hz, from_hz as usize, &[(1.0, hertz)]), to_hz);
            let inner = &audio.channels[0][to_hz as usize / 4..to_hz as usize * 3 / 4];
            let power: f64 = inner.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>() / inner.len() as f64;
            10.0 * (2.0 * power).log10()
        };
        for share in [0.01, 0.5, 0.9, 0.95] {
            let decibel = level(nyquist_hz * share);
            assert!(decibel.abs() < 0.01, "{from_hz} -> {to_hz} at {share} of Nyquist: {decibel:.3} dB");
        }
        if from_hz > to_hz {
            for share in [1.001, 1.02, 1.05] {
                let decibel = level(nyquist_hz * share);
                assert!(decibel < -100.0, "{from_hz} -> {to_hz} at {share} of Nyquist: {decibel:.1} dB");
            }
        }
    }
}

#[test]
fn raising_the_rate_adds_no_images() {
    let audio = tones(44_100, 44_100, &[(1.0, 20_000.0)]);
    let up = resampled(&audio, 96_000);
    let expected = tones(96_000, 96_000, &[(1.0, 20_000.0)]);
    let inner = 24_000..72_000;
    let reached = ratio_db(&expected.channels[0][inner.clone()], &up.channels[0][inner]);
    assert!(reached >= 100.0, "{reached:.1} dB");
}

#[test]
fn equal_rates_pass_every_bit() {
    let audio = noise(3, 12_345, 44_100, 3.0, 1);
    assert_eq!(resampled(&audio, 44_100), audio);
}

#[test]
fn lengths_are_rounded_to_the_nearest_frame_halves_up() {
    assert_eq!(frames_at(441, 44_100, 48_000), 480);
    assert_eq!(frames_at(1, 2, 1), 1);
    assert_eq!(frames_at(1, 48_000, 8_000), 0);
    assert_eq!(frames_at(u64::MAX, 8_000, 192_000), u64::MAX);
}

#[test]
fn a_sink_gets_back_the_length_the_clip_had() {
    let clip = noise(2, 100_003, 48_000, 0.5, 2);
    let mixture = resampled(&clip, 44_100);
    let mut sink =
        ResampleSink::new(PcmWriter::new(Vec::new(), clip.shape()).unwrap(), 44_100, 48_000, 2, 100_003)
            .unwrap();
    tributary_audio::frames::copy(&mut mixture.into_frames(), &mut sink).unwrap();
    assert_eq!(sink.into_inner().into_inner().len(), 100_003 * 8);
}

#[test]
fn what_is_louder_than_any_sound_is_no_panic_and_what_is_no_number_is_named() {
    for (to_hz, loud) in [(22_050, 3e38), (48_000, f32::MAX), (96_000, -3e38)] {
        let mut audio = noise(2, 50_000, 44_100, 0.5, 4);
        audio.channels[0][20_000..30_000].fill(loud);
        let out = resampled(&audio, to_hz);
        assert_eq!(out.frames() as u64, frames_at(50_000, 44_100, to_hz));
        assert!(out.channels.iter().flatten().all(|x| x.is_finite()), "{loud} at {to_hz}");
    }
    let mut resampler = PushResampler::new(44_100, 48_000, 2).unwrap();
    resampler.push(&[&[0.0; 5000], &[0.0; 5000]]).unwrap();
    let error = resampler.push(&[&[0.0, 0.0, 0.0], &[0.0, f32::NAN, 0.0]]).unwrap_err();
    assert!(matches!(error, AudioError::NotFinite { frame: 5001, channel: 1 }), "{error}");
}

#[test]
fn a_length_that_cannot_be_meant_is_refused() {
    for (to_hz, asked) in [(48_000, 1_000), (48_000, 1_200), (44_100, 999)] {
        let mut resampler = PushResampler::new(44_100, to_hz, 1).unwrap();
        resampler.push(&[&[0.0; 1_000]]).unwrap();
        assert!(matches!(resampler.finish(asked), Err(AudioError::Shape { .. })), "{to_hz} {asked}");
    }
    assert!(matches!(PushResampler::new(44_100, 7_999, 1), Err(AudioError::Limit { .. })));
    assert!(matches!(PushResampler::new(44_100, 48_000, 9), Err(AudioError::Limit { .. })));
    let mut resampler = PushResampler::new(44_100, 48_000, 2).unwrap();
    assert!(matches!(resampler.push(&[&[0.0; 10]]), Err(AudioError::Shape { .. })));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, rng_seed: proptest::test_runner::RngSeed::Fixed(3), ..Default::default() })]

    #[test]
    fn any_length_in_any_blocks_gives_the_same_samples(
        frames in 1usize..6_000,
        block in 1usize..3_000,
        rates in prop::sample::select(vec![(44_100u32, 48_000u32), (48_000, 44_100), (8_000, 192_000), (192_000, 8_000), (44_100, 22_050), (12_345, 54_321)]),
        seed: u64,
    ) {
        let (from_hz, to_hz) = rates;
        let audio = noise(2, frames, from_hz, 1.0, seed);
        let length = frames_at(frames as u64, from_hz, to_hz);
        let mut resampler = PushResampler::new(from_hz, to_hz, 2).unwrap();
        let mut pushed = vec![Vec::new(); 2];
        let mut take = |out: &[Vec<f32>]| pushed.iter_mut().zip(out).for_each(|(all, out)| all.extend_from_slice(out));
        for start in (0..frames).step_by(block) {
            let end = frames.min(start + block);
            take(resampler.push(&[&audio.channels[0][start..end], &audio.channels[1][start..end]]).unwrap());
        }
        take(resampler.finish(length).unwrap());
        prop_assert_eq!(pushed[0].len() as u64, length);
        let mut pulled = vec![Vec::new(); 2];
        let mut source = Resampler::new(Box::new(audio.into_frames()), to_hz).unwrap();
        while source.read(&mut pulled, block).unwrap() > 0 {}
        prop_assert_eq!(pushed, pulled);
    }
}
