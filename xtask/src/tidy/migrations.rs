//! A migration is one number and one name, in the folder of each database.

use super::Finding;
use super::tree::Tree;
use std::collections::{BTreeMap, BTreeSet};

const FOLDER: &str = "server/migrations/";

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut databases: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (database, name) in tree.files.keys().filter_map(|path| path.strip_prefix(FOLDER)?.split_once('/')) {
        databases.entry(database).or_default().insert(name);
    }
    for (database, names) in &databases {
        for (index, name) in names.iter().enumerate() {
            let number = name.split('_').next().unwrap_or_default();
            // Sorted by name: the first is 0001, and every next one a step further.
            if number != format!("{:04}", index + 1) || !name.ends_with(".sql") {
                findings.push(format!("{FOLDER}{database}/{name}: expected {:04}_<name>.sql", index + 1));
            }
        }
        for (other, others) in databases.iter().filter(|(other, _)| *other != database) {
            findings.extend(
                names
                    .difference(others)
                    .map(|name| format!("{FOLDER}{other}/{name} is missing: {database} has it")),
            );
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_run_without_gaps_or_doubles() {
        let good = [
            ("server/migrations/sqlite/0001_ledger.sql", ""),
            ("server/migrations/sqlite/0002_jobs.sql", ""),
        ];
        assert!(check(&Tree::of(&good)).is_empty());
        for second in ["0001_jobs.sql", "0003_jobs.sql", "2_jobs.sql", "0002_jobs.txt"] {
            let second = format!("server/migrations/sqlite/{second}");
            assert_eq!(check(&Tree::of(&[good[0], (&second, "")])).len(), 1, "{second}");
        }
    }

    #[test]
    fn both_databases_have_the_same_migrations_once_there_are_two() {
        let tree = Tree::of(&[
            ("server/migrations/sqlite/0001_ledger.sql", ""),
            ("server/migrations/postgres/0001_leger.sql", ""),
        ]);
        assert_eq!(check(&tree).len(), 2);
    }
}
