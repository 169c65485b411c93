//! A letter: to whom, about what, and the words. Whatever is in it came through these checks.

use lettre::Address;
use std::fmt;

/// Bytes of an address (RFC 5321: a path of 256 with its brackets).
const ADDRESS_BYTES_MAX: usize = 254;
/// Characters of a subject.
const SUBJECT_CHARS_MAX: usize = 200;
/// Bytes of the words.
const TEXT_BYTES_MAX: usize = 64 << 10;

/// Why something is no letter. Repeats nothing of it: links in letters are secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LetterError {
    /// Not an address, or one that only some mail servers know (other characters than ASCII).
    #[error("this is no e-mail address")]
    Address,
    /// Empty, too long, or with control characters, which could become headers.
    #[error("a subject has 1 to {SUBJECT_CHARS_MAX} characters and no control characters")]
    Subject,
    /// Too long, or with control characters other than line ends and tabs.
    #[error("a letter has at most {TEXT_BYTES_MAX} bytes and no control characters but line ends and tabs")]
    Text,
}

/// A letter to one person. Shows neither its words nor its reader when printed for logs.
#[derive(Clone, PartialEq, Eq)]
pub struct Letter {
    to: Address,
    subject: String,
    text: String,
}

impl Letter {
    /// Checks everything; `text` is plain, paragraphs with an empty line between them.
    ///
    /// # Errors
    /// `LetterError` says which part is not usable.
    pub fn new(to: &str, subject: &str, text: &str) -> Result<Self, LetterError> {
        if to.len() > ADDRESS_BYTES_MAX || !to.is_ascii() {
            return Err(LetterError::Address);
        }
        let to: Address = to.parse().map_err(|_| LetterError::Address)?;
        let subject_chars = subject.chars().take(SUBJECT_CHARS_MAX + 1).count();
        let is_line = !subject.trim().is_empty() && !subject.chars().any(char::is_control);
        if subject_chars > SUBJECT_CHARS_MAX || !is_line {
            return Err(LetterError::Subject);
        }
        let is_odd = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
        if text.len() > TEXT_BYTES_MAX || text.chars().any(is_odd) {
            return Err(LetterError::Text);
        }
        Ok(Self { to, subject: subject.to_owned(), text: text.to_owned() })
    }

    /// Who reads it.
    #[must_use]
    pub fn to(&self) -> &str {
        self.to.as_ref()
    }

    /// What it is about.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// The words.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn address(&self) -> &Address {
        &self.to
    }

    /// The words as a simple page: paragraphs, line ends, and a line that is nothing but a web address as a link.
    #[must_use]
    pub fn html(&self) -> String {
        let paragraphs = self.text.split("\n\n").map(str::trim).filter(|words| !words.is_empty());
        let paragraph = |words: &str| {
            let lines: Vec<_> = words.lines().map(line).collect();
            format!("<p>{}</p>\n", lines.join("<br>\n"))
        };
        let body: String = paragraphs.map(paragraph).collect();
        format!("<!DOCTYPE html>\n<html><head><meta charset=\"utf-8\"></head><body>\n{body}</body></html>\n")
    }
}

impl fmt::Debug for Letter {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.debug_struct("Letter").field("subject", &self.subject).finish_non_exhaustive()
    }
}

fn line(text: &str) -> String {
    let text = text.trim();
    let escaped = escape(text);
    let is_link = ["https://", "http://"].iter().any(|scheme| text.starts_with(scheme));
    if is_link && !text.contains(char::is_whitespace) {
        format!("<a href=\"{escaped}\">{escaped}</a>")
    } else {
        escaped
    }
}

fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_could_become_a_header_is_refused() {
        for to in [
            "a@b.org\r\nBcc: c@d.org",
            "a@b.org\n",
            "a@b.org, c@d.org",
            "a",
            "",
            "@",
            "\u{e4}@b.org",
            "a b@c.org",
        ] {
            assert_eq!(Letter::new(to, "s", "t"), Err(LetterError::Address), "{to:?}");
        }
        let long = format!("{}@example.org", "a".repeat(250));
        assert_eq!(Letter::new(&long, "s", "t"), Err(LetterError::Address));
        for subject in ["", "  ", "a\r\nBcc: c@d.org", "a\nb", "a\u{0}", "a\u{85}b", &"s".repeat(201)] {
            assert_eq!(Letter::new("a@b.org", subject, "t"), Err(LetterError::Subject), "{subject:?}");
        }
        for text in ["a\rb", "a\u{0}", "\u{1b}[2J", &"t".repeat(TEXT_BYTES_MAX + 1)] {
            assert_eq!(Letter::new("a@b.org", "s", text), Err(LetterError::Text));
        }
        let edge = Letter::new("a@b.org", &"\u{e4}".repeat(200), &"t".repeat(TEXT_BYTES_MAX));
        edge.unwrap();
    }

    #[test]
    fn words_become_a_page_and_nothing_of_them_becomes_markup() {
        let text =
            "Hello <b>& \"you\"</b>\nsecond line\n\nhttps://h.org/?a=1&b='2'\n\nhttps://h.org and more\n";
        let html = Letter::new("a@b.org", "s", text).unwrap().html();
        let body = html.split("<body>\n").nth(1).unwrap().split("</body>").next().unwrap();
        assert_eq!(
            body,
            "<p>Hello &lt;b&gt;&amp; &quot;you&quot;&lt;/b&gt;<br>\nsecond line</p>\n\
             <p><a href=\"https://h.org/?a=1&amp;b=&#39;2&#39;\">https://h.org/?a=1&amp;b=&#39;2&#39;</a></p>\n\
             <p>https://h.org and more</p>\n"
        );
    }

    #[test]
    fn a_letter_in_a_log_tells_neither_its_reader_nor_its_words() {
        let shown = format!("{:?}", Letter::new("reader@b.org", "Sign in", "secret link").unwrap());
        assert!(
            shown.contains("Sign in") && !shown.contains("reader") && !shown.contains("secret"),
            "{shown}"
        );
    }

    proptest! {
        #[test]
        fn no_text_panics_and_every_page_has_its_own_tags_only(to in ".*", subject in ".*", text in "(?s).*") {
            let _ = Letter::new(&to, "s", "t");
            let _ = Letter::new("a@b.org", &subject, "t");
            if let Ok(letter) = Letter::new("a@b.org", "s", &text) {
                let html = letter.html();
                let tags = ["<!DOCTYPE", "<html>", "<head>", "<meta ", "</head>", "<body>", "<p>", "<br>", "</p>", "<a href=", "</a>", "</body>", "</html>"];
                let known: usize = tags.iter().map(|tag| html.matches(tag).count()).sum();
                prop_assert_eq!(html.matches('<').count(), known);
            }
        }
    }
}
