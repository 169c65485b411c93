//! Where sound is quietest, to cut there, and where a word really begins and ends. Pure arithmetic.

use crate::session::whisper::RATE_HZ;
use std::ops::Range;

/// Loudness is looked at in pieces of 10 ms.
const HOP_FRAMES: usize = RATE_HZ as usize / 100;
/// A cut wants this much quiet around it, hops: a pause between words, not the stop within one.
const PAUSE_HOPS: usize = 20;
/// What lies this far below a word's loudest piece, -25 dB, is no part of it.
const WORD_FLOOR: f64 = 0.003_162;

/// The middle of the quietest fifth of a second of `frames` within `range`; of several, the one nearest to its middle.
pub(super) fn quietest(frames: &[f32], range: Range<usize>) -> usize {
    let range = range.start.min(frames.len())..range.end.min(frames.len());
    let middle = usize::midpoint(range.start, range.end);
    let powers: Vec<f64> = frames[range.clone()].chunks(HOP_FRAMES).map(power).collect();
    let pauses = powers.windows(PAUSE_HOPS).map(|hops| hops.iter().sum::<f64>());
    let from_middle = |hop: usize| (range.start + (hop + PAUSE_HOPS / 2) * HOP_FRAMES).abs_diff(middle);
    let best = pauses.enumerate().min_by(|(a, power_a), (b, power_b)| {
        power_a.total_cmp(power_b).then_with(|| from_middle(*a).cmp(&from_middle(*b)))
    });
    best.map_or(middle, |(hop, _)| range.start + (hop + PAUSE_HOPS / 2) * HOP_FRAMES)
}

/// Where a word sounds, of all that was counted to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sounding {
    /// Behind the last pause in it, without the quiet at its ends.
    pub(super) word: Range<usize>,
    /// Where what sounds at its beginning ends, if a pause follows that: it belongs to the word before.
    pub(super) before: Option<usize>,
}

/// The sounding part of `range`; all of it where it holds nothing.
pub(super) fn sounding(frames: &[f32], range: Range<usize>) -> Sounding {
    let (start, end) = (range.start.min(frames.len()), range.end.min(frames.len()));
    let powers: Vec<f64> = frames[start..end.max(start)].chunks(HOP_FRAMES).map(power).collect();
    let floor = powers.iter().copied().fold(0.0, f64::max) * WORD_FLOOR;
    let sounds: Vec<usize> = (0..powers.len()).filter(|hop| powers[*hop] > floor).collect();
    let (Some(first), Some(last)) = (sounds.first(), sounds.last()) else {
        return Sounding { word: range, before: None };
    };
    let frame = |hop: usize| (start + hop * HOP_FRAMES).min(end);
    let is_pause = |pair: &[usize]| pair[1] - pair[0] > PAUSE_HOPS;
    let from = sounds.windows(2).rfind(|pair| is_pause(pair)).map_or(*first, |pair| pair[1]);
    let before = sounds.windows(2).find(|pair| is_pause(pair)).map(|pair| frame(pair[0] + 1));
    Sounding { word: frame(from)..frame(last + 1), before: before.filter(|_| *first == 0) }
}

/// Mean square.
fn power(frames: &[f32]) -> f64 {
    frames.iter().map(|frame| f64::from(*frame).powi(2)).sum::<f64>() / frames.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A tone of 1 s at 16 kHz, with `quiet` at a hundredth of its level.
    fn tone(quiet: Range<usize>) -> Vec<f32> {
        let level = |i: usize| if quiet.contains(&i) { 0.002 } else { 0.2 };
        (0..16_000).map(|i| level(i) * (i as f32 * 0.3).sin()).collect()
    }

    #[test]
    fn the_cut_lies_in_the_pause() {
        for start in [2_000, 5_000, 9_600] {
            let cut = quietest(&tone(start..start + 4_000), 0..16_000);
            assert!((start + 1_500..start + 2_500).contains(&cut), "{start}: {cut}");
        }
    }

    #[test]
    fn without_a_pause_the_cut_lies_in_the_middle() {
        assert_eq!(quietest(&vec![0.0; 16_000], 4_000..12_000), 8_000);
        assert_eq!(quietest(&[0.1; 100], 20..40), 30);
        assert_eq!(quietest(&[], 0..10), 0);
    }

    #[test]
    fn a_word_begins_and_ends_where_it_sounds() {
        let word = |quiet: Range<usize>, range: Range<usize>| sounding(&tone(quiet), range);
        let alone = |word: Range<usize>| Sounding { word, before: None };
        assert_eq!(word(0..4_000, 0..16_000), alone(4_000..16_000));
        assert_eq!(word(12_000..16_000, 8_000..16_000), alone(8_000..12_000));
        // A stop of 0.1 s is no pause, one of 0.3 s parts two words.
        assert_eq!(word(8_000..9_600, 0..16_000), alone(0..16_000));
        assert_eq!(word(8_000..12_800, 0..16_000), Sounding { word: 12_800..16_000, before: Some(8_000) });
        assert_eq!(sounding(&[0.0; 500], 100..400), alone(100..400));
        assert_eq!(sounding(&[0.0; 50], 100..400), alone(100..400));
    }
}
