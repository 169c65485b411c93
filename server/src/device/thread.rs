//! Thread: device. Runs batches, halves those that fail, keeps one job's failure from the others.

use super::batch_limits::BatchLimits;
use super::fair::Waiting;
use super::residents::Residents;
use super::{Asked, DeviceError, Health, MemoryGauge, Meter, Shared, catch};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use tributary_models::{Chunk, ChunkAnswer, Pipeline};

/// The thread's whole life.
pub(super) fn run(shared: &Shared, gauge: Box<dyn MemoryGauge>) {
    let _closing = Closing(shared);
    let mut runner = Runner {
        residents: Residents::new(shared.options.memory_bytes, gauge, &shared.health),
        limits: BatchLimits::default(),
        batch_max: shared.options.batch_max.max(1),
        health: &shared.health,
        worked: Duration::ZERO,
    };
    while let Some(batch) = shared.next_batch() {
        shared.health.begin_batch();
        runner.answer(batch);
        shared.health.end_batch();
    }
}

/// However the thread ends, nobody waits for it afterwards: dropping a chunk ends the wait for it.
struct Closing<'a>(&'a Shared);

impl Drop for Closing<'_> {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.stopping = true;
        state.queue.retain(|_| false);
        super::publish_waiting(&state.queue);
        self.0.health.end();
    }
}

/// Who waits for one chunk of a batch.
struct Asker {
    pipeline: Arc<dyn Pipeline>,
    cancelled: CancellationToken,
    meter: Arc<Meter>,
    answer: oneshot::Sender<Result<ChunkAnswer, DeviceError>>,
}

/// Chunks that run together, and who waits for each.
struct Part {
    chunks: Vec<Chunk>,
    askers: Vec<Asker>,
}

/// What became of a part and its halves.
#[derive(Default)]
struct Division {
    /// Whether anything failed.
    failed: bool,
    /// Whether a chunk was left without an answer.
    guilty: bool,
    out_of_memory: bool,
    /// Chunks of the largest part that was answered.
    largest: usize,
}

struct Runner<'a> {
    residents: Residents<'a>,
    limits: BatchLimits,
    batch_max: usize,
    health: &'a Health,
    /// For the batch under way; loading models is nobody's.
    worked: Duration,
}

impl Runner<'_> {
    /// Runs the batch in parts as large as the model is known to bear.
    fn answer(&mut self, batch: Vec<Waiting<Asked>>) {
        let Some(first) = batch.first() else { return };
        let model = first.class.model.clone();
        let asked = batch.into_iter().map(|waiting| waiting.item);
        let (chunks, askers) = asked
            .map(|Asked { pipeline, chunk, cancelled, meter, answer }| {
                (chunk, Asker { pipeline, cancelled, meter, answer })
            })
            .unzip();
        let mut rest = Part { chunks, askers };
        while !rest.chunks.is_empty() {
            let size = self.limits.of(&model).min(rest.chunks.len());
            let later = rest.split_off(size);
            self.answer_part(&model, rest);
            rest = later;
        }
    }

    /// Runs some chunks together. Where that fails, runs halves, and halves of halves, so that only the guilty chunk has
    /// the error, and a batch that was too large for the device still succeeds.
    fn answer_part(&mut self, model: &str, part: Part) {
        let (size, mut division) = (part.chunks.len(), Division::default());
        let mut parts = vec![part];
        while let Some(part) = parts.pop() {
            let Some(first) = part.askers.first() else { continue };
            self.health.tick();
            let pipeline = Arc::clone(&first.pipeline);
            let result = self.run(model, pipeline.as_ref(), &part.chunks);
            let share =
                std::mem::take(&mut self.worked) / u32::try_from(part.chunks.len()).unwrap_or(u32::MAX);
            part.askers.iter().for_each(|asker| asker.meter.add(share));
            match result {
                Ok(answers) => {
                    division.largest = division.largest.max(part.chunks.len());
                    part.askers.into_iter().zip(answers).for_each(|(asker, a)| self.tell(asker, Ok(a)));
                }
                Err(error) => {
                    division.failed = true;
                    division.out_of_memory |= error.is_out_of_memory();
                    if part.chunks.len() == 1 || matches!(error, DeviceError::Load { .. }) {
                        division.guilty = true;
                        part.askers.into_iter().for_each(|asker| self.tell(asker, Err(error.clone())));
                    } else {
                        note_halved(model, part.chunks.len(), &error);
                        parts.extend(part.halves());
                    }
                }
            }
        }
        self.learn(model, size, &division);
    }

    /// Too large was a batch that ran out of memory, or whose chunks were all answered once there were fewer at a time; a
    /// guilty chunk alone says nothing of sizes.
    fn learn(&mut self, model: &str, size: usize, division: &Division) {
        if !division.failed {
            self.limits.worked(model, size, self.batch_max);
        } else if size > 1 && (division.out_of_memory || !division.guilty) {
            self.limits.lower(model, division.largest);
        }
    }

    /// Hands the answer over; whoever no longer waits for it does not get it.
    fn tell(&self, asker: Asker, answer: Result<ChunkAnswer, DeviceError>) {
        self.health.count(answer.is_ok());
        drop(asker.answer.send(answer));
    }

    /// As many answers as chunks, in their order, or why not. Where one chunk alone has no room, the other models give
    /// up theirs.
    fn run(
        &mut self,
        model: &str,
        pipeline: &dyn Pipeline,
        chunks: &[Chunk],
    ) -> Result<Vec<ChunkAnswer>, DeviceError> {
        let result = self.run_once(model, pipeline, chunks);
        match &result {
            Err(error)
                if error.is_out_of_memory() && chunks.len() == 1 && self.residents.unload_others(model) =>
            {
                self.run_once(model, pipeline, chunks)
            }
            _ => result,
        }
    }

    fn run_once(
        &mut self,
        model: &str,
        pipeline: &dyn Pipeline,
        chunks: &[Chunk],
    ) -> Result<Vec<ChunkAnswer>, DeviceError> {
        self.residents.ready(model, pipeline)?;
        let began = Instant::now();
        let result = self.residents.with(chunks, |session| catch(model, || pipeline.infer(session, chunks)));
        let worked = began.elapsed();
        self.worked += worked;
        let seconds = worked.as_secs_f64() / chunks.len() as f64;
        let result = result.inspect_err(|_| {
            // A panic may leave the session half changed: the model is loaded anew.
            self.residents.unload(model);
        })?;
        let answers =
            result.map_err(|cause| DeviceError::Infer { model: model.to_owned(), cause: Arc::new(cause) })?;
        metrics::histogram!("tributary_batch_size").record(chunks.len() as f64);
        metrics::histogram!("tributary_chunk_seconds", "model" => model.to_owned())
            .record_many(seconds, chunks.len());
        let asked = chunks.iter().map(|chunk| chunk.index);
        let answered = answers.iter().map(|answer| answer.index);
        if !asked.clone().eq(answered.clone()) {
            let (asked, answered) = (asked.collect(), answered.collect());
            return Err(DeviceError::Answers { model: model.to_owned(), asked, answered });
        }
        Ok(answers)
    }
}

impl Part {
    fn split_off(&mut self, at: usize) -> Self {
        Self { chunks: self.chunks.split_off(at), askers: self.askers.split_off(at) }
    }

    /// The later half first, without chunks that nobody waits for any more.
    fn halves(self) -> [Self; 2] {
        let waiting = self.chunks.into_iter().zip(self.askers);
        let (chunks, askers) = waiting.filter(|(_, asker)| !asker.cancelled.is_cancelled()).unzip();
        let mut first = Self { chunks, askers };
        let later = first.split_off(first.chunks.len().div_ceil(2));
        [later, first]
    }
}

fn note_halved(model: &str, chunks: usize, error: &DeviceError) {
    let cause = if error.is_out_of_memory() { "memory" } else { "other" };
    let labels = [("model", model.to_owned()), ("cause", cause.to_owned())];
    metrics::counter!("tributary_batches_halved_total", &labels).increment(1);
    let error = error as &dyn std::error::Error;
    tracing::warn!(model, chunks, error, "a batch failed; its halves run apart");
}
