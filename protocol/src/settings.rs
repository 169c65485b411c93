//! What a job may set beside its clip, in plain words: declared by a model, drawn by clients, checked by the server.

use std::collections::BTreeMap;

/// The value of one control.
#[derive(Clone, Debug, PartialEq)]
pub enum Setting {
    /// A finite number.
    Number(f64),
    /// On or off.
    Switch(bool),
    /// A word.
    Choice(String),
}

/// Numbers of settings are finite: [`Setting::number`] and the wire take no others.
impl Eq for Setting {}

impl Setting {
    /// A number; none where it is not finite.
    #[must_use]
    pub fn number(number: f64) -> Option<Self> {
        number.is_finite().then_some(Self::Number(number))
    }
}

impl std::fmt::Display for Setting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Switch(true) => f.write_str("on"),
            Self::Switch(false) => f.write_str("off"),
            Self::Choice(word) => f.write_str(word),
        }
    }
}

/// Values by the names of their controls.
pub type Settings = BTreeMap<String, Setting>;

/// One thing a job may set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Control {
    /// What a job names.
    pub name: String,
    /// For people.
    pub title: String,
    /// A sentence for people.
    pub help: String,
    /// Only for those who ask for more.
    pub advanced: bool,
    /// Its values.
    pub kind: ControlKind,
}

/// The values of a control, and the one it has when nothing is said.
#[derive(Clone, Debug, PartialEq)]
pub enum ControlKind {
    /// From `min` to `max`.
    Number {
        /// Smallest.
        min: f64,
        /// Largest.
        max: f64,
        /// From one notch of a slider to the next.
        step: f64,
        /// When nothing is said.
        default: f64,
        /// "dB", "%", "LUFS"; empty for none.
        unit: String,
    },
    /// On or off.
    Switch {
        /// When nothing is said.
        default: bool,
    },
    /// One of some words.
    Choice {
        /// Word and what people read.
        options: Vec<(String, String)>,
        /// When nothing is said.
        default: String,
    },
}

/// As for [`Setting`].
impl Eq for ControlKind {}

impl ControlKind {
    /// The value when nothing is said.
    #[must_use]
    pub fn default(&self) -> Setting {
        match self {
            Self::Number { default, .. } => Setting::Number(*default),
            Self::Switch { default } => Setting::Switch(*default),
            Self::Choice { default, .. } => Setting::Choice(default.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_finite_and_values_read_like_the_command_line_writes_them() {
        assert_eq!(Setting::number(f64::NAN), None);
        assert_eq!(Setting::number(-1.5).unwrap().to_string(), "-1.5");
        assert_eq!(Setting::Switch(true).to_string(), "on");
        assert_eq!(ControlKind::Switch { default: false }.default(), Setting::Switch(false));
    }
}
