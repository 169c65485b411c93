//! Being let in without typing a key: what the device shows and learns.

use super::ClientError;
use crate::limits::is_web_page;
use crate::v1;
use std::fmt;
use std::time::Duration;

/// The shortest pause between two questions, whatever the server says.
const PAUSE_MIN: Duration = Duration::from_secs(1);

/// A device that waits.
#[derive(Clone, PartialEq, Eq)]
pub struct SignInView {
    /// Asks for the key; never shown.
    pub secret: String,
    /// For the person to compare: `XXXX-XXXX`.
    pub code: String,
    /// The page that asks for the code, `http://..` or `https://..`; none where the server said something else.
    pub page: Option<String>,
    /// The same page with the code filled in.
    pub page_with_code: Option<String>,
    /// Ask again after this.
    pub pause: Duration,
    /// Good until, microseconds since 1970 UTC.
    pub until_us: i64,
}

/// Without the secret.
impl fmt::Debug for SignInView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignInView")
            .field("code", &self.code)
            .field("page", &self.page)
            .finish_non_exhaustive()
    }
}

/// What a waiting device is told.
#[derive(Clone, PartialEq, Eq)]
pub enum SignInAnswer {
    /// Nobody has said anything yet.
    Waiting,
    /// Somebody said no.
    Denied,
    /// Too late, or fetched already: begin again.
    Gone,
    /// The key, this once.
    Key(String),
}

/// Without the key.
impl fmt::Debug for SignInAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Waiting => "Waiting",
            Self::Denied => "Denied",
            Self::Gone => "Gone",
            Self::Key(_) => "Key(..)",
        })
    }
}

impl From<v1::BeginSignInResponse> for SignInView {
    fn from(wire: v1::BeginSignInResponse) -> Self {
        // They will be opened in a browser: only what a browser is for.
        let page = |url: String| is_web_page(&url).then_some(url);
        Self {
            secret: wire.device_secret,
            code: wire.code,
            page: page(wire.page),
            page_with_code: page(wire.page_with_code),
            pause: Duration::from_secs(wire.interval_seconds.into()).max(PAUSE_MIN),
            until_us: wire.until_us,
        }
    }
}

impl TryFrom<v1::PollSignInResponse> for SignInAnswer {
    type Error = ClientError;
    fn try_from(wire: v1::PollSignInResponse) -> Result<Self, ClientError> {
        match wire.state() {
            v1::SignInState::Waiting => Ok(Self::Waiting),
            v1::SignInState::Denied => Ok(Self::Denied),
            v1::SignInState::Gone => Ok(Self::Gone),
            v1::SignInState::LetIn => Ok(Self::Key(wire.key)),
            v1::SignInState::Unspecified => {
                Err(ClientError::protocol(format!("a sign-in in state {}", wire.state)))
            }
        }
    }
}
