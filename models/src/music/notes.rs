//! Posteriors into notes. Knows no network and no seconds: a note is counted in frames here.
//!
//! The rules are those of R. Bittner et al., "A lightweight instrument-agnostic model for polyphonic note
//! transcription and multipitch estimation", ICASSP 2022, as its authors' program applies them by default: notes from
//! onsets first, latest first, then from what energy is left, strongest first ("melodia"). The latter sorts once
//! instead of searching all that is left for each note: O(n log n) where the original is O(n * notes).

use crate::music::PITCHES;
use crate::music::posteriors::{GAP_FRAMES, Kept};
use std::cmp::Reverse;

/// What counts as a note.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NoteRules {
    /// At this posterior a note begins.
    pub onset_threshold: f64,
    /// Shorter notes are left out, and notes as short as this too.
    pub minimum_frames: u32,
}

/// A note counted in frames.
#[derive(Clone, Debug, PartialEq)]
pub struct FrameNote {
    /// The first frame.
    pub start: u32,
    /// One past the last.
    pub end: u32,
    /// 0 is A0.
    pub index: u8,
    /// Mean posterior over its frames, 0 to 1.
    pub amplitude: f32,
    /// The largest onset posterior near its start, 0 to 1.
    pub onset: f32,
    /// How far it is bent, thirds of a semitone, frame by frame.
    pub bends: Vec<i8>,
}

/// Frames around a start in which its onset may lie.
const ONSET_REACH_FRAMES: u32 = 3;

/// All notes: those that begin with an onset, latest first, then the others, strongest first.
#[must_use]
pub fn notes(kept: &Kept, rules: NoteRules) -> Vec<FrameNote> {
    let mut search = Search::new(kept, rules);
    search.run();
    search.found
}

/// The search for notes: what was given to a note is `gone`.
struct Search<'a> {
    kept: &'a Kept,
    rules: NoteRules,
    gone: Vec<Vec<bool>>,
    found: Vec<FrameNote>,
    /// Cells that were looked at: what time grows with.
    #[cfg(test)]
    steps: std::cell::Cell<u64>,
}

impl<'a> Search<'a> {
    fn new(kept: &'a Kept, rules: NoteRules) -> Self {
        Self {
            kept,
            rules,
            gone: kept.columns.iter().map(|column| vec![false; column.note.len()]).collect(),
            found: Vec::new(),
            #[cfg(test)]
            steps: std::cell::Cell::default(),
        }
    }

    fn run(&mut self) {
        self.take_onsets();
        self.take_energy();
    }

    fn take_onsets(&mut self) {
        let mut peaks = Vec::new();
        for f in 0..PITCHES {
            for (frame, _) in self.kept.columns[f].kept() {
                if self.is_peak(f, frame) {
                    peaks.push((frame, f));
                }
            }
        }
        peaks.sort_unstable_by_key(|&(frame, f)| Reverse((frame, f)));
        for (start, f) in peaks {
            let end = self.end_of(f, start);
            if end.saturating_sub(start) > self.rules.minimum_frames {
                self.take(f, start..end, None);
                self.note(f, start, end);
            }
        }
    }

    /// Whether an onset is larger than its neighbours and large enough. The clip's ends have no two neighbours.
    fn is_peak(&self, f: usize, frame: u32) -> bool {
        if frame == 0 || frame + 1 >= self.kept.frames {
            return false;
        }
        let Some(here) = self.kept.onset(f, frame) else { return false };
        // What follows was not kept where no note can begin any more.
        let (before, after) = (self.kept.onset(f, frame - 1), self.kept.onset(f, frame + 1));
        here >= self.rules.onset_threshold
            && before.is_some_and(|x| here > x)
            && after.is_some_and(|x| here > x)
    }

    /// Where the energy that follows `start` ends.
    fn end_of(&self, f: usize, start: u32) -> u32 {
        let (mut i, mut quiet) = (start + 1, 0);
        while i + 1 < self.kept.frames && quiet < GAP_FRAMES as u32 {
            quiet = if self.sounds(f, i) { 0 } else { quiet + 1 };
            i += 1;
        }
        i - quiet
    }

    fn take_energy(&mut self) {
        for (frame, f) in self.by_strength() {
            let free = self.kept.columns[f].at(frame).is_some_and(|at| !self.gone[f][at]);
            if !free {
                continue;
            }
            let (start, end, reach) = self.around(f, frame);
            self.take(f, reach, Some(frame));
            if end > start && end - start > self.rules.minimum_frames {
                self.note(f, start, end);
            }
        }
    }

    /// All frames above the threshold that are left, strongest first; of equal ones the earlier, then the lower.
    fn by_strength(&self) -> impl Iterator<Item = (u32, usize)> + use<> {
        let mut cells: Vec<(u32, u32)> = Vec::new();
        for (f, column) in self.kept.columns.iter().enumerate() {
            for (frame, at) in column.kept() {
                let note = column.note[at];
                if note > self.kept.threshold && !self.gone[f][at] {
                    // The bits of positive floats are in the order of the floats.
                    cells.push((u32::MAX - note.to_bits(), frame * PITCHES as u32 + f as u32));
                }
            }
        }
        cells.sort_unstable();
        cells.into_iter().map(|(_, cell)| (cell / PITCHES as u32, cell as usize % PITCHES))
    }

    /// The first frame that sounds around `middle`, the last one, and all frames that were walked over.
    fn around(&self, f: usize, middle: u32) -> (u32, u32, std::ops::Range<u32>) {
        let (mut i, mut quiet) = (middle + 1, 0);
        while i + 1 < self.kept.frames && quiet < GAP_FRAMES as u32 {
            quiet = if self.sounds(f, i) { 0 } else { quiet + 1 };
            i += 1;
        }
        let (reach_end, end) = (i, (i - 1).saturating_sub(quiet));
        let (mut i, mut quiet) = (i64::from(middle) - 1, 0);
        while i > 0 && quiet < GAP_FRAMES as i64 {
            quiet = if self.sounds(f, i as u32) { 0 } else { quiet + 1 };
            i -= 1;
        }
        ((i + 1 + quiet) as u32, end, (i + 1) as u32..reach_end)
    }

    fn sounds(&self, f: usize, frame: u32) -> bool {
        #[cfg(test)]
        self.steps.set(self.steps.get() + 1);
        let column = &self.kept.columns[f];
        let left = |at: usize| !self.gone[f][at] && column.note[at] >= self.kept.threshold;
        column.at(frame).is_some_and(left)
    }

    /// Takes the energy of these frames from a pitch and its neighbours; at `middle` from the pitch alone, as the
    /// publisher's code does.
    fn take(&mut self, f: usize, frames: std::ops::Range<u32>, middle: Option<u32>) {
        for pitch in f.saturating_sub(1)..(f + 2).min(PITCHES) {
            #[cfg(test)]
            self.steps.set(self.steps.get() + frames.len() as u64);
            for frame in frames.clone().filter(|frame| pitch == f || middle != Some(*frame)) {
                if let Some(at) = self.kept.columns[pitch].at(frame) {
                    self.gone[pitch][at] = true;
                }
            }
        }
    }

    fn note(&mut self, f: usize, start: u32, end: u32) {
        let column = &self.kept.columns[f];
        let kept = || (start..end).map(|frame| column.at(frame));
        // A frame in a note that was not kept is one that no threshold was near: it counts as silent, bent by nothing.
        let sum: f64 = kept().map(|at| at.map_or(0.0, |at| f64::from(column.note[at]))).sum();
        let near = start.saturating_sub(ONSET_REACH_FRAMES)..=start + ONSET_REACH_FRAMES;
        let onset = near.filter_map(|frame| column.at(frame)).map(|at| column.onset[at]);
        self.found.push(FrameNote {
            start,
            end,
            index: f as u8,
            amplitude: (sum / f64::from(end - start)) as f32,
            onset: onset.fold(0.0, f32::max),
            bends: kept().map(|at| at.map_or(0, |at| column.bend[at])).collect(),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::music::CONTOUR_STEPS;
    use crate::music::posteriors::{Heard, Posteriors};

    /// What one frame of one pitch says: note and onset.
    type Says = fn(frame: usize, f: usize) -> (f32, f32);

    fn kept(frames: usize, says: Says) -> Kept {
        let mut posteriors = Posteriors::new(0.3, 0..PITCHES);
        let contour = [0.0; CONTOUR_STEPS];
        for t in 0..frames {
            let (note, onset): (Vec<f32>, Vec<f32>) = (0..PITCHES).map(|f| says(t, f)).unzip();
            posteriors.push(Heard { note: &note, onset: &onset, contour: &contour });
        }
        posteriors.finish()
    }

    /// Looked-at cells and notes.
    fn searched(frames: usize, says: Says) -> (u64, usize) {
        let kept = kept(frames, says);
        let mut search = Search::new(&kept, NoteRules { onset_threshold: 0.5, minimum_frames: 11 });
        search.run();
        (search.steps.get(), search.found.len())
    }

    /// Spreads numbers over 0 to 1 without a pattern (Knuth's multiplicative hash).
    fn scattered(number: usize) -> f32 {
        ((number as u32).wrapping_mul(2_654_435_761) >> 8) as f32 / (1 << 24) as f32
    }

    /// Posteriors made to be slow: whatever is heard, each kept cell is looked at a bounded number of times. A search of
    /// all cells for each note would look at 88 * frames cells for each of thousands.
    #[test]
    fn the_search_for_notes_grows_with_what_was_heard_and_no_faster() {
        let cases: [(&str, Says); 9] = [
            ("everything sounds alike", |_, _| (1.0, 0.0)),
            ("ever louder", |t, f| (0.4 + 1e-6 * (t * PITCHES + f) as f32, 0.0)),
            ("ever softer", |t, f| (0.99 - 1e-6 * (t * PITCHES + f) as f32, 0.0)),
            ("an onset in every other frame", |t, _| (1.0, (t % 2) as f32)),
            ("onsets of notes that are too short", |t, _| {
                (if t % 22 < 10 { 0.9 } else { 0.0 }, (t % 2) as f32)
            }),
            ("as many gaps as a note survives", |t, _| (if t % 11 == 0 { 0.9 } else { 0.1 }, 0.0)),
            ("one frame more", |t, _| (if t % 12 == 0 { 0.9 } else { 0.1 }, 0.0)),
            ("every other pitch", |t, f| (if f % 2 == 0 { 0.5 + 0.4 * scattered(t) } else { 0.2 }, 0.0)),
            ("noise", |t, f| (scattered(t * PITCHES + f), scattered(f * 7919 + t))),
        ];
        for (what, says) in cases {
            let (few, many) = (400, 1600);
            let ((short, _), (long, notes)) = (searched(few, says), searched(many, says));
            let a_cell = long as f64 / (many * PITCHES) as f64;
            println!(
                "{what}: {notes} notes, {a_cell:.2} steps a cell, {:.2} times for 4",
                long as f64 / short as f64
            );
            // A cell may be looked at from both sides, by its neighbours, and as one of the gap's frames of each of these.
            assert!(a_cell < 20.0, "{what}: {a_cell} steps a cell");
            assert!(long < 5 * short, "{what}: {short} steps for {few} frames, {long} for {many}");
        }
    }
}
