//! A widget's own pages, in a frame on somebody's site or alone: one service, one file, one job. Whoever comes has no session;
//! the account pays, within the widget's limit.

pub(super) mod door;
pub(super) mod visited;

use super::fault::{Answer, Fault};
use super::form::Fields;
use super::visit::Visit;
use super::{Edge, compose, layout, redirect, words};
use crate::admission::{JobRequest, Refusal};
use crate::auth::token::Token;
use crate::desk::{DeskError, Staged};
use crate::embed::Unfit;
use crate::offer::Offer;
use crate::widget::{Fixed, Widget};
use axum::extract::{Multipart, State};
use maud::html;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use tokio::sync::Semaphore;
use tributary_protocol::limits::title_of;
use tributary_protocol::vocab::{ClipHeader, JobId};

/// Visitors that watch jobs at once.
const WATCHERS_MAX: usize = 256;
/// Files that are read out to visitors at once.
const DOWNLOADS_MAX: usize = 64;
/// Files that come in from visitors at once: a quarter of the places there are.
const FILES_MAX: usize = 16;

/// What visitors of all widgets may do at once, so that members always have places left.
pub(super) struct Room {
    pub(super) watchers: Arc<Semaphore>,
    pub(super) downloads: Arc<Semaphore>,
    files: Semaphore,
}

impl Default for Room {
    fn default() -> Self {
        Self {
            watchers: Arc::new(Semaphore::new(WATCHERS_MAX)),
            downloads: Arc::new(Semaphore::new(DOWNLOADS_MAX)),
            files: Semaphore::new(FILES_MAX),
        }
    }
}

/// Nothing is left of the month's credits.
const USED_UP: &str = "this page has used up its allowance for this month";
/// Whatever is wrong with the account is not its visitors' to know.
const CLOSED: &str = "this page takes no files at the moment; tell whoever runs the site that it is on";
const GONE: &str =
    "the service of this page is not offered any more; tell whoever runs the site that it is on";

const CHANGED: &str = "the service of this page has changed, and does not take any more what was chosen for it; tell whoever runs the \
     site that it is on";

impl From<Unfit> for Fault {
    fn from(unfit: Unfit) -> Self {
        let words = match unfit {
            Unfit::Gone => GONE,
            Unfit::Changed => CHANGED,
        };
        Self::Later(words.to_owned())
    }
}

/// The one service, while it is offered and takes what is fixed.
fn offer<'a>(edge: &'a Edge, widget: &Widget) -> Result<&'a Offer, Fault> {
    edge.widgets().quote(widget)?;
    edge.desk.admissions.offers.get(&widget.model).map_err(|_| Unfit::Gone.into())
}

/// Whole minutes of the longest song that is taken now; at least one.
async fn minutes_left(edge: &Edge, widget: &Widget) -> Result<u64, Fault> {
    match edge.widgets().minutes_left(widget).await?? {
        0 => Err(Fault::Wrong(USED_UP.to_owned())),
        minutes => Ok(minutes),
    }
}

pub(super) async fn show(State(edge): State<Edge>, visit: Visit) -> Answer {
    let widget = visit.widget()?;
    let offer = offer(&edge, widget)?;
    let minutes = minutes_left(&edge, widget).await?;
    let days = edge.desk.admissions.limits.keep_days;
    let fixed = &widget.fixed;
    let body = html! {
        section .card {
            h1 { (offer.card.title) }
            p .dim { (offer.card.description) }
            p { strong { "This costs you nothing." } " The site that shows this page pays." }
            form method="post" enctype="multipart/form-data" {
                // Before the file, so that all of the form is here when the file is. A switch that is off says nothing.
                input type="hidden" name="do" value="start";
                @if fixed.stems.is_empty() && offer.card.stems.len() > 1 { (compose::stems(offer, &[])) }
                (compose::controls(offer, &fixed.settings, |each| !fixed.settings.contains_key(&each.name)))
                (compose::file_field(&edge, &html! { "Your file: WAV, FLAC, MP3, M4A, Ogg or AIFF, at most " (words::grouped(minutes)) " minute" @if minutes != 1 { "s" } " and " }))
                button { "Send the file" }
            }
            p .dim { "Your file and what is made of it are deleted after " (days) " days, or when you say so. Until then whoever runs this page can hear them, too." }
        }
    };
    Ok(layout::framed(&edge, &offer.card.title, &body))
}

/// Takes a file and starts its job at once: there is no price that a visitor would have to see first. What they choose comes
/// before the file.
pub(super) async fn take(State(edge): State<Edge>, visit: Visit, mut parts: Multipart) -> Answer {
    let widget = visit.widget()?;
    offer(&edge, widget)?;
    edge.door.throttle.sends(visit.peer.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED)), widget.id)?;
    minutes_left(&edge, widget).await?;
    let _room = edge.bounds.guests.files.try_acquire().map_err(|_| Fault::from(DeskError::Busy))?;
    let mut chosen = Fields::default();
    while let Some(field) = parts.next_field().await.map_err(compose::cut)? {
        match field.name().unwrap_or_default() {
            "file" => {
                let title = title_of(field.file_name().unwrap_or_default());
                let staged = compose::received(&edge, &widget.tenant(), field).await?;
                let answer = started(&edge, widget, &chosen, staged.clip, title).await;
                if answer.is_err() {
                    forgotten(&edge, widget, &staged).await;
                }
                return answer;
            }
            name if name == "stem" || name == "do" || name.starts_with("set-") => {
                let name = name.to_owned();
                chosen.add(&name, compose::short(field).await?);
            }
            _ => {}
        }
    }
    Err(Fault::Wrong("choose a file".to_owned()))
}

/// What no job was made of, nobody can name again: it must not stand in the way of the account's own files for an hour.
async fn forgotten(edge: &Edge, widget: &Widget, staged: &Staged) {
    if let Err(error) = edge.desk.discard(&widget.tenant(), staged).await {
        tracing::warn!(
            error = &error as &dyn std::error::Error,
            "a refused file of a widget stays until it is swept"
        );
    }
}

async fn started(edge: &Edge, widget: &Widget, chosen: &Fields, clip: ClipHeader, title: String) -> Answer {
    // What the visitor alone will know, and what their job is found by.
    let secret = Token::generate();
    let offer = offer(edge, widget)?;
    let stems = chosen.all("stem").map(ToOwned::to_owned).collect();
    let told = widget.fixed.over(Fixed { settings: compose::settings_of(offer, chosen), stems });
    let request = JobRequest {
        id: JobId::generate(),
        model: widget.model.clone(),
        stems: compose::stem_names(offer, told.stems),
        clip,
        title,
        settings: told.settings,
        references: Vec::new(),
        credits_max: None,
    };
    edge.desk.create(&widget.principal(secret.sha256()), request).await.map_err(refused)?;
    Ok(redirect(&format!("/widget/{}/jobs/{}", widget.token, secret.reveal())))
}

/// Why a visitor's file became no job, without a word about the account.
fn refused(error: DeskError) -> Fault {
    match error {
        DeskError::Refused(Refusal::OverLimit { limit, spent, .. }) if spent >= limit => {
            Fault::Wrong(USED_UP.to_owned())
        }
        DeskError::Refused(Refusal::OverLimit { .. }) => Fault::Wrong(
            "this file is longer than what is left of this page's allowance for this month; try a shorter one".to_owned(),
        ),
        DeskError::Refused(
            Refusal::NotEnoughCredits { .. } | Refusal::Suspended | Refusal::OverStorage { .. },
        ) => Fault::Later(CLOSED.to_owned()),
        DeskError::Refused(Refusal::TooMany { .. }) => Fault::Later(
            "too many files are worked on for this page; try again in a few minutes".to_owned(),
        ),
        other => other.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tributary_protocol::vocab::Credits;

    #[test]
    fn visitors_learn_nothing_of_the_account() {
        let (needed, limit) = (Credits(7), Credits(12_345));
        for (refusal, words) in [
            (Refusal::OverLimit { needed, limit, spent: limit }, "used up its allowance for this month"),
            (Refusal::OverLimit { needed, limit, spent: Credits(12_344) }, "try a shorter one"),
            (Refusal::NotEnoughCredits { needed, available: Credits(12_345) }, "takes no files"),
            (Refusal::Suspended, "takes no files"),
            (Refusal::OverStorage { kept: 12_345, max: 12_345, needed: 12_345 }, "takes no files"),
            (Refusal::TooMany { open: 12_345, max: 12_345 }, "too many files"),
        ] {
            let (_, said) = refused(refusal.into()).words();
            assert!(said.to_lowercase().contains(words), "{said}");
            assert!(!said.contains("345") && !said.contains("344") && !said.contains("account"), "{said}");
        }
    }
}
