//! `tributary models`: what there is to choose from.

use super::{DONE, Place, screen};
use tributary_protocol::client::ModelView;

#[derive(clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(clap::Subcommand)]
enum What {
    /// The models the server offers
    List {
        /// One line of JSON a model
        #[arg(long)]
        json: bool,
    },
}

pub(super) async fn run(place: Place, args: Args) -> anyhow::Result<u8> {
    let What::List { json } = args.what;
    let offer = place.client().await?.models().await?;
    for model in &offer.models {
        screen::line(if json { as_json(model).to_string() } else { in_words(model) });
    }
    Ok(DONE)
}

fn in_words(model: &ModelView) -> String {
    let mut text = format!("{}  {} ({}, {} grade)\n", model.name, model.title, model.task, model.grade);
    let price = format!("{} a started minute", model.credits_per_minute);
    for (head, body) in [
        ("stems", model.stems.join(", ")),
        ("price", price),
        ("licence", model.licence.clone()),
        ("quality", model.quality.replace("; ", "\n           ")),
        ("about", model.description.clone()),
    ] {
        if !body.is_empty() {
            text.push_str(&format!("  {head:<8} {body}\n"));
        }
    }
    text.trim_end().to_owned()
}

fn as_json(model: &ModelView) -> serde_json::Value {
    serde_json::json!({
        "name": model.name, "title": model.title, "task": model.task, "grade": model.grade, "stems": model.stems,
        "licence": model.licence, "quality": model.quality, "description": model.description,
        "credits_per_minute": model.credits_per_minute.0,
    })
}
