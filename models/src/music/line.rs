//! Many notes into one line, and notes onto the grid. Pure arithmetic on notes.

use crate::music::Note;
use crate::music::time_map::TimeMap;

/// Of two notes that sound together for more than this part of the shorter one, one goes.
const OVERLAP_MAX: f64 = 0.5;

/// The strongest line: no two of its notes sound at once. Of two that sound together for long the one that is surer
/// and longer stays; where they only touch, the earlier ends where the later begins. Sorted by start.
#[must_use]
pub fn one_line(mut notes: Vec<Note>) -> Vec<Note> {
    by_start(&mut notes);
    let weight = |note: &Note| f64::from(note.confidence) * note.seconds();
    let mut line: Vec<Note> = Vec::with_capacity(notes.len());
    'notes: for note in notes {
        while let Some(last) = line.last_mut() {
            let overlap = last.end_seconds.min(note.end_seconds) - note.start_seconds;
            if overlap <= 0.0 {
                break;
            }
            let starts_with_it = note.start_seconds <= last.start_seconds;
            if !starts_with_it && overlap <= OVERLAP_MAX * last.seconds().min(note.seconds()) {
                cut(last, note.start_seconds);
                break;
            }
            if weight(last) >= weight(&note) {
                continue 'notes;
            }
            line.pop();
        }
        line.push(note);
    }
    line
}

/// Ends a note earlier, bends and all.
fn cut(note: &mut Note, end_seconds: f64) {
    let part = (end_seconds - note.start_seconds) / note.seconds();
    let bends = (part * note.bends.len() as f64).ceil() as usize;
    note.bends.truncate(bends);
    note.end_seconds = end_seconds;
}

/// Moves starts and ends towards the nearest step of the grid, all the way at `amount` 1. No note becomes shorter than
/// a step on its way. `steps_a_beat`: 3 for triplets.
pub fn quantize(notes: &mut [Note], map: &TimeMap, steps_a_beat: f64, amount: f64) {
    for note in notes {
        let snapped = |seconds: f64| (map.beats_at(seconds) * steps_a_beat).round();
        let start = snapped(note.start_seconds).max(0.0);
        let end = snapped(note.end_seconds).max(start + 1.0);
        let towards = |from: f64, step: f64| from + amount * (map.seconds_at(step / steps_a_beat) - from);
        let (start, end) = (towards(note.start_seconds, start), towards(note.end_seconds, end));
        if end > start {
            (note.start_seconds, note.end_seconds) = (start, end);
        }
    }
}

/// Sorts by start, then pitch.
pub fn by_start(notes: &mut [Note]) {
    notes.sort_by(|a, b| a.start_seconds.total_cmp(&b.start_seconds).then(a.pitch.cmp(&b.pitch)));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(start_seconds: f64, end_seconds: f64, pitch: u8, confidence: f32) -> Note {
        Note { start_seconds, end_seconds, pitch, velocity: 80, confidence, bends: vec![0.0; 10] }
    }

    #[test]
    fn a_line_has_one_note_at_a_time_and_keeps_the_strong_ones() {
        let line = one_line(vec![
            note(0.0, 1.0, 60, 0.9),
            note(0.0, 1.0, 72, 0.4),
            note(0.9, 2.0, 62, 0.9),
            note(1.2, 1.4, 80, 0.3),
            note(3.0, 3.1, 50, 0.2),
            note(3.05, 4.0, 51, 0.9),
        ]);
        assert_eq!(line.iter().map(|n| n.pitch).collect::<Vec<_>>(), [60, 62, 50, 51]);
        assert!(line.windows(2).all(|pair| pair[0].end_seconds <= pair[1].start_seconds));
        assert_eq!(line[0].bends.len(), 9);
    }

    #[test]
    fn the_grid_draws_notes_as_far_as_it_is_told() {
        let map = TimeMap::steady(120.0);
        let mut half = vec![note(0.52, 0.70, 60, 1.0)];
        quantize(&mut half, &map, 4.0, 0.5);
        assert!((half[0].start_seconds - 0.51).abs() < 1e-9 && (half[0].end_seconds - 0.725).abs() < 1e-9);
        let mut all = vec![note(0.52, 0.53, 60, 1.0)];
        quantize(&mut all, &map, 4.0, 1.0);
        assert_eq!((all[0].start_seconds, all[0].end_seconds), (0.5, 0.625));
    }
}
