//! What goes wrong, as a page that says what to do. The gate draws it, since it knows who asks.

use super::words;
use crate::admission::Refusal;
use crate::artifacts::ArtifactError;
use crate::desk::DeskError;
use crate::store::StoreError;
use crate::team::Unchanged;
use crate::throttle::TooOften;
use crate::upload::UploadError;
use crate::welcome::{NotIn, NotSent};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use std::time::Duration;

/// Why there is no page.
#[derive(Clone, Debug)]
pub(super) enum Fault {
    /// Not there, or not yours: nobody can tell which.
    Missing,
    /// Sign in first, then come back here.
    SignIn,
    /// Your role does not allow it.
    Forbidden,
    /// The form is not ours, or too old.
    Form,
    /// What was sent cannot be taken; in words.
    Wrong(String),
    /// Too large.
    Large(String),
    /// Not now.
    Later(String),
    /// Too often: again after so long.
    Often(Duration),
    /// Ours; written down.
    Broken,
}

/// What a handler answers.
pub(super) type Answer = Result<Response, Fault>;

impl Fault {
    /// Its number.
    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::Missing => StatusCode::NOT_FOUND,
            Self::SignIn => StatusCode::SEE_OTHER,
            Self::Forbidden | Self::Form => StatusCode::FORBIDDEN,
            Self::Wrong(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Large(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Later(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Often(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Broken => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// Title and sentence for people.
    pub(super) fn words(&self) -> (&'static str, String) {
        match self {
            Self::Missing => ("Not found", "There is nothing here, or it is not yours to see.".to_owned()),
            Self::SignIn => ("Sign in", "Sign in first.".to_owned()),
            Self::Forbidden => (
                "Not allowed",
                "Your role in this account does not allow that; ask an owner of the account.".to_owned(),
            ),
            Self::Form => (
                "The page was too old",
                "This form came from another page or was open for too long. Go back, load the page again and send it \
                 once more; nothing was changed."
                    .to_owned(),
            ),
            Self::Wrong(words) => ("That cannot be done", sentence(words)),
            Self::Large(words) => ("Too large", sentence(words)),
            Self::Later(words) => ("Not now", sentence(words)),
            Self::Often(wait) => {
                let seconds = wait.as_secs().max(1);
                let seconds = format!("{seconds} second{}", if seconds == 1 { "" } else { "s" });
                ("Too many at once", format!("Wait {seconds}, then try again; nothing was sent or charged."))
            }
            Self::Broken => (
                "Something broke",
                "That is our fault and was written down. Nothing was charged; try again in a moment.".to_owned(),
            ),
        }
    }
}

/// Begins with a capital, ends with a full stop: errors are written without.
pub(super) fn sentence(words: &str) -> String {
    let mut chars = words.chars();
    let first: String = chars.next().into_iter().flat_map(char::to_uppercase).collect();
    format!("{first}{}.", chars.as_str().trim_end_matches('.'))
}

/// Written down once, here; people hear that it is ours.
pub(super) fn broken(error: &(dyn std::error::Error + 'static)) -> Fault {
    tracing::error!(error, "a page failed");
    Fault::Broken
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        match &error {
            StoreError::Away(_) => Self::Later("the database does not answer; try again in a moment".into()),
            StoreError::DiskFull => Self::Later(error.to_string()),
            StoreError::TooLarge(_) | StoreError::Closed => Self::Wrong(error.to_string()),
            StoreError::NoAccount => Self::Missing,
            _ => broken(&error),
        }
    }
}

impl From<Unchanged> for Fault {
    fn from(error: Unchanged) -> Self {
        match error {
            Unchanged::Forbidden(_) => Self::Forbidden,
            Unchanged::Unknown => Self::Missing,
            Unchanged::Store(error) => error.into(),
            Unchanged::Letter => Self::Later(Unchanged::Letter.to_string()),
            other => Self::Wrong(other.to_string()),
        }
    }
}

impl From<NotIn> for Fault {
    fn from(error: NotIn) -> Self {
        match error {
            NotIn::Store(error) => error.into(),
            NotIn::Busy(_) | NotIn::NotSent(NotSent::Post(_)) => Self::Later(error.to_string()),
            other => Self::Wrong(other.to_string()),
        }
    }
}

impl From<ArtifactError> for Fault {
    fn from(error: ArtifactError) -> Self {
        match &error {
            ArtifactError::Missing => Self::Missing,
            ArtifactError::DiskFull => Self::Later(error.to_string()),
            _ => broken(&error),
        }
    }
}

impl From<UploadError> for Fault {
    fn from(error: UploadError) -> Self {
        match error {
            UploadError::Artifact(error) => error.into(),
            UploadError::Busy => Self::Later(UploadError::Busy.to_string()),
            other => Self::Wrong(other.to_string()),
        }
    }
}

impl From<Refusal> for Fault {
    fn from(error: Refusal) -> Self {
        match error {
            Refusal::Store(error) => error.into(),
            Refusal::Artifact(error) => error.into(),
            Refusal::DiskFull | Refusal::Draining | Refusal::QueueFull { .. } => {
                Self::Later(error.to_string())
            }
            Refusal::OverLimit { needed, limit, spent } => Self::Wrong(format!(
                "this job costs {}, and your limit this month is {}, of which {} {} spent or held; ask an owner of the \
                 account for more",
                words::credits(needed),
                words::credits(limit),
                words::grouped(spent.0),
                if spent.0 == 1 { "is" } else { "are" },
            )),
            Refusal::Suspended => {
                Self::Wrong("this account starts no new jobs; write to the operator of this server".into())
            }
            other => Self::Wrong(other.to_string()),
        }
    }
}

impl From<TooOften> for Fault {
    fn from(error: TooOften) -> Self {
        // Whole seconds, up: whoever waits so long is not too early.
        let wait = error.retry_after;
        Self::Often(Duration::from_secs(wait.as_secs() + u64::from(wait.subsec_nanos() > 0)))
    }
}

impl From<DeskError> for Fault {
    fn from(error: DeskError) -> Self {
        match error {
            DeskError::Refused(error) => error.into(),
            DeskError::Store(error) => error.into(),
            DeskError::Artifact(error) => error.into(),
            DeskError::Upload(error) => error.into(),
            DeskError::NoJob | DeskError::NoClip | DeskError::NoResult { .. } => Self::Missing,
            DeskError::TooLarge { .. } => Self::Large(error.to_string()),
            DeskError::Busy | DeskError::Draining => Self::Later(error.to_string()),
            DeskError::Lost(_) | DeskError::Io { .. } => broken(&error),
            DeskError::Key(_) => Self::SignIn,
            DeskError::Forbidden(_) => Self::Forbidden,
            // Browsers create no jobs by name, and visitors of widgets hear nothing of the account.
            DeskError::TooMuchStaged { .. } => Self::Later(
                "too many files wait here for somebody to start them; start one, or try again in an hour"
                    .into(),
            ),
            DeskError::NotDone { .. } | DeskError::NotEnded | DeskError::Audio(_) => {
                Self::Wrong(error.to_string())
            }
        }
    }
}

/// Without a body: the gate draws it.
impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}
