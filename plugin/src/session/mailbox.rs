//! What an instance's tasks tell its actor, through one bounded queue.

use super::capture::CaptureNews;
use super::connection::News;
use super::job::JobNews;
use super::shelf::ShelfNews;
use crate::view::{Purchase, Quote, SignIn, Weight};
use std::path::PathBuf;
use tokio::sync::mpsc;

/// Events waiting at most; who has more to say waits.
const EVENTS_MAX: usize = 256;

/// What happened elsewhere.
#[derive(Debug)]
pub(super) enum Event {
    Connection(News),
    Capture(CaptureNews),
    Job(JobNews),
    Shelf(ShelfNews),
    /// An answer to the `number`th question for a price.
    Quote {
        number: u64,
        quote: Quote,
    },
    /// What became of the `number`th wish to be let in.
    SignIn {
        number: u64,
        sign_in: SignIn,
    },
    /// Where the `number`th purchase that is looked at stands.
    Purchase {
        number: u64,
        purchase: Purchase,
    },
    /// The chooser for the `number`th question is gone: with a path, without, or it never was there.
    Chosen {
        number: u64,
        answer: Answer,
    },
    /// For people.
    Notice {
        weight: Weight,
        text: String,
        path: Option<PathBuf>,
    },
}

/// What became of a chooser of files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Path(PathBuf),
    /// It was closed.
    Nothing,
    /// None could be opened.
    NoChooser,
}

/// One end; cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Mailbox(mpsc::Sender<Event>);

impl Mailbox {
    pub(super) fn new() -> (Self, mpsc::Receiver<Event>) {
        let (sender, events) = mpsc::channel(EVENTS_MAX);
        (Self(sender), events)
    }

    /// Waits for room. After the actor's end, events go nowhere.
    pub(super) async fn post(&self, event: Event) {
        let _ = self.0.send(event).await;
    }

    /// The same from a blocking thread.
    pub(super) fn post_blocking(&self, event: Event) {
        let _ = self.0.blocking_send(event);
    }

    /// For what is worthless a moment later: left out where there is no room.
    pub(super) fn post_if_room(&self, event: Event) {
        let _ = self.0.try_send(event);
    }
}
