//! A checkpoint and its settings into a folder with graph and recipe, as any import does it.

use crate::Failure;
use crate::installed::{FIGURES, GRAPH, RECIPE, WEIGHTS};
use std::fs::File;
use std::io::{BufReader, BufWriter};
use std::path::Path;
use tributary_models::checkpoint::{Checkpoint, Settings};
use tributary_models::convert::Separator;
use tributary_models::convert::roformer::Target;
use tributary_models::recipe::Network;

/// Settings that lie inside of the checkpoint.
const INSIDE: &str = "-";

/// Converts; `figures.json` beside the graph says how many multiplications one chunk takes, and how long a song is in chunks.
pub(crate) fn run(checkpoint: &Path, settings: &str, folder: &Path, half: bool) -> Result<(), Failure> {
    let checkpoint = Checkpoint::open(BufReader::new(File::open(checkpoint)?))?;
    let separator = if settings == INSIDE {
        Separator::new(checkpoint, None)?
    } else {
        let settings = Settings::parse(settings, &std::fs::read(settings)?)?;
        Separator::new(checkpoint, &settings)?
    };
    std::fs::create_dir_all(folder)?;
    let target = if half { Target::Gpu } else { Target::Cpu };
    let mut graph = BufWriter::new(File::create(folder.join(GRAPH))?);
    let beside = || File::create(folder.join(WEIGHTS)).map(BufWriter::new);
    let written = separator.write(target, &[], WEIGHTS, &mut graph, beside, &mut |_, _| {})?;
    // One chunk over each frame: what a chunk takes is measured, not how often a program repeats it.
    let mut recipe = separator.recipe().clone();
    recipe.overlap = 1;
    if let Network::HtDemucs { step_frames, .. } = &mut recipe.network {
        *step_frames = None;
    }
    std::fs::write(folder.join(RECIPE), toml::to_string(&recipe)?)?;
    let figures = serde_json::json!({
        "multiplications": separator.multiplications()?,
        "chunk_seconds": f64::from(recipe.chunk_frames) / f64::from(recipe.rate_hz),
        "graph_bytes": written.graph_bytes,
        "weights_bytes": written.weights_bytes,
    });
    // Last, so that a folder with figures is whole.
    Ok(std::fs::write(folder.join(FIGURES), figures.to_string())?)
}
