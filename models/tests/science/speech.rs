//! Words by a model made for the test that says a known sentence, and by a real one where there is one.

mod damage;
mod formats;
mod limits;
mod model;
mod real;

use crate::signals::{Held, Kept, test_data};
use model::{Head, Script};
use serde_json::Value;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use tributary_audio::Audio;
use tributary_models::weights::sha256_hex;
use tributary_models::{
    Ask, Card, Files, Go, ModelError, Pipeline, SessionOptions, Setting, Settings, Speech, run,
};

const RATE: u32 = 16_000;
/// What the model of most tests says, and in which half second.
const SAID: [(&str, usize); 7] =
    [(" Ask", 1), (" not", 2), (" what", 4), (" your", 6), (" coun", 7), ("try", 8), (".", 10)];
const ASKED: Script<'_> = Script { language: 2, words: &SAID, ends: true };

/// The sheets of one job by name.
struct Sheets(Vec<(String, String)>);

impl Sheets {
    fn text(&self, name: &str) -> &str {
        &self.0.iter().find(|(known, _)| known == name).unwrap_or_else(|| panic!("no {name}")).1
    }

    fn json(&self) -> Value {
        serde_json::from_str(self.text("transcript.json")).unwrap()
    }

    /// Words with their times, of all lines.
    fn words(&self) -> Vec<(String, f64, f64)> {
        let json = self.json();
        let lines = json["lines"].as_array().unwrap().iter();
        let words = lines.flat_map(|line| line["words"].as_array().unwrap().clone());
        words
            .map(|word| {
                let seconds = |name: &str| word[name].as_f64().unwrap();
                let text = word["text"].as_str().unwrap().to_owned();
                (text, seconds("start_seconds"), seconds("end_seconds"))
            })
            .collect()
    }
}

/// The model that says [`SAID`], made once.
fn asked() -> &'static [u8] {
    static FILE: OnceLock<Vec<u8>> = OnceLock::new();
    FILE.get_or_init(|| model::file(&Head::of(&ASKED), &ASKED))
}

/// A pipeline on `weights`, which lie in `folder` from now on.
fn pipeline(folder: &Path, weights: &[u8]) -> Speech {
    let card = format!(
        "name = \"whisper-test\"\ntitle = \"Test\"\ndescription = \"For tests.\"\ntask = \"transcribe\"\n\
         architecture = \"whisper\"\ngrade = \"preview\"\nprice_class = \"small\"\npublisher = \"Nobody\"\n\
         licence = \"CC0-1.0\"\ncommercial_use = \"yes\"\n[[files]]\nfile = \"ggml-test.bin\"\nsha256 = \"{}\"\n",
        sha256_hex(weights)
    );
    let card = Card::parse(&card).unwrap();
    let models = folder.join(&card.name);
    std::fs::create_dir_all(&models).unwrap();
    std::fs::write(models.join("ggml-test.bin"), weights).unwrap();
    // One thread: its threads wait for each other by turning in place, which is slow where others want the cores.
    let options = SessionOptions { threads: NonZeroUsize::MIN, ..SessionOptions::default() };
    Speech::new(&card, Files::in_folder(&card, folder)).unwrap().with_session_options(options)
}

fn choice(name: &str, word: &str) -> Settings {
    Settings::default().with(name, Setting::Choice(word.to_owned()))
}

fn write_down(pipeline: &dyn Pipeline, audio: &Audio, settings: Settings) -> Result<Sheets, ModelError> {
    let plan = pipeline.plan(audio.shape(), &Ask { settings, ..Ask::default() })?;
    assert!(plan.stems.is_empty());
    let mut session = pipeline.load()?;
    let (mut kept, clip) = (Kept::default(), Arc::new(Held(Arc::new(audio.clone()))));
    let mut seen = Vec::new();
    let mut progress = |done: u32, total: u32| {
        seen.push((done, total));
        Go::On
    };
    run(pipeline, &mut session, clip.into(), &plan, &mut kept, &mut progress)?;
    assert_eq!(seen, (0..=plan.chunks).map(|done| (done, plan.chunks)).collect::<Vec<_>>());
    let numbers: Vec<_> = kept.sheets.iter().map(|(i, _)| *i).collect();
    assert_eq!(numbers, (0..plan.sheets.len()).collect::<Vec<_>>());
    let texts = kept.sheets.into_iter().map(|(_, bytes)| String::from_utf8(bytes).unwrap());
    Ok(Sheets(plan.sheets.into_iter().zip(texts).collect()))
}

fn with_model(audio: &Audio, settings: Settings) -> Sheets {
    let folder = tempfile::tempdir().unwrap();
    write_down(&pipeline(folder.path(), asked()), audio, settings).unwrap()
}

/// Sound that is nowhere silent.
fn sound(seconds: f64, rate_hz: u32, channels: usize) -> Audio {
    let frames = (seconds * f64::from(rate_hz)) as usize;
    let mut audio = crate::signals::noise(channels, frames, rate_hz);
    audio.channels.iter_mut().flatten().for_each(|sample| *sample *= 0.1);
    audio
}

#[test]
fn words_come_out_with_their_times_and_their_language() {
    let sheets = with_model(&sound(12.0, RATE, 1), Settings::default());
    assert_eq!(sheets.text("transcript.txt"), "Ask not what your country.\n");
    let json = sheets.json();
    assert_eq!(
        (&json["language"]["code"], &json["language"]["name"], &json["language"]["heard"]),
        (&"de".into(), &"German".into(), &true.into())
    );
    assert!(json["language"]["confidence"].as_f64().unwrap() > 0.9, "{json}");
    let words = sheets.words();
    let texts: Vec<_> = words.iter().map(|(text, ..)| text.as_str()).collect();
    assert_eq!(texts, ["Ask", "not", "what", "your", "country."]);
    // Each begins after the one before has sounded, and ends before the next one does; what lies between may be either's.
    // 0.1 s: the filter that steadies the alignment is seven columns of 20 ms wide.
    let sounds = [(0.5, 1.0), (1.0, 1.5), (2.0, 2.5), (3.0, 3.5), (3.5, 4.5)];
    for (i, (word, start, end)) in words.iter().enumerate() {
        let before = if i == 0 { 0.0 } else { sounds[i - 1].1 };
        let after = sounds.get(i + 1).map_or(5.0, |next| next.0);
        let (from, to) = (before - 0.1..=sounds[i].0 + 0.1, sounds[i].1 - 0.1..=after + 0.1);
        assert!(from.contains(start) && to.contains(end), "{word}: {start} to {end}, not {from:?} to {to:?}");
    }
    let probability = json["lines"][0]["probability"].as_f64().unwrap();
    assert!(probability > 0.9 && probability <= 1.0, "{probability}");
}

#[test]
fn a_language_that_was_said_is_not_looked_for() {
    let json = with_model(&sound(5.0, RATE, 1), choice("language", "fr")).json();
    assert_eq!((&json["language"]["code"], &json["language"]["heard"]), (&"fr".into(), &false.into()));
    assert_eq!(json["language"]["confidence"], 1.0);
    let translated = Settings::default().with("translate", Setting::Switch(true));
    let sheets = with_model(&sound(5.0, RATE, 1), translated);
    assert_eq!(
        (&sheets.json()["translated"], &sheets.json()["language"]["code"]),
        (&true.into(), &"de".into())
    );
    assert!(sheets.text("transcript.vtt").starts_with("WEBVTT\nLanguage: en\n"));
}

#[test]
fn a_long_clip_is_heard_window_by_window_and_the_same_in_any_batch() {
    let folder = tempfile::tempdir().unwrap();
    let pipeline = pipeline(folder.path(), asked());
    let mut audio = sound(75.0, RATE, 1);
    // Pauses where the cuts shall be: near 24 s and 48 s, not there.
    for (from, to) in [(22.5, 22.9), (50.2, 50.6)] {
        let range = (from * f64::from(RATE)) as usize..(to * f64::from(RATE)) as usize;
        audio.channels[0][range].fill(0.0);
    }
    let sheets = write_down(&pipeline, &audio, Settings::default()).unwrap();
    let words = sheets.words();
    assert_eq!(words.len(), 15, "{words:?}");
    for (said, cut) in words.chunks(5).zip([0.0, 22.7, 50.4]) {
        // The first word begins where its window does, or where the pause there ends.
        assert!((said[0].1 - cut).abs() < 0.25 && (said[1].1 - cut - 1.0).abs() < 0.15, "{said:?} in {cut}");
    }

    let plan =
        pipeline.plan(audio.shape(), &Ask { settings: choice("language", "de"), ..Ask::default() }).unwrap();
    assert_eq!(plan.chunks, 3);
    let clip = Arc::new(Held(Arc::new(audio)));
    let (mut cutter, _assembler) = pipeline.begin(&plan, clip.into(), 3).unwrap();
    let chunks: Vec<_> = std::iter::from_fn(|| cutter.next_chunk().unwrap()).collect();
    let mut session = pipeline.load().unwrap();
    let together = pipeline.infer(&mut session, &chunks).unwrap();
    for (chunk, together) in chunks.iter().zip(&together) {
        let alone = pipeline.infer(&mut session, std::slice::from_ref(chunk)).unwrap();
        assert_eq!(alone[0].data, together.data);
        assert!(alone[0].data.len() > 20);
    }
}

#[test]
fn a_job_stops_between_windows() {
    let folder = tempfile::tempdir().unwrap();
    let pipeline = pipeline(folder.path(), asked());
    let audio = sound(80.0, RATE, 1);
    let plan = pipeline.plan(audio.shape(), &Ask::default()).unwrap();
    let mut session = pipeline.load().unwrap();
    let mut kept = Kept::default();
    let mut progress = |done: u32, _: u32| if done == 1 { Go::Stop } else { Go::On };
    let clip = Arc::new(Held(Arc::new(audio)));
    let stopped = run(&pipeline, &mut session, clip.into(), &plan, &mut kept, &mut progress);
    assert!(matches!(stopped, Err(ModelError::Stopped)), "{stopped:?}");
    assert!(kept.sheets.is_empty());
}

#[test]
fn more_than_the_model_writes_down_at_once_is_heard_in_halves() {
    let script = Script { ends: false, ..ASKED };
    let folder = tempfile::tempdir().unwrap();
    let pipeline = pipeline(folder.path(), &model::file(&Head::of(&script), &script));
    let count = |seconds: f64| {
        write_down(&pipeline, &sound(seconds, RATE, 1), Settings::default()).unwrap().words().len()
    };
    let (whole, halves) = (count(7.5), count(9.0));
    assert!(whole > 100 && halves > 2 * whole - 10, "{whole} {halves}");
}
