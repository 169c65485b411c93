//! Which of a file's tensors are the model's: the state dict among what training kept beside it, and its names without
//! the wrappers' prefixes. Reads no numbers.
//!
//! Where a file has both, the moving average (EMA) is taken before the last step's weights: it is what publishers
//! evaluate, and what timm's and stable-audio-tools' own loaders take. It must have at least as many tensors.

use super::CheckpointError;
use super::error::short;
use super::pickle::{Node, TensorNode, View};
use std::collections::BTreeMap;

/// Where the moving average lies, the first that is there.
const AVERAGES: [&str; 5] = ["ema_model", "ema_state_dict", "state_dict_ema", "model_ema", "ema"];
/// Where the weights lie, the first that is there: Lightning, Demucs, plain loops.
const WEIGHTS: [&str; 4] = ["state_dict", "state", "model_state_dict", "model"];
/// Where ema-pytorch keeps the average beside `online_model.`, in one state dict.
const AVERAGE_PREFIX: &str = "ema_model.";
/// What wrappers put before every name: DataParallel, torch.compile, Lightning modules, ema-pytorch.
const PREFIXES: [&str; 4] = ["module.", "_orig_mod.", "model.", AVERAGE_PREFIX];
/// State dicts in state dicts: `{"model": {"state_dict": ..}}`.
const DEPTH_MAX: usize = 8;
const TENSORS_MAX: usize = 65_536;
const NAME_BYTES_MAX: usize = 1024;
/// Entries looked at; dicts may be shared, so that their number says nothing about the file's size.
const VISITS_MAX: usize = 1 << 22;
/// So many names of a file without tensors are told.
const NAMES_TOLD_MAX: usize = 10;

/// Tensors by name.
pub(super) type Named<T> = BTreeMap<String, T>;

/// The model's tensors of a pickle, and in words where they were.
pub(super) fn of_pickle(root: View<'_>) -> Result<(Named<TensorNode>, String), CheckpointError> {
    let mut search = Search { visits: 0 };
    let (tensors, path) = search.state_dict(root, 0)?;
    if tensors.is_empty() {
        return Err(CheckpointError::NoTensors(contents(root)));
    }
    let place = if path.is_empty() { "at its top".to_owned() } else { format!("in `{}`", path.join(".")) };
    let (tensors, prefixes) = without_prefixes(tensors);
    Ok((tensors, place + &prefixes))
}

/// Takes off what stands before all names; what that was, in words.
pub(super) fn without_prefixes<T>(mut tensors: Named<T>) -> (Named<T>, String) {
    let mut taken = String::new();
    loop {
        let prefix = PREFIXES.iter().find(|prefix| {
            !tensors.is_empty()
                && tensors.keys().all(|name| name.len() > prefix.len() && name.starts_with(**prefix))
        });
        if let Some(prefix) = prefix {
            taken += &format!(", without `{prefix}`");
            tensors = stripped(tensors, prefix);
        } else if tensors
            .keys()
            .any(|name| name.len() > AVERAGE_PREFIX.len() && name.starts_with(AVERAGE_PREFIX))
        {
            taken += &format!(", only `{AVERAGE_PREFIX}`");
            tensors = stripped(tensors, AVERAGE_PREFIX);
        } else {
            return (tensors, taken);
        }
    }
}

fn stripped<T>(tensors: Named<T>, prefix: &str) -> Named<T> {
    let strip = |(name, tensor): (String, T)| Some((name.strip_prefix(prefix)?.to_owned(), tensor));
    tensors.into_iter().filter_map(strip).collect()
}

struct Search {
    visits: usize,
}

type Found<'a> = (Named<TensorNode>, Vec<&'a str>);

impl Search {
    /// The tensors of a value and the path to them.
    fn state_dict<'a>(&mut self, value: View<'a>, depth: usize) -> Result<Found<'a>, CheckpointError> {
        let average = self.first_of(value, &AVERAGES, depth)?;
        let weights = self.first_of(value, &WEIGHTS, depth)?;
        match (average, weights) {
            (Some(average), Some(weights)) if average.0.len() >= weights.0.len() => Ok(average),
            (_, Some(weights)) => Ok(weights),
            (Some(average), None) => Ok(average),
            (None, None) => {
                let mut tensors = Named::new();
                self.gather(value, "", depth, &mut tensors)?;
                Ok((tensors, Vec::new()))
            }
        }
    }

    fn first_of<'a>(
        &mut self,
        value: View<'a>,
        keys: &[&'static str],
        depth: usize,
    ) -> Result<Option<Found<'a>>, CheckpointError> {
        if depth == DEPTH_MAX {
            return Ok(None);
        }
        for key in keys {
            self.visit(value.pairs().map_or(0, |pairs| pairs.len()))?;
            let Some(inner) = value.get(key) else { continue };
            if inner.get("__quantized").is_some() {
                return Err(CheckpointError::Unsupported(
                    "weights quantised by DiffQ; take the model's unquantised checkpoint".to_owned(),
                ));
            }
            let (tensors, mut path) = self.state_dict(inner, depth + 1)?;
            if !tensors.is_empty() {
                path.insert(0, key);
                return Ok(Some((tensors, path)));
            }
        }
        Ok(None)
    }

    /// All tensors of a dict and of the dicts in it, names joined by dots.
    fn gather(
        &mut self,
        value: View<'_>,
        before: &str,
        depth: usize,
        tensors: &mut Named<TensorNode>,
    ) -> Result<(), CheckpointError> {
        for (key, inner) in value.pairs().into_iter().flatten() {
            self.visit(1)?;
            let Some(key) = key.text() else { continue };
            let length = before.len() + key.len();
            match inner.node() {
                Node::Tensor(tensor) => {
                    CheckpointError::at_most("bytes in a tensor's name", length, NAME_BYTES_MAX)?;
                    tensors.insert(format!("{before}{key}"), *tensor);
                    CheckpointError::at_most("tensors", tensors.len(), TENSORS_MAX)?;
                }
                Node::Dict(_) if depth < DEPTH_MAX && length < NAME_BYTES_MAX => {
                    self.gather(inner, &format!("{before}{key}."), depth + 1, tensors)?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn visit(&mut self, entries: usize) -> Result<(), CheckpointError> {
        self.visits += entries;
        CheckpointError::at_most("entries in its dicts", self.visits, VISITS_MAX)
    }
}

/// What a file without tensors has instead, in words.
fn contents(root: View<'_>) -> String {
    let Some(pairs) = root.pairs() else { return root.to_string() };
    let told: Vec<String> = pairs
        .take(NAMES_TOLD_MAX)
        .map(|(key, value)| format!("`{}` ({value})", short(key.text().unwrap_or("?"))))
        .collect();
    if told.is_empty() { "an empty dict".to_owned() } else { told.join(", ") }
}
