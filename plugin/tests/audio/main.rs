//! The audio thread seen from outside: an engine fed with blocks, as a host does, and its desk.

mod any_order;
mod bounce;
mod free_play;
mod mixing;
mod pass_through;
mod playing;
mod recording;
mod reels;
mod rig;
