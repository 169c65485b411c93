//! Drum hits as General MIDI notes: kick, snare and hi-hat, by where in the spectrum something begins. Signal
//! processing only; M. Goto & Y. Muraoka, "A sound source separation system for percussion instruments", 1994, told
//! them apart the same way. Made for a kit alone; in a mixture bass and voice are heard as drums now and then.

use crate::music::Note;
use crate::music::ear::Listened;
use crate::music::tempo::RATE;

/// General MIDI: bass drum 1.
pub const KICK: u8 = 36;
/// General MIDI: acoustic snare.
pub const SNARE: u8 = 38;
/// General MIDI: closed hi-hat.
pub const HAT: u8 = 42;

/// Nothing is hit twice within this time, seconds.
const AGAIN_SECONDS: f64 = 0.06;
/// How long a drum's note lasts: it says when, not how long. Seconds.
const NOTE_SECONDS: f64 = 0.08;
/// A peak reaches this part of the strong peaks of its band, when `sensitivity` is 0.5.
const PART_OF_STRONG: f32 = 0.32;
/// Bands meet within this many onset strengths.
const MEET: usize = 3;

/// The hits, by time. `sensitivity`: 0 to 1, more finds softer ones.
#[must_use]
pub fn drums(heard: &Listened, sensitivity: f64) -> Vec<Note> {
    let part = PART_OF_STRONG * (2.0 * (1.0 - sensitivity)) as f32;
    let bands: Vec<Vec<(usize, f32)>> = heard.bands.iter().map(|band| hits(band, part)).collect();
    let met = |band: usize, t: usize| -> f32 {
        let near = bands[band].iter().filter(|(at, _)| at.abs_diff(t) <= MEET);
        near.map(|(_, strength)| *strength).fold(0.0, f32::max)
    };
    let mut notes = Vec::new();
    let mut hit = |t: usize, pitch: u8, strength: f32| {
        let start_seconds = heard.seconds_at(t as f64);
        notes.push(Note {
            start_seconds,
            end_seconds: start_seconds + NOTE_SECONDS,
            pitch,
            velocity: (127.0 * strength.sqrt().min(1.0)).round().clamp(1.0, 127.0) as u8,
            confidence: strength.min(1.0),
            bends: Vec::new(),
        });
    };
    for &(t, strength) in &bands[0] {
        hit(t, KICK, strength);
    }
    for &(t, strength) in &bands[2] {
        // A snare rattles and has a body; a hi-hat alone only hisses.
        if met(1, t) > 0.0 && strength > 0.5 * met(3, t) {
            hit(t, SNARE, 0.5 * (strength + met(1, t)));
        }
    }
    for &(t, strength) in &bands[3] {
        hit(t, HAT, strength);
    }
    crate::music::line::by_start(&mut notes);
    notes
}

/// Peaks of a band that are strong enough, with their strength: 1 for the strong ones.
fn hits(band: &[f32], part: f32) -> Vec<(usize, f32)> {
    let reach = (AGAIN_SECONDS * RATE) as usize;
    let is_peak = |i: &usize| {
        let (from, to) = (i.saturating_sub(reach), band.len().min(i + reach + 1));
        // Of equal ones the first.
        band[*i] > 0.0
            && band[from..*i].iter().all(|x| *x < band[*i])
            && band[*i..to].iter().all(|x| *x <= band[*i])
    };
    let peaks: Vec<usize> = (0..band.len()).filter(is_peak).collect();
    let mut strengths: Vec<f32> = peaks.iter().map(|i| band[*i]).collect();
    strengths.sort_by(f32::total_cmp);
    // The strong ones are the strongest twentieth: a single crash does not hide all else.
    let Some(&strong) = strengths.get((strengths.len() * 19 / 20).min(strengths.len().saturating_sub(1)))
    else {
        return Vec::new();
    };
    // 0.3: what rises by less, of a logarithm that reaches 7, is no hit however quiet the rest is.
    let threshold = (part * strong).max(0.3);
    peaks.into_iter().filter(|i| band[*i] >= threshold).map(|i| (i, band[i] / strong)).collect()
}
