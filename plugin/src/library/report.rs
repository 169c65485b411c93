//! What was measured before and after a job, read from `report.json` with patience. Reads bytes, never files.

use serde_json::Value;

/// The sheet it is read from.
pub const REPORT: &str = "report.json";
/// Bytes of a report that is read.
pub const REPORT_BYTES_MAX: u64 = 4 << 20;
/// Points of a curve, notes for people, and characters of one.
const POINTS_MAX: usize = 2_000;
const NOTES_MAX: usize = 16;
const NOTE_CHARS_MAX: usize = 300;

/// All figures of a report.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    /// Of the clip.
    pub before: Figures,
    /// Of the result.
    pub after: Figures,
    /// What the equaliser does, by rising frequency; empty where there is none.
    pub curve: Vec<CurvePoint>,
    /// By how much noise was lowered, dB.
    pub reduction_db: Option<f64>,
    /// The most that the limiter turned down, dB.
    pub limited_db: Option<f64>,
    /// What did not come out as asked, for people.
    pub notes: Vec<String>,
}

/// Of one sound; none where there was nothing to be measured.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Figures {
    /// BS.1770.
    pub integrated_lufs: Option<f64>,
    /// EBU Tech 3342.
    pub range_lu: Option<f64>,
    /// dBTP.
    pub true_peak_dbtp: Option<f64>,
    /// Highest sample, dBFS.
    pub sample_peak_dbfs: Option<f64>,
    /// Mean level over everything, dBFS.
    pub rms_dbfs: Option<f64>,
    /// Peak over mean level, dB.
    pub crest_db: Option<f64>,
}

/// A point of the equaliser's curves.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CurvePoint {
    /// Hz, above 0.
    pub hz: f64,
    /// Gain of the middle.
    pub mid_db: f64,
    /// Gain of the sides; none where they have the middle's.
    pub side_db: Option<f64>,
}

impl Report {
    /// What was measured, as people call it, with its unit, before and after. What was measured on neither is left out.
    #[must_use]
    pub fn figures(&self) -> Vec<(&'static str, &'static str, Option<f64>, Option<f64>)> {
        let named = |of: &Figures| {
            [
                ("Loudness", "LUFS", of.integrated_lufs),
                ("True peak", "dBTP", of.true_peak_dbtp),
                ("Sample peak", "dBFS", of.sample_peak_dbfs),
                ("Loudness range", "LU", of.range_lu),
                ("Mean level", "dBFS", of.rms_dbfs),
                ("Crest", "dB", of.crest_db),
            ]
        };
        let pairs = named(&self.before).into_iter().zip(named(&self.after));
        let both = pairs.map(|((name, unit, before), (_, _, after))| (name, unit, before, after));
        both.filter(|(_, _, before, after)| before.or(*after).is_some()).collect()
    }

    /// What these bytes say; nothing where they are no JSON.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Self {
        let Ok(value) = serde_json::from_slice::<Value>(bytes) else { return Self::default() };
        let array = |name: &str| value[name].as_array().into_iter().flatten();
        let mut curve: Vec<CurvePoint> = array("eq").take(POINTS_MAX).filter_map(point).collect();
        curve.sort_by(|one, other| one.hz.total_cmp(&other.hz));
        let notes = array("notes").filter_map(Value::as_str).take(NOTES_MAX);
        Self {
            before: figures(&value["before"]),
            after: figures(&value["after"]),
            curve,
            reduction_db: number(&value["mean_reduction_db"]),
            limited_db: number(&value["gain_reduction_db"]),
            notes: notes.map(|note| note.chars().take(NOTE_CHARS_MAX).collect()).collect(),
        }
    }
}

fn figures(value: &Value) -> Figures {
    Figures {
        integrated_lufs: number(&value["integrated_lufs"]),
        range_lu: number(&value["range_lu"]),
        true_peak_dbtp: number(&value["true_peak_dbtp"]),
        sample_peak_dbfs: number(&value["sample_peak_dbfs"]),
        rms_dbfs: number(&value["rms_dbfs"]),
        crest_db: number(&value["crest_db"]),
    }
}

fn point(value: &Value) -> Option<CurvePoint> {
    let hz = number(&value["hz"]).filter(|hz| *hz > 0.0)?;
    Some(CurvePoint { hz, mid_db: number(&value["mid_db"])?, side_db: number(&value["side_db"]) })
}

/// As far as it makes sense for anything that is measured here.
fn number(value: &Value) -> Option<f64> {
    value.as_f64().filter(|number| number.abs() < 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_and_curves_are_read_and_nonsense_is_left_out() {
        let text = br#"{"before":{"integrated_lufs":-20.5,"range_lu":7,"true_peak_dbtp":null},
            "after":{"integrated_lufs":-14.0,"true_peak_dbtp":-1.0},"gain_reduction_db":3.2,
            "eq":[{"hz":1000,"mid_db":1,"side_db":2},{"hz":20,"mid_db":-1},{"hz":-1,"mid_db":3},7],
            "notes":["a note", 7]}"#;
        let report = Report::read(text);
        assert_eq!((report.before.integrated_lufs, report.before.true_peak_dbtp), (Some(-20.5), None));
        assert_eq!((report.curve.len(), report.curve[0].hz, report.curve[0].side_db), (2, 20.0, None));
        assert_eq!((report.notes.len(), report.limited_db), (1, Some(3.2)));
        for text in ["", "7", "[]", r#"{"before":7,"eq":{},"notes":"x"}"#, r#"{"after":{"range_lu":"wide"}}"#]
        {
            assert_eq!(Report::read(text.as_bytes()), Report::default(), "{text}");
        }
    }
}
