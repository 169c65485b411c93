//! What this server offers: the installed models that have a price.

use crate::config::Config;
use std::collections::BTreeMap;
use std::sync::Arc;
use tributary_models::catalog::{Card, Catalog, Grade, Task};
use tributary_models::{ModelError, Pipeline};

/// Hex digits of a version.
const VERSION_CHARS: usize = 12;

/// One model on offer.
#[derive(Clone)]
pub struct Offer {
    /// What it is.
    pub card: Card,
    /// How it runs.
    pub pipeline: Arc<dyn Pipeline>,
    /// Its price.
    pub credits_per_minute: u64,
}

impl Offer {
    /// The task's name on the wire and in lists.
    #[must_use]
    pub fn task_word(&self) -> &'static str {
        match self.card.task {
            Task::Separate => "separate",
            _ => "other",
        }
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

    /// Which weights: the beginning of their hash, long enough never to be mistaken.
    #[must_use]
    pub fn version(&self) -> String {
        self.card.weights.sha256.chars().take(VERSION_CHARS).collect()
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
    /// Puts catalogue and prices together.
    ///
    /// # Errors
    /// Where a price names a model that is not installed.
    pub fn new(catalog: &Catalog, config: &Config) -> Result<Self, ModelError> {
        let offer = |(name, price): (&String, &u64)| {
            let card = catalog.get(name)?.clone();
            let pipeline = catalog.pipeline(name)?;
            Ok((name.clone(), Offer { card, pipeline, credits_per_minute: *price }))
        };
        config.prices.iter().map(offer).collect::<Result<_, _>>().map(Self)
    }

    /// The offer of that name.
    ///
    /// # Errors
    /// `UnknownModel`.
    pub fn get(&self, name: &str) -> Result<&Offer, ModelError> {
        self.0.get(name).ok_or_else(|| ModelError::UnknownModel { name: name.to_owned() })
    }

    /// All of them, by name.
    pub fn all(&self) -> impl Iterator<Item = &Offer> {
        self.0.values()
    }
}
