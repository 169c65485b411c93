//! What was said, as files. Hears nothing itself.

use super::languages::name;
use super::lines::{Said, lines, paragraphs, probability, seconds, text};
use super::subtitles::{srt, subtitles, vtt};
use super::wish::Wish;
use crate::ModelError;
use crate::pipeline::ResultSink;
use crate::session::whisper::Language;
use serde_json::{Value, json};

/// Names of the sheets, in the order they are written in.
pub(super) const NAMES: [&str; 6] =
    ["transcript.txt", "transcript.srt", "transcript.vtt", "markers.txt", "markers.csv", "transcript.json"];

/// What was said in a clip.
pub(super) struct Transcript {
    pub(super) seconds: f64,
    /// What is spoken, and how sure the network is of it; none where nobody spoke.
    pub(super) language: Option<(Language, f32)>,
    /// By start.
    pub(super) words: Vec<Said>,
}

/// Writes all sheets.
pub(super) fn write(
    transcript: &Transcript,
    wish: &Wish,
    sink: &mut dyn ResultSink,
) -> Result<(), ModelError> {
    let lines = lines(&transcript.words);
    let shown = subtitles(&lines, wish.line_letters);
    // What is written is English then, whatever was spoken.
    let spoken = transcript.language.map(|(language, _)| language.code());
    let written = spoken.map(|code| if wish.translate { "en" } else { code });
    let marked: Vec<&[Said]> =
        if wish.word_markers { transcript.words.chunks(1).collect() } else { lines.clone() };
    let sheets = [
        paragraphs(&lines),
        srt(&shown),
        vtt(&shown, written, wish.word_times),
        labels(&marked),
        regions(&marked),
        json(transcript, &lines, wish),
    ];
    for (i, sheet) in sheets.iter().enumerate() {
        sink.sheet(i, sheet.as_bytes())?;
    }
    Ok(())
}

/// Audacity's label track: start and end in seconds and the text, parted by tabs.
fn labels(marked: &[&[Said]]) -> String {
    let label = |words: &&[Said]| {
        let (start, end) = seconds(words);
        format!("{start:.6}\t{end:.6}\t{}\n", text(words))
    };
    marked.iter().map(label).collect()
}

/// The table that REAPER's region manager reads.
fn regions(marked: &[&[Said]]) -> String {
    let region = |(i, words): (usize, &&[Said])| {
        let (start, end) = seconds(words);
        let name = text(words).replace('"', "\"\"");
        format!("R{},\"{name}\",{},{},{}\n", i + 1, minutes(start), minutes(end), minutes(end - start))
    };
    let regions: String = marked.iter().enumerate().map(region).collect();
    format!("#,Name,Start,End,Length\n{regions}")
}

/// `minutes:seconds.thousandths`.
fn minutes(seconds: f64) -> String {
    let ms = (seconds.max(0.0) * 1000.0).round() as u64;
    format!("{}:{:02}.{:03}", ms / 60_000, ms / 1000 % 60, ms % 1000)
}

/// Everything, for programs. Lines become text one by one: as a tree, those of hours would be larger than all else.
fn json(transcript: &Transcript, lines: &[&[Said]], wish: &Wish) -> String {
    let head = json!({
        "version": 1,
        "seconds": rounded(transcript.seconds),
        "language": transcript.language.map(|(language, confidence)| json!({
            "code": language.code(),
            "name": name(language.code()),
            "heard": wish.language.is_none(),
            "confidence": rounded(f64::from(confidence)),
        })),
        "translated": wish.translate,
    });
    let mut out = head.to_string();
    out.truncate(out.rfind('}').expect("an object ends with a brace"));
    out.push_str(",\"lines\":[");
    for (i, words) in lines.iter().enumerate() {
        if i > 0 {
            out.push(',');
        }
        out.push_str(&line(words, wish.word_times).to_string());
    }
    out.push_str("]}");
    out
}

fn line(words: &[Said], word_times: bool) -> Value {
    let (start, end) = seconds(words);
    let mut line = json!({
        "start_seconds": rounded(start),
        "end_seconds": rounded(end),
        "text": text(words),
        "probability": rounded(probability(words)),
    });
    if word_times {
        let word = |word: &Said| {
            json!({
                "start_seconds": rounded(word.start_seconds),
                "end_seconds": rounded(word.end_seconds),
                "text": word.text.trim(),
                "probability": rounded(f64::from(word.probability)),
            })
        };
        line["words"] = words.iter().map(word).collect();
    }
    line
}

/// A thousandth is enough for a file.
fn rounded(number: f64) -> f64 {
    (number * 1e3).round() / 1e3
}

#[cfg(test)]
mod tests {
    use super::super::lines::tests::said;
    use super::*;

    #[test]
    fn markers_are_what_editors_import() {
        let words = said("He said \"no\". | Then left.");
        let lines = lines(&words);
        assert_eq!(labels(&lines), "0.000000\t1.500000\tHe said \"no\".\n2.500000\t3.500000\tThen left.\n");
        assert_eq!(
            regions(&lines),
            "#,Name,Start,End,Length\nR1,\"He said \"\"no\"\".\",0:00.000,0:01.500,0:01.500\n\
             R2,\"Then left.\",0:02.500,0:03.500,0:01.000\n"
        );
        assert_eq!(minutes(3_601.5), "60:01.500");
        assert_eq!(regions(&[]), "#,Name,Start,End,Length\n");
    }
}
