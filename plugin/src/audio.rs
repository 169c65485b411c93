//! AUDIO THREAD. All that `process()` can reach lives here and in the files below: rings and atomics, no locks, no
//! memory asked for or given back, no I/O, no waiting (but see `pace`), no logging.
//!
//! `pair` makes the two ends: an `Engine` for the audio thread and a [`Desk`] for the session.

pub mod desk;
pub mod gauges;
pub mod reel;

pub use desk::{Desk, End, Order, Report};
pub use gauges::Gauges;
pub use reel::{Reel, ReelShape};
