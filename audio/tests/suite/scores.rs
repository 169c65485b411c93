//! Scores of stems against museval 0.4.1 on the same numbers (fixtures/make_museval.py), and against their definitions.

use tributary_audio::measure::{Scores, scores};
use tributary_audio::{Audio, AudioError, Frames};

const RATE_HZ: u32 = 8_000;
const FRAMES: i64 = 28_500;

fn channel(of: impl Fn(i64) -> i64) -> Vec<f32> {
    (0..FRAMES).map(|i| of(i) as f32 / 2_048.0).collect()
}

fn source(channels: Vec<Vec<f32>>) -> Box<dyn Frames> {
    Box::new(Audio { channels, rate_hz: RATE_HZ }.into_frames())
}

fn score(stems: Vec<Vec<Vec<f32>>>, estimates: Vec<Vec<Vec<f32>>>) -> Result<Vec<Scores>, AudioError> {
    let sources = |all: Vec<Vec<Vec<f32>>>| all.into_iter().map(source).collect::<Vec<_>>();
    scores(&mut sources(stems), &mut sources(estimates))
}

#[test]
fn the_median_of_seconds_is_musevals() {
    let triangle = |i: i64, period: i64| (2 * (i % period) * 1_000 / period - 1_000).abs() - 500;
    let noise =
        |i: i64, seed: i64| (i * i * 7_919 + i * 104_729 + seed * 15_485_863).rem_euclid(2_001) - 1_000;
    let plays = |i: i64| i64::from(!(8_000..16_000).contains(&i));
    let loud = |i: i64| 1 + i / 10_000;
    let hiss = |i: i64| triangle(i, 13) + noise(i, 1).div_euclid(4);
    let stems = vec![
        vec![channel(|i| triangle(i, 40)), channel(|i| triangle(i, 44))],
        vec![channel(|i| plays(i) * hiss(i)), channel(|i| (plays(i) * noise(i, 2)).div_euclid(3))],
    ];
    let estimates = vec![
        vec![
            channel(|i| (8 * triangle(i, 40)).div_euclid(10) + noise(i, 3).div_euclid(20) * loud(i)),
            channel(|i| {
                triangle(i, 44) + noise(i, 4).div_euclid(30) + (plays(i) * triangle(i, 13)).div_euclid(10)
            }),
        ],
        vec![
            channel(|i| plays(i) * hiss(i) + triangle(i, 40).div_euclid(9) * loud(i)),
            channel(|i| (plays(i) * noise(i, 2)).div_euclid(3) + noise(i, 5).div_euclid(11)),
        ],
    ];
    let found = score(stems, estimates).unwrap();
    // The second second does not count for either, for in it the second stem is silent.
    for (found, museval) in found.iter().zip([13.50678198, 13.70397303]) {
        let ours = found.sdr_by_seconds_db.unwrap();
        println!("{ours:.6} dB, museval {museval:.6} dB");
        assert!((ours - museval).abs() < 1e-4, "{ours} {museval}");
    }
}

#[test]
fn level_counts_for_sdr_and_not_for_si_sdr() {
    let sound = || vec![channel(|i| (i * 37) % 701 - 350)];
    let half = || vec![channel(|i| ((i * 37) % 701 - 350) / 2)];
    let found = score(vec![sound()], vec![half()]).unwrap()[0];
    assert!((found.sdr_db - 20.0 * 2.0_f64.log10()).abs() < 0.05, "{found:?}");
    assert!(found.si_sdr_db.unwrap() > 40.0, "{found:?}");
    let same = score(vec![sound()], vec![sound()]).unwrap()[0];
    assert!(same.sdr_db.is_infinite() && same.sdr_by_seconds_db.unwrap().is_infinite());
}

#[test]
fn silence_has_no_score_and_other_shapes_are_refused() {
    let silent = || vec![vec![0.0; FRAMES as usize]];
    let sound = || vec![channel(|i| i % 100 - 50)];
    let found = score(vec![silent()], vec![sound()]).unwrap()[0];
    assert_eq!((found.sdr_by_seconds_db, found.si_sdr_db), (None, None));
    assert_eq!(found.sdr_db, f64::NEG_INFINITY);
    assert!(score(vec![], vec![]).unwrap().is_empty());
    assert!(matches!(score(vec![sound()], vec![]), Err(AudioError::Shape { .. })));
    let short = vec![vec![0.5; 100]];
    assert!(matches!(score(vec![sound()], vec![short]), Err(AudioError::Shape { .. })));
    // Less than a second is one.
    let short = || vec![vec![0.5; 100]];
    assert!(score(vec![short()], vec![short()]).unwrap()[0].sdr_by_seconds_db.unwrap().is_infinite());
}
