//! Mastering from outside: what is promised of loudness, peaks and tone, and that nothing odd breaks it.

mod golden;
mod loudness;
mod oddities;
mod peaks;

use crate::signals::{Held, Kept};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tributary_audio::{Audio, AudioFrames, loudness as meter};
use tributary_models::{Ask, Catalog, Clip, Clips, Go, ModelError, Setting, Settings, run};

/// What came out: `[channels][frames]` and the report.
struct Mastered {
    sound: Vec<Vec<f32>>,
    report: serde_json::Value,
}

impl Mastered {
    fn number(&self, path: &str) -> f64 {
        let value = self.report.pointer(path);
        value.and_then(serde_json::Value::as_f64).unwrap_or_else(|| panic!("{path} in {}", self.report))
    }

    fn notes(&self) -> String {
        self.report["notes"].to_string()
    }
}

fn choice(name: &'static str, word: &str) -> (&'static str, Setting) {
    (name, Setting::Choice(word.to_owned()))
}

fn number(name: &'static str, value: f64) -> (&'static str, Setting) {
    (name, Setting::Number(value))
}

fn off(name: &'static str) -> (&'static str, Setting) {
    (name, Setting::Switch(false))
}

fn ask(references: &[&Audio], settings: &[(&str, Setting)]) -> Ask {
    let settings =
        settings.iter().fold(Settings::default(), |all, (name, setting)| all.with(name, setting.clone()));
    Ask { stems: Vec::new(), settings, references: references.iter().map(|r| r.shape()).collect() }
}

fn clips(clip: &Audio, references: &[&Audio]) -> Clips {
    let held = |audio: &Audio| Arc::new(Held(Arc::new(audio.clone()))) as Arc<dyn Clip>;
    Clips { clip: held(clip), references: references.iter().map(|r| held(r)).collect() }
}

fn try_master(
    clip: &Audio,
    references: &[&Audio],
    settings: &[(&str, Setting)],
) -> Result<Mastered, ModelError> {
    let pipeline = Catalog::embedded().unwrap().pipeline("master").unwrap();
    let plan = pipeline.plan(clip.shape(), &ask(references, settings))?;
    let (mut kept, mut done) = (Kept::default(), 0);
    let mut progress = |now: u32, total: u32| {
        (done, _) = (now, assert_eq!(total, plan.chunks));
        Go::On
    };
    let mut session = pipeline.load()?;
    run(&*pipeline, &mut session, clips(clip, references), &plan, &mut kept, &mut progress)?;
    assert_eq!(done, plan.chunks);
    assert_eq!(kept.sheets.len(), 1);
    let report = serde_json::from_slice(&kept.sheets[0].1).unwrap();
    let sound = kept.stems.remove(0);
    assert_eq!(sound.len(), clip.channels.len());
    assert!(
        sound.iter().all(|channel| channel.len() == clip.frames()),
        "every channel is as long as the clip"
    );
    assert!(sound.iter().flatten().all(|x| x.is_finite()));
    Ok(Mastered { sound, report })
}

fn master(clip: &Audio, references: &[&Audio], settings: &[(&str, Setting)]) -> Mastered {
    try_master(clip, references, settings).unwrap()
}

/// Integrated loudness by the meter of `audio`.
fn lufs(sound: &[Vec<f32>], rate_hz: u32) -> f64 {
    measured(sound, rate_hz).integrated_lufs.unwrap()
}

fn measured(sound: &[Vec<f32>], rate_hz: u32) -> tributary_audio::Loudness {
    let mut frames: AudioFrames = Audio { channels: sound.to_vec(), rate_hz }.into_frames();
    meter::measure(&mut frames).unwrap()
}

fn decoded(path: &Path) -> Audio {
    Audio::read_all(&mut tributary_audio::open(path).unwrap(), 44_100 * 60).unwrap()
}

/// A file of the demo song.
fn song(file: &str) -> Audio {
    decoded(&PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/song").join(file))
}

fn real(data: &Path, name: &str) -> Audio {
    decoded(&data.join("audio/separation").join(name).join("mixture.flac"))
}
