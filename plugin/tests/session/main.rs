//! The session between an audio thread, a disk and a server that misbehaves. The server here is a double; the real one
//! is tested end to end elsewhere.

#![expect(clippy::unwrap_used, reason = "a test fails where it unwraps")]

mod capture;
mod connection;
mod jobs;
mod life;
mod paying;
mod rig;
mod studio;
mod tasks;
mod till;
