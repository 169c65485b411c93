//! Loads the built plugin into the test's process, as a DAW does. The one place of the workspace with `unsafe`; holds
//! nothing else.

use clack_host::entry::{PluginEntry, PluginEntryError};
use std::path::Path;

/// Loads a `.clap` of ours.
///
/// # Errors
/// Where the file is missing or is no plugin.
pub fn load(path: &Path) -> Result<PluginEntry, PluginEntryError> {
    #[expect(unsafe_code, reason = "a library's code is beyond what a compiler can see")]
    // SAFETY: the caller names a bundle that `cargo xtask test` built from this tree. Its entry comes from nice-plug's
    // export macro, which keeps to CLAP's ABI; its initialisers are Rust's own.
    unsafe {
        PluginEntry::load(path)
    }
}
