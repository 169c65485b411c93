//! Thread: device. Runs batches, loads models, keeps one job's failure from the others.

use super::fair::Waiting;
use super::{Asked, DeviceError, Health, Shared};
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::slice;
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use tributary_models::{Chunk, ChunkAnswer, Pipeline, Session};

/// The thread's whole life.
pub(super) fn run(shared: &Shared) {
    let _closing = Closing(shared);
    let mut runner = Runner {
        sessions: Vec::new(),
        sessions_max: shared.options.sessions_max.max(1),
        health: &shared.health,
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
    answer: oneshot::Sender<Result<ChunkAnswer, DeviceError>>,
}

struct Runner<'a> {
    /// By model; the one used last at the end.
    sessions: Vec<(String, Session)>,
    sessions_max: usize,
    health: &'a Health,
}

impl Runner<'_> {
    /// Runs the batch. Where that fails, runs each of its chunks alone, so that only the guilty one has the error
    /// (and a batch that was too large for the device still succeeds).
    fn answer(&mut self, batch: Vec<Waiting<Asked>>) {
        let Some(first) = batch.first() else { return };
        let model = first.class.model.clone();
        let pipeline = Arc::clone(&first.item.pipeline);
        let (chunks, askers): (Vec<Chunk>, Vec<Asker>) = batch
            .into_iter()
            .map(|Waiting { item: Asked { pipeline, chunk, cancelled, answer }, .. }| {
                (chunk, Asker { pipeline, cancelled, answer })
            })
            .unzip();
        match self.run(&model, pipeline.as_ref(), &chunks) {
            Ok(answers) => {
                askers.into_iter().zip(answers).for_each(|(asker, answer)| self.tell(asker, Ok(answer)));
            }
            Err(error) if chunks.len() == 1 || matches!(error, DeviceError::Load { .. }) => {
                askers.into_iter().for_each(|asker| self.tell(asker, Err(error.clone())));
            }
            Err(error) => {
                tracing::warn!(
                    model,
                    error = &error as &dyn std::error::Error,
                    "a batch failed; its chunks run alone"
                );
                for (asker, chunk) in askers.into_iter().zip(&chunks) {
                    if asker.cancelled.is_cancelled() {
                        continue;
                    }
                    self.health.tick();
                    let alone = self.run(&model, asker.pipeline.as_ref(), slice::from_ref(chunk));
                    let only =
                        |mut answers: Vec<_>| answers.pop().expect("`run` gives as many answers as chunks");
                    self.tell(asker, alone.map(only));
                }
            }
        }
    }

    /// Hands the answer over; whoever no longer waits for it does not get it.
    fn tell(&self, asker: Asker, answer: Result<ChunkAnswer, DeviceError>) {
        self.health.count(answer.is_ok());
        drop(asker.answer.send(answer));
    }

    /// As many answers as chunks, in their order, or why not.
    fn run(
        &mut self,
        model: &str,
        pipeline: &dyn Pipeline,
        chunks: &[Chunk],
    ) -> Result<Vec<ChunkAnswer>, DeviceError> {
        let mut session = self.session(model, pipeline)?;
        let began = Instant::now();
        // A panic may leave the session half changed: it is dropped then, and the model loaded anew.
        let result = catch(model, || pipeline.infer(&mut session, chunks))?;
        let seconds = began.elapsed().as_secs_f64() / chunks.len() as f64;
        self.keep(model, session);
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

    /// The model's session, taken out of those kept, or loaded.
    fn session(&mut self, model: &str, pipeline: &dyn Pipeline) -> Result<Session, DeviceError> {
        if let Some(at) = self.sessions.iter().position(|(name, _)| name == model) {
            return Ok(self.sessions.remove(at).1);
        }
        // Room first: the device's memory holds `sessions_max` models, not one more for a moment.
        while self.sessions.len() >= self.sessions_max {
            let (name, _) = self.sessions.remove(0);
            tracing::info!(model = name, "unloaded: not used for longest");
        }
        self.publish();
        let began = Instant::now();
        let session = catch(model, || pipeline.load())?
            .map_err(|cause| DeviceError::Load { model: model.to_owned(), cause: Arc::new(cause) })?;
        tracing::info!(model, seconds = began.elapsed().as_secs_f64(), "loaded");
        Ok(session)
    }

    fn keep(&mut self, model: &str, session: Session) {
        self.sessions.push((model.to_owned(), session));
        self.publish();
    }

    fn publish(&self) {
        self.health.set_models(self.sessions.iter().map(|(name, _)| name.clone()).collect());
    }
}

/// Runs the pipeline's code; its panic is an error of this call.
fn catch<R>(model: &str, call: impl FnOnce() -> R) -> Result<R, DeviceError> {
    catch_unwind(AssertUnwindSafe(call)).map_err(|payload| DeviceError::Panicked {
        model: model.to_owned(),
        message: message_of(payload.as_ref()),
    })
}

fn message_of(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".to_owned())
}
