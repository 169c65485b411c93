//! Tokens into words with their times. Pure.

use super::languages::is_spaced;
use super::quiet::sounding;
use crate::session::whisper::{Heard, RATE_HZ, Token};

/// A word with its punctuation.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Word {
    /// From the first frame of its window, seconds.
    pub(super) start_seconds: f32,
    pub(super) end_seconds: f32,
    /// The mean of its tokens', 0 to 1.
    pub(super) probability: f32,
    /// As it stands after the word before: with a space in front, in languages that have any.
    pub(super) text: String,
}

/// A word on its way: tokens until the next word begins.
struct Draft {
    text: Vec<u8>,
    /// Where its last letter ends; punctuation is not spoken. It begins where the one before ends.
    end_seconds: f32,
    probabilities: f32,
    tokens: f32,
}

/// A word that the alignment gives less than this shares the time of the one before, seconds.
const SHORTEST_SECONDS: f32 = 0.04;

/// The words of one window; `frames` is what was listened to, `offset_seconds` where that begins in the window.
pub(super) fn words(heard: &Heard, frames: &[f32], offset_seconds: f32) -> Vec<Word> {
    let spaced = is_spaced(heard.language.code());
    let mut drafts: Vec<Draft> = Vec::new();
    for token in &heard.tokens {
        match drafts.last_mut() {
            Some(draft) if !begins(token, draft, spaced) => draft.add(token),
            _ => drafts.push(Draft::new(token)),
        }
    }
    share(&mut drafts);
    let mut words: Vec<Word> = Vec::with_capacity(drafts.len());
    let frame = |seconds: f32| (seconds * RATE_HZ as f32).round() as usize;
    let seconds = |frame: usize| offset_seconds + frame as f32 / RATE_HZ as f32;
    let mut start = 0;
    for draft in drafts {
        let end = frame(draft.end_seconds).max(start);
        let sounding = sounding(frames, start..end);
        start = end;
        if let (Some(last), Some(before)) = (words.last_mut(), sounding.before) {
            last.end_seconds = seconds(before);
        }
        words.extend(draft.finish(seconds(sounding.word.start), seconds(sounding.word.end)));
    }
    words
}

/// Gives words that the alignment left without time a share of the time of the word before, by their letters.
fn share(drafts: &mut [Draft]) {
    let mut start = 0.0;
    for i in 1..drafts.len() {
        let [before, word] = &mut drafts[i - 1..=i] else { return };
        if word.end_seconds - before.end_seconds < SHORTEST_SECONDS {
            let (first, second) = (before.text.len() as f32, word.text.len() as f32);
            before.end_seconds = start + (word.end_seconds - start) * first / (first + second);
        }
        start = before.end_seconds;
    }
}

/// Whether a word begins with `token`.
fn begins(token: &Token, before: &Draft, spaced: bool) -> bool {
    if is_punctuation(&token.text) {
        return false;
    }
    if spaced { token.text.first() == Some(&b' ') } else { std::str::from_utf8(&before.text).is_ok() }
}

/// What is not spoken and hangs on the word before.
fn is_punctuation(text: &[u8]) -> bool {
    // An opening quote or bracket stands before its word; the token of those has a space in front.
    std::str::from_utf8(text).is_ok_and(|text| {
        !text.is_empty() && !text.starts_with(' ') && !text.chars().any(char::is_alphanumeric)
    })
}

impl Draft {
    fn new(token: &Token) -> Self {
        Self {
            text: token.text.clone(),
            end_seconds: token.end_seconds,
            probabilities: token.probability,
            tokens: 1.0,
        }
    }

    fn add(&mut self, token: &Token) {
        self.text.extend_from_slice(&token.text);
        if !is_punctuation(&token.text) {
            self.end_seconds = token.end_seconds;
        }
        self.probabilities += token.probability;
        self.tokens += 1.0;
    }

    /// None where nothing is left of it.
    fn finish(self, start_seconds: f32, end_seconds: f32) -> Option<Word> {
        // A letter that the window's end cut in two is left out; what would break a line is a space.
        let text = String::from_utf8_lossy(&self.text).replace(char::REPLACEMENT_CHARACTER, "");
        let text = text.replace(char::is_control, " ");
        let probability = (self.probabilities / self.tokens).clamp(0.0, 1.0);
        (!text.trim().is_empty()).then_some(Word { start_seconds, end_seconds, probability, text })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::whisper::Language;

    fn heard(code: &str, tokens: &[(&[u8], f32)]) -> Heard {
        let token = |(text, end_seconds): &(&[u8], f32)| Token {
            text: text.to_vec(),
            probability: 0.5,
            end_seconds: *end_seconds,
        };
        let language = Language::of_code(code).unwrap();
        Heard { language, confidence: 1.0, is_cut: false, tokens: tokens.iter().map(token).collect() }
    }

    fn check(code: &str, tokens: &[(&[u8], f32)], expected: &[(&str, f32, f32)]) {
        let found = words(&heard(code, tokens), &vec![0.1; 160_000], 2.0);
        let found: Vec<_> =
            found.iter().map(|word| (word.text.as_str(), word.start_seconds, word.end_seconds)).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn words_begin_with_a_space_and_carry_their_punctuation() {
        check(
            "en",
            &[
                (b" Amer", 0.5),
                (b"icans", 1.0),
                (b",", 1.5),
                (b" ask", 2.0),
                (b"...", 2.5),
                (b" \"", 2.5),
                (b"not", 3.0),
            ],
            &[(" Americans,", 2.0, 3.0), (" ask...", 3.0, 4.0), (" \"not", 4.0, 5.0)],
        );
    }

    #[test]
    fn without_spaces_every_whole_letter_is_a_word() {
        let letters = "日本語。".as_bytes();
        check(
            "ja",
            &[
                (&letters[..3], 0.5),
                (&letters[3..5], 1.0),
                (&letters[5..6], 1.5),
                (&letters[6..9], 2.0),
                (&letters[9..], 2.5),
            ],
            &[("日", 2.0, 2.5), ("本", 2.5, 3.5), ("語。", 3.5, 4.0)],
        );
    }

    #[test]
    fn a_broken_letter_and_an_empty_word_are_left_out() {
        check("en", &[(b" a\xe6", 0.5), (b" ", 1.0), (b" b\n", 1.5)], &[(" a", 2.0, 2.5), (" b ", 3.0, 3.5)]);
        assert!(words(&heard("en", &[]), &[], 0.0).is_empty());
    }

    #[test]
    fn a_pause_is_part_of_no_word_and_what_sounds_before_it_of_the_word_before() {
        let mut frames = vec![0.1; 40_000];
        frames[16_000..32_000].fill(0.0);
        let found = words(&heard("en", &[(b" and", 0.5), (b",", 0.8), (b" so", 2.5)]), &frames, 0.0);
        let times: Vec<_> = found.iter().map(|word| (word.start_seconds, word.end_seconds)).collect();
        assert_eq!(times, [(0.0, 1.0), (2.0, 2.5)]);
    }

    #[test]
    fn a_word_without_time_shares_that_of_the_word_before() {
        check(
            "en",
            &[(b" country", 0.75), (b" can", 0.75), (b" do", 1.0)],
            &[(" country", 2.0, 2.5), (" can", 2.5, 2.75), (" do", 2.75, 3.0)],
        );
    }
}
