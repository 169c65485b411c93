//! How much of a clip a separator's job holds: read and not yet written. It does not grow with the clip.

use crate::families::Family;
use crate::unmix::{Installed, TINY, ask};
use std::sync::{Arc, Mutex};
use tributary_audio::{AudioError, ClipShape, Frames};
use tributary_models::{Clip, Pipeline, ResultSink};

/// Counts what comes.
#[derive(Default)]
pub(crate) struct Counted {
    /// `[stems]`.
    pub(crate) frames: Vec<u64>,
}

impl ResultSink for Counted {
    fn write(&mut self, stem: usize, block: &[&[f32]]) -> Result<(), AudioError> {
        self.frames.resize(self.frames.len().max(stem + 1), 0);
        self.frames[stem] += block[0].len() as u64;
        Ok(())
    }

    fn sheet(&mut self, sheet: usize, _bytes: &[u8]) -> Result<(), AudioError> {
        panic!("a separator wrote sheet {sheet}");
    }
}

/// A clip that nobody holds.
struct Endless {
    shape: ClipShape,
    /// Frames that each of its readers has read.
    read: Arc<Mutex<Vec<u64>>>,
}

struct EndlessFrames {
    shape: ClipShape,
    read: Arc<Mutex<Vec<u64>>>,
    reader: usize,
}

impl Clip for Endless {
    fn open(&self) -> Result<Box<dyn Frames>, AudioError> {
        let mut read = self.read.lock().unwrap();
        read.push(0);
        let reader = read.len() - 1;
        Ok(Box::new(EndlessFrames { shape: self.shape, read: Arc::clone(&self.read), reader }))
    }
}

impl Frames for EndlessFrames {
    fn shape(&self) -> ClipShape {
        self.shape
    }

    fn read(&mut self, block: &mut [Vec<f32>], frames_max: usize) -> Result<usize, AudioError> {
        let at = &mut self.read.lock().unwrap()[self.reader];
        let frames = (self.shape.frames - *at).min(frames_max as u64);
        for channel in block {
            channel.extend((*at..*at + frames).map(|i| (i % 100) as f32 / 100.0 - 0.5));
        }
        *at += frames;
        Ok(frames as usize)
    }
}

/// The most frames that were read and not yet written, with one chunk on its way at a time.
pub(crate) fn held_most(pipeline: &dyn Pipeline, seconds: u64, rate_hz: u32, quality: &str) -> u64 {
    let shape = ClipShape { channels: 2, frames: seconds * u64::from(rate_hz), rate_hz };
    let read = Arc::new(Mutex::new(Vec::new()));
    let plan = pipeline.plan(shape, &ask(&[("quality", quality)])).unwrap();
    let clip = Arc::new(Endless { shape, read: Arc::clone(&read) });
    let (mut cutter, mut assembler) = pipeline.begin(&plan, clip.into(), 1).unwrap();
    let (mut session, mut sink, mut most) = (pipeline.load().unwrap(), Counted::default(), 0);
    while let Some(chunk) = cutter.next_chunk().unwrap() {
        let written = (0..plan.stems.len()).map(|stem| sink.frames.get(stem).copied().unwrap_or(0)).min();
        most = most.max(read.lock().unwrap().iter().max().unwrap() - written.unwrap());
        let answer = pipeline.infer(&mut session, &[chunk]).unwrap().remove(0);
        assembler.push(answer, &mut sink).unwrap();
    }
    assembler.finish(&mut sink).unwrap();
    assert_eq!(sink.frames, vec![shape.frames; plan.stems.len()]);
    most
}

#[test]
fn what_a_job_holds_of_a_clip_does_not_grow_with_it() {
    for family in [Family::roformer(&TINY[0]), Family::htdemucs(), Family::scnet()] {
        let Installed { pipeline, _folder } = family.installed();
        for (rate_hz, quality) in
            [(44_100, "fast"), (44_100, "balanced"), (44_100, "best"), (48_000, "balanced")]
        {
            let [short, long] = [1, 3].map(|seconds| held_most(&pipeline, seconds, rate_hz, quality));
            // A chunk, what is mirrored into it, and what rate conversion reads ahead there and back.
            let chunk = u64::from(family.recipe.chunk_frames);
            let most = 2 * chunk * u64::from(rate_hz) / 44_100 + 8_192;
            let what = format!("{}, {quality} at {rate_hz} Hz: {short} and {long} frames", family.name);
            println!("{what} are held");
            assert!(short <= most && long <= most, "{what}, not {most}");
        }
    }
}
