//! `tributary separate`: songs in, stems out, and their notes.

use super::Place;
use super::batch::{self, BatchArgs, Task};

#[derive(clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    batch: BatchArgs,
    /// Only these stems, like vocals,drums [default: all the model has]
    #[arg(long, value_delimiter = ',', value_name = "NAMES")]
    stems: Vec<String>,
    /// Notes of each stem, too: a MIDI file for all, one for each, and a score for each
    #[arg(long)]
    midi: bool,
}

pub(super) async fn run(place: Place, args: Args) -> anyhow::Result<u8> {
    let task = Task {
        word: "separate",
        prefers: &["mini"],
        doing: "separating",
        what: "stems",
        stems: args.stems,
        references: Vec::new(),
        settings: args.midi.then(|| "midi=on".to_owned()).into_iter().collect(),
        lacks: &[(
            "midi",
            "what hears notes, `basic-pitch`, is not installed; `tributary models pull basic-pitch` brings it",
        )],
    };
    batch::run(place, args.batch, task).await
}
