//! Letters that nobody takes away, read by a test in the place of their reader.

use crate::{Stage, wait};
use std::path::Path;

/// The path of the link in the newest letter to somebody: `kind` is how it begins, `confirm` or `invitation`.
///
/// # Panics
/// Where the letter never comes.
pub async fn link(stage: &Stage, to: &str, kind: &str) -> String {
    let outbox = stage.folder.path().join("data/outbox");
    wait::until("the letter", async || newest(&outbox, to, kind)).await
}

fn newest(outbox: &Path, to: &str, kind: &str) -> Option<String> {
    let mut letters: Vec<_> = std::fs::read_dir(outbox).ok()?.flatten().map(|file| file.path()).collect();
    letters.sort();
    letters.iter().rev().find_map(|letter| {
        // Long lines are folded by an equals sign at their end.
        let text = std::fs::read_to_string(letter).ok()?.replace("=\r\n", "");
        let at = text.find(&format!("/{kind}/")).filter(|_| text.contains(&format!("To: {to}")))?;
        let token = text[at + kind.len() + 2..].chars().take_while(char::is_ascii_alphanumeric);
        Some(format!("/{kind}/{}", token.collect::<String>()))
    })
}
