//! What a transcription says of a clip: notes, beats, tempo, metre, key. Read from `analysis.json` with patience: what is
//! missing, of another kind or out of every range is left out. Reads bytes, never files.

use serde_json::Value;
use std::ops::Range;
use tributary_protocol::limits::CLIP_SECONDS_MAX;

/// The sheet it is read from.
pub const ANALYSIS: &str = "analysis.json";
/// Bytes of an analysis that is read: many hours of notes.
pub const ANALYSIS_BYTES_MAX: u64 = 32 << 20;
/// Notes and beats that are kept.
const NOTES_MAX: usize = 300_000;
const BEATS_MAX: usize = 300_000;
/// Bends of one note.
const BENDS_MAX: usize = 4_096;
/// Tracks that are told apart, and characters of a track's name.
const TRACKS_MAX: usize = 16;
const TRACK_CHARS_MAX: usize = 40;

/// Everything that was heard in a clip. Times are seconds from its start.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Music {
    /// Beats a minute, and how sure that is, 0 to 1.
    pub tempo: Option<(f64, Option<f64>)>,
    /// Beats of a bar and their note value.
    pub meter: Option<(u32, u32)>,
    /// `G major`, and how sure that is, 0 to 1.
    pub key: Option<(String, Option<f64>)>,
    /// Every beat, in order.
    pub beats: Vec<f64>,
    /// Those a bar begins with, in order.
    pub downbeats: Vec<f64>,
    /// Names of the stems that notes were heard in, in the order of their first note; empty where all are of one.
    pub tracks: Vec<String>,
    /// By start.
    pub notes: Vec<Note>,
    /// The longest note, in seconds.
    pub longest: f64,
}

/// One note.
#[derive(Clone, Debug, PartialEq)]
pub struct Note {
    /// Seconds.
    pub start: f64,
    /// Seconds; never before the start.
    pub end: f64,
    /// MIDI's number, 0 to 127.
    pub pitch: u8,
    /// 1 to 127.
    pub velocity: u8,
    /// 0 to 1.
    pub confidence: f32,
    /// Semitones off the pitch, evenly over the note; empty for none.
    pub bends: Vec<f32>,
    /// Which of [`Music::tracks`], where there are any.
    pub track: usize,
}

impl Music {
    /// What these bytes say; nothing at all where they are no JSON.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Self {
        let Ok(value) = serde_json::from_slice::<Value>(bytes) else { return Self::default() };
        let mut tracks = Vec::new();
        let notes = list(&value, &["notes"]).take(NOTES_MAX);
        let mut notes: Vec<Note> = notes.filter_map(|value| note(value, &mut tracks)).collect();
        notes.sort_by(|one, other| one.start.total_cmp(&other.start));
        let longest = notes.iter().map(|note| note.end - note.start).fold(0.0, f64::max);
        let tempo = &value["tempo"];
        let bpm = number(&value["tempo_bpm"]).or_else(|| number(&tempo["bpm"])).or_else(|| number(tempo));
        let sure = share(&value["tempo_confidence"]).or_else(|| share(&tempo["confidence"]));
        let meter = &value["meter"];
        let beats = whole(&meter["beats"]).or_else(|| whole(meter));
        let key = &value["key"];
        let name = key["name"].as_str().or_else(|| key.as_str());
        Self {
            tempo: bpm.filter(|bpm| (1.0..=1_000.0).contains(bpm)).map(|bpm| (bpm, sure)),
            meter: beats.map(|beats| (beats, whole(&meter["unit"]).unwrap_or(4))),
            key: name.map(|name| (name.chars().take(40).collect(), share(&key["confidence"]))),
            beats: times(&value, &["beats_seconds", "beats_s"]),
            downbeats: times(&value, &["downbeats_seconds", "downbeats_s"]),
            tracks,
            notes,
            longest,
        }
    }

    /// Some of its notes alone, without beats: what is heard of a selection. Numbers that no note has are left out.
    #[must_use]
    pub fn only(&self, picked: &[u32]) -> Self {
        let notes = picked.iter().filter_map(|number| self.notes.get(usize::try_from(*number).ok()?));
        let mut notes: Vec<Note> = notes.cloned().collect();
        notes.sort_by(|one, other| one.start.total_cmp(&other.start));
        Self { notes, longest: self.longest, tracks: self.tracks.clone(), ..Self::default() }
    }

    /// The name of a note's track, where there are several.
    #[must_use]
    pub fn track(&self, note: &Note) -> Option<&str> {
        self.tracks.get(note.track).map(String::as_str)
    }

    /// `104.0 bpm, 4/4, G major (87 %)`, as far as it is known.
    #[must_use]
    pub fn line(&self) -> String {
        let tempo = self.tempo.map(|(bpm, _)| format!("{bpm:.1} bpm"));
        let meter = self.meter.map(|(beats, unit)| format!("{beats}/{unit}"));
        let key = self.key.as_ref().map(|(name, sure)| match sure {
            Some(sure) => format!("{name} ({:.0} %)", sure * 100.0),
            None => name.clone(),
        });
        tempo.into_iter().chain(meter).chain(key).collect::<Vec<_>>().join(", ")
    }

    /// Lowest and highest pitch; none without a note.
    #[must_use]
    pub fn pitches(&self) -> Option<(u8, u8)> {
        let pitches = || self.notes.iter().map(|note| note.pitch);
        Some((pitches().min()?, pitches().max()?))
    }

    /// Numbers of the notes that sound at some moment from `from` to `to`, and of a few before.
    #[must_use]
    pub fn between(&self, from: f64, to: f64) -> Range<usize> {
        let first = self.notes.partition_point(|note| note.start < from - self.longest);
        first..self.notes.partition_point(|note| note.start <= to).max(first)
    }
}

fn list<'a>(value: &'a Value, names: &[&str]) -> impl Iterator<Item = &'a Value> + use<'a> {
    names.iter().find_map(|name| value[*name].as_array()).into_iter().flatten()
}

fn note(value: &Value, tracks: &mut Vec<String>) -> Option<Note> {
    let start = time(&value["start_seconds"]).or_else(|| time(&value["start_s"]))?;
    let end = time(&value["end_seconds"]).or_else(|| time(&value["end_s"]))?;
    let pitch = number(&value["pitch"]).filter(|pitch| (0.0..=127.0).contains(pitch))?;
    let velocity = number(&value["velocity"]).unwrap_or(90.0);
    // Where velocity is a share of the loudest, it is one of MIDI's all the same.
    let velocity = if velocity > 0.0 && velocity < 1.0 { velocity * 127.0 } else { velocity };
    let bends = list(value, &["bends_semitones", "bends"]).take(BENDS_MAX);
    let bends = bends.map(|bend| number(bend).unwrap_or(0.0).clamp(-24.0, 24.0) as f32);
    Some(Note {
        start,
        end: end.max(start),
        pitch: pitch.round() as u8,
        velocity: velocity.round().clamp(1.0, 127.0) as u8,
        confidence: share(&value["confidence"]).unwrap_or(1.0) as f32,
        bends: bends.collect(),
        track: track(value, tracks),
    })
}

/// Which track the note is of; a new name is a new track, as long as there is room.
fn track(value: &Value, tracks: &mut Vec<String>) -> usize {
    let Some(name) = value["stem"].as_str().or_else(|| value["track"].as_str()) else { return 0 };
    let name: String = name.chars().take(TRACK_CHARS_MAX).collect();
    if let Some(known) = tracks.iter().position(|known| *known == name) {
        return known;
    }
    if tracks.len() < TRACKS_MAX {
        tracks.push(name);
    }
    tracks.len() - 1
}

fn times(value: &Value, names: &[&str]) -> Vec<f64> {
    let mut times: Vec<f64> = list(value, names).take(BEATS_MAX).filter_map(time).collect();
    times.sort_by(f64::total_cmp);
    times
}

fn number(value: &Value) -> Option<f64> {
    value.as_f64().filter(|number| number.is_finite())
}

fn share(value: &Value) -> Option<f64> {
    number(value).map(|share| share.clamp(0.0, 1.0))
}

fn time(value: &Value) -> Option<f64> {
    number(value).filter(|seconds| (0.0..=CLIP_SECONDS_MAX as f64).contains(seconds))
}

fn whole(value: &Value) -> Option<u32> {
    number(value).filter(|number| (1.0..=64.0).contains(number)).map(|number| number.round() as u32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_a_server_writes_is_read() {
        let text = br#"{"version":1,"seconds":12.0,"tempo":{"bpm":104.0,"confidence":0.93},
            "beats_seconds":[0.5,1.08],"downbeats_seconds":[0.5],"meter":{"beats":4,"unit":4},
            "key":{"name":"G major","confidence":0.87},
            "notes":[{"start_seconds":2,"end_seconds":1,"pitch":60,"velocity":90,"confidence":0.5},
                     {"start_seconds":0.5,"end_seconds":1,"pitch":67,"velocity":0.5,"bends_semitones":[0.1]}]}"#;
        let music = Music::read(text);
        assert_eq!(music.line(), "104.0 bpm, 4/4, G major (87 %)");
        assert_eq!((music.beats.len(), music.downbeats.len(), music.pitches()), (2, 1, Some((60, 67))));
        assert_eq!((music.notes[0].pitch, music.notes[0].velocity), (67, 64));
        assert!(music.notes[1].end >= music.notes[1].start);
        let short = br#"{"tempo_bpm":90,"meter":{"beats":3},"key":{"name":"A minor"},"beats_s":[1],
            "notes":[{"start_s":0,"end_s":1,"pitch":40,"velocity":80,"confidence":1,"bends":[0,1]}]}"#;
        let music = Music::read(short);
        assert_eq!(music.line(), "90.0 bpm, 3/4, A minor");
        assert_eq!((music.notes.len(), music.beats.len()), (1, 1));
    }

    #[test]
    fn notes_of_several_stems_have_their_tracks_and_some_of_them_can_be_picked() {
        let text = br#"{"notes":[
            {"start_seconds":1,"end_seconds":2,"pitch":60,"stem":"vocals"},
            {"start_seconds":0,"end_seconds":1,"pitch":36,"stem":"drums"},
            {"start_seconds":2,"end_seconds":3,"pitch":62,"stem":"vocals"}],"beats_seconds":[0]}"#;
        let music = Music::read(text);
        assert_eq!(music.tracks, ["vocals", "drums"]);
        let tracks: Vec<_> = music.notes.iter().map(|note| music.track(note)).collect();
        assert_eq!(tracks, [Some("drums"), Some("vocals"), Some("vocals")]);
        let some = music.only(&[2, 0, 99]);
        let pitches: Vec<_> = some.notes.iter().map(|note| note.pitch).collect();
        assert_eq!((pitches, some.beats.len()), (vec![36, 62], 0));
        let many: String = (0..99)
            .map(|index| format!(r#"{{"start_s":0,"end_s":1,"pitch":1,"stem":"{index}"}},"#))
            .collect();
        let music = Music::read(format!(r#"{{"notes":[{many}null]}}"#).as_bytes());
        assert_eq!((music.tracks.len(), music.notes.len(), music.notes[98].track), (16, 99, 15));
    }

    #[test]
    fn nonsense_is_left_out() {
        for text in [
            "",
            "7",
            "[]",
            "null",
            "{}",
            r#"{"notes":7,"beats_seconds":{"a":1},"key":[],"meter":"x","tempo":{"bpm":"fast"}}"#,
            r#"{"notes":[null,7,{},{"start_seconds":-1,"end_seconds":1,"pitch":60},
                {"start_seconds":0,"end_seconds":1e300,"pitch":60},{"start_seconds":0,"end_seconds":1,"pitch":900}]}"#,
            r#"{"tempo_bpm":1e308,"meter":{"beats":0},"beats_s":[null,"a",-4,1e99]}"#,
        ] {
            assert_eq!(Music::read(text.as_bytes()), Music::default(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_at_all_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), at in -9e9..9e9f64) {
            let music = Music::read(&bytes);
            let _ = (music.line(), music.pitches(), music.between(at, at + 1.0).len());
        }
    }
}
