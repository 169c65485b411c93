//! What an error means for a job: it passes, or the job is over. Reads kinds of errors, never their texts.

use crate::library::Outcome;
use tributary_protocol::client::ClientError;

/// Why a try ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// It makes sense to try again; why we wait, for people.
    Later(String),
    /// It will never be otherwise.
    Over {
        outcome: Outcome,
        /// Why finished stems are not on this disk.
        not_fetched: Option<String>,
    },
}

impl Trouble {
    pub(super) fn cancelled(released: u64, cost: u64) -> Self {
        Self::Over { outcome: Outcome::Cancelled { released, cost }, not_fetched: None }
    }

    pub(super) fn failed(reason: impl Into<String>, released: Option<u64>) -> Self {
        Self::Over { outcome: Outcome::Failed { reason: reason.into(), released }, not_fetched: None }
    }

    /// Paid for and finished on the server, but not here.
    pub(super) fn not_fetched(cost: u64, reason: impl Into<String>) -> Self {
        Self::Over { outcome: Outcome::Done { cost }, not_fetched: Some(reason.into()) }
    }

    /// Nothing is wrong; the next look begins anew.
    pub(super) fn again() -> Self {
        Self::Later("Asking the server again.".to_owned())
    }

    /// What a call's error means. What the user or the operator can put right is waited for; what the server will
    /// never accept ends the job.
    pub(super) fn of(error: ClientError) -> Self {
        match error {
            ClientError::Unreachable { .. } => {
                Self::Later("The server cannot be reached; it goes on by itself when it can.".to_owned())
            }
            ClientError::UnknownJob { .. } => Self::Later(
                "The server does not know this job: sign in with the account that began it, or cancel it."
                    .to_owned(),
            ),
            ClientError::Busy { .. }
            | ClientError::SignIn
            | ClientError::Untrusted { .. }
            | ClientError::Server { .. }
            | ClientError::Disk { .. } => Self::Later(sentence(&error)),
            _ => Self::failed(sentence(&error), None),
        }
    }
}

/// As it stands in the window.
pub(in crate::session) fn sentence(error: &ClientError) -> String {
    let text = error.to_string();
    let mut letters = text.chars();
    let first = letters.next().map(char::to_uppercase);
    let mut sentence: String = first.into_iter().flatten().chain(letters).collect();
    if !sentence.ends_with('.') {
        sentence.push('.');
    }
    sentence
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;
    use tributary_protocol::vocab::Credits;

    #[test]
    fn what_passes_is_waited_for_and_what_does_not_costs_nothing() {
        let io = || io::Error::other("cause");
        for error in [
            ClientError::Unreachable { address: "h".into(), cause: Box::new(io()) },
            ClientError::Untrusted { address: "h".into(), cause: Box::new(io()) },
            ClientError::Busy { reason: "full".into(), retry_after: None },
            ClientError::SignIn,
            ClientError::Server { reason: "oops".into() },
            ClientError::Disk { path: "p".into(), cause: io() },
            ClientError::UnknownJob { reason: "none".into() },
        ] {
            assert!(matches!(Trouble::of(error), Trouble::Later(reason) if reason.ends_with('.')));
        }
        for error in [
            ClientError::NotEnoughCredits { needed: Credits(2), available: Credits(1) },
            ClientError::OverLimit,
            ClientError::Suspended,
            ClientError::Refused { reason: "too long".into() },
            ClientError::Conflict,
            ClientError::Protocol { what: "that".into() },
        ] {
            let trouble = Trouble::of(error);
            assert!(
                matches!(trouble, Trouble::Over { outcome: Outcome::Failed { released: None, .. }, .. }),
                "{trouble:?}"
            );
        }
    }
}
