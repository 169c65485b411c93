//! How many chunks of a model fit one batch, learned from batches that failed. Pure: no thread, no clock.

use std::collections::BTreeMap;

/// Batches of the learned size that must succeed before one chunk more is tried.
const PATIENCE: u32 = 64;
/// After every failure of the try the patience is doubled, up to this.
const PATIENCE_MAX: u32 = 4096;

/// For every model that once had a batch too large.
#[derive(Debug, Default)]
pub(super) struct BatchLimits(BTreeMap<String, Limit>);

#[derive(Debug)]
struct Limit {
    chunks: usize,
    /// Batches of that size since it was set.
    worked: u32,
    patience: u32,
}

impl BatchLimits {
    /// Chunks that the model's next batch may have; at least 1.
    pub(super) fn of(&self, model: &str) -> usize {
        self.0.get(model).map_or(usize::MAX, |limit| limit.chunks)
    }

    /// A batch was too large, and `chunks`, which are fewer, were not.
    pub(super) fn lower(&mut self, model: &str, chunks: usize) {
        let chunks = chunks.max(1);
        let limit = self.0.entry(model.to_owned());
        // What was there before was a try, and it failed.
        let limit = limit.and_modify(|limit| limit.patience = (limit.patience * 2).min(PATIENCE_MAX));
        let limit = limit.or_insert(Limit { chunks, worked: 0, patience: PATIENCE });
        (limit.chunks, limit.worked) = (chunks, 0);
        publish(model, chunks);
    }

    /// A batch of that size succeeded; whole ones of the learned size lead to a try of one chunk more. At `chunks_max`
    /// nothing is left to learn.
    pub(super) fn worked(&mut self, model: &str, chunks: usize, chunks_max: usize) {
        let Some(limit) = self.0.get_mut(model) else { return };
        if chunks < limit.chunks {
            return;
        }
        limit.worked += 1;
        if limit.worked >= limit.patience {
            (limit.chunks, limit.worked) = ((limit.chunks + 1).min(chunks_max), 0);
            publish(model, limit.chunks);
        }
    }
}

fn publish(model: &str, chunks: usize) {
    metrics::gauge!("tributary_batch_limit_chunks", "model" => model.to_owned()).set(chunks as f64);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn works(limits: &mut BatchLimits, times: u32) {
        (0..times).for_each(|_| limits.worked("m", limits.of("m").min(8), 8));
    }

    #[test]
    fn a_limit_is_learned_by_model_and_raised_by_one_after_enough_successes() {
        let mut limits = BatchLimits::default();
        assert_eq!(limits.of("m"), usize::MAX);
        limits.lower("m", 4);
        assert_eq!((limits.of("m"), limits.of("other")), (4, usize::MAX));
        works(&mut limits, PATIENCE - 1);
        assert_eq!(limits.of("m"), 4);
        limits.worked("m", 3, 8);
        assert_eq!(limits.of("m"), 4, "smaller batches say nothing");
        works(&mut limits, 1);
        assert_eq!(limits.of("m"), 5);
    }

    #[test]
    fn a_try_that_failed_makes_the_next_one_later() {
        let mut limits = BatchLimits::default();
        limits.lower("m", 4);
        works(&mut limits, PATIENCE);
        limits.lower("m", 4);
        works(&mut limits, PATIENCE);
        assert_eq!(limits.of("m"), 4);
        works(&mut limits, PATIENCE);
        assert_eq!(limits.of("m"), 5);
        (0..100).for_each(|_| limits.lower("m", 0));
        assert_eq!(limits.of("m"), 1, "one chunk is always tried");
        works(&mut limits, PATIENCE_MAX);
        assert_eq!(limits.of("m"), 2);
    }

    #[test]
    fn no_limit_is_raised_above_what_the_deployment_wants() {
        let mut limits = BatchLimits::default();
        limits.lower("m", 7);
        works(&mut limits, 3 * PATIENCE);
        assert_eq!(limits.of("m"), 8);
    }
}
