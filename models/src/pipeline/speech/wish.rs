//! What a user may set, and what it means.

use super::languages::{AUTO, LANGUAGES};
use crate::session::whisper::Language;
use crate::settings::{Control, ControlKind, Settings};

/// The settings of one job, understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wish {
    /// None: the clip decides.
    pub(super) language: Option<Language>,
    pub(super) translate: bool,
    pub(super) voice_only: bool,
    pub(super) word_times: bool,
    /// A marker for every word, not for every line.
    pub(super) word_markers: bool,
    pub(super) line_letters: usize,
}

impl Wish {
    /// `settings` are checked against [`controls`].
    pub(super) fn of(settings: &Settings) -> Self {
        Self {
            language: Some(settings.choice("language"))
                .filter(|code| *code != AUTO)
                .and_then(Language::of_code),
            translate: settings.switch("translate"),
            voice_only: settings.switch("voice_only"),
            word_times: settings.switch("word_times"),
            word_markers: settings.choice("markers") == "words",
            line_letters: settings.number("line_letters").round() as usize,
        }
    }
}

pub(super) fn controls() -> Vec<Control> {
    let control = |name, title, help, kind| Control { name, title, help, kind, advanced: false };
    let advanced = |control: Control| Control { advanced: true, ..control };
    let switch = |default| ControlKind::Switch { default };
    vec![
        control(
            "language",
            "Language",
            "What is spoken; auto hears it in the first window with speech, and transcript.json says which and how sure \
             that is.",
            ControlKind::Choice { options: LANGUAGES, default: AUTO },
        ),
        control("translate", "Into English", "Writes English, whatever is spoken.", switch(false)),
        control(
            "markers",
            "Markers",
            "What markers.txt (Audacity's label track) and markers.csv (REAPER's regions) mark.",
            ControlKind::Choice { options: &[("lines", "Lines"), ("words", "Words")], default: "lines" },
        ),
        control(
            "word_times",
            "Word times",
            "Gives the times of single words in transcript.json and transcript.vtt.",
            switch(true),
        ),
        advanced(control(
            "line_letters",
            "Letters a line",
            "The longest line of a subtitle; a subtitle has two at most.",
            ControlKind::Number { min: 16.0, max: 100.0, step: 1.0, default: 42.0, unit: "" },
        )),
        advanced(control(
            "voice_only",
            "Voice only",
            "Leaves out what is no voice, where the model silero-vad is installed; off for singing, which it often takes \
             for none.",
            switch(true),
        )),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Setting;

    fn wish(settings: Settings) -> Wish {
        Wish::of(&settings.checked(&controls()).unwrap())
    }

    #[test]
    fn a_language_is_heard_or_as_said() {
        assert_eq!(wish(Settings::default()).language, None);
        let german = Settings::default().with("language", Setting::Choice("de".to_owned()));
        assert_eq!(wish(german).language, Language::of_code("de"));
        let klingon = Settings::default().with("language", Setting::Choice("tlh".to_owned()));
        assert!(klingon.checked(&controls()).is_err());
    }

    #[test]
    fn everything_has_a_title_and_a_sentence() {
        for control in controls() {
            assert!(!control.title.is_empty() && control.help.ends_with('.'), "{}", control.name);
        }
        let wish = wish(Settings::default());
        assert!(wish.word_times && wish.voice_only && !wish.translate && !wish.word_markers);
        assert_eq!(wish.line_letters, 42);
    }
}
