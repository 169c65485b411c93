//! One job in this process: progress, stopping, and errors of the source and the sink.

use crate::signals::{Held, Kept, RATE, mini, noise};
use std::sync::Arc;
use tributary_audio::{Audio, AudioError, ClipShape, Frames};
use tributary_models::chunk::ChunkShape;
use tributary_models::{Ask, Clip, Go, ModelError, Pipeline, ResultSink, Separate, run};

fn small_chunks() -> Separate {
    mini().with_chunks(ChunkShape::new(24, 8).unwrap())
}

fn long() -> Audio {
    noise(2, 400_000, RATE)
}

#[test]
fn progress_counts_every_chunk_once_and_the_report_agrees() {
    let (pipeline, audio) = (small_chunks(), long());
    let plan = pipeline.plan(audio.shape(), &Ask::default()).unwrap();
    let mut seen = Vec::new();
    let mut progress = |done: u32, total: u32| {
        seen.push((done, total));
        Go::On
    };
    let (mut session, mut sink) = (pipeline.load().unwrap(), Kept::default());
    let clip = Arc::new(Held(Arc::new(audio)));
    let report = run(&pipeline, &mut session, clip.into(), &plan, &mut sink, &mut progress).unwrap();
    assert_eq!(report.chunks, plan.chunks);
    assert!(report.infer <= report.wall && !report.assemble.is_zero() && !report.cut.is_zero());
    assert_eq!(seen, (0..=plan.chunks).map(|done| (done, plan.chunks)).collect::<Vec<_>>());
}

#[test]
fn a_stop_ends_the_run_before_another_chunk_is_begun() {
    for stop_at in [0, 1, 5] {
        let (pipeline, audio) = (small_chunks(), long());
        let plan = pipeline.plan(audio.shape(), &Ask::default()).unwrap();
        assert!(plan.chunks > 10);
        let mut last = 0;
        let mut progress = |done: u32, _: u32| {
            last = done;
            if done == stop_at { Go::Stop } else { Go::On }
        };
        let (mut session, mut sink) = (pipeline.load().unwrap(), Kept::default());
        let clip = Arc::new(Held(Arc::new(audio)));
        let stopped = run(&pipeline, &mut session, clip.into(), &plan, &mut sink, &mut progress);
        assert!(matches!(stopped, Err(ModelError::Stopped)));
        assert_eq!(last, stop_at, "nothing was reported after the stop");
    }
}

/// Tells of more frames than it has.
struct Short(Arc<Audio>);

struct ShortFrames(Box<dyn Frames>);

impl Clip for Short {
    fn open(&self) -> Result<Box<dyn Frames>, AudioError> {
        Ok(Box::new(ShortFrames(Held(Arc::clone(&self.0)).open()?)))
    }
}

impl Frames for ShortFrames {
    fn shape(&self) -> ClipShape {
        let shape = self.0.shape();
        ClipShape { frames: shape.frames + 100_000, ..shape }
    }

    fn read(&mut self, block: &mut [Vec<f32>], frames_max: usize) -> Result<usize, AudioError> {
        self.0.read(block, frames_max)
    }
}

#[test]
fn a_source_that_breaks_off_is_an_error_of_the_clip_at_any_rate() {
    for rate_hz in [RATE, 48_000] {
        let pipeline = small_chunks();
        let clip = Short(Arc::new(noise(2, 100_000, rate_hz)));
        let shape = clip.open().unwrap().shape();
        let plan = pipeline.plan(shape, &Ask::default()).unwrap();
        let (mut session, mut sink) = (pipeline.load().unwrap(), Kept::default());
        let mut go = |_: u32, _: u32| Go::On;
        let broken = run(&pipeline, &mut session, Arc::new(clip).into(), &plan, &mut sink, &mut go);
        assert!(matches!(broken, Err(ModelError::Audio(_))), "{broken:?}");
    }
}

/// Takes some blocks, then is full.
struct Full(usize);

impl ResultSink for Full {
    fn write(&mut self, _stem: usize, _block: &[&[f32]]) -> Result<(), AudioError> {
        self.0 = self.0.checked_sub(1).ok_or_else(|| AudioError::Io {
            action: "write the stem",
            cause: std::io::Error::from(std::io::ErrorKind::StorageFull),
        })?;
        Ok(())
    }

    fn sheet(&mut self, _sheet: usize, _bytes: &[u8]) -> Result<(), AudioError> {
        Ok(())
    }
}

#[test]
fn a_sink_that_is_full_ends_the_run_with_its_own_error() {
    for blocks in [0, 1, 9] {
        let (pipeline, audio) = (small_chunks(), long());
        let plan = pipeline.plan(audio.shape(), &Ask::default()).unwrap();
        let mut session = pipeline.load().unwrap();
        let (clip, mut go) = (Arc::new(Held(Arc::new(audio))), |_: u32, _: u32| Go::On);
        let full = run(&pipeline, &mut session, clip.into(), &plan, &mut Full(blocks), &mut go);
        assert!(matches!(full, Err(ModelError::Audio(AudioError::Io { .. }))), "{full:?}");
    }
}

#[test]
fn no_more_chunks_are_cut_than_may_be_in_flight() {
    let (pipeline, audio) = (small_chunks(), long());
    let plan = pipeline.plan(audio.shape(), &Ask::default()).unwrap();
    let (mut cutter, mut assembler) =
        pipeline.begin(&plan, Arc::new(Held(Arc::new(audio))).into(), 3).unwrap();
    let mut session = pipeline.load().unwrap();
    let (send, chunks) = std::sync::mpsc::channel();
    let cutting = std::thread::spawn(move || {
        while let Some(chunk) = cutter.next_chunk().unwrap() {
            send.send(chunk).unwrap();
        }
    });
    let mut sink = Kept::default();
    let mut cut = 0;
    while cut < plan.chunks {
        // Whatever was cut by now was cut while at most 3 were on their way.
        let batch: Vec<_> = std::iter::once(chunks.recv().unwrap()).chain(chunks.try_iter()).collect();
        assert!(batch.len() <= 3, "{} chunks were in flight", batch.len());
        cut += batch.len() as u32;
        for answer in pipeline.infer(&mut session, &batch).unwrap() {
            assembler.push(answer, &mut sink).unwrap();
        }
    }
    assembler.finish(&mut sink).unwrap();
    cutting.join().unwrap();
}
