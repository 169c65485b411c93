//! A job and the arrows between its states. No I/O: stores apply [`next`], nothing else changes a state.

use crate::clock::Timestamp;
use crate::tenant::Tenant;
use sha2::{Digest, Sha256 as Hasher};
use std::time::Duration;
use tributary_protocol::settings::Settings;
use tributary_protocol::vocab::{AccountId, ClipHeader, Credits, JobId, PersonId, Sha256, WidgetId};

/// Where a job is on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum JobState {
    /// Admitted; the clip is on its way. Ends by itself at `expires_at`.
    Uploading,
    /// The clip is here; waits for a worker.
    Queued,
    /// A worker holds the lease.
    Running,
    /// Stems are stored, the hold was captured.
    Done,
    /// It could not be done; the hold was released.
    Failed,
    /// The user stopped it; the share of chunks done was captured, the rest released.
    Cancelled,
    /// The clip never came; the hold was released.
    Expired,
}

/// The name under which servers tell each other of a job without saying whose it is: SHA-256 of account and id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Topic(pub Sha256);

impl Topic {
    /// Of one account's job.
    #[must_use]
    pub fn of(tenant: &Tenant, job: JobId) -> Self {
        let hasher = Hasher::new().chain_update(tenant.account().as_bytes()).chain_update(job.as_bytes());
        Self(Sha256(hasher.finalize().into()))
    }
}

/// What may happen to a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum JobEvent {
    /// The whole clip is stored and its hash is right.
    Uploaded,
    /// A worker took it.
    Claimed,
    /// The worker gave it back, or its lease ran out with attempts left.
    Returned,
    /// All stems are stored.
    Finished,
    /// It cannot succeed, or the attempts are used up.
    GaveUp,
    /// The user stopped it.
    Stopped,
    /// The clip did not come in time.
    TimedOut,
}

impl JobState {
    /// Every state, for tables and tests.
    pub const ALL: [Self; 7] = [
        Self::Uploading,
        Self::Queued,
        Self::Running,
        Self::Done,
        Self::Failed,
        Self::Cancelled,
        Self::Expired,
    ];

    /// Nothing changes any more and the hold is settled.
    #[must_use]
    pub fn is_terminal(self) -> bool {
        matches!(self, Self::Done | Self::Failed | Self::Cancelled | Self::Expired)
    }

    /// The word in the database and in lists.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Uploading => "uploading",
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
        }
    }

    /// The state of that word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.word() == word)
    }
}

/// The one table of arrows; none where there is no arrow.
#[must_use]
pub fn next(state: JobState, event: JobEvent) -> Option<JobState> {
    use JobEvent as E;
    use JobState as S;
    match (state, event) {
        (S::Uploading, E::Uploaded) | (S::Running, E::Returned) => Some(S::Queued),
        (S::Uploading, E::TimedOut) => Some(S::Expired),
        (S::Queued, E::Claimed) => Some(S::Running),
        (S::Running, E::Finished) => Some(S::Done),
        (S::Queued | S::Running, E::GaveUp) => Some(S::Failed),
        (S::Uploading | S::Queued | S::Running, E::Stopped) => Some(S::Cancelled),
        _ => None,
    }
}

/// A job as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// Made by the client.
    pub id: JobId,
    /// Whose job and whose credits.
    pub account: AccountId,
    /// Where it is.
    pub state: JobState,
    /// Rises by one with every stored change.
    pub seq: u64,
    /// The model's name.
    pub model: String,
    /// Stems wanted; empty means all.
    pub stems: Vec<String>,
    /// For lists.
    pub title: String,
    /// The clip.
    pub clip: ClipHeader,
    /// A value for every control of the model.
    pub settings: Settings,
    /// Clips the result shall be made like.
    pub references: Vec<ClipHeader>,
    /// Chunks the device will see.
    pub chunks: u32,
    /// Chunks done in this attempt, as last reported.
    pub chunks_done: u32,
    /// Times it was claimed; also the fence that refuses stale workers.
    pub attempt: u32,
    /// The user asked a running job to stop.
    pub cancel_asked: bool,
    /// Set aside at admission: the quote.
    pub held: Credits,
    /// Taken at the end; zero before.
    pub captured: Credits,
    /// Why it failed, for people.
    pub failure: Option<String>,
    /// Who asked; none for a key of nobody.
    pub person: Option<PersonId>,
    /// The widget by which it came; none where a member or a key asked.
    pub widget: Option<WidgetId>,
    /// Time of the device that it took, all attempts together.
    pub device: Duration,
    /// Its clip and results are deleted, or about to be.
    pub erased: bool,
    /// Finished stems, then sheets, in the plan's order; empty before `Done` and once they are deleted.
    pub artifacts: Vec<StemArtifact>,
    /// When it was admitted.
    pub created_at: Timestamp,
    /// When it was first claimed.
    pub started_at: Option<Timestamp>,
    /// When it reached a terminal state.
    pub ended_at: Option<Timestamp>,
}

impl Job {
    /// When its clip and results are deleted, where they are kept for `keep`; none while it is open, and once they are.
    #[must_use]
    pub fn kept_until(&self, keep: Duration) -> Option<Timestamp> {
        self.ended_at.filter(|_| !self.erased).map(|ended| ended.after(keep))
    }

    /// Given back at the end; zero before.
    #[must_use]
    pub fn released(&self) -> Credits {
        if self.state.is_terminal() {
            self.held.checked_sub(self.captured).unwrap_or(Credits::ZERO)
        } else {
            Credits::ZERO
        }
    }
}

/// A finished stem's or sheet's stored bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StemArtifact {
    /// Its name; a sheet's ends in its format.
    pub name: String,
    /// Of its bytes, canonical ones where it is a stem.
    pub sha256: Sha256,
    /// How many.
    pub bytes: u64,
}

impl StemArtifact {
    /// True for a file that is not sound, like `notes.mid`. A stem's name has no dot (cards allow none).
    #[must_use]
    pub fn is_sheet(&self) -> bool {
        self.name.contains('.')
    }
}

/// What a cancelled running job pays: the share of chunks done, rounded down, never more than was held.
#[must_use]
pub fn cancelled_share(held: Credits, chunks_done: u32, chunks: u32) -> Credits {
    let done = u128::from(chunks_done.min(chunks));
    let share = u128::from(held.0) * done / u128::from(chunks.max(1));
    Credits(u64::try_from(share).expect("a share of a u64 is a u64"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terminal_states_have_no_arrow_and_all_others_reach_one() {
        use JobEvent::*;
        let events = [Uploaded, Claimed, Returned, Finished, GaveUp, Stopped, TimedOut];
        for state in JobState::ALL {
            let arrows: Vec<_> = events.iter().filter_map(|event| next(state, *event)).collect();
            assert_eq!(state.is_terminal(), arrows.is_empty(), "{state:?}");
            assert_eq!(JobState::from_word(state.word()), Some(state));
            if !state.is_terminal() {
                assert!(arrows.iter().any(|to| to.is_terminal()), "{state:?} can end in one step");
            }
        }
    }

    #[test]
    fn the_arrows_are_these_and_no_others() {
        use JobEvent::*;
        let count = JobState::ALL
            .into_iter()
            .flat_map(|s| [Uploaded, Claimed, Returned, Finished, GaveUp, Stopped, TimedOut].map(|e| (s, e)))
            .filter(|(s, e)| next(*s, *e).is_some())
            .count();
        assert_eq!(count, 10);
        assert_eq!(next(JobState::Uploading, Claimed), None, "no clip, no work");
        assert_eq!(next(JobState::Queued, Finished), None, "only a lease holder finishes");
    }

    #[test]
    fn a_cancelled_job_pays_its_share_rounded_down() {
        for (held, done, of, paid) in [
            (10, 0, 4, 0),
            (10, 1, 4, 2),
            (10, 3, 4, 7),
            (10, 4, 4, 10),
            (1, 3, 4, 0),
            (10, 9, 4, 10),
            (5, 1, 0, 0),
        ] {
            assert_eq!(cancelled_share(Credits(held), done, of).0, paid.min(held), "{held} {done}/{of}");
        }
        assert_eq!(cancelled_share(Credits(u64::MAX), 1, 1).0, u64::MAX);
    }
}
