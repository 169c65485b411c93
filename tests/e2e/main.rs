//! The whole product at work, linked once.

#![expect(clippy::unwrap_used, reason = "a test fails where it unwraps")]

mod addresses;
#[cfg(unix)]
mod browser;
mod cancel;
mod chain;
mod chaos;
mod command;
mod credits;
mod disk;
mod fairness;
mod journey;
mod keeping;
mod load;
mod memory;
mod operations;
mod pages;
#[cfg(unix)]
mod plugin_journey;
#[cfg(unix)]
mod plugin_life;
#[cfg(unix)]
mod plugin_real_time;
#[cfg(unix)]
mod plugin_sound;
#[cfg(unix)]
mod plugin_tasks;
#[cfg(unix)]
mod plugin_vst3;
mod rates;
mod real_songs;
mod refusals;
mod restart;
mod servers;
mod studio_grows;
mod tasks;
mod tenants;
mod widgets;
mod workers;
