//! Whether a graph is the one that its card or recipe describes: the same names, and no other sizes where both say one. Knows no
//! engine: it is the file that is looked at, before anything runs it.

use super::onnx_file::{Tensor, ports};
use crate::catalog::facts::{Graph, Port};

/// A message names no more tensors than these.
const NAMED_MAX: usize = 8;
/// And of each name so many letters.
const NAME_CHARS_MAX: usize = 64;

/// `says`: what describes the graph, as the error calls it.
///
/// # Errors
/// What the graph has and what the card or recipe says, in words.
pub(super) fn check(onnx: &[u8], card: &Graph, says: &str) -> Result<(), String> {
    let (inputs, outputs) = ports(onnx)?;
    let same = |found: &[Tensor], said: &[Port]| {
        said.iter().all(|port| found.iter().any(|tensor| tensor.name == port.name && fits(tensor, port)))
    };
    // What nobody feeds would be missing when it is run; what nobody reads does no harm.
    if inputs.len() != card.inputs.len() || !same(&inputs, &card.inputs) {
        return Err(format!("it takes {}, the {says} says {}", found(&inputs), said(&card.inputs)));
    }
    if !same(&outputs, &card.outputs) {
        return Err(format!("it gives {}, the {says} says {}", found(&outputs), said(&card.outputs)));
    }
    Ok(())
}

/// A word in the card's shape stands for any size, and so does one that the file leaves open.
fn fits(tensor: &Tensor, port: &Port) -> bool {
    let Some(shape) = &tensor.shape else { return true };
    let said: Vec<Option<u64>> = port.dimensions().map(|size| size.parse().ok()).collect();
    said.len() == shape.len()
        && said.iter().zip(shape).all(|sizes| !matches!(sizes, (Some(a), Some(b)) if a != b))
}

fn found(tensors: &[Tensor]) -> String {
    let sizes = |shape: &[Option<u64>]| {
        shape
            .iter()
            .map(|size| size.map_or("?".to_owned(), |size| size.to_string()))
            .collect::<Vec<_>>()
            .join(", ")
    };
    in_words(tensors.iter().map(|tensor| {
        let shape = tensor.shape.as_deref().map_or("any shape".to_owned(), sizes);
        (tensor.name.as_str(), shape)
    }))
}

fn said(ports: &[Port]) -> String {
    in_words(ports.iter().map(|port| (port.name.as_str(), port.dimensions().collect::<Vec<_>>().join(", "))))
}

fn in_words<'a>(tensors: impl Iterator<Item = (&'a str, String)>) -> String {
    let all: Vec<_> = tensors
        .map(|(name, shape)| format!("`{}` ({shape})", name.chars().take(NAME_CHARS_MAX).collect::<String>()))
        .collect();
    match all.len() {
        0 => "nothing".to_owned(),
        count if count > NAMED_MAX => {
            format!("{} and {} more", all[..NAMED_MAX].join(", "), count - NAMED_MAX)
        }
        _ => all.join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINI: &[u8] = include_bytes!("../../weights/mini.onnx");

    fn port(name: &str, shape: &str) -> Port {
        Port { name: name.to_owned(), shape: shape.to_owned(), what: String::new() }
    }

    fn mini() -> Graph {
        Graph {
            file: "mini.onnx".to_owned(),
            inputs: vec![port("bands", "1, 2, columns, 192")],
            outputs: vec![port("mask_logits", "1, 4, 2, columns, 192")],
        }
    }

    #[test]
    fn the_graph_of_the_card_is_taken_and_any_other_is_named() {
        assert_eq!(check(MINI, &mini(), "card"), Ok(()));
        let refused = |change: &dyn Fn(&mut Graph), words: &[&str]| {
            let mut card = mini();
            change(&mut card);
            let reason = check(MINI, &card, "card").unwrap_err();
            assert!(words.iter().all(|word| reason.contains(word)), "{reason}");
        };
        let takes = "it takes `bands` (1, 2, ?, 192)";
        refused(&|card| card.inputs[0].name = "bins".to_owned(), &[takes, "`bins` (1, 2, columns, 192)"]);
        refused(&|card| card.inputs[0].shape = "1, 2, columns, 193".to_owned(), &[takes, "193"]);
        refused(&|card| card.inputs[0].shape = "1, 2, 192".to_owned(), &[takes]);
        refused(&|card| card.inputs[0].shape = "scalar".to_owned(), &[takes, "`bands` ()"]);
        refused(&|card| card.inputs.push(port("rate", "1")), &[takes, "`rate` (1)"]);
        refused(&|card| card.inputs.clear(), &[takes, "the card says nothing"]);
        refused(&|card| card.outputs[0].name = "masks".to_owned(), &["it gives `mask_logits`", "`masks`"]);
    }

    #[test]
    fn what_is_no_graph_is_refused_and_never_a_panic() {
        for onnx in
            [&b""[..], b"not a graph", &[0xff; 64], &[0x3a, 0x7f], &MINI[..MINI.len() - 1], &MINI[1..]]
        {
            assert!(check(onnx, &mini(), "card").is_err());
        }
        // A flipped bit somewhere in the names and shapes, which lie at the end of this file.
        let refused = (MINI.len() - 200..MINI.len()).filter(|i| {
            let mut onnx = MINI.to_vec();
            onnx[*i] ^= 0x10;
            check(&onnx, &mini(), "card").is_err()
        });
        assert!(refused.count() > 20);
    }
}
