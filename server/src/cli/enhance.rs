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
    /// Also write down what is said: text, subtitles and markers
    #[arg(long)]
    transcript: bool,
}

pub(super) async fn run(place: Place, args: Args) -> anyhow::Result<u8> {
    let mut settings = Vec::new();
    if let Some(db) = args.strength {
        settings.push(format!("strength_db={db}"));
    }
    if let Some(lufs) = args.loudness {
        settings.extend(["loudness=on".to_owned(), format!("target_lufs={lufs}")]);
    }
    if args.transcript {
        settings.push("transcript=on".to_owned());
    }
    let task = Task {
        word: "enhance",
        prefers: &["deepfilternet3", "rnnoise", "gtcrn"],
        doing: "enhancing",
        what: "enhanced",
        stems: Vec::new(),
        references: Vec::new(),
        settings,
        lacks: &[(
            "transcript",
            "no speech model is installed; `tributary models pull whisper-base` brings one",
        )],
    };
    batch::run(place, args.batch, task).await
}
