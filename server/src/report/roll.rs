//! Notes as a piano roll: one SVG. Draws, finds nothing.

use serde::Deserialize;
use std::fmt::Write;

/// Units of the drawing across.
pub const WIDTH: f64 = 1_200.0;
/// Units of one semitone.
const SEMITONE: f64 = 6.0;
/// At least so many semitones are drawn, so that one note is not a wall.
const SEMITONES_MIN: u32 = 24;
/// A note is at least so wide, or it is not seen.
const NOTE_WIDTH_MIN: f64 = 1.5;
/// Black keys of an octave, which are drawn darker.
const BLACK: [u32; 5] = [1, 3, 6, 8, 10];

/// What is drawn of a note.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Note {
    /// From the clip's first frame.
    pub start_seconds: f64,
    /// From the clip's first frame.
    pub end_seconds: f64,
    /// MIDI, 60 is middle C.
    pub pitch: u8,
    /// 0 to 1: surer notes are brighter.
    pub confidence: f64,
}

/// The drawing; nothing where there is nothing to draw.
#[must_use]
pub fn svg(notes: &[Note], seconds: f64) -> String {
    let pitches = || notes.iter().map(|note| u32::from(note.pitch));
    let (Some(lowest), Some(highest)) = (pitches().min(), pitches().max()) else { return String::new() };
    if seconds <= 0.0 {
        return String::new();
    }
    let missing = SEMITONES_MIN.saturating_sub(highest - lowest + 1);
    let (bottom, top) = (lowest.saturating_sub(missing.div_ceil(2)), highest + missing / 2);
    let height = f64::from(top - bottom + 1) * SEMITONE;
    let y = |pitch: u32| f64::from(top - pitch) * SEMITONE;
    let mut out = format!(
        "<svg class=\"roll\" viewBox=\"0 0 {WIDTH} {height}\" preserveAspectRatio=\"none\" role=\"img\" \
         aria-label=\"{} notes as a piano roll\">",
        notes.len()
    );
    let mut rectangle = |class: &str, x: f64, y: f64, width: f64, opacity: f64| {
        write!(
            out,
            "<rect class=\"{class}\" x=\"{x:.1}\" y=\"{y}\" width=\"{width:.1}\" height=\"{SEMITONE}\" \
             opacity=\"{opacity:.2}\"/>"
        )
        .expect("writing to a string cannot fail");
    };
    for pitch in (bottom..=top).filter(|pitch| BLACK.contains(&(pitch % 12))) {
        rectangle("black", 0.0, y(pitch), WIDTH, 1.0);
    }
    for note in notes {
        let x = |at: f64| (at / seconds).clamp(0.0, 1.0) * WIDTH;
        let (from, to) = (x(note.start_seconds), x(note.end_seconds));
        let opacity = 0.35 + 0.65 * note.confidence.clamp(0.0, 1.0);
        rectangle("note", from, y(u32::from(note.pitch)), (to - from).max(NOTE_WIDTH_MIN), opacity);
    }
    out.push_str("</svg>");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_lies_where_it_sounds_and_no_note_is_no_drawing() {
        let note = Note { start_seconds: 1.0, end_seconds: 2.0, pitch: 60, confidence: 1.0 };
        let drawing = svg(&[note], 4.0);
        assert!(drawing.contains("class=\"note\" x=\"300.0\""), "{drawing}");
        assert!(drawing.contains("width=\"300.0\""), "{drawing}");
        assert!(svg(&[], 4.0).is_empty());
    }
}
