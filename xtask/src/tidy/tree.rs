//! The files that belong to the project: what git tracks, and what is new and not ignored.

use crate::{run, workspace};
use anyhow::Context;
use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

/// Path from the root, with `/`, and content.
pub(super) struct Tree {
    pub(super) files: BTreeMap<String, Vec<u8>>,
}

impl Tree {
    /// Reads the project's files.
    ///
    /// # Errors
    /// Where git is missing or a file cannot be read.
    pub(super) fn of_the_project() -> anyhow::Result<Self> {
        let root = workspace::root();
        let mut list = Command::new("git");
        list.args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]).current_dir(root);
        let names = run::read(&mut list).context("list the project's files (tidy needs git and a clone)")?;
        let mut files = BTreeMap::new();
        for name in names.split('\0').filter(|name| !name.is_empty()) {
            // What was deleted but not yet committed is still listed.
            if root.join(name).is_file() {
                let content = fs::read(root.join(name)).with_context(|| format!("read {name}"))?;
                files.insert(name.to_owned(), content);
            }
        }
        Ok(Self { files })
    }

    /// Rust sources as text, but for generated ones.
    pub(super) fn rust(&self) -> impl Iterator<Item = (&str, &str)> {
        self.text().filter(|(path, _)| path.ends_with(".rs") && !path.contains("/generated/"))
    }

    /// All files that are text.
    pub(super) fn text(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files.iter().filter_map(|(path, bytes)| Some((path.as_str(), std::str::from_utf8(bytes).ok()?)))
    }

    /// Whether a file or a folder of that name exists.
    pub(super) fn has(&self, path: &str) -> bool {
        let folder = format!("{}/", path.trim_end_matches('/'));
        self.files.contains_key(path) || self.files.keys().any(|file| file.starts_with(&folder))
    }

    /// Whether a source is of tests alone, by its path.
    pub(super) fn is_test(path: &str) -> bool {
        path.starts_with("tests/")
            || path.ends_with("tests.rs")
            || ["/tests/", "_tests/"].iter().any(|folder| path.contains(folder))
    }

    /// A small tree for a test.
    #[cfg(test)]
    pub(super) fn of(files: &[(&str, &str)]) -> Self {
        let own = |(path, text): &(&str, &str)| ((*path).to_owned(), text.as_bytes().to_vec());
        Self { files: files.iter().map(own).collect() }
    }
}
