//! Passwords that anybody would try first. Not a dictionary: the names, words and rows of keys that people take when they are
//! asked for eight characters, whatever they put behind them.

/// Characters of an address's name that count when they are found in a password: shorter ones are in many words.
const NAME_CHARS_MIN: usize = 4;

/// Words that are no secret alone, nor with digits and signs around them.
const WORDS: [&str; 96] = [
    "abc",
    "abcd",
    "abcdef",
    "abcdefg",
    "abcdefgh",
    "abcdefghi",
    "access",
    "admin",
    "administrator",
    "adobe",
    "ashley",
    "asdf",
    "asdfgh",
    "asdfghjk",
    "asdfghjkl",
    "azerty",
    "azertyuiop",
    "bailey",
    "baseball",
    "basketball",
    "batman",
    "blink",
    "butterfly",
    "changeme",
    "charlie",
    "chocolate",
    "computer",
    "corvette",
    "daniel",
    "default",
    "donald",
    "dragon",
    "electric",
    "enter",
    "facebook",
    "flower",
    "football",
    "freedom",
    "google",
    "guest",
    "guitar",
    "hello",
    "helloworld",
    "hottie",
    "hunter",
    "iloveyou",
    "internet",
    "jennifer",
    "jordan",
    "letmein",
    "liverpool",
    "login",
    "london",
    "loveme",
    "lovely",
    "master",
    "melody",
    "michael",
    "monkey",
    "mustang",
    "mynoob",
    "nicole",
    "ninja",
    "passwort",
    "pass",
    "passw",
    "password",
    "passwordpassword",
    "pianoman",
    "pokemon",
    "princess",
    "qazwsx",
    "qazwsxedc",
    "qwer",
    "qwert",
    "qwerty",
    "qwertyui",
    "qwertyuiop",
    "qwertz",
    "qwertzuiop",
    "recording",
    "samsung",
    "secret",
    "shadow",
    "soccer",
    "starwars",
    "studio",
    "sunshine",
    "superman",
    "test",
    "tributary",
    "trustno",
    "welcome",
    "whatever",
    "zxcvbn",
    "zxcvbnm",
];

/// Whole passwords of mixed keys.
const KEYS: [&str; 12] = [
    "1q2w3e4r",
    "1q2w3e4r5t",
    "1qaz2wsx",
    "1qaz2wsx3edc",
    "a1b2c3d4",
    "abc123abc",
    "aa123456",
    "q1w2e3r4",
    "q1w2e3r4t5",
    "qwe123qwe",
    "zaq12wsx",
    "p4ssw0rdp4ssw0rd",
];

/// What people write in a letter's place.
fn letter(c: char) -> char {
    match c {
        '0' => 'o',
        '1' | '!' => 'i',
        '3' => 'e',
        '4' | '@' => 'a',
        '5' | '$' => 's',
        '7' => 't',
        _ => c,
    }
}

/// Whether it is among the first that anybody would try.
pub(super) fn is_common(password: &str) -> bool {
    let lower = password.to_lowercase();
    is_monotonous(&lower)
        || KEYS.contains(&&*lower)
        || is_word(&lower)
        // Signs for letters are read as such where letters are around them: in P4ssw0rd, not in the year behind it.
        || is_word(&spelled(&lower))
}

/// Letters with at most digits and signs before and behind them, and the letters a known word, or one twice.
fn is_word(lower: &str) -> bool {
    let word = lower.trim_matches(|c: char| !c.is_alphabetic());
    let half = word.get(..word.len() / 2).filter(|half| half.repeat(2) == word);
    WORDS.contains(&word) || half.is_some_and(|half| WORDS.contains(&half))
}

fn spelled(lower: &str) -> String {
    let trimmed = lower.trim_end_matches(|c: char| !c.is_alphabetic());
    trimmed.chars().map(letter).collect()
}

/// Few characters again and again, or a run of neighbours: aaaaaaaa, 12341234, 87654321.
fn is_monotonous(lower: &str) -> bool {
    let chars: Vec<char> = lower.chars().collect();
    let repeats = |period: usize| chars.iter().zip(chars.iter().skip(period)).all(|(a, b)| a == b);
    let steps: Vec<i64> = chars
        .iter()
        .zip(chars.iter().skip(1))
        .map(|(a, b)| i64::from(u32::from(*b)) - i64::from(u32::from(*a)))
        .collect();
    let run = |step: i64| steps.iter().all(|found| *found == step);
    // From 9 the next key is 0.
    let digits = "01234567890123456789";
    let backwards: String = digits.chars().rev().collect();
    (1..=4).any(repeats) || run(1) || run(-1) || digits.contains(lower) || backwards.contains(lower)
}

/// Whether the password holds its owner's address, or the name in it.
pub(super) fn holds_address(password: &str, address: &str) -> bool {
    let (password, address) = (password.to_lowercase(), address.to_lowercase());
    let name = address.split(['@', '+']).next().unwrap_or_default();
    let holds = |part: &str| part.chars().count() >= NAME_CHARS_MIN && password.contains(part);
    holds(&address) || holds(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_anybody_would_try_is_common_and_what_nobody_would_is_not() {
        for password in [
            "password",
            "Password1",
            "PASSWORD2024!",
            "P4ssw0rd!",
            "p@$$w0rd",
            "12345678",
            "1234567890",
            "0987654321",
            "87654321",
            "aaaaaaaa",
            "abababab",
            "abcabcabc",
            "12341234",
            "qwertyuiop",
            "Qwerty123",
            "1q2w3e4r",
            "letmein1",
            "iloveyou",
            "monkey123",
            "tributary1",
            "admin123!",
            "!!!admin!!!",
            "dragondragon",
            "abcdefgh1",
            "welcome2026",
        ] {
            assert!(is_common(password), "{password}");
        }
        for password in [
            "correct horse battery",
            "Tr0ub4dor&3",
            "passing clouds 9",
            "x7Kq-2mVb",
            "studio monitors left",
            "\u{44f}\u{431}\u{43b}\u{43e}\u{43a}\u{43e} \u{441}\u{430}\u{434}",
            "adminton club",
        ] {
            assert!(!is_common(password), "{password}");
        }
    }

    #[test]
    fn an_own_address_is_found_and_a_short_name_is_not_taken_for_one() {
        for (password, address, held) in [
            ("Anna.Miller-1", "anna.miller@example.org", true),
            ("anna.miller@example.org", "Anna.Miller@example.org", true),
            ("xxmillerxx", "miller+shop@example.org", true),
            ("banana bread", "ana@example.org", false),
            ("something else", "anna@example.org", false),
            ("anything", "", false),
        ] {
            assert_eq!(holds_address(password, address), held, "{password} {address}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(password in ".*", address in ".*") {
            is_common(&password);
            holds_address(&password, &address);
        }
    }
}
