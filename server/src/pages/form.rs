//! What browsers send in forms and behind question marks: names and texts, in their order, few and short.

use std::fmt;

/// Bytes of a form.
pub(super) const FORM_BYTES_MAX: usize = 64 << 10;
/// Fields of a form; more are not looked at.
const FIELDS_MAX: usize = 256;

/// Names and texts. Never shown in logs: passwords are among them.
#[derive(Clone, Default)]
pub(super) struct Fields(Vec<(String, String)>);

impl Fields {
    /// Reads `a=b&c=d`.
    pub(super) fn parse(bytes: &[u8]) -> Self {
        Self(form_urlencoded::parse(bytes).into_owned().take(FIELDS_MAX).collect())
    }

    /// One more, where there is room.
    pub(super) fn add(&mut self, name: &str, text: String) {
        if self.0.len() < FIELDS_MAX {
            self.0.push((name.to_owned(), text));
        }
    }

    /// The text of that name; empty where there is none.
    pub(super) fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(key, _)| key == name).map_or("", |(_, text)| text)
    }

    /// All texts of that name.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(key, _)| key == name).map(|(_, text)| text.as_str())
    }

    /// A whole number, written with digits alone; none for anything else.
    pub(super) fn number(&self, name: &str) -> Option<u64> {
        self.get(name).trim().parse().ok()
    }
}

impl fmt::Debug for Fields {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}
