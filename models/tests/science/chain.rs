//! Pipelines in a row are what they are alone: stems and then their notes, speech and beats beside it.

use crate::signals::{Held, Kept, RATE, mini, noise, test_data};
use std::path::Path;
use std::sync::Arc;
use tributary_audio::Audio;
use tributary_models::pipeline::chain::Follower;
use tributary_models::{
    Ask, Beside, Catalog, Chain, Chunk, ChunkAnswer, Control, ControlKind, Go, Pipeline, Plan, Session,
    Setting, Settings, run,
};

const PRESETS: [(&str, &str); 4] =
    [("vocals", "voice"), ("drums", "drums"), ("bass", "bass"), ("other", "any")];

/// Everything that came out, sheets by name.
struct Made {
    stems: Vec<Vec<Vec<f32>>>,
    sheets: Vec<(String, Vec<u8>)>,
}

impl Made {
    fn sheet(&self, name: &str) -> &[u8] {
        &self.sheets.iter().find(|(known, _)| known == name).unwrap_or_else(|| panic!("no {name}")).1
    }

    fn analysis(&self) -> serde_json::Value {
        serde_json::from_slice(self.sheet("analysis.json")).unwrap()
    }
}

fn made(plan: &Plan, mut kept: Kept) -> Made {
    kept.sheets.sort_by_key(|(number, _)| *number);
    assert!(kept.sheets.iter().map(|(number, _)| *number).eq(0..plan.sheets.len()));
    let sheets = plan.sheets.iter().cloned().zip(kept.sheets.into_iter().map(|(_, bytes)| bytes));
    Made { stems: kept.stems, sheets: sheets.collect() }
}

fn on(switch: &str) -> Settings {
    Settings::default().with(switch, Setting::Switch(true))
}

fn through(pipeline: &dyn Pipeline, audio: &Audio, ask: &Ask) -> Made {
    let plan = pipeline.plan(audio.shape(), ask).unwrap();
    let mut session = pipeline.load().unwrap();
    let (mut kept, clip) = (Kept::default(), Arc::new(Held(Arc::new(audio.clone()))));
    let report = run(pipeline, &mut session, clip.into(), &plan, &mut kept, &mut |_, _| Go::On).unwrap();
    assert_eq!(report.chunks, plan.chunks);
    made(&plan, kept)
}

/// The catalogue with notes in it, where they are installed.
fn catalog(what: &str) -> Option<Catalog> {
    let models = test_data(what)?.join("models");
    Some(Catalog::new(Some(&models)).unwrap())
}

fn song(seconds: usize) -> Audio {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/song/mixture.flac");
    let mut audio = read(&path);
    audio.channels.iter_mut().for_each(|channel| channel.truncate(seconds * 44_100));
    audio
}

fn read(path: &Path) -> Audio {
    Audio::read_all(&mut *tributary_audio::open(path).unwrap(), 1 << 28).unwrap()
}

/// Notes without what a band adds to them.
fn notes<'a>(list: &'a serde_json::Value, stem: Option<&'a str>) -> Vec<serde_json::Value> {
    let those = list.as_array().unwrap().iter().filter(|note| note["stem"].as_str() == stem);
    let alone = those.cloned().map(|mut note| {
        note.as_object_mut().unwrap().remove("stem");
        note
    });
    alone.collect()
}

#[test]
fn the_notes_of_a_chain_are_those_of_its_stems_alone_and_its_beats_those_of_the_mixture() {
    let Some(catalog) = catalog("notes of stems") else { return };
    let audio = song(12);
    let mini = catalog.pipeline("mini").unwrap();
    let chained = through(&*mini, &audio, &Ask { settings: on("midi"), ..Ask::default() });
    let alone = through(&*mini, &audio, &Ask::default());
    assert!(chained.stems == alone.stems, "stems are the same, sample by sample");
    let analysis = chained.analysis();
    let transcribe = catalog.pipeline("basic-pitch").unwrap();
    for ((stem, preset), channels) in PRESETS.iter().zip(&alone.stems) {
        let audio = Audio { channels: channels.clone(), rate_hz: 44_100 };
        let settings = Settings::default().with("preset", Setting::Choice((*preset).to_owned()));
        let expected = through(&*transcribe, &audio, &Ask { settings, ..Ask::default() }).analysis();
        let list = if *stem == "drums" { "drum_notes" } else { "notes" };
        let (found, expected) = (notes(&analysis[list], Some(stem)), notes(&expected["notes"], None));
        println!("{stem}: {} notes", found.len());
        assert!(found == expected, "{stem}: {} notes, alone {}", found.len(), expected.len());
        assert!(!found.is_empty(), "{stem}");
    }
    let beats = through(&*catalog.pipeline("beats").unwrap(), &audio, &Ask::default()).analysis();
    for said in ["tempo", "tempo_map", "beats_seconds", "downbeats_seconds", "meter", "key"] {
        assert_eq!(analysis[said], beats[said], "{said}");
    }
    check_files(&chained);
}

/// One file with a track a stem and one of a stem alone say the same, by the same tempo map.
fn check_files(made: &Made) {
    let all = midly::Smf::parse(made.sheet("notes.mid")).unwrap();
    assert_eq!(all.tracks.len(), 5, "the tempo map, then four stems");
    for (track, (stem, _)) in all.tracks[1..].iter().zip(PRESETS) {
        let own = midly::Smf::parse(made.sheet(&format!("{stem}.mid"))).unwrap();
        assert_eq!((&own.tracks[0], &own.tracks[1]), (&all.tracks[0], track), "{stem}");
        assert!(matches!(track[0].kind, midly::TrackEventKind::Meta(midly::MetaMessage::TrackName(name))
            if name == stem.as_bytes()));
        let channels: Vec<u8> = track
            .iter()
            .filter_map(|event| match event.kind {
                midly::TrackEventKind::Midi { channel, .. } => Some(channel.as_int()),
                _ => None,
            })
            .collect();
        assert!(channels.iter().all(|channel| (*channel == 9) == (stem == "drums")), "{stem}: {channels:?}");
        let score = std::str::from_utf8(made.sheet(&format!("{stem}.musicxml"))).unwrap();
        roxmltree::Document::parse_with_options(
            score,
            roxmltree::ParsingOptions { allow_dtd: true, ..Default::default() },
        )
        .unwrap();
    }
}

#[test]
fn only_chosen_stems_have_notes_and_a_grid_moves_them_by_the_mixtures_beats() {
    let Some(catalog) = catalog("notes of chosen stems") else { return };
    let mini = catalog.pipeline("mini").unwrap();
    let settings = on("midi").with("quantize_percent", Setting::Number(100.0));
    let ask = Ask { settings, ..Ask::stems(&["bass".to_owned()]) };
    let made = through(&*mini, &song(12), &ask);
    let names: Vec<_> = made.sheets.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["notes.mid", "bass.mid", "bass.musicxml", "analysis.json"]);
    assert_eq!(made.stems.len(), 1);
    let analysis = made.analysis();
    let beats: Vec<f64> =
        analysis["beats_seconds"].as_array().unwrap().iter().map(|t| t.as_f64().unwrap()).collect();
    let bass = notes(&analysis["notes"], Some("bass"));
    assert!(bass.len() > 5 && beats.len() > 10, "{} notes, {} beats", bass.len(), beats.len());
    for note in bass {
        let start = note["start_seconds"].as_f64().unwrap();
        let Some(pair) = beats.windows(2).find(|pair| (pair[0]..pair[1]).contains(&start)) else { continue };
        let steps = 4.0 * (start - pair[0]) / (pair[1] - pair[0]);
        // 40 ms is how far the tempo map may go beside a beat.
        let off = (steps - steps.round()).abs() / 4.0 * (pair[1] - pair[0]);
        assert!(off < 0.04, "{start} lies {off} s beside the grid");
    }
}

#[test]
fn nothing_and_next_to_nothing_become_empty_sheets() {
    let Some(catalog) = catalog("notes of silence") else { return };
    let mini = catalog.pipeline("mini").unwrap();
    for (frames, rate_hz, channels) in [(441, 44_100, 2), (1, 8_000, 1), (3 * 48_000, 48_000, 2)] {
        let audio = Audio { channels: vec![vec![0.0; frames]; channels], rate_hz };
        let made = through(&*mini, &audio, &Ask { settings: on("midi"), ..Ask::default() });
        let analysis = made.analysis();
        assert_eq!(
            (&analysis["notes"], &analysis["drum_notes"]),
            (&serde_json::json!([]), &serde_json::json!([]))
        );
        assert!(analysis["tempo"].is_null() && analysis["key"].is_null());
        assert!(made.stems.iter().flatten().all(|channel| channel.len() == frames));
        assert_eq!(midly::Smf::parse(made.sheet("notes.mid")).unwrap().tracks.len(), 5);
    }
}

/// Runs a plan as a server does: batches of what is there, of one model each, with so many chunks on their way.
fn in_batches(pipeline: &dyn Pipeline, audio: &Audio, ask: &Ask, in_flight: usize, batch_max: usize) -> Made {
    let plan = pipeline.plan(audio.shape(), ask).unwrap();
    let clip = Arc::new(Held(Arc::new(audio.clone())));
    let (mut cutter, mut assembler) = pipeline.begin(&plan, clip.into(), in_flight).unwrap();
    let (send, chunks) = std::sync::mpsc::sync_channel::<Chunk>(in_flight);
    let cutting = std::thread::spawn(move || {
        while let Some(chunk) = cutter.next_chunk().unwrap() {
            send.send(chunk).unwrap();
        }
    });
    let others = pipeline.others(&plan);
    let mut own = pipeline.load().unwrap();
    let mut theirs: Vec<Session> = others.iter().map(|part| part.pipeline.load().unwrap()).collect();
    let (mut kept, mut count) = (Kept::default(), 0);
    while let Ok(first) = chunks.recv() {
        let batch: Vec<_> = std::iter::once(first).chain(chunks.try_iter().take(batch_max - 1)).collect();
        count += batch.len() as u32;
        let mut answers: Vec<ChunkAnswer> = Vec::new();
        for number in 0..=others.len() as u8 {
            let those: Vec<Chunk> = batch.iter().filter(|chunk| chunk.part == number).cloned().collect();
            answers.extend(match number {
                0 => pipeline.infer(&mut own, &those).unwrap(),
                _ => {
                    let at = others.iter().position(|part| part.number == number).unwrap();
                    others[at].pipeline.infer(&mut theirs[at], &those).unwrap()
                }
            });
        }
        answers.sort_by_key(|answer| answer.index);
        answers.into_iter().for_each(|answer| assembler.push(answer, &mut kept).unwrap());
    }
    assembler.finish(&mut kept).unwrap();
    cutting.join().unwrap();
    assert_eq!(count, plan.chunks);
    made(&plan, kept)
}

#[test]
fn batches_and_chunks_in_flight_do_not_change_what_comes_out() {
    let Some(catalog) = catalog("notes of stems in batches") else { return };
    let mini = catalog.pipeline("mini").unwrap();
    let (audio, ask) = (song(12), Ask { settings: on("midi"), ..Ask::default() });
    let expected = through(&*mini, &audio, &ask).analysis();
    for (in_flight, batch_max) in [(1, 1), (2, 8), (16, 4)] {
        let found = in_batches(&*mini, &audio, &ask, in_flight, batch_max).analysis();
        assert!(found == expected, "{in_flight} in flight, batches of {batch_max}");
    }
}

fn beats_beside(first: &str) -> Chain {
    let catalog = Catalog::embedded().unwrap();
    let switch = Control {
        name: "beats",
        title: "Beats",
        help: "Finds the beats, too.",
        kind: ControlKind::Switch { default: false },
        advanced: false,
    };
    let beats: Arc<dyn Follower> = Arc::new(Beside::new(switch, "beats", catalog.pipeline("beats").unwrap()));
    Chain::new(first, catalog.pipeline(first).unwrap(), vec![beats])
}

#[test]
fn what_works_beside_the_first_hears_the_clip_as_it_was_sent() {
    let catalog = Catalog::embedded().unwrap();
    for first in ["rnnoise", "mini", "master"] {
        let chain = beats_beside(first);
        for audio in [song(11), noise(2, 441, RATE), noise(1, 96_000, 96_000)] {
            let settings = on("beats").with("meter", Setting::Choice("3-4".to_owned()));
            let chained = through(&chain, &audio, &Ask { settings, ..Ask::default() });
            let alone = through(&*catalog.pipeline(first).unwrap(), &audio, &Ask::default());
            assert!(chained.stems == alone.stems, "{first}");
            assert_eq!(chained.sheets[..alone.sheets.len()], alone.sheets[..], "{first}");
            let meter = Settings::default().with("meter", Setting::Choice("3-4".to_owned()));
            let beats = catalog.pipeline("beats").unwrap();
            let beats = through(&*beats, &audio, &Ask { settings: meter, ..Ask::default() });
            assert_eq!(chained.sheets[alone.sheets.len()..], beats.sheets[..], "{first}");
        }
    }
}

#[test]
fn a_job_of_two_models_says_both_and_its_settings_are_all_in_the_record() {
    let chain = beats_beside("rnnoise");
    let shape = noise(1, 48_000, 48_000).shape();
    let plan = chain.plan(shape, &Ask { settings: on("beats"), ..Ask::default() }).unwrap();
    let others: Vec<_> = chain.others(&plan).into_iter().map(|part| part.model).collect();
    assert_eq!(others, ["beats"]);
    let names: Vec<_> = plan.settings.iter().map(|(name, _)| name).collect();
    assert!(
        ["beats", "meter", "strength_db", "tempo_bpm"].iter().all(|name| names.contains(name)),
        "{names:?}"
    );
    let again = Ask { stems: plan.stems.clone(), settings: plan.settings.clone(), references: Vec::new() };
    assert_eq!(chain.plan(shape, &again).unwrap(), plan, "a record planned again is the same");
    assert!(mini().controls().is_empty());
}
