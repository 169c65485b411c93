//! What a sheet says, for people: tempo and notes of a transcription, levels and curve of a master. A sheet of a kind
//! that is not known here is only named.

use super::curve::Point;
use super::roll::Note;
use anyhow::Context;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

/// A sheet larger than this is linked to and not read: what an hour of music gives.
const READ_BYTES_MAX: u64 = 64 << 20;

/// One sheet.
#[derive(Clone, Debug, Serialize)]
pub struct SheetFigures {
    /// `notes.mid` for `song - notes.mid`.
    pub name: String,
    /// The file.
    pub file: PathBuf,
    /// What it says, a line each: "tempo" and "104.0 bpm".
    pub facts: Vec<(String, String)>,
    /// Notes to draw; none in most sheets.
    #[serde(skip)]
    pub notes: Vec<Note>,
    /// Length of the clip that the notes are of, seconds.
    #[serde(skip)]
    pub seconds: f64,
    /// An equaliser's curves to draw, middle and side; none in most sheets.
    #[serde(skip)]
    pub curve: Vec<Point>,
}

/// `analysis.json` of a transcription, as far as it is shown.
#[derive(Deserialize)]
struct Analysis {
    seconds: f64,
    /// What tells it from other sheets.
    #[serde(rename = "beats_seconds")]
    _beats_seconds: Vec<f64>,
    tempo: Option<Tempo>,
    meter: Option<Meter>,
    key: Option<Key>,
    #[serde(default)]
    notes: Vec<Note>,
}

#[derive(Deserialize)]
struct Tempo {
    bpm: f64,
    confidence: f64,
}

#[derive(Deserialize)]
struct Meter {
    beats: u32,
    unit: u32,
    confidence: f64,
}

#[derive(Deserialize)]
struct Key {
    name: String,
    confidence: f64,
}

impl SheetFigures {
    /// Reads what is known of the sheet.
    ///
    /// # Errors
    /// A file that cannot be read, or a JSON sheet that is none.
    pub fn of(path: &Path) -> anyhow::Result<Self> {
        let shown = path.display();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let name = name.rsplit(" - ").next().unwrap_or(&name).to_owned();
        let mut figures = Self {
            name,
            file: path.to_owned(),
            facts: Vec::new(),
            notes: Vec::new(),
            seconds: 0.0,
            curve: Vec::new(),
        };
        let bytes = fs::metadata(path).with_context(|| format!("read {shown}"))?.len();
        if path.extension().is_none_or(|ending| ending != "json") || bytes > READ_BYTES_MAX {
            return Ok(figures);
        }
        let text = fs::read_to_string(path).with_context(|| format!("read {shown}"))?;
        let value: Value = serde_json::from_str(&text).with_context(|| format!("{shown} is no JSON"))?;
        if let Ok(analysis) = Analysis::deserialize(&value) {
            figures.tell_music(analysis);
        } else {
            figures.tell_levels(&value);
        }
        Ok(figures)
    }

    fn tell_music(&mut self, analysis: Analysis) {
        let Analysis { seconds, tempo, meter, key, notes, .. } = analysis;
        let sure = |confidence: f64| format!("{:.0} % sure", 100.0 * confidence);
        let tempo = tempo.map(|tempo| format!("{:.1} bpm, {}", tempo.bpm, sure(tempo.confidence)));
        let meter = meter.map(|m| format!("{}/{}, {}", m.beats, m.unit, sure(m.confidence)));
        let key = key.map(|key| format!("{}, {}", key.name, sure(key.confidence)));
        for (name, fact) in [("tempo", tempo), ("metre", meter), ("key", key)] {
            self.facts.push((name.to_owned(), fact.unwrap_or_else(|| "not found".to_owned())));
        }
        if !notes.is_empty() {
            self.facts.push(("notes".to_owned(), notes.len().to_string()));
        }
        (self.notes, self.seconds) = (notes, seconds);
    }

    /// Levels before and after, as mastering and enhancement report them.
    fn tell_levels(&mut self, value: &Value) {
        const LEVELS: [(&str, &str, &str); 6] = [
            ("integrated_lufs", "loudness", "LUFS"),
            ("range_lu", "loudness range", "LU"),
            ("true_peak_dbtp", "true peak", "dBTP"),
            ("sample_peak_dbfs", "sample peak", "dBFS"),
            ("rms_dbfs", "RMS", "dBFS"),
            ("crest_db", "crest factor", "dB"),
        ];
        for (key, name, unit) in LEVELS {
            if let (Some(before), Some(after)) = (value["before"][key].as_f64(), value["after"][key].as_f64())
            {
                self.facts.push((name.to_owned(), format!("{before:.1} to {after:.1} {unit}")));
            }
        }
        for (key, name) in
            [("mean_reduction_db", "taken away on average"), ("gain_reduction_db", "most the limiter took")]
        {
            if let Some(db) = value[key].as_f64() {
                self.facts.push((name.to_owned(), format!("{db:.1} dB")));
            }
        }
        for note in value["notes"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            self.facts.push(("note".to_owned(), note.to_owned()));
        }
        self.curve = Vec::deserialize(&value["eq"]).unwrap_or_default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(name: &str, text: &str) -> SheetFigures {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        SheetFigures::of(&path).unwrap()
    }

    #[test]
    fn an_analysis_tells_tempo_and_notes_and_what_was_not_found() {
        let figures = told(
            "song - analysis.json",
            r#"{"seconds":2,"beats_seconds":[],"tempo":{"bpm":104,"confidence":0.9},"meter":null,"key":null,
                "notes":[{"start_seconds":0,"end_seconds":1,"pitch":60,"confidence":0.5}]}"#,
        );
        let facts: Vec<_> = figures.facts.iter().map(|(name, fact)| format!("{name} {fact}")).collect();
        assert_eq!(facts, ["tempo 104.0 bpm, 90 % sure", "metre not found", "key not found", "notes 1"]);
        assert_eq!((figures.notes.len(), &*figures.name), (1, "analysis.json"));
    }

    #[test]
    fn a_master_tells_levels_and_its_curve() {
        let figures = told(
            "report.json",
            r#"{"seconds":9,"before":{"integrated_lufs":-20.04,"range_lu":null},"after":{"integrated_lufs":-14,"range_lu":3},
                "notes":["loud"],"eq":[{"hz":20,"mid_db":1,"side_db":0}]}"#,
        );
        assert_eq!(figures.facts[0], ("loudness".to_owned(), "-20.0 to -14.0 LUFS".to_owned()));
        assert_eq!((figures.facts.len(), figures.curve.len()), (2, 1));
    }

    #[test]
    fn other_sheets_are_named_and_broken_ones_refused() {
        assert!(told("x - notes.mid", "MThd").facts.is_empty());
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("broken.json");
        fs::write(&path, "{").unwrap();
        assert!(SheetFigures::of(&path).is_err());
    }
}
