//! Modules are domain nouns, each in a file of its own name that opens by saying what it is.

use super::Finding;
use super::tree::Tree;

/// Names that say nothing about what is inside.
const BANNED: [&str; 9] =
    ["utils", "util", "helpers", "helper", "common", "manager", "service", "services", "misc"];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in tree.rust() {
        if !text.starts_with("//!") {
            findings
                .push(format!("{path}:1: does not open with `//!`: say what it is, and what it never does"));
        }
        if path.ends_with("/mod.rs") {
            findings.push(format!("{path}: name the file after its module: no mod.rs"));
        }
        let noun =
            path.split('/').map(|part| part.trim_end_matches(".rs")).find(|part| BANNED.contains(part));
        if let Some(noun) = noun {
            findings.push(format!("{path}: `{noun}` is no noun of the field: name what it holds"));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_a_first_word_a_mod_rs_and_an_empty_name_are_found() {
        for (path, text) in [
            ("a/b.rs", "fn x() {}"),
            ("a/mod.rs", "//! A."),
            ("a/utils.rs", "//! A."),
            ("misc/a.rs", "//! A."),
        ] {
            assert_eq!(check(&Tree::of(&[(path, text)])).len(), 1, "{path}");
        }
    }

    #[test]
    fn a_noun_of_the_field_passes() {
        assert!(check(&Tree::of(&[("ledger/hold.rs", "//! A hold."), ("utils.py", "")])).is_empty());
    }
}
