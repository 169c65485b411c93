//! What the user should know, until it was read. Bounded: the oldest go first.

use crate::view::{Notice, Weight};
use std::path::PathBuf;

/// Notices shown at most.
const NOTICES_MAX: usize = 20;
/// Characters of one; words of servers and systems can be long.
const CHARS_MAX: usize = 600;

#[derive(Debug, Default)]
pub(super) struct Notices {
    next: u64,
}

impl Notices {
    /// Adds one; the same text is not shown twice.
    pub(super) fn add(
        &mut self,
        shown: &mut Vec<Notice>,
        weight: Weight,
        text: impl Into<String>,
        path: Option<PathBuf>,
    ) {
        let text: String = text.into().chars().take(CHARS_MAX).collect();
        shown.retain(|notice| notice.text != text);
        if shown.len() >= NOTICES_MAX {
            shown.remove(0);
        }
        self.next += 1;
        shown.push(Notice { number: self.next, weight, text, path });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_words_are_shown_once_and_the_oldest_go_first() {
        let (mut notices, mut shown) = (Notices::default(), Vec::new());
        for number in 0..NOTICES_MAX + 3 {
            notices.add(&mut shown, Weight::Note, format!("{number}"), None);
            notices.add(&mut shown, Weight::Note, "same", None);
        }
        assert_eq!(shown.len(), NOTICES_MAX);
        assert_eq!(shown.iter().filter(|notice| notice.text == "same").count(), 1);
        assert!(shown.is_sorted_by_key(|notice| notice.number));
    }
}
