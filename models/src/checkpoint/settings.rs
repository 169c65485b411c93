//! What a publisher says about a model: a tree of plain values, from a YAML file or from inside a checkpoint, asked for
//! by path. Every refusal names the path and what was found there. Knows no model.

use super::CheckpointError;
use super::error::short;
use super::pickle::{Node, View};
use super::yaml;
use std::fmt;

/// The longest published settings have 10 kB.
pub(super) const SETTINGS_BYTES_MAX: usize = 1 << 20;
/// Collections inside collections.
pub(super) const DEPTH_MAX: usize = 32;
/// Values in a pickle may be shared, so they are counted as often as they are told.
const VALUES_MAX: usize = 65_536;
/// Bytes of their texts together, for the same reason.
const TEXT_BYTES_MAX: usize = SETTINGS_BYTES_MAX;

/// A plain value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Plain {
    Null,
    Flag(bool),
    Integer(i64),
    Number(f64),
    Ratio(i64, i64),
    Text(String),
    List(Vec<Plain>),
    Map(Vec<(String, Plain)>),
    /// What is no setting, in words.
    Other(String),
}

/// A tree of settings and where it is from.
#[derive(Clone, Debug)]
pub struct Settings {
    source: String,
    root: Plain,
}

/// One place in a tree of settings.
#[derive(Clone, Debug)]
pub struct Entry<'a> {
    settings: &'a Settings,
    path: String,
    value: &'a Plain,
}

impl Settings {
    /// Reads a YAML file as publishers write it, with Python's tags for tuples; `source` is its name in messages.
    /// Where a key stands twice the later one counts, as in the publishers' own programs.
    ///
    /// # Errors
    /// Where it is not YAML, is too large, or has a tag that would make more than a plain value.
    pub fn parse(source: &str, bytes: &[u8]) -> Result<Self, CheckpointError> {
        CheckpointError::at_most("bytes of settings", bytes.len(), SETTINGS_BYTES_MAX)?;
        Ok(Self { source: source.to_owned(), root: yaml::parse(source, bytes)? })
    }

    /// The plain values of a pickled one.
    pub(super) fn of_pickle(key: &str, value: View<'_>) -> Result<Self, CheckpointError> {
        let root = Budget { values: 0, text_bytes: 0 }.plain(value, 0)?;
        Ok(Self { source: format!("the checkpoint's {key}"), root })
    }

    /// The whole of it.
    #[must_use]
    pub fn root(&self) -> Entry<'_> {
        Entry { settings: self, path: String::new(), value: &self.root }
    }

    /// What stands at a path such as `model.dim`; none where nothing or `null` does.
    #[must_use]
    pub fn find(&self, path: &str) -> Option<Entry<'_>> {
        path.split('.').try_fold(self.root(), |entry, key| entry.find(key))
    }

    /// What must stand at a path such as `model.dim`.
    ///
    /// # Errors
    /// Names the path where nothing or `null` stands there.
    pub fn at(&self, path: &str) -> Result<Entry<'_>, CheckpointError> {
        self.find(path).ok_or_else(|| self.wrong(path, "is missing".to_owned()))
    }

    fn wrong(&self, path: &str, reason: String) -> CheckpointError {
        let path = if path.is_empty() { "(top)" } else { path };
        CheckpointError::Setting { file: self.source.clone(), path: path.to_owned(), reason }
    }
}

impl<'a> Entry<'a> {
    /// Its path.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// An error about this place: `reason` goes on after the path, as in "is 5, and the weights have 6".
    #[must_use]
    pub fn wrong(&self, reason: &str) -> CheckpointError {
        self.settings.wrong(&self.path, reason.to_owned())
    }

    /// What stands below it; none where nothing or `null` does.
    #[must_use]
    pub fn find(&self, key: &str) -> Option<Entry<'a>> {
        let Plain::Map(pairs) = self.value else { return None };
        let (_, value) = pairs.iter().rev().find(|(found, value)| found == key && *value != Plain::Null)?;
        Some(self.below(key, value))
    }

    /// The keys of a map, in the file's order.
    ///
    /// # Errors
    /// Where it is something else.
    pub fn keys(&self) -> Result<Vec<&'a str>, CheckpointError> {
        match self.value {
            Plain::Map(pairs) => Ok(pairs.iter().map(|(key, _)| key.as_str()).collect()),
            _ => Err(self.expected("a map")),
        }
    }

    /// The items of a list or tuple.
    ///
    /// # Errors
    /// Where it is something else.
    pub fn items(&self) -> Result<Vec<Entry<'a>>, CheckpointError> {
        match self.value {
            Plain::List(items) => {
                Ok(items.iter().enumerate().map(|(at, item)| self.below(&at.to_string(), item)).collect())
            }
            _ => Err(self.expected("a list")),
        }
    }

    /// An integer from 0 on.
    ///
    /// # Errors
    /// Where it is something else.
    pub fn count(&self) -> Result<usize, CheckpointError> {
        let count = match self.value {
            Plain::Integer(integer) => usize::try_from(*integer).ok(),
            _ => None,
        };
        count.ok_or_else(|| self.expected("an integer from 0 on"))
    }

    /// A list of integers from 0 on.
    ///
    /// # Errors
    /// Where it is something else.
    pub fn counts(&self) -> Result<Vec<usize>, CheckpointError> {
        self.items()?.iter().map(Entry::count).collect()
    }

    /// A finite number; a fraction as well.
    ///
    /// # Errors
    /// Where it is something else.
    pub fn number(&self) -> Result<f64, CheckpointError> {
        let number = match self.value {
            Plain::Integer(integer) => Some(*integer as f64),
            Plain::Number(number) => Some(*number).filter(|number| number.is_finite()),
            Plain::Ratio(over, under) => Some(*over as f64 / *under as f64),
            _ => None,
        };
        number.ok_or_else(|| self.expected("a number"))
    }

    /// A whole number of frames from seconds at a rate, exactly where it is a fraction, rounded down as Python's `int`.
    ///
    /// # Errors
    /// Where it is no number, is below zero or too large.
    pub fn frames(&self, rate_hz: u32) -> Result<usize, CheckpointError> {
        let frames = match self.value {
            Plain::Ratio(over, under) => i128::from(*over) * i128::from(rate_hz) / i128::from(*under),
            _ => (self.number()? * f64::from(rate_hz)).floor() as i128,
        };
        usize::try_from(frames).map_err(|_| self.expected("a length in seconds"))
    }

    /// Whether.
    ///
    /// # Errors
    /// Where it is something else than true or false.
    pub fn flag(&self) -> Result<bool, CheckpointError> {
        match self.value {
            Plain::Flag(flag) => Ok(*flag),
            _ => Err(self.expected("true or false")),
        }
    }

    /// Text.
    ///
    /// # Errors
    /// Where it is something else.
    pub fn text(&self) -> Result<&'a str, CheckpointError> {
        match self.value {
            Plain::Text(text) => Ok(text),
            _ => Err(self.expected("text")),
        }
    }

    /// A list of texts.
    ///
    /// # Errors
    /// Where it is something else.
    pub fn texts(&self) -> Result<Vec<&'a str>, CheckpointError> {
        self.items()?.iter().map(Entry::text).collect()
    }

    fn below(&self, key: &str, value: &'a Plain) -> Entry<'a> {
        let path = if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) };
        Entry { settings: self.settings, path, value }
    }

    fn expected(&self, what: &str) -> CheckpointError {
        self.wrong(&format!("is {}, expected {what}", self.value))
    }
}

/// What was found, in words for a message.
impl fmt::Display for Plain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Flag(flag) => write!(f, "{flag}"),
            Self::Integer(integer) => write!(f, "{integer}"),
            Self::Number(number) => write!(f, "{number:?}"),
            Self::Ratio(over, under) => write!(f, "{over}/{under}"),
            Self::Text(text) => write!(f, "the text `{}`", short(text)),
            Self::List(items) => write!(f, "a list of {}", items.len()),
            Self::Map(pairs) => write!(f, "a map of {}", pairs.len()),
            Self::Other(what) => f.write_str(what),
        }
    }
}

struct Budget {
    values: usize,
    text_bytes: usize,
}

impl Budget {
    fn plain(&mut self, value: View<'_>, depth: usize) -> Result<Plain, CheckpointError> {
        self.values += 1;
        CheckpointError::at_most("values in its settings", self.values, VALUES_MAX)?;
        CheckpointError::at_most("settings inside settings", depth, DEPTH_MAX)?;
        if let Some(items) = value.items() {
            return Ok(Plain::List(items.map(|item| self.plain(item, depth + 1)).collect::<Result<_, _>>()?));
        }
        if let Some(pairs) = value.pairs() {
            let mut map = Vec::new();
            for (key, value) in pairs {
                // Settings are asked for by name: what has none cannot be meant.
                let Some(key) = key.text() else { continue };
                map.push((self.text(key)?, self.plain(value, depth + 1)?));
            }
            return Ok(Plain::Map(map));
        }
        Ok(match value.node() {
            Node::None => Plain::Null,
            Node::Flag(flag) => Plain::Flag(*flag),
            Node::Integer(integer) => Plain::Integer(*integer),
            Node::Number(number) => Plain::Number(*number),
            Node::Ratio(over, under) => Plain::Ratio(*over, *under),
            Node::Text(span) => Plain::Text(self.text(value.words(*span))?),
            // A class that is only named, as Demucs names its own.
            Node::Global(module, name) => {
                Plain::Text(self.text(&format!("{}.{}", value.words(*module), value.words(*name)))?)
            }
            _ => Plain::Other(value.to_string()),
        })
    }

    fn text(&mut self, text: &str) -> Result<String, CheckpointError> {
        self.text_bytes += text.len();
        CheckpointError::at_most("bytes of text in its settings", self.text_bytes, TEXT_BYTES_MAX)?;
        Ok(text.to_owned())
    }
}
