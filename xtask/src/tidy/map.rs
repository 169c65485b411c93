//! The map in ARCHITECTURE.md and the tree are the same. Looks at names; what the map says of them is for people.

use super::Finding;
use super::tree::Tree;
use std::collections::BTreeSet;

const FILE: &str = "ARCHITECTURE.md";
const HEADING: &str = "## Code map";

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let Some((_, text)) = tree.text().find(|(path, _)| *path == FILE) else {
        return vec![format!("{FILE} is missing")];
    };
    let Some(lines) = map_of(text) else {
        return vec![format!("{FILE}: no code block under `{HEADING}`")];
    };
    let named = paths(&lines);
    let mut findings: Vec<Finding> = named
        .iter()
        .filter(|(_, path)| !tree.has(path))
        .map(|(line, path)| format!("{FILE}:{line}: `{path}` does not exist"))
        .collect();
    let named: BTreeSet<&str> = named.iter().map(|(_, path)| path.as_str()).collect();
    for (path, _) in tree.rust().filter(|(path, _)| is_top_level(path)) {
        if !named.contains(path) {
            findings.push(format!("{FILE}: the map does not name `{path}`"));
        }
    }
    findings
}

/// `<crate>/src/<module>.rs`.
fn is_top_level(path: &str) -> bool {
    let parts: Vec<&str> = path.split('/').collect();
    parts.len() == 3 && parts[1] == "src"
}

/// The lines, with their numbers from 1, of the first code block below the heading.
fn map_of(text: &str) -> Option<Vec<(usize, &str)>> {
    let mut lines = text.lines().enumerate().map(|(index, line)| (index + 1, line));
    lines.find(|(_, line)| line.trim_end() == HEADING)?;
    lines.find(|(_, line)| line.starts_with("```"))?;
    Some(lines.take_while(|(_, line)| !line.starts_with("```")).collect())
}

/// Line and whole path of each entry: what stands before two blanks, below the last line that is indented less.
/// Several files that share a description stand in one line, with commas.
fn paths(lines: &[(usize, &str)]) -> Vec<(usize, String)> {
    let mut above: Vec<(usize, String)> = Vec::new();
    let mut found = Vec::new();
    for (number, line) in lines.iter().filter(|(_, line)| !line.trim().is_empty()) {
        let indent = line.len() - line.trim_start().len();
        let entry = line.trim_start();
        let names = entry.split("  ").next().unwrap_or(entry);
        above.retain(|(level, _)| *level < indent);
        let folder = above.last().map_or("", |(_, folder)| folder.as_str()).to_owned();
        for name in names.split(',').map(str::trim).filter(|name| !name.is_empty()) {
            let path = format!("{folder}{name}");
            if name.ends_with('/') {
                above.push((indent, path.clone()));
            }
            found.push((*number, path.trim_end_matches('/').to_owned()));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAP: &str = "# A\n## Code map\ntext\n```text\naudio/              sound\n  src/lib.rs        the map\n  src/wav/\n    a.rs, b.rs      two\nREADME.md\n```\n";

    fn found(map: &str, more: &[(&str, &str)]) -> Vec<Finding> {
        let mut files = vec![
            (FILE, map),
            ("audio/src/lib.rs", ""),
            ("audio/src/wav/a.rs", ""),
            ("audio/src/wav/b.rs", ""),
            ("README.md", ""),
        ];
        files.extend(more);
        check(&Tree::of(&files))
    }

    #[test]
    fn a_map_that_is_the_tree_passes() {
        assert_eq!(found(MAP, &[]), [""; 0]);
    }

    #[test]
    fn a_name_without_a_file_and_a_module_without_a_name_are_found() {
        let map = MAP.replace(" b.rs", " c.rs");
        assert_eq!(found(&map, &[]), ["ARCHITECTURE.md:8: `audio/src/wav/c.rs` does not exist"]);
        let more = [("audio/src/flac.rs", "")];
        assert_eq!(found(MAP, &more), ["ARCHITECTURE.md: the map does not name `audio/src/flac.rs`"]);
    }

    #[test]
    fn a_missing_map_is_found() {
        assert_eq!(found("# A\n", &[]).len(), 1);
        assert_eq!(check(&Tree::of(&[])).len(), 1);
    }
}
