//! Proves that a form is ours: a word that follows from the cookie's secret, which no other site can read.

use crate::auth::token::Token;
use sha2::Digest;
use subtle::ConstantTimeEq;
use tributary_protocol::vocab::Sha256;

/// The field of every form.
pub(super) const FIELD: &str = "csrf";

/// The word for this secret. It tells nothing of the secret, nor of the hash in the store.
pub(super) fn word(secret: &Token) -> String {
    let hasher = sha2::Sha256::new().chain_update(b"tributary form\0").chain_update(secret.reveal());
    Sha256(hasher.finalize().into()).to_string()
}

/// Whether `typed` is the word. Takes the same time wherever the two differ.
pub(super) fn is_ours(expected: &str, typed: &str) -> bool {
    !expected.is_empty() && bool::from(expected.as_bytes().ct_eq(typed.as_bytes()))
}

/// Whether a request that changes something comes from a page of this very server: browsers say from where. One that says
/// nothing is no browser of these years; the word in the form still has to be right.
pub(super) fn same_origin(origin: Option<&str>, site: Option<&str>, host: Option<&str>, own: &str) -> bool {
    let authority = |url: &str| url.split_once("://").map(|(_, rest)| rest.to_owned());
    match origin {
        Some(origin) => authority(origin)
            .is_some_and(|from| Some(from.as_str()) == host || authority(own).as_deref() == Some(&from)),
        None => site.is_none_or(|site| matches!(site, "same-origin" | "none")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_good_with_its_own_secret_only() {
        let (one, other) = (Token::generate(), Token::generate());
        assert!(is_ours(&word(&one), &word(&one)));
        for wrong in [&word(&other), "", one.reveal(), &one.sha256().to_string()] {
            assert!(!is_ours(&word(&one), wrong), "{wrong}");
        }
        assert!(!is_ours("", ""), "no secret, no word");
    }

    #[test]
    fn another_site_changes_nothing() {
        let own = "https://stems.example";
        for (origin, site, host, ours) in [
            (Some("https://stems.example"), None, Some("10.0.0.1:7703"), true),
            (Some("http://127.0.0.1:7703"), None, Some("127.0.0.1:7703"), true),
            (Some("https://evil.example"), Some("same-origin"), Some("stems.example"), false),
            (Some("null"), None, Some("stems.example"), false),
            (Some("https://stems.example.evil"), None, Some("stems.example"), false),
            (None, Some("cross-site"), Some("stems.example"), false),
            (None, Some("same-site"), Some("stems.example"), false),
            (None, Some("same-origin"), None, true),
            (None, None, None, true),
        ] {
            assert_eq!(same_origin(origin, site, host, own), ours, "{origin:?} {site:?} {host:?}");
        }
    }
}
