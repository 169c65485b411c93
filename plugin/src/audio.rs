//! AUDIO THREAD. All that `process()` can reach lives here and in the files below: rings and atomics, no locks, no
//! memory asked for or given back, no I/O, no waiting (but see `pace`), no logging.
//!
//! [`pair`] makes the two ends: an [`Engine`] for the audio thread and a [`Desk`] for the session.
//!
//! ```text
//!            orders, reels                                       take
//!  session ---------------> engine: course -> recorder --tape--> session
//!          <---------------         pace      player
//!            reports, old reels               mixer <--- reel <--fill-- disk
//! ```

#![deny(clippy::disallowed_methods, clippy::disallowed_types, clippy::disallowed_macros)]

mod course;
pub mod desk;
mod engine;
pub mod gauges;
mod mixer;
mod pace;
mod player;
mod ramp;
mod recorder;
pub mod reel;
mod transport;

pub use desk::{Desk, End, Order, Report};
pub use engine::{AuxOutputs, Engine, pair};
pub use gauges::Gauges;
pub use reel::{Reel, ReelShape, Wanted};
pub use transport::Transport;
