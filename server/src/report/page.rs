//! The page itself: figures and drawings as one HTML text. Needs no network and no other file but the sounds.

use super::figures::{EXACT_DB, SoundFigures, StemFigures};
use super::spectrogram::BOTTOM_HZ;
use super::waveform::{HEIGHT, WIDTH};
use super::{Drawing, JobSummary, ReportSummary, curve, link, roll};
use std::fmt::Write;
use std::path::Path;

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");
/// What went in, on the page.
const CLIP: &str = "the clip";
/// Tints in the style sheet; further stems begin again at the first.
const TINTS: usize = 6;
/// Frequencies named beside a spectrogram.
const HERTZ: [(f64, &str); 6] =
    [(50.0, "50 Hz"), (200.0, "200"), (1_000.0, "1 kHz"), (3_000.0, "3"), (8_000.0, "8"), (16_000.0, "16")];

/// The whole page. `drawings`: for each job its clip's first, then one a stem.
///
/// # Errors
/// A sheet that no address reaches.
pub fn html(summary: &ReportSummary, drawings: &[Vec<Drawing>], notes: &[String]) -> anyhow::Result<String> {
    let title = escaped(&summary.title);
    let notes: String = notes.iter().map(|note| format!("<li>{}</li>", escaped(note))).collect();
    let mut jobs = String::new();
    for (job, drawings) in summary.jobs.iter().zip(drawings) {
        jobs.push_str(&article(job, drawings, &summary.page)?);
    }
    Ok(format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>{title}</title>\n\
         <style>\n{STYLE}</style></head>\n<body>\n<h1>{title}</h1>\n<ul class=\"notes\">{notes}</ul>\n{jobs}\
         <footer>Click a picture to listen from there; start another player of the same job to hear it at the same \
         place. Outlines share their clip's scale. Colours: -96 to -12 dB of a full-scale sine.</footer>\n\
         <script>\n{SCRIPT}</script>\n</body></html>\n",
    ))
}

/// One job.
fn article(job: &JobSummary, drawings: &[Drawing], page: &Path) -> anyhow::Result<String> {
    let mut parts = String::new();
    for sheet in &job.sheets {
        parts.push_str(&roll::svg(&sheet.notes, sheet.seconds));
        parts.push_str(&curve::svg(&sheet.curve));
    }
    for (index, drawing) in drawings.iter().enumerate() {
        let (sound, class) = match index.checked_sub(1) {
            None => (&job.clip, "mixture".to_owned()),
            Some(stem) => (&job.stems[stem].sound, tint(stem)),
        };
        parts.push_str(&section(sound, drawing, &class));
    }
    Ok(format!(
        "<article>\n<h2>{}</h2>\n<p class=\"facts\">{}</p>\n{}\n{}{parts}</article>\n",
        escaped(&job.heading),
        facts(job),
        table(job),
        sheets(job, page)?,
    ))
}

fn facts(job: &JobSummary) -> String {
    let sound = &job.clip;
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
    let sum = match job.sum_residual_db {
        None => String::new(),
        Some(exact) if exact <= -EXACT_DB => " · the stems sum to the clip exactly".to_owned(),
        Some(residual) => format!(" · the stems sum to the clip but for {residual:.1} dB"),
    };
    format!("{} · {length} · {} Hz · {channels}{sum}", escaped(&sound.name), sound.rate_hz)
}

/// What the sheets say, and where they lie.
fn sheets(job: &JobSummary, page: &Path) -> anyhow::Result<String> {
    if job.sheets.is_empty() {
        return Ok(String::new());
    }
    let mut facts = String::new();
    let mut links = Vec::new();
    for sheet in &job.sheets {
        for (name, fact) in &sheet.facts {
            write!(facts, "<dt>{}</dt><dd>{}</dd>", escaped(name), escaped(fact))
                .expect("writing to a string cannot fail");
        }
        let address = link::relative(&sheet.file, page)?;
        links.push(format!("<a href=\"{}\">{}</a>", escaped(&address), escaped(&sheet.name)));
    }
    Ok(format!("<dl>{facts}</dl>\n<p class=\"facts\">{}</p>\n", links.join(" · ")))
}

fn table(job: &JobSummary) -> String {
    let judged = job.stems.iter().any(|stem| stem.sdr_db.is_some());
    let more = if judged { "<th>SDR</th><th>gain over the clip</th>" } else { "" };
    let blank = if judged { "<td></td><td></td>" } else { "" };
    let mut rows = row(&job.clip, CLIP, "mixture", blank);
    for (index, stem) in job.stems.iter().enumerate() {
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
    let name = if class == "mixture" { CLIP } else { &sound.name };
    let mut hertz = String::new();
    for (frequency, label) in HERTZ.iter().filter(|(frequency, _)| *frequency < drawing.top_hz) {
        let top = 100.0 * (drawing.top_hz / frequency).ln() / (drawing.top_hz / BOTTOM_HZ).ln();
        write!(hertz, "<span class=\"hertz\" style=\"top:{top:.1}%\">{label}</span>")
            .expect("writing to a string cannot fail");
    }
    format!(
        "<section class=\"{class}\"><div class=\"head\"><h3>{}</h3>\
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
