//! Which models there are, which of them are installed, and the pipeline each card stands for.

pub mod card;
mod ensemble;
pub mod facts;
mod origin;
mod own;

pub use card::{Card, CardFile, CommercialUse, Grade, PriceClass, Quality, Signal, Task};
pub use ensemble::{ENSEMBLE, MemberCard};
pub use origin::Origin;
pub use own::{OWN_CARD, Own};

use crate::pipeline::chain::{Beside, Chain, Follower};
use crate::pipeline::enhance::Enhance;
use crate::pipeline::ensemble::{Ensemble, Member};
use crate::pipeline::master::Master;
use crate::pipeline::separate::Separate;
use crate::pipeline::speech::Speech;
use crate::pipeline::transcribe::{StemNotes, Transcribe};
use crate::pipeline::unmix::Unmix;
use crate::recipe::Recipe;
use crate::settings::{Control, ControlKind};
use crate::weights::Files;
use crate::{ModelError, Pipeline, SessionOptions};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// A card that is part of the program; some have their weights in it, too.
struct Known {
    card: &'static str,
    files: &'static [(&'static str, &'static [u8])],
}

const KNOWN: &[Known] = &[
    Known {
        card: include_str!("../catalog/mini.toml"),
        files: &[("mini.onnx", include_bytes!("../weights/mini.onnx"))],
    },
    Known { card: include_str!("../catalog/master.toml"), files: &[] },
    Known { card: include_str!("../catalog/basic-pitch.toml"), files: &[] },
    Known { card: include_str!("../catalog/swift-f0.toml"), files: &[] },
    Known { card: include_str!("../catalog/beats.toml"), files: &[] },
    Known { card: include_str!("../catalog/drum-notes.toml"), files: &[] },
    Known { card: include_str!("../catalog/rnnoise.toml"), files: &[] },
    Known { card: include_str!("../catalog/deepfilternet3.toml"), files: &[] },
    Known { card: include_str!("../catalog/gtcrn.toml"), files: &[] },
    Known { card: include_str!("../catalog/silero-vad.toml"), files: &[] },
    Known { card: include_str!("../catalog/whisper-tiny.toml"), files: &[] },
    Known { card: include_str!("../catalog/whisper-base.toml"), files: &[] },
    Known { card: include_str!("../catalog/whisper-small.toml"), files: &[] },
    Known { card: include_str!("../catalog/whisper-large-v3-turbo.toml"), files: &[] },
    Known { card: include_str!("../catalog/bs-roformer-4stem.toml"), files: &[] },
    Known { card: include_str!("../catalog/bs-roformer-vocals.toml"), files: &[] },
    Known { card: include_str!("../catalog/mel-roformer-vocals.toml"), files: &[] },
    Known { card: include_str!("../catalog/roformer-vocals-duo.toml"), files: &[] },
    Known { card: include_str!("../catalog/scnet-xl-ihf-4stem.toml"), files: &[] },
    Known { card: include_str!("../catalog/htdemucs-4stem.toml"), files: &[] },
    Known { card: include_str!("../catalog/htdemucs-ft-4stem.toml"), files: &[] },
    Known { card: include_str!("../catalog/htdemucs-6stem.toml"), files: &[] },
];

/// Speech models that write down what is said beside an enhancer; the best that is installed does.
const LISTENERS: [&str; 4] = ["whisper-large-v3-turbo", "whisper-small", "whisper-base", "whisper-tiny"];

/// The switch for it.
const TRANSCRIPT: Control = Control {
    name: "transcript",
    title: "Transcript",
    help: "Also writes down what is said, heard in the clip as it was sent.",
    kind: ControlKind::Switch { default: false },
    advanced: false,
};

/// The models there are, by name.
pub struct Catalog {
    entries: BTreeMap<String, Entry>,
    refused: Vec<ModelError>,
    options: SessionOptions,
}

struct Entry {
    card: Card,
    files: Files,
}

impl Catalog {
    /// The models whose weights are in the program, or that need none.
    ///
    /// # Errors
    /// [`ModelError::Card`] where a card is not usable; a test keeps the built-in ones from that.
    pub fn embedded() -> Result<Self, ModelError> {
        Self::new(None)
    }

    /// These and, with a folder of models, those whose files lie there as `<card>/<file>`, also the owner's own, whose
    /// cards lie there, too. A card of their own that cannot be used takes no other model away: see [`Catalog::refused`].
    ///
    /// # Errors
    /// As [`Catalog::embedded`].
    pub fn new(models: Option<&Path>) -> Result<Self, ModelError> {
        let entries = KNOWN.iter().map(|known| {
            let card = Card::parse(known.card)?;
            let files = match models {
                Some(folder) if known.files.is_empty() => Files::in_folder(&card, folder),
                _ => Files::embedded(&card, known.files),
            };
            Ok((card.name.clone(), Entry { card, files }))
        });
        let mut entries = entries.collect::<Result<BTreeMap<_, _>, ModelError>>()?;
        let program: Vec<String> = entries.keys().cloned().collect();
        let mut refused = Vec::new();
        for card in models.map(own::cards).unwrap_or_default() {
            match card {
                Ok(card) if entries.contains_key(&card.name) => {
                    let reason = "the program has a card of that name: call the model otherwise".to_owned();
                    refused.push(ModelError::Card { card: card.name, reason });
                }
                Ok(card) => {
                    let files = models.map(|folder| Files::in_folder(&card, folder));
                    let files = files.unwrap_or_else(|| Files::embedded(&card, &[]));
                    entries.insert(card.name.clone(), Entry { card, files });
                }
                Err(error) => refused.push(error),
            }
        }
        let whole = |name: &str, entries: &BTreeMap<String, Entry>| {
            let get = |name: &str| entries.get(name).map(|entry| &entry.card);
            let reason = get(name).and_then(|card| MemberCard::check_all(card, get).err());
            reason.map_or(Ok(()), |reason| Err(ModelError::Card { card: name.to_owned(), reason }))
        };
        program.iter().try_for_each(|name| whole(name, &entries))?;
        let own: Vec<String> = entries.keys().filter(|name| !program.contains(*name)).cloned().collect();
        for error in own.iter().filter_map(|name| whole(name, &entries).err()).collect::<Vec<_>>() {
            if let ModelError::Card { card, .. } = &error {
                entries.remove(card);
            }
            refused.push(error);
        }
        Ok(Self { entries, refused, options: SessionOptions::default() })
    }

    /// Why cards in the folder of models are not used.
    #[must_use]
    pub fn refused(&self) -> &[ModelError] {
        &self.refused
    }

    /// The same, with all sessions on the engine and the device that `options` name.
    #[must_use]
    pub fn with_session_options(mut self, options: SessionOptions) -> Self {
        self.options = options;
        self
    }

    /// Cards of the models that can be run, by name.
    pub fn cards(&self) -> impl Iterator<Item = &Card> {
        let can_be_run =
            |entry: &&Entry| self.is_installed(&entry.card.name) && entry.card.task != Task::Detect;
        self.entries.values().filter(can_be_run).map(|entry| &entry.card)
    }

    /// Cards of all models that the program knows, installed or not.
    pub fn known(&self) -> impl Iterator<Item = &Card> {
        self.entries.values().map(|entry| &entry.card)
    }

    /// Whether the model's files are there, and those of its members.
    #[must_use]
    pub fn is_installed(&self, name: &str) -> bool {
        let Ok(Entry { card, files }) = self.entry(name) else { return false };
        files.are_there() && card.members.iter().all(|member| self.is_installed(&member.model))
    }

    /// One card.
    ///
    /// # Errors
    /// [`ModelError::UnknownModel`].
    pub fn get(&self, name: &str) -> Result<&Card, ModelError> {
        Ok(&self.entry(name)?.card)
    }

    /// The models whose files a model needs: its members, or itself.
    ///
    /// # Errors
    /// [`ModelError::UnknownModel`].
    pub fn parts(&self, name: &str) -> Result<Vec<&Card>, ModelError> {
        let card = self.get(name)?;
        match &card.members[..] {
            [] => Ok(vec![card]),
            members => members.iter().map(|member| self.get(&member.model)).collect(),
        }
    }

    /// The files of one model.
    ///
    /// # Errors
    /// [`ModelError::UnknownModel`].
    pub fn files(&self, name: &str) -> Result<&Files, ModelError> {
        Ok(&self.entry(name)?.files)
    }

    /// The pipeline of a model, not yet loaded. Cheap beside [`Pipeline::load`]; make it once and share it.
    ///
    /// # Errors
    /// [`ModelError::UnknownModel`]; [`ModelError::Card`] where no code runs its architecture.
    pub fn pipeline(&self, name: &str) -> Result<Arc<dyn Pipeline>, ModelError> {
        let first = self.alone(name)?;
        let followers = self.followers(&self.entry(name)?.card)?;
        Ok(if followers.is_empty() { first } else { Arc::new(Chain::new(name, first, followers)) })
    }

    /// What can follow a model in the same job, of what is installed.
    fn followers(&self, card: &Card) -> Result<Vec<Arc<dyn Follower>>, ModelError> {
        let mut followers: Vec<Arc<dyn Follower>> = Vec::new();
        // Members take turns already: what else would follow them has no place in their order.
        if !card.members.is_empty() {
            return Ok(followers);
        }
        if card.task == Task::Separate
            && let Some(Entry { card, files }) = self.to_follow("basic-pitch")
        {
            let transcribe = Transcribe::new(card, files.clone())?.with_session_options(self.options);
            followers.push(Arc::new(StemNotes::new(transcribe)?));
        }
        if card.task == Task::Enhance
            && let Some(Entry { card, .. }) = LISTENERS.iter().find_map(|name| self.to_follow(name))
        {
            followers.push(Arc::new(Beside::new(TRANSCRIPT, &card.name, self.alone(&card.name)?)));
        }
        Ok(followers)
    }

    /// A model that may work in jobs of others: installed, and with a licence that nobody has to accept by name.
    fn to_follow(&self, name: &str) -> Option<&Entry> {
        let entry = self.entries.get(name)?;
        (entry.files.are_there() && entry.card.commercial_use == CommercialUse::Yes).then_some(entry)
    }

    /// The pipeline of a model, with nothing that follows.
    fn alone(&self, name: &str) -> Result<Arc<dyn Pipeline>, ModelError> {
        let Entry { card, files } = self.entry(name)?;
        let files = files.clone().in_half(self.options.takes_half());
        match (card.task, card.architecture.as_str()) {
            (Task::Separate, "band-mask") => {
                Ok(Arc::new(Separate::new(card, files)?.with_session_options(self.options)))
            }
            (Task::Separate, ENSEMBLE) => {
                let member = |MemberCard { model, weights }: &MemberCard| {
                    // In the card's order, so that the stems come out in it.
                    let weight = |stem: &String| Some((stem.clone(), *weights.get(stem)?));
                    let weights = card.stems.iter().filter_map(weight).collect();
                    Ok(Member { model: model.clone(), pipeline: self.alone(model)?, weights })
                };
                let members = card.members.iter().map(member).collect::<Result<_, ModelError>>()?;
                Ok(Arc::new(Ensemble::new(name, members)?.with_session_options(self.options)))
            }
            (Task::Separate, _) if let Some(origin) = &card.checkpoint => {
                let recipe = files.read(Origin::RECIPE)?;
                let unusable = |reason| ModelError::Card {
                    card: card.name.clone(),
                    reason: format!("{}: {reason}", Origin::RECIPE),
                };
                let recipe = Recipe::parse(&recipe).map_err(unusable)?;
                let unmix = Unmix::new(&card.name, recipe, files, &origin.graphs())?;
                Ok(Arc::new(unmix.with_session_options(self.options)))
            }
            (Task::Master, "reference") => {
                Ok(Arc::new(Master::new(card)?.with_session_options(self.options)))
            }
            (Task::Transcribe, "basic-pitch" | "swift-f0" | "beats" | "drum-notes") => {
                Ok(Arc::new(Transcribe::new(card, files)?.with_session_options(self.options)))
            }
            (Task::Transcribe, "whisper") => {
                let speech = Speech::new(card, files.clone())?.with_session_options(self.options);
                let voice = self.files("silero-vad")?;
                Ok(Arc::new(if voice.are_there() { speech.with_voice(voice.clone()) } else { speech }))
            }
            (Task::Enhance, _) => {
                let enhance = Enhance::new(card, files)?.with_session_options(self.options);
                let voice = self.files("silero-vad")?;
                Ok(Arc::new(if voice.are_there() { enhance.with_voice(voice.clone()) } else { enhance }))
            }
            (task, other) => Err(ModelError::Card {
                card: card.name.clone(),
                reason: format!("`architecture` is `{other}`, which {} does not know", task.word()),
            }),
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
        let names: Vec<_> = catalog.cards().map(|card| card.name.as_str()).collect();
        assert_eq!(names, ["beats", "drum-notes", "master", "mini", "rnnoise"]);
        for card in catalog.cards() {
            assert_eq!(catalog.get(&card.name).unwrap(), card);
            catalog.pipeline(&card.name).unwrap().load().unwrap();
        }
    }

    #[test]
    fn every_card_says_what_goes_into_its_graphs_and_out_of_them() {
        for card in Catalog::embedded().unwrap().known() {
            // What a checkpoint is made into is known by its recipe.
            let published = card.files.iter().filter(|_| card.checkpoint.is_none());
            for file in published.filter(|file| file.file.ends_with(".onnx")) {
                let said = card.graphs.iter().any(|graph| graph.file == file.file);
                assert!(said, "the card of {} has no [[graphs]] for {}", card.name, file.file);
            }
        }
    }

    /// A card of an ensemble; `more` stands before its members.
    fn duo(stems: &str, commercial_use: &str, members: [(&str, &str); 2]) -> Result<Card, ModelError> {
        let members = members
            .map(|(model, weights)| format!("[[members]]\nmodel = \"{model}\"\nweights = {{ {weights} }}\n"));
        Card::parse(&format!(
            "name = \"duo\"\ntitle = \"Duo\"\ndescription = \"For tests.\"\ntask = \"separate\"\n\
             architecture = \"ensemble\"\ngrade = \"preview\"\nprice_class = \"heavy\"\npublisher = \"Nobody\"\n\
             licence = \"CC0-1.0\"\ncommercial_use = \"{commercial_use}\"\nstems = {stems}\n{}",
            members.concat()
        ))
    }

    #[test]
    fn an_ensemble_is_as_its_members_are_or_refused_by_what_is_wrong() {
        let catalog = Catalog::embedded().unwrap();
        assert!(!catalog.is_installed("roformer-vocals-duo"));
        let parts: Vec<_> =
            catalog.parts("roformer-vocals-duo").unwrap().iter().map(|card| &card.name).collect();
        assert_eq!(parts, ["bs-roformer-vocals", "mel-roformer-vocals"]);
        assert_eq!(catalog.parts("mini").unwrap().len(), 1);

        let (both, mini) = ("vocals = 1, drums = 0.5", "drums = 1");
        let card = duo("[\"vocals\", \"drums\"]", "yes", [("mini", both), ("mini", mini)]).unwrap();
        assert_eq!(MemberCard::check_all(&card, |name| catalog.get(name).ok()), Ok(()));
        for (stems, commercial_use, members, words) in [
            ("[\"vocals\"]", "yes", [("mini", both), ("mini", mini)], "`drums`, which is not among `stems`"),
            (
                "[\"vocals\", \"bass\"]",
                "yes",
                [("mini", "vocals = 1"), ("mini", "vocals = 1")],
                "`bass`, for which",
            ),
            ("[\"vocals\"]", "yes", [("mini", "vocals = -1"), ("mini", "vocals = 1")], "is -1"),
            ("[\"drums\", \"vocals\"]", "yes", [("mini", "vocals = 1"), ("mini", mini)], "vocals, drums"),
            (
                "[\"vocals\"]",
                "yes",
                [("mini", "vocals = 1"), ("maxi", "vocals = 1")],
                "`maxi`, which is no model",
            ),
            (
                "[\"vocals\"]",
                "yes",
                [("mini", "vocals = 1"), ("rnnoise", "vocals = 1")],
                "no single separator",
            ),
            ("[\"tuba\"]", "yes", [("mini", "tuba = 1"), ("mini", "tuba = 1")], "counts `tuba` of `mini`"),
            (
                "[\"vocals\"]",
                "yes",
                [("mini", "vocals = 1"), ("mel-roformer-vocals", "vocals = 1")],
                "`commercial_use` is `yes`",
            ),
        ] {
            let refused = duo(stems, commercial_use, members)
                .map_err(|error| error.to_string())
                .and_then(|card| MemberCard::check_all(&card, |name| catalog.get(name).ok()));
            let refused = refused.expect_err(words);
            assert!(refused.contains(words), "{words}: {refused}");
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
        assert_eq!(card.commercial_use, CommercialUse::Yes);
    }
}
