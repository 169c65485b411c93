//! YAML as publishers of models write it, into plain values: saphyr's parser tells what comes, this file limits how much
//! and gives the tags their meaning. No tag makes anything but a plain value; those that would are refused by name.

use super::CheckpointError;
use super::error::short;
use super::settings::{DEPTH_MAX, Plain, SETTINGS_BYTES_MAX};
use saphyr_parser::{Event, Parser, ScalarStyle, Tag};
use std::borrow::Cow;
use std::collections::HashMap;

/// What values that are used by several names may take together when each has its own; a value counts its text and this.
const VALUE_BYTES: usize = 64;
const SHARED_BYTES_MAX: usize = 16 * SETTINGS_BYTES_MAX;
/// Tags of Python for what is a plain value anyway.
const TAGS: [&str; 19] = [
    "str",
    "int",
    "float",
    "bool",
    "null",
    "seq",
    "map",
    "python/tuple",
    "python/list",
    "python/dict",
    "python/str",
    "python/unicode",
    "python/int",
    "python/float",
    "python/bool",
    "python/none",
    "python/long",
    "omap",
    "set",
];

/// The value of a document.
pub(super) fn parse(source: &str, bytes: &[u8]) -> Result<Plain, CheckpointError> {
    let wrong = |line: usize, reason: String| CheckpointError::Yaml { file: source.to_owned(), line, reason };
    let text = std::str::from_utf8(bytes).map_err(|_| wrong(1, "it is not text in UTF-8".to_owned()))?;
    let mut parser = Parser::new_from_str(text);
    let mut tree = Tree { open: Vec::new(), anchors: HashMap::new(), shared_bytes: 0, root: None };
    while let Some(event) = parser.next_event() {
        let (event, span) = event.map_err(|cause| wrong(cause.marker().line(), short(cause.info())))?;
        tree.take(event).map_err(|reason| wrong(span.start.line(), reason))?;
    }
    tree.root.ok_or_else(|| wrong(1, "it says nothing".to_owned()))
}

struct Tree {
    open: Vec<Open>,
    anchors: HashMap<usize, Plain>,
    shared_bytes: usize,
    root: Option<Plain>,
}

/// A collection that has not ended.
struct Open {
    anchor: usize,
    kind: Kind,
}

enum Kind {
    List(Vec<Plain>),
    /// With the key whose value comes next.
    Map(Vec<(String, Plain)>, Option<String>),
}

impl Tree {
    fn take(&mut self, event: Event<'_>) -> Result<(), String> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let plain = scalar(&text, style, tag)?;
                self.put(plain, Some(&text), anchor)
            }
            Event::SequenceStart(anchor, tag) => self.open(anchor, tag, Kind::List(Vec::new())),
            Event::MappingStart(anchor, tag) => self.open(anchor, tag, Kind::Map(Vec::new(), None)),
            Event::SequenceEnd | Event::MappingEnd => match self.open.pop() {
                Some(Open { anchor, kind: Kind::List(items) }) => self.put(Plain::List(items), None, anchor),
                Some(Open { anchor, kind: Kind::Map(pairs, _) }) => self.put(Plain::Map(pairs), None, anchor),
                None => Err("a collection ends that has not begun".to_owned()),
            },
            Event::Alias(anchor) => {
                let Some(value) = self.anchors.get(&anchor) else {
                    return Err("an alias stands inside what it means".to_owned());
                };
                let value = value.clone();
                self.share(&value)?;
                self.put(value, None, 0)
            }
            Event::DocumentStart(_) if self.root.is_some() => Err("a second document begins".to_owned()),
            _ => Ok(()),
        }
    }

    fn open(&mut self, anchor: usize, tag: Option<Cow<'_, Tag>>, kind: Kind) -> Result<(), String> {
        meaning(tag)?;
        if self.open.len() == DEPTH_MAX {
            return Err(format!("settings stand inside settings more than {DEPTH_MAX} deep"));
        }
        self.open.push(Open { anchor, kind });
        Ok(())
    }

    /// Puts a value where it belongs; `words` are those of a scalar, which may be a key.
    fn put(&mut self, value: Plain, words: Option<&str>, anchor: usize) -> Result<(), String> {
        if anchor != 0 {
            self.share(&value)?;
            self.anchors.insert(anchor, value.clone());
        }
        match self.open.last_mut().map(|open| &mut open.kind) {
            None => self.root = Some(value),
            Some(Kind::List(items)) => items.push(value),
            Some(Kind::Map(pairs, key)) => match key.take() {
                Some(key) => pairs.push((key, value)),
                None => match (words, value) {
                    (Some("<<"), _) => return Err("maps are merged (`<<`), which is not read".to_owned()),
                    (Some(words), _) => *key = Some(words.to_owned()),
                    (None, Plain::Text(words)) => *key = Some(words),
                    (None, value) => return Err(format!("a key is {value}, expected a word")),
                },
            },
        }
        Ok(())
    }

    fn share(&mut self, value: &Plain) -> Result<(), String> {
        self.shared_bytes += size(value);
        if self.shared_bytes > SHARED_BYTES_MAX {
            return Err("aliases repeat more than settings have reason to".to_owned());
        }
        Ok(())
    }
}

/// What a copy takes; the depth is limited, so this is as well.
fn size(value: &Plain) -> usize {
    VALUE_BYTES
        + match value {
            Plain::Text(text) => text.len(),
            Plain::List(items) => items.iter().map(size).sum(),
            Plain::Map(pairs) => pairs.iter().map(|(key, value)| key.len() + size(value)).sum(),
            _ => 0,
        }
}

/// The tag without its namespace, where it has a meaning.
fn meaning(tag: Option<Cow<'_, Tag>>) -> Result<Option<&'static str>, String> {
    let Some(tag) = tag else { return Ok(None) };
    // `!!python/tuple` is short for this namespace; `!` alone says that a word is text.
    if tag.handle == "tag:yaml.org,2002:"
        && let Some(known) = TAGS.iter().find(|known| **known == tag.suffix)
    {
        return Ok(Some(known));
    }
    let name = format!("{}{}", tag.handle.replace("tag:yaml.org,2002:", "!!"), tag.suffix);
    match name.as_str() {
        "!" => Ok(Some("str")),
        _ => Err(format!(
            "the tag `{}` asks for more than a plain value, and nothing else is made",
            short(&name)
        )),
    }
}

fn scalar(text: &str, style: ScalarStyle, tag: Option<Cow<'_, Tag>>) -> Result<Plain, String> {
    Ok(match meaning(tag)? {
        Some("str" | "python/str" | "python/unicode") => Plain::Text(text.to_owned()),
        None if style != ScalarStyle::Plain => Plain::Text(text.to_owned()),
        _ => resolved(text),
    })
}

/// What a bare word means to PyYAML, and `5e-5`, which it takes for text and the publishers' programs for a number.
fn resolved(text: &str) -> Plain {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Plain::Null,
        "true" | "True" | "TRUE" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" => return Plain::Flag(true),
        "false" | "False" | "FALSE" | "no" | "No" | "NO" | "off" | "Off" | "OFF" => {
            return Plain::Flag(false);
        }
        ".inf" | ".Inf" | ".INF" | "+.inf" => return Plain::Number(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => return Plain::Number(f64::NEG_INFINITY),
        ".nan" | ".NaN" | ".NAN" => return Plain::Number(f64::NAN),
        _ => {}
    }
    let digits = text.trim_start_matches(['+', '-']);
    let numeric = digits.starts_with(|first: char| first.is_ascii_digit() || first == '.')
        && text.bytes().any(|byte| byte.is_ascii_digit());
    // A leading zero makes an octal number in one version of YAML and a decimal one in the next.
    let octal =
        digits.len() > 1 && digits.starts_with('0') && digits.bytes().all(|byte| byte.is_ascii_digit());
    if !numeric || octal {
        return Plain::Text(text.to_owned());
    }
    let digits = text.replace('_', "");
    if let Ok(integer) = digits.parse() {
        return Plain::Integer(integer);
    }
    digits.parse().map_or_else(|_| Plain::Text(text.to_owned()), Plain::Number)
}
