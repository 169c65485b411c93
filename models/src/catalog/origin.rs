//! Where a model's graphs come from when its publisher gives away checkpoints: the files, their settings, and the names of
//! what is made of them.

use super::card::CardFile;
use crate::recipe::Recipe;
use serde::Deserialize;

/// A publisher's checkpoint and the settings beside it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Origin {
    /// The checkpoint. It is not needed any more once it was made into a graph.
    pub weights: CardFile,
    /// More of them, whose networks are averaged with its: all hear the same.
    #[serde(default)]
    pub more: Vec<CardFile>,
    /// How much each network counts for each stem, `[networks][stems]`; where nothing is said, all count the same.
    #[serde(default)]
    pub bag: Vec<Vec<f32>>,
    /// The publisher's settings; none where they are inside the checkpoint.
    #[serde(default)]
    pub settings: Option<CardFile>,
}

impl Origin {
    /// The graph of the first checkpoint.
    pub const GRAPH: &str = "model.onnx";
    /// How the network is fed: a [`Recipe`](crate::Recipe) as TOML.
    pub const RECIPE: &str = "recipe.toml";

    /// The checkpoints, in the order of their networks.
    pub fn checkpoints(&self) -> impl Iterator<Item = &CardFile> {
        std::iter::once(&self.weights).chain(&self.more)
    }

    /// Checkpoints and settings.
    pub fn files(&self) -> impl Iterator<Item = &CardFile> {
        self.checkpoints().chain(&self.settings)
    }

    /// The graph of a network, counted from 0.
    #[must_use]
    pub fn graph(network: usize) -> String {
        match network {
            0 => Self::GRAPH.to_owned(),
            _ => format!("model.{}.onnx", network + 1),
        }
    }

    /// The same in half precision.
    #[must_use]
    pub fn half(network: usize) -> String {
        match network {
            0 => "model.half.onnx".to_owned(),
            _ => format!("model.{}.half.onnx", network + 1),
        }
    }

    /// The graphs of all networks.
    #[must_use]
    pub fn graphs(&self) -> Vec<String> {
        (0..=self.more.len()).map(Self::graph).collect()
    }

    /// What checkpoints are made into. Their hashes are pinned when they are made.
    pub(super) fn made(&self) -> Vec<CardFile> {
        let file = |file: &str| CardFile { file: file.to_owned(), ..CardFile::default() };
        let beside =
            |graph: &str| CardFile { weights_of: Some(graph.to_owned()), ..file(&format!("{graph}.data")) };
        let of_network = |network: usize| {
            let (graph, half) = (Self::graph(network), Self::half(network));
            let halved = CardFile { half_of: Some(graph.clone()), ..file(&half) };
            [file(&graph), beside(&graph), halved, beside(&half)]
        };
        (0..=self.more.len()).flat_map(of_network).chain([file(Self::RECIPE)]).collect()
    }

    pub(super) fn check(&self) -> Result<(), String> {
        self.weights.check("checkpoint.weights")?;
        if self.more.len() >= Recipe::BAG_MAX {
            let most = Recipe::BAG_MAX - 1;
            return Err(format!("`checkpoint.more` has {} files, allowed are {most}", self.more.len()));
        }
        self.more.iter().try_for_each(|file| file.check("checkpoint.more"))?;
        if !self.bag.is_empty() && self.bag.len() != self.more.len() + 1 {
            let networks = self.more.len() + 1;
            return Err(format!("`checkpoint.bag` is for {} of {networks} networks", self.bag.len()));
        }
        self.settings.iter().try_for_each(|file| file.check("checkpoint.settings"))?;
        let files: Vec<&CardFile> = self.files().collect();
        if let Some(i) =
            (1..files.len()).find(|&i| files[..i].iter().any(|other| other.file == files[i].file))
        {
            return Err(format!("`checkpoint` has a file `{}` twice", files[i].file));
        }
        let made = self.made();
        match self.files().find(|file| made.iter().any(|other| other.file == file.file)) {
            Some(file) => {
                Err(format!("`checkpoint` has a file `{}`, which is what a graph is called here", file.file))
            }
            None => Ok(()),
        }
    }
}
