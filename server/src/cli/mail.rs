//! `tributary mail`: one letter, sent as the server on this data folder would send it.

use super::{DONE, Place, screen};
use crate::clock::{Clock, SystemClock};
use crate::data::DataFolder;
use crate::mail::{self, Letter};
use anyhow::Context;
use std::sync::Arc;

const WORDS: &str = "This letter was sent by `tributary mail`, to see that letters of this server arrive.\n\n\
    If you did not expect it, nothing is to be done.\n";

#[derive(clap::Args)]
pub(super) struct Args {
    /// Whom to send it to
    #[arg(value_name = "ADDRESS")]
    to: String,
}

pub(super) async fn run(place: Place, args: Args) -> anyhow::Result<u8> {
    let letter = Letter::new(&args.to, "A letter from Tributary", WORDS)?;
    let data = DataFolder::open(&place.data_path()?)?;
    let config = place.config(data.path())?.mail;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    mail::open(&config, &data.outbox(), &clock)?.send(&letter).await.context("send the letter")?;
    if config.smtp.is_empty() {
        screen::line(format!("It lies in {}: `mail.smtp` names no mail server", data.outbox().display()));
    } else {
        screen::line(format!("{} took the letter", config.shown().smtp));
    }
    Ok(DONE)
}
