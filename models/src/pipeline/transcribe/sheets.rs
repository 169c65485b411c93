//! What was found, as files: MIDI, a score, a table, and everything for programs. Finds nothing itself.

use super::Job;
use crate::ModelError;
use crate::music::beats::Beats;
use crate::music::csv::csv;
use crate::music::ear::Listened;
use crate::music::key::KeyFound;
use crate::music::line::quantize;
use crate::music::midi::{DRUM_CHANNEL, Head, Part, midi};
use crate::music::musicxml::{Page, musicxml};
use crate::music::time_map::TimeMap;
use crate::music::{Note, pitch_name};
use crate::pipeline::ResultSink;
use serde_json::{Value, json};

const NOTE_SHEETS: [&str; 4] = ["notes.mid", "score.musicxml", "notes.csv", "analysis.json"];
const BEAT_SHEETS: [&str; 2] = ["beats.mid", "analysis.json"];

/// Where no tempo was heard, files say 120.
const BPM_UNKNOWN: f64 = 120.0;
const BAR_UNKNOWN: u8 = 4;

/// Names of the sheets, in the order they are written in.
pub(super) fn names(notes: bool) -> impl Iterator<Item = &'static str> {
    if notes { NOTE_SHEETS.iter().copied() } else { BEAT_SHEETS.iter().copied() }
}

/// What was found in a clip.
pub(super) struct Findings {
    /// By start.
    pub(super) notes: Vec<Note>,
    pub(super) beats: Option<Beats>,
    pub(super) key: Option<KeyFound>,
}

/// Writes all sheets.
pub(super) fn write(
    job: &Job,
    with_notes: bool,
    heard: &Listened,
    mut found: Findings,
    sink: &mut dyn ResultSink,
) -> Result<(), ModelError> {
    let (map, pickup_beats) = match &found.beats {
        Some(beats) => beats.map(),
        None => (TimeMap::steady(BPM_UNKNOWN), 0),
    };
    let wishes = &job.wishes;
    if wishes.quantize > 0.0 && found.beats.is_some() {
        quantize(&mut found.notes, &map, f64::from(wishes.steps_a_beat), wishes.quantize);
    }
    let head = Head {
        map: &map,
        bar_beats: found.beats.as_ref().map_or(BAR_UNKNOWN, |beats| beats.bar_beats),
        pickup_beats,
        key: found.key.map(|key| key.key),
        seconds: heard.seconds,
    };
    if !with_notes {
        sink.sheet(0, &midi(head, &[]))?;
        sink.sheet(1, analysis(head, heard, &found).as_bytes())?;
        return Ok(());
    }
    let drums = wishes.drums;
    let part = Part {
        name: if drums { "Drums" } else { "Notes" },
        channel: if drums { DRUM_CHANNEL } else { 0 },
        program: (!drums).then_some(wishes.program),
        notes: &found.notes,
        bends: wishes.bends && !drums,
    };
    let page = Page { part: part.name, steps_a_beat: wishes.steps_a_beat, is_drums: drums };
    sink.sheet(0, &midi(head, &[part]))?;
    sink.sheet(1, musicxml(head, page, &found.notes).as_bytes())?;
    sink.sheet(2, csv(&found.notes).as_bytes())?;
    sink.sheet(3, analysis(head, heard, &found).as_bytes())?;
    Ok(())
}

/// Everything, for the piano roll and for programs. Notes become text one by one: as a tree, those of an hour and their
/// bends take 180 MB.
fn analysis(head: Head<'_>, heard: &Listened, found: &Findings) -> String {
    let mut text = piece(head, heard, found).to_string();
    text.truncate(text.rfind('}').expect("an object ends with a brace"));
    text.push_str(",\"notes\":[");
    for (i, found) in found.notes.iter().enumerate() {
        if i > 0 {
            text.push(',');
        }
        text.push_str(&note(found).to_string());
    }
    text.push_str("]}");
    text
}

/// What is said once of a piece.
fn piece(head: Head<'_>, heard: &Listened, found: &Findings) -> Value {
    let beats = found.beats.as_ref();
    let tempo_map = head.map.pieces().iter().map(|piece| {
        json!({
            "start_seconds": rounded(piece.start_seconds),
            "start_beats": rounded(piece.start_beats),
            "bpm": rounded(piece.bpm()),
        })
    });
    let list = |seconds: Vec<f64>| seconds.into_iter().map(rounded).collect::<Vec<_>>();
    json!({
        "version": 1,
        "seconds": rounded(heard.seconds),
        "tempo": beats.map(|beats| json!({
            "bpm": rounded(beats.bpm),
            "confidence": rounded(beats.bpm_confidence),
        })),
        "tempo_map": if beats.is_some() { tempo_map.collect() } else { Vec::new() },
        "beats_seconds": beats.map_or_else(Vec::new, |beats| list(beats.seconds.clone())),
        "downbeats_seconds": beats.map_or_else(Vec::new, |beats| list(beats.downbeats().collect())),
        "meter": beats.map(|beats| json!({
            "beats": beats.bar_beats,
            "unit": 4,
            "pickup_beats": head.pickup_beats,
            "confidence": rounded(beats.bar_confidence),
        })),
        "key": found.key.map(|found| json!({
            "name": found.key.name(),
            "tonic": found.key.tonic,
            "mode": if found.key.is_minor { "minor" } else { "major" },
            "fifths": found.key.fifths(),
            "confidence": rounded(found.confidence),
        })),
    })
}

fn note(note: &Note) -> Value {
    json!({
        "start_seconds": rounded(note.start_seconds),
        "end_seconds": rounded(note.end_seconds),
        "pitch": note.pitch,
        "name": pitch_name(note.pitch),
        "velocity": note.velocity,
        "confidence": rounded(f64::from(note.confidence)),
        "bends_semitones": note.bends.iter().map(|bend| (f64::from(*bend) * 100.0).round() / 100.0).collect::<Vec<_>>(),
    })
}

/// A tenth of a millisecond is enough for a file.
fn rounded(number: f64) -> f64 {
    (number * 1e4).round() / 1e4
}
