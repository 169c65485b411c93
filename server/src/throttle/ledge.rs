//! Where buckets are kept: so many and no more. When there is no room, those that are full again, or will be first, are
//! forgotten: to forget a full bucket changes nothing, and to forget an almost full one next to nothing.

use governor::nanos::Nanos;
use governor::state::StateStore;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};

/// So many in so many buckets are forgotten at once, so that looking for them is paid once for many newcomers.
const SHARE: usize = 8;

/// For each key the time at which its bucket is full again.
#[derive(Debug)]
pub(super) struct Ledge<K> {
    full_at: Mutex<HashMap<K, Nanos>>,
    keys_max: usize,
}

impl<K: Hash + Eq + Clone> Ledge<K> {
    pub(super) fn new(keys_max: usize) -> Self {
        Self { full_at: Mutex::default(), keys_max }
    }
}

impl<K: Hash + Eq + Clone> StateStore for Ledge<K> {
    type Key = K;

    fn measure_and_replace<T, F, E>(&self, key: &K, decide: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let mut full_at = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        let (answer, next) = decide(full_at.get(key).copied())?;
        if let Some(known) = full_at.get_mut(key) {
            *known = next;
            return Ok(answer);
        }
        if full_at.len() >= self.keys_max {
            forget_fullest(&mut full_at, self.keys_max / SHARE);
        }
        full_at.insert(key.clone(), next);
        Ok(answer)
    }
}

/// Takes away the `count` buckets that are full first, and any that are full at the same moment.
fn forget_fullest<K>(full_at: &mut HashMap<K, Nanos>, count: usize) {
    let mut times: Vec<u64> = full_at.values().map(|time| time.as_u64()).collect();
    let last = count.min(times.len().saturating_sub(1));
    let (_, &mut border, _) = times.select_nth_unstable(last);
    full_at.retain(|_, time| time.as_u64() > border);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(ledge: &Ledge<u32>, key: u32, full_at: u64) -> Option<u64> {
        let before = ledge.measure_and_replace(&key, |known| Ok::<_, ()>((known, full_at.into())));
        before.unwrap().map(|time| time.as_u64())
    }

    #[test]
    fn there_are_never_more_than_so_many_and_the_emptiest_stay() {
        let ledge = Ledge::new(80);
        for key in 0..10_000 {
            // The later the key, the sooner its bucket is full.
            put(&ledge, key, u64::from(20_000 - key));
            assert!(ledge.full_at.lock().unwrap().len() <= 80);
        }
        assert_eq!(put(&ledge, 0, 1), Some(20_000), "the emptiest of all");
        assert_eq!(put(&ledge, 9_000, 1), None);
    }

    #[test]
    fn a_refusal_changes_nothing() {
        let ledge = Ledge::new(8);
        put(&ledge, 1, 5);
        assert_eq!(ledge.measure_and_replace(&1, |_| Err::<((), Nanos), _>("no")), Err("no"));
        assert_eq!(ledge.measure_and_replace(&2, |_| Err::<((), Nanos), _>("no")), Err("no"));
        assert_eq!(put(&ledge, 1, 6), Some(5));
        assert_eq!(put(&ledge, 2, 6), None);
    }

    #[test]
    fn buckets_that_are_full_at_one_moment_go_together() {
        let ledge = Ledge::new(16);
        (0..17).for_each(|key| {
            put(&ledge, key, 1);
        });
        assert_eq!(ledge.full_at.lock().unwrap().len(), 1);
    }
}
