//! Ratios in dB and outlines, against values computed by hand.

use proptest::prelude::*;
use tributary_audio::measure::{residual_db, sdr_db};
use tributary_audio::{Audio, AudioError, ClipShape, Frames, Peaks};

use crate::signal::{noise, ratio_db};

fn sdr(reference: &Audio, estimate: &Audio) -> Result<f64, AudioError> {
    sdr_db(&mut reference.clone().into_frames(), &mut estimate.clone().into_frames())
}

#[test]
fn sdr_is_its_plain_definition_over_all_channels() {
    let reference = noise(2, 10_001, 44_100, 1.0, 1);
    let estimate = noise(2, 10_001, 44_100, 0.5, 2);
    let flat = |audio: &Audio| audio.channels.concat();
    let expected = ratio_db(&flat(&reference), &flat(&estimate));
    assert!((sdr(&reference, &estimate).unwrap() - expected).abs() < 1e-9);
    let tenth = Audio {
        channels: reference
            .channels
            .iter()
            .map(|channel| channel.iter().map(|x| x * 0.9).collect())
            .collect(),
        rate_hz: 44_100,
    };
    // A tenth of the amplitude missing is 20 dB; the product is rounded to f32.
    assert!((sdr(&reference, &tenth).unwrap() - 20.0).abs() < 1e-5);
}

#[test]
fn equal_silent_and_unequal_signals_have_defined_ratios() {
    let sound = noise(1, 100, 44_100, 1.0, 3);
    let silence = Audio::silence(sound.shape());
    assert_eq!(sdr(&sound, &sound).unwrap(), f64::INFINITY);
    assert_eq!(sdr(&silence, &silence).unwrap(), f64::INFINITY);
    assert_eq!(sdr(&silence, &sound).unwrap(), f64::NEG_INFINITY);
    assert_eq!(sdr(&sound, &silence).unwrap(), 0.0);
    for other in [noise(2, 100, 44_100, 1.0, 3), noise(1, 99, 44_100, 1.0, 3), noise(1, 100, 48_000, 1.0, 3)]
    {
        assert!(matches!(sdr(&sound, &other), Err(AudioError::Shape { .. })));
    }
}

#[test]
fn stems_that_sum_exactly_leave_nothing_and_others_what_is_missing() {
    let mixture = noise(2, 9_000, 44_100, 1.0, 4);
    let scaled = |by: f32| Audio {
        channels: mixture.channels.iter().map(|channel| channel.iter().map(|x| x * by).collect()).collect(),
        rate_hz: 44_100,
    };
    let residual = |stems: &[Audio]| {
        let mut stems: Vec<_> = stems.iter().map(|stem| stem.clone().into_frames()).collect();
        let mut stems: Vec<&mut dyn Frames> = stems.iter_mut().map(|stem| stem as &mut dyn Frames).collect();
        residual_db(&mut mixture.clone().into_frames(), &mut stems).unwrap()
    };
    assert_eq!(residual(&[scaled(0.25), scaled(0.5), scaled(0.25)]), f64::NEG_INFINITY);
    assert!((residual(&[scaled(0.5)]) - 20.0 * 0.5f64.log10()).abs() < 1e-9);
    assert_eq!(residual(&[]), 0.0);
}

#[test]
fn the_outline_of_a_known_clip_is_drawn() {
    let audio =
        Audio { channels: vec![vec![0.1, 0.2, -0.3, 0.4], vec![0.0, -0.9, 0.0, 0.0]], rate_hz: 8_000 };
    let peaks = |columns| Peaks::of(&mut audio.clone().into_frames(), columns).unwrap();
    assert_eq!(peaks(1), Peaks { min: vec![-0.9], max: vec![0.4] });
    assert_eq!(peaks(2), Peaks { min: vec![-0.9, -0.3], max: vec![0.2, 0.4] });
    assert_eq!(peaks(8).max, [0.1, 0.1, 0.2, 0.2, 0.0, 0.0, 0.4, 0.4]);
    let none = Peaks::of(&mut audio.clone().into_frames(), 0);
    assert!(matches!(none, Err(AudioError::Limit { .. })));
    let empty = Audio::silence(ClipShape { channels: 1, frames: 0, rate_hz: 8_000 });
    assert!(matches!(Peaks::of(&mut empty.into_frames(), 1), Err(AudioError::Empty)));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, rng_seed: proptest::test_runner::RngSeed::Fixed(2), ..Default::default() })]

    #[test]
    fn every_column_shows_its_own_frames(frames in 1usize..20_000, columns in 1usize..3_000, seed: u64) {
        let audio = noise(1, frames, 44_100, 1.0, seed);
        let peaks = Peaks::of(&mut audio.clone().into_frames(), columns).unwrap();
        for column in 0..columns {
            let first = column * frames / columns;
            let end = ((column + 1) * frames / columns).max(first + 1);
            let part = &audio.channels[0][first..end];
            prop_assert_eq!(peaks.min[column], part.iter().copied().fold(f32::INFINITY, f32::min));
            prop_assert_eq!(peaks.max[column], part.iter().copied().fold(f32::NEG_INFINITY, f32::max));
        }
    }
}
