//! Demucs' bags: several packages that are averaged stem by stem, named in a file of settings of their own.

use super::ConvertError;
use crate::checkpoint::Settings;
use crate::recipe::Recipe;

/// What a bag's file says.
#[derive(Clone, Debug, PartialEq)]
pub struct Bag {
    /// The packages' signatures, with which their files' names begin, in order.
    pub packages: Vec<String>,
    /// How much each counts for each stem, `[packages][stems]`; empty where all count the same.
    pub weights: Vec<Vec<f32>>,
}

impl Bag {
    /// Reads it: `models`, a list of signatures, and `weights`, a list of lists.
    ///
    /// # Errors
    /// Where either is something else, or their numbers differ.
    pub fn read(settings: &Settings) -> Result<Self, ConvertError> {
        let packages: Vec<String> = settings.at("models")?.texts()?.into_iter().map(str::to_owned).collect();
        let Some(entry) = settings.find("weights") else { return Ok(Self { packages, weights: Vec::new() }) };
        let numbers = |entry: &crate::checkpoint::Entry<'_>| -> Result<Vec<f32>, ConvertError> {
            entry.items()?.iter().map(|weight| Ok(weight.number()? as f32)).collect()
        };
        let weights: Vec<Vec<f32>> = entry.items()?.iter().map(numbers).collect::<Result<_, _>>()?;
        if weights.len() != packages.len() {
            let reason = format!("is for {} packages, and `models` names {}", weights.len(), packages.len());
            return Err(entry.wrong(&reason).into());
        }
        Ok(Self { packages, weights })
    }

    /// How all of it is fed: `each` package's own recipe, in order, must say the same.
    ///
    /// # Errors
    /// [`ConvertError::Settings`] where they differ or are too few, or the weights do not belong to them.
    pub fn recipe(&self, each: &[Recipe]) -> Result<Recipe, ConvertError> {
        let wrong = |reason: String| Err(ConvertError::Settings(reason));
        let (Some(first), true) = (each.first(), each.len() == self.packages.len()) else {
            return wrong(format!("{} packages came for a bag of {}", each.len(), self.packages.len()));
        };
        if let Some(at) = each.iter().position(|other| other != first) {
            return wrong(format!(
                "packages `{}` and `{}` of one bag are fed differently",
                self.packages[0], self.packages[at]
            ));
        }
        let mut recipe = first.clone();
        if each.len() > 1 {
            let same = || vec![vec![1.0; recipe.stems.len()]; each.len()];
            recipe.bag = if self.weights.is_empty() { same() } else { self.weights.clone() };
        }
        recipe.check().map_err(ConvertError::Settings)?;
        Ok(recipe)
    }
}
