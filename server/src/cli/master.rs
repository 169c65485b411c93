//! `tributary master`: a mix in, a master out, to a target or like a reference.

use super::Place;
use super::batch::{self, BatchArgs, Task};
use std::path::PathBuf;

#[derive(clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    batch: BatchArgs,
    /// Make it sound like this one; several are averaged
    #[arg(long = "reference", value_name = "FILE")]
    references: Vec<PathBuf>,
    /// streaming, club, broadcast, podcast, reference or custom
    #[arg(long)]
    preset: Option<String>,
}

pub(super) async fn run(place: Place, args: Args) -> anyhow::Result<u8> {
    let task = Task {
        word: "master",
        prefers: &["master"],
        doing: "mastering",
        what: "mastered",
        stems: Vec::new(),
        references: args.references,
        settings: args.preset.map(|preset| format!("preset={preset}")).into_iter().collect(),
        lacks: &[],
    };
    batch::run(place, args.batch, task).await
}
