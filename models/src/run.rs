//! One job alone in this process: cutter and assembler on threads of their own, the device on the caller's.
//! No queue, no credits, no other jobs; the server has its own loop.

use crate::pipeline::{Assembler, Chunk, ChunkAnswer, Clips, Cutter, Pipeline, Plan, ResultSink};
use crate::progress::{Go, Progress};
use crate::{ModelError, Session};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

/// Chunks between cutter and assembler for every lane of the device (there are at most
/// [`SessionOptions::LANES_MAX`](crate::SessionOptions::LANES_MAX)): one on it, one waiting for it.
const CHUNKS_PER_LANE: usize = 2;

/// Where the time of a run went. The stages run side by side: their sum may exceed `wall`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct RunReport {
    /// Chunks that went through the device.
    pub chunks: u32,
    /// From the first frame read to the last one written.
    pub wall: Duration,
    /// Reading, rate conversion, forward transform, features. Waiting for room not included.
    pub cut: Duration,
    /// The network.
    pub infer: Duration,
    /// Masks, inverse transform, rate conversion, writing.
    pub assemble: Duration,
}

/// Runs `plan` on `clips` and writes stems and sheets to `sink`.
///
/// # Errors
/// Those of the pipeline and the sink; [`ModelError::Stopped`] within a chunk after `progress` says stop.
pub fn run(
    pipeline: &dyn Pipeline,
    session: &mut Session,
    clips: Clips,
    plan: &Plan,
    sink: &mut dyn ResultSink,
    progress: &mut dyn Progress,
) -> Result<RunReport, ModelError> {
    let started = Instant::now();
    if progress.chunk_done(0, plan.chunks) == Go::Stop {
        return Err(ModelError::Stopped);
    }
    let lanes = session.lanes().max(1);
    let in_flight = CHUNKS_PER_LANE * lanes;
    let (cutter, assembler) = pipeline.begin(plan, clips, in_flight)?;
    let (to_device, chunks) = sync_channel(in_flight);
    let (to_assembler, answers) = sync_channel(in_flight);
    let (cut, infer, assemble) = thread::scope(|scope| {
        let cut = scope.spawn(move || cut(cutter, &to_device));
        let assemble = scope.spawn(move || assemble(assembler, &answers, sink));
        let batch = Batch { most: lanes, sure: lanes.min(pipeline.chunks_abreast(plan)) };
        let infer = infer(pipeline, session, batch, plan.chunks, (chunks, to_assembler), progress);
        (cut.join(), infer, assemble.join())
    });
    let ended = |stage: thread::Result<_>| stage.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    let (cut, assemble): (Result<Duration, ModelError>, Result<Duration, ModelError>) =
        (ended(cut), ended(assemble));
    // A stage that stops because another has ended says so with `Stopped` or `ChunkOrder`: the cause comes first.
    let infer = infer?;
    let cut = match (cut, &assemble) {
        (Err(ModelError::Stopped), Err(_)) => Duration::ZERO,
        (cut, _) => cut?,
    };
    let assemble = assemble?;
    Ok(RunReport { chunks: plan.chunks, wall: started.elapsed(), cut, infer, assemble })
}

/// Thread: cutter. Ends when the device is gone.
fn cut(mut cutter: Box<dyn Cutter>, to_device: &SyncSender<Chunk>) -> Result<Duration, ModelError> {
    let mut busy = Duration::ZERO;
    loop {
        let started = Instant::now();
        let chunk = cutter.next_chunk()?;
        busy += started.elapsed();
        let Some(chunk) = chunk else { return Ok(busy) };
        if to_device.send(chunk).is_err() {
            return Ok(busy);
        }
    }
}

/// How many chunks are run at once.
#[derive(Clone, Copy)]
struct Batch {
    /// One a lane.
    most: usize,
    /// As many come without an answer to any of them.
    sure: usize,
}

/// Thread: the caller's. Takes what waits, at most one chunk a lane, and runs it. Ends when the cutter has ended, or
/// when the assembler is gone.
fn infer(
    pipeline: &dyn Pipeline,
    session: &mut Session,
    Batch { most, sure }: Batch,
    total: u32,
    (chunks, to_assembler): (Receiver<Chunk>, SyncSender<ChunkAnswer>),
    progress: &mut dyn Progress,
) -> Result<Duration, ModelError> {
    let (mut busy, mut done) = (Duration::ZERO, 0);
    while let Ok(first) = chunks.recv() {
        let mut batch = vec![first];
        while batch.len() < most && batch.len() < (total - done) as usize {
            // Waiting for a full batch is right: a lane left empty is a core left idle for a whole chunk. But not for
            // what may wait for the answers to these.
            let next = if batch.len() < sure { chunks.recv().ok() } else { chunks.try_recv().ok() };
            let Some(next) = next else { break };
            batch.push(next);
        }
        let started = Instant::now();
        let answers = pipeline.infer(session, &batch)?;
        busy += started.elapsed();
        drop(batch);
        for answer in answers {
            if to_assembler.send(answer).is_err() {
                return Ok(busy);
            }
            done += 1;
            if progress.chunk_done(done, total) == Go::Stop {
                return Err(ModelError::Stopped);
            }
        }
    }
    Ok(busy)
}

/// Thread: assembler. Ends after the last answer.
fn assemble(
    mut assembler: Box<dyn Assembler>,
    answers: &Receiver<ChunkAnswer>,
    sink: &mut dyn ResultSink,
) -> Result<Duration, ModelError> {
    let mut busy = Duration::ZERO;
    while let Ok(answer) = answers.recv() {
        let started = Instant::now();
        assembler.push(answer, sink)?;
        busy += started.elapsed();
    }
    let started = Instant::now();
    assembler.finish(sink)?;
    Ok(busy + started.elapsed())
}
