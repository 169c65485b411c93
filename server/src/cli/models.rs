//! `tributary models`: what there is to choose from.

use super::{DONE, Place, screen};
use crate::config::Config;
use crate::offer::{Offer, Offers};
use tributary_models::catalog::Catalog;
use tributary_protocol::client::ModelView;
use tributary_protocol::vocab::Credits;

#[derive(clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(clap::Subcommand)]
enum What {
    /// The models the server offers
    List {
        /// The models in this program instead, as `separate --local` uses them
        #[arg(long)]
        local: bool,
        /// One line of JSON a model
        #[arg(long)]
        json: bool,
    },
}

pub(super) async fn run(place: Place, args: Args) -> anyhow::Result<u8> {
    let What::List { local, json } = args.what;
    let models = match local {
        true => embedded()?,
        false => place.client().await?.models().await?.models,
    };
    for model in &models {
        screen::line(if json { as_json(model).to_string() } else { in_words(model) });
    }
    Ok(DONE)
}

/// What a server with the default prices would offer.
fn embedded() -> anyhow::Result<Vec<ModelView>> {
    let offers = Offers::new(&Catalog::embedded()?, &Config::default())?;
    let view = |offer: &Offer| ModelView {
        name: offer.card.name.clone(),
        title: offer.card.title.clone(),
        task: offer.task_word().to_owned(),
        grade: offer.grade_word().to_owned(),
        stems: offer.card.stems.clone(),
        description: offer.card.description.clone(),
        licence: offer.card.licence.clone(),
        quality: offer.quality_in_words(),
        credits_per_minute: Credits(offer.credits_per_minute),
        version: offer.version(),
        controls: offer.controls.clone(),
        references_max: u32::try_from(offer.pipeline.references_max()).unwrap_or(u32::MAX),
        sheets: offer.sheets.clone(),
        commercial_use: offer.commercial_word().to_owned(),
    };
    Ok(offers.all().map(view).collect())
}

fn in_words(model: &ModelView) -> String {
    let mut text = format!("{}  {} ({}, {} grade)\n", model.name, model.title, model.task, model.grade);
    let price = format!("{} a started minute", model.credits_per_minute);
    for (head, body) in [
        ("stems", model.stems.join(", ")),
        ("price", price),
        ("version", model.version.clone()),
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
        "credits_per_minute": model.credits_per_minute.0, "version": model.version,
    })
}
