//! What holds of published separators for every clip: silence stays silent, what is no number is refused, channels and
//! stems are what they are alone, batches change nothing. What a job holds of a clip is `held.rs`.

use crate::families::{Family, families};
use crate::held::Counted;
use crate::library::options;
use crate::unmix::{Held, Installed, Stem, TINY, Tiny, ask, difference_db, engines, separate};
use std::sync::Arc;
use tributary_audio::{Audio, AudioError, ClipShape};
use tributary_models::{Ask, Chunk, ChunkAnswer, ModelError, Pipeline, Session, Setting};

const BS: &Tiny = &TINY[0];
const MEL: &Tiny = &TINY[1];
/// Numbers of one stem in an answer of [`BS`]: 69 columns, 129 bins, two channels, real and imaginary.
const BS_STEM: usize = 69 * 129 * 4;

fn pipeline(tiny: &Tiny) -> Installed {
    Family::roformer(tiny).installed()
}

/// Noise and a tone, other ones on every channel.
pub(crate) fn clip(channels: usize, frames: usize, rate_hz: u32) -> Audio {
    let channel = |channel: usize| {
        let mut state = 12_345 + channel as u32;
        let sound = move |i: usize| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let noise = (state >> 8) as f32 / (1 << 24) as f32 - 0.5;
            0.2 * noise + 0.3 * ((i * (channel + 2)) as f32 * 0.021).sin()
        };
        (0..frames).map(sound).collect()
    };
    Audio { channels: (0..channels).map(channel).collect(), rate_hz }
}

pub(crate) fn names(stems: &[&str]) -> Ask {
    Ask::stems(&stems.iter().map(|&stem| stem.to_owned()).collect::<Vec<_>>())
}

pub(crate) fn adds_up(audio: &Audio, stems: &[Stem], what: &str) {
    let sum: Stem = (0..audio.channels.len())
        .map(|c| (0..audio.frames()).map(|i| stems.iter().map(|stem| stem[c][i]).sum()).collect())
        .collect();
    let db = difference_db(&sum.concat(), &audio.channels.concat());
    assert!(db < -110.0, "{what}: the stems are {db:.1} dB from the mixture");
}

#[test]
fn nothing_comes_of_silence() {
    let silence = Audio::silence(ClipShape { channels: 2, frames: 9_000, rate_hz: 44_100 });
    // What biases of an SCNet make of silence is not silent, by its publisher's code neither.
    for family in families().iter().filter(|family| family.name != "scnet_tiny") {
        let Installed { pipeline, _folder } = family.installed();
        for quality in ["fast", "balanced", "best"] {
            let (stems, _) = separate(&pipeline, &silence, &ask(&[("quality", quality)])).unwrap();
            assert_eq!(stems.len(), family.stems());
            assert!(stems.iter().flatten().flatten().all(|x| *x == 0.0), "{} {quality}", family.name);
        }
    }
}

#[test]
fn a_sample_that_is_no_number_ends_the_job_and_is_named() {
    let Installed { pipeline, _folder } = pipeline(MEL);
    for bad in [f32::NAN, f32::INFINITY] {
        let mut audio = clip(2, 12_000, 44_100);
        audio.channels[1][11_000] = bad;
        let ended = separate(&pipeline, &audio, &Ask::default());
        let named =
            matches!(ended, Err(ModelError::Audio(AudioError::NotFinite { frame: 11_000, channel: 1 })));
        assert!(named, "{bad}: {:?}", ended.err());
    }
}

#[test]
fn stems_add_up_at_every_rate_and_length_also_in_a_hundredth_of_a_second() {
    for family in families().iter().filter(|family| family.recipe.remainder() == Some("other")) {
        let Installed { pipeline, _folder } = family.installed();
        for rate_hz in [8_000, 22_050, 44_100, 48_000, 192_000] {
            for frames in [1, 2, rate_hz as usize / 100, rate_hz as usize / 5] {
                let audio = clip(2, frames, rate_hz);
                let (stems, names) = separate(&pipeline, &audio, &Ask::default()).unwrap();
                assert_eq!(names[..], [&family.recipe.stems[..], &["other".to_owned()]].concat());
                adds_up(&audio, &stems, &format!("{}, {frames} frames at {rate_hz} Hz", family.name));
            }
        }
    }
    let left = families().map(|family| family.recipe.remainder());
    assert_eq!(left, [None, Some("other"), Some("other"), Some("other")]);
}

#[test]
fn every_stem_is_as_long_as_the_clip_whatever_its_length_and_the_quality() {
    for family in families() {
        let Installed { pipeline, _folder } = family.installed();
        let chunk = family.recipe.chunk_frames as usize;
        for quality in ["fast", "balanced", "best"] {
            for frames in [1, chunk / 2 + 1, chunk, chunk + 1, 2 * chunk + 7] {
                let audio = clip(1, frames, family.recipe.rate_hz);
                let (stems, _) = separate(&pipeline, &audio, &ask(&[("quality", quality)])).unwrap();
                assert_eq!(stems.len(), family.stems());
                let whole = |stem: &Stem| stem[0].len() == frames && stem[0].iter().all(|x| x.is_finite());
                assert!(stems.iter().all(whole), "{} {quality} {frames}", family.name);
            }
        }
    }
}

#[test]
fn one_channel_is_two_that_are_equal_and_more_are_what_their_pairs_are_alone() {
    for family in families() {
        let Installed { pipeline, _folder } = family.installed();
        is_by_pairs(&pipeline, family.name);
    }
}

fn is_by_pairs(pipeline: &dyn Pipeline, name: &str) {
    let audio = clip(5, 9_000, 44_100);
    let (together, _) = separate(pipeline, &audio, &Ask::default()).unwrap();
    for pair in [0..2, 2..4, 4..5] {
        let alone = Audio { channels: audio.channels[pair.clone()].to_vec(), rate_hz: 44_100 };
        let (alone, _) = separate(pipeline, &alone, &Ask::default()).unwrap();
        for (alone, together) in alone.iter().zip(&together) {
            let db = difference_db(&together[pair.clone()].concat(), &alone.concat());
            assert!(db < -100.0, "{name}: channels {pair:?} are {db:.1} dB from what they are alone");
        }
    }
    let last = &audio.channels[4];
    let twice = Audio { channels: vec![last.clone(), last.clone()], rate_hz: 44_100 };
    let (twice, _) = separate(pipeline, &twice, &Ask::default()).unwrap();
    for (stem, both) in together.iter().zip(&twice) {
        let mean: Vec<f32> = both[0].iter().zip(&both[1]).map(|(l, r)| 0.5 * (l + r)).collect();
        assert!(difference_db(&stem[4], &mean) < -100.0, "{name}");
    }
}

#[test]
fn a_stem_asked_for_alone_is_the_one_among_all() {
    for engine in engines() {
        for family in families() {
            let Installed { pipeline, _folder } = family.installed();
            let pipeline = pipeline.with_session_options(options(engine, 2));
            let audio = clip(2, 9_000, 48_000);
            let (all, known) = separate(&pipeline, &audio, &Ask::default()).unwrap();
            for (stem, name) in all.iter().zip(&known) {
                let (alone, written) = separate(&pipeline, &audio, &names(&[name])).unwrap();
                assert_eq!(written, [name.as_str()]);
                let db = difference_db(&alone[0].concat(), &stem.concat());
                assert!(db < -100.0, "{} of {}, {engine:?}: {db:.1} dB", name, family.name);
            }
        }
    }
    let Installed { pipeline, _folder } = pipeline(MEL);
    let error = pipeline.plan(clip(2, 1, 44_100).shape(), &names(&["tuba"])).unwrap_err();
    assert!(error.to_string().contains("drums, bass, other"), "{error}");
}

/// All chunks of a job.
fn chunks(pipeline: &dyn Pipeline, session: &mut Session, audio: Audio, ask: &Ask) -> Vec<Chunk> {
    let plan = pipeline.plan(audio.shape(), ask).unwrap();
    let clip = Arc::new(Held(Arc::new(audio)));
    let (mut cutter, mut assembler) = pipeline.begin(&plan, clip.into(), 1).unwrap();
    let (mut all, mut nowhere) = (Vec::new(), Counted::default());
    while let Some(chunk) = cutter.next_chunk().unwrap() {
        let answer = pipeline.infer(session, std::slice::from_ref(&chunk)).unwrap().remove(0);
        assembler.push(answer, &mut nowhere).unwrap();
        all.push(chunk);
    }
    all
}

#[test]
fn chunks_of_jobs_that_ask_for_different_stems_are_answered_in_one_batch_as_each_alone() {
    let whole = [Family::roformer(BS), Family::htdemucs().called(&["vocals", "a", "other"]), Family::scnet()];
    for family in whole {
        share_a_batch(&family);
    }
}

fn share_a_batch(family: &Family) {
    let Installed { pipeline, _folder } = family.installed();
    let mut session = pipeline.load().unwrap();
    let networks: Vec<&str> = family.recipe.stems.iter().map(String::as_str).collect();
    let all = chunks(&pipeline, &mut session, clip(2, 9_000, 44_100), &names(&networks));
    let voice = chunks(&pipeline, &mut session, clip(1, 6_000, 48_000), &names(&["vocals"]));
    assert_eq!(all[0].shape, voice[0].shape, "they share a batch");
    let mixed = [&all[0], &voice[1], &all[2], &voice[0]].map(Clone::clone);
    let together = pipeline.infer(&mut session, &mixed).unwrap();
    assert_eq!(together.len(), mixed.len());
    for (chunk, together) in mixed.iter().zip(&together) {
        let alone = pipeline.infer(&mut session, std::slice::from_ref(chunk)).unwrap().remove(0);
        assert_eq!(alone.index, together.index);
        assert!(difference_db(&together.data, &alone.data) < -110.0, "chunk {}", chunk.index);
    }
    let [all_stems, one_stem] = [0, 1].map(|at| together[at].data.len());
    assert_eq!(all_stems, networks.len() * one_stem);
    assert_eq!([together[2].data.len(), together[3].data.len()], [all_stems, one_stem]);
    assert!(pipeline.infer(&mut session, &[]).unwrap().is_empty());
    let short = Chunk { data: all[0].data[1..].to_vec(), ..all[0].clone() };
    assert!(matches!(pipeline.infer(&mut session, &[short]), Err(ModelError::Engine { .. })));
}

#[test]
fn answers_out_of_order_of_the_wrong_size_or_no_numbers_are_refused() {
    let Installed { pipeline, _folder } = pipeline(BS);
    let audio = clip(2, 9_000, 44_100);
    let plan = pipeline.plan(audio.shape(), &names(&["other"])).unwrap();
    let clip = Arc::new(Held(Arc::new(audio)));
    let (mut cutter, mut assembler) = pipeline.begin(&plan, clip.into(), 3).unwrap();
    let mut sink = Counted::default();
    let answer = |index, data| ChunkAnswer { index, data };
    let early = assembler.push(answer(0, vec![0.0; BS_STEM]), &mut sink);
    assert!(matches!(early, Err(ModelError::ChunkOrder { .. })), "before it was cut");
    cutter.next_chunk().unwrap();
    let skipped = assembler.push(answer(1, vec![0.0; BS_STEM]), &mut sink);
    assert!(matches!(skipped, Err(ModelError::ChunkOrder { expected: 0, got: 1 })));
    for numbers in [0, BS_STEM - 1, 2 * BS_STEM] {
        let wrong = assembler.push(answer(0, vec![0.0; numbers]), &mut sink);
        assert!(matches!(wrong, Err(ModelError::Engine { .. })), "{numbers}");
    }
    for bad in [f32::NAN, f32::NEG_INFINITY] {
        let mut data = vec![0.0; BS_STEM];
        data[1_000] = bad;
        assert!(matches!(assembler.push(answer(0, data), &mut sink), Err(ModelError::Engine { .. })));
    }
    assembler.push(answer(0, vec![0.0; BS_STEM]), &mut sink).unwrap();
    assert!(matches!(assembler.finish(&mut sink), Err(ModelError::ChunkOrder { expected: 1, .. })));
}

#[test]
fn stems_are_made_to_add_up_only_where_that_is_asked_for_and_may_be() {
    let controls = |tiny: &Tiny| pipeline(tiny).pipeline.controls();
    assert!(controls(BS).iter().any(|control| control.name == "adds_up"));
    assert!(controls(MEL).iter().all(|control| control.name != "adds_up"), "they do anyway");
    let (htdemucs, scnet) = (Family::htdemucs(), Family::scnet());
    let whole = [htdemucs.called(&["vocals", "other", "drums"]), scnet.called(&["drums", "other"])];
    for family in [Family::roformer(BS)].into_iter().chain(whole) {
        let Installed { pipeline, _folder } = family.installed();
        can_be_made_to_add_up(&pipeline, family.name);
    }
}

fn can_be_made_to_add_up(pipeline: &dyn Pipeline, name: &str) {
    let audio = clip(2, 9_000, 44_100);
    let (plain, _) = separate(pipeline, &audio, &Ask::default()).unwrap();
    let mut asked = ask(&[("quality", "fast")]);
    asked.settings = asked.settings.with("adds_up", Setting::Switch(true));
    let (exact, _) = separate(pipeline, &audio, &asked).unwrap();
    adds_up(&audio, &exact, name);
    let mut sum = vec![0.0; 2 * 9_000];
    for stem in &plain {
        sum.iter_mut().zip(stem.concat()).for_each(|(sum, x)| *sum += x);
    }
    assert!(difference_db(&sum, &audio.channels.concat()) > -60.0, "{name} does not add up by chance");
}
