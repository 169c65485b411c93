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
/// What the rise at a hit must reach of the strong ones' in its band, at a `sensitivity` of 0.5: kick, snare, hi-hat.
/// Ghost notes of a snare are soft, a soft kick is mostly something else.
const PART_OF_STRONG: [f32; 3] = [0.6, 0.38, 0.35];
/// A snare's body rises this much more than the kick's band does; a kick's beater is heard in the snare's.
const BODY_OVER_KICK: f32 = 1.2;
/// Bands meet, and a rise is summed, within this many onset strengths: 50 ms.
const MEET: usize = 4;

/// The hits, by time. `sensitivity`: 0 to 1, more finds softer ones.
#[must_use]
pub fn drums(heard: &Listened, sensitivity: f64) -> Vec<Note> {
    let part = |drum: usize| PART_OF_STRONG[drum] * (2.0 * (1.0 - sensitivity)) as f32;
    let near = |band: usize, t: usize| -> f32 {
        let around = t.saturating_sub(MEET)..heard.bands[band].len().min(t + MEET + 1);
        heard.bands[band][around].iter().copied().fold(0.0, f32::max)
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
    for (t, strength) in hits(&heard.bands[0], part(0)) {
        hit(t, KICK, strength);
    }
    for (t, strength) in hits(&heard.bands[1], part(1)) {
        if near(1, t) > BODY_OVER_KICK * near(0, t) {
            hit(t, SNARE, strength);
        }
    }
    for (t, strength) in hits(&heard.bands[2], part(2)) {
        hit(t, HAT, strength);
    }
    crate::music::line::by_start(&mut notes);
    notes
}

/// Peaks of a band that are strong enough, with their strength: 1 for the strong ones.
pub(super) fn hits(band: &[f32], part: f32) -> Vec<(usize, f32)> {
    let reach = (AGAIN_SECONDS * RATE) as usize;
    let is_peak = |i: &usize| {
        let (from, to) = (i.saturating_sub(reach), band.len().min(i + reach + 1));
        // Of equal ones the first.
        band[*i] > 0.0
            && band[from..*i].iter().all(|x| *x < band[*i])
            && band[*i..to].iter().all(|x| *x <= band[*i])
    };
    let sum = |i: usize| band[i.saturating_sub(MEET)..band.len().min(i + MEET + 1)].iter().sum::<f32>();
    let peaks: Vec<(usize, f32)> = (0..band.len()).filter(is_peak).map(|i| (i, sum(i))).collect();
    let mut strengths: Vec<f32> = peaks.iter().map(|(_, strength)| *strength).collect();
    strengths.sort_by(f32::total_cmp);
    // The strong ones are the strongest twentieth: a single crash does not hide all else.
    let Some(&strong) = strengths.get(strengths.len() * 19 / 20) else { return Vec::new() };
    // 0.3: what rises by less, of a logarithm that reaches 7, is no hit however quiet the rest is.
    let threshold = (part * strong).max(0.3);
    let strong_enough = peaks.into_iter().filter(|(_, strength)| *strength >= threshold);
    strong_enough.map(|(i, strength)| (i, strength / strong)).collect()
}
