//! What this server offers: the installed models that have a price.

use crate::config::Config;
use crate::quote::Price;
use crate::settings;
use std::collections::BTreeMap;
use std::sync::Arc;
use tributary_audio::ClipShape;
use tributary_models::catalog::{Card, Catalog, CommercialUse, Grade, PriceClass};
use tributary_models::{Ask, ModelError, Pipeline, Plan};
use tributary_protocol::settings::Control;

/// Hex digits of a version.
const VERSION_CHARS: usize = 12;

/// One model on offer.
#[derive(Clone)]
pub struct Offer {
    /// What it is.
    pub card: Card,
    /// Which weights: the beginning of their hash, long enough never to be mistaken.
    pub version: String,
    /// How it runs.
    pub pipeline: Arc<dyn Pipeline>,
    /// Its price.
    pub credits_per_minute: u64,
    /// What a job may set.
    pub controls: Vec<Control>,
    /// Sheets it makes with nothing set.
    pub sheets: Vec<String>,
}

/// A clip of ten seconds: what a model makes does not depend on the clip, only on what is set.
const USUAL: ClipShape = ClipShape { channels: 2, frames: 480_000, rate_hz: 48_000 };

/// Price of a model that the configuration does not name.
fn usual_price(class: PriceClass) -> u64 {
    match class {
        PriceClass::Small => 1,
        PriceClass::Large => 4,
        _ => 8,
    }
}

impl Offer {
    /// The task's name on the wire and in lists.
    #[must_use]
    pub fn task_word(&self) -> &'static str {
        self.card.task.word()
    }

    /// The grade's name on the wire and in lists.
    #[must_use]
    pub fn grade_word(&self) -> &'static str {
        match self.card.grade {
            Grade::Preview => "preview",
            Grade::Standard => "standard",
            Grade::Studio => "studio",
            _ => "other",
        }
    }

    /// yes, no or unstated.
    #[must_use]
    pub fn commercial_word(&self) -> &'static str {
        match self.card.commercial_use {
            CommercialUse::Yes => "yes",
            CommercialUse::No => "no",
            CommercialUse::Unstated => "unstated",
        }
    }

    /// What was measured, in one line: "sodium (never seen in training): vocals 1.3 dB (+11.0 dB), ...".
    #[must_use]
    pub fn quality_in_words(&self) -> String {
        let clip = |quality: &tributary_models::catalog::Quality| {
            let seen = if quality.seen_in_training { "seen in training" } else { "never seen in training" };
            let stem = |(stem, sdr): (&String, &f64)| {
                let gain = quality.gain_db.get(stem).map(|gain| format!(" ({gain:+.1})")).unwrap_or_default();
                format!("{stem} {sdr:.1} dB{gain}")
            };
            let stems: Vec<_> = quality.sdr_db.iter().map(stem).collect();
            format!("{} ({seen}): {}", quality.clip, stems.join(", "))
        };
        self.card.quality.iter().map(clip).collect::<Vec<_>>().join("; ")
    }
}

/// All models on offer, by name.
#[derive(Clone)]
pub struct Offers(BTreeMap<String, Offer>);

impl Offers {
    /// Puts catalogue and prices together: every installed model whose licence lets it be sold, or that the
    /// configuration accepts by name.
    ///
    /// # Errors
    /// Where the configuration names a model that nobody knows, or a card is not usable.
    pub fn new(catalog: &Catalog, config: &Config) -> Result<Self, ModelError> {
        for name in config.prices.keys().chain(&config.accept_licences) {
            catalog.get(name)?;
        }
        for error in catalog.refused() {
            tracing::warn!(%error, "a card in the folder of models is not used");
        }
        let mut offers = BTreeMap::new();
        for card in catalog.cards() {
            if card.commercial_use != CommercialUse::Yes && !config.accept_licences.contains(&card.name) {
                tracing::warn!(model = card.name, "not offered: `accept_licences` does not name it");
                continue;
            }
            let pipeline = catalog.pipeline(&card.name)?;
            let usual = usual_price(card.price_class);
            let offer = Offer {
                card: card.clone(),
                version: catalog.files(&card.name)?.version().chars().take(VERSION_CHARS).collect(),
                credits_per_minute: config.prices.get(&card.name).copied().unwrap_or(usual),
                controls: pipeline.controls().iter().map(settings::control).collect(),
                sheets: pipeline.plan(USUAL, &Ask::default())?.sheets,
                pipeline,
            };
            offers.insert(card.name.clone(), offer);
        }
        Ok(Self(offers))
    }

    /// The same with other pipelines in the place of theirs.
    #[must_use]
    pub fn with_pipelines(mut self, other: impl Fn(Arc<dyn Pipeline>) -> Arc<dyn Pipeline>) -> Self {
        for offer in self.0.values_mut() {
            offer.pipeline = other(Arc::clone(&offer.pipeline));
        }
        self
    }

    /// The offer of that name.
    ///
    /// # Errors
    /// `UnknownModel`.
    pub fn get(&self, name: &str) -> Result<&Offer, ModelError> {
        self.0.get(name).ok_or_else(|| ModelError::UnknownModel { name: name.to_owned() })
    }

    /// What a started minute of a planned job costs: its model and all others that work on it.
    ///
    /// # Errors
    /// `UnknownModel` where one of those is not on offer.
    pub fn price(&self, offer: &Offer, plan: &Plan) -> Result<Price, ModelError> {
        let own = (offer.card.name.clone(), offer.credits_per_minute);
        let others = offer.pipeline.others(plan).into_iter().map(|part| {
            let credits = self.get(&part.model)?.credits_per_minute;
            Ok((part.model, credits))
        });
        let all: Result<_, ModelError> = std::iter::once(Ok(own)).chain(others).collect();
        all.map(Price)
    }

    /// All of them, by name.
    pub fn all(&self) -> impl Iterator<Item = &Offer> {
        self.0.values()
    }
}
