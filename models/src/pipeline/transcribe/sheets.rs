//! What was found, as files: MIDI, a score, a table, and everything for programs. Finds nothing itself.

use super::Job;
use super::band::Played;
use super::wishes::Wishes;
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

impl Findings {
    /// The tempo map, and how many beats come before the first whole bar.
    fn map(&self) -> (TimeMap, u8) {
        self.beats.as_ref().map_or_else(|| (TimeMap::steady(BPM_UNKNOWN), 0), Beats::map)
    }

    fn head<'a>(&self, map: &'a TimeMap, pickup_beats: u8, seconds: f64) -> Head<'a> {
        Head {
            map,
            bar_beats: self.beats.as_ref().map_or(BAR_UNKNOWN, |beats| beats.bar_beats),
            pickup_beats,
            key: self.key.map(|key| key.key),
            seconds,
        }
    }

    /// Draws notes to the grid, where that is wished and there is one.
    fn quantize(&self, notes: &mut [Note], map: &TimeMap, wishes: &Wishes) {
        if wishes.quantize > 0.0 && self.beats.is_some() {
            quantize(notes, map, f64::from(wishes.steps_a_beat), wishes.quantize);
        }
    }
}

/// Notes as a track. `channel`: where they are no drums, which have their own.
fn part<'a>(wishes: &Wishes, name: &'a str, channel: u8, notes: &'a [Note]) -> Part<'a> {
    Part {
        name,
        channel: if wishes.drums { DRUM_CHANNEL } else { channel },
        program: (!wishes.drums).then_some(wishes.program),
        notes,
        bends: wishes.bends && !wishes.drums,
    }
}

/// Writes all sheets of a transcription.
pub(super) fn write(
    job: &Job,
    heard: &Listened,
    mut found: Findings,
    sink: &mut dyn ResultSink,
) -> Result<(), ModelError> {
    let (map, pickup_beats) = found.map();
    let wishes = &job.wishes;
    let mut notes = std::mem::take(&mut found.notes);
    found.quantize(&mut notes, &map, wishes);
    let head = found.head(&map, pickup_beats, heard.seconds);
    let list = ("notes", notes.iter().map(|note| (note, None)).collect());
    let analysis = analysis(head, heard, &found, &[list]);
    if !job.notes {
        sink.sheet(0, &midi(head, &[]))?;
        sink.sheet(1, analysis.as_bytes())?;
        return Ok(());
    }
    let part = part(wishes, if wishes.drums { "Drums" } else { "Notes" }, 0, &notes);
    let page = Page { part: part.name, steps_a_beat: wishes.steps_a_beat, is_drums: wishes.drums };
    sink.sheet(0, &midi(head, &[part]))?;
    sink.sheet(1, musicxml(head, page, &notes).as_bytes())?;
    sink.sheet(2, csv(&notes).as_bytes())?;
    sink.sheet(3, analysis.as_bytes())?;
    Ok(())
}

/// Names of a band's sheets, in the order they are written in.
pub(super) fn band_names(stems: &[String]) -> Vec<String> {
    let theirs = stems.iter().flat_map(|stem| [format!("{stem}.mid"), format!("{stem}.musicxml")]);
    ["notes.mid".to_owned()].into_iter().chain(theirs).chain(["analysis.json".to_owned()]).collect()
}

/// Writes all sheets of a band: its notes in one file with a track for each stem, and each stem's alone; all by the
/// conductor's tempo map.
pub(super) fn write_band(
    job: &Job,
    heard: &Listened,
    found: &Findings,
    mut band: Vec<Played>,
    sink: &mut dyn ResultSink,
) -> Result<(), ModelError> {
    let (map, pickup_beats) = found.map();
    band.iter_mut().for_each(|played| found.quantize(&mut played.notes, &map, &job.wishes));
    let head = found.head(&map, pickup_beats, heard.seconds);
    // A channel each: bends and programs are a channel's. With more than there are, some are shared.
    let mut channels = (0..16).filter(|channel| *channel != DRUM_CHANNEL).cycle();
    let parts = band.iter().map(|Played { stem, wishes, notes }| {
        let channel = if wishes.drums { DRUM_CHANNEL } else { channels.next().unwrap_or(0) };
        part(wishes, stem, channel, notes)
    });
    let parts: Vec<Part<'_>> = parts.collect();
    sink.sheet(0, &midi(head, &parts))?;
    for (i, (part, played)) in parts.iter().zip(&band).enumerate() {
        let is_drums = played.wishes.drums;
        let page = Page { part: part.name, steps_a_beat: job.wishes.steps_a_beat, is_drums };
        sink.sheet(1 + 2 * i, &midi(head, &[*part]))?;
        sink.sheet(2 + 2 * i, musicxml(head, page, part.notes).as_bytes())?;
    }
    // Drums have no pitch to draw or to play beside the others.
    let list = |drums: bool| {
        let those = band.iter().filter(|played| played.wishes.drums == drums);
        let mut notes: Vec<_> =
            those.flat_map(|played| played.notes.iter().map(|note| (note, Some(&*played.stem)))).collect();
        notes.sort_by(|(a, _), (b, _)| a.start_seconds.total_cmp(&b.start_seconds));
        notes
    };
    let lists = [("notes", list(false)), ("drum_notes", list(true))];
    sink.sheet(1 + 2 * band.len(), analysis(head, heard, found, &lists).as_bytes())?;
    Ok(())
}

/// Notes, each with its stem where there are several.
type List<'a> = (&'static str, Vec<(&'a Note, Option<&'a str>)>);

/// Everything, for the piano roll and for programs. Notes become text one by one: as a tree, those of an hour and their
/// bends take 180 MB.
fn analysis(head: Head<'_>, heard: &Listened, found: &Findings, lists: &[List<'_>]) -> String {
    let mut text = piece(head, heard, found).to_string();
    text.truncate(text.rfind('}').expect("an object ends with a brace"));
    for (name, notes) in lists {
        text.push_str(&format!(",\"{name}\":["));
        for (i, (found, stem)) in notes.iter().enumerate() {
            if i > 0 {
                text.push(',');
            }
            let mut found = note(found);
            if let Some(stem) = stem {
                found["stem"] = json!(stem);
            }
            text.push_str(&found.to_string());
        }
        text.push(']');
    }
    text.push('}');
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
