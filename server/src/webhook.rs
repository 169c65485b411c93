//! Customers are told how their jobs end: where, of what, and how it went. Types and their laws; no SQL and no network.

use crate::clock::Timestamp;
use crate::job::JobState;
use std::fmt;
use std::time::Duration;
use tributary_protocol::vocab::{AccountId, EventId, PersonId, WebhookId};
use zeroize::Zeroizing;

/// Endpoints of one account.
pub const WEBHOOKS_MAX: u32 = 8;
/// The longest address of one, in bytes.
pub const URL_BYTES_MAX: usize = 2000;
/// A secret that was replaced signs, too, for so long.
pub const OLD_SECRET_SIGNS: Duration = Duration::from_secs(24 * 3600);
/// What is not taken for so long is given up.
pub const PATIENCE: Duration = Duration::from_secs(24 * 3600);
/// An endpoint that gives up on something, and has taken nothing for so many days before, is switched off.
pub const FAILING_DAYS_MAX: u32 = 3;
/// Whoever asks for a new endpoint again is shown its secret again for so long: the answer may have been lost.
pub const SECRET_SHOWN_AGAIN: Duration = Duration::from_secs(24 * 3600);

/// What can be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Event {
    /// A job is done: its results can be fetched.
    JobDone,
    /// A job failed and cost nothing.
    JobFailed,
    /// A job was cancelled.
    JobCancelled,
    /// A job's clip did not come in time; it cost nothing.
    JobExpired,
    /// Somebody tries whether it works. Every endpoint hears it.
    Test,
}

impl Event {
    /// Those that an endpoint chooses from.
    pub const CHOICES: [Self; 4] = [Self::JobDone, Self::JobFailed, Self::JobCancelled, Self::JobExpired];

    /// As it is written everywhere.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::JobDone => "job.done",
            Self::JobFailed => "job.failed",
            Self::JobCancelled => "job.cancelled",
            Self::JobExpired => "job.expired",
            Self::Test => "test",
        }
    }

    /// Reads what [`Event::word`] writes.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::CHOICES.into_iter().chain([Self::Test]).find(|event| event.word() == word)
    }

    /// What is told of a job that ended so; none while it has not ended.
    #[must_use]
    pub fn of_end(state: JobState) -> Option<Self> {
        match state {
            JobState::Done => Some(Self::JobDone),
            JobState::Failed => Some(Self::JobFailed),
            JobState::Cancelled => Some(Self::JobCancelled),
            JobState::Expired => Some(Self::JobExpired),
            JobState::Uploading | JobState::Queued | JobState::Running => None,
        }
    }
}

/// Signs what is sent. Never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// `whsec_` and a token.
    #[must_use]
    pub fn new(token: &str) -> Self {
        Self(Zeroizing::new(format!("whsec_{token}")))
    }

    /// As the database keeps it.
    #[must_use]
    pub fn kept(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// In plain text, for the one moment it is handed over or signs.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// An endpoint as its account sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook {
    /// Its name.
    pub id: WebhookId,
    /// Where it is.
    pub url: String,
    /// What it hears of, in the order of [`Event::CHOICES`].
    pub events: Vec<Event>,
    /// Until when the secret before signs, too; may be over.
    pub old_until: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Who made it; none for a key of nobody.
    pub made_by: Option<PersonId>,
    /// Switched off, because nothing was taken there.
    pub disabled: Option<Disabled>,
}

/// An endpoint that is switched off: ends of jobs are not kept for it. What somebody asks for is still sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disabled {
    /// Since when.
    pub at: Timestamp,
    /// Why the last delivery failed, in words for the account's people.
    pub reason: String,
}

/// Where a delivery stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveryState {
    /// To be sent, or sent again.
    Waiting,
    /// The other side took it.
    Delivered,
    /// Given up.
    Dead,
}

impl DeliveryState {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Waiting, Self::Delivered, Self::Dead];

    /// As it is written everywhere.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Delivered => "delivered",
            Self::Dead => "dead",
        }
    }

    /// Reads what [`DeliveryState::word`] writes.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.word() == word)
    }
}

/// One event for one endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The event; of a job's end the job's own id.
    pub event_id: EventId,
    /// What happened.
    pub event: Event,
    /// Where it stands.
    pub state: DeliveryState,
    /// How often it was sent since it was last asked for.
    pub tries: u32,
    /// When it is sent next, while it waits.
    pub next_try_at: Timestamp,
    /// The status of the last answer; none where there was none.
    pub last_status: Option<u16>,
    /// Why the last try failed.
    pub last_error: Option<String>,
    /// When it happened.
    pub created_at: Timestamp,
    /// When it was taken, or given up.
    pub ended_at: Option<Timestamp>,
}

/// A delivery in the hands of who sends it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parcel {
    /// Whose.
    pub account: AccountId,
    /// Which endpoint.
    pub webhook: WebhookId,
    /// The event; of a job's end the job's own id.
    pub event_id: EventId,
    /// What happened.
    pub event: Event,
    /// When.
    pub created_at: Timestamp,
    /// Earlier tries.
    pub tries: u32,
    /// When it is given up.
    pub give_up_at: Timestamp,
    /// Where it goes.
    pub url: String,
    /// Sign it, the newest first.
    pub secrets: Vec<Secret>,
}

/// What became of a try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Taken, with this status.
    Delivered(u16),
    /// To be sent again then.
    Again(Timestamp, Failed),
    /// Given up.
    Dead(Failed),
}

/// Why a try failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failed {
    /// The answer's status, where there was an answer.
    pub status: Option<u16>,
    /// In words, for the account's people.
    pub reason: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_reads_back_and_no_secret_is_printed() {
        for event in Event::CHOICES.into_iter().chain([Event::Test]) {
            assert_eq!(Event::parse(event.word()), Some(event));
        }
        let ends = JobState::ALL.map(Event::of_end);
        assert_eq!(ends.iter().flatten().count(), Event::CHOICES.len(), "each end is told, and told apart");
        for state in DeliveryState::ALL {
            assert_eq!(DeliveryState::parse(state.word()), Some(state));
        }
        assert_eq!(Event::parse("job"), None);
        let secret = Secret::new("token");
        assert_eq!((secret.reveal(), &*format!("{secret:?}")), ("whsec_token", "Secret(..)"));
    }
}
