//! Several separators as one: weighted averages of what each says alone, and no work that nobody asked for.

use crate::families::Family;
use crate::held::held_most;
use crate::htdemucs;
use crate::unmix::{Stem, TINY, Tiny, difference_db, installed, separate};
use crate::unmix_laws::{adds_up, clip, names};
use std::sync::Arc;
use tributary_models::convert::roformer::Target;
use tributary_models::{Ask, Ensemble, Member, ModelError, Pipeline, Setting, Settings};

/// Two separators with other chunks, and the folders of their graphs.
struct Both {
    _folders: [tempfile::TempDir; 2],
    bs: Arc<dyn Pipeline>,
    mel: Arc<dyn Pipeline>,
}

fn both() -> Both {
    let make = |tiny: &Tiny, chunk: &str| {
        let settings = tiny.settings().replace("chunk_size: 4080", chunk);
        let (recipe, onnx) = tiny.converted(&settings, Target::Cpu).unwrap();
        installed(recipe, &onnx).unwrap()
    };
    let (bs, mel) = (make(&TINY[0], "chunk_size: 6000"), make(&TINY[1], "chunk_size: 4080"));
    Both { bs: Arc::new(bs.pipeline), mel: Arc::new(mel.pipeline), _folders: [bs._folder, mel._folder] }
}

fn member(model: &str, pipeline: &Arc<dyn Pipeline>, weights: &[(&str, f32)]) -> Member {
    let weights = weights.iter().map(|(stem, weight)| ((*stem).to_owned(), *weight)).collect();
    Member { model: model.to_owned(), pipeline: Arc::clone(pipeline), weights }
}

fn ensemble(both: &Both) -> Ensemble {
    let members = vec![
        member("bs", &both.bs, &[("vocals", 0.2), ("other", 3.0)]),
        member("mel", &both.mel, &[("drums", 1.0), ("other", 1.0)]),
    ];
    Ensemble::new("both", members).unwrap()
}

#[test]
fn stems_are_the_averages_of_what_each_member_says_alone() {
    let both = both();
    let ensemble = ensemble(&both);
    assert_eq!(ensemble.stem_names(), ["vocals", "other", "drums"]);
    for (audio, quality) in [(clip(2, 20_001, 44_100), "balanced"), (clip(3, 11_000, 48_000), "fast")] {
        let settings = Settings::default().with("quality", Setting::Choice(quality.to_owned()));
        let ask = Ask { settings, ..Ask::default() };
        let (stems, known) = separate(&ensemble, &audio, &ask).unwrap();
        assert_eq!(known, ["vocals", "other", "drums"]);
        let (bs, _) = separate(&*both.bs, &audio, &ask).unwrap();
        let (mel, _) = separate(&*both.mel, &audio, &ask).unwrap();
        let flat = |stem: &Stem| stem.concat();
        let other = flat(&bs[1]).iter().zip(&flat(&mel[2])).map(|(a, b)| 0.75 * a + 0.25 * b).collect();
        for (stem, expected) in stems.iter().zip([flat(&bs[0]), other, flat(&mel[0])]) {
            let db = difference_db(&flat(stem), &expected);
            assert!(db < -100.0, "{db:.1} dB");
        }
    }
}

#[test]
fn families_that_lay_chunks_differently_are_averaged_and_still_add_up() {
    // One hears 8 kHz, the other 44.1 kHz; both leave `other` of the mixture.
    let (recipe, onnx) = htdemucs::TINY[0].published(Target::Cpu);
    let (htdemucs, scnet) = (installed(recipe, &onnx).unwrap(), Family::scnet().installed());
    let pipelines: [Arc<dyn Pipeline>; 2] = [Arc::new(htdemucs.pipeline), Arc::new(scnet.pipeline)];
    let member = |at: usize, weight: f32| {
        member(
            ["htdemucs", "scnet"][at],
            &pipelines[at],
            &["drums", "vocals", "other"].map(|stem| (stem, weight)),
        )
    };
    let ensemble = Ensemble::new("families", vec![member(0, 3.0), member(1, 1.0)]).unwrap();
    let audio = clip(2, 40_000, 48_000);
    let (stems, known) = separate(&ensemble, &audio, &Ask::default()).unwrap();
    assert_eq!(known, ["drums", "vocals", "other"]);
    adds_up(&audio, &stems, "the average");
    let [one, other] = [0, 1].map(|at| separate(&*pipelines[at], &audio, &Ask::default()).unwrap().0);
    for ((stem, name), (one, other)) in stems.iter().zip(&known).zip(one.iter().zip(&other)) {
        let mean: Vec<f32> =
            one.concat().iter().zip(other.concat()).map(|(a, b)| 0.75 * a + 0.25 * b).collect();
        let db = difference_db(&stem.concat(), &mean);
        assert!(db < -100.0, "{name}: {db:.1} dB");
        let (alone, _) = separate(&ensemble, &audio, &names(&[name])).unwrap();
        let db = difference_db(&alone[0].concat(), &mean);
        assert!(db < -100.0, "{name} alone: {db:.1} dB");
    }
}

#[test]
fn a_member_that_gives_nothing_of_what_is_asked_for_does_not_run() {
    let both = both();
    let ensemble = ensemble(&both);
    let shape = clip(2, 20_000, 44_100).shape();
    let plan = |pipeline: &dyn Pipeline, stems: &[&str]| pipeline.plan(shape, &names(stems)).unwrap();
    let (bs, mel) = (plan(&*both.bs, &[]).chunks, plan(&*both.mel, &[]).chunks);
    for (stems, chunks, models) in [
        (&["vocals"][..], bs, &["bs"][..]),
        (&["drums"], mel, &["mel"]),
        (&["other"], bs + mel, &["bs", "mel"]),
        (&[], bs + mel, &["bs", "mel"]),
    ] {
        let plan = plan(&ensemble, stems);
        assert_eq!(plan.chunks, chunks, "{stems:?}");
        let others: Vec<String> = ensemble.others(&plan).into_iter().map(|part| part.model).collect();
        assert_eq!(others, models, "{stems:?}");
    }
    let audio = clip(2, 9_000, 44_100);
    let (drums, _) = separate(&ensemble, &audio, &names(&["drums"])).unwrap();
    let (alone, _) = separate(&*both.mel, &audio, &names(&["drums"])).unwrap();
    assert!(difference_db(&drums[0].concat(), &alone[0].concat()) < -120.0);
}

#[test]
fn what_members_hold_for_each_other_does_not_grow_with_the_clip() {
    let both = both();
    let ensemble = ensemble(&both);
    let [short, long] = [2, 9].map(|seconds| held_most(&ensemble, seconds, 44_100, "balanced"));
    println!("{short} and {long} frames are held");
    assert!(short <= 4 * 6_000 && long <= 4 * 6_000, "{short} and {long}");
}

#[test]
fn controls_are_those_that_all_members_share_and_still_mean_the_same() {
    let both = both();
    let named = |pipeline: &dyn Pipeline| -> Vec<&str> {
        pipeline.controls().iter().map(|control| control.name).collect()
    };
    assert_eq!(named(&*both.bs), ["quality", "adds_up"]);
    assert_eq!(named(&ensemble(&both)), ["quality"]);
    let alone = Ensemble::new("alone", vec![member("bs", &both.bs, &[("vocals", 1.0)])]).unwrap();
    assert_eq!(named(&alone), ["quality"], "averages of stems that add up need not");
}

#[test]
fn members_without_the_stem_and_weights_that_are_none_are_refused() {
    let both = both();
    let refused = |members: Vec<Member>, words: &str| {
        let error = Ensemble::new("both", members).err().unwrap();
        assert!(error.to_string().contains(words), "{error}");
    };
    let bs = |weights: &[(&str, f32)]| member("bs", &both.bs, weights);
    refused(vec![], "0 members");
    refused((0..17).map(|_| bs(&[("vocals", 1.0)])).collect(), "17 members");
    refused(vec![bs(&[("drums", 1.0)])], "no stem `drums`");
    refused(vec![bs(&[])], "`bs` must give stems");
    refused(vec![bs(&[("vocals", 1.0), ("vocals", 1.0)])], "`bs` must give stems");
    refused(vec![bs(&[("vocals", 0.0)])], "nothing counts for `vocals`");
    for weight in [-1.0, f32::NAN, f32::INFINITY] {
        refused(vec![bs(&[("vocals", weight)])], "weights of `bs`");
    }
    let ensemble = ensemble(&both);
    let error = ensemble.plan(clip(2, 1, 44_100).shape(), &names(&["bass"])).unwrap_err();
    assert!(matches!(&error, ModelError::UnknownStem { known, .. } if known == "vocals, other, drums"));
}
