//! Rust source without its comments and literals, so that braces and names can be counted. Not a parser.

/// The text with every comment, string and character literal blanked; lines stay where they were.
pub(super) fn code(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut in_word = false;
    while let Some(first) = rest.chars().next() {
        let blank = if in_word { 0 } else { prefixed_string(rest) };
        let blank = if blank > 0 { blank } else { literal(rest) };
        if blank == 0 {
            out.push(first);
            in_word = first.is_alphanumeric() || first == '_';
            rest = &rest[first.len_utf8()..];
        } else {
            out.extend(rest[..blank].chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
            in_word = false;
            rest = &rest[blank..];
        }
    }
    out
}

/// Bytes of the comment or literal that `rest` begins with; 0 for code.
fn literal(rest: &str) -> usize {
    if rest.starts_with("//") {
        rest.find('\n').unwrap_or(rest.len())
    } else if rest.starts_with("/*") {
        block_comment(rest)
    } else if rest.starts_with('"') {
        string(rest, 0)
    } else if rest.starts_with('\'') {
        character(rest)
    } else {
        0
    }
}

/// Bytes of `r"..."`, `r#"..."#`, `b"..."`, `br".."`, `c".."`; 0 where `rest` does not begin with one.
fn prefixed_string(rest: &str) -> usize {
    let prefix = rest.find(|c| !matches!(c, 'r' | 'b' | 'c')).unwrap_or(0);
    if prefix == 0 || prefix > 2 {
        return 0;
    }
    let hashes = rest[prefix..].find(|c| c != '#').unwrap_or(0);
    let raw = rest[..prefix].contains('r');
    if !rest[prefix + hashes..].starts_with('"') || (hashes > 0 && !raw) {
        return 0;
    }
    if !raw {
        return string(rest, prefix);
    }
    let end = format!("\"{}", "#".repeat(hashes));
    let begin = prefix + hashes + 1;
    rest[begin..].find(&end).map_or(rest.len(), |at| begin + at + end.len())
}

/// Bytes up to and with the quote that ends the string whose opening quote is at `at`.
fn string(rest: &str, at: usize) -> usize {
    let mut escaped = false;
    for (index, c) in rest.char_indices().skip(at + 1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return index + 1,
            _ => {}
        }
    }
    rest.len()
}

/// Bytes of a character literal; 0 for a lifetime.
fn character(rest: &str) -> usize {
    let mut inside = rest.char_indices().skip(1);
    match inside.next() {
        Some((_, '\\')) => {
            inside.next();
            inside.find(|(_, c)| *c == '\'').map_or(rest.len(), |(index, _)| index + 1)
        }
        Some(_) => match inside.next() {
            Some((index, '\'')) => index + 1,
            _ => 0,
        },
        None => 0,
    }
}

fn block_comment(rest: &str) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at < rest.len() {
        if rest[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += rest[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    rest.len()
}

/// One word of the code: its text, where it begins, and the code around it without blanks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Word<'a> {
    pub(super) text: &'a str,
    /// Byte where it begins.
    pub(super) at: usize,
    /// The code before it, trimmed.
    pub(super) before: &'a str,
    /// The code after it, trimmed.
    pub(super) after: &'a str,
}

/// All identifiers and keywords of blanked code, in order.
pub(super) fn words(code: &str) -> impl Iterator<Item = Word<'_>> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut at = 0;
    std::iter::from_fn(move || {
        let begin = at + code[at..].find(is_word)?;
        let end = code[begin..].find(|c| !is_word(c)).map_or(code.len(), |length| begin + length);
        at = end;
        let (before, after) = (code[..begin].trim_end(), code[end..].trim_start());
        Some(Word { text: &code[begin..end], at: begin, before, after })
    })
}

/// The line, from 1, that byte `at` is on.
pub(super) fn line_of(text: &str, at: usize) -> usize {
    1 + text[..at].matches('\n').count()
}

/// The code before the file's unit tests, which may reach further than the code they test.
pub(super) fn without_tests(code: &str) -> &str {
    &code[..code.find("#[cfg(test)]").unwrap_or(code.len())]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_literals_are_blanked_and_lines_stay() {
        let source = "a // {\n/* { /* } */ { */ b \"{\\\"{\" r#\"{\"{\"# '{' '\\'' '\\u{7b}' &'static c b\"}\" br\"}\" d";
        let code = code(source);
        assert_eq!(code.len(), source.len());
        assert_eq!(code.split_whitespace().collect::<Vec<_>>(), ["a", "b", "&'static", "c", "d"]);
        assert_eq!(code.lines().count(), 2);
    }

    #[test]
    fn an_unfinished_literal_ends_with_the_file() {
        for source in ["\"abc", "/* abc", "r#\"abc", "'\\", "b\"\\", "'"] {
            assert_eq!(code(source).len(), source.len(), "{source}");
        }
    }

    #[test]
    fn a_name_that_ends_in_r_or_b_is_no_raw_string() {
        assert_eq!(code("for\"x\"").trim_end(), "for");
        assert_eq!(code("r#type").trim_end(), "r#type");
    }

    #[test]
    fn words_know_their_neighbours() {
        let found: Vec<_> = words("use a :: b_1;").map(|word| (word.text, word.before, word.after)).collect();
        assert_eq!(found, [("use", "", "a :: b_1;"), ("a", "use", ":: b_1;"), ("b_1", "use a ::", ";")]);
    }
}
