//! Which crate may depend on which. Sees direct dependencies, of every kind; what those depend on is their affair.

use super::Finding;
use serde_json::Value;

/// Our crates and those of ours that each may use.
const OURS: [(&str, &[&str]); 11] = [
    ("tributary-audio", &[]),
    ("tributary-cluster", &[]),
    ("tributary-host", &[]),
    ("tributary-models", &["tributary-audio"]),
    // A host must never load a neural engine or a database.
    ("tributary-plugin", &["tributary-audio", "tributary-protocol"]),
    ("tributary-protocol", &[]),
    ("tributary-server", &["tributary-audio", "tributary-models", "tributary-protocol", "tributary-stripe"]),
    ("tributary-stripe", &[]),
    ("tributary-stripe-double", &[]),
    (
        "tributary-tests",
        &[
            "tributary-audio",
            "tributary-cluster",
            "tributary-host",
            "tributary-protocol",
            "tributary-server",
            "tributary-stripe",
            "tributary-stripe-double",
        ],
    ),
    ("xtask", &[]),
];

/// Crates of others that only some of ours may name.
const OTHERS: [(&[&str], &[&str]); 10] = [
    (&["rten", "rten-tensor", "ort", "whisper-rs"], &["tributary-models"]),
    (&["sqlx"], &["tributary-server"]),
    (&["figment", "ureq", "zip"], &["tributary-server"]),
    // The double of Stripe is a server.
    (&["axum"], &["tributary-server", "tributary-stripe-double"]),
    // They take minutes to compile; what they describe stays behind our own types.
    (
        &[
            "async-stripe-checkout",
            "async-stripe-client-core",
            "async-stripe-core",
            "async-stripe-shared",
            "async-stripe-types",
            "hyper-rustls",
            "miniserde",
        ],
        &["tributary-stripe"],
    ),
    (
        &["tonic", "tonic-prost", "tonic-types", "tonic-health"],
        &["tributary-protocol", "tributary-server", "tributary-tests"],
    ),
    (
        &["tokio", "tokio-stream", "tokio-util"],
        &[
            "tributary-plugin",
            "tributary-protocol",
            "tributary-server",
            "tributary-stripe",
            "tributary-stripe-double",
            "tributary-tests",
        ],
    ),
    (&["nice-plug", "nice-plug-egui", "egui", "rtrb"], &["tributary-plugin"]),
    // The plugin is tested as hosts see it: built, and through its ABI.
    (&["clack-host", "clack-extensions"], &["tributary-host", "tributary-tests"]),
    (&["symphonia", "flacenc", "rubato", "ebur128"], &["tributary-audio"]),
];

/// What the tests of a crate may use beyond that: the double of a server is made of the generated stubs, the store is
/// tested on a real database, and payments on a double of Stripe.
const FOR_TESTS: [(&str, &str); 4] = [
    ("tributary-plugin", "tonic"),
    ("tributary-server", "tributary-cluster"),
    ("tributary-server", "tributary-stripe-double"),
    ("tributary-stripe", "tributary-stripe-double"),
];

/// `metadata`: what `cargo metadata --no-deps` prints.
pub(super) fn check(metadata: &Value) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in metadata["packages"].as_array().into_iter().flatten() {
        let name = package["name"].as_str().unwrap_or_default();
        let Some((_, allowed)) = OURS.iter().find(|(ours, _)| *ours == name) else {
            findings.push(format!("crate `{name}` has no line in the table of xtask/src/tidy/edges.rs"));
            continue;
        };
        for dependency in package["dependencies"].as_array().into_iter().flatten() {
            let used = dependency["name"].as_str().unwrap_or_default();
            if dependency["kind"] == "dev" && FOR_TESTS.contains(&(name, used)) {
                continue;
            }
            // A crate's tests may ask for more features of the crate itself.
            let ours = used != name && OURS.iter().any(|(ours, _)| *ours == used);
            let theirs = OTHERS.iter().find(|(others, _)| others.contains(&used));
            if (ours && !allowed.contains(&used)) || theirs.is_some_and(|(_, users)| !users.contains(&name)) {
                findings.push(format!("{name} must not depend on {used}"));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check_edge(from: &str, to: &str) -> Vec<Finding> {
        check(&json!({ "packages": [{ "name": from, "dependencies": [{ "name": to }] }] }))
    }

    #[test]
    fn what_only_tests_use_is_no_edge_of_the_program() {
        let edge = |kind: &str| {
            let dependency = json!({ "name": "tonic", "kind": kind });
            check(&json!({ "packages": [{ "name": "tributary-plugin", "dependencies": [dependency] }] }))
        };
        assert_eq!(edge("dev"), [""; 0]);
        assert_eq!(edge("build"), ["tributary-plugin must not depend on tonic"]);
    }

    #[test]
    fn edges_of_the_table_pass_and_all_others_do_not() {
        for (from, to) in [
            ("tributary-server", "tributary-models"),
            ("tributary-models", "rten"),
            ("tributary-tests", "tonic"),
            ("tributary-protocol", "tributary-protocol"),
            ("xtask", "clap"),
        ] {
            assert_eq!(check_edge(from, to), [""; 0]);
        }
        for (from, to) in [
            ("tributary-protocol", "tributary-models"),
            ("tributary-tests", "tributary-models"),
            ("xtask", "tributary-server"),
            ("tributary-server", "rten"),
            ("tributary-models", "tokio"),
            ("tributary-tests", "sqlx"),
        ] {
            assert_eq!(check_edge(from, to), [format!("{from} must not depend on {to}")]);
        }
    }

    #[test]
    fn a_new_crate_needs_a_line_in_the_table() {
        assert_eq!(check_edge("tributary-other", "clap").len(), 1);
    }
}
