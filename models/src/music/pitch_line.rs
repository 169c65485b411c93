//! A line of pitches into notes, for one voice or instrument: singing, humming, a bass, a flute. Knows no network.
//!
//! A note is a stretch in which something sounds and stays near one pitch. It ends where nothing is sure for longer than
//! a consonant takes, and where the line leaves the note's median for longer than a vibrato's half wave does; a slide
//! belongs to the note that it leads away from until then. Pitch and bends are read off what the note then is.

use crate::music::midi_of_hz;

/// One column of a pitch line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pitched {
    /// Hz; of no meaning where nothing is sure.
    pub hz: f32,
    /// How surely there is one, 0 to 1.
    pub confidence: f32,
}

/// What counts as a note.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LineRules {
    /// Less sure columns sound like nothing.
    pub confidence: f32,
    /// Lowest and highest pitch, Hz.
    pub hz: (f64, f64),
    /// Shorter notes are left out, columns.
    pub minimum_columns: f64,
    /// So long may nothing be sure within a note, columns.
    pub gap_columns: usize,
    /// So long may the line be away from a note, columns.
    pub away_columns: usize,
}

/// A note counted in columns.
#[derive(Clone, Debug, PartialEq)]
pub struct LineNote {
    /// The first column.
    pub start: usize,
    /// One past the last.
    pub end: usize,
    /// MIDI number.
    pub pitch: u8,
    /// Mean confidence, 0 to 1.
    pub confidence: f32,
    /// Semitones from `pitch`, column by column; between sure columns a straight line.
    pub bends: Vec<f32>,
}

/// A line that is this far from a note's median is on its way to another, semitones. Between one semitone, which is
/// another note, and half of one, which vibrato often reaches.
const AWAY_SEMITONES: f64 = 0.8;

/// Highest MIDI number.
const PITCH_MAX: f64 = 127.0;

/// A note that is being heard: its sure columns and their pitches.
#[derive(Default)]
struct Open {
    heard: Vec<(usize, f64)>,
    /// The last of `heard`, while they lie away from the note.
    away: usize,
    confidence: f64,
}

/// All notes, by start. No two sound at once.
#[must_use]
pub fn line_notes(line: &[Pitched], rules: LineRules) -> Vec<LineNote> {
    let mut notes = Vec::new();
    let mut open = Open::default();
    for (column, heard) in line.iter().enumerate() {
        let hz = f64::from(heard.hz);
        let is_sure = heard.confidence >= rules.confidence && hz >= rules.hz.0 && hz <= rules.hz.1;
        if !is_sure {
            if open.heard.last().is_some_and(|(last, _)| column - last > rules.gap_columns) {
                notes.extend(std::mem::take(&mut open).close(rules));
            }
            continue;
        }
        open.push(column, midi_of_hz(hz), f64::from(heard.confidence));
        if open.away > rules.away_columns {
            let next = open.part(line);
            notes.extend(std::mem::replace(&mut open, next).close(rules));
        }
    }
    notes.extend(open.close(rules));
    notes
}

/// Parts notes where something is struck again, at these columns: a string played twice stays at one pitch, and nothing is
/// unsure between. Neither part becomes shorter than `minimum_columns`.
#[must_use]
pub fn struck(notes: Vec<LineNote>, strikes: &[usize], minimum_columns: f64) -> Vec<LineNote> {
    let mut parted = Vec::with_capacity(notes.len());
    for mut note in notes {
        let from = strikes.partition_point(|strike| *strike < note.start);
        for &strike in &strikes[from..] {
            if (strike as f64) + minimum_columns > note.end as f64 {
                break;
            }
            if strike as f64 - note.start as f64 >= minimum_columns {
                let bends = note.bends.split_off(strike - note.start);
                let rest = LineNote { start: strike, bends, ..note.clone() };
                parted.push(LineNote { end: strike, ..note });
                note = rest;
            }
        }
        parted.push(note);
    }
    parted
}

impl Open {
    fn push(&mut self, column: usize, pitch: f64, confidence: f64) {
        self.heard.push((column, pitch));
        self.confidence += confidence;
        let settled = self.heard.len() - 1 - self.away;
        if settled == 0 {
            return;
        }
        let centre = median(self.heard[..settled].iter().rev().take(MEDIAN_COLUMNS).map(|(_, pitch)| *pitch));
        // Away on both sides in turn is a wide vibrato.
        let side = |pitch: f64| pitch > centre;
        let first_away = self.heard.get(settled).map_or(pitch, |(_, pitch)| *pitch);
        let is_away = (pitch - centre).abs() >= AWAY_SEMITONES && side(pitch) == side(first_away);
        self.away = if is_away { self.away + 1 } else { 0 };
    }

    /// Takes away what lies away: the beginning of the next note.
    fn part(&mut self, line: &[Pitched]) -> Self {
        let heard = self.heard.split_off(self.heard.len() - self.away);
        let confidence = heard.iter().map(|(column, _)| f64::from(line[*column].confidence)).sum();
        self.confidence -= confidence;
        self.away = 0;
        Self { heard, away: 0, confidence }
    }

    fn close(self, rules: LineRules) -> Option<LineNote> {
        let (start, last) = (self.heard.first()?.0, self.heard.last()?.0);
        let end = last + 1;
        if ((end - start) as f64) < rules.minimum_columns {
            return None;
        }
        let pitch = median(self.heard.iter().map(|(_, pitch)| *pitch)).round().clamp(0.0, PITCH_MAX);
        let mut bends = Vec::with_capacity(end - start);
        for pair in self.heard.windows(2) {
            let ((from, a), (to, b)) = (pair[0], pair[1]);
            let step = (b - a) / (to - from) as f64;
            bends.extend((0..to - from).map(|i| (a + step * i as f64 - pitch) as f32));
        }
        bends.push((self.heard[self.heard.len() - 1].1 - pitch) as f32);
        let confidence = (self.confidence / self.heard.len() as f64) as f32;
        Some(LineNote { start, end, pitch: pitch as u8, confidence, bends })
    }
}

/// So many columns of a long note say where it is now: the search stays linear, and a singer may drift.
const MEDIAN_COLUMNS: usize = 64;

/// The middle of some numbers, the upper of two; 0 of none.
fn median(numbers: impl Iterator<Item = f64>) -> f64 {
    let mut numbers: Vec<f64> = numbers.collect();
    let middle = numbers.len() / 2;
    if numbers.is_empty() {
        return 0.0;
    }
    *numbers.select_nth_unstable_by(middle, f64::total_cmp).1
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: LineRules = LineRules {
        confidence: 0.5,
        hz: (46.0, 2_100.0),
        minimum_columns: 6.0,
        gap_columns: 2,
        away_columns: 6,
    };

    fn hz(pitch: f64) -> f32 {
        (440.0 * ((pitch - 69.0) / 12.0).exp2()) as f32
    }

    fn line(pitches: impl IntoIterator<Item = Option<f64>>) -> Vec<Pitched> {
        let column = |pitch: Option<f64>| match pitch {
            Some(pitch) => Pitched { hz: hz(pitch), confidence: 0.9 },
            None => Pitched { hz: 300.0, confidence: 0.1 },
        };
        pitches.into_iter().map(column).collect()
    }

    fn spans(notes: &[LineNote]) -> Vec<(usize, usize, u8)> {
        notes.iter().map(|note| (note.start, note.end, note.pitch)).collect()
    }

    #[test]
    fn a_note_ends_where_the_line_moves_on_and_where_nothing_sounds() {
        let held = |pitch: f64, columns: usize| (0..columns).map(move |_| Some(pitch));
        let silence = |columns: usize| (0..columns).map(|_| None);
        let sung = held(60.1, 20).chain(held(61.9, 20)).chain(silence(10)).chain(held(61.9, 20));
        let breath = silence(2).chain(held(62.0, 10)).chain(silence(5)).chain(held(70.0, 4));
        let notes = line_notes(&line(sung.chain(breath)), RULES);
        assert_eq!(spans(&notes), [(0, 20, 60), (20, 40, 62), (50, 82, 62)]);
        assert!((notes[0].bends[3] - 0.1).abs() < 1e-3 && notes[0].bends.len() == 20);
        assert!((notes[2].confidence - 0.9).abs() < 1e-6 && notes[2].bends.len() == 32);
    }

    #[test]
    fn vibrato_and_a_passing_tone_do_not_part_a_note_and_a_slide_is_bent() {
        // 5.5 Hz, as singers do, a column each 16 ms, a semitone to either side.
        let vibrato =
            (0..200).map(|i| Some(65.0 + (std::f64::consts::TAU * 5.5 * 0.016 * f64::from(i)).sin()));
        assert_eq!(spans(&line_notes(&line(vibrato), RULES)), [(0, 200, 65)]);
        let grace = (0..40).map(|i| Some(if (20..23).contains(&i) { 67.0 } else { 65.0 }));
        assert_eq!(spans(&line_notes(&line(grace), RULES)), [(0, 40, 65)]);
        let slide = (0..60).map(|i| Some(60.0 + f64::from((i - 20).clamp(0, 20)) * 0.25));
        let notes = line_notes(&line(slide), RULES);
        assert_eq!((notes[0].pitch, notes.last().unwrap().pitch), (60, 65));
        assert!(notes.windows(2).all(|pair| pair[0].end <= pair[1].start));
    }

    #[test]
    fn a_note_that_is_struck_again_is_two() {
        let held = line_notes(&line([Some(40.0); 100]), RULES);
        let parted = struck(held, &[3, 50, 53, 97, 200], 6.0);
        assert_eq!(spans(&parted), [(0, 50, 40), (50, 100, 40)]);
        assert_eq!(parted.iter().map(|note| note.bends.len()).collect::<Vec<_>>(), [50, 50]);
    }

    #[test]
    fn nothing_and_what_is_out_of_range_are_no_notes() {
        assert!(line_notes(&[], RULES).is_empty());
        assert!(line_notes(&line([None; 50]), RULES).is_empty());
        assert!(line_notes(&line([Some(20.0); 50]), RULES).is_empty());
        let broken = Pitched { hz: f32::NAN, confidence: f32::NAN };
        assert!(line_notes(&[broken; 50], RULES).is_empty());
    }
}
