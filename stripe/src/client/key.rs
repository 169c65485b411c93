//! The account's key: what it says about itself, and where it may be sent. Never printed.

use hyper::Uri;
use std::fmt;

/// Where Stripe listens.
const STRIPE: &str = "https://api.stripe.com";
/// Longer than any key that Stripe makes.
const KEY_BYTES_MAX: usize = 512;
/// Secret and restricted keys.
const KINDS: [&str; 2] = ["sk_", "rk_"];

/// Whether money moves. Objects of one mode do not exist in the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Nothing is real.
    Test,
    /// Everything is.
    Live,
}

impl Mode {
    /// As Stripe's objects say it.
    #[must_use]
    pub fn is_live(self) -> bool {
        self == Self::Live
    }
}

/// Why there is no [`Stripe`](crate::Stripe).
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum SetupError {
    /// The key is none that may do what we do.
    #[error("the Stripe key must be a secret or restricted one: sk_test_, sk_live_, rk_test_ or rk_live_")]
    Key,
    /// The base address is none that the key may be sent to.
    #[error(
        "the Stripe address must be https://, or http:// on this machine with a test key, without a path"
    )]
    Address,
    /// The system trusts nobody, so Stripe cannot be told from others.
    #[error("the system has no certificates of authorities (Debian's package: ca-certificates)")]
    Certificates,
}

/// A key that looks like one of Stripe's.
pub(super) struct Key {
    text: String,
    mode: Mode,
}

impl fmt::Debug for Key {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Key").field("mode", &self.mode).finish_non_exhaustive()
    }
}

impl Key {
    pub(super) fn read(text: &str) -> Result<Self, SetupError> {
        let rest = KINDS.iter().find_map(|kind| text.strip_prefix(kind)).ok_or(SetupError::Key)?;
        let (mode, secret) = if let Some(secret) = rest.strip_prefix("test_") {
            (Mode::Test, secret)
        } else if let Some(secret) = rest.strip_prefix("live_") {
            (Mode::Live, secret)
        } else {
            return Err(SetupError::Key);
        };
        let is_word = secret.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if secret.is_empty() || text.len() > KEY_BYTES_MAX || !is_word {
            return Err(SetupError::Key);
        }
        Ok(Self { text: text.to_owned(), mode })
    }

    pub(super) fn mode(&self) -> Mode {
        self.mode
    }

    /// For the header that carries it.
    pub(super) fn secret(&self) -> &str {
        &self.text
    }

    /// The address to send it to, without a slash at its end, and whether that is encrypted.
    pub(super) fn address(&self, base_url: Option<&str>) -> Result<(String, bool), SetupError> {
        let url = base_url.unwrap_or(STRIPE).trim_end_matches('/');
        let uri: Uri = url.parse().map_err(|_| SetupError::Address)?;
        let authority = uri.authority().ok_or(SetupError::Address)?;
        if uri.path() != "/" || uri.query().is_some() || authority.as_str().contains('@') {
            return Err(SetupError::Address);
        }
        let is_here = matches!(authority.host(), "127.0.0.1" | "[::1]" | "localhost");
        match uri.scheme_str() {
            Some("https") => Ok((url.to_owned(), true)),
            Some("http") if is_here && !self.mode.is_live() => Ok((url.to_owned(), false)),
            _ => Err(SetupError::Address),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_says_its_mode() {
        for (text, mode) in [
            ("sk_test_a1", Mode::Test),
            ("rk_test_a1", Mode::Test),
            ("sk_live_a1", Mode::Live),
            ("rk_live_a1", Mode::Live),
        ] {
            assert_eq!(Key::read(text).unwrap().mode(), mode);
        }
    }

    #[test]
    fn what_is_no_key_is_refused_without_being_repeated() {
        let long = format!("sk_test_{}", "a".repeat(KEY_BYTES_MAX));
        for text in [
            "",
            "sk_test_",
            "pk_live_SECRET",
            "whsec_SECRET",
            "sk_SECRET",
            " sk_test_SECRET",
            "sk_test_SEC RET",
            &long,
        ] {
            let error = Key::read(text).unwrap_err();
            assert_eq!(error, SetupError::Key, "{text}");
            assert!(!error.to_string().contains("SECRET") && !format!("{error:?}").contains("SECRET"));
        }
    }

    #[test]
    fn a_key_is_sent_in_the_open_only_on_this_machine_and_only_if_nothing_is_real() {
        let (test, live) = (Key::read("sk_test_a").unwrap(), Key::read("sk_live_a").unwrap());
        assert_eq!(live.address(None), Ok((STRIPE.to_owned(), true)));
        for url in ["http://127.0.0.1:80", "http://[::1]:80/", "http://localhost:1"] {
            assert_eq!(test.address(Some(url)), Ok((url.trim_end_matches('/').to_owned(), false)));
            assert_eq!(live.address(Some(url)), Err(SetupError::Address), "{url}");
        }
        for url in [
            "http://stripe.test",
            "ftp://127.0.0.1",
            "127.0.0.1:80",
            "https://a/b",
            "https://u@a",
            "https://a?b",
            "",
        ] {
            assert_eq!(test.address(Some(url)), Err(SetupError::Address), "{url}");
        }
    }
}
