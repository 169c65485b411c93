//! The door to Stripe: key, mode and connection, and how one call is made. Knows no object.

mod key;
mod transport;

use crate::{IdempotencyKey, StripeError};
use miniserde::Deserialize;
use std::fmt;
use stripe_client_core::{IdempotencyKey as WireKey, RequestBuilder, RequestStrategy, StripeRequest};

pub use key::{Mode, SetupError};
pub use transport::{ANSWER_BYTES_MAX, CALL_SECONDS_MAX};

use key::Key;
pub(crate) use transport::Failed;
use transport::Transport;

/// The longest id that Stripe makes. <https://docs.stripe.com/upgrades#what-changes-does-stripe-consider-to-be-backward-compatible>
const ID_BYTES_MAX: usize = 255;

/// Stripe, as one account sees it in one mode.
#[derive(Clone)]
pub struct Stripe {
    mode: Mode,
    transport: Transport,
}

impl fmt::Debug for Stripe {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Stripe").field("mode", &self.mode).finish_non_exhaustive()
    }
}

impl Stripe {
    /// `key`: a secret or restricted key, which says its mode. `base_url`: for tests, where a stand-in of Stripe listens;
    /// `https`, or with a test key also `http` on this machine. Reads the system's certificates; connects to nothing.
    ///
    /// # Errors
    /// See [`SetupError`]; none repeats the key.
    pub fn new(key: &str, base_url: Option<&str>) -> Result<Self, SetupError> {
        let key = Key::read(key)?;
        Ok(Self { mode: key.mode(), transport: Transport::new(&key, base_url)? })
    }

    /// Whether money moves.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// Reads something.
    pub(crate) async fn get<T: Deserialize>(&self, request: RequestBuilder) -> Result<T, StripeError> {
        Ok(request.customize::<T>().send(&self.transport).await?)
    }

    /// Changes something, at most once for each key.
    pub(crate) async fn post<T: Deserialize>(
        &self,
        request: &impl StripeRequest,
        key: &IdempotencyKey,
    ) -> Result<T, Failed> {
        let key = WireKey::new(key.as_str()).expect("IdempotencyKey has the same limits");
        let request = request.build().customize::<T>();
        request.request_strategy(RequestStrategy::Idempotent(key)).send(&self.transport).await
    }
}

/// An id that can stand in a path. What cannot be an id names nothing, and must not become another path.
pub(crate) fn id(text: &str) -> Result<&str, StripeError> {
    let is_id = (1..=ID_BYTES_MAX).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if is_id { Ok(text) } else { Err(StripeError::NotFound) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_id_names_nothing() {
        assert_eq!(id("cs_test_a1B2").unwrap(), "cs_test_a1B2");
        for text in ["", "../customers", "a/b", "a?b", "a b", "ä", "a-b", &"a".repeat(ID_BYTES_MAX + 1)] {
            assert!(matches!(id(text), Err(StripeError::NotFound)), "{text}");
        }
    }

    #[test]
    fn the_key_is_not_printed() {
        let stripe = Stripe::new("sk_test_SECRET", Some("http://127.0.0.1:1")).unwrap();
        let printed = format!("{stripe:?} {stripe:#?}");
        assert!(!printed.contains("SECRET") && printed.contains("Test"), "{printed}");
    }
}
