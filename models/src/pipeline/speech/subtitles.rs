//! Lines into subtitles, SubRip and WebVTT. Pure.

use super::lines::{Said, seconds, text};

/// Rows of a subtitle.
const ROWS_MAX: usize = 2;
/// Longer than this none stands, unless it is one word.
const SECONDS_MAX: f64 = 7.0;
/// Shorter than this none stands, unless the next one comes.
const SECONDS_MIN: f64 = 1.0;

/// What stands on the screen at one time.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Subtitle<'a> {
    start_ms: u64,
    /// After the start.
    end_ms: u64,
    rows: Vec<&'a [Said]>,
}

/// The lines as subtitles of at most two rows of `letters_max`; a longer word has a row of its own.
pub(super) fn subtitles<'a>(lines: &[&'a [Said]], letters_max: usize) -> Vec<Subtitle<'a>> {
    let pieces: Vec<&[Said]> = lines.iter().flat_map(|line| pieces(line, letters_max)).collect();
    let mut all = Vec::with_capacity(pieces.len());
    for (i, piece) in pieces.iter().enumerate() {
        let (start, end) = seconds(piece);
        let next = pieces.get(i + 1).map_or(f64::INFINITY, |next| seconds(next).0);
        let (start_ms, end_ms) = (ms(start), ms(end.max(start + SECONDS_MIN).min(next)));
        all.push(Subtitle { start_ms, end_ms: end_ms.max(start_ms + 1), rows: rows(piece, letters_max) });
    }
    all
}

/// A line in pieces for one subtitle each, about equally long.
fn pieces(line: &[Said], letters_max: usize) -> Vec<&[Said]> {
    let letters_all = letters(line);
    let (from, to) = seconds(line);
    let count =
        letters_all.div_ceil(ROWS_MAX * letters_max).max(((to - from) / SECONDS_MAX).ceil() as usize).max(1);
    let aim = letters_all.div_ceil(count);
    let mut pieces = Vec::new();
    let mut start = 0;
    for i in 1..line.len() {
        let with_next = &line[start..=i];
        let (from, to) = seconds(with_next);
        let is_full = to - from > SECONDS_MAX || filled(with_next, letters_max).len() > ROWS_MAX;
        if is_full || letters(&line[start..i]) >= aim {
            pieces.push(&line[start..i]);
            start = i;
        }
    }
    if start < line.len() {
        pieces.push(&line[start..]);
    }
    pieces
}

/// One row, or two about equally long.
fn rows(piece: &[Said], letters_max: usize) -> Vec<&[Said]> {
    if letters(piece) <= letters_max {
        return vec![piece];
    }
    let longer = |at: &usize| letters(&piece[..*at]).max(letters(&piece[*at..]));
    match (1..piece.len()).min_by_key(longer) {
        Some(at) if longer(&at) <= letters_max => vec![&piece[..at], &piece[at..]],
        _ => filled(piece, letters_max),
    }
}

/// As many words in each row as it holds.
fn filled(piece: &[Said], letters_max: usize) -> Vec<&[Said]> {
    let mut rows = Vec::new();
    let mut start = 0;
    for i in 1..piece.len() {
        if letters(&piece[start..=i]) > letters_max {
            rows.push(&piece[start..i]);
            start = i;
        }
    }
    rows.push(&piece[start..]);
    rows
}

fn letters(words: &[Said]) -> usize {
    text(words).chars().count()
}

fn ms(seconds: f64) -> u64 {
    (seconds.max(0.0) * 1000.0).round() as u64
}

/// Hours, minutes, seconds, thousandths; `mark` stands before those.
fn clock(ms: u64, mark: char) -> String {
    let (seconds, ms) = (ms / 1000, ms % 1000);
    format!("{:02}:{:02}:{:02}{mark}{ms:03}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

/// SubRip.
pub(super) fn srt(subtitles: &[Subtitle<'_>]) -> String {
    let mut out = String::new();
    for (i, Subtitle { start_ms, end_ms, rows }) in subtitles.iter().enumerate() {
        let rows: Vec<_> = rows.iter().map(|row| text(row).replace("-->", "->")).collect();
        let (from, to) = (clock(*start_ms, ','), clock(*end_ms, ','));
        out.push_str(&format!("{}\n{from} --> {to}\n{}\n\n", i + 1, rows.join("\n")));
    }
    out
}

/// WebVTT; with the time of every word where `word_times`.
pub(super) fn vtt(subtitles: &[Subtitle<'_>], language: Option<&str>, word_times: bool) -> String {
    let mut out = String::from("WEBVTT\n");
    if let Some(language) = language {
        out.push_str(&format!("Language: {language}\n"));
    }
    for Subtitle { start_ms, end_ms, rows } in subtitles {
        out.push_str(&format!("\n{} --> {}\n", clock(*start_ms, '.'), clock(*end_ms, '.')));
        // Times within a subtitle must rise.
        let mut last_ms = *start_ms;
        for row in rows {
            let mut line = String::new();
            for word in *row {
                let at_ms = ms(word.start_seconds);
                let spoken = word.text.trim_start();
                line.push_str(&word.text[..word.text.len() - spoken.len()]);
                if word_times && at_ms > last_ms && at_ms < *end_ms {
                    line.push_str(&format!("<{}>", clock(at_ms, '.')));
                    last_ms = at_ms;
                }
                line.push_str(&escaped(spoken));
            }
            out.push_str(line.trim());
            out.push('\n');
        }
    }
    out
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::super::lines::{lines, tests::said};
    use super::*;

    fn shown(words: &[Said], letters_max: usize) -> Vec<Vec<String>> {
        let all = subtitles(&lines(words), letters_max);
        all.iter().map(|one| one.rows.iter().map(|row| text(row)).collect()).collect()
    }

    #[test]
    fn rows_are_no_longer_than_asked_and_about_equal() {
        let words = said("ask not what your country can do for you, ask what you can do for your country");
        assert_eq!(
            shown(&words, 42),
            [["ask not what your country can do for you,"], ["ask what you can do for your country"]]
        );
        for letters_max in [16, 20, 42, 100] {
            for rows in shown(&words, letters_max) {
                assert!(
                    rows.len() <= 2 && rows.iter().all(|row| row.chars().count() <= letters_max),
                    "{rows:?}"
                );
            }
        }
        assert_eq!(shown(&said("a Donaudampfschifffahrtsgesellschaft b"), 16).concat().concat().len(), 36);
        assert!(shown(&[], 42).is_empty());
    }

    #[test]
    fn none_stands_when_the_next_begins_and_none_for_no_time() {
        let mut words = said("Yes. No. # Never.");
        words[2].end_seconds = words[2].start_seconds;
        let lines = lines(&words);
        let all = subtitles(&lines, 42);
        let times: Vec<_> = all.iter().map(|one| (one.start_ms, one.end_ms)).collect();
        assert_eq!(times, [(0, 500), (500, 1500), (4000, 5000)]);
    }

    #[test]
    fn the_formats_are_what_players_read() {
        let words = said("A <b> --> & c.");
        let lines = lines(&words);
        let all = subtitles(&lines, 42);
        assert_eq!(srt(&all), "1\n00:00:00,000 --> 00:00:02,500\nA <b> -> & c.\n\n");
        assert_eq!(
            vtt(&all, Some("en"), true),
            "WEBVTT\nLanguage: en\n\n00:00:00.000 --> 00:00:02.500\nA <00:00:00.500>&lt;b&gt; \
             <00:00:01.000>--&gt; <00:00:01.500>&amp; <00:00:02.000>c.\n"
        );
        assert_eq!(vtt(&all[..0], None, true), "WEBVTT\n");
        assert_eq!(clock(3_723_004, ','), "01:02:03,004");
    }
}
