//! The synthetic cases of EBU Tech 3341 (version 4, table 1), and the peaks.

use tributary_audio::loudness::measure;
use tributary_audio::{Audio, AudioError, LoudnessMeter};

use crate::signal::{noise, tones};

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

/// Against the crate `ebur128`, another implementation of the standard: 1e-6 LU, what rounding of other sums leaves.
#[test]
fn loudness_and_range_are_those_of_another_implementation_for_every_rate_and_order_of_channels() {
    use ebur128::{EbuR128, Mode};
    for (channels, rate_hz) in [
        (1, 8_000),
        (2, 44_100),
        (2, 192_000),
        (3, 48_000),
        (4, 22_050),
        (5, 48_000),
        (6, 96_000),
        (8, 11_025),
    ] {
        // Louder and softer every few seconds, some of it below the gates.
        let mut audio = noise(channels, 20 * rate_hz as usize, rate_hz, 0.5, 7);
        for (channel, samples) in audio.channels.iter_mut().enumerate() {
            for (frame, sample) in samples.iter_mut().enumerate() {
                let seconds = frame as f32 / rate_hz as f32;
                *sample *= 10.0_f32.powf(-1.5 * (seconds * 0.7 + channel as f32).sin().abs().powi(4));
            }
        }
        let mut ours = LoudnessMeter::without_peaks(u16::try_from(channels).unwrap(), rate_hz).unwrap();
        let mut theirs = EbuR128::new(channels as u32, rate_hz, Mode::I | Mode::LRA).unwrap();
        for from in (0..audio.frames()).step_by(7_777) {
            let to = audio.frames().min(from + 7_777);
            let block: Vec<&[f32]> = audio.channels.iter().map(|samples| &samples[from..to]).collect();
            ours.add(&block).unwrap();
            theirs.add_frames_planar_f32(&block).unwrap();
        }
        let (lufs, range) = (ours.loudness().unwrap().integrated_lufs.unwrap(), ours.range_lu().unwrap());
        let (other, other_range) = (theirs.loudness_global().unwrap(), theirs.loudness_range().unwrap());
        assert!((lufs - other).abs() < 1e-6, "{channels} at {rate_hz} Hz: {lufs}, theirs {other}");
        assert!(
            (range - other_range).abs() < 1e-6,
            "{channels} at {rate_hz} Hz: {range}, theirs {other_range}"
        );
    }
}
