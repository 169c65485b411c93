//! The whole product at work, linked once.

mod cancel;
mod command;
mod disk;
mod fairness;
mod journey;
mod memory;
mod operations;
mod real_songs;
mod refusals;
mod restart;
