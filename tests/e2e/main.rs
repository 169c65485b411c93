//! The whole product at work, linked once.

#![expect(clippy::unwrap_used, reason = "a test fails where it unwraps")]

mod cancel;
mod command;
mod credits;
mod disk;
mod fairness;
mod journey;
mod memory;
mod operations;
mod real_songs;
mod refusals;
mod restart;
mod tenants;
