//! Tributary in the DAW: records a take from the track, sends it to a server, brings the stems back in time.
//!
//! Four parts, each with its own thread, that meet in rings, snapshots and bounded queues only:
//!
//! - [`audio`]: what `process()` does, on the host's audio thread
//! - [`session`]: takes, jobs, account; one actor an instance, one runtime a process
//! - [`library`]: what lies on this user's disk and survives the DAW
//! - [`editor`]: the window; draws a [`view::View`], answers [`command::Command`]s

pub mod audio;
pub mod command;
#[cfg(all(feature = "door", unix))]
pub mod door;
pub mod drag;
pub mod editor;
pub mod library;
pub mod plugin;
pub mod project;
pub mod session;
pub mod settings;
pub mod view;
