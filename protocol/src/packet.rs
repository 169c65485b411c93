//! Samples to wire bytes and back. Pure; never takes memory beyond the limits.
