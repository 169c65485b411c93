//! The whole product on one song: a server of its own, a real client, and everything it did in words and pictures.

mod host;

use crate::stage::{Stage, json_lines};
use crate::workspace::{self, Profile};
use crate::{run, setup};
use anyhow::{Context, ensure};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

const SONG: &str = "tests/song";
const SONG_TITLE: &str = "Every Stream.flac";
const OUT: &str = "demo-out";

/// Separates `file`, else our own song, and prints what happened.
///
/// # Errors
/// A tool is missing, the program does not build, or any step of the separation fails.
pub(crate) fn run(file: Option<PathBuf>) -> anyhow::Result<()> {
    setup::run()?;
    let out = workspace::root().join(OUT);
    if out.exists() {
        fs::remove_dir_all(&out).with_context(|| format!("empty {OUT}"))?;
    }
    fs::create_dir_all(&out).with_context(|| format!("make {OUT}"))?;
    let truth = workspace::root().join(SONG);
    let (song, reference) = match file {
        Some(file) => (file, None),
        None => (our_song(&truth, &out)?, Some(truth.as_path())),
    };
    ensure!(song.is_file(), "there is no file {}", song.display());
    println!("building tributary (the first time takes some minutes)");
    let program = workspace::build(Profile::Release)?;
    let stage = Stage::start(&program)?;
    row("server", &format!("{}, with a data folder of its own", stage.address));
    separate(&stage, &song, reference, &out)?;
    host::run(&stage, &out)?;
    row("look", &format!("{OUT}/report.html"));
    Ok(())
}

/// A copy under its title beside the stems, so that the folder can be given away.
fn our_song(truth: &Path, out: &Path) -> anyhow::Result<PathBuf> {
    let copy = out.join(SONG_TITLE);
    fs::copy(truth.join("mixture.flac"), &copy).context("copy our song")?;
    Ok(copy)
}

fn separate(stage: &Stage, song: &Path, reference: Option<&Path>, out: &Path) -> anyhow::Result<()> {
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
    // The client's progress goes to our terminal, its results to us.
    let mut client = stage.client();
    client.arg("separate").arg(song).arg("--out").arg(out).arg("--json").stderr(Stdio::inherit());
    let job = first(json_lines(&run::read(&mut client)?)?)?;
    let after = first(stage.ask(["balance"])?)?;
    let (sound, wall) = (number(&job["seconds_audio"]), number(&job["seconds_wall"]));
    let spent = format!(
        "held {}, captured {}; {} before, {} after",
        credits(&job["credits_held"]),
        credits(&job["credits_captured"]),
        before["available"],
        after["available"]
    );
    let time = format!(
        "{wall:.1} s for {sound:.1} s of sound, {:.0} times real time, upload and download included",
        sound / wall
    );
    let notes = [
        format!("model {}", text(&job["model"])),
        format!("credits: quoted {}, {spent}", quote["credits"]),
        format!("time: {time}"),
    ];
    let report = report(stage, song, &job, reference, &notes, out)?;
    show(&report);
    row("credits", &spent);
    ledger(stage)?;
    row("time", &time);
    Ok(())
}

fn report(
    stage: &Stage,
    song: &Path,
    job: &Value,
    reference: Option<&Path>,
    notes: &[String],
    out: &Path,
) -> anyhow::Result<Value> {
    let stems = job["stems"].as_array().context("the job names no stems")?;
    let mut command = stage.client();
    command.arg("report").arg(song).args(stems.iter().map(|stem| text(&stem["path"])));
    if let Some(folder) = reference {
        command.arg("--reference").arg(folder);
    }
    for note in notes {
        command.args(["--note", note]);
    }
    command.arg("--out").arg(out.join("report.html")).arg("--json");
    first(json_lines(&run::ask(&mut command)?)?)
}

fn show(report: &Value) {
    let stems = report["stems"].as_array().map_or(&[][..], Vec::as_slice);
    for (index, stem) in stems.iter().enumerate() {
        let mut line = format!("{:8} {}", text(&stem["name"]), loudness(stem));
        if let (Some(sdr), Some(gain)) = (stem["sdr_db"].as_f64(), stem["gain_db"].as_f64()) {
            line += &format!("   SDR {sdr:6.2} dB, {gain:+.2} over the mixture");
        }
        row(if index == 0 { "stems" } else { "" }, &line);
    }
    row("mixture", &format!("{:8} {}", "", loudness(&report["mixture"])));
    // -200 stands for "to the last bit".
    let sum = match number(&report["sum_residual_db"]) {
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
    println!("{name:9}{text}");
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
