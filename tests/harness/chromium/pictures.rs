//! Pictures of pages, for people to look at: written only where somebody asked for them.

use anyhow::Context;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::path::{Path, PathBuf};

/// Names the folder that pictures are written to.
const FOLDER: &str = "TRIBUTARY_SCREENSHOTS";

/// Where the picture of that name goes; none where nobody asked for pictures.
#[must_use]
pub fn picture(name: &str) -> Option<PathBuf> {
    let folder = std::env::var_os(FOLDER).filter(|folder| !folder.is_empty())?;
    Some(Path::new(&folder).join(format!("{name}.png")))
}

pub(super) fn write(path: &Path, base64: &str) -> anyhow::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).with_context(|| format!("make {}", folder.display()))?;
    }
    std::fs::write(path, STANDARD.decode(base64)?).with_context(|| format!("write {}", path.display()))
}
