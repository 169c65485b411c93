//! `tributary enhance`: noisy speech in, speech and noise out.

use super::Place;
use super::batch::{self, BatchArgs, Task};

#[derive(clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    batch: BatchArgs,
    /// Take at most so much noise away [default: all of it]
    #[arg(long, value_name = "DB")]
    strength: Option<f64>,
    /// Bring the speech to this loudness, like -16
    #[arg(long, value_name = "LUFS", allow_negative_numbers = true)]
    loudness: Option<f64>,
}

pub(super) async fn run(place: Place, args: Args) -> anyhow::Result<u8> {
    let mut settings = Vec::new();
    if let Some(db) = args.strength {
        settings.push(format!("strength_db={db}"));
    }
    if let Some(lufs) = args.loudness {
        settings.extend(["loudness=on".to_owned(), format!("target_lufs={lufs}")]);
    }
    let task = Task {
        word: "enhance",
        prefers: &["deepfilternet3", "rnnoise", "gtcrn"],
        doing: "enhancing",
        what: "enhanced",
        stems: Vec::new(),
        references: Vec::new(),
        settings,
        lacks: &[],
    };
    batch::run(place, args.batch, task).await
}
