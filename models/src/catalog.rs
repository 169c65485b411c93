//! Which models there are, and the pipeline each card stands for. Reads no files: cards and weights come as bytes.

pub mod card;

pub use card::{Card, Grade, PriceClass, Quality, Signal, Task, WeightsFile};

use crate::pipeline::separate::Separate;
use crate::{ModelError, Pipeline};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A card that is part of the program, with its weights.
struct Embedded {
    card: &'static str,
    weights: &'static [u8],
}

const EMBEDDED: &[Embedded] = &[Embedded {
    card: include_str!("../catalog/mini.toml"),
    weights: include_bytes!("../weights/mini.onnx"),
}];

/// The models at hand, by name.
pub struct Catalog {
    entries: BTreeMap<String, Entry>,
}

struct Entry {
    card: Card,
    weights: &'static [u8],
}

impl Catalog {
    /// The models built into the program.
    ///
    /// # Errors
    /// [`ModelError::Card`] where a card is not usable; a test keeps the built-in ones from that.
    pub fn embedded() -> Result<Self, ModelError> {
        let entries = EMBEDDED.iter().map(|embedded| {
            let card = Card::parse(embedded.card)?;
            Ok((card.name.clone(), Entry { card, weights: embedded.weights }))
        });
        Ok(Self { entries: entries.collect::<Result<_, ModelError>>()? })
    }

    /// All cards, by name.
    pub fn cards(&self) -> impl Iterator<Item = &Card> {
        self.entries.values().map(|entry| &entry.card)
    }

    /// One card.
    ///
    /// # Errors
    /// [`ModelError::UnknownModel`].
    pub fn get(&self, name: &str) -> Result<&Card, ModelError> {
        Ok(&self.entry(name)?.card)
    }

    /// The pipeline of a model, not yet loaded. Cheap beside [`Pipeline::load`]; make it once and share it.
    ///
    /// # Errors
    /// [`ModelError::UnknownModel`].
    pub fn pipeline(&self, name: &str) -> Result<Arc<dyn Pipeline>, ModelError> {
        let entry = self.entry(name)?;
        match entry.card.task {
            Task::Separate => Ok(Arc::new(Separate::new(&entry.card, entry.weights)?)),
        }
    }

    fn entry(&self, name: &str) -> Result<&Entry, ModelError> {
        self.entries.get(name).ok_or_else(|| ModelError::UnknownModel { name: name.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_embedded_card_is_usable_and_its_weights_are_what_it_says() {
        let catalog = Catalog::embedded().unwrap();
        assert_eq!(catalog.cards().map(|c| c.name.as_str()).collect::<Vec<_>>(), ["mini"]);
        for card in catalog.cards() {
            assert_eq!(catalog.get(&card.name).unwrap(), card);
            catalog.pipeline(&card.name).unwrap().load().unwrap();
        }
    }

    #[test]
    fn a_model_that_is_not_there_is_named_in_the_error() {
        let catalog = Catalog::embedded().unwrap();
        assert!(matches!(catalog.get("maxi"), Err(ModelError::UnknownModel { name }) if name == "maxi"));
        assert!(catalog.pipeline("").is_err());
    }

    #[test]
    fn mini_says_that_it_is_a_preview_and_how_good_it_is() {
        let catalog = Catalog::embedded().unwrap();
        let card = catalog.get("mini").unwrap();
        assert_eq!(card.grade, Grade::Preview);
        let unseen: Vec<_> = card.quality.iter().filter(|q| !q.seen_in_training).collect();
        assert_eq!(unseen.len(), 1);
        assert_eq!(unseen[0].sdr_db["other"], -7.93);
        assert!(card.commercial_use);
    }
}
