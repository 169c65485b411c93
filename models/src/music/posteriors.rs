//! What a network heard, frame by frame, kept only where it can matter for a note. Knows no network.
//!
//! A piano's worth of posteriors is 88 numbers a frame, twice, and 264 more for the contour: 850 MB an hour. But a
//! note only lives where its posterior reaches the threshold, or shortly before and between. So each pitch keeps runs
//! of frames around those places and nothing else, with the bend already read off the contour. The notes made from
//! them are those made from all of it, exactly, in a few bytes a frame for each pitch that sounds.

use crate::music::{CONTOUR_STEPS, PITCHES, STEPS_A_SEMITONE};
use std::collections::VecDeque;
use std::ops::Range;

/// Frames below the threshold that end a note: 128 ms, as the publisher's code has it.
pub(crate) const GAP_FRAMES: usize = 11;
/// Frames kept before one that reaches the threshold. A note begins at most a gap before it; whether it begins there
/// is seen from the frame before that one; and what rises there is a difference over two frames.
const LEAD_FRAMES: usize = GAP_FRAMES + 3;
/// Half of the contour's stretch in which a bend is looked for, steps.
const BEND_STEPS: usize = 25;
/// Width of the bell that prefers small bends, steps.
const BELL_STEPS: f64 = 5.0;

/// One frame of what a network says.
#[derive(Clone, Copy, Debug)]
pub struct Heard<'a> {
    /// How surely each pitch sounds, [`PITCHES`] numbers in [0, 1].
    pub note: &'a [f32],
    /// How surely it begins, likewise.
    pub onset: &'a [f32],
    /// How surely each step of the contour sounds, [`CONTOUR_STEPS`] numbers in [0, 1].
    pub contour: &'a [f32],
}

/// Takes frames in order and keeps what matters.
pub struct Posteriors {
    threshold: f32,
    pitches: Range<usize>,
    columns: Vec<Column>,
    recent: VecDeque<Recent>,
    frames: u32,
    /// For each pitch, one past the last frame that reached the threshold.
    sounded_to: Vec<u32>,
    onset_max: f32,
    rise_max: f64,
    bell: Vec<f64>,
}

/// A frame that may still have to be kept.
struct Recent {
    note: Vec<f32>,
    onset: Vec<f32>,
    contour: Vec<f32>,
}

/// What is kept of one pitch.
#[derive(Default)]
pub(crate) struct Column {
    runs: Vec<Run>,
    pub(crate) note: Vec<f32>,
    pub(crate) onset: Vec<f32>,
    pub(crate) bend: Vec<i8>,
}

/// Frames that follow each other.
#[derive(Clone, Copy)]
pub(crate) struct Run {
    /// The first frame.
    pub(crate) frame: u32,
    /// Where its numbers stand in the column.
    pub(crate) at: u32,
}

impl Posteriors {
    /// `threshold`: at this posterior a pitch sounds. `pitches`: which of the 88 count at all.
    #[must_use]
    pub fn new(threshold: f32, pitches: Range<usize>) -> Self {
        let bell = (0..=2 * BEND_STEPS).map(|i| {
            let x = (i as f64 - BEND_STEPS as f64) / BELL_STEPS;
            (-0.5 * x * x).exp()
        });
        Self {
            threshold,
            pitches: pitches.start.min(PITCHES)..pitches.end.min(PITCHES),
            columns: (0..PITCHES).map(|_| Column::default()).collect(),
            recent: VecDeque::with_capacity(LEAD_FRAMES + 1),
            frames: 0,
            sounded_to: vec![0; PITCHES],
            onset_max: 0.0,
            rise_max: 0.0,
            bell: bell.collect(),
        }
    }

    /// Takes the next frame.
    ///
    /// # Panics
    /// Where a slice is not as long as it must be.
    pub fn push(&mut self, heard: Heard<'_>) {
        assert_eq!(
            (heard.note.len(), heard.onset.len(), heard.contour.len()),
            (PITCHES, PITCHES, CONTOUR_STEPS)
        );
        let back = |n: usize| self.recent.len().checked_sub(n).map(|i| &self.recent[i].note);
        for f in self.pitches.clone() {
            self.onset_max = self.onset_max.max(heard.onset[f]);
            // The first two frames rise from nothing known; the publisher's code leaves them out.
            if let (Some(one), Some(two)) = (back(1), back(2)) {
                self.rise_max = self.rise_max.max(rise(heard.note[f], one[f], two[f]));
            }
            if heard.note[f] >= self.threshold {
                self.sounded_to[f] = self.frames + 1;
            }
        }
        let [note, onset, contour] = [heard.note, heard.onset, heard.contour].map(<[f32]>::to_vec);
        self.recent.push_back(Recent { note, onset, contour });
        self.frames += 1;
        if self.recent.len() > LEAD_FRAMES {
            self.settle();
        }
    }

    /// After the last frame: what is kept, ready for [`crate::music::notes`].
    #[must_use]
    pub fn finish(mut self) -> Kept {
        while !self.recent.is_empty() {
            self.settle();
        }
        Kept {
            columns: self.columns,
            frames: self.frames,
            threshold: self.threshold,
            rise_scale: if self.rise_max > 0.0 { f64::from(self.onset_max) / self.rise_max } else { 0.0 },
        }
    }

    /// Decides on the oldest recent frame.
    fn settle(&mut self) {
        let frame = self.frames - self.recent.len() as u32;
        let Some(old) = self.recent.pop_front() else { return };
        for f in self.pitches.clone() {
            if self.sounded_to[f] > frame {
                let bend = self.bend(&old.contour, f);
                self.columns[f].keep(frame, old.note[f], old.onset[f], bend);
            }
        }
    }

    /// How far the strongest step of the contour near pitch `f` is from it, steps; nearer ones are preferred.
    fn bend(&self, contour: &[f32], f: usize) -> i8 {
        let centre = STEPS_A_SEMITONE * f;
        let from = centre.saturating_sub(BEND_STEPS);
        // One short at the top, as the publisher's code has it.
        let to = (centre + BEND_STEPS).min(CONTOUR_STEPS);
        let mut best = (f64::NEG_INFINITY, centre);
        for (step, posterior) in contour.iter().enumerate().take(to).skip(from) {
            let weighed = f64::from(*posterior) * self.bell[step + BEND_STEPS - centre];
            if weighed > best.0 {
                best = (weighed, step);
            }
        }
        (best.1 as i64 - centre as i64) as i8
    }
}

/// How much a posterior has risen at once: the smaller rise over one and over two frames, at least 0.
fn rise(now: f32, one: f32, two: f32) -> f64 {
    let rises = [one, two].map(|before| f64::from(now) - f64::from(before));
    rises[0].min(rises[1]).max(0.0)
}

impl Column {
    fn keep(&mut self, frame: u32, note: f32, onset: f32, bend: i8) {
        let at = self.note.len() as u32;
        let follows = self.runs.last().is_some_and(|run| run.frame + (at - run.at) == frame);
        if !follows {
            self.runs.push(Run { frame, at });
        }
        self.note.push(note);
        self.onset.push(onset);
        self.bend.push(bend);
    }

    /// Where the numbers of a frame stand, if they were kept.
    pub(crate) fn at(&self, frame: u32) -> Option<usize> {
        let after = self.runs.partition_point(|run| run.frame <= frame);
        let run = self.runs[..after].last()?;
        let at = (run.at + (frame - run.frame)) as usize;
        let end = self.runs.get(after).map_or(self.note.len(), |next| next.at as usize);
        (at < end).then_some(at)
    }

    /// Every kept frame and where its numbers stand.
    pub(crate) fn kept(&self) -> impl Iterator<Item = (u32, usize)> {
        let ends = self.runs.iter().skip(1).map(|run| run.at).chain([self.note.len() as u32]);
        self.runs
            .iter()
            .zip(ends)
            .flat_map(|(run, end)| (run.at..end).map(move |at| (run.frame + (at - run.at), at as usize)))
    }
}

/// All that notes are made of.
pub struct Kept {
    pub(crate) columns: Vec<Column>,
    pub(crate) frames: u32,
    pub(crate) threshold: f32,
    /// What makes the largest rise as large as the largest onset.
    rise_scale: f64,
}

impl Kept {
    /// How surely pitch `f` begins at `frame`: what the network says or, where larger, how much its posterior rises.
    /// None where too little was kept.
    pub(crate) fn onset(&self, f: usize, frame: u32) -> Option<f64> {
        let column = &self.columns[f];
        let at = column.at(frame)?;
        let note = |back: u32| column.at(frame.checked_sub(back)?).map(|at| column.note[at]);
        let rise = match (note(1), note(2)) {
            (Some(one), Some(two)) if frame >= 2 => rise(column.note[at], one, two) * self.rise_scale,
            _ => 0.0,
        };
        Some(f64::from(column.onset[at]).max(rise))
    }

    /// How many numbers are kept of each kind: what memory grows with.
    #[must_use]
    pub fn cells(&self) -> usize {
        self.columns.iter().map(|column| column.note.len()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_far_from_any_note_are_not_kept() {
        let mut posteriors = Posteriors::new(0.3, 0..PITCHES);
        let contour = [0.0; CONTOUR_STEPS];
        for t in 0..1000 {
            let mut note = [0.1; PITCHES];
            if (500..520).contains(&t) {
                note[40] = 0.8;
            }
            posteriors.push(Heard { note: &note, onset: &note, contour: &contour });
        }
        let kept = posteriors.finish();
        assert_eq!(kept.cells(), 20 + LEAD_FRAMES);
        let column = &kept.columns[40];
        assert_eq!(column.at(500 - LEAD_FRAMES as u32), Some(0));
        assert_eq!((column.at(519), column.at(520), column.at(0)), (Some(33), None, None));
        assert_eq!(column.kept().last(), Some((519, 33)));
    }
}
