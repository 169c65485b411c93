//! Idempotency keys: the first answer for a key is the answer for it.

use super::Answer;
use std::collections::HashMap;

/// What is known of a key.
pub(crate) enum Known {
    No,
    /// The same call was answered so.
    Same(Answer),
    /// Another call has it.
    Other,
}

#[derive(Default)]
pub(crate) struct Keys(HashMap<String, Kept>);

struct Kept {
    path: String,
    body: Vec<u8>,
    answer: Answer,
}

impl Keys {
    pub(crate) fn ask(&self, key: &str, path: &str, body: &[u8]) -> Known {
        match self.0.get(key) {
            None => Known::No,
            Some(kept) if kept.path == path && kept.body == body => Known::Same(kept.answer.clone()),
            Some(_) => Known::Other,
        }
    }

    pub(crate) fn keep(&mut self, key: String, path: &str, body: &[u8], answer: Answer) {
        self.0.insert(key, Kept { path: path.to_owned(), body: body.to_vec(), answer });
    }

    /// As after a day.
    pub(crate) fn forget(&mut self) {
        self.0.clear();
    }
}
