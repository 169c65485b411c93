//! `tributary models`: what there is to choose from, and the models on this machine.

mod import;

use super::batch::allowed;
use super::{DONE, JOB_FAILED, Place, screen};
use crate::clock::{Clock, SystemClock};
use crate::data::MODELS;
use crate::shelf::{
    ConvertOptions, FileState, Made, PUBLIC_INDEX, Progress, PullOptions, Pulled, Shelf, ShelfError,
};
use anyhow::{Context, bail};
use indicatif::{ProgressBar, ProgressStyle};
use std::path::PathBuf;
use tributary_models::SessionOptions;
use tributary_models::catalog::{Card, Catalog, CommercialUse};
use tributary_models::weights::{Pin, Promise};
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
        /// All models this program knows instead, and which of them are on this machine
        #[arg(long)]
        local: bool,
        /// One line of JSON a model
        #[arg(long)]
        json: bool,
    },
    /// What one model of the server makes, and what it can be told with --set
    Show {
        /// Which
        #[arg(value_name = "NAME")]
        name: String,
        /// As this program has it, instead of the server
        #[arg(long)]
        local: bool,
    },
    /// Bring models to this machine; what broke off goes on
    Pull {
        /// Which; `tributary models list --local` shows all
        #[arg(required = true, value_name = "NAME")]
        names: Vec<String>,
        /// Take the files from this folder, laid out as <model>/<file>, and ask no network
        #[arg(long, value_name = "DIR")]
        mirror: Option<PathBuf>,
        /// The index of Python packages, for models that come in one
        #[arg(long, value_name = "URL", default_value = PUBLIC_INDEX, env = "TRIBUTARY_PACKAGE_INDEX")]
        index: String,
        /// I have read the licence and know that it may not allow commercial use of the results
        #[arg(long)]
        accept_licence: bool,
        /// Of a checkpoint, make a graph in half precision, too, for accelerators [default: as the server's `precision`]
        #[arg(long)]
        half: bool,
    },
    /// Put files that came another way where their models need them; they are known by their content. Checkpoints of
    /// separators (.ckpt, .th, .pth, .safetensors) are made into graphs
    Import(import::Args),
    /// Read all files of the models on this machine and compare them with what they should be
    Verify {
        /// Which; without a name, all that are here
        #[arg(value_name = "NAME")]
        names: Vec<String>,
    },
    /// Take models off this machine
    Remove {
        /// Which
        #[arg(required = true, value_name = "NAME")]
        names: Vec<String>,
    },
}

pub(super) async fn run(place: Place, args: Args) -> anyhow::Result<u8> {
    if let What::List { local: false, json } = args.what {
        for model in &place.client().await?.models().await?.models {
            screen::line(if json { offer_as_json(model).to_string() } else { offer_in_words(model) });
        }
        return Ok(DONE);
    }
    if let What::Show { name, local } = &args.what {
        return show(&place, name, *local).await;
    }
    let folder = place.data_path()?.join(MODELS);
    let here = Here {
        shelf: Shelf::new(&folder),
        catalog: Catalog::new(Some(&folder))?,
        program: Catalog::embedded()?,
        sessions: super::doctor::sessions(&place).unwrap_or_default(),
    };
    // Files and the network are waited for on a thread of their own.
    let done = tokio::task::spawn_blocking(move || match args.what {
        What::List { json, .. } => here.list(json),
        What::Show { .. } => Ok(DONE),
        What::Pull { names, mirror, index, accept_licence, half } => {
            let (date, convert) = (screen::time(SystemClock.now().0), here.converting(half));
            let licence_accepted = accept_licence;
            here.pull(&names, &PullOptions { mirror, index, licence_accepted, date, convert })
        }
        What::Import(args) => here.import(&args),
        What::Verify { names } => here.verify(&names),
        What::Remove { names } => here.remove(&names),
    });
    done.await.context("the thread ended")?
}

async fn show(place: &Place, name: &str, local: bool) -> anyhow::Result<u8> {
    let controls = if local {
        let catalog = Catalog::new(Some(&place.data_path()?.join(MODELS)))?;
        let card = catalog.get(name)?;
        screen::line(format!("{name}  {} ({})\n  {}", card.title, card.task.word(), card.description));
        catalog.pipeline(name)?.controls().iter().map(crate::settings::control).collect()
    } else {
        let models = place.client().await?.models().await?.models;
        let found = models.into_iter().find(|model| model.name == name);
        let model = found.with_context(|| {
            format!("this server does not offer `{name}`; `tributary models list` shows what it has")
        })?;
        screen::line(offer_in_words(&model));
        model.controls
    };
    for control in controls {
        let (name, default) = (&control.name, control.kind.default());
        screen::line(format!("  --set {name}={default}  {}, {}", control.help, allowed(&control.kind)));
    }
    Ok(DONE)
}

/// The models on this machine.
struct Here {
    shelf: Shelf,
    /// All cards, those of the owner's own, too.
    catalog: Catalog,
    /// What is part of the program.
    program: Catalog,
    /// What the server on this machine makes its sessions with: new graphs are tried on that.
    sessions: SessionOptions,
}

impl Here {
    /// Whether the card needs nothing from the shelf: its weights are in the program, or it has none.
    fn is_built_in(&self, card: &Card) -> bool {
        self.program.is_installed(&card.name)
    }

    /// How checkpoints are made into graphs.
    fn converting(&self, half: bool) -> ConvertOptions {
        ConvertOptions { half: half || self.sessions.takes_half(), sessions: self.sessions }
    }

    /// The cards of some names, or of their members, whose files belong on the shelf.
    fn cards(&self, names: &[String]) -> anyhow::Result<Vec<&Card>> {
        let mut cards: Vec<&Card> = Vec::new();
        for name in names {
            if self.is_built_in(self.catalog.get(name)?) {
                bail!("`{name}` is part of this program: there is nothing to fetch or to remove");
            }
            for card in self.catalog.parts(name)? {
                let is_new = cards.iter().all(|known| known.name != card.name);
                if is_new && !self.is_built_in(card) {
                    cards.push(card);
                }
            }
        }
        Ok(cards)
    }

    /// Bytes of the files of a model and its members that are here; none where one is missing.
    fn bytes(&self, card: &Card) -> Option<u64> {
        let parts = self.catalog.parts(&card.name).ok()?;
        let bytes =
            |card: &&Card| if self.is_built_in(card) { Some(0) } else { self.shelf.installed_bytes(card) };
        parts.iter().map(bytes).sum()
    }

    fn list(&self, json: bool) -> anyhow::Result<u8> {
        if json {
            self.catalog.known().for_each(|card| screen::line(self.as_json(card)));
            return Ok(DONE);
        }
        let rows: Vec<_> = self.catalog.known().map(|card| self.row(card)).collect();
        screen::table(["MODEL", "TASK", "GRADE", "LICENCE", "COMMERCIAL USE", "HERE"], &rows);
        for error in self.catalog.refused() {
            screen::note(error);
        }
        if self.catalog.known().any(|card| self.state(card) == "no") {
            screen::note("`tributary models pull NAME` brings a model here");
        }
        Ok(DONE)
    }

    fn state(&self, card: &Card) -> String {
        if self.is_built_in(card) {
            return "built in".to_owned();
        }
        match self.bytes(card) {
            Some(bytes) => screen::megabytes(bytes),
            None => "no".to_owned(),
        }
    }

    fn row(&self, card: &Card) -> [String; 6] {
        let grade = format!("{:?}", card.grade).to_lowercase();
        let (task, commercial) = (card.task.word().to_owned(), commercial(card).to_owned());
        [card.name.clone(), task, grade, card.licence.clone(), commercial, self.state(card)]
    }

    fn as_json(&self, card: &Card) -> serde_json::Value {
        let built_in = self.is_built_in(card);
        let bytes = if built_in { None } else { self.bytes(card) };
        serde_json::json!({
            "name": card.name, "title": card.title, "task": card.task.word(), "stems": card.stems,
            "publisher": card.publisher, "licence": card.licence, "commercial_use": commercial(card),
            "built_in": built_in, "installed": built_in || bytes.is_some(), "bytes": bytes,
        })
    }

    fn pull(&self, names: &[String], options: &PullOptions) -> anyhow::Result<u8> {
        for card in self.cards(names)? {
            let bar = Bar::new(&card.name);
            let brought = self.shelf.pull(card, options, &mut |progress| bar.tell(progress));
            bar.end();
            let Pulled { files, pinned, made } = match brought {
                Err(error @ (ShelfError::Convert { .. } | ShelfError::Trial { .. })) => {
                    screen::note(format!(
                        "what was fetched is kept, so that another try needs no download; `tributary models remove {}` \
                         forgets it",
                        card.name
                    ));
                    return Err(error.into());
                }
                brought => brought?,
            };
            pinned.iter().for_each(say_pinned);
            if let Some(made) = made {
                say_made(&card.name, &made);
                continue;
            }
            let text = match files {
                0 => format!("{}: already here and whole", card.name),
                1 => format!("{}: 1 file, whole", card.name),
                files => format!("{}: {files} files, whole", card.name),
            };
            screen::line(text);
        }
        Ok(DONE)
    }

    fn verify(&self, names: &[String]) -> anyhow::Result<u8> {
        let cards = match names.is_empty() {
            true => {
                let here = |card: &&Card| {
                    !card.files.is_empty()
                        && !self.is_built_in(card)
                        && self.shelf.installed_bytes(card).is_some()
                };
                self.catalog.known().filter(here).collect()
            }
            false => self.cards(names)?,
        };
        let mut whole = true;
        for card in &cards {
            for (file, state) in self.shelf.verify(card)? {
                whole &= matches!(state, FileState::Whole(_));
                let text = match state {
                    FileState::Whole(Promise::Card(_)) => "whole".to_owned(),
                    FileState::Whole(Promise::Pin(pin)) if card.checkpoint.is_some() => {
                        format!("whole: as {} on {}", pin.source, pin.date)
                    }
                    FileState::Whole(Promise::Pin(pin)) => {
                        format!("whole: as pinned on {} (no checksum is published)", pin.date)
                    }
                    FileState::Unpinned(found) => format!(
                        "UNKNOWN, SHA-256 {found}: no checksum is published and it was not pinned; `tributary models pull \
                         {}` replaces it, `tributary models import` pins it",
                        card.name
                    ),
                    FileState::Missing => format!("MISSING; `tributary models pull {}` brings it", card.name),
                    FileState::Wrong(found) => {
                        format!("WRONG, SHA-256 {found}; `tributary models pull {}` replaces it", card.name)
                    }
                };
                screen::line(format!("{}/{file}  {text}", card.name));
            }
        }
        if cards.is_empty() {
            screen::note("no models here but those in the program");
        }
        Ok(if whole { DONE } else { JOB_FAILED })
    }

    fn remove(&self, names: &[String]) -> anyhow::Result<u8> {
        for name in names {
            let members = self.catalog.get(name)?.members.iter().map(|member| member.model.as_str());
            let members: Vec<&str> = members.collect();
            if !members.is_empty() {
                bail!("`{name}` is made of other models: remove those ({})", members.join(", "));
            }
        }
        for card in self.cards(names)? {
            let removed = self.shelf.remove(card)?;
            let text =
                if removed == 0 { "was not here".to_owned() } else { format!("{removed} files removed") };
            screen::line(format!("{}: {text}", card.name));
        }
        Ok(DONE)
    }
}

/// How far a download or a conversion is.
struct Bar<'a> {
    bar: ProgressBar,
    model: &'a str,
}

impl<'a> Bar<'a> {
    fn new(model: &'a str) -> Self {
        let bar = ProgressBar::new(0).with_style(
            ProgressStyle::with_template("{prefix} {wide_bar} {bytes}/{total_bytes} {eta}")
                .expect("the template is fixed and right"),
        );
        Self { bar, model }
    }

    fn tell(&self, progress: &Progress<'_>) {
        self.bar.set_prefix(format!("{}/{}", self.model, progress.file));
        self.bar.set_length(progress.total_bytes.unwrap_or(progress.done_bytes));
        self.bar.set_position(progress.done_bytes);
    }

    fn end(self) {
        self.bar.finish_and_clear();
    }
}

/// What a checkpoint became, and what is kept.
fn say_made(model: &str, made: &Made) {
    let Made { files, engine, apart_db } = made;
    let kept: Vec<_> =
        files.iter().map(|(file, bytes)| format!("{file} ({})", screen::megabytes(*bytes))).collect();
    let apart = apart_db.map_or(String::new(), |db| format!("; both engines agree to {db:.0} dB"));
    screen::line(format!("{model}: made of its checkpoint and tried on {engine}{apart}"));
    screen::note(format!("kept: {}; the checkpoint is not needed any more", kept.join(", ")));
}

/// Nobody but the place it came from vouches for this file; from now on it is held to what came.
fn say_pinned(pin: &Pin) {
    let Pin { file, sha256, bytes, source, .. } = pin;
    screen::note(format!(
        "{file}: no checksum is published for this file; pinned what came: SHA-256 {sha256}, {bytes} bytes, from {source}"
    ));
}

fn commercial(card: &Card) -> &'static str {
    match card.commercial_use {
        CommercialUse::Yes => "yes",
        CommercialUse::No => "no",
        CommercialUse::Unstated => "unstated",
    }
}

fn offer_in_words(model: &ModelView) -> String {
    let mut text = format!("{}  {} ({}, {} grade)\n", model.name, model.title, model.task, model.grade);
    let price = format!("{} a started minute", model.credits_per_minute);
    for (head, body) in [
        ("stems", model.stems.join(", ")),
        ("sheets", model.sheets.join(", ")),
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

fn offer_as_json(model: &ModelView) -> serde_json::Value {
    serde_json::json!({
        "name": model.name, "title": model.title, "task": model.task, "grade": model.grade, "stems": model.stems,
        "licence": model.licence, "quality": model.quality, "description": model.description,
        "credits_per_minute": model.credits_per_minute.0, "version": model.version, "sheets": model.sheets,
        "commercial_use": model.commercial_use, "references_max": model.references_max,
        "controls": model.controls.iter().map(|control| control.name.clone()).collect::<Vec<_>>(),
    })
}
