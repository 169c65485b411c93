//! Pictures of every state of the plugin's window, drawn without a window.

use crate::run;
use anyhow::Context;
use std::path::PathBuf;

/// Where they go when nobody says.
const OUT: &str = "screens-out";

/// Draws them into `folder`.
///
/// # Errors
/// The program that draws does not build, or a file cannot be written.
pub(crate) fn run(folder: Option<PathBuf>) -> anyhow::Result<()> {
    // Cargo runs in the workspace, the user perhaps elsewhere.
    let here = std::env::current_dir().context("ask for the current folder")?;
    let folder = folder.map_or_else(|| crate::workspace::root().join(OUT), |folder| here.join(folder));
    let mut command =
        run::cargo(["run", "--quiet", "--package", "tributary-plugin", "--example", "screens", "--"]);
    run::run(command.arg(folder))
}
