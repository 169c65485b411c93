//! A whole world for one test: a real server on its own data folder, real clients, songs with known stems. Ports
//! are chosen by the system; nothing outside the test's own folder is touched.

pub mod books;
pub mod calls;
pub mod child;
pub mod command;
pub mod files;
pub mod http;
pub mod journal;
pub mod raw;
pub mod signal;
pub mod stage;
pub mod wait;

pub use stage::Stage;
