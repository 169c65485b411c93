//! The demo's services: one job each through the server, and the page that shows them all.

use super::{credits, first, number, row, text};
use crate::run;
use crate::stage::{Stage, json_lines};
use anyhow::Context;
use serde_json::Value;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A transcriber whose weights lie in a package registry; without it, beats and key are found all the same.
const NOTES_MODEL: &str = "basic-pitch";
const TITLE: &str = "Tributary: four services";

/// What was done so far.
pub(super) struct Done {
    out: PathBuf,
    /// What `--json` printed, a line a job.
    lines: String,
    notes: Vec<String>,
}

/// Fetches what others publish into a folder that the server's data begins with; none where no registry answers.
///
/// # Errors
/// A folder that cannot be made.
pub(super) fn pull(program: &Path) -> anyhow::Result<Option<tempfile::TempDir>> {
    let data = tempfile::tempdir().context("make a data folder")?;
    let mut pull = Command::new(program);
    pull.arg("--data").arg(data.path()).args(["models", "pull", NOTES_MODEL]);
    match run::ask(&mut pull) {
        Ok(_) => Ok(Some(data)),
        Err(error) => {
            println!("left out: notes by {NOTES_MODEL} ({error:#}); beats and key are found without it");
            Ok(None)
        }
    }
}

/// Enhances the voice, transcribes and masters the song.
///
/// # Errors
/// A job that fails.
pub(super) fn rest(stage: &Stage, song: &Path, voice: &Path, done: &mut Done) -> anyhow::Result<()> {
    for (service, clip, more) in [
        ("enhance", voice, &["--model", "rnnoise"][..]),
        ("transcribe", song, &[]),
        ("master", song, &["--preset", "streaming"]),
    ] {
        let job = done.run(stage, service, clip, more)?;
        let said =
            format!("by {}, {}; {}", text(&job["model"]), credits(&job["credits_captured"]), time(&job));
        row(service, &said);
        done.note(format!("{service}: {said}"));
    }
    Ok(())
}

/// What the page knows of the jobs after the first.
pub(super) fn show(report: &Value) {
    for job in report["jobs"].as_array().into_iter().flatten().skip(1) {
        let heading = text(&job["heading"]);
        let mut name = heading.split(' ').next().unwrap_or_default();
        for stem in job["stems"].as_array().into_iter().flatten() {
            if let (Some(sdr), Some(gain)) = (stem["sdr_db"].as_f64(), stem["gain_db"].as_f64()) {
                row(name, &format!("{:8} SDR {sdr:6.2} dB, {gain:+.2} over the clip", text(&stem["name"])));
                name = "";
            }
        }
        let sheets = job["sheets"].as_array().into_iter().flatten();
        for fact in sheets.flat_map(|sheet| sheet["facts"].as_array().into_iter().flatten()) {
            row(name, &format!("{}: {}", text(&fact[0]), text(&fact[1])));
            name = "";
        }
    }
}

/// How long a job took, with everything around it.
pub(super) fn time(job: &Value) -> String {
    let (sound, wall) = (number(&job["seconds_audio"]), number(&job["seconds_wall"]));
    format!(
        "{wall:.1} s for {sound:.1} s of sound, {:.0} times real time, upload and download included",
        sound / wall
    )
}

impl Done {
    /// Nothing yet; results go to `out`.
    pub(super) fn new(out: &Path) -> Self {
        Self { out: out.to_owned(), lines: String::new(), notes: Vec::new() }
    }

    /// A line for the head of the page.
    pub(super) fn note(&mut self, note: String) {
        self.notes.push(note);
    }

    /// One clip through one service.
    ///
    /// # Errors
    /// A job that fails.
    pub(super) fn run(
        &mut self,
        stage: &Stage,
        service: &str,
        clip: &Path,
        more: &[&str],
    ) -> anyhow::Result<Value> {
        // The client's progress goes to our terminal, its results to us.
        let mut client = stage.client();
        client.arg(service).arg(clip).args(more).arg("--out").arg(&self.out).arg("--json");
        let printed = run::read(client.stderr(Stdio::inherit()))?;
        self.lines.push_str(&printed);
        first(json_lines(&printed)?)
    }

    /// Measures everything and draws the page.
    ///
    /// # Errors
    /// A page that cannot be made.
    pub(super) fn report(&self, stage: &Stage, references: &[PathBuf]) -> anyhow::Result<Value> {
        let jobs = self.out.join("jobs.jsonl");
        fs::write(&jobs, &self.lines).context("write what the jobs gave")?;
        let mut command = stage.client();
        command.args(["report", "--json", "--title", TITLE, "--jobs"]).arg(jobs);
        let pairs = |option: &str, values: Vec<OsString>| {
            values.into_iter().flat_map(|value| [OsString::from(option), value]).collect::<Vec<_>>()
        };
        command.args(pairs("--reference", references.iter().map(OsString::from).collect()));
        command.args(pairs("--note", self.notes.iter().map(OsString::from).collect()));
        command.arg("--out").arg(self.out.join("report.html"));
        first(json_lines(&run::ask(&mut command)?)?)
    }
}
