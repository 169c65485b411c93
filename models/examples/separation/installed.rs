//! A converted network in a folder, as the pipeline takes it.

use crate::Failure;
use std::path::Path;
use tributary_models::pipeline::unmix::Unmix;
use tributary_models::weights::{Files, sha256_hex};
use tributary_models::{Card, Recipe, SessionOptions};

/// The graph in its folder.
pub(crate) const GRAPH: &str = "graph.onnx";
/// What its weights are called where one file cannot hold both.
pub(crate) const WEIGHTS: &str = "graph.weights";
/// What was counted when it was converted.
pub(crate) const FIGURES: &str = "figures.json";
/// How it is fed.
pub(crate) const RECIPE: &str = "recipe.toml";

/// How the network in `folder` is fed.
pub(crate) fn recipe(folder: &Path) -> Result<Recipe, Failure> {
    Ok(toml::from_str(&std::fs::read_to_string(folder.join(RECIPE))?)?)
}

/// Its pipeline.
pub(crate) fn pipeline(folder: &Path, options: SessionOptions) -> Result<Unmix, Failure> {
    let (models, name) = folder
        .parent()
        .zip(folder.file_name().and_then(|name| name.to_str()))
        .ok_or("a folder has a name and a folder around it")?;
    let sha256 = sha256_hex(&std::fs::read(folder.join(GRAPH))?);
    let card = format!(
        "name = \"{name}\"\ntitle = \"Measured\"\ndescription = \"Random weights.\"\ntask = \"separate\"\n\
         architecture = \"measured\"\ngrade = \"preview\"\nprice_class = \"large\"\npublisher = \"Nobody\"\n\
         licence = \"CC0 1.0\"\ncommercial_use = \"yes\"\nstems = [\"measured\", \"rest\"]\n\
         [[files]]\nfile = \"{GRAPH}\"\nsha256 = \"{sha256}\"\n"
    );
    let files = Files::in_folder(&Card::parse(&card)?, models);
    Ok(Unmix::new(name, recipe(folder)?, files, &[GRAPH])?.with_session_options(options))
}
