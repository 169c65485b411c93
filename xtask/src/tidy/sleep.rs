//! Tests neither sleep nor are switched off: both hide what they were written to show.

use super::Finding;
use super::code::{code, line_of, without_tests, words};
use super::tree::Tree;

/// The one place that may pause: it waits for a state, with a deadline.
const WAITS: &str = "tests/harness/wait.rs";

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in tree.rust() {
        let code = code(text);
        let tests_from = if Tree::is_test(path) { 0 } else { without_tests(&code).len() };
        for word in words(&code) {
            let line = line_of(&code, word.at);
            if word.text == "ignore" && word.before.ends_with("#[") {
                findings.push(format!("{path}:{line}: an ignored test: mend it or delete it"));
            }
            if word.text == "sleep" && word.after.starts_with('(') && word.at >= tests_from && path != WAITS {
                findings.push(format!("{path}:{line}: a test sleeps: wait for the state instead"));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ignored_test_is_found_anywhere_and_a_nap_in_tests_only() {
        let ignored = "#[ignore]\n#[test]\nfn a() {}";
        assert_eq!(check(&Tree::of(&[("a/src/b.rs", ignored)])).len(), 1);
        let naps = "fn a() { thread::sleep(x); }\n";
        assert!(check(&Tree::of(&[("a/src/b.rs", naps)])).is_empty());
        let tested = format!("{naps}#[cfg(test)]\nmod tests {{ {naps} }}");
        assert_eq!(
            check(&Tree::of(&[("a/src/b.rs", &tested)])),
            ["a/src/b.rs:3: a test sleeps: wait for the state instead"]
        );
        assert_eq!(check(&Tree::of(&[("tests/e2e/b.rs", naps)])).len(), 1);
        assert!(check(&Tree::of(&[(WAITS, naps)])).is_empty());
    }
}
