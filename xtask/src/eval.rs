//! How good installed separators are on songs whose stems are known: every song by every model, in this process' program,
//! measured by `tributary report`.

use crate::run;
use crate::setup::{self, onnxruntime};
use crate::workspace::{self, Profile};
use anyhow::{Context, ensure};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const SONG: &str = "tests/song";

/// What is measured.
pub(crate) struct Wish {
    /// A song's folder or one of such folders; without one, our own song.
    pub(crate) songs: Option<PathBuf>,
    pub(crate) data: Option<PathBuf>,
    pub(crate) models: Vec<String>,
    pub(crate) settings: Vec<String>,
}

/// One stem of one song by one model.
struct Row {
    model: String,
    stem: String,
    /// SDR by its plain definition, by BSS Eval v4, and without the level, dB.
    scores: [Option<f64>; 3],
    sum_db: Option<f64>,
}

/// Separates and measures all, and prints a line a stem and a mean a model.
///
/// # Errors
/// No song, no model, or a step that fails.
pub(crate) fn run(wish: &Wish) -> anyhow::Result<()> {
    setup::run()?;
    let songs = songs(&wish.songs.clone().unwrap_or_else(|| workspace::root().join(SONG)))?;
    println!("building tributary (the first time takes some minutes)");
    let program = workspace::build(Profile::Release)?;
    let library = onnxruntime::provide(onnxruntime::Kind::Cpu).ok();
    let tributary = || {
        let mut command = Command::new(&program);
        command.args(wish.data.iter().flat_map(|data| ["--data".as_ref(), data.as_os_str()]));
        command.args(library.iter().flat_map(|library| ["--onnx-runtime".as_ref(), library.as_os_str()]));
        command
    };
    let models = models(&run::ask(tributary().args(["models", "list", "--local", "--json"]))?, &wish.models)?;
    println!(
        "{:24} {:10} {:>10} {:>10} {:>10} {:>12}",
        "model", "stem", "SDR dB", "BSS v4", "SI-SDR", "sum dB"
    );
    for model in models {
        let mut rows = Vec::new();
        for song in &songs {
            let scratch = tempfile::tempdir().context("make a folder for stems")?;
            let mut separate = tributary();
            separate.args(["separate", "--local", "--json", "--model", &model]).arg(&song.mixture);
            separate.arg("--out").arg(scratch.path());
            separate.args(wish.settings.iter().flat_map(|setting| ["--set", setting]));
            let job = scratch.path().join("job");
            fs::write(&job, run::ask(&mut separate)?).context("keep what was done")?;
            let mut report = tributary();
            report.args(["report", "--json", "--jobs"]).arg(&job).arg("--reference").arg(&song.folder);
            report.arg("--out").arg(scratch.path().join("report.html"));
            let said: Value =
                serde_json::from_str(&run::ask(&mut report)?).context("understand the report")?;
            let measured = measured(&model, &said);
            println!("{}", song.folder.display());
            measured.iter().for_each(print);
            rows.extend(measured);
        }
        if songs.len() > 1 || rows.len() > 1 {
            print(&mean(&model, &rows));
        }
    }
    Ok(())
}

struct Song {
    folder: PathBuf,
    mixture: PathBuf,
}

/// The folder itself, or those in it.
fn songs(folder: &Path) -> anyhow::Result<Vec<Song>> {
    let song = |folder: PathBuf| {
        let mixture =
            ["mixture.flac", "mixture.wav"].iter().map(|name| folder.join(name)).find(|path| path.is_file());
        mixture.map(|mixture| Song { folder, mixture })
    };
    let shown = folder.display();
    let mut below: Vec<PathBuf> = fs::read_dir(folder)
        .with_context(|| format!("read {shown}"))?
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .collect();
    below.sort();
    let songs: Vec<Song> = std::iter::once(folder.to_owned()).chain(below).filter_map(song).collect();
    ensure!(
        !songs.is_empty(),
        "no song in {shown}: a song is a folder with mixture.flac (or .wav) and its true stems"
    );
    Ok(songs)
}

/// Separators that are installed, of those that are wished.
fn models(listed: &str, wished: &[String]) -> anyhow::Result<Vec<String>> {
    let cards = listed.lines().map(serde_json::from_str::<Value>).collect::<Result<Vec<_>, _>>();
    let cards = cards.context("understand the list of models")?;
    let is_there = |card: &&Value| card["task"] == "separate" && card["installed"] == true;
    let names = cards.iter().filter(is_there).filter_map(|card| card["name"].as_str());
    let names: Vec<String> = names.map(str::to_owned).collect();
    for name in wished {
        let here = names.join(", ");
        ensure!(names.contains(name), "`{name}` is no separator that is installed here; these are: {here}");
    }
    Ok(names.into_iter().filter(|name| wished.is_empty() || wished.contains(name)).collect())
}

fn measured(model: &str, report: &Value) -> Vec<Row> {
    let job = &report["jobs"][0];
    let stems = job["stems"].as_array().map_or(&[][..], Vec::as_slice);
    let row = |stem: &Value| Row {
        model: model.to_owned(),
        stem: stem["name"].as_str().unwrap_or_default().to_owned(),
        scores: ["sdr_db", "sdr_by_seconds_db", "si_sdr_db"].map(|name| stem[name].as_f64()),
        sum_db: job["sum_residual_db"].as_f64(),
    };
    stems.iter().map(row).collect()
}

/// Of what is known; the worst sum.
fn mean(model: &str, rows: &[Row]) -> Row {
    let of = |score: usize| {
        let known: Vec<f64> = rows.iter().filter_map(|row| row.scores[score]).collect();
        (!known.is_empty()).then(|| known.iter().sum::<f64>() / known.len() as f64)
    };
    let sum_db = rows.iter().filter_map(|row| row.sum_db).reduce(f64::max);
    Row { model: model.to_owned(), stem: "(mean)".to_owned(), scores: [of(0), of(1), of(2)], sum_db }
}

fn print(row: &Row) {
    let number = |number: Option<f64>| number.map_or_else(|| "-".to_owned(), |number| format!("{number:.2}"));
    let [sdr, bss, si_sdr] = row.scores.map(number);
    let (model, stem, sum) = (&row.model, &row.stem, number(row.sum_db));
    println!("{model:24} {stem:10} {sdr:>10} {bss:>10} {si_sdr:>10} {sum:>12}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_song_is_a_folder_with_a_mixture_and_an_empty_folder_says_what_one_is() {
        let folder = tempfile::tempdir().unwrap();
        let error = songs(folder.path()).err().unwrap().to_string();
        assert!(error.contains("mixture.flac"), "{error}");
        for name in ["b", "a"] {
            fs::create_dir(folder.path().join(name)).unwrap();
            fs::write(folder.path().join(name).join("mixture.wav"), b"").unwrap();
        }
        let found = songs(folder.path()).unwrap();
        assert_eq!(
            found.iter().map(|song| song.folder.clone()).collect::<Vec<_>>(),
            ["a", "b"].map(|n| folder.path().join(n))
        );
    }

    #[test]
    fn only_installed_separators_are_measured_and_another_is_named() {
        let listed = r#"{"name":"mini","task":"separate","installed":true}
{"name":"big","task":"separate","installed":false}
{"name":"beats","task":"transcribe","installed":true}"#;
        assert_eq!(models(listed, &[]).unwrap(), ["mini"]);
        let error = models(listed, &["big".to_owned()]).unwrap_err().to_string();
        assert!(error.contains("`big`") && error.contains("mini"), "{error}");
    }

    #[test]
    fn a_mean_is_of_what_is_known() {
        let row = |sdr: Option<f64>, sum_db: f64| Row {
            model: "m".to_owned(),
            stem: "s".to_owned(),
            scores: [sdr, None, Some(1.0)],
            sum_db: Some(sum_db),
        };
        let mean = mean("m", &[row(Some(1.0), -90.0), row(None, -80.0), row(Some(4.0), -100.0)]);
        assert_eq!((mean.scores, mean.sum_db), ([Some(2.5), None, Some(1.0)], Some(-80.0)));
    }
}
