//! Words that let somebody in for a while: tokens of sessions, of links in letters and of devices, and short codes that people
//! type. Shown once, stored as hashes, never logged.

use rand::RngExt;
use rand::distr::Alphanumeric;
use sha2::Digest;
use std::fmt;
use subtle::ConstantTimeEq;
use tributary_protocol::vocab::Sha256;
use zeroize::Zeroizing;

/// Characters of a token: 62^43 > 2^256.
pub const TOKEN_CHARS: usize = 43;

/// A random token of 256 bits: letters and digits, so that it can stand in a link or a cookie as it is.
#[derive(Clone)]
pub struct Token(Zeroizing<String>);

/// Not a token: another length, or another character. Never repeats the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is no token: it has {TOKEN_CHARS} letters and digits")]
pub struct NotAToken;

impl Token {
    /// A new one from the operating system's randomness (through `rand`'s thread generator, a ChaCha stream).
    #[must_use]
    pub fn generate() -> Self {
        Self(Zeroizing::new(
            rand::rng().sample_iter(Alphanumeric).take(TOKEN_CHARS).map(char::from).collect(),
        ))
    }

    /// Reads one as [`Self::reveal`] writes it.
    ///
    /// # Errors
    /// `NotAToken`.
    pub fn parse(text: &str) -> Result<Self, NotAToken> {
        let is_token = text.len() == TOKEN_CHARS && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if is_token { Ok(Self(Zeroizing::new(text.to_owned()))) } else { Err(NotAToken) }
    }

    /// In plain text, for the one moment it is handed over.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// What the database keeps. One round is enough: nobody guesses 256 random bits.
    #[must_use]
    pub fn sha256(&self) -> Sha256 {
        hash(&self.0)
    }

    /// Whether its hash is `stored`. Takes the same time wherever the two differ.
    #[must_use]
    pub fn matches(&self, stored: &Sha256) -> bool {
        self.sha256().0.ct_eq(&stored.0).into()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("Token(..)")
    }
}

/// Letters of a code: no vowels, so that it spells nothing, and none of those that look like another or like a digit that is
/// not read as one (after RFC 8628, section 6.1, without L).
const LETTERS: &[u8; 19] = b"BCDFGHJKMNPQRSTVWXZ";
/// Letters in a code: 19^8 > 2^33. Few enough to be guessed in time: codes live for minutes, and tries are counted.
const CODE_CHARS: usize = 8;
/// Bytes of a typed code that are looked at, whatever stands between its letters.
const TYPED_BYTES_MAX: usize = 64;

/// A short code for people to type: `BCDF-GHJK`.
#[derive(Clone)]
pub struct TypedCode(Zeroizing<[u8; CODE_CHARS]>);

/// Not a code. Never repeats the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is no code: it has {CODE_CHARS} letters, like BCDF-GHJK")]
pub struct NotACode;

impl TypedCode {
    /// A new one, each letter as likely as any other.
    #[must_use]
    pub fn generate() -> Self {
        let mut random = rand::rng();
        Self(Zeroizing::new([(); CODE_CHARS].map(|()| LETTERS[random.random_range(0..LETTERS.len())])))
    }

    /// Reads one as people type it: any case, with blanks, dots and dashes or none, and digits for the letters that look like
    /// them.
    ///
    /// # Errors
    /// `NotACode`.
    pub fn parse(text: &str) -> Result<Self, NotACode> {
        if text.len() > TYPED_BYTES_MAX {
            return Err(NotACode);
        }
        let is_between = |c: &char| {
            c.is_whitespace() || matches!(c, '-' | '.' | '_' | '\u{2010}'..='\u{2015}' | '\u{2212}')
        };
        let mut letters = text.chars().filter(|c| !is_between(c)).map(letter);
        let mut code = Zeroizing::new([0; CODE_CHARS]);
        for place in code.iter_mut() {
            *place = letters.next().flatten().ok_or(NotACode)?;
        }
        if letters.next().is_some() { Err(NotACode) } else { Ok(Self(code)) }
    }

    /// As it is shown to its reader: `BCDF-GHJK`.
    #[must_use]
    pub fn reveal(&self) -> String {
        let word = |letters: &[u8]| letters.iter().copied().map(char::from).collect::<String>();
        let (first, second) = self.0.split_at(CODE_CHARS / 2);
        format!("{}-{}", word(first), word(second))
    }

    /// What the database keeps. Whoever reads it there can find the code, since there are few: it keeps no secret for long.
    #[must_use]
    pub fn sha256(&self) -> Sha256 {
        hash(&self.reveal())
    }

    /// Whether its hash is `stored`. Takes the same time wherever the two differ.
    #[must_use]
    pub fn matches(&self, stored: &Sha256) -> bool {
        self.sha256().0.ct_eq(&stored.0).into()
    }
}

impl fmt::Debug for TypedCode {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("TypedCode(..)")
    }
}

fn letter(c: char) -> Option<u8> {
    let c = match c.to_ascii_uppercase() {
        '2' => 'Z',
        '5' => 'S',
        '8' => 'B',
        c => c,
    };
    u8::try_from(c).ok().filter(|letter| LETTERS.contains(letter))
}

fn hash(text: &str) -> Sha256 {
    Sha256(sha2::Sha256::digest(text.as_bytes()).into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashSet;

    #[test]
    fn tokens_are_unlike_each_other_read_back_and_match_their_own_hash_only() {
        let tokens: Vec<_> = (0..1_000).map(|_| Token::generate()).collect();
        let words: HashSet<_> = tokens.iter().map(|token| token.reveal().to_owned()).collect();
        assert_eq!(words.len(), tokens.len());
        for (token, other) in tokens.iter().zip(&tokens[1..]) {
            let read = Token::parse(token.reveal()).unwrap();
            assert!(read.matches(&token.sha256()) && !read.matches(&other.sha256()));
        }
        let used: HashSet<_> = words.iter().flat_map(|word| word.chars()).collect();
        assert_eq!(used.len(), 62, "every letter and digit comes");
    }

    #[test]
    fn what_is_no_token_is_refused() {
        let token = Token::generate();
        let word = token.reveal();
        for text in
            ["", &word[1..], &format!("{word}a"), &word.replace(&word[..1], "-"), &format!("{} ", &word[1..])]
        {
            assert_eq!(Token::parse(text).err(), Some(NotAToken), "{text}");
        }
    }

    #[test]
    fn neither_is_shown() {
        let (token, code) = (Token::generate(), TypedCode::generate());
        assert_eq!(format!("{token:?} {code:?}"), "Token(..) TypedCode(..)");
    }

    #[test]
    fn codes_are_read_as_people_type_them() {
        let code = TypedCode::parse("BCDF-SZBK").unwrap();
        assert_eq!(code.reveal(), "BCDF-SZBK");
        for typed in [
            "bcdfszbk",
            " bcdf szbk\n",
            "BcDf\u{2013}SzBk",
            "b.c.d.f.s.z.b.k",
            "BCDF-528K",
            "B_C D-F\u{2212}SZBK",
        ] {
            assert!(TypedCode::parse(typed).unwrap().matches(&code.sha256()), "{typed}");
        }
        for typed in ["", "BCDF-SZB", "BCDF-SZBKK", "ACDF-SZBK", "LCDF-SZBK", "BCDF-SZB\u{41a}", "BCDF+SZBK"]
        {
            assert_eq!(TypedCode::parse(typed).err(), Some(NotACode), "{typed}");
        }
        assert_eq!(TypedCode::parse(&format!("BCDFSZBK{}", " ".repeat(60))).err(), Some(NotACode));
    }

    #[test]
    fn every_letter_of_a_code_is_as_likely_as_any_other() {
        let mut counts = [0_u32; LETTERS.len()];
        for _ in 0..5_000 {
            for letter in *TypedCode::generate().0 {
                counts[LETTERS.iter().position(|known| *known == letter).unwrap()] += 1;
            }
        }
        // 40,000 letters, 2105 of each expected; five standard deviations are 223.
        assert!(counts.iter().all(|count| count.abs_diff(2_105) < 223), "{counts:?}");
    }

    proptest! {
        #[test]
        fn no_text_panics_and_what_is_read_is_shown_as_it_is_typed_again(text in ".*") {
            let _ = Token::parse(&text);
            if let Ok(code) = TypedCode::parse(&text) {
                prop_assert!(TypedCode::parse(&code.reveal()).unwrap().matches(&code.sha256()));
            }
        }

        #[test]
        fn blanks_and_case_change_nothing(seps in proptest::collection::vec("[ .-]{0,3}", 8), lower in any::<[bool; 8]>()) {
            let code = TypedCode::generate();
            let letters = code.reveal().replace('-', "");
            let typed: String = letters.chars().zip(seps.iter().zip(lower)).map(|(letter, (sep, lower))| {
                let letter = if lower { letter.to_ascii_lowercase() } else { letter };
                format!("{sep}{letter}")
            }).collect();
            prop_assert!(TypedCode::parse(&typed).unwrap().matches(&code.sha256()));
        }
    }
}
