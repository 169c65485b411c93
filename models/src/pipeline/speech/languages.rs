//! The languages that can be asked for: those that the network's publisher counts among the ones it writes down well (less
//! than half of the words wrong). Any of the hundred it knows may be found.

/// In the place of a language: the clip decides.
pub(super) const AUTO: &str = "auto";

/// Code and English name, by name.
pub(super) const LANGUAGES: &[(&str, &str)] = &[
    (AUTO, "Heard"),
    ("af", "Afrikaans"),
    ("ar", "Arabic"),
    ("hy", "Armenian"),
    ("az", "Azerbaijani"),
    ("be", "Belarusian"),
    ("bs", "Bosnian"),
    ("bg", "Bulgarian"),
    ("ca", "Catalan"),
    ("zh", "Chinese"),
    ("hr", "Croatian"),
    ("cs", "Czech"),
    ("da", "Danish"),
    ("nl", "Dutch"),
    ("en", "English"),
    ("et", "Estonian"),
    ("fi", "Finnish"),
    ("fr", "French"),
    ("gl", "Galician"),
    ("de", "German"),
    ("el", "Greek"),
    ("he", "Hebrew"),
    ("hi", "Hindi"),
    ("hu", "Hungarian"),
    ("is", "Icelandic"),
    ("id", "Indonesian"),
    ("it", "Italian"),
    ("ja", "Japanese"),
    ("kn", "Kannada"),
    ("kk", "Kazakh"),
    ("ko", "Korean"),
    ("lv", "Latvian"),
    ("lt", "Lithuanian"),
    ("mk", "Macedonian"),
    ("ms", "Malay"),
    ("mi", "Maori"),
    ("mr", "Marathi"),
    ("ne", "Nepali"),
    ("no", "Norwegian"),
    ("fa", "Persian"),
    ("pl", "Polish"),
    ("pt", "Portuguese"),
    ("ro", "Romanian"),
    ("ru", "Russian"),
    ("sr", "Serbian"),
    ("sk", "Slovak"),
    ("sl", "Slovenian"),
    ("es", "Spanish"),
    ("sw", "Swahili"),
    ("sv", "Swedish"),
    ("tl", "Tagalog"),
    ("ta", "Tamil"),
    ("th", "Thai"),
    ("tr", "Turkish"),
    ("uk", "Ukrainian"),
    ("ur", "Urdu"),
    ("vi", "Vietnamese"),
    ("cy", "Welsh"),
];

/// Written without spaces between words.
const UNSPACED: [&str; 6] = ["zh", "ja", "th", "lo", "my", "yue"];

/// The English name, or the code where the list has none.
pub(super) fn name(code: &str) -> &str {
    LANGUAGES.iter().find(|(known, _)| *known == code).map_or(code, |(_, name)| name)
}

/// Whether words stand apart.
pub(super) fn is_spaced(code: &str) -> bool {
    !UNSPACED.contains(&code)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::whisper::Language;

    #[test]
    fn the_network_knows_every_language_that_can_be_asked_for() {
        for (code, name) in &LANGUAGES[1..] {
            assert_eq!(Language::of_code(code).map(Language::code), Some(*code), "{name}");
        }
        assert!(UNSPACED.iter().all(|code| Language::of_code(code).is_some()));
        assert!(LANGUAGES[1..].is_sorted_by_key(|(_, name)| *name));
    }
}
