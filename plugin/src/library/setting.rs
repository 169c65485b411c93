//! Values of a model's controls as they stand in projects, jobs and commands. Knows no model.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use tributary_protocol::settings::{ControlKind, Setting, Settings};

/// A [`Setting`] as it stands in files.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum SettingRecord {
    /// On or off.
    Switch(bool),
    /// A finite number.
    Number(f64),
    /// A word.
    Choice(String),
}

/// Values by the names of their controls.
pub type SettingRecords = BTreeMap<String, SettingRecord>;

impl From<Setting> for SettingRecord {
    fn from(setting: Setting) -> Self {
        match setting {
            Setting::Number(number) => Self::Number(number),
            Setting::Switch(is_on) => Self::Switch(is_on),
            Setting::Choice(word) => Self::Choice(word),
        }
    }
}

impl SettingRecord {
    /// The value as this control may have it: within its bounds, one of its words. None for one of another kind.
    #[must_use]
    pub fn fitted(&self, kind: &ControlKind) -> Option<Self> {
        match (self, kind) {
            (Self::Number(number), ControlKind::Number { min, max, .. }) => {
                // A server that says so odd a thing as this must not end us: `clamp` panics on it.
                (number.is_finite() && min <= max).then(|| Self::Number(number.clamp(*min, *max)))
            }
            (Self::Switch(_), ControlKind::Switch { .. }) => Some(self.clone()),
            (Self::Choice(word), ControlKind::Choice { options, .. }) => {
                options.iter().any(|(known, _)| known == word).then(|| self.clone())
            }
            _ => None,
        }
    }
}

/// As they are sent. What is no number is left out.
pub(crate) fn sent(records: &SettingRecords) -> Settings {
    let setting = |record: &SettingRecord| match record {
        SettingRecord::Number(number) => Setting::number(*number),
        SettingRecord::Switch(is_on) => Some(Setting::Switch(*is_on)),
        SettingRecord::Choice(word) => Some(Setting::Choice(word.clone())),
    };
    records.iter().filter_map(|(name, record)| Some((name.clone(), setting(record)?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_fitted_to_its_control_or_left_out() {
        let number =
            |min, max| ControlKind::Number { min, max, step: 1.0, default: 0.0, unit: String::new() };
        let choice = ControlKind::Choice { options: vec![("a".into(), "A".into())], default: "a".into() };
        let cases = [
            (SettingRecord::Number(9.0), number(0.0, 5.0), Some(SettingRecord::Number(5.0))),
            (SettingRecord::Number(f64::NAN), number(0.0, 5.0), None),
            (SettingRecord::Number(1.0), number(5.0, 0.0), None),
            (SettingRecord::Number(1.0), number(f64::NAN, 0.0), None),
            (SettingRecord::Switch(true), number(0.0, 5.0), None),
            (SettingRecord::Choice("a".into()), choice.clone(), Some(SettingRecord::Choice("a".into()))),
            (SettingRecord::Choice("b".into()), choice, None),
        ];
        for (value, kind, expected) in cases {
            assert_eq!(value.fitted(&kind), expected, "{value:?} {kind:?}");
        }
    }

    #[test]
    fn values_read_back_from_files() {
        let all: SettingRecords = [
            ("a".to_owned(), SettingRecord::Number(-14.5)),
            ("b".to_owned(), SettingRecord::Switch(true)),
            ("c".to_owned(), SettingRecord::Choice("voice".into())),
            ("d".to_owned(), SettingRecord::Number(3.0)),
        ]
        .into();
        let text = serde_json::to_string(&all).unwrap();
        assert_eq!(serde_json::from_str::<SettingRecords>(&text).unwrap(), all);
        assert_eq!(sent(&all).len(), 4);
    }
}
