//! Files, functions and blobs stay small enough to read. Generated code is not read by people and not counted.

use super::Finding;
use super::code::{code, line_of, words};
use super::tree::Tree;

const FILE_LINES_MAX: usize = 600;
const FUNCTION_LINES_MAX: usize = 70;
/// A larger file bloats every clone for ever.
const BYTES_MAX: usize = 256 * 1024;
/// The exceptions: our own weights, what they make of three seconds, and our own song. Nobody else's.
const LARGE: [&str; 8] = [
    "models/weights/mini.onnx",
    "models/tests/fixtures/mini_mixture.raw",
    "models/tests/fixtures/mini_stems.raw",
    "tests/song/mixture.flac",
    "tests/song/vocals.flac",
    "tests/song/drums.flac",
    "tests/song/bass.flac",
    "tests/song/other.flac",
];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in tree.rust() {
        let lines = text.lines().count();
        if lines > FILE_LINES_MAX {
            findings.push(format!("{path}: {lines} lines, at most {FILE_LINES_MAX}: split it"));
        }
        for (line, name, lines) in functions(text) {
            if lines > FUNCTION_LINES_MAX {
                findings.push(format!(
                    "{path}:{line}: `{name}` has {lines} lines, at most {FUNCTION_LINES_MAX}: split it"
                ));
            }
        }
    }
    for (path, bytes) in &tree.files {
        if bytes.len() > BYTES_MAX && !LARGE.contains(&path.as_str()) {
            findings.push(format!("{path}: {} KiB, at most {}", bytes.len() / 1024, BYTES_MAX / 1024));
        }
    }
    findings
}

/// Line, name and length in lines, from `fn` to the closing brace, of every function with a body.
fn functions(text: &str) -> Vec<(usize, String, usize)> {
    let code = code(text);
    let mut found = Vec::new();
    for word in words(&code).filter(|word| word.text == "fn") {
        // A function type has no name, a trait's method may have no body.
        let Some(name) = words(word.after).next().filter(|name| name.at == 0) else { continue };
        let Some(end) = body_end(&code[word.at..]) else { continue };
        let first = line_of(&code, word.at);
        found.push((first, name.text.to_owned(), line_of(&code, word.at + end) - first + 1));
    }
    found
}

/// The byte of the brace that closes the body of the function that `code` begins with.
fn body_end(code: &str) -> Option<usize> {
    let (mut round, mut curly) = (0i32, 0i32);
    for (at, c) in code.char_indices() {
        match c {
            '(' | '[' => round += 1,
            ')' | ']' => round -= 1,
            ';' if round == 0 && curly == 0 => return None,
            '{' => curly += 1,
            '}' => {
                curly -= 1;
                if curly == 0 {
                    return Some(at);
                }
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn long_function(lines: usize) -> String {
        format!("fn long(a: [u8; 2]) -> u8 {{\n{}}}\n", "    \"}\"; // }\n".repeat(lines - 2))
    }

    #[test]
    fn a_function_of_seventy_lines_passes_and_one_of_seventy_one_does_not() {
        assert!(check(&Tree::of(&[("a.rs", &long_function(70))])).is_empty());
        let findings = check(&Tree::of(&[("a.rs", &long_function(71))]));
        assert_eq!(findings, ["a.rs:1: `long` has 71 lines, at most 70: split it"]);
    }

    #[test]
    fn methods_without_a_body_and_function_types_are_not_functions() {
        assert!(functions("trait A { fn a(&self, b: [u8; 3]); }\ntype B = fn(u8) -> u8;").is_empty());
    }

    #[test]
    fn a_file_of_six_hundred_lines_passes_and_one_more_does_not() {
        assert!(check(&Tree::of(&[("a.rs", &"\n".repeat(600))])).is_empty());
        assert_eq!(check(&Tree::of(&[("a.rs", &"\n".repeat(601))])).len(), 1);
        assert!(check(&Tree::of(&[("a/generated/b.rs", &"\n".repeat(601))])).is_empty());
    }

    #[test]
    fn only_named_files_may_be_large() {
        let large = "x".repeat(BYTES_MAX + 1);
        assert!(check(&Tree::of(&[(LARGE[0], &large)])).is_empty());
        assert_eq!(check(&Tree::of(&[("models/weights/other.onnx", &large)])).len(), 1);
    }
}
