//! How good mini is on real songs: the card's figures as one chunk, and what chunking costs. Needs TRIBUTARY_TEST_DATA.

use crate::signals::{STEMS, sdr_db, separate, separate_whole, test_data};
use std::path::Path;
use tributary_audio::Audio;
use tributary_models::Catalog;

fn decoded(path: &Path) -> Audio {
    let mut frames = tributary_audio::open(path).unwrap();
    Audio::read_all(&mut frames, 44_100 * 60).unwrap()
}

fn song(data: &Path, name: &str) -> (Audio, Vec<Audio>) {
    let folder = data.join("audio/separation").join(name);
    let stems = STEMS.map(|stem| decoded(&folder.join(format!("{stem}.flac"))));
    (decoded(&folder.join("mixture.flac")), stems.into())
}

#[test]
fn the_cards_figures_are_met_as_one_chunk_and_nearly_so_in_chunks() {
    let Some(data) = test_data("SDR of mini on sodium and lithium") else { return };
    let catalog = Catalog::embedded().unwrap();
    let card = catalog.get("mini").unwrap();
    println!("{:10} {:8} {:>8} {:>10} {:>10} {:>8}", "clip", "stem", "card", "one chunk", "chunked", "gain");
    for name in ["sodium", "lithium"] {
        let quality = card.quality.iter().find(|q| q.clip.to_lowercase().starts_with(name)).unwrap();
        let (mixture, references) = song(&data, name);
        let (whole, chunked) = (separate_whole(&mixture), separate(&mixture, &[]));
        for (i, (stem, reference)) in STEMS.iter().zip(&references).enumerate() {
            let (said, gain) = (quality.sdr_db[*stem], quality.gain_db[*stem]);
            let one = sdr_db(&reference.channels, &whole[i]);
            let many = sdr_db(&reference.channels, &chunked[i]);
            let base = sdr_db(&reference.channels, &mixture.channels);
            println!("{name:10} {stem:8} {said:8.2} {one:10.2} {many:10.2} {:+8.2}", many - base);
            assert!((one - said).abs() <= 0.05, "{name} {stem}: {one} dB, the card says {said}");
            assert!((one - base - gain).abs() <= 0.05, "{name} {stem}: gain {}, not {gain}", one - base);
            assert!(many >= one - 0.3, "{name} {stem}: {many} dB in chunks, {one} as one");
        }
    }
}

#[test]
fn a_long_song_in_chunks_has_no_seam_against_the_same_as_one_chunk() {
    let Some(data) = test_data("chunks against one chunk on a repeated song") else { return };
    let (mut audio, _) = song(&data, "sodium");
    for channel in &mut audio.channels {
        let once = channel.clone();
        channel.extend_from_slice(&once);
    }
    let (whole, chunked) = (separate_whole(&audio), separate(&audio, &[]));
    for (i, stem) in STEMS.iter().enumerate() {
        let db = sdr_db(&whole[i], &chunked[i]);
        println!("{stem}: chunks are {db:.1} dB SDR from one chunk over 60 s");
        assert!(db > 15.0, "{stem}: {db} dB");
        check_no_click(stem, &whole[i], &chunked[i]);
    }
}

/// A seam is a step: no difference between neighbouring frames may be larger than the largest there is without chunks.
fn check_no_click(stem: &str, whole: &[Vec<f32>], chunked: &[Vec<f32>]) {
    let steepest = |stem: &[Vec<f32>]| {
        stem.iter().flat_map(|c| c.windows(2)).map(|w| (w[1] - w[0]).abs()).fold(0.0, f32::max)
    };
    assert!(steepest(chunked) < 1.25 * steepest(whole), "{stem} has a click");
}
