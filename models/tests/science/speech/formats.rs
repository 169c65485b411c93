//! Every file is read back by a reader that is stricter than the programs that will.

use super::*;

/// `hours:minutes:seconds` with the mark and thousandths, in ms.
fn clock(text: &str, mark: char) -> u64 {
    let (clock, ms) = text.split_once(mark).unwrap_or_else(|| panic!("`{text}` has no {mark}"));
    let parts: Vec<_> = clock.split(':').collect();
    let widths: Vec<_> = parts.iter().map(|part| part.len()).collect();
    assert_eq!((widths, ms.len()), (vec![2, 2, 2], 3), "{text}");
    parts.iter().fold(0, |sum, part| sum * 60 + part.parse::<u64>().unwrap()) * 1000
        + ms.parse::<u64>().unwrap()
}

/// Start and end of a subtitle.
fn range(line: &str, mark: char) -> (u64, u64) {
    let (from, to) = line.split_once(" --> ").unwrap_or_else(|| panic!("`{line}` has no arrow"));
    let (from, to) = (clock(from, mark), clock(to, mark));
    assert!(from < to, "{line}");
    (from, to)
}

/// Times and text of each, rows joined.
fn read_srt(text: &str) -> Vec<(u64, u64, String)> {
    let blocks = text.split_terminator("\n\n");
    blocks
        .enumerate()
        .map(|(i, block)| {
            let mut lines = block.lines();
            assert_eq!(lines.next(), Some((i + 1).to_string().as_str()));
            let (from, to) = range(lines.next().unwrap(), ',');
            let rows: Vec<_> = lines.collect();
            assert!(
                (1..=2).contains(&rows.len()) && rows.iter().all(|row| !row.trim().is_empty()),
                "{block}"
            );
            (from, to, rows.join(" "))
        })
        .collect()
}

/// The same of WebVTT, with the times within.
fn read_vtt(text: &str) -> Vec<(u64, u64, String, Vec<u64>)> {
    let mut blocks = text.split("\n\n");
    assert!(blocks.next().unwrap().starts_with("WEBVTT"));
    blocks
        .map(|block| {
            let mut lines = block.lines();
            let (from, to) = range(lines.next().unwrap(), '.');
            let rows = lines.collect::<Vec<_>>().join(" ");
            let (mut times, mut plain) = (Vec::new(), String::new());
            for piece in rows.split('<') {
                match piece.split_once('>') {
                    Some((time, rest)) => {
                        times.push(clock(time, '.'));
                        plain.push_str(rest);
                    }
                    None => plain.push_str(piece),
                }
            }
            assert!(
                times.is_sorted_by(|a, b| a < b) && times.iter().all(|ms| (from + 1..to).contains(ms)),
                "{block}"
            );
            (from, to, plain, times)
        })
        .collect()
}

#[test]
fn subtitles_are_read_back_with_the_words_and_times_of_the_table() {
    let narrow = Settings::default().with("line_letters", Setting::Number(16.0));
    let sheets = with_model(&sound(60.0, RATE, 1), narrow);
    let words = sheets.words();
    let said: Vec<_> = words.iter().map(|(text, ..)| text.as_str()).collect();
    let srt = read_srt(sheets.text("transcript.srt"));
    let vtt = read_vtt(sheets.text("transcript.vtt"));
    assert_eq!(srt.len(), vtt.len());
    assert!(srt.windows(2).all(|pair| pair[0].1 <= pair[1].0), "{srt:?}");
    let joined = srt.iter().map(|(.., text)| text.as_str()).collect::<Vec<_>>().join(" ");
    assert_eq!(joined.split(' ').collect::<Vec<_>>(), said);
    let ms = |seconds: f64| (seconds * 1000.0).round() as u64;
    let starts: Vec<_> = words.iter().map(|(_, start, _)| ms(*start)).collect();
    for ((from, to, text), (vtt_from, vtt_to, plain, times)) in srt.iter().zip(&vtt) {
        assert_eq!((from, to, text), (vtt_from, vtt_to, plain));
        assert!(starts.contains(from), "{from}");
        assert_eq!(times.len() + 1, text.split(' ').count());
        assert!(times.iter().all(|time| starts.contains(time)), "{times:?}");
    }
    let plain = Settings::default().with("word_times", Setting::Switch(false));
    let sheets = with_model(&sound(5.0, RATE, 1), plain);
    assert!(read_vtt(sheets.text("transcript.vtt")).iter().all(|(.., times)| times.is_empty()));
    assert!(sheets.json()["lines"][0].get("words").is_none());
}

#[test]
fn markers_are_read_back_as_lines_or_as_words() {
    for (settings, texts) in [
        (Settings::default(), vec!["Ask not what your country."]),
        (choice("markers", "words"), vec!["Ask", "not", "what", "your", "country."]),
    ] {
        let sheets = with_model(&sound(10.0, RATE, 1), settings);
        let labels: Vec<Vec<&str>> =
            sheets.text("markers.txt").lines().map(|line| line.split('\t').collect()).collect();
        assert_eq!(labels.iter().map(|label| label[2]).collect::<Vec<_>>(), texts);
        let regions = sheets.text("markers.csv");
        let mut rows = regions.lines();
        assert_eq!(rows.next(), Some("#,Name,Start,End,Length"));
        for (i, (row, label)) in rows.zip(&labels).enumerate() {
            let fields: Vec<_> = row.split(',').collect();
            assert_eq!(fields[..2], [format!("R{}", i + 1), format!("\"{}\"", label[2])], "{row}");
            let seconds = |text: &str| {
                let (minutes, seconds) = text.split_once(':').unwrap();
                minutes.parse::<f64>().unwrap() * 60.0 + seconds.parse::<f64>().unwrap()
            };
            let label = |column: usize| label[column].parse::<f64>().unwrap();
            assert!(
                (seconds(fields[2]) - label(0)).abs() < 1e-3 && (seconds(fields[3]) - label(1)).abs() < 1e-3
            );
            assert!((seconds(fields[4]) - label(1) + label(0)).abs() < 1e-3, "{row}");
        }
        assert_eq!(regions.lines().count(), labels.len() + 1);
    }
}
