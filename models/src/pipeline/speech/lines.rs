//! Words into lines: sentences, or what stands between two pauses. Pure.

/// A word in the clip.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Said {
    pub(super) start_seconds: f64,
    pub(super) end_seconds: f64,
    /// 0 to 1.
    pub(super) probability: f32,
    /// With a space in front where it needs one.
    pub(super) text: String,
}

/// A pause this long ends a line.
const PAUSE_SECONDS: f64 = 1.0;
/// A line that has come to no end by then is cut.
const LINE_SECONDS_MAX: f64 = 20.0;
/// After a pause this long a paragraph begins.
const PARAGRAPH_SECONDS: f64 = 2.5;

/// The words in lines, none of them empty.
pub(super) fn lines(words: &[Said]) -> Vec<&[Said]> {
    let mut lines = Vec::new();
    let mut start = 0;
    for (i, word) in words.iter().enumerate() {
        let pauses =
            words.get(i + 1).is_none_or(|next| next.start_seconds - word.end_seconds >= PAUSE_SECONDS);
        let is_long = word.end_seconds - words[start].start_seconds >= LINE_SECONDS_MAX;
        if pauses || is_long || ends_sentence(&word.text) {
            lines.push(&words[start..=i]);
            start = i + 1;
        }
    }
    lines
}

fn ends_sentence(word: &str) -> bool {
    let closing = ['"', '\'', ')', ']', '”', '’', '»', '」', '』'];
    word.trim_end().trim_end_matches(closing).ends_with(['.', '!', '?', '…', '。', '！', '？', '।', '؟'])
}

/// The words as text, on one line.
pub(super) fn text(words: &[Said]) -> String {
    let all: String = words.iter().map(|word| word.text.as_str()).collect();
    all.trim().to_owned()
}

/// The mean of the words' probabilities.
pub(super) fn probability(words: &[Said]) -> f64 {
    words.iter().map(|word| f64::from(word.probability)).sum::<f64>() / words.len().max(1) as f64
}

/// When a line begins and ends.
pub(super) fn seconds(line: &[Said]) -> (f64, f64) {
    (line.first().map_or(0.0, |word| word.start_seconds), line.last().map_or(0.0, |word| word.end_seconds))
}

/// Everything as text for people: lines in paragraphs, which longer pauses part.
pub(super) fn paragraphs(lines: &[&[Said]]) -> String {
    let mut out = String::new();
    let mut end_seconds = None;
    for line in lines {
        let (from, to) = seconds(line);
        match end_seconds.replace(to) {
            Some(end) if from - end >= PARAGRAPH_SECONDS => out.push_str("\n\n"),
            // A space where the language has any.
            Some(_) if line[0].text.starts_with(' ') => out.push(' '),
            _ => {}
        }
        out.push_str(&text(line));
    }
    out.push('\n');
    out
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Words of half a second each, a space in front; `|` is a pause of a second, `#` one of three.
    pub(in super::super) fn said(words: &str) -> Vec<Said> {
        let mut now = 0.0;
        let mut all = Vec::new();
        for word in words.split(' ') {
            match word {
                "|" => now += 1.0,
                "#" => now += 3.0,
                word => {
                    let text = format!(" {word}");
                    all.push(Said { start_seconds: now, end_seconds: now + 0.5, probability: 0.5, text });
                    now += 0.5;
                }
            }
        }
        all
    }

    #[test]
    fn lines_end_with_sentences_and_pauses() {
        let words = said("Ask not. \"What?\" you | can do for # your country");
        let found: Vec<_> = lines(&words).into_iter().map(text).collect();
        assert_eq!(found, ["Ask not.", "\"What?\"", "you", "can do for", "your country"]);
        assert!(lines(&[]).is_empty());
        let endless = said(&vec!["on"; 100].join(" "));
        assert_eq!(lines(&endless).iter().map(|line| line.len()).collect::<Vec<_>>(), [40, 40, 20]);
    }

    #[test]
    fn long_pauses_part_paragraphs() {
        let words = said("Ask not. What | you can. # Do it.");
        assert_eq!(paragraphs(&lines(&words)), "Ask not. What you can.\n\nDo it.\n");
        assert_eq!(paragraphs(&[]), "\n");
    }
}
