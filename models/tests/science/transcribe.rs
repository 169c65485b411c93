//! Transcription against its publisher's own outputs and against what is known of real music.

mod files;
mod heard;
mod limits;
mod line;
mod publisher;

use crate::signals::{Held, Kept};
use std::path::Path;
use std::sync::Arc;
use tributary_audio::Audio;
use tributary_models::{Ask, Catalog, Go, Pipeline, Setting, Settings, run};

/// The sheets of one job by name, as bytes.
struct Sheets(Vec<(String, Vec<u8>)>);

impl Sheets {
    fn bytes(&self, name: &str) -> &[u8] {
        &self.0.iter().find(|(known, _)| known == name).unwrap_or_else(|| panic!("no {name}")).1
    }

    fn text(&self, name: &str) -> &str {
        std::str::from_utf8(self.bytes(name)).unwrap()
    }

    fn analysis(&self) -> serde_json::Value {
        serde_json::from_str(self.text("analysis.json")).unwrap()
    }
}

fn read(path: &Path) -> Audio {
    Audio::read_all(&mut *tributary_audio::open(path).unwrap(), 1 << 28).unwrap()
}

fn settings(words: &[(&str, &str)], numbers: &[(&str, f64)]) -> Settings {
    let settings = words.iter().fold(Settings::default(), |settings, (name, word)| {
        settings.with(name, Setting::Choice((*word).to_owned()))
    });
    numbers.iter().fold(settings, |settings, (name, number)| settings.with(name, Setting::Number(*number)))
}

/// Runs a model whose files are in the program or in the folder of models.
fn transcribe(models: Option<&Path>, model: &str, audio: &Audio, settings: Settings) -> Sheets {
    let pipeline = Catalog::new(models).unwrap().pipeline(model).unwrap();
    transcribe_with(&*pipeline, audio, settings)
}

fn transcribe_with(pipeline: &dyn Pipeline, audio: &Audio, settings: Settings) -> Sheets {
    let plan = pipeline.plan(audio.shape(), &Ask { settings, ..Ask::default() }).unwrap();
    assert!(plan.stems.is_empty());
    let mut session = pipeline.load().unwrap();
    let (mut kept, clip) = (Kept::default(), Arc::new(Held(Arc::new(audio.clone()))));
    let mut progress = |_: u32, _: u32| Go::On;
    run(pipeline, &mut session, clip.into(), &plan, &mut kept, &mut progress).unwrap();
    assert_eq!(
        kept.sheets.iter().map(|(i, _)| *i).collect::<Vec<_>>(),
        (0..plan.sheets.len()).collect::<Vec<_>>()
    );
    Sheets(plan.sheets.into_iter().zip(kept.sheets.into_iter().map(|(_, bytes)| bytes)).collect())
}
