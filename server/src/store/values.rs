//! Between what a database keeps and the domain's types, where no database is asked. What cannot be read is an error,
//! never a guess.

use super::StoreError;
use crate::widget::Fixed;
use serde_json::{Map, Value};
use tributary_protocol::limits::CREDITS_MAX;
use tributary_protocol::settings::{Setting, Settings};
use tributary_protocol::vocab::{ClipHeader, Credits, Sha256};

/// Credits as the database keeps them; the tables have the same limit.
pub(super) fn credits_in(amount: Credits) -> Result<i64, StoreError> {
    i64::try_from(amount.0).ok().filter(|_| amount.0 <= CREDITS_MAX).ok_or(StoreError::TooLarge(amount))
}

/// Frames or bytes as the database keeps them.
pub(super) fn count_in(count: u64) -> Result<i64, StoreError> {
    i64::try_from(count).map_err(|error| StoreError::Database(Box::new(error)))
}

/// Settings as text for the database.
pub(super) fn settings_in(settings: &Settings) -> String {
    Value::Object(values_in(settings)).to_string()
}

fn values_in(settings: &Settings) -> Map<String, Value> {
    let value = |setting: &Setting| match setting {
        Setting::Number(number) => serde_json::json!(number),
        Setting::Switch(on) => serde_json::json!(on),
        Setting::Choice(word) => serde_json::json!(word),
    };
    settings.iter().map(|(name, setting)| (name.clone(), value(setting))).collect()
}

/// As [`settings_in`] wrote them.
pub(super) fn settings(text: &str) -> Result<Settings, StoreError> {
    values(json(text, "settings")?)
}

fn values(values: Map<String, Value>) -> Result<Settings, StoreError> {
    let read = |(name, value): (String, Value)| {
        let setting = match value {
            Value::Bool(on) => Some(Setting::Switch(on)),
            Value::String(word) => Some(Setting::Choice(word)),
            Value::Number(number) => number.as_f64().and_then(Setting::number),
            _ => None,
        };
        Ok((name, setting.ok_or_else(|| unreadable("settings"))?))
    };
    values.into_iter().map(read).collect()
}

/// What a widget's maker fixed, as text for the database: the same for the same, names in their order, and nothing of what is
/// left to visitors.
pub(super) fn fixed_in(fixed: &Fixed) -> String {
    let mut parts = Map::new();
    if !fixed.settings.is_empty() {
        parts.insert("settings".to_owned(), Value::Object(values_in(&fixed.settings)));
    }
    if !fixed.stems.is_empty() {
        parts.insert("stems".to_owned(), serde_json::json!(fixed.stems));
    }
    Value::Object(parts).to_string()
}

/// As [`fixed_in`] wrote it.
pub(super) fn fixed(text: &str) -> Result<Fixed, StoreError> {
    #[derive(Default, serde::Deserialize)]
    #[serde(default, deny_unknown_fields)]
    struct Parts {
        settings: Map<String, Value>,
        stems: Vec<String>,
    }
    // A list would be read as the fields in their order.
    let parts: Map<String, Value> = json(text, "fixed")?;
    let parts = serde_json::from_value(Value::Object(parts)).map_err(|_| unreadable("fixed"))?;
    let Parts { settings, stems } = parts;
    Ok(Fixed { settings: values(settings)?, stems })
}

/// Names of stems as text for the database.
pub(super) fn stems_in(stems: &[String]) -> String {
    serde_json::json!(stems).to_string()
}

/// Clips from a list of `[hash in hex, frames, channels, rate]`.
pub(super) fn references(text: &str) -> Result<Vec<ClipHeader>, StoreError> {
    let rows: Vec<(String, u64, u16, u32)> = json(text, "refs")?;
    let read = |(hash, frames, channels, rate_hz): (String, u64, u16, u32)| {
        let sha256 = Sha256::from_hex(&hash).ok_or_else(|| unreadable("references"))?;
        Ok(ClipHeader { sha256, frames, channels, rate_hz })
    };
    rows.into_iter().map(read).collect()
}

/// JSON out of a column.
pub(super) fn json<T: serde::de::DeserializeOwned>(
    text: &str,
    column: &'static str,
) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|_| unreadable(column))
}

/// A row that breaks the tables' own rules.
pub(super) fn unreadable(what: &'static str) -> StoreError {
    StoreError::Database(format!("the database holds a `{what}` that this version cannot read").into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_fixed_is_written_in_one_way_and_read_as_it_was() {
        let on = |name: &str, setting| (name.to_owned(), setting);
        let settings = [on("strength", Setting::Number(50.0)), on("midi", Setting::Switch(false))];
        let all = Fixed { settings: settings.into(), stems: vec!["vocals".into(), "drums".into()] };
        let text = r#"{"settings":{"midi":false,"strength":50.0},"stems":["vocals","drums"]}"#;
        assert_eq!(fixed_in(&all), text);
        assert_eq!(fixed_in(&Fixed::default()), "{}");
        let style =
            Fixed { settings: [on("style", Setting::Choice("warm".into()))].into(), ..Fixed::default() };
        for each in [all, style, Fixed::default()] {
            assert_eq!(fixed(&fixed_in(&each)).unwrap(), each);
        }
        for wrong in ["", "[]", r#"{"more":1}"#, r#"{"settings":{"a":null}}"#, r#"{"stems":[1]}"#] {
            assert!(fixed(wrong).is_err(), "{wrong}");
        }
    }
}
