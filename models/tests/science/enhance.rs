//! Speech out of noise: agreement with other implementations, seams, invariants, measured quality.

mod gate;
mod invariants;
mod measures;
mod quality;
mod seams;

use crate::signals::{Held, Kept};
use std::path::PathBuf;
use std::sync::Arc;
use tributary_audio::Audio;
use tributary_models::{Ask, Catalog, Enhance, Go, Pipeline, run};

/// All networks, the one that needs no files first.
pub(crate) const NETWORKS: [&str; 3] = ["rnnoise", "deepfilternet3", "gtcrn"];

/// One segment, however long the clip.
pub(crate) const WHOLE: u32 = u32::MAX;

fn catalog() -> Catalog {
    let models = std::env::var_os("TRIBUTARY_TEST_DATA").map(|folder| PathBuf::from(folder).join("models"));
    Catalog::new(models.as_deref()).unwrap()
}

/// The network's pipeline; prints a line and gives none where its files are not there.
pub(crate) fn enhance(name: &str) -> Option<Enhance> {
    let catalog = catalog();
    if !catalog.is_installed(name) {
        println!("left out: {name} (TRIBUTARY_TEST_DATA has no such model)");
        return None;
    }
    Some(Enhance::new(catalog.get(name).unwrap(), catalog.files(name).unwrap().clone()).unwrap())
}

/// Runs a clip through.
pub(crate) fn through(pipeline: &Enhance, audio: &Audio, ask: &Ask) -> Kept {
    let plan = pipeline.plan(audio.shape(), ask).unwrap();
    let mut session = pipeline.load().unwrap();
    let (mut kept, clip) = (Kept::default(), Arc::new(Held(Arc::new(audio.clone()))));
    let report = run(pipeline, &mut session, clip.into(), &plan, &mut kept, &mut |_, _| Go::On).unwrap();
    assert_eq!(report.chunks, plan.chunks);
    kept
}

/// The speech stem of all defaults.
pub(crate) fn speech(pipeline: &Enhance, audio: &Audio) -> Vec<Vec<f32>> {
    through(pipeline, audio, &Ask::stems(&["speech".to_owned()])).stems.remove(0)
}

/// A recording of the test data.
pub(crate) fn recording(name: &str) -> Option<Audio> {
    let path = crate::signals::test_data(name)?.join("audio/speech").join(name);
    let mut source = tributary_audio::open(&path).unwrap();
    Some(Audio::read_all(&mut *source, u64::MAX).unwrap())
}
