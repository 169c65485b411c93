//! Models whose publishers give away checkpoints: fetched or taken from disk, made into graphs, and not kept.

use super::convert::{ConvertOptions, Given, Made, Understood};
use super::pin::{fits_start, refusal};
use super::web::Web;
use super::{FileState, Progress, PullOptions, Pulled, Shelf, ShelfError, draft, sha256, unlink};
use std::path::{Path, PathBuf};
use tributary_models::catalog::{Card, CardFile, CommercialUse, OWN_CARD, Origin, Own};
use tributary_models::convert::{ConvertError, Family};
use tributary_models::weights::Pin;

/// A checkpoint of somebody's own and what its owner says of it.
#[derive(Clone, Debug)]
pub struct OwnCheckpoint<'a> {
    /// What the model shall be called.
    pub name: &'a str,
    /// The file.
    pub checkpoint: &'a Path,
    /// Its settings, where they are not inside.
    pub settings: Option<&'a Path>,
    /// Its licence, where one is stated.
    pub licence: Option<&'a str>,
    /// Whether results may be sold.
    pub commercial_use: CommercialUse,
}

impl Shelf {
    /// Brings a checkpoint and its settings, makes the graph, and lets the checkpoint go. Nothing is done where graph and
    /// recipe are whole.
    pub(super) fn pull_checkpoint(
        &self,
        (card, origin): (&Card, &Origin),
        options: &PullOptions,
        told: &mut dyn FnMut(&Progress<'_>),
    ) -> Result<Pulled, ShelfError> {
        let mut pulled = Pulled::default();
        if self.is_made(card, &options.convert)? {
            return Ok(pulled);
        }
        if Family::named(&card.architecture).is_none() {
            let cause = ConvertError::Unknown { found: format!("the card says `{}`", card.architecture) };
            return Err(ShelfError::Convert {
                checkpoint: origin.weights.file.clone().into(),
                cause: Box::new(cause),
            });
        }
        let web = Web::new();
        for file in origin.files() {
            if !matches!(self.state(card, file)?, FileState::Whole(_)) {
                pulled.pinned.extend(self.bring(card, file, options, &web, told)?);
                pulled.files += 1;
            }
        }
        let settings = origin.settings.as_ref().map(|file| self.place(card, &file.file));
        let checkpoints: Vec<_> = origin
            .checkpoints()
            .map(|file| {
                let sha256 =
                    self.promise(card, file)?.map_or(String::new(), |promise| promise.sha256().to_owned());
                Ok((self.place(card, &file.file), sha256))
            })
            .collect::<Result<_, ShelfError>>()?;
        let understood = self.understand(&checkpoints, settings.as_deref(), &origin.bag)?;
        let how = (&options.convert, options.date.as_str());
        pulled.made = Some(self.convert(card, &understood, None, Vec::new(), how, told)?);
        for file in origin.files() {
            unlink(&self.place(card, &file.file))?;
        }
        Ok(pulled)
    }

    /// Makes a model of a checkpoint that one of the cards names: known by its hash or, where its publisher has none, by its
    /// name. Settings that are not given, and the other checkpoints of a bag, are looked for beside it. None where no card
    /// names it.
    ///
    /// # Errors
    /// As [`Shelf::pull`]; [`ShelfError::NoSettings`] and [`ShelfError::NotWhole`] where they are nowhere.
    pub fn import_checkpoint<'a>(
        &self,
        cards: impl IntoIterator<Item = &'a Card>,
        (checkpoint, settings): (&Path, Option<&Path>),
        (options, date): (&ConvertOptions, &str),
        told: &mut dyn FnMut(&Progress<'_>),
    ) -> Result<Option<(&'a Card, Made)>, ShelfError> {
        let _lock = self.lock()?;
        let found = sha256(checkpoint)?;
        let Some((card, origin, named)) = self.owner(cards, checkpoint, &found)? else { return Ok(None) };
        let beside = match (&origin.settings, settings) {
            (Some(file), None) => {
                let beside = checkpoint.with_file_name(&file.file);
                if !beside.is_file() {
                    let (model, file) = (card.name.clone(), file.file.clone());
                    return Err(ShelfError::NoSettings { model, file });
                }
                Some(beside)
            }
            (_, given) => given.map(Path::to_owned),
        };
        let (mut pins, mut checkpoints) = (Vec::new(), Vec::new());
        for file in origin.checkpoints() {
            let (path, hash) = if file.file == named.file {
                (checkpoint.to_owned(), found.clone())
            } else {
                self.other_of_bag(card, file, checkpoint)?
            };
            pins.push(pin_of(&file.file, &path, hash.clone(), date)?);
            checkpoints.push((path, hash));
        }
        if let (Some(file), Some(path)) = (&origin.settings, &beside) {
            let hash = sha256(path)?;
            if let Some(promise) = self.promise(card, file)?.filter(|promise| promise.sha256() != hash) {
                return Err(refusal(card, &path.display().to_string(), promise, hash));
            }
            pins.push(pin_of(&file.file, path, hash, date)?);
        }
        let understood = self.understand(&checkpoints, beside.as_deref(), &origin.bag)?;
        let made = self.convert(card, &understood, None, pins, (options, date), told)?;
        Ok(Some((card, made)))
    }

    /// Makes a model of a checkpoint that no card knows, with a card of its own.
    ///
    /// # Errors
    /// [`ShelfError::NameTaken`] where another model has that name; as [`Shelf::pull`].
    pub fn import_own(
        &self,
        own: &OwnCheckpoint<'_>,
        (options, date): (&ConvertOptions, &str),
        told: &mut dyn FnMut(&Progress<'_>),
    ) -> Result<(Card, Made), ShelfError> {
        let _lock = self.lock()?;
        let found = sha256(own.checkpoint)?;
        let checkpoints = [(own.checkpoint.to_owned(), found.clone())];
        let understood = self.understand(&checkpoints, own.settings, &[])?;
        let name_of = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let (file, settings) = (name_of(own.checkpoint), own.settings.map(name_of));
        let text = Own {
            name: own.name,
            licence: own.licence,
            commercial_use: own.commercial_use,
            file: &file,
            sha256: &found,
            settings: settings.as_deref(),
        };
        let text = text.card(understood.recipe());
        let card = Card::parse(&text).map_err(ShelfError::Card)?;
        let place = self.place(&card, OWN_CARD);
        if place.is_file() && !std::fs::read_to_string(&place).is_ok_and(|there| there.contains(&found)) {
            return Err(ShelfError::NameTaken { name: card.name });
        }
        let made = self.convert(&card, &understood, Some(&text), Vec::new(), (options, date), told)?;
        Ok((card, made))
    }

    /// Takes away what a card with a checkpoint has beside its files. Answers how many files there were.
    pub(super) fn remove_checkpoint(&self, card: &Card, origin: &Origin) -> Result<usize, ShelfError> {
        draft::clear(&self.folder.join(&card.name).join(draft::FOLDER))?;
        let mut removed = usize::from(unlink(&self.place(card, OWN_CARD))?);
        for file in origin.files() {
            removed += self.forget(card, file)?;
        }
        Ok(removed)
    }

    /// Whether all that was asked for is whole.
    fn is_made(&self, card: &Card, options: &ConvertOptions) -> Result<bool, ShelfError> {
        let whole = |file: &CardFile| -> Result<bool, ShelfError> {
            let wanted = !file.is_optional()
                || (options.half && file.half_of.is_some())
                || self.promise(card, file)?.is_some();
            Ok(!wanted || matches!(self.state(card, file)?, FileState::Whole(_)))
        };
        for file in &card.files {
            if !whole(file)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Checkpoints with their hashes.
    fn understand<'a>(
        &self,
        checkpoints: &'a [(PathBuf, String)],
        settings: Option<&'a Path>,
        bag: &[Vec<f32>],
    ) -> Result<Understood<'a>, ShelfError> {
        let given = |(checkpoint, sha256): &'a (PathBuf, String)| Given { checkpoint, sha256, settings };
        Understood::new(checkpoints.iter().map(given).collect(), bag, self.one_file_bytes_max)
    }

    /// Another checkpoint of the same bag, beside the one that was named, and its hash.
    fn other_of_bag(
        &self,
        card: &Card,
        file: &CardFile,
        named: &Path,
    ) -> Result<(PathBuf, String), ShelfError> {
        let path = named.with_file_name(&file.file);
        if !path.is_file() {
            return Err(ShelfError::NotWhole { model: card.name.clone(), file: file.file.clone() });
        }
        let (shown, hash) = (path.display().to_string(), sha256(&path)?);
        match self.promise(card, file)? {
            Some(promise) if promise.sha256() != hash => Err(refusal(card, &shown, promise, hash)),
            Some(_) => Ok((path, hash)),
            None => fits_start(file, &shown, &hash).map(|()| (path, hash)),
        }
    }

    /// The card that names a checkpoint, and what it calls it.
    fn owner<'a>(
        &self,
        cards: impl IntoIterator<Item = &'a Card>,
        checkpoint: &Path,
        found: &str,
    ) -> Result<Option<(&'a Card, &'a Origin, &'a CardFile)>, ShelfError> {
        let named = checkpoint.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let (mut namesake, mut refused) = (None, None);
        for card in cards {
            let Some(origin) = &card.checkpoint else { continue };
            for file in origin.checkpoints() {
                let is_named = file.file == named;
                match self.promise(card, file)? {
                    Some(promise) if promise.sha256() == found => return Ok(Some((card, origin, file))),
                    Some(promise) if is_named => {
                        refused =
                            Some(refusal(card, &checkpoint.display().to_string(), promise, found.to_owned()));
                    }
                    None if is_named => {
                        fits_start(file, &checkpoint.display().to_string(), found)?;
                        namesake = Some((card, origin, file));
                    }
                    _ => {}
                }
            }
        }
        match refused {
            Some(error) if namesake.is_none() => Err(error),
            _ => Ok(namesake),
        }
    }
}

fn pin_of(file: &str, path: &Path, sha256: String, date: &str) -> Result<Pin, ShelfError> {
    let bytes = path.metadata().map_err(|cause| ShelfError::io("read", path, cause))?.len();
    let (file, source) = (file.to_owned(), path.display().to_string());
    Ok(Pin { file, sha256, bytes, source, date: date.to_owned() })
}
