//! API keys: made, read, compared. The secret is shown once by [`ApiKey::reveal`], never logged, never stored.
//!
//! A key is `trb_<prefix>_<secret><check>`: 12 public characters to look it up by, 43 secret ones (256 bits), and 6
//! that tell a mistyped key from a wrong one without asking the database. All are digits and letters, so a double
//! click selects a part and secret scanners can look for `trb_`.

use crate::people::Rights;
use crate::store::KeyRow;
use rand::RngExt;
use rand::distr::Alphanumeric;
use sha2::Digest;
use std::fmt;
use std::str::FromStr;
use tributary_protocol::vocab::{AccountId, Sha256};

/// What every key begins with.
const SCHEME: &str = "trb_";
/// Characters of the public part.
const PREFIX_CHARS: usize = 12;
/// Characters of the secret part: 62^43 > 2^256.
const SECRET_CHARS: usize = 43;
/// Characters of the check: one typing error in 62^6 goes unnoticed, and is refused by the secret then.
const CHECK_CHARS: usize = 6;
/// `trb_`, prefix, `_`, secret, check; all ASCII.
const KEY_BYTES: usize = SCHEME.len() + PREFIX_CHARS + 1 + SECRET_CHARS + CHECK_CHARS;
const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Why a text is no key. Never repeats the text: it may be a key with one character wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotAKey {
    /// Another word altogether.
    #[error("not an API key: keys of this server begin with `trb_`")]
    Scheme,
    /// Cut off, or something was pasted with it.
    #[error("not an API key: {bytes} characters where a key has {KEY_BYTES}; copy the whole line")]
    Length {
        /// Of the text.
        bytes: usize,
    },
    /// A character no key has.
    #[error("not an API key: it holds something other than letters and digits")]
    Characters,
    /// A character is wrong somewhere.
    #[error("the API key was mistyped: its last six characters do not fit the others; copy it again")]
    Check,
}

/// A whole key, secret included.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey {
    prefix: String,
    secret: String,
}

impl ApiKey {
    /// A new key from the operating system's randomness (through `rand`'s thread generator, a ChaCha stream).
    #[must_use]
    pub fn generate() -> Self {
        let draw = |chars: usize| -> String {
            rand::rng().sample_iter(Alphanumeric).take(chars).map(char::from).collect()
        };
        Self { prefix: draw(PREFIX_CHARS), secret: draw(SECRET_CHARS) }
    }

    /// Reads a key as [`Self::reveal`] writes it.
    ///
    /// # Errors
    /// [`NotAKey`] says what is wrong with the text, without repeating it.
    pub fn parse(text: &str) -> Result<Self, NotAKey> {
        let rest = text.strip_prefix(SCHEME).ok_or(NotAKey::Scheme)?;
        if text.len() != KEY_BYTES {
            return Err(NotAKey::Length { bytes: text.len() });
        }
        let (prefix, tail) = rest.split_once('_').ok_or(NotAKey::Characters)?;
        if prefix.len() != PREFIX_CHARS
            || !prefix.bytes().chain(tail.bytes()).all(|b| b.is_ascii_alphanumeric())
        {
            return Err(NotAKey::Characters);
        }
        let (secret, check) = tail.split_at(SECRET_CHARS);
        let key = Self { prefix: prefix.to_owned(), secret: secret.to_owned() };
        if key.check() == check { Ok(key) } else { Err(NotAKey::Check) }
    }

    /// The public part; names the key in lists, logs and the database.
    #[must_use]
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The whole key in plain text. For the one moment it is shown to its owner or put into a request.
    #[must_use]
    pub fn reveal(&self) -> String {
        format!("{SCHEME}{}_{}{}", self.prefix, self.secret, self.check())
    }

    /// What the database keeps of the secret. One round is enough: nobody guesses 256 random bits.
    #[must_use]
    pub fn secret_sha256(&self) -> Sha256 {
        Sha256(sha2::Sha256::digest(self.secret.as_bytes()).into())
    }

    /// Whether this is the key whose hash is `stored`. Takes the same time wherever the two differ.
    #[must_use]
    pub fn matches(&self, stored: &Sha256) -> bool {
        let differing = self.secret_sha256().0.iter().zip(&stored.0).fold(0u8, |bits, (a, b)| bits | (a ^ b));
        std::hint::black_box(differing) == 0
    }

    /// The row to store for `account`: nobody's key that may do everything and never ends. `label` is for people.
    #[must_use]
    pub fn row(&self, account: AccountId, label: &str) -> KeyRow {
        KeyRow {
            account,
            prefix: self.prefix.clone(),
            secret_sha256: self.secret_sha256(),
            label: label.to_owned(),
            revoked_at: None,
            person: None,
            rights: Rights::ALL,
            expires_at: None,
            used_at: None,
        }
    }

    /// Six digits of base 62 from a hash over the rest.
    fn check(&self) -> String {
        let hash = sha2::Sha256::digest(format!("{SCHEME}{}_{}", self.prefix, self.secret));
        hash.iter()
            .take(CHECK_CHARS)
            .map(|byte| char::from(DIGITS[usize::from(*byte) % DIGITS.len()]))
            .collect()
    }
}

impl FromStr for ApiKey {
    type Err = NotAKey;
    fn from_str(text: &str) -> Result<Self, NotAKey> {
        Self::parse(text)
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ApiKey({SCHEME}{}_..)", self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_new_key_reads_back_and_opens_its_row_and_no_other() {
        let (key, other) = (ApiKey::generate(), ApiKey::generate());
        let read: ApiKey = key.reveal().parse().unwrap();
        let row = key.row(AccountId::generate(), "studio");
        assert_eq!(read, key);
        assert_eq!((row.prefix.as_str(), row.revoked_at), (key.prefix(), None));
        assert!(read.matches(&row.secret_sha256));
        assert!(!other.matches(&row.secret_sha256));
        assert_ne!(key.prefix(), other.prefix());
    }

    #[test]
    fn one_differing_bit_anywhere_in_the_hash_is_refused() {
        let key = ApiKey::generate();
        for bit in 0..256 {
            let mut stored = key.secret_sha256();
            stored.0[bit / 8] ^= 1 << (bit % 8);
            assert!(!key.matches(&stored), "bit {bit}");
        }
    }

    #[test]
    fn a_text_that_is_no_key_is_refused_with_what_is_wrong() {
        let text = ApiKey::generate().reveal();
        let mut mistyped = text.clone().into_bytes();
        mistyped[30] = if mistyped[30] == b'a' { b'b' } else { b'a' };
        let cases = [
            (String::new(), NotAKey::Scheme),
            ("sk_live_1".into(), NotAKey::Scheme),
            (text[..40].to_owned(), NotAKey::Length { bytes: 40 }),
            (format!("{text} "), NotAKey::Length { bytes: KEY_BYTES + 1 }),
            (format!("{}-{}", &text[..20], &text[21..]), NotAKey::Characters),
            (format!("trb_{}_{}", "a".repeat(11), "b".repeat(50)), NotAKey::Characters),
            (format!("trb_{}_{}", "a".repeat(12), "é".repeat(24) + "b"), NotAKey::Characters),
            (String::from_utf8(mistyped).unwrap(), NotAKey::Check),
        ];
        for (text, expected) in cases {
            assert_eq!(ApiKey::parse(&text), Err(expected), "{text}");
        }
    }

    #[test]
    fn neither_debug_nor_an_error_shows_the_secret() {
        let key = ApiKey::generate();
        let shown = format!("{key:?} {:?}", key.row(AccountId::generate(), ""));
        let error = ApiKey::parse(&format!("{}x", key.reveal())).unwrap_err();
        for text in [shown, error.to_string(), format!("{error:?}")] {
            assert!(!text.contains(&key.secret[..8]), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused_without_panic(text in "(trb_)?\\PC{0,70}") {
            let _ = ApiKey::parse(&text);
        }
    }
}
