//! How fast and how large: the plugin's audio thread, the stages of the model, the server's overhead, the wire, calls on both
//! databases, memory, long clips on one core, mastering and separation beside other programs. Figures of this machine.

pub(crate) mod clip;
mod cost;
mod long;
mod mastering;
mod memory;
mod progress;
mod separation;

use crate::stage::{Stage, json_lines};
use crate::workspace::{self, Profile};
use crate::{run, setup};
use anyhow::{Context, ensure};
use memory::Watched;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Runs of what takes seconds; the fastest counts, since everything else is noise that only adds.
const RUNS: usize = 3;
/// Files of one batch of shortest jobs.
const SHORT_JOBS: usize = 200;
/// Enough for everything here, so that credits are not what is measured.
const CREDITS: &str = "100000";
/// Peak memory of either process, whatever the clip's length.
const MEMORY_MIB_MAX: f64 = 400.0;
/// How much faster than real time `mini` must be on two cores.
const REAL_TIME_MIN: f64 = 25.0;

/// What can be measured alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Part {
    /// The plugin's audio thread
    Plugin,
    /// Stages of the model
    Stages,
    /// The server's overhead, the wire, shortest jobs, memory
    Server,
    /// Quotes, new jobs and shortest jobs on SQLite and on PostgreSQL
    Calls,
    /// Long clips on one core: notes and speech
    Long,
    /// Mastering beside matchering, a program from PyPI
    Mastering,
    /// Published separators of full size beside their publishers' code on PyTorch; only when named, for it takes long and
    /// fetches 5 GB
    Separation,
    /// The same networks on an NVIDIA card; only when named
    SeparationGpu,
}

impl Part {
    /// The named parts, and what two flags say: `separation` is that part, `gpu` makes it the one on a card.
    pub(crate) fn chosen(mut parts: Vec<Self>, separation: bool, gpu: bool) -> Vec<Self> {
        if gpu {
            parts.retain(|part| *part != Self::Separation);
            parts.push(Self::SeparationGpu);
        } else if separation {
            parts.push(Self::Separation);
        }
        parts
    }

    fn must_be_named(self) -> bool {
        matches!(self, Self::Separation | Self::SeparationGpu)
    }
}

/// What is measured, and how.
#[derive(Debug, Default)]
pub(crate) struct Wish {
    /// All that need not be named where there is none.
    pub(crate) parts: Vec<Part>,
    /// Leaves out, or makes smaller, what takes longest.
    pub(crate) short: bool,
    /// Where networks of full size are kept.
    pub(crate) graphs: Option<PathBuf>,
}

/// Measures and prints it as a table.
///
/// # Errors
/// A step that fails. A figure beyond its limit is no error: machines differ.
pub(crate) fn run(wish: &Wish) -> anyhow::Result<()> {
    setup::run()?;
    let Wish { parts, short, graphs } = wish;
    let scratch = tempfile::tempdir().context("make a scratch folder")?;
    let mut table = Table::default();
    let graphs = graphs.as_deref().unwrap_or(scratch.path());
    if parts.contains(&Part::Separation) {
        separation::measure(graphs, *short, &mut table)?;
    }
    if parts.contains(&Part::SeparationGpu) {
        separation::gpu::measure(graphs, &mut table)?;
    }
    if parts.is_empty() || parts.iter().any(|part| !part.must_be_named()) {
        product(parts, *short, scratch.path(), &mut table)?;
    }
    println!();
    table.print();
    Ok(())
}

/// What is measured of the built product.
fn product(parts: &[Part], short: bool, scratch: &Path, table: &mut Table) -> anyhow::Result<()> {
    let wanted = |part| parts.is_empty() || parts.contains(&part);
    println!("building");
    let program = workspace::build(Profile::Release)?;
    if wanted(Part::Plugin) {
        audio_thread(table)?;
    }
    if wanted(Part::Stages) {
        stages(table)?;
    }
    if wanted(Part::Server) {
        server(&program, short, scratch, table)?;
    }
    if wanted(Part::Calls) {
        println!("calls on both databases");
        setup::database()?;
        figures(&mut bench("tributary-tests", "calls"), table)?;
    }
    if wanted(Part::Long) {
        let song = clip::Song::decode(&program, scratch)?;
        long::measure(&program, &song, scratch, short, table)?;
    }
    if wanted(Part::Mastering) {
        setup::tests();
        mastering::measure(&program, scratch, table)?;
    }
    Ok(())
}

fn server(program: &Path, short: bool, scratch: &Path, table: &mut Table) -> anyhow::Result<()> {
    let song = clip::Song::decode(program, scratch)?;
    overhead(program, &song, scratch, table)?;
    short_jobs(program, &song, scratch, table)?;
    let two_minutes = song.looped(120, 0, &scratch.join("2 minutes.wav"))?;
    memory(program, &two_minutes, "2-minute", scratch, table)?;
    if !short {
        let hour = song.looped(3_600, 0, &scratch.join("60 minutes.wav"))?;
        memory(program, &hour, "60-minute", scratch, table)?;
        std::fs::remove_file(&hour).context("remove the hour")?;
    }
    Ok(())
}

/// What the plugin costs in the DAW.
fn audio_thread(table: &mut Table) -> anyhow::Result<()> {
    println!("the plugin's audio thread");
    figures(&mut bench("tributary-plugin", "process"), table)?;
    println!("the plugin's window");
    let cost = [
        "run",
        "--quiet",
        "--release",
        "--package",
        "tributary-plugin",
        "--example",
        "screens",
        "--",
        "--cost",
    ];
    figures(&mut run::cargo(cost), table)
}

/// The model's own benchmark.
fn stages(table: &mut Table) -> anyhow::Result<()> {
    println!("stages of the model");
    figures(&mut bench("tributary-models", "stages"), table)
}

/// A crate's own benchmark.
fn bench(package: &str, name: &str) -> std::process::Command {
    run::cargo(["bench", "--quiet", "--package", package, "--bench", name])
}

/// What a program measured: one JSON line a figure, with the most it may be where there is a limit.
fn figures(command: &mut std::process::Command, table: &mut Table) -> anyhow::Result<()> {
    for figure in json_lines(&run::read(command)?)? {
        let name = figure["name"].as_str().context("a figure without a name")?;
        let value = figure["value"].as_f64().context("a figure without a value")?;
        let verdict = figure["most"].as_f64().map_or(String::new(), |most| at_most(value, most));
        table.add(name, value, figure["unit"].as_str().unwrap_or_default(), &verdict);
    }
    Ok(())
}

/// The same clip here and through a server on loopback; what the wire took is read off the client's progress.
fn overhead(program: &Path, song: &clip::Song, scratch: &Path, table: &mut Table) -> anyhow::Result<()> {
    println!("server and wire");
    let stage = started(program)?;
    let (mut local, mut served) = (f64::INFINITY, f64::INFINITY);
    let mut wire = progress::Wire::default();
    for index in 0..RUNS {
        let clip = song.looped(120, index, &scratch.join("clip.wav"))?;
        let mut command = std::process::Command::new(program);
        command.args(["separate", "--local", "--json", "--out"]).arg(scratch.join("local")).arg(&clip);
        local = local.min(timed(|| run::ask(&mut command))?.0);
        let mut command = stage.client();
        command.args(["separate", "--json", "--out"]).arg(scratch.join("served")).arg(&clip);
        let (seconds, seen) = timed(|| progress::watch(&mut command))?;
        served = served.min(seconds);
        wire = wire.best(seen);
    }
    let sound = 120.0;
    table.add("mini, whole program", sound / local, "x real time", &at_least(sound / local, REAL_TIME_MIN));
    table.add("2-minute clip, --local", local, "s", "");
    table.add("2-minute clip, through the server", served, "s", "");
    table.add("server overhead", served / local, "ratio", "");
    // Float samples, two channels; the four stems are as large as the clip each.
    let clip_mb = sound * 44_100.0 * 2.0 * 4.0 / 1e6;
    table.add("upload, loopback", clip_mb / wire.upload_seconds, "MB/s of samples", "");
    table.add("download and write, loopback", 4.0 * clip_mb / wire.download_seconds, "MB/s of samples", "");
    Ok(())
}

/// Clips so short that only the way counts: hold, upload, run, settle, download.
fn short_jobs(program: &Path, song: &clip::Song, scratch: &Path, table: &mut Table) -> anyhow::Result<()> {
    println!("shortest jobs");
    let stage = started(program)?;
    let files: Vec<PathBuf> = (0..SHORT_JOBS)
        .map(|index| song.beginning(index + 1, &scratch.join(format!("short {index}.wav"))))
        .collect::<anyhow::Result<_>>()?;
    let mut command = stage.client();
    command.args(["separate", "--json", "--out"]).arg(scratch.join("short")).args(&files);
    let (seconds, lines) = timed(|| json_lines(&run::ask(&mut command)?))?;
    ensure!(lines.len() == SHORT_JOBS, "{} of {SHORT_JOBS} short jobs were done", lines.len());
    table.add("shortest jobs, one client", SHORT_JOBS as f64 / seconds, "jobs/s", "");
    Ok(())
}

fn memory(
    program: &Path,
    clip: &Path,
    length: &str,
    scratch: &Path,
    table: &mut Table,
) -> anyhow::Result<()> {
    println!("memory, {length} clip");
    let stage = started(program)?;
    let mut command = stage.client();
    command.args(["separate", "--json", "--out"]).arg(scratch.join("memory")).arg(clip);
    let (seconds, Watched { own_mib, other_mib }) = timed(|| memory::watch(&mut command, stage.process()))?;
    std::fs::remove_dir_all(scratch.join("memory")).context("remove the stems")?;
    table.add(&format!("{length} clip, through the server"), seconds, "s", "");
    for (who, mib) in [("client", own_mib), ("server", other_mib)] {
        table.add(&format!("peak memory, {who}, {length} clip"), mib, "MiB", &at_most(mib, MEMORY_MIB_MAX));
    }
    Ok(())
}

fn started(program: &Path) -> anyhow::Result<Stage> {
    let stage = Stage::start(program, None)?;
    run::ask(stage.client().args(["credits", "grant", CREDITS, "--note", "for measuring"]))?;
    Ok(stage)
}

fn timed<T>(work: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<(f64, T)> {
    let began = Instant::now();
    let result = work()?;
    Ok((began.elapsed().as_secs_f64(), result))
}

fn at_least(value: f64, limit: f64) -> String {
    format!("{} {limit}", if value >= limit { "ok, at least" } else { "BELOW" })
}

fn at_most(value: f64, limit: f64) -> String {
    format!("{} {limit}", if value <= limit { "ok, at most" } else { "ABOVE" })
}

/// Figures in the order they were measured.
#[derive(Default)]
struct Table {
    rows: Vec<[String; 4]>,
}

impl Table {
    fn add(&mut self, name: &str, value: f64, unit: &str, verdict: &str) {
        let value = match value.abs() {
            large if large >= 100.0 => format!("{value:.0}"),
            middle if middle >= 10.0 => format!("{value:.1}"),
            _ => format!("{value:.3}"),
        };
        self.rows.push([name.to_owned(), value, unit.to_owned(), verdict.to_owned()]);
    }

    fn print(&self) {
        for line in self.lines() {
            println!("{line}");
        }
    }

    fn lines(&self) -> Vec<String> {
        let width =
            |column: usize| self.rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
        let (name, value, unit) = (width(0), width(1), width(2));
        let line = |[a, b, c, d]: &[String; 4]| {
            format!("{a:name$}  {b:>value$} {c:unit$}  {d}").trim_end().to_owned()
        };
        self.rows.iter().map(line).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_card_takes_the_place_of_the_processor_where_it_is_asked_for() {
        assert_eq!(Part::chosen(vec![Part::Separation], false, true), [Part::SeparationGpu]);
        assert_eq!(Part::chosen(Vec::new(), true, true), [Part::SeparationGpu]);
        assert_eq!(Part::chosen(vec![Part::Long], true, false), [Part::Long, Part::Separation]);
    }

    #[test]
    fn the_table_is_aligned_and_says_what_is_beyond_its_limit() {
        let mut table = Table::default();
        table.add("speed", 20.0, "x", &at_least(20.0, 25.0));
        table.add("memory of the server", 123.4, "MiB", &at_most(123.4, 400.0));
        assert_eq!(
            table.lines(),
            ["speed                 20.0 x    BELOW 25", "memory of the server   123 MiB  ok, at most 400"]
        );
    }
}
