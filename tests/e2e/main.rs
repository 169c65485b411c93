//! The whole product at work, linked once.

mod journey;
mod restart;
