//! `tributary transcribe`: sound in, notes, beats and key out.

use super::Place;
use super::batch::{self, BatchArgs, Task};

#[derive(clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    batch: BatchArgs,
}

pub(super) async fn run(place: Place, args: Args) -> anyhow::Result<u8> {
    let task = Task {
        word: "transcribe",
        prefers: &["basic-pitch", "beats"],
        doing: "transcribing",
        what: "notes",
        stems: Vec::new(),
        references: Vec::new(),
        settings: Vec::new(),
        lacks: &[],
    };
    batch::run(place, args.batch, task).await
}
