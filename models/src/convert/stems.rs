//! Which stems a network gives and what they are called, as publishers' settings say it: all instruments, or the target.

use super::ConvertError;
use super::said::Said;
use crate::checkpoint::{Entry, Settings};

/// A name of a stem has no more letters.
const NAME_LETTERS_MAX: usize = 64;

/// Names of `count` stems, in the order of the network's outputs.
pub(super) fn names(
    settings: &Settings,
    count: usize,
    said: &mut Said<'_>,
) -> Result<Vec<String>, ConvertError> {
    let names = match settings.find("training.target_instrument") {
        Some(target) => vec![plain(&target)?],
        None => settings.at("training.instruments")?.items()?.iter().map(plain).collect::<Result<_, _>>()?,
    };
    if names.len() != count {
        let reason = format!("names {}, and the weights make {count} stems", names.join(", "));
        let target = settings.find("training.target_instrument").is_some();
        let path = if target { "training.target_instrument" } else { "training.instruments" };
        said.contradict(path, &reason)?;
    }
    Ok(names)
}

/// A name as stems have it here: `a-z`, `0-9` and `-`.
pub(super) fn plain(entry: &Entry<'_>) -> Result<String, ConvertError> {
    let name = entry.text()?.trim().to_ascii_lowercase().replace(['_', ' '], "-");
    let usable = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if name.is_empty() || name.len() > NAME_LETTERS_MAX || !usable {
        return Err(entry.wrong("cannot be the name of a stem: use up to 64 of a-z, 0-9 and -").into());
    }
    Ok(name)
}
