//! The page itself: figures and drawings as one HTML text. Needs no network and no other file but the sounds.

use super::figures::{EXACT_DB, SoundFigures, StemFigures};
use super::spectrogram::BOTTOM_HZ;
use super::waveform::{HEIGHT, WIDTH};
use super::{Drawing, ReportSummary};
use std::fmt::Write;

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");
/// Tints in the style sheet; further stems begin again at the first.
const TINTS: usize = 6;
/// Frequencies named beside a spectrogram.
const HERTZ: [(f64, &str); 6] =
    [(50.0, "50 Hz"), (200.0, "200"), (1_000.0, "1 kHz"), (3_000.0, "3"), (8_000.0, "8"), (16_000.0, "16")];

/// The whole page. `drawings`: the mixture's first, then one a stem.
#[must_use]
pub fn html(summary: &ReportSummary, drawings: &[Drawing], notes: &[String]) -> String {
    let title = escaped(&summary.mixture.name);
    let notes: String = notes.iter().map(|note| format!("<li>{}</li>", escaped(note))).collect();
    let mut sections = String::new();
    for (index, drawing) in drawings.iter().enumerate() {
        let (sound, class) = match index.checked_sub(1) {
            None => (&summary.mixture, "mixture".to_owned()),
            Some(stem) => (&summary.stems[stem].sound, tint(stem)),
        };
        sections.push_str(&section(sound, drawing, &class));
    }
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>{title}: stems</title>\n\
         <style>\n{STYLE}</style></head>\n<body>\n<h1>{title}</h1>\n<p class=\"facts\">{}</p>\n\
         <ul class=\"notes\">{notes}</ul>\n{}\n{sections}\
         <footer>Click a picture to listen from there; start another player to hear it at the same place. \
         Outlines share the mixture's scale. Colours: -96 to -12 dB of a full-scale sine.</footer>\n\
         <script>\n{SCRIPT}</script>\n</body></html>\n",
        facts(summary),
        table(summary),
    )
}

fn facts(summary: &ReportSummary) -> String {
    let sound = &summary.mixture;
    let channels = match sound.channels {
        1 => "mono".to_owned(),
        2 => "stereo".to_owned(),
        more => format!("{more} channels"),
    };
    let seconds = sound.seconds;
    let length = if seconds < 60.0 {
        format!("{seconds:.1} s")
    } else {
        format!("{}:{:04.1} min", (seconds / 60.0).floor(), seconds % 60.0)
    };
    let sum = match summary.sum_residual_db {
        exact if exact <= -EXACT_DB => "exactly".to_owned(),
        residual => format!("but for {residual:.1} dB"),
    };
    format!("{length} · {} Hz · {channels} · the stems sum to the mixture {sum}", sound.rate_hz)
}

fn table(summary: &ReportSummary) -> String {
    let judged = summary.stems.iter().any(|stem| stem.sdr_db.is_some());
    let more = if judged { "<th>SDR</th><th>gain over the mixture</th>" } else { "" };
    let blank = if judged { "<td></td><td></td>" } else { "" };
    let mut rows = row(&summary.mixture, "mixture", "mixture", blank);
    for (index, stem) in summary.stems.iter().enumerate() {
        let judged = if judged { verdict(stem) } else { String::new() };
        rows.push_str(&row(&stem.sound, &stem.sound.name, &tint(index), &judged));
    }
    format!("<table><tr><th></th><th>loudness</th><th>true peak</th>{more}</tr>\n{rows}</table>")
}

fn row(sound: &SoundFigures, name: &str, class: &str, more: &str) -> String {
    let loudness = sound.lufs.map_or("silent".to_owned(), |lufs| format!("{lufs:.1} LUFS"));
    let peak = sound.true_peak_dbtp.map_or("-".to_owned(), |peak| format!("{peak:.1} dBTP"));
    format!(
        "<tr class=\"{class}\"><td class=\"name\">{}</td><td>{loudness}</td><td>{peak}</td>{more}</tr>\n",
        escaped(name)
    )
}

fn verdict(stem: &StemFigures) -> String {
    match (stem.sdr_db, stem.gain_db) {
        (Some(sdr), Some(gain)) => {
            let class = if gain > 0.0 { "good" } else { "bad" };
            format!("<td>{sdr:.2} dB</td><td class=\"{class}\">{gain:+.2} dB</td>")
        }
        _ => "<td>-</td><td>-</td>".to_owned(),
    }
}

fn section(sound: &SoundFigures, drawing: &Drawing, class: &str) -> String {
    let name = if class == "mixture" { "mixture" } else { &sound.name };
    let mut hertz = String::new();
    for (frequency, label) in HERTZ.iter().filter(|(frequency, _)| *frequency < drawing.top_hz) {
        let top = 100.0 * (drawing.top_hz / frequency).ln() / (drawing.top_hz / BOTTOM_HZ).ln();
        write!(hertz, "<span class=\"hertz\" style=\"top:{top:.1}%\">{label}</span>")
            .expect("writing to a string cannot fail");
    }
    format!(
        "<section class=\"{class}\"><div class=\"head\"><h2>{}</h2>\
         <audio controls preload=\"metadata\" src=\"{}\"></audio></div>\n\
         <div class=\"pictures\"><svg class=\"wave\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" preserveAspectRatio=\"none\">\
         <path d=\"{}\"/></svg>\n\
         <div class=\"spectrum\"><img alt=\"spectrogram\" src=\"{}\">{hertz}</div><div class=\"head-line\"></div></div>\n\
         <div class=\"seconds\">{}</div></section>\n",
        escaped(name),
        escaped(&drawing.sound),
        drawing.waveform,
        drawing.spectrogram,
        ticks(sound.seconds),
    )
}

/// Names for about eight moments of the clip, at round distances.
fn ticks(seconds: f64) -> String {
    const STEPS: [f64; 12] = [0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0];
    let step = STEPS.into_iter().find(|step| seconds / step <= 10.0).unwrap_or(seconds / 10.0);
    let mut out = String::new();
    for tick in 0..=10 {
        let at = f64::from(tick) * step;
        if at > seconds * 0.985 {
            break;
        }
        let label = match step {
            short if short < 1.0 => format!("{at:.1}"),
            _ => format!("{}:{:02}", (at / 60.0).floor(), at.round() % 60.0),
        };
        write!(out, "<span style=\"left:{:.2}%\">{label}</span>", 100.0 * at / seconds)
            .expect("writing to a string cannot fail");
    }
    out
}

fn tint(stem: usize) -> String {
    format!("stem-{}", stem % TINTS)
}

/// The text as HTML shows it, in content and in quoted attributes.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_named_at_round_distances_from_a_second_to_hours() {
        for (seconds, expected, last) in [(0.5, 5, "0.4"), (21.0, 5, "0:20"), (3_600.0, 6, "50:00")] {
            let ticks = ticks(seconds);
            let labels: Vec<&str> = ticks
                .split("</span>")
                .filter_map(|span| span.rsplit('>').next())
                .filter(|l| !l.is_empty())
                .collect();
            assert_eq!(labels.len(), expected, "{seconds} s: {labels:?}");
            assert_eq!(labels.last(), Some(&last));
        }
        assert!(ticks(10_800.0).contains("162:00"));
    }

    #[test]
    fn a_name_with_markup_is_shown_as_text() {
        assert_eq!(escaped("<b>\"R&B\""), "&lt;b&gt;&quot;R&amp;B&quot;");
    }
}
