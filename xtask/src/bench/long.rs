//! Long clips without a server, on one core: how much sound a second of the processor's time is enough for, and how much
//! memory an hour takes. Processor time, not the clock's: what else the machine does is no part of it.

use super::memory::{self, Watched};
use super::{Table, at_least, at_most, clip};
use crate::setup::onnxruntime;
use crate::{run, test};
use anyhow::Context;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Seconds of sound that a second of one core must be enough for, with ONNX Runtime.
const NOTES_TIMES_MIN: f64 = 30.0;
/// 300 MB, in MiB.
const NOTES_MIB_MAX: f64 = 286.0;
/// What any other model may take, however long the clip.
const OTHERS_MIB_MAX: f64 = 300.0;
/// Linux counts the time of processes in hundredths of a second.
const TICKS_A_SECOND: f64 = 100.0;

/// What there is to measure with.
struct Bench<'a> {
    program: &'a Path,
    scratch: &'a Path,
    /// ONNX Runtime, where it is to be had.
    library: Option<PathBuf>,
}

/// Transcription, and the hour for the enhancer that is in the program; `short` leaves the hour out.
///
/// # Errors
/// A step that fails. What is not at hand is said and left out.
pub(super) fn measure(
    program: &Path,
    song: &clip::Song,
    scratch: &Path,
    short: bool,
    table: &mut Table,
) -> anyhow::Result<()> {
    println!("long clips on one core");
    if !run::is_there("taskset".as_ref()) {
        println!("left out: long clips on one core (no `taskset` here)");
        return Ok(());
    }
    let library = onnxruntime::provide(onnxruntime::Kind::Cpu);
    let bench = Bench { program, scratch, library: library.ok() };
    let notes = bench.bring_notes();
    if let Err(error) = &notes {
        println!("left out: basic-pitch ({error:#})");
    }
    let mut lengths = vec![("10-minute", 600)];
    lengths.extend((!short).then_some(("60-minute", 3_600)));
    for (length, seconds) in lengths {
        let clip = song.looped(seconds, 0, &scratch.join(format!("{length}.wav")))?;
        let sound = seconds as f64;
        if notes.is_ok() {
            let (cpu, mib) = bench.job(&["transcribe", "--model", "basic-pitch"], &clip)?;
            let verdict =
                if bench.library.is_some() { at_least(sound / cpu, NOTES_TIMES_MIN) } else { String::new() };
            table.add(&format!("basic-pitch, {length} clip, one core"), sound / cpu, "x real time", &verdict);
            let verdict = at_most(mib, NOTES_MIB_MAX);
            table.add(&format!("peak memory, basic-pitch, {length} clip"), mib, "MiB", &verdict);
        }
        for (model, task) in [("beats", "transcribe"), ("rnnoise", "enhance")] {
            let (cpu, mib) = bench.job(&[task, "--model", model], &clip)?;
            table.add(&format!("{model}, {length} clip, one core"), sound / cpu, "x real time", "");
            let verdict = at_most(mib, OTHERS_MIB_MAX);
            table.add(&format!("peak memory, {model}, {length} clip"), mib, "MiB", &verdict);
        }
        std::fs::remove_file(&clip).with_context(|| format!("remove {}", clip.display()))?;
    }
    Ok(())
}

impl Bench<'_> {
    fn data(&self) -> PathBuf {
        self.scratch.join("long")
    }

    /// The weights of basic-pitch, from the folder of test data where there is one.
    fn bring_notes(&self) -> anyhow::Result<()> {
        let mut pull = Command::new(self.program);
        pull.arg("--data").arg(self.data()).args(["models", "pull", "basic-pitch"]);
        if let Some(folder) = test::data() {
            pull.arg("--mirror").arg(folder.join("models"));
        }
        run::ask(&mut pull).map(drop)
    }

    /// One job: seconds of processor time, and MiB at most.
    fn job(&self, task: &[&str], clip: &Path) -> anyhow::Result<(f64, f64)> {
        let out = self.scratch.join("long-out");
        let mut command = Command::new("taskset");
        command.args(["--cpu-list", "0"]).arg(self.program).arg("--data").arg(self.data()).args(task);
        command.args(["--local", "--json", "--out"]).arg(&out).arg(clip);
        command.env_remove(onnxruntime::VARIABLE);
        if let Some(library) = &self.library {
            command.env(onnxruntime::VARIABLE, library);
        }
        let before = children_seconds()?;
        let Watched { own_mib, .. } = memory::watch(&mut command, std::process::id())?;
        let spent = children_seconds()? - before;
        std::fs::remove_dir_all(&out).context("remove the results")?;
        Ok((spent, own_mib))
    }
}

/// Processor time of all children that ended, user and system.
fn children_seconds() -> anyhow::Result<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat").context("read /proc/self/stat")?;
    seconds_in(&stat).context("/proc/self/stat tells no times")
}

/// Fields 16 and 17 of proc(5); the name in field 2 may hold blanks.
fn seconds_in(stat: &str) -> Option<f64> {
    let mut rest = stat.rsplit_once(") ")?.1.split(' ').skip(13);
    let mut ticks = || rest.next()?.parse::<f64>().ok();
    Some((ticks()? + ticks()?) / TICKS_A_SECOND)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_children_is_read_from_the_kernels_words() {
        let stat = "7 (a ) b) S 1 7 7 0 -1 4194304 5 6 7 8 11 12 150 50 20 0 1 0 99 0 0";
        assert_eq!(seconds_in(stat), Some(2.0));
        assert_eq!(seconds_in("7 (a) S"), None);
        assert!(children_seconds().unwrap() >= 0.0);
    }
}
