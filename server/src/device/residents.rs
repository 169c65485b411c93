//! The models that are loaded, each once, within a budget of memory: the one not used for longest makes room. Runs
//! nothing.

use super::health::Resident;
use super::{DeviceError, Health, MemoryGauge, catch};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;
use tributary_models::{Chunk, ModelError, Pipeline, Session};

/// Loaded models and what is known of their size.
pub(super) struct Residents<'a> {
    /// The one used last at the end.
    held: Vec<Held>,
    /// How large each was when it was here, so that room is made before it comes again.
    sizes: BTreeMap<String, u64>,
    budget_bytes: Option<u64>,
    gauge: Box<dyn MemoryGauge>,
    health: &'a Health,
}

struct Held {
    model: String,
    session: Session,
    bytes: u64,
    /// Numbers in the largest batch it was measured with.
    measured_with: usize,
}

impl<'a> Residents<'a> {
    /// Nothing yet. Without a budget of the deployment's the gauge's counts.
    pub(super) fn new(budget_bytes: Option<u64>, gauge: Box<dyn MemoryGauge>, health: &'a Health) -> Self {
        let budget_bytes = budget_bytes.or_else(|| gauge.budget_bytes());
        health.set_budget(budget_bytes);
        Self { held: Vec::new(), sizes: BTreeMap::new(), budget_bytes, gauge, health }
    }

    /// Loads the model where it is not here; it counts as used now.
    pub(super) fn ready(&mut self, model: &str, pipeline: &dyn Pipeline) -> Result<(), DeviceError> {
        match self.held.iter().position(|held| held.model == model) {
            Some(at) => self.held[at..].rotate_left(1),
            None => self.load(model, pipeline)?,
        }
        self.publish();
        Ok(())
    }

    /// Does `work` with the session of the model that was made [`Self::ready`] last, and measures it anew if it never had
    /// as large a batch.
    pub(super) fn with<R>(&mut self, batch: &[Chunk], work: impl FnOnce(&mut Session) -> R) -> R {
        let numbers = batch.iter().map(|chunk| chunk.data.len()).sum();
        let held = self.held.last_mut().expect("the caller made it ready");
        if held.measured_with >= numbers {
            return work(&mut held.session);
        }
        let before = self.gauge.used_bytes();
        let result = work(&mut held.session);
        held.measured_with = numbers;
        held.bytes = held.bytes.saturating_add(grown(before, self.gauge.used_bytes()));
        let (model, bytes) = (held.model.clone(), held.bytes);
        self.note_size(&model, bytes);
        self.make_room(0, 1);
        result
    }

    /// Gives the model up: what it left behind is not to be trusted.
    pub(super) fn unload(&mut self, model: &str) {
        if let Some(at) = self.held.iter().position(|held| held.model == model) {
            self.remove(at, "it failed");
            self.publish();
        }
    }

    /// Gives up all models but this one; whether there were any.
    pub(super) fn unload_others(&mut self, model: &str) -> bool {
        let before = self.held.len();
        while let Some(at) = self.held.iter().position(|held| held.model != model) {
            self.remove(at, "another model ran out of memory");
        }
        self.publish();
        self.held.len() < before
    }

    fn load(&mut self, model: &str, pipeline: &dyn Pipeline) -> Result<(), DeviceError> {
        let failed = |cause| DeviceError::Load { model: model.to_owned(), cause: Arc::new(cause) };
        // Room first: the device has no place for one model more, not even for a moment.
        self.make_room(self.sizes.get(model).copied().unwrap_or(0), 0);
        self.publish();
        let (began, mut before) = (Instant::now(), self.gauge.used_bytes());
        let mut loaded = catch(model, || pipeline.load())?;
        if let Err(ModelError::OutOfMemory { .. }) = &loaded
            && self.unload_others(model)
        {
            before = self.gauge.used_bytes();
            loaded = catch(model, || pipeline.load())?;
        }
        let session = loaded.map_err(failed)?;
        let bytes = grown(before, self.gauge.used_bytes()).max(session.weights_bytes());
        let (seconds, running) = (began.elapsed().as_secs_f64(), session.engine());
        tracing::info!(model, seconds, bytes, engine = %running, "loaded");
        if self.budget_bytes.is_some_and(|budget| bytes > budget) {
            tracing::warn!(
                model,
                bytes,
                budget = self.budget_bytes,
                "larger than `device.memory_mb` alone: it is the only one loaded while it is used"
            );
        }
        self.held.push(Held { model: model.to_owned(), session, bytes, measured_with: 0 });
        self.note_size(model, bytes);
        // A model that was never here tells its size only now.
        self.make_room(0, 1);
        Ok(())
    }

    /// Unloads from the one not used for longest until all and `more_bytes` are within the budget; the `keep` used last
    /// stay.
    fn make_room(&mut self, more_bytes: u64, keep: usize) {
        let Some(budget) = self.budget_bytes else { return };
        while self.held.len() > keep && self.bytes().saturating_add(more_bytes) > budget {
            self.remove(0, "not used for longest, and another model needs its memory");
        }
    }

    fn bytes(&self) -> u64 {
        self.held.iter().fold(0, |sum, held| sum.saturating_add(held.bytes))
    }

    fn remove(&mut self, at: usize, why: &str) {
        let Held { model, bytes, .. } = self.held.remove(at);
        metrics::gauge!("tributary_model_memory_bytes", "model" => model.clone()).set(0.0);
        tracing::info!(model, bytes, why, "unloaded");
    }

    fn note_size(&mut self, model: &str, bytes: u64) {
        self.sizes.insert(model.to_owned(), bytes);
        metrics::gauge!("tributary_model_memory_bytes", "model" => model.to_owned()).set(bytes as f64);
        self.publish();
    }

    fn publish(&self) {
        let resident = |held: &Held| {
            let running = held.session.engine();
            Resident {
                model: held.model.clone(),
                engine: running.engine.to_string(),
                device: running.device.to_string(),
                instead: running.instead.clone(),
                bytes: held.bytes,
            }
        };
        self.health.set_residents(self.held.iter().map(resident).collect());
    }
}

/// By how much more is in use; 0 where nobody knows, or where others gave more back.
fn grown(before: Option<u64>, after: Option<u64>) -> u64 {
    before.zip(after).map_or(0, |(before, after)| after.saturating_sub(before))
}
