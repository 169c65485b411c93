//! The transform against its own inverse and against a plain O(n^2) transform in double precision.

use crate::signals::noise;
use proptest::prelude::*;
use realfft::num_complex::Complex;
use std::f64::consts::TAU;
use tributary_models::dsp::{Forward, Inverse, Stft, StftShape};

fn forward(shape: StftShape, clip: &[f32], block: usize) -> Vec<Complex<f32>> {
    let mut stream = Forward::new(&Stft::new(shape));
    let mut columns = Vec::new();
    for frames in clip.chunks(block.max(1)) {
        stream.push(frames, &mut columns);
    }
    stream.finish(&mut columns);
    columns
}

fn inverse(shape: StftShape, columns: &mut [Complex<f32>], frames: usize) -> Vec<f32> {
    let mut stream = Inverse::new(&Stft::new(shape), frames as u64);
    let mut out = Vec::new();
    for column in columns.chunks_mut(shape.bins()) {
        stream.push(column, &mut out);
    }
    stream.finish(&mut out);
    out
}

fn check_round_trip(shape: StftShape, frames: usize, block: usize) {
    let clip = &noise(1, frames, 44_100).channels[0];
    let mut columns = forward(shape, clip, block);
    assert_eq!(columns.len() as u64, shape.columns(frames as u64) * shape.bins() as u64);
    let back = inverse(shape, &mut columns, frames);
    assert_eq!(back.len(), frames);
    let db = crate::signals::error_db(clip.iter(), back.iter());
    // -120 dB: rounding of a 4096-point transform in single precision is near -135.
    assert!(db < -120.0, "{shape:?}, {frames} frames: {db} dB");
}

fn shape(n_fft: usize, hop: usize) -> StftShape {
    StftShape::new(n_fft, hop).unwrap()
}

#[test]
fn forward_and_back_is_the_identity_at_every_short_length() {
    for frames in (1..140).chain([255, 256, 257, 1000]) {
        check_round_trip(shape(64, 16), frames, 50);
        check_round_trip(shape(66, 22), frames, 7);
        check_round_trip(shape(64, 17), frames, 9);
    }
}

#[test]
fn forward_and_back_is_the_identity_at_the_published_models_hop() {
    for frames in [1, 440, 441, 442, 2047, 2048, 2049, 44_100, 100_001] {
        check_round_trip(shape(2048, 441), frames, 10_000);
    }
}

#[test]
fn forward_and_back_is_the_identity_around_the_borders_of_minis_window_and_chunks() {
    let (n_fft, hop) = (4096_usize, 1024);
    for border in [1, n_fft / 2, n_fft, 10 * hop, 448 * hop, 512 * hop] {
        for frames in border.saturating_sub(1).max(1)..border + 2 {
            check_round_trip(shape(n_fft, hop), frames, 65_536);
        }
    }
}

proptest! {
    #[test]
    fn forward_and_back_is_the_identity_for_any_length_and_block(
        half in 2_usize..400, parts in 3.0_f64..8.0, frames in 1_usize..3000, block in 1_usize..500,
    ) {
        let hop = ((2 * half) as f64 / parts) as usize;
        prop_assume!(hop > 0);
        check_round_trip(shape(2 * half, hop), frames, block);
    }
}

/// Frame `i` of a clip that is reflected about its outermost frames for ever, step by step.
fn reflected(clip: &[f32], i: i64) -> f64 {
    let (mut at, mut step) = (0_usize, 1_i64);
    for _ in 0..i.abs() {
        if clip.len() > 1 {
            if (at == 0 && step < 0) || (at == clip.len() - 1 && step > 0) {
                step = -step;
            }
            at = (at as i64 + step) as usize;
        }
    }
    f64::from(clip[at])
}

#[test]
fn every_column_is_the_plain_transform_of_the_reflected_clip() {
    let shape = shape(64, 16);
    for frames in [1, 2, 3, 20, 32, 33, 64, 150] {
        let clip = &noise(1, frames, 44_100).channels[0];
        let columns = forward(shape, clip, 13);
        for (c, column) in columns.chunks(shape.bins()).enumerate() {
            for (k, got) in column.iter().enumerate() {
                let mut plain = Complex::new(0.0_f64, 0.0);
                for i in 0..64_i64 {
                    let window = 0.5 - 0.5 * (TAU * i as f64 / 64.0).cos();
                    let x = window * at(clip, c as i64 * 16 + i - 32);
                    plain += Complex::from_polar(x, -TAU * (k as i64 * i) as f64 / 64.0);
                }
                let error = (plain - Complex::new(f64::from(got.re), f64::from(got.im))).norm();
                assert!(error < 2e-5, "{frames} frames, column {c}, bin {k}: off by {error}");
            }
        }
    }
}

/// As [`reflected`], also after the end: the same walk, begun at the last frame.
fn at(clip: &[f32], i: i64) -> f64 {
    let last = clip.len() as i64 - 1;
    if i > last {
        let backwards: Vec<f32> = clip.iter().rev().copied().collect();
        reflected(&backwards, i - last)
    } else if i < 0 {
        reflected(clip, i)
    } else {
        f64::from(clip[i as usize])
    }
}

#[test]
fn minis_columns_are_those_of_a_double_precision_transform() {
    let (shape, frames) = (shape(4096, 1024), 12_345);
    let clip = &noise(1, frames, 44_100).channels[0];
    let columns = forward(shape, clip, 1000);
    let plan = rustfft::FftPlanner::<f64>::new().plan_fft_forward(4096);
    for (c, column) in columns.chunks(shape.bins()).enumerate() {
        let mut plain: Vec<Complex<f64>> = (0..4096_i64)
            .map(|i| {
                let window = 0.5 - 0.5 * (TAU * i as f64 / 4096.0).cos();
                Complex::new(window * at(clip, c as i64 * 1024 + i - 2048), 0.0)
            })
            .collect();
        plan.process(&mut plain);
        let (mut signal, mut error) = (0.0, 0.0);
        for (got, want) in column.iter().zip(&plain) {
            signal += want.norm_sqr();
            error += (want - Complex::new(f64::from(got.re), f64::from(got.im))).norm_sqr();
        }
        let db = 10.0 * (error / signal).log10();
        assert!(db < -120.0, "column {c}: {db} dB");
    }
}

/// Made by `fixtures/make_stft.py`.
const TORCH: &[u8] = include_bytes!("../fixtures/stft_441.raw");

/// -120 dB: both compute in single precision.
#[test]
fn a_hop_that_does_not_divide_the_window_is_torchs_both_ways() {
    let (shape, frames) = (shape(2048, 441), 3001);
    let numbers: Vec<f32> =
        TORCH.chunks_exact(4).map(|four| f32::from_le_bytes(four.try_into().unwrap())).collect();
    let (clip, rest) = numbers.split_at(frames);
    let (spectrum, back) = rest.split_at(rest.len() - frames);
    let mut columns = forward(shape, clip, 1000);
    assert_eq!(columns.len(), 7 * shape.bins());
    let ours: Vec<f32> = columns.iter().flat_map(|bin| [bin.re, bin.im]).collect();
    assert_eq!(ours.len(), spectrum.len());
    let db = crate::signals::error_db(spectrum.iter(), ours.iter());
    assert!(db < -120.0, "spectrum: {db} dB");
    for (c, column) in columns.chunks_mut(shape.bins()).enumerate() {
        for (k, bin) in column.iter_mut().enumerate() {
            let (re, im) = ((7 * c + 13 * k) % 11, (5 * c + 3 * k) % 7);
            *bin *= Complex::new(re as f32 / 11.0, im as f32 / 7.0);
        }
    }
    let ours = inverse(shape, &mut columns, frames);
    let db = crate::signals::error_db(back.iter(), ours.iter());
    assert!(db < -120.0, "sound: {db} dB");
}

#[test]
fn shapes_that_cannot_be_inverted_are_refused() {
    for (n_fft, hop) in [(0, 1), (2, 1), (63, 21), (64, 0), (64, 64), (64, 32), (64, 22), (usize::MAX - 1, 2)]
    {
        assert!(StftShape::new(n_fft, hop).is_none(), "{n_fft} / {hop}");
    }
}
