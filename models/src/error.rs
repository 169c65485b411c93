//! What can go wrong in a pipeline; one variant for each thing the caller can do about it.

use tributary_audio::AudioError;

/// Why a pipeline could not be made or run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// No card of that name: list the models.
    #[error("there is no model `{name}`; `tributary models list` shows the installed ones")]
    UnknownModel {
        /// The name asked for.
        name: String,
    },
    /// The model does not give that stem.
    #[error("model `{model}` has no stem `{stem}`; it gives {known}")]
    UnknownStem {
        /// The model's name.
        model: String,
        /// The stem asked for.
        stem: String,
        /// The stems it has, comma separated.
        known: String,
    },
    /// A card that cannot be used; the message names the field.
    #[error("model card `{card}`: {reason}")]
    Card {
        /// Which card.
        card: String,
        /// Which field, and why.
        reason: String,
    },
    /// The weights are not what they must be.
    #[error(
        "`{file}` of `{model}` has SHA-256 {found}, the {says} says {expected}; `tributary models pull {model}` replaces it"
    )]
    Weights {
        /// The model's name.
        model: String,
        /// The file's name.
        file: String,
        /// Whether the `card` says what they must be or the `pin` of their first pull.
        says: &'static str,
        /// What it says, hex.
        expected: String,
        /// What was found, hex.
        found: String,
    },
    /// A file of the model is not installed.
    #[error(
        "`{file}` of model `{model}` is not installed ({reason}); `tributary models pull {model}` brings it"
    )]
    NoWeights {
        /// The model's name.
        model: String,
        /// The file's name.
        file: String,
        /// In the system's words.
        reason: String,
    },
    /// A file holds another graph than the card or the recipe describes: they do not belong together.
    #[error("`{file}` of model `{model}` is not the graph that its {says} describes: {reason}")]
    Graph {
        /// The model's name.
        model: String,
        /// The file's name.
        file: String,
        /// The `card` or the `recipe`.
        says: &'static str,
        /// What the graph has, and what that says.
        reason: String,
    },
    /// A setting is unknown or has a value it cannot have.
    #[error("setting `{setting}`: {reason}")]
    Setting {
        /// Which one.
        setting: String,
        /// What is wrong and what would be right.
        reason: String,
    },
    /// More or fewer references than the pipeline takes.
    #[error("`{model}` takes {allowed}, {given} were given")]
    References {
        /// The model's name.
        model: String,
        /// As many as these, in words.
        allowed: String,
        /// As many came.
        given: usize,
    },
    /// The sound cannot be worked on, for a reason that its owner can mend.
    #[error("{0}")]
    Unfit(String),
    /// The engine refused the graph or failed while running it.
    #[error("the neural engine failed on `{model}`: {reason}")]
    Engine {
        /// The model's name.
        model: String,
        /// In the engine's words.
        reason: String,
    },
    /// The device has no room for the weights, or for what is computed on the way: a smaller batch may fit.
    #[error(
        "the device ran out of memory with `{model}` ({reason}); choose a smaller model, or shorter chunks where it has \
         that control, or ask the operator for a device with more"
    )]
    OutOfMemory {
        /// The model's name.
        model: String,
        /// In the engine's words.
        reason: String,
    },
    /// The engine or the device that was asked for is not there.
    #[error("{wanted} cannot be used: {reason}")]
    NoEngine {
        /// Engine and device.
        wanted: String,
        /// Why not, and what to do.
        reason: String,
    },
    /// A file that should be ONNX Runtime cannot be used as such.
    #[error("{} cannot be used as ONNX Runtime: {reason}", library.display())]
    OnnxRuntime {
        /// Which file.
        library: std::path::PathBuf,
        /// Why not.
        reason: String,
    },
    /// Chunks came out of order, twice or not at all: a bug in the caller.
    #[error("expected chunk {expected}, got {got}")]
    ChunkOrder {
        /// The next index due.
        expected: u32,
        /// The index seen.
        got: u32,
    },
    /// The clip itself cannot be read.
    #[error("cannot read the clip")]
    Audio(#[from] AudioError),
    /// The job was stopped between two chunks.
    #[error("stopped")]
    Stopped,
}
