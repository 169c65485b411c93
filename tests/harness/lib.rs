//! A whole world for one test: a real server on its own data folder, real clients, songs with known stems. Ports
//! are chosen by the system; nothing outside the test's own folder is touched.

pub mod alone;
pub mod books;
pub mod browser;
pub mod calls;
pub mod child;
#[cfg(unix)]
pub mod chromium;
pub mod command;
pub mod database;
#[cfg(unix)]
pub mod door;
pub mod files;
pub mod http;
pub mod journal;
pub mod letters;
#[cfg(unix)]
pub mod plugin_host;
#[cfg(unix)]
pub mod producer;
pub mod raw;
pub mod signal;
pub mod site;
pub mod stage;
pub mod wait;

pub use alone::{World, alone, alone_with, measured};
pub use stage::Stage;
