//! No file names a place that exists on one machine only.

use super::Finding;
use super::tree::Tree;

/// Folders of a developer's or a build machine. Split, so that this file does not name them itself.
const PLACES: [&str; 5] = [
    concat!("/ro", "ot"),
    concat!("/ho", "me/"),
    concat!("/Us", "ers/"),
    concat!("/tm", "p/"),
    concat!("/wo", "rk"),
];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in tree.text() {
        for (index, line) in text.lines().enumerate() {
            if let Some(place) = PLACES.iter().find(|place| names(line, place)) {
                findings.push(format!("{path}:{}: names `{place}`, a place of one machine", index + 1));
            }
        }
    }
    findings
}

/// Whether the line has `place` as the beginning of a path: neither inside a longer path nor of a longer word.
fn names(line: &str, place: &str) -> bool {
    let is_part =
        |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | '}' | ')' | '>' | '*' | '~');
    line.match_indices(place).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + place.len()..].chars().next();
        let ends =
            place.ends_with('/') || after.is_none_or(|c| !(c.is_alphanumeric() || matches!(c, '_' | '-')));
        before.is_none_or(|c| !is_part(c)) && ends
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machines_folder_is_found_and_a_part_of_a_longer_path_is_not() {
        let place = PLACES[4];
        for text in [format!("\"{place}/main\""), format!("see {place}"), format!("(`{}a/b`)", PLACES[1])] {
            assert_eq!(check(&Tree::of(&[("a.md", &text)])).len(), 1, "{text}");
        }
        for text in [format!("server{place}er.rs"), format!("{place}er/x"), format!("$CACHE{}x", PLACES[3])] {
            let found = check(&Tree::of(&[("a.md", &text)]));
            assert!(found.is_empty(), "{found:?}");
        }
    }
}
