//! The rules of CONVENTIONS.md and ARCHITECTURE.md that no lint knows. Reads the tree, changes nothing.
//!
//! Each rule is a file here with a test that breaks it; a rule gets the tree and returns what it found.

mod code;
mod edges;
mod imports;
mod map;
mod migrations;
mod names;
mod places;
mod size;
mod sleep;
mod tree;

use anyhow::bail;
use tree::Tree;

/// One breach of one rule: where, and what to do.
type Finding = String;

/// Every rule on the whole tree; prints each finding on a line.
///
/// # Errors
/// Where there are findings, or the tree cannot be read.
pub(crate) fn run() -> anyhow::Result<()> {
    let tree = Tree::of_the_project()?;
    let mut findings = edges::check(&crate::workspace::metadata()?);
    for rule in [
        imports::check,
        map::check,
        migrations::check,
        names::check,
        places::check,
        size::check,
        sleep::check,
    ] {
        findings.extend(rule(&tree));
    }
    for finding in &findings {
        println!("{finding}");
    }
    match findings.len() {
        0 => Ok(()),
        1 => bail!("tidy found one thing to mend"),
        many => bail!("tidy found {many} things to mend"),
    }
}
