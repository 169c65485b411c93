//! One bucket a key, filled evenly (GCRA, by `governor`). No more keys than a named number.

use super::ledge::Ledge;
use super::{Standing, TooOften, Whose};
use crate::clock::{self, Timestamp};
use governor::clock::Clock as _;
use governor::middleware::StateInformationMiddleware;
use governor::nanos::Nanos;
use governor::{Quota, RateLimiter};
use std::hash::Hash;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

/// Keys of one kind that are remembered; 80 bytes each and what the key has.
const KEYS_MAX: usize = 65_536;
/// Of a minute's calls, this share may come at once.
const BURST_SHARE: u32 = 6;

/// Our clock as `governor` reads it: nanoseconds.
#[derive(Clone)]
struct Reading(Arc<dyn clock::Clock>);

impl governor::clock::Clock for Reading {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        let Timestamp(micros) = self.0.now();
        Nanos::from(u64::try_from(micros).unwrap_or(0).saturating_mul(1_000))
    }
}

/// The buckets of one kind.
pub(super) struct Buckets<K: Hash + Eq + Clone> {
    whose: Whose,
    per_minute: u32,
    burst: u32,
    clock: Reading,
    limiter: RateLimiter<K, Ledge<K>, Reading, StateInformationMiddleware>,
}

impl<K: Hash + Eq + Clone> Buckets<K> {
    /// None for zero: no limit.
    pub(super) fn new(whose: Whose, per_minute: u32, clock: &Arc<dyn clock::Clock>) -> Option<Self> {
        let calls = NonZeroU32::new(per_minute)?;
        let burst = NonZeroU32::new(per_minute.div_ceil(BURST_SHARE))?;
        let clock = Reading(Arc::clone(clock));
        let quota = Quota::per_minute(calls).allow_burst(burst);
        let limiter = RateLimiter::new(quota, Ledge::new(KEYS_MAX), clock.clone());
        Some(Self { whose, per_minute, burst: burst.get(), clock, limiter })
    }

    /// Takes one call out of a bucket.
    pub(super) fn take(&self, key: &K) -> Result<Standing, TooOften> {
        let (whose, per_minute, burst) = (self.whose, self.per_minute, self.burst);
        match self.limiter.check_key(key) {
            Ok(state) => {
                let remaining = state.remaining_burst_capacity().min(burst);
                let one = state.quota().replenish_interval();
                let full_in = one.saturating_mul(burst - remaining);
                Ok(Standing { whose, per_minute, burst, remaining, full_in })
            }
            Err(not_yet) => {
                metrics::counter!("tributary_limited_total", "by" => whose.word()).increment(1);
                let wait = not_yet.wait_time_from(self.clock.now());
                Err(TooOften { whose, per_minute, burst, retry_after: wait.max(Duration::from_micros(1)) })
            }
        }
    }
}
