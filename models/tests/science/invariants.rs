//! What holds for every clip: stems of its shape, finite, adding up to it; answers only in order; weights only the
//! card's; a batch no different from one chunk at a time.

use crate::signals::{Held, Kept, RATE, STEMS, error_db, mini, noise, separate, separate_with};
use proptest::prelude::*;
use std::sync::Arc;
use tributary_audio::{Audio, AudioError, ClipShape};
use tributary_models::chunk::ChunkShape;
use tributary_models::{Ask, Catalog, Chunk, ChunkAnswer, Files, ModelError, Pipeline, Separate};

/// All stems asked for have the clip's shape and are finite; all four add up to it to -90 dB.
fn check_stems(audio: &Audio, stems: &[Vec<Vec<f32>>], what: &str) {
    for stem in stems {
        assert_eq!(stem.len(), audio.channels.len(), "{what}");
        assert!(stem.iter().all(|channel| channel.len() == audio.frames()), "{what}");
        assert!(stem.iter().flatten().all(|x| x.is_finite()), "{what}");
    }
    if stems.len() == STEMS.len() {
        let sum: Vec<f32> = (0..audio.channels.len())
            .flat_map(|c| (0..audio.frames()).map(move |i| (c, i)))
            .map(|(c, i)| stems.iter().map(|stem| stem[c][i]).sum())
            .collect();
        let db = error_db(audio.channels.iter().flatten(), sum.iter());
        assert!(db < -90.0 || db.is_nan(), "{what}: the stems are {db} dB from the mixture");
        let silent = audio.channels.iter().flatten().all(|x| *x == 0.0);
        assert!(silent || !db.is_nan(), "{what}");
    }
}

#[test]
fn any_number_of_channels_comes_back_as_stems_of_the_same() {
    for channels in 1..=8 {
        let audio = noise(channels, 30_000, RATE);
        check_stems(&audio, &separate(&audio, &[]), &format!("{channels} channels"));
    }
}

#[test]
fn more_channels_than_two_over_several_chunks_stay_in_step() {
    let pipeline = || mini().with_chunks(ChunkShape::new(24, 8).unwrap());
    let audio = noise(5, 60_000, RATE);
    let together = separate_with(&pipeline(), &audio, &[]);
    check_stems(&audio, &together, "5 channels");
    for pair in [0..2, 2..4, 4..5] {
        let alone = Audio { channels: audio.channels[pair.clone()].to_vec(), rate_hz: RATE };
        for (alone, together) in separate_with(&pipeline(), &alone, &[]).iter().zip(&together) {
            let db = error_db(alone.iter().flatten(), together[pair.clone()].iter().flatten());
            assert!(db < -100.0, "channels {pair:?} are {db} dB from what they are alone");
        }
    }
}

#[test]
fn any_rate_comes_back_as_stems_of_the_same_that_add_up() {
    for rate_hz in [8_000, 11_025, 22_050, 32_000, 44_099, 48_000, 88_200, 96_000, 176_400, 192_000] {
        let audio = noise(2, rate_hz as usize / 3, rate_hz);
        check_stems(&audio, &separate(&audio, &[]), &format!("{rate_hz} Hz"));
    }
}

#[test]
fn the_shortest_clips_have_stems_of_the_same_length() {
    for rate_hz in [8_000, 44_100, 192_000] {
        for frames in [1, 2, 3, 100, 2048, 2049] {
            let audio = noise(2, frames, rate_hz);
            check_stems(&audio, &separate(&audio, &[]), &format!("{frames} frames at {rate_hz} Hz"));
        }
    }
}

#[test]
fn silence_and_full_scale_and_huge_samples_stay_finite() {
    let silence = Audio::silence(ClipShape { channels: 2, frames: 50_000, rate_hz: RATE });
    let stems = separate(&silence, &[]);
    check_stems(&silence, &stems, "silence");
    assert!(stems.iter().flatten().flatten().all(|x| *x == 0.0), "nothing comes of silence");
    for scale in [1.0, 1e6, 1e20] {
        let mut loud = noise(2, 50_000, RATE);
        loud.channels.iter_mut().flatten().for_each(|x| *x *= scale);
        check_stems(&loud, &separate(&loud, &[]), &format!("noise times {scale}"));
    }
}

#[test]
fn lengths_around_chunk_borders_have_stems_of_the_same_length() {
    let (hop, chunk, step) = (1024, 24, 16);
    let pipeline = mini().with_chunks(ChunkShape::new(24, 8).unwrap());
    for columns in [1, chunk, chunk + step, chunk + 2 * step] {
        for frames in [columns * hop - 1, columns * hop, columns * hop + 1] {
            let audio = noise(1, frames, RATE);
            check_stems(&audio, &separate_with(&pipeline, &audio, &[]), &format!("{frames} frames"));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
    #[test]
    fn stems_have_the_clips_shape_whatever_it_is(
        frames in 1_usize..70_000, channels in 1_usize..=8, rate_hz in 8_000_u32..=192_000, columns in 1_u32..40,
    ) {
        let audio = noise(channels, frames, rate_hz);
        let pipeline = mini().with_chunks(ChunkShape::new(columns, (columns - 1) / 2).unwrap());
        let what = format!("{frames} frames, {channels} channels, {rate_hz} Hz, {columns} columns");
        check_stems(&audio, &separate_with(&pipeline, &audio, &[]), &what);
    }
}

#[test]
fn a_stem_asked_for_alone_is_the_one_among_all() {
    let audio = noise(2, 40_000, 48_000);
    let all = separate(&audio, &[]);
    for (i, name) in STEMS.iter().enumerate() {
        let alone = separate(&audio, &[name]);
        assert_eq!(alone.len(), 1);
        let db = error_db(all[i].iter().flatten(), alone[0].iter().flatten());
        assert!(db < -100.0, "{name}: {db} dB");
    }
    let two = separate(&audio, &["other", "drums", "drums"]);
    assert_eq!(two.len(), 2, "in the model's order, once each");
    assert!(error_db(all[1].iter().flatten(), two[0].iter().flatten()) < -100.0);
    assert!(error_db(all[3].iter().flatten(), two[1].iter().flatten()) < -100.0);
}

#[test]
fn shapes_outside_the_limits_and_unknown_stems_are_refused_before_anything_is_read() {
    let good = ClipShape { channels: 2, frames: 1, rate_hz: RATE };
    for (shape, what) in [
        (ClipShape { channels: 0, ..good }, "channels"),
        (ClipShape { channels: 9, ..good }, "channels"),
        (ClipShape { rate_hz: 7_999, ..good }, "rate"),
        (ClipShape { rate_hz: 192_001, ..good }, "rate"),
        (ClipShape { frames: u64::MAX, ..good }, "length"),
    ] {
        match mini().plan(shape, &Ask::default()) {
            Err(ModelError::Audio(error @ AudioError::Limit { .. })) => {
                assert!(error.to_string().contains(what), "{error}");
            }
            other => panic!("{shape:?} gave {other:?}"),
        }
    }
    let empty = mini().plan(ClipShape { frames: 0, ..good }, &Ask::default());
    assert!(matches!(empty, Err(ModelError::Audio(AudioError::Empty))));
    let error = mini().plan(good, &Ask::stems(&["vocals".to_owned(), "tuba".to_owned()])).unwrap_err();
    assert!(matches!(&error, ModelError::UnknownStem { stem, .. } if stem == "tuba"), "{error}");
    assert!(error.to_string().contains("vocals, drums, bass, other"), "{error}");
}

#[test]
fn a_plan_for_another_clip_is_refused() {
    let plan = mini().plan(ClipShape { channels: 2, frames: 1000, rate_hz: RATE }, &Ask::default()).unwrap();
    let clip = Arc::new(Held(Arc::new(noise(2, 999, RATE))));
    assert!(matches!(mini().begin(&plan, clip.into(), 1), Err(ModelError::Audio(AudioError::Shape { .. }))));
}

/// Chunks of a noise of some seconds, small ones.
fn chunks_of(pipeline: &Separate, seed_frames: usize) -> Vec<Chunk> {
    let audio = noise(2, seed_frames, RATE);
    let plan = pipeline.plan(audio.shape(), &Ask::default()).unwrap();
    let clip = Arc::new(Held(Arc::new(audio)));
    let (mut cutter, _assembler) = pipeline.begin(&plan, clip.into(), plan.chunks as usize).unwrap();
    let chunks: Vec<_> = std::iter::from_fn(|| cutter.next_chunk().unwrap()).collect();
    assert_eq!(chunks.len(), plan.chunks as usize);
    chunks
}

#[test]
fn chunks_of_two_jobs_in_one_batch_are_answered_as_each_alone() {
    let pipeline = mini().with_chunks(ChunkShape::new(24, 8).unwrap());
    let mut session = pipeline.load().unwrap();
    let (one, other) = (chunks_of(&pipeline, 50_000), chunks_of(&pipeline, 80_000));
    assert_eq!(one[0].shape, other[0].shape);
    let mixed = [&one[0], &other[1], &one[1], &other[0], &other[2]].map(Clone::clone);
    let together = pipeline.infer(&mut session, &mixed).unwrap();
    assert_eq!(together.len(), mixed.len());
    for (chunk, together) in mixed.iter().zip(&together) {
        let alone = pipeline.infer(&mut session, std::slice::from_ref(chunk)).unwrap().remove(0);
        assert_eq!(alone.index, together.index);
        // -110 dB: threads may share a sum differently.
        let db = error_db(alone.data.iter(), together.data.iter());
        assert!(db < -110.0, "chunk {}: {db} dB", chunk.index);
    }
    assert!(pipeline.infer(&mut session, &[]).unwrap().is_empty());
}

#[test]
fn answers_out_of_order_twice_missing_or_of_the_wrong_size_are_refused() {
    let pipeline = mini().with_chunks(ChunkShape::new(24, 8).unwrap());
    let audio = noise(2, 50_000, RATE);
    let plan = pipeline.plan(audio.shape(), &Ask::default()).unwrap();
    assert!(plan.chunks > 2);
    let clip = Arc::new(Held(Arc::new(audio)));
    let (mut cutter, mut assembler) = pipeline.begin(&plan, clip.into(), plan.chunks as usize).unwrap();
    let mut sink = Kept::default();
    let answer = |index, numbers| ChunkAnswer { index, data: vec![0.0; numbers] };
    let full = 4 * 2 * 24 * 192;
    let early = assembler.push(answer(0, full), &mut sink);
    assert!(matches!(early, Err(ModelError::ChunkOrder { .. })), "before it was cut");
    while cutter.next_chunk().unwrap().is_some() {}
    let skipped = assembler.push(answer(1, full), &mut sink);
    assert!(matches!(skipped, Err(ModelError::ChunkOrder { expected: 0, got: 1 })));
    for numbers in [0, full - 1, full + 1] {
        assert!(matches!(assembler.push(answer(0, numbers), &mut sink), Err(ModelError::Engine { .. })));
    }
    assembler.push(answer(0, full), &mut sink).unwrap();
    let twice = assembler.push(answer(0, full), &mut sink);
    assert!(matches!(twice, Err(ModelError::ChunkOrder { expected: 1, got: 0 })));
    assert!(matches!(assembler.finish(&mut sink), Err(ModelError::ChunkOrder { expected: 1, .. })));
    for index in 1..plan.chunks {
        assembler.push(answer(index, full), &mut sink).unwrap();
    }
    let extra = assembler.push(answer(plan.chunks, full), &mut sink);
    assert!(matches!(extra, Err(ModelError::ChunkOrder { .. })));
    assembler.finish(&mut sink).unwrap();
    assert!(sink.stems.iter().flatten().all(|channel| channel.len() == 50_000));
}

#[test]
fn weights_with_one_flipped_bit_are_refused() {
    let catalog = Catalog::embedded().unwrap();
    let mut weights = include_bytes!("../../weights/mini.onnx").to_vec();
    let middle = weights.len() / 2;
    weights[middle] ^= 1;
    let card = catalog.get("mini").unwrap();
    let files: Vec<(&'static str, &'static [u8])> = vec![("mini.onnx", weights.leak())];
    let pipeline = Separate::new(card, Files::embedded(card, files.leak())).unwrap();
    match pipeline.load() {
        Err(ModelError::Weights { model, expected, found, .. }) => {
            assert_eq!(model, "mini");
            assert_ne!(expected, found);
        }
        other => panic!("flipped weights gave {:?}", other.err()),
    }
}
