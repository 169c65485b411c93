//! `tributary transcribe`: sound in; notes, beats and key out, or words.

use super::Place;
use super::batch::{self, BatchArgs, Task};

#[derive(clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    batch: BatchArgs,
    /// Words, by a whisper model: the language that is spoken, by its code, like de [default: heard]
    #[arg(long, value_name = "CODE")]
    language: Option<String>,
    /// Words, by a whisper model: write English, whatever is spoken
    #[arg(long)]
    translate: bool,
}

pub(super) async fn run(place: Place, args: Args) -> anyhow::Result<u8> {
    let mut settings = Vec::new();
    if let Some(code) = args.language {
        settings.push(format!("language={code}"));
    }
    if args.translate {
        settings.push("translate=on".to_owned());
    }
    let task = Task {
        word: "transcribe",
        prefers: &["basic-pitch", "beats"],
        doing: "transcribing",
        what: "transcription",
        stems: Vec::new(),
        references: Vec::new(),
        settings,
        lacks: &[],
    };
    batch::run(place, args.batch, task).await
}
