//! Which notes of a transcription are picked, and which tracks are in sight. Knows nothing of the screen.

use super::Turn;
use crate::command::Command;
use crate::library::{JobKey, Music};
use crate::view::Outcome;
use std::collections::BTreeSet;
use std::ops::RangeInclusive;

/// The choice, of one result.
#[derive(Default)]
pub(crate) struct NoteChoice {
    of: Option<JobKey>,
    picked: BTreeSet<u32>,
    /// What the session was told last.
    told: Vec<u32>,
    /// Picked before the frame that is being drawn around notes.
    kept: BTreeSet<u32>,
    /// Tracks that are out of sight.
    hidden: BTreeSet<usize>,
}

impl NoteChoice {
    /// Another result has no choice.
    pub(crate) fn keep_up(&mut self, result: Option<&Outcome>) {
        let of = result.map(|result| result.job);
        if of != self.of {
            *self = Self { of, ..Self::default() };
        }
    }

    pub(crate) fn has(&self, note: usize) -> bool {
        u32::try_from(note).is_ok_and(|note| self.picked.contains(&note))
    }

    pub(crate) fn count(&self) -> usize {
        self.picked.len()
    }

    /// Numbers of the picked notes, rising.
    pub(crate) fn picked(&self) -> impl Iterator<Item = usize> + '_ {
        self.picked.iter().filter_map(|note| usize::try_from(*note).ok())
    }

    /// Is the note in sight?
    pub(crate) fn is_seen(&self, music: &Music, note: usize) -> bool {
        music.notes.get(note).is_some_and(|note| !self.is_hidden(note.track))
    }

    pub(crate) fn is_hidden(&self, track: usize) -> bool {
        self.hidden.contains(&track)
    }

    /// Shows a track, or puts it and its notes out of sight.
    pub(crate) fn toggle_track(&mut self, music: &Music, track: usize) {
        if !self.hidden.remove(&track) {
            self.hidden.insert(track);
        }
        let hidden = &self.hidden;
        self.picked.retain(|note| {
            let note = usize::try_from(*note).ok().and_then(|note| music.notes.get(note));
            note.is_some_and(|note| !hidden.contains(&note.track))
        });
    }

    /// A click: this note alone, or one more or less.
    pub(crate) fn click(&mut self, note: usize, is_more: bool) {
        let Ok(note) = u32::try_from(note) else { return };
        if !is_more {
            self.picked = [note].into();
        } else if !self.picked.remove(&note) {
            self.picked.insert(note);
        }
    }

    /// Says whether any was picked.
    pub(crate) fn clear(&mut self) -> bool {
        !std::mem::take(&mut self.picked).is_empty()
    }

    pub(crate) fn all(&mut self, music: &Music) {
        self.picked = self.seen(music, 0..music.notes.len()).collect();
    }

    /// A frame begins to be drawn around notes: with those that are picked already, or without.
    pub(crate) fn begin_frame(&mut self, is_more: bool) {
        self.kept = if is_more { self.picked.clone() } else { BTreeSet::new() };
    }

    /// All notes that sound in these seconds at these pitches, and what was kept.
    pub(crate) fn frame(&mut self, music: &Music, (from, to): (f64, f64), pitches: RangeInclusive<u8>) {
        let inside = self.seen(music, music.between(from, to)).filter(|note| {
            let note = &music.notes[*note as usize];
            note.end >= from && pitches.contains(&note.pitch)
        });
        let inside: Vec<u32> = inside.collect();
        self.picked = self.kept.iter().copied().chain(inside).collect();
    }

    /// The note in sight after the last one that is picked, or before the first.
    pub(crate) fn step(&mut self, music: &Music, is_forward: bool) {
        let last = music.notes.len();
        let next = if is_forward {
            let from = self.picked().last().map_or(0, |note| note + 1);
            (from..last).find(|note| self.is_seen(music, *note))
        } else {
            let to = self.picked().next().unwrap_or(last);
            (0..to).rev().find(|note| self.is_seen(music, *note))
        };
        if let Some(note) = next {
            self.click(note, false);
        }
    }

    /// Tells the session where it is not what it was told last.
    pub(crate) fn tell(&mut self, turn: &mut Turn<'_>) {
        if !self.picked.iter().eq(&self.told) {
            self.told = self.picked.iter().copied().collect();
            turn.ask(Command::PickNotes(self.told.clone()));
        }
    }

    fn seen<'a>(&'a self, music: &'a Music, notes: std::ops::Range<usize>) -> impl Iterator<Item = u32> + 'a {
        notes.filter(|note| self.is_seen(music, *note)).filter_map(|note| u32::try_from(note).ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Four notes, a second each, of two tracks by turns.
    fn music() -> Music {
        let note = |index: u8| {
            serde_json::json!({ "start_seconds": index, "end_seconds": index + 1, "pitch": 60 + index,
                "stem": if index.is_multiple_of(2) { "vocals" } else { "bass" } })
        };
        let notes: Vec<_> = (0..4).map(note).collect();
        Music::read(serde_json::json!({ "notes": notes }).to_string().as_bytes())
    }

    fn picked(choice: &NoteChoice) -> Vec<usize> {
        choice.picked().collect()
    }

    #[test]
    fn clicks_frames_and_steps_pick_notes() {
        let (music, mut choice) = (music(), NoteChoice::default());
        choice.click(2, false);
        choice.click(0, true);
        assert_eq!(picked(&choice), [0, 2]);
        choice.click(2, true);
        assert_eq!(picked(&choice), [0]);
        choice.begin_frame(true);
        choice.frame(&music, (1.5, 3.5), 62..=90);
        assert_eq!(picked(&choice), [0, 2, 3]);
        choice.frame(&music, (1.5, 1.6), 0..=127);
        assert_eq!(picked(&choice), [0, 1]);
        choice.step(&music, true);
        assert_eq!(picked(&choice), [2]);
        choice.step(&music, false);
        assert_eq!(picked(&choice), [1]);
        assert!(choice.clear() && !choice.clear());
        choice.step(&music, false);
        assert_eq!(picked(&choice), [3]);
    }

    #[test]
    fn what_is_out_of_sight_is_not_picked() {
        let (music, mut choice) = (music(), NoteChoice::default());
        choice.all(&music);
        choice.toggle_track(&music, 0);
        assert_eq!(picked(&choice), [1, 3]);
        choice.clear();
        choice.all(&music);
        assert_eq!(picked(&choice), [1, 3]);
        choice.step(&music, false);
        assert_eq!(picked(&choice), [1, 3], "before the first that is picked nothing is in sight");
        choice.toggle_track(&music, 0);
        choice.all(&music);
        assert_eq!(choice.count(), 4);
    }
}
