//! The whole product at work, linked once.

mod cancel;
mod fairness;
mod journey;
mod restart;
