//! Music as data: notes, beats, key, and the files they are written to. Pure: no I/O, no clock, no network, no engine.

pub mod beats;
pub mod csv;
pub mod drums;
pub mod ear;
pub mod key;
pub mod line;
pub mod midi;
pub mod musicxml;
pub mod notes;
pub mod pitch_line;
pub mod posteriors;
pub mod tempo;
pub mod time_map;

/// Notes of a piano: MIDI 21 (A0) to 108 (C8).
pub const PITCHES: usize = 88;
/// The MIDI number of the lowest of them.
pub const LOWEST_PITCH: u8 = 21;
/// Steps of a pitch contour: three a semitone, the first at A0.
pub const CONTOUR_STEPS: usize = 264;
/// Contour steps in a semitone.
pub const STEPS_A_SEMITONE: usize = 3;

/// A note as people and files see it.
#[derive(Clone, Debug, PartialEq)]
pub struct Note {
    /// Where it begins, seconds from the clip's first frame.
    pub start_seconds: f64,
    /// Where it ends, after its start.
    pub end_seconds: f64,
    /// MIDI number.
    pub pitch: u8,
    /// 1 to 127.
    pub velocity: u8,
    /// How sure it is, 0 to 1: the mean of how surely the network heard it begin and heard it last.
    pub confidence: f32,
    /// How far it is bent, semitones from `pitch`, evenly over its length; empty where nothing is known.
    pub bends: Vec<f32>,
}

impl Note {
    /// How long it lasts, seconds.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        self.end_seconds - self.start_seconds
    }
}

/// The name of a MIDI number with its octave, sharps only: 60 is `C4`.
#[must_use]
pub fn pitch_name(pitch: u8) -> String {
    const NAMES: [&str; 12] = ["C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B"];
    format!("{}{}", NAMES[usize::from(pitch % 12)], i32::from(pitch / 12) - 1)
}

/// The nearest MIDI number to a frequency, not rounded; A4 is 440 Hz and 69.
#[must_use]
pub fn midi_of_hz(hz: f64) -> f64 {
    12.0 * (hz.max(f64::MIN_POSITIVE) / 440.0).log2() + 69.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pitches_have_their_names_and_frequencies() {
        assert_eq!(["C4", "A0", "F#3", "C-1"], [60, 21, 54, 0].map(pitch_name).each_ref().map(|s| &**s));
        assert_eq!(midi_of_hz(440.0), 69.0);
        assert!((midi_of_hz(27.5) - 21.0).abs() < 1e-9);
    }
}
