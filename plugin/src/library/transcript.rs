//! What was said in a clip, read from `transcript.json` with patience: what is missing, of another kind or out of every
//! range is left out. Reads bytes, never files.

use serde_json::Value;
use tributary_protocol::limits::CLIP_SECONDS_MAX;

/// The sheet it is read from.
pub const TRANSCRIPT: &str = "transcript.json";
/// Bytes of a transcript that is read: a day of talk, word by word.
pub const TRANSCRIPT_BYTES_MAX: u64 = 16 << 20;
/// Lines that are kept, and characters of one.
const LINES_MAX: usize = 20_000;
const LINE_CHARS_MAX: usize = 2_000;

/// Everything that was said. Times are seconds from the clip's start.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Transcript {
    /// Its name, or its code where it is a rare one.
    pub language: Option<String>,
    /// How sure it is that this is the language, 0 to 1; none where it was told.
    pub confidence: Option<f32>,
    /// In order of their start.
    pub lines: Vec<Line>,
}

/// What was said at one go.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// Seconds.
    pub start: f64,
    /// Seconds; never before the start.
    pub end: f64,
    /// Without blanks at its ends; never empty.
    pub text: String,
}

impl Transcript {
    /// What these bytes say; nothing at all where they are no JSON.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Self {
        let Ok(value) = serde_json::from_slice::<Value>(bytes) else { return Self::default() };
        let said = value["lines"].as_array().or_else(|| value["segments"].as_array());
        let mut lines: Vec<Line> = said.into_iter().flatten().take(LINES_MAX).filter_map(line).collect();
        lines.sort_by(|one, other| one.start.total_cmp(&other.start));
        let spoken = &value["language"];
        let language =
            spoken["name"].as_str().or_else(|| spoken["code"].as_str()).or_else(|| spoken.as_str());
        let language = language.map(|language| language.chars().take(40).collect());
        let confidence = spoken["confidence"].as_f64().filter(|_| spoken["heard"] != false);
        let confidence = confidence.or_else(|| value["confidence"].as_f64());
        let confidence = confidence.filter(|share| (0.0..=1.0).contains(share));
        Self { language, confidence: confidence.map(|share| share as f32), lines }
    }

    /// All of it, a line a line.
    #[must_use]
    pub fn text(&self) -> String {
        self.lines.iter().map(|line| line.text.as_str()).collect::<Vec<_>>().join("\n")
    }

    /// The line that is being said at this time: the last that began, until it ends.
    #[must_use]
    pub fn at(&self, seconds: f64) -> Option<usize> {
        let begun = self.lines.partition_point(|line| line.start <= seconds);
        begun.checked_sub(1).filter(|last| seconds < self.lines[*last].end)
    }
}

fn line(value: &Value) -> Option<Line> {
    let time =
        |name: &str| value[name].as_f64().filter(|seconds| (0.0..=CLIP_SECONDS_MAX as f64).contains(seconds));
    let start = time("start_seconds")?;
    let text = value["text"].as_str()?.trim();
    let text: String = text.chars().take(LINE_CHARS_MAX).collect();
    (!text.is_empty()).then(|| Line { start, end: time("end_seconds").unwrap_or(start).max(start), text })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_a_server_writes_is_read() {
        let text = br#"{"language":{"code":"en","name":"English","heard":true,"confidence":0.91},"lines":[
            {"start_seconds":3.5,"end_seconds":4,"text":" Two. ","words":[{"text":"Two."}]},
            {"start_seconds":0.25,"end_seconds":3,"text":"One,\u00fc!"}]}"#;
        let said = Transcript::read(text);
        assert_eq!((said.language.as_deref(), said.confidence), (Some("English"), Some(0.91)));
        let told =
            Transcript::read(br#"{"language":{"code":"xx","heard":false,"confidence":0.5},"lines":[]}"#);
        assert_eq!((told.language.as_deref(), told.confidence), (Some("xx"), None));
        assert_eq!(said.text(), "One,\u{fc}!\nTwo.");
        let at = [0.0, 0.25, 2.9, 3.0, 3.5, 9.0].map(|seconds| said.at(seconds));
        assert_eq!(at, [None, Some(0), Some(0), None, Some(1), None]);
    }

    #[test]
    fn nonsense_is_left_out() {
        for text in [
            "",
            "[]",
            r#"{"segments":{"a":1},"language":7,"confidence":7}"#,
            r#"{"lines":{},"language":{"name":7}}"#,
            r#"{"lines":[null,{},{"start_seconds":-1,"text":"x"},{"start_seconds":0,"text":"  "},
                {"start_seconds":1e300,"text":"x"},{"start_seconds":"0","text":"x"}]}"#,
        ] {
            assert_eq!(Transcript::read(text.as_bytes()), Transcript::default(), "{text}");
        }
        let said = Transcript::read(
            br#"{"language":"en","segments":[{"start_seconds":2,"end_seconds":1,"text":"x"}]}"#,
        );
        assert_eq!(
            (said.lines[0].start, said.lines[0].end, said.language.as_deref()),
            (2.0, 2.0, Some("en"))
        );
    }

    proptest! {
        #[test]
        fn no_bytes_at_all_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), at in -9e9..9e9f64) {
            let said = Transcript::read(&bytes);
            let _ = (said.text(), said.at(at));
        }
    }
}
