//! The whole product on one song and one voice: a server of its own, a real client, all four services, and everything they
//! did in words and pictures.

mod host;
mod jobs;

use crate::setup;
use crate::stage::Stage;
use crate::workspace::{self, Profile};
use anyhow::{Context, ensure};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

const SONG: &str = "tests/song";
const SONG_TITLE: &str = "Every Stream.flac";
const VOICE: &str = "tests/voice";
const VOICE_TITLE: &str = "Ask Not.flac";
const OUT: &str = "demo-out";

/// Runs every service on `file`, else on our own song and a voice clip, and prints what happened.
///
/// # Errors
/// A tool is missing, the program does not build, or any step fails.
pub(crate) fn run(file: Option<PathBuf>) -> anyhow::Result<()> {
    setup::run()?;
    let out = workspace::root().join(OUT);
    if out.exists() {
        fs::remove_dir_all(&out).with_context(|| format!("empty {OUT}"))?;
    }
    fs::create_dir_all(&out).with_context(|| format!("make {OUT}"))?;
    let own = |folder: &str| workspace::root().join(folder);
    let copy = |from: PathBuf, title: &str| -> anyhow::Result<PathBuf> {
        // Under its title beside the results, so that the folder can be given away.
        let copy = out.join(title);
        fs::copy(from, &copy).with_context(|| format!("copy {title}"))?;
        Ok(copy)
    };
    let (song, references) = match file {
        Some(file) => (file, vec![own(VOICE)]),
        None => (copy(own(SONG).join("mixture.flac"), SONG_TITLE)?, vec![own(SONG), own(VOICE)]),
    };
    let voice = copy(own(VOICE).join("noisy.flac"), VOICE_TITLE)?;
    ensure!(song.is_file(), "there is no file {}", song.display());
    println!("building tributary (the first time takes some minutes)");
    let program = workspace::build(Profile::Release)?;
    let stage = Stage::start(&program, jobs::pull(&program)?)?;
    row("server", &format!("{}, with a data folder of its own", stage.address));
    let mut done = jobs::Done::new(&out);
    separate(&stage, &song, &mut done)?;
    jobs::rest(&stage, &song, &voice, &mut done)?;
    let report = done.report(&stage, &references)?;
    show(&report["jobs"][0]);
    jobs::show(&report);
    ledger(&stage)?;
    host::run(&stage, &out)?;
    row("look", &format!("{OUT}/report.html"));
    Ok(())
}

/// The first job, with all that it cost.
fn separate(stage: &Stage, song: &Path, done: &mut jobs::Done) -> anyhow::Result<()> {
    let quote = first(stage.ask(["quote".as_ref(), song.as_os_str()])?)?;
    let before = first(stage.ask(["balance"])?)?;
    row(
        "quote",
        &format!(
            "{} of {} available ({})",
            credits(&quote["credits"]),
            quote["available"],
            text(&quote["reason"])
        ),
    );
    let job = done.run(stage, "separate", song, &[])?;
    let after = first(stage.ask(["balance"])?)?;
    let spent = format!(
        "held {}, captured {}; {} before, {} after",
        credits(&job["credits_held"]),
        credits(&job["credits_captured"]),
        before["available"],
        after["available"]
    );
    row("credits", &spent);
    row("time", &jobs::time(&job));
    done.note(format!("separate: quoted {}, {spent}; {}", quote["credits"], jobs::time(&job)));
    Ok(())
}

/// The stems of a separation.
fn show(job: &Value) {
    let stems = job["stems"].as_array().map_or(&[][..], Vec::as_slice);
    for (index, stem) in stems.iter().enumerate() {
        let mut line = format!("{:8} {}", text(&stem["name"]), loudness(stem));
        if let (Some(sdr), Some(gain)) = (stem["sdr_db"].as_f64(), stem["gain_db"].as_f64()) {
            line += &format!("   SDR {sdr:6.2} dB, {gain:+.2} over the mixture");
        }
        row(if index == 0 { "stems" } else { "" }, &line);
    }
    row("mixture", &format!("{:8} {}", "", loudness(&job["clip"])));
    // -200 stands for "to the last bit".
    let sum = match number(&job["sum_residual_db"]) {
        exact if exact <= -200.0 => "the stems sum to the mixture exactly".to_owned(),
        residual => format!("the stems sum to the mixture to {residual:.1} dB"),
    };
    row("sum", &sum);
}

fn loudness(sound: &Value) -> String {
    let figure = |key: &str, unit: &str| {
        sound[key].as_f64().map_or_else(|| format!("{:>11}", "silent"), |value| format!("{value:6.1} {unit}"))
    };
    format!("{}  {}", figure("lufs", "LUFS"), figure("true_peak_dbtp", "dBTP"))
}

fn ledger(stage: &Stage) -> anyhow::Result<()> {
    // The newest line comes first; a ledger is read from the oldest.
    for (index, line) in stage.ask(["history"])?.iter().rev().enumerate() {
        let shown = format!(
            "{:>3}  {:8} {:>+6}  -> {:>5}  {}",
            line["line"],
            text(&line["kind"]),
            line["credits"].as_i64().unwrap_or_default(),
            line["posted_after"],
            text(&line["note"])
        );
        row(if index == 0 { "ledger" } else { "" }, &shown);
    }
    Ok(())
}

fn row(name: &str, text: &str) {
    println!("{name:11}{text}");
}

fn credits(count: &Value) -> String {
    let unit = if count.as_u64() == Some(1) { "credit" } else { "credits" };
    format!("{count} {unit}")
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or(f64::NAN)
}

fn first(values: Vec<Value>) -> anyhow::Result<Value> {
    values.into_iter().next().context("the program answered nothing")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn silence_and_single_credits_are_said_in_words() {
        assert_eq!(loudness(&json!({ "lufs": null, "true_peak_dbtp": -1.25 })), "     silent    -1.2 dBTP");
        assert_eq!(credits(&json!(1)), "1 credit");
        assert_eq!(credits(&json!(0)), "0 credits");
    }
}
