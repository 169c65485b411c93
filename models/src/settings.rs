//! What a user may set beside the clip: declared once by each pipeline, checked in one place.
//!
//! The same declaration draws the plugin's controls, makes the command line's `--set` and refuses wrong values on the
//! server, by name. A checked [`Settings`] holds a value for every control, so that a job's record says what was done.

use crate::ModelError;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One thing a user may set.
#[derive(Clone, Debug, PartialEq)]
pub struct Control {
    /// On the wire and the command line: `a-z`, `0-9` and `_`, the unit last (`ceiling_dbtp`).
    pub name: &'static str,
    /// Beside the control.
    pub title: &'static str,
    /// One sentence for people.
    pub help: &'static str,
    /// Its values.
    pub kind: ControlKind,
    /// Shown only to those who ask for more.
    pub advanced: bool,
}

/// The values of a control, and the one it has when nothing is said.
#[derive(Clone, Debug, PartialEq)]
pub enum ControlKind {
    /// From `min` to `max`, both allowed.
    Number {
        /// Smallest.
        min: f64,
        /// Largest.
        max: f64,
        /// From one notch of a slider to the next; values between are allowed.
        step: f64,
        /// When nothing is said.
        default: f64,
        /// "dB", "%", "LUFS", "ms"; empty for none.
        unit: &'static str,
    },
    /// On or off.
    Switch {
        /// When nothing is said.
        default: bool,
    },
    /// One of some words.
    Choice {
        /// Word and what people read.
        options: &'static [(&'static str, &'static str)],
        /// When nothing is said: one of the words.
        default: &'static str,
    },
}

/// A value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Setting {
    /// On or off.
    Switch(bool),
    /// A number.
    Number(f64),
    /// A word.
    Choice(String),
}

/// Values by the names of their controls.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Settings(BTreeMap<String, Setting>);

impl Settings {
    /// Sets one value; nothing is checked yet.
    #[must_use]
    pub fn with(mut self, name: &str, setting: Setting) -> Self {
        self.0.insert(name.to_owned(), setting);
        self
    }

    /// All values, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Setting)> {
        self.0.iter().map(|(name, setting)| (name.as_str(), setting))
    }

    /// Those of some controls.
    #[must_use]
    pub fn of(&self, controls: &[Control]) -> Self {
        let known = |name: &str| controls.iter().any(|control| control.name == name);
        let mut own = self.clone();
        own.0.retain(|name, _| known(name));
        own
    }

    /// These, and `others` over them.
    #[must_use]
    pub fn and(mut self, others: Self) -> Self {
        self.0.extend(others.0);
        self
    }

    /// The same with a value for every control.
    ///
    /// # Errors
    /// [`ModelError::Setting`] with the name of the one that is unknown or wrong.
    pub fn checked(mut self, controls: &[Control]) -> Result<Self, ModelError> {
        for (name, setting) in &self.0 {
            let wrong = |reason: String| ModelError::Setting { setting: name.clone(), reason };
            let Some(control) = controls.iter().find(|control| control.name == name) else {
                let known: Vec<_> = controls.iter().map(|control| control.name).collect();
                let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
                return Err(wrong(format!("this model does not know it; it knows {known}")));
            };
            control.kind.check(setting).map_err(wrong)?;
        }
        for control in controls {
            self.0.entry(control.name.to_owned()).or_insert_with(|| control.kind.default());
        }
        Ok(self)
    }

    /// A checked number.
    ///
    /// # Panics
    /// Where the control was not declared: [`Settings::checked`] puts every declared one in.
    #[must_use]
    pub fn number(&self, name: &str) -> f64 {
        match self.0.get(name) {
            Some(Setting::Number(number)) => *number,
            _ => panic!("`{name}` is no number among checked settings"),
        }
    }

    /// A checked switch.
    ///
    /// # Panics
    /// As [`Settings::number`].
    #[must_use]
    pub fn switch(&self, name: &str) -> bool {
        match self.0.get(name) {
            Some(Setting::Switch(on)) => *on,
            _ => panic!("`{name}` is no switch among checked settings"),
        }
    }

    /// A checked word.
    ///
    /// # Panics
    /// As [`Settings::number`].
    #[must_use]
    pub fn choice(&self, name: &str) -> &str {
        match self.0.get(name) {
            Some(Setting::Choice(word)) => word,
            _ => panic!("`{name}` is no choice among checked settings"),
        }
    }
}

impl ControlKind {
    /// The value when nothing is said.
    #[must_use]
    pub fn default(&self) -> Setting {
        match self {
            Self::Number { default, .. } => Setting::Number(*default),
            Self::Switch { default } => Setting::Switch(*default),
            Self::Choice { default, .. } => Setting::Choice((*default).to_owned()),
        }
    }

    /// The value that `text` means, as on the command line.
    ///
    /// # Errors
    /// What would be right, in words.
    pub fn parse(&self, text: &str) -> Result<Setting, String> {
        let setting = match self {
            Self::Number { .. } => text.parse().ok().map(Setting::Number),
            Self::Switch { .. } => match text {
                "on" | "true" | "yes" => Some(Setting::Switch(true)),
                "off" | "false" | "no" => Some(Setting::Switch(false)),
                _ => None,
            },
            Self::Choice { .. } => Some(Setting::Choice(text.to_owned())),
        };
        let setting = setting.ok_or_else(|| format!("it is `{text}`; {}", self.allowed()))?;
        self.check(&setting).map(|()| setting)
    }

    /// What is allowed, in words.
    #[must_use]
    pub fn allowed(&self) -> String {
        match self {
            Self::Number { min, max, unit, .. } => {
                let unit = if unit.is_empty() { String::new() } else { format!(" {unit}") };
                format!("it must be a number from {min} to {max}{unit}")
            }
            Self::Switch { .. } => "it must be on or off".to_owned(),
            Self::Choice { options, .. } => {
                let words: Vec<_> = options.iter().map(|(word, _)| *word).collect();
                format!("it must be one of {}", words.join(", "))
            }
        }
    }

    fn check(&self, setting: &Setting) -> Result<(), String> {
        let (fits, said) = match (self, setting) {
            (Self::Number { min, max, .. }, Setting::Number(number)) => {
                ((*min..=*max).contains(number), number.to_string())
            }
            (Self::Switch { .. }, Setting::Switch(_)) => return Ok(()),
            (Self::Choice { options, .. }, Setting::Choice(word)) => {
                (options.iter().any(|(known, _)| known == word), format!("`{word}`"))
            }
            (_, Setting::Number(number)) => (false, number.to_string()),
            (_, Setting::Switch(on)) => (false, (if *on { "on" } else { "off" }).to_owned()),
            (_, Setting::Choice(word)) => (false, format!("`{word}`")),
        };
        if fits { Ok(()) } else { Err(format!("it is {said}; {}", self.allowed())) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONTROLS: [Control; 3] = [
        Control {
            name: "gain_db",
            title: "Gain",
            help: "How much louder.",
            kind: ControlKind::Number { min: -10.0, max: 10.0, step: 0.5, default: 1.5, unit: "dB" },
            advanced: false,
        },
        Control {
            name: "soft",
            title: "Soft",
            help: "Softer.",
            kind: ControlKind::Switch { default: true },
            advanced: true,
        },
        Control {
            name: "mode",
            title: "Mode",
            help: "How.",
            kind: ControlKind::Choice { options: &[("fast", "Fast"), ("best", "Best")], default: "fast" },
            advanced: false,
        },
    ];

    #[test]
    fn what_is_not_said_has_its_default_and_what_is_said_stays() {
        let settings =
            Settings::default().with("gain_db", Setting::Number(-10.0)).checked(&CONTROLS).unwrap();
        assert_eq!(
            (settings.number("gain_db"), settings.switch("soft"), settings.choice("mode")),
            (-10.0, true, "fast")
        );
        let text = serde_json_like(&settings);
        assert_eq!(text, "gain_db=Number(-10.0) mode=Choice(\"fast\") soft=Switch(true)");
    }

    fn serde_json_like(settings: &Settings) -> String {
        settings.iter().map(|(name, value)| format!("{name}={value:?}")).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_wrong_value_is_refused_by_name_with_what_is_allowed() {
        for (name, setting, part) in [
            ("gain_db", Setting::Number(10.1), "-10 to 10 dB"),
            ("gain_db", Setting::Number(f64::NAN), "NaN"),
            ("gain_db", Setting::Switch(true), "it is on"),
            ("soft", Setting::Number(1.0), "on or off"),
            ("mode", Setting::Choice("worst".into()), "fast, best"),
            ("volume", Setting::Number(1.0), "it knows gain_db, soft, mode"),
        ] {
            let error = Settings::default().with(name, setting.clone()).checked(&CONTROLS).unwrap_err();
            let text = error.to_string();
            assert!(text.contains(&format!("`{name}`")) && text.contains(part), "{setting:?} gave {text}");
        }
    }

    #[test]
    fn texts_of_the_command_line_are_values() {
        let parse = |i: usize, text: &str| CONTROLS[i].kind.parse(text);
        assert_eq!(parse(0, "2.5"), Ok(Setting::Number(2.5)));
        assert_eq!(parse(1, "off"), Ok(Setting::Switch(false)));
        assert_eq!(parse(2, "best"), Ok(Setting::Choice("best".into())));
        for (i, text) in [(0, "loud"), (0, "11"), (0, "nan"), (1, "maybe"), (2, "")] {
            assert!(parse(i, text).is_err(), "{text}");
        }
    }
}
