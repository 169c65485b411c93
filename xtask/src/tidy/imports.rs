//! Which module of the server may name which. Sees paths that begin with `crate::`, and names of other crates.
//!
//! Unit tests may reach further than the code they test; what follows `#[cfg(test)]` is not looked at.

use super::Finding;
use super::code::{code, line_of, without_tests, words};
use super::tree::Tree;

const FOLDER: &str = "server/src/";
/// They put the crate together and show it to the world, so they name everything.
const ROOTS: [&str; 2] = ["lib", "main"];

/// Modules that may import the same things.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Layer {
    /// The words of the domain.
    Vocabulary,
    /// What outlives the process; each a trait with adapters.
    Port,
    /// The rules.
    Domain,
    /// From queue to stems.
    Work,
    /// Translate requests.
    Edge,
    /// Draws, or fetches; knows nothing of the server.
    Report,
    /// Puts a server together on a data folder.
    Start,
    /// The command line.
    Command,
}

use Layer::{Command, Domain, Edge, Port, Report, Start, Vocabulary, Work};

const MODULES: [(&str, Layer); 51] = [
    ("billing", Vocabulary),
    ("clock", Vocabulary),
    ("config", Vocabulary),
    ("job", Vocabulary),
    ("ledger", Vocabulary),
    ("people", Vocabulary),
    ("quote", Vocabulary),
    ("role", Vocabulary),
    ("settings", Vocabulary),
    ("statement", Vocabulary),
    ("steps", Vocabulary),
    ("tenant", Vocabulary),
    ("webhook", Vocabulary),
    ("widget", Vocabulary),
    ("artifacts", Port),
    ("mail", Port),
    ("progress", Port),
    ("queue", Port),
    ("store", Port),
    ("address", Domain),
    ("admission", Domain),
    ("auth", Domain),
    ("canonical", Domain),
    ("cashier", Domain),
    ("courier", Domain),
    ("embed", Domain),
    ("farewell", Domain),
    ("margin", Domain),
    ("team", Domain),
    ("welcome", Domain),
    ("offer", Domain),
    ("reaper", Domain),
    ("relay", Domain),
    ("roster", Domain),
    ("sign_in", Domain),
    ("throttle", Domain),
    ("upload", Domain),
    ("desk", Work),
    ("device", Work),
    ("worker", Work),
    ("api", Edge),
    ("grpc", Edge),
    ("http", Edge),
    ("pages", Edge),
    ("report", Report),
    ("shelf", Report),
    ("crew", Start),
    ("data", Start),
    ("tls", Start),
    ("wiring", Start),
    ("cli", Command),
];

impl Layer {
    /// The layers whose modules one of this layer may import, besides itself.
    fn may_import(self) -> &'static [Layer] {
        match self {
            Vocabulary => &[Vocabulary],
            // A port never asks another port.
            Port => &[Vocabulary],
            Domain => &[Vocabulary, Port, Domain],
            Work => &[Vocabulary, Port, Domain, Work],
            Edge => &[Vocabulary, Port, Domain, Work, Edge, Report],
            Report => &[],
            Start => &[Vocabulary, Port, Domain, Work, Edge, Start],
            Command => &[Vocabulary, Port, Domain, Work, Edge, Report, Start],
        }
    }
}

/// Names from outside the crate and the modules that may use them. SQL stays in the store, wire types at the edge.
const NAMES: [(&str, &[&str]); 18] = [
    ("argon2", &["auth"]),
    ("axum", &["api", "grpc", "http", "pages"]),
    ("clap", &["cli"]),
    ("figment", &["config"]),
    ("governor", &["throttle"]),
    ("hyper", &["courier"]),
    ("indicatif", &["cli"]),
    ("lettre", &["mail"]),
    ("maud", &["pages"]),
    ("png", &["report"]),
    ("sqlx", &["store"]),
    ("tokio_rustls", &["courier", "http", "store"]),
    ("tonic", &["grpc"]),
    (
        "tributary_models",
        &["admission", "cli", "config", "device", "offer", "report", "settings", "shelf", "wiring", "worker"],
    ),
    ("tributary_stripe", &["cashier", "http", "wiring"]),
    ("ureq", &["shelf"]),
    ("v1", &["grpc", "http"]),
    ("zip", &["shelf"]),
];

/// Adapters and who may name them: the wiring picks, nobody else asks.
const ADAPTERS: [(&str, &str, &[&str]); 3] = [
    // The operator's commands (keys, credits, doctor) open the store without a server.
    ("store", "sqlite", &["store", "wiring", "cli"]),
    ("store", "postgres", &["store", "wiring", "cli"]),
    // Uploads wait on the same disk and are written with the same care.
    ("artifacts", "disk", &["artifacts", "wiring", "upload", "cli"]),
];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in tree.rust() {
        let Some(module) = path.strip_prefix(FOLDER).and_then(module_of) else { continue };
        if ROOTS.contains(&module) {
            continue;
        }
        let Some(layer) = layer_of(module) else {
            findings.push(format!(
                "{path}: module `{module}` has no line in xtask/src/tidy/imports.rs: give it a layer"
            ));
            continue;
        };
        let code = code(text);
        let code = without_tests(&code);
        let mut found = imports(code, module, layer);
        found.extend(outside_names(code, module));
        found.sort_unstable();
        findings
            .extend(found.into_iter().map(|(at, breach)| format!("{path}:{}: {breach}", line_of(code, at))));
    }
    findings
}

/// The top-level module a file belongs to; none for files of tests alone.
fn module_of(file: &str) -> Option<&str> {
    let tests = Tree::is_test(file) || file.contains("conformance");
    (!tests).then(|| file.split('/').next().unwrap_or(file).trim_end_matches(".rs"))
}

fn layer_of(module: &str) -> Option<Layer> {
    MODULES.iter().find(|(name, _)| *name == module).map(|(_, layer)| *layer)
}

/// Every `crate::` path of the code that the table does not allow.
fn imports(code: &str, module: &str, layer: Layer) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for word in words(code).filter(|word| word.text == "crate" && word.after.starts_with("::")) {
        for (name, next) in targets(word.after) {
            let Some(target) = layer_of(name).filter(|_| name != module) else { continue };
            if name == "wiring" || !layer.may_import().contains(&target) {
                found.push((word.at, format!("`{module}` must not import `{name}`")));
            }
            for (port, adapter, users) in ADAPTERS {
                if name == port && next == adapter && !users.contains(&module) {
                    found
                        .push((word.at, format!("`{module}` must not name the adapter `{port}::{adapter}`")));
                }
            }
        }
    }
    found
}

/// First and second segment behind `crate`: of `::a::b` that is (a, b), of `::{a, b::c}` (a, ) and (b, c).
fn targets(after: &str) -> Vec<(&str, &str)> {
    let rest = after.trim_start_matches("::").trim_start();
    let Some(group) = rest.strip_prefix('{') else {
        return segments(rest).into_iter().collect();
    };
    let mut depth = 1;
    let end = group.char_indices().find(|(_, c)| {
        depth += match c {
            '{' => 1,
            '}' => -1,
            _ => 0,
        };
        depth == 0
    });
    let mut depth = 0;
    group[..end.map_or(group.len(), |(at, _)| at)]
        .split(|c| {
            depth += match c {
                '{' => 1,
                '}' => -1,
                _ => 0,
            };
            c == ',' && depth == 0
        })
        .filter_map(segments)
        .collect()
}

fn segments(path: &str) -> Option<(&str, &str)> {
    let first = words(path).next()?;
    let second = first
        .after
        .strip_prefix("::")
        .and_then(|rest| words(rest).next().filter(|word| word.before.is_empty()));
    Some((first.text, second.map_or("", |word| word.text)))
}

fn outside_names(code: &str, module: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for word in words(code) {
        let Some((name, users)) = NAMES.iter().find(|(name, _)| *name == word.text) else { continue };
        // A crate's name opens a path; `v1` stands anywhere in one.
        let opens = word.after.starts_with("::") && !word.before.ends_with("::");
        let imported = word.before.ends_with("use") || (*name == "v1" && word.before.ends_with("::"));
        if (opens || imported) && !users.contains(&module) {
            found.push((word.at, format!("`{module}` must not name `{name}`")));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(file: &str, text: &str) -> Vec<Finding> {
        check(&Tree::of(&[(&format!("server/src/{file}"), text)]))
    }

    #[test]
    fn what_the_table_allows_passes() {
        for (file, text) in [
            ("admission.rs", "use crate::store::{Store, StoreError};\nuse crate::job::Job;"),
            ("grpc/convert.rs", "use tributary_protocol::v1;\nuse crate::admission::Request;"),
            ("store/sqlite.rs", "use sqlx::Row; use crate::{job::Job, ledger};"),
            ("wiring.rs", "use crate::store::sqlite::SqliteStore;"),
            ("lib.rs", "use crate::wiring::assemble;"),
            (
                "job.rs",
                "// crate::grpc\n\"crate::http\"; fn f(v1: u8) {}\n#[cfg(test)]\nmod tests { use crate::store::X; }",
            ),
            ("reaper/reaper_tests.rs", "use crate::store::sqlite::SqliteStore;"),
            ("reaper/reaper_tests/late.rs", "use crate::store::sqlite::SqliteStore;"),
        ] {
            assert_eq!(found(file, text), [""; 0], "{file}");
        }
    }

    #[test]
    fn what_it_does_not_allow_is_found_with_its_line() {
        for (file, text, breach) in [
            ("job.rs", "\nuse crate::store::Store;", "2: `job` must not import `store`"),
            ("reaper.rs", "use crate::{\n job::Job, wiring\n};", "1: `reaper` must not import `wiring`"),
            ("cli/serve.rs", "use crate::wiring::Parts;", "1: `cli` must not import `wiring`"),
            ("queue/local.rs", "use crate::progress::News;", "1: `queue` must not import `progress`"),
            ("report/page.rs", "use crate::config::Config;", "1: `report` must not import `config`"),
            (
                "worker.rs",
                "crate::store::sqlite::open()",
                "1: `worker` must not name the adapter `store::sqlite`",
            ),
            ("admission.rs", "use tonic::Status;", "1: `admission` must not name `tonic`"),
            ("worker/run.rs", "\n\nlet x = sqlx::query(q);", "3: `worker` must not name `sqlx`"),
            ("auth.rs", "use tributary_protocol::v1::Key;", "1: `auth` must not name `v1`"),
        ] {
            assert_eq!(found(file, text), [format!("server/src/{file}:{breach}")]);
        }
    }

    #[test]
    fn a_new_module_needs_a_layer() {
        assert_eq!(found("lottery.rs", "").len(), 1);
    }

    #[test]
    fn nested_groups_are_taken_apart() {
        let groups = targets(":: {job::{Job, State}, store::sqlite::X, self, clock};");
        assert_eq!(groups, [("job", ""), ("store", "sqlite"), ("self", ""), ("clock", "")]);
    }
}
