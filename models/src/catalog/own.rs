//! Cards of a deployment's own: of checkpoints from anywhere, imported under a name of their own. They lie beside the
//! model's files, so that taking the folder away takes the model away.

use super::card::{Card, CommercialUse};
use crate::ModelError;
use crate::recipe::{Network, Recipe};
use serde::Serialize;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// The file of a card in its model's folder.
pub const OWN_CARD: &str = "card.toml";
/// Folders beyond these are not looked at.
const FOLDERS_MAX: usize = 4_096;

/// All cards in a folder of models, in the order of their names, or why one cannot be used.
pub(super) fn cards(models: &Path) -> Vec<Result<Card, ModelError>> {
    // A folder that is not there has no cards.
    let Ok(folders) = std::fs::read_dir(models) else { return Vec::new() };
    let mut folders: Vec<_> =
        folders.take(FOLDERS_MAX).filter_map(Result::ok).map(|entry| entry.path()).collect();
    folders.sort();
    folders.iter().filter_map(|folder| read(folder).transpose()).collect()
}

/// The card in a model's folder; none where there is none.
fn read(folder: &Path) -> Result<Option<Card>, ModelError> {
    let name = folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let refused = |reason: String| ModelError::Card { card: name.clone(), reason };
    let file = match File::open(folder.join(OWN_CARD)) {
        Ok(file) => file,
        // Neither a folder without a card nor a file beside the folders says anything.
        Err(cause) if matches!(cause.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(cause) => return Err(refused(format!("{OWN_CARD}: {cause}"))),
    };
    let mut text = String::new();
    let read = file.take(Card::BYTES_MAX as u64 + 1).read_to_string(&mut text);
    read.map_err(|cause| refused(format!("{OWN_CARD}: {cause}")))?;
    let card = Card::parse(&text)?;
    if card.name != name {
        return Err(refused(format!("`name` is `{}`, it must be its folder's", card.name)));
    }
    Ok(Some(card))
}

/// What the owner says of a checkpoint that no card of the program knows.
#[derive(Clone, Debug)]
pub struct Own<'a> {
    /// Its name from now on.
    pub name: &'a str,
    /// What its licence is, in words; none where it is not stated.
    pub licence: Option<&'a str>,
    /// Whether the licence lets results be sold.
    pub commercial_use: CommercialUse,
    /// The checkpoint's file name.
    pub file: &'a str,
    /// Its SHA-256.
    pub sha256: &'a str,
    /// The settings' file name; none where they are inside.
    pub settings: Option<&'a str>,
}

/// A card as it is written: [`Card`] has what can be left out, too.
#[derive(Serialize)]
struct Text<'a> {
    name: &'a str,
    title: &'a str,
    description: String,
    task: &'static str,
    architecture: &'static str,
    grade: &'static str,
    price_class: &'static str,
    publisher: &'static str,
    licence: &'a str,
    commercial_use: &'static str,
    stems: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    remainder: Option<String>,
    rate_hz: u32,
    checkpoint: Checkpoint<'a>,
}

#[derive(Serialize)]
struct Checkpoint<'a> {
    weights: CheckpointFile<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    settings: Option<CheckpointFile<'a>>,
}

#[derive(Serialize)]
struct CheckpointFile<'a> {
    file: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    sha256: Option<&'a str>,
}

impl Own<'_> {
    /// The card's text, which [`Card::parse`] takes. Nothing is promised of a stranger's network: its grade is the lowest.
    #[must_use]
    pub fn card(&self, recipe: &Recipe) -> String {
        let text = Text {
            name: self.name,
            title: self.name,
            description: format!("Imported from {}.", self.file),
            task: "separate",
            architecture: recipe.network.word(),
            grade: "preview",
            price_class: match recipe.network {
                Network::BsRoformer { .. } => "heavy",
                _ => "large",
            },
            publisher: "not stated",
            licence: self.licence.unwrap_or("not stated"),
            commercial_use: match self.commercial_use {
                CommercialUse::Yes => "yes",
                CommercialUse::No => "no",
                CommercialUse::Unstated => "unstated",
            },
            stems: recipe.all_stems(),
            remainder: recipe.remainder().map(str::to_owned),
            rate_hz: recipe.rate_hz,
            checkpoint: Checkpoint {
                weights: CheckpointFile { file: self.file, sha256: Some(self.sha256) },
                settings: self.settings.map(|file| CheckpointFile { file, sha256: None }),
            },
        };
        let body = toml::to_string(&text).expect("strings and numbers are TOML");
        format!(
            "# The card of a checkpoint that was imported here; what it says of the licence is its owner's word.\n{body}"
        )
    }
}
