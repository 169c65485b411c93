//! Notes as a table with one line a note, for spreadsheets and scripts. RFC 4180, but lines end in one byte.

use crate::music::{Note, pitch_name};
use std::fmt::Write;

/// `start_s,end_s,pitch,name,velocity,confidence,bend_mean_semitones,bend_min_semitones,bend_max_semitones`.
#[must_use]
pub fn csv(notes: &[Note]) -> String {
    let mut text = "start_s,end_s,pitch,name,velocity,confidence,\
                    bend_mean_semitones,bend_min_semitones,bend_max_semitones\n"
        .to_owned();
    for note in notes {
        let count = note.bends.len().max(1) as f32;
        let mean = note.bends.iter().sum::<f32>() / count;
        let least = note.bends.iter().copied().reduce(f32::min).unwrap_or(0.0);
        let most = note.bends.iter().copied().reduce(f32::max).unwrap_or(0.0);
        let Note { start_seconds, end_seconds, pitch, velocity, confidence, .. } = note;
        let name = pitch_name(*pitch);
        writeln!(
            text,
            "{start_seconds:.4},{end_seconds:.4},{pitch},{name},{velocity},{confidence:.3},\
             {mean:.2},{least:.2},{most:.2}"
        )
        .expect("a string takes any number of letters");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_a_line() {
        let note = Note {
            start_seconds: 0.5,
            end_seconds: 1.25,
            pitch: 61,
            velocity: 90,
            confidence: 0.5,
            bends: vec![0.0, 1.0],
        };
        let text = csv(&[note]);
        assert_eq!(text.lines().nth(1), Some("0.5000,1.2500,61,C#4,90,0.500,0.50,0.00,1.00"));
        assert_eq!(text.lines().count(), 2);
    }
}
