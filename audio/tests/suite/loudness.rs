//! The synthetic cases of EBU Tech 3341 (version 4, table 1), and the peaks.

use tributary_audio::loudness::measure;
use tributary_audio::{Audio, AudioError, LoudnessMeter};

use crate::signal::tones;

/// A stereo sine of 1 kHz in pieces of `(level in dBFS, seconds)`.
fn pieces(rate_hz: u32, levels: &[(f64, f64)]) -> Audio {
    let mut audio = Audio { channels: vec![Vec::new(); 2], rate_hz };
    for &(level_dbfs, seconds) in levels {
        let level = 10f64.powf(level_dbfs / 20.0);
        let piece = tones(rate_hz, (seconds * f64::from(rate_hz)) as usize, &[(level, 1_000.0); 2]);
        audio.channels.iter_mut().zip(piece.channels).for_each(|(all, piece)| all.extend(piece));
    }
    audio
}

fn check(rates_hz: &[u32], levels: &[(f64, f64)], expected_lufs: f64) {
    for &rate_hz in rates_hz {
        let loudness = measure(&mut pieces(rate_hz, levels).into_frames()).unwrap();
        let measured = loudness.integrated_lufs.unwrap();
        // The tolerance of Tech 3341.
        assert!((measured - expected_lufs).abs() <= 0.1, "{levels:?} at {rate_hz} Hz: {measured}");
    }
}

#[test]
fn steady_tones_have_their_published_loudness() {
    check(&[8_000, 44_100, 48_000, 96_000, 192_000], &[(-23.0, 20.0)], -23.0);
    check(&[44_100, 48_000], &[(-33.0, 20.0)], -33.0);
}

#[test]
fn the_gates_leave_out_the_quiet_parts() {
    check(&[48_000], &[(-36.0, 10.0), (-23.0, 60.0), (-36.0, 10.0)], -23.0);
    check(&[48_000], &[(-72.0, 10.0), (-36.0, 10.0), (-23.0, 60.0), (-36.0, 10.0), (-72.0, 10.0)], -23.0);
    check(&[48_000], &[(-26.0, 20.0), (-20.0, 20.1), (-26.0, 20.0)], -23.0);
}

#[test]
fn silence_and_a_clip_shorter_than_a_gating_block_have_no_loudness() {
    let silence = Audio { channels: vec![vec![0.0; 48_000]; 2], rate_hz: 48_000 };
    let loudness = measure(&mut silence.into_frames()).unwrap();
    assert_eq!(
        (loudness.integrated_lufs, loudness.sample_peak_dbfs, loudness.true_peak_dbtp),
        (None, None, None)
    );
    let short = measure(&mut pieces(48_000, &[(-20.0, 0.3)]).into_frames()).unwrap();
    assert_eq!(short.integrated_lufs, None);
    assert!((short.sample_peak_dbfs.unwrap() + 20.0).abs() < 0.01);
}

#[test]
fn the_true_peak_is_found_between_the_samples() {
    // Tech 3341 case 16: a quarter of the rate, 45 degrees off, so every sample is 3 dB below the peak at -6 dBTP.
    let samples: Vec<f32> = (0..48_000)
        .map(|frame| {
            let phase = std::f64::consts::TAU * (f64::from(frame) / 4.0 + 0.125);
            // A slow start and end, since an abrupt one is itself a peak.
            let fade = (f64::from(frame.min(47_999 - frame)) / 4_800.0).min(1.0);
            (0.5 * fade * phase.sin()) as f32
        })
        .collect();
    let loudness = measure(&mut Audio { channels: vec![samples; 2], rate_hz: 48_000 }.into_frames()).unwrap();
    let (sample, point) = (loudness.sample_peak_dbfs.unwrap(), loudness.true_peak_dbtp.unwrap());
    assert!((sample + 9.03).abs() < 0.02, "{sample}");
    // The tolerance of Tech 3341: +0.2, -0.4 dB.
    assert!((-6.4..=-5.8).contains(&point), "{point}");
}

#[test]
fn other_channels_than_agreed_are_refused() {
    let mut meter = LoudnessMeter::new(2, 48_000).unwrap();
    assert!(matches!(meter.add(&[&[0.0]]), Err(AudioError::Shape { .. })));
    assert!(matches!(LoudnessMeter::new(9, 48_000), Err(AudioError::Limit { .. })));
}
