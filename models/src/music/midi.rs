//! Notes as a Standard MIDI File, type 1: a tempo track and one track for each part. Writes bytes, reads none.
//!
//! Tick 0 is the clip's first frame and the last event is its end, so that a DAW lays the notes over the sound they
//! were heard in. Format: MIDI 1.0, RP-001.

use crate::music::Note;
use crate::music::key::Key;
use crate::music::time_map::TimeMap;

/// Ticks of a quarter note.
pub const TICKS_A_BEAT: u16 = 480;
/// General MIDI's channel for drums, counted from 0.
pub const DRUM_CHANNEL: u8 = 9;
/// The bend range every instrument has unless told otherwise, semitones either way.
const BEND_SEMITONES: f64 = 2.0;
/// The largest number of a variable-length quantity.
const TICKS_MAX: u64 = 0x0FFF_FFFF;

/// What goes before the notes.
#[derive(Clone, Copy, Debug)]
pub struct Head<'a> {
    /// Where beats lie.
    pub map: &'a TimeMap,
    /// Quarter notes a bar.
    pub bar_beats: u8,
    /// Quarter notes before the first whole bar; 0 for none.
    pub pickup_beats: u8,
    /// The key, where one is known.
    pub key: Option<Key>,
    /// How long the clip is.
    pub seconds: f64,
}

/// Notes of one instrument.
#[derive(Clone, Copy, Debug)]
pub struct Part<'a> {
    /// The track's name.
    pub name: &'a str,
    /// 0 to 15.
    pub channel: u8,
    /// General MIDI program, counted from 0; none for drums.
    pub program: Option<u8>,
    /// In any order.
    pub notes: &'a [Note],
    /// Whether bends are written; those of notes that sound together are not, since a channel has but one wheel.
    pub bends: bool,
}

/// The file.
#[must_use]
pub fn midi(head: Head<'_>, parts: &[Part<'_>]) -> Vec<u8> {
    let mut bytes = b"MThd\0\0\0\x06\0\x01".to_vec();
    bytes.extend((parts.len() as u16 + 1).to_be_bytes());
    bytes.extend(TICKS_A_BEAT.to_be_bytes());
    head.track().write(ticks(head.map, head.seconds), &mut bytes);
    for part in parts {
        part.track(head.map).write(ticks(head.map, head.seconds), &mut bytes);
    }
    bytes
}

/// The tick of a time, at least 0.
#[must_use]
pub fn ticks(map: &TimeMap, seconds: f64) -> u64 {
    ((map.beats_at(seconds) * f64::from(TICKS_A_BEAT)).round().max(0.0) as u64).min(TICKS_MAX)
}

/// Events of one track: tick, rank among events of one tick, bytes.
#[derive(Default)]
struct Track(Vec<(u64, u8, Vec<u8>)>);

impl Head<'_> {
    fn track(&self) -> Track {
        let mut track = Track::default();
        for piece in self.map.pieces() {
            let tick = (piece.start_beats * f64::from(TICKS_A_BEAT)).round() as u64;
            track.meta(tick, 0x51, &piece.micros_a_beat.to_be_bytes()[1..]);
        }
        // Quarter notes, 24 clocks a click, 8 thirty-seconds a quarter.
        let meter = |beats: u8| [beats, 2, 24, 8];
        let first = if self.pickup_beats == 0 { self.bar_beats } else { self.pickup_beats };
        track.meta(0, 0x58, &meter(first));
        if first != self.bar_beats {
            let tick = u64::from(self.pickup_beats) * u64::from(TICKS_A_BEAT);
            track.meta(tick, 0x58, &meter(self.bar_beats));
        }
        if let Some(key) = self.key {
            track.meta(0, 0x59, &[key.fifths().cast_unsigned(), u8::from(key.is_minor)]);
        }
        track
    }
}

impl Part<'_> {
    fn track(&self, map: &TimeMap) -> Track {
        let mut track = Track::default();
        track.meta(0, 0x03, &self.name.as_bytes()[..self.name.len().min(127)]);
        if let Some(program) = self.program {
            track.event(0, 1, &[0xC0 | self.channel, program & 127]);
        }
        let mut notes: Vec<&Note> = self.notes.iter().collect();
        notes.sort_by(|a, b| a.start_seconds.total_cmp(&b.start_seconds).then(a.pitch.cmp(&b.pitch)));
        let alone = alone(&notes);
        let mut wheel = 0;
        for (i, note) in notes.iter().enumerate() {
            let (start, end) = (ticks(map, note.start_seconds), ticks(map, note.end_seconds));
            let end = end.max(start + 1);
            // One pitch cannot sound twice on a channel: a note ends where the next of its pitch begins.
            let again = notes[i + 1..].iter().take_while(|later| later.start_seconds < note.end_seconds);
            let again = again.filter(|later| later.pitch == note.pitch).map(|l| ticks(map, l.start_seconds));
            let end = again.min().map_or(end, |again| end.min(again).max(start));
            if end == start {
                continue;
            }
            let bends = if self.bends && alone[i] { &note.bends[..] } else { &[] };
            self.bend(&mut track, map, note, bends, &mut wheel);
            track.event(start, 3, &[0x90 | self.channel, note.pitch & 127, note.velocity.clamp(1, 127)]);
            track.event(end, 0, &[0x80 | self.channel, note.pitch & 127, 64]);
        }
        track
    }

    /// The wheel over one note; back in the middle at its start where it is not bent.
    fn bend(&self, track: &mut Track, map: &TimeMap, note: &Note, bends: &[f32], wheel: &mut i32) {
        let still = [0.0_f32];
        let bends = if bends.is_empty() { &still } else { bends };
        for (i, bend) in bends.iter().enumerate() {
            let to = (f64::from(*bend) * 8192.0 / BEND_SEMITONES).round().clamp(-8192.0, 8191.0) as i32;
            if to != *wheel {
                let seconds = note.start_seconds + note.seconds() * i as f64 / bends.len() as f64;
                let value = (to + 8192).cast_unsigned();
                let message = [0xE0 | self.channel, (value & 127) as u8, (value >> 7) as u8];
                track.event(ticks(map, seconds), 2, &message);
                *wheel = to;
            }
        }
    }
}

/// Which notes sound alone from start to end. `notes`: sorted by start.
fn alone(notes: &[&Note]) -> Vec<bool> {
    let mut alone = vec![true; notes.len()];
    // The latest end so far, and whose it is: a note that meets any earlier one meets that one.
    let mut last: Option<usize> = None;
    for (i, note) in notes.iter().enumerate() {
        if let Some(l) = last.filter(|l| notes[*l].end_seconds > note.start_seconds) {
            alone[l] = false;
            alone[i] = false;
        }
        if last.is_none_or(|l| notes[l].end_seconds <= note.end_seconds) {
            last = Some(i);
        }
    }
    alone
}

impl Track {
    fn event(&mut self, tick: u64, rank: u8, bytes: &[u8]) {
        self.0.push((tick, rank, bytes.to_vec()));
    }

    fn meta(&mut self, tick: u64, kind: u8, data: &[u8]) {
        let mut bytes = vec![0xFF, kind, data.len() as u8];
        bytes.extend(data);
        self.event(tick, 0, &bytes);
    }

    fn write(mut self, end: u64, bytes: &mut Vec<u8>) {
        self.0.sort_by_key(|(tick, rank, _)| (*tick, *rank));
        let (mut body, mut now) = (Vec::new(), 0);
        for (tick, _, event) in &self.0 {
            variable(tick - now, &mut body);
            body.extend(event);
            now = *tick;
        }
        variable(end.saturating_sub(now), &mut body);
        body.extend([0xFF, 0x2F, 0]);
        bytes.extend(b"MTrk");
        bytes.extend((body.len() as u32).to_be_bytes());
        bytes.append(&mut body);
    }
}

/// A variable-length quantity: seven bits a byte, the highest first.
fn variable(number: u64, bytes: &mut Vec<u8>) {
    let number = number.min(TICKS_MAX);
    for shift in [21, 14, 7] {
        if number >> shift != 0 {
            bytes.push((number >> shift & 127) as u8 | 128);
        }
    }
    bytes.push((number & 127) as u8);
}
