//! Clips for the tests, a sink that keeps everything, and measures. No randomness that differs between runs.

use std::sync::Arc;
use tributary_audio::{Audio, AudioError, ClipShape, Frames};
use tributary_models::chunk::ChunkShape;
use tributary_models::{Ask, Catalog, Clip, Go, ResultSink, Separate, run};

pub(crate) const RATE: u32 = 44_100;
pub(crate) const STEMS: [&str; 4] = ["vocals", "drums", "bass", "other"];

/// A clip in memory, given out in blocks of odd sizes.
pub(crate) struct Held(pub(crate) Arc<Audio>);

struct HeldFrames {
    audio: Arc<Audio>,
    at: usize,
}

impl Clip for Held {
    fn open(&self) -> Result<Box<dyn Frames>, AudioError> {
        Ok(Box::new(HeldFrames { audio: Arc::clone(&self.0), at: 0 }))
    }
}

impl Frames for HeldFrames {
    fn shape(&self) -> ClipShape {
        self.audio.shape()
    }

    fn read(&mut self, block: &mut [Vec<f32>], frames_max: usize) -> Result<usize, AudioError> {
        let end = self.audio.frames().min(self.at + frames_max.min(1 + self.at % 7001));
        for (to, from) in block.iter_mut().zip(&self.audio.channels) {
            to.extend_from_slice(&from[self.at..end]);
        }
        let read = end - self.at;
        self.at = end;
        Ok(read)
    }
}

/// Keeps everything.
#[derive(Default)]
pub(crate) struct Kept {
    /// `[stem][channel][frame]`.
    pub(crate) stems: Vec<Vec<Vec<f32>>>,
    /// As they came: number and bytes.
    pub(crate) sheets: Vec<(usize, Vec<u8>)>,
}

impl ResultSink for Kept {
    fn write(&mut self, stem: usize, block: &[&[f32]]) -> Result<(), AudioError> {
        while self.stems.len() <= stem {
            self.stems.push(vec![Vec::new(); block.len()]);
        }
        for (to, from) in self.stems[stem].iter_mut().zip(block) {
            to.extend_from_slice(from);
        }
        Ok(())
    }

    fn sheet(&mut self, sheet: usize, bytes: &[u8]) -> Result<(), AudioError> {
        self.sheets.push((sheet, bytes.to_vec()));
        Ok(())
    }
}

/// White noise in (-1, 1) by a linear congruential generator (Knuth's MMIX constants).
pub(crate) fn noise(channels: usize, frames: usize, rate_hz: u32) -> Audio {
    let mut state = 1_u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1_u64 << 23) as f32 - 1.0
    };
    Audio { channels: (0..channels).map(|_| (0..frames).map(|_| next()).collect()).collect(), rate_hz }
}

pub(crate) fn mini() -> Separate {
    let catalog = Catalog::embedded().unwrap();
    Separate::new(catalog.get("mini").unwrap(), catalog.files("mini").unwrap().clone()).unwrap()
}

pub(crate) fn separate_with(pipeline: &Separate, audio: &Audio, stems: &[&str]) -> Vec<Vec<Vec<f32>>> {
    use tributary_models::Pipeline;
    let stems: Vec<String> = stems.iter().map(|s| (*s).to_owned()).collect();
    let plan = pipeline.plan(audio.shape(), &Ask::stems(&stems)).unwrap();
    let mut session = pipeline.load().unwrap();
    let (mut kept, clip) = (Kept::default(), Arc::new(Held(Arc::new(audio.clone()))));
    let mut progress = |_: u32, _: u32| Go::On;
    run(pipeline, &mut session, clip.into(), &plan, &mut kept, &mut progress).unwrap();
    kept.stems
}

pub(crate) fn separate(audio: &Audio, stems: &[&str]) -> Vec<Vec<Vec<f32>>> {
    separate_with(&mini(), audio, stems)
}

pub(crate) fn separate_whole(audio: &Audio) -> Vec<Vec<Vec<f32>>> {
    separate_with(&mini().with_chunks(ChunkShape::whole()), audio, &[])
}

/// `10 log10(|reference|^2 / |reference - estimate|^2)` over all channels, as in training/train_mini.py.
pub(crate) fn sdr_db(reference: &[Vec<f32>], estimate: &[Vec<f32>]) -> f64 {
    let pairs = || reference.iter().flatten().zip(estimate.iter().flatten());
    assert_eq!(reference.iter().flatten().count(), estimate.iter().flatten().count());
    let signal: f64 = pairs().map(|(r, _)| f64::from(*r).powi(2)).sum();
    let error: f64 = pairs().map(|(r, e)| (f64::from(*r) - f64::from(*e)).powi(2)).sum();
    10.0 * ((signal + 1e-9) / (error + 1e-9)).log10()
}

/// Energy of the difference against the energy of the reference, dB; minus infinity where there is no difference.
pub(crate) fn error_db<'a>(
    reference: impl Iterator<Item = &'a f32>,
    got: impl Iterator<Item = &'a f32>,
) -> f64 {
    let (mut signal, mut error) = (0.0, 0.0);
    for (r, g) in reference.zip(got) {
        signal += f64::from(*r).powi(2);
        error += (f64::from(*r) - f64::from(*g)).powi(2);
    }
    if error == 0.0 { f64::NEG_INFINITY } else { 10.0 * (error / signal).log10() }
}

/// The folder of real recordings; prints a line and gives none where it is not there.
pub(crate) fn test_data(what: &str) -> Option<std::path::PathBuf> {
    let folder = std::env::var_os("TRIBUTARY_TEST_DATA").map(std::path::PathBuf::from);
    if folder.is_none() {
        println!("left out: {what} (TRIBUTARY_TEST_DATA is not set)");
    }
    folder
}
