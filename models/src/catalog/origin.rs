//! Where a model's graph comes from when its publisher gives away a checkpoint: the file, its settings, and the names of
//! what is made of them.

use super::card::CardFile;
use serde::Deserialize;

/// A publisher's checkpoint and the settings beside it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Origin {
    /// The checkpoint. It is not needed any more once it was made into a graph.
    pub weights: CardFile,
    /// The publisher's settings; none where they are inside the checkpoint.
    #[serde(default)]
    pub settings: Option<CardFile>,
}

impl Origin {
    /// The graph.
    pub const GRAPH: &str = "model.onnx";
    /// The same in half precision.
    pub const HALF: &str = "model.half.onnx";
    /// How the network is fed: a [`Recipe`](crate::Recipe) as TOML.
    pub const RECIPE: &str = "recipe.toml";

    /// Checkpoint and settings.
    pub fn files(&self) -> impl Iterator<Item = &CardFile> {
        std::iter::once(&self.weights).chain(&self.settings)
    }

    /// What a checkpoint is made into. Their hashes are pinned when they are made.
    pub(super) fn made() -> Vec<CardFile> {
        let file = |file: &str| CardFile { file: file.to_owned(), ..CardFile::default() };
        let beside =
            |graph: &str| CardFile { weights_of: Some(graph.to_owned()), ..file(&format!("{graph}.data")) };
        vec![
            file(Self::GRAPH),
            beside(Self::GRAPH),
            CardFile { half_of: Some(Self::GRAPH.to_owned()), ..file(Self::HALF) },
            beside(Self::HALF),
            file(Self::RECIPE),
        ]
    }

    pub(super) fn check(&self) -> Result<(), String> {
        self.weights.check("checkpoint.weights")?;
        self.settings.iter().try_for_each(|file| file.check("checkpoint.settings"))?;
        let made = Self::made();
        match self.files().find(|file| made.iter().any(|other| other.file == file.file)) {
            Some(file) => {
                Err(format!("`checkpoint` has a file `{}`, which is what a graph is called here", file.file))
            }
            None => Ok(()),
        }
    }
}
