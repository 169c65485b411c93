//! `tributary quote`: what a file would cost.

use super::{DONE, Place, batch, canonical, screen};
use std::path::PathBuf;
use tributary_protocol::client::QuoteAsk;

#[derive(clap::Args)]
pub(super) struct Args {
    /// Songs
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Model to use
    #[arg(long, default_value = "mini")]
    model: String,
    /// One of the model's controls, as it would be set: some make other models work, too
    #[arg(long = "set", value_name = "NAME=VALUE")]
    settings: Vec<String>,
    /// One line of JSON for every file
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(place: Place, args: Args) -> anyhow::Result<u8> {
    let client = place.client().await?;
    let settings = batch::settings_of_server(&client, &args.model, &args.settings).await?;
    let (mut sum, mut available) = (0, 0);
    for file in &args.files {
        let path = file.clone();
        let shape = tokio::task::spawn_blocking(move || canonical::shape_of(&path)).await??;
        let ask = QuoteAsk {
            model: args.model.clone(),
            frames: shape.frames,
            channels: shape.channels,
            rate_hz: shape.rate_hz,
            settings: settings.clone(),
        };
        let quote = client.quote(&ask).await?;
        (sum, available) = (sum + quote.credits.0, quote.available.0);
        screen::line(if args.json {
            let (credits, available) = (quote.credits.0, quote.available.0);
            serde_json::json!({ "file": file, "credits": credits, "available": available, "reason": quote.reason })
                .to_string()
        } else {
            format!(
                "{}: {} ({}; {})",
                file.display(),
                quote.credits,
                canonical::describe(shape),
                quote.reason
            )
        });
    }
    if !args.json {
        screen::line(format!("{sum} of {available} available credits"));
    }
    Ok(DONE)
}
