//! Between what a database keeps and the domain's types, where no database is asked. What cannot be read is an error,
//! never a guess.

use super::StoreError;
use serde_json::Value;
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
    let value = |setting: &Setting| match setting {
        Setting::Number(number) => serde_json::json!(number),
        Setting::Switch(on) => serde_json::json!(on),
        Setting::Choice(word) => serde_json::json!(word),
    };
    let values: serde_json::Map<_, _> =
        settings.iter().map(|(name, setting)| (name.clone(), value(setting))).collect();
    Value::Object(values).to_string()
}

/// As [`settings_in`] wrote them.
pub(super) fn settings(text: &str) -> Result<Settings, StoreError> {
    let values: serde_json::Map<String, Value> = json(text, "settings")?;
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
