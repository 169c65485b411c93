//! What crosses the device, as numbers: windows of sound on the way there, words on the way back. Every number is exact
//! in 32-bit floating point: places, letters, and centiseconds within a window.

use super::words::Word;
use crate::session::whisper::{Language, WINDOW_FRAMES};

/// Numbers in front of a window's frames: language, translate, voice only, frames.
const HEAD: usize = 4;
/// Numbers in front of a chunk's words: language, its confidence.
const ANSWER_HEAD: usize = 2;
/// Numbers in front of a word's letters: start, end, probability, letters.
const WORD_HEAD: usize = 4;
/// In the place of a language where none is known.
const UNKNOWN: f32 = -1.0;

/// A window to be heard, and what is wanted of it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Window<'a> {
    pub(super) language: Option<Language>,
    pub(super) translate: bool,
    pub(super) voice_only: bool,
    /// One channel.
    pub(super) frames: &'a [f32],
}

/// What was said in a window.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Parcel {
    /// None where nobody spoke.
    pub(super) language: Option<Language>,
    /// 0 to 1.
    pub(super) confidence: f32,
    /// Their times count from the window's first frame.
    pub(super) words: Vec<Word>,
}

impl<'a> Window<'a> {
    /// Numbers of every packed window: all are as long as the longest, since only chunks of one shape share a batch.
    pub(super) const NUMBERS: usize = HEAD + WINDOW_FRAMES;

    /// Frames beyond [`WINDOW_FRAMES`] are a bug of the caller and left out.
    pub(super) fn pack(&self) -> Vec<f32> {
        let flag = |on: bool| f32::from(u8::from(on));
        let frames = &self.frames[..self.frames.len().min(WINDOW_FRAMES)];
        let mut data = Vec::with_capacity(Self::NUMBERS);
        data.extend([place(self.language), flag(self.translate), flag(self.voice_only), frames.len() as f32]);
        data.extend_from_slice(frames);
        data.resize(Self::NUMBERS, 0.0);
        data
    }

    /// None where the numbers are no window.
    pub(super) fn unpack(data: &'a [f32]) -> Option<Self> {
        let (head, frames) = data.split_at_checked(HEAD)?;
        let &[language, translate, voice_only, count] = head else { return None };
        Some(Self {
            language: language_at(language)?,
            translate: translate != 0.0,
            voice_only: voice_only != 0.0,
            frames: frames.get(..count as usize)?,
        })
    }
}

impl Parcel {
    /// The language, where it was not known.
    pub(super) fn know(&mut self, language: Language, confidence: f32) {
        if self.language.is_none() {
            (self.language, self.confidence) = (Some(language), confidence);
        }
    }

    pub(super) fn pack(&self) -> Vec<f32> {
        let mut data = vec![place(self.language), self.confidence];
        for word in &self.words {
            data.extend([word.start_seconds, word.end_seconds, word.probability, word.text.len() as f32]);
            data.extend(word.text.bytes().map(f32::from));
        }
        data
    }

    /// None where the numbers are no parcel.
    pub(super) fn unpack(data: &[f32]) -> Option<Self> {
        let (head, mut rest) = data.split_at_checked(ANSWER_HEAD)?;
        let mut parcel = Self { language: language_at(head[0])?, confidence: head[1], words: Vec::new() };
        while !rest.is_empty() {
            let (head, after) = rest.split_at_checked(WORD_HEAD)?;
            let &[start_seconds, end_seconds, probability, letters] = head else { return None };
            let (letters, after) = after.split_at_checked(letters as usize)?;
            let text = String::from_utf8(letters.iter().map(|letter| *letter as u8).collect()).ok()?;
            parcel.words.push(Word { start_seconds, end_seconds, probability, text });
            rest = after;
        }
        Some(parcel)
    }
}

fn place(language: Option<Language>) -> f32 {
    language.map_or(UNKNOWN, |language| language.place().into())
}

/// None where the number is no place of a language, nor that of none.
fn language_at(number: f32) -> Option<Option<Language>> {
    if number == UNKNOWN {
        return Some(None);
    }
    let is_place = (0.0..=f32::from(u8::MAX)).contains(&number);
    is_place.then(|| Language::at(number as u8)).flatten().map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_come_out_as_they_went_in() {
        let frames: Vec<f32> = (0..1000).map(|i| i as f32 / 1000.0).collect();
        for language in [None, Language::of_code("de"), Language::of_code("en")] {
            let window = Window { language, translate: true, voice_only: false, frames: &frames };
            let data = window.pack();
            assert_eq!(data.len(), Window::NUMBERS);
            assert_eq!(Window::unpack(&data), Some(window));
        }
        for bad in [&[][..], &[-1.0, 0.0, 0.0, 5.0, 0.1], &[300.0, 0.0, 0.0, 0.0], &[f32::NAN, 0.0, 0.0, 0.0]]
        {
            assert_eq!(Window::unpack(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn words_come_out_as_they_went_in() {
        let word = |text: &str, start_seconds| Word {
            start_seconds,
            end_seconds: start_seconds + 0.1,
            probability: 0.25,
            text: text.to_owned(),
        };
        let words = vec![word(" Über", 0.1), word(" 日本", 28.33), word("", 29.0)];
        let parcel = Parcel { language: Language::of_code("ja"), confidence: 0.7, words };
        assert_eq!(Parcel::unpack(&parcel.pack()), Some(parcel.clone()));
        assert_eq!(Parcel::unpack(&Parcel::default().pack()), Some(Parcel::default()));
        let data = parcel.pack();
        assert_eq!(Parcel::unpack(&data[..data.len() - 3]), None);
        assert_eq!(Parcel::unpack(&[0.0, 1.0, 0.0, 0.0, 0.0, 1.0, 255.0]), None, "no UTF-8");
    }
}
