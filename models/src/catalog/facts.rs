//! What a card says beside what is needed to run it: contract, figures and where they are from. For people and pages.

use serde::Deserialize;

/// One of a model's graphs: what goes in and out. The pipeline is written against this.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Graph {
    /// Which of the card's files.
    pub file: String,
    /// What it takes.
    pub inputs: Vec<Port>,
    /// What it gives.
    pub outputs: Vec<Port>,
}

/// A named tensor of a graph.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Port {
    /// The graph's name for it.
    pub name: String,
    /// Its dimensions, a word for those that vary: `n, 43844, 1`; `scalar` where there is none.
    pub shape: String,
    /// What the numbers are, with unit and range.
    #[serde(default)]
    pub what: String,
}

/// A figure, and what it is worth.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Figure {
    /// What was measured: `SI-SDR gain`, `note F1`.
    pub what: String,
    /// With its unit: `13.9 dB`.
    pub figure: String,
    /// On what, how and by whom; without this a figure says nothing.
    pub conditions: String,
}

/// How fast it is, and how large.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Speed {
    /// `CPU, 1 core of an EPYC`, `one H200`.
    pub device: String,
    /// By which engine.
    pub engine: String,
    /// Seconds of work a second of audio.
    pub real_time_factor: f64,
    /// Most that was in use, MB.
    #[serde(default)]
    pub memory_mb: Option<u32>,
    /// What was counted, and what else the machine did.
    #[serde(default)]
    pub conditions: String,
}

impl Port {
    /// One by one.
    pub fn dimensions(&self) -> impl Iterator<Item = &str> {
        self.shape.split(',').map(str::trim).filter(|size| *size != "scalar")
    }
}

impl Graph {
    pub(super) fn check(&self, files: &[super::CardFile]) -> Result<(), String> {
        if !files.iter().any(|file| file.file == self.file) {
            return Err(format!("`graphs.file` is `{}`, which is not among `files`", self.file));
        }
        if self.inputs.is_empty() || self.outputs.is_empty() {
            return Err(format!("`graphs` of `{}` has no `inputs` or no `outputs`", self.file));
        }
        match self
            .inputs
            .iter()
            .chain(&self.outputs)
            .find(|port| port.name.is_empty() || port.shape.is_empty())
        {
            Some(_) => Err(format!("`graphs` of `{}` has an empty `name` or `shape`", self.file)),
            None => Ok(()),
        }
    }
}

impl Figure {
    pub(super) fn check(&self, field: &str) -> Result<(), String> {
        let empty = [&self.what, &self.figure, &self.conditions].iter().any(|text| text.trim().is_empty());
        if empty { Err(format!("`{field}` needs `what`, `figure` and `conditions`")) } else { Ok(()) }
    }
}

impl Speed {
    pub(super) fn check(&self) -> Result<(), String> {
        if self.real_time_factor.is_finite() && self.real_time_factor > 0.0 {
            return Ok(());
        }
        Err(format!("`speed.real_time_factor` is {}, it must be above 0", self.real_time_factor))
    }
}
