//! `tributary models import`: files that came another way. A file of weights goes where its card needs it, a checkpoint is
//! made into a graph: that of a known card, or one of somebody's own under a name of its own.

use super::{Bar, Here, say_made, say_pinned};
use crate::cli::{DONE, screen};
use crate::clock::{Clock, SystemClock};
use crate::shelf::{ConvertOptions, OwnCheckpoint, Placed};
use anyhow::bail;
use std::path::{Path, PathBuf};
use tributary_models::catalog::{Card, CommercialUse};

#[derive(clap::Args)]
pub(in crate::cli) struct Args {
    /// The files
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Settings of a checkpoint that does not hold them, as its publisher gives them
    #[arg(long, value_name = "YAML")]
    settings: Option<PathBuf>,
    /// What a checkpoint that no card knows shall be called: a-z, 0-9 and -
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// The licence of such a checkpoint, where its publisher states one
    #[arg(long, value_name = "TEXT", requires = "name")]
    licence: Option<String>,
    /// Whether that licence lets results be sold
    #[arg(long, value_name = "YES_OR_NO", requires = "name")]
    commercial_use: Option<Answer>,
    /// Make a graph in half precision, too, for accelerators [default: as the server's `precision`]
    #[arg(long)]
    half: bool,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Answer {
    Yes,
    No,
}

/// Files with these endings are checkpoints.
const CHECKPOINTS: [&str; 5] = ["ckpt", "pth", "pt", "th", "safetensors"];

impl Here {
    pub(super) fn import(&self, args: &Args) -> anyhow::Result<u8> {
        if args.name.is_some() && args.files.len() != 1 {
            bail!("--name is for one checkpoint: give one FILE");
        }
        let cards: Vec<&Card> = self.catalog.known().filter(|card| !self.is_built_in(card)).collect();
        let options = self.converting(args.half);
        for file in &args.files {
            let date = screen::time(SystemClock.now().0);
            let is_checkpoint = file
                .extension()
                .is_some_and(|ending| CHECKPOINTS.iter().any(|known| ending.eq_ignore_ascii_case(known)));
            match &args.name {
                Some(name) => self.import_own(name, file, args, (&options, &date))?,
                None if is_checkpoint => {
                    self.import_checkpoint(&cards, (file, args.settings.as_deref()), (&options, &date))?;
                }
                None => {
                    for Placed { card, file: name, pinned } in
                        self.shelf.import(cards.iter().copied(), file, &date)?
                    {
                        pinned.iter().for_each(say_pinned);
                        screen::line(format!("{} is now {card}/{name}", file.display()));
                    }
                }
            }
        }
        Ok(DONE)
    }

    fn import_checkpoint(
        &self,
        cards: &[&Card],
        (file, settings): (&Path, Option<&Path>),
        how: (&ConvertOptions, &str),
    ) -> anyhow::Result<()> {
        let shown = file.display().to_string();
        let bar = Bar::new(&shown);
        let imported =
            self.shelf.import_checkpoint(cards.iter().copied(), (file, settings), how, &mut |progress| {
                bar.tell(progress)
            });
        bar.end();
        match imported? {
            Some((card, made)) => say_made(&card.name, &made),
            None => bail!(
                "no card knows {shown}; `tributary models import {shown} --name NAME --settings YAML` makes a model of it, \
                 with a card of its own"
            ),
        }
        Ok(())
    }

    fn import_own(
        &self,
        name: &str,
        file: &Path,
        args: &Args,
        how: (&ConvertOptions, &str),
    ) -> anyhow::Result<()> {
        if self.program.get(name).is_ok() {
            bail!("`{name}` is a model that this program knows: choose another name");
        }
        let own = OwnCheckpoint {
            name,
            checkpoint: file,
            settings: args.settings.as_deref(),
            licence: args.licence.as_deref(),
            commercial_use: match args.commercial_use {
                Some(Answer::Yes) => CommercialUse::Yes,
                Some(Answer::No) => CommercialUse::No,
                None => CommercialUse::Unstated,
            },
        };
        let bar = Bar::new(name);
        let imported = self.shelf.import_own(&own, how, &mut |progress| bar.tell(progress));
        bar.end();
        let (card, made) = imported?;
        say_made(&card.name, &made);
        if card.commercial_use != CommercialUse::Yes {
            screen::note(format!(
                "its licence ({}) does not say that results may be sold: a server offers it once `accept_licences` names \
                 `{name}`",
                card.licence
            ));
        }
        Ok(())
    }
}
