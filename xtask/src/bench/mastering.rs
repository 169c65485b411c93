//! Mastering like a reference against the PyPI program matchering, a separate process, on the same pair.

use super::cost::{self, Cost};
use super::{Table, at_least, at_most};
use crate::setup::python;
use crate::{run, workspace};
use anyhow::Context;
use serde_json::Value;
use std::path::Path;
use std::process::Command;

const REQUIREMENTS: &str = "tests/hosts/matchering.txt";
const SCRIPT: &str = "tests/hosts/mastering.py";
const SONG: &str = "tests/song/mixture.flac";
const SECONDS: &str = "180";
/// Runs of each, in turns; the cheapest counts.
const RUNS: usize = 3;
/// What is promised.
const CPU_RATIO_MIN: f64 = 8.0;
const MEMORY_RATIO_MAX: f64 = 0.2;
const BAND_DB_MAX: f64 = 0.5;
const RMS_DB_MAX: f64 = 0.1;
/// Highest sample that the other program counts as full scale; its result without limiter is where a reference that
/// peaks there would be.
const FULL: f64 = (32_768.0 - 61.0) / 32_768.0;

/// Measures, or says why not.
///
/// # Errors
/// A step that fails once the other program is there.
pub(super) fn measure(program: &Path, scratch: &Path, table: &mut Table) -> anyhow::Result<()> {
    println!("mastering beside matchering");
    let python = match python::environment("matchering", REQUIREMENTS) {
        Ok(python) => python,
        Err(error) => {
            println!("left out: mastering beside matchering, which could not be fetched ({error:#})");
            return Ok(());
        }
    };
    let script = |task: &str| {
        let mut command = Command::new(&python);
        command.arg(workspace::root().join(SCRIPT)).arg(task);
        command
    };
    let file = |name: &str| scratch.join(name);
    let (target, reference) = (file("target.wav"), file("reference.wav"));
    let song = workspace::root().join(SONG);
    run::ask(script("pair").arg(song).arg(SECONDS).args([&target, &reference]))?;
    let mut theirs = script("match");
    theirs.args([&target, &reference, &file("theirs.wav")]);
    let mut ours = Command::new(program);
    ours.args(["master", "--local", "--preset", "reference", "--set", "limiter=classic"]);
    ours.args(["--set", "eq_range_db=48", "--out"])
        .arg(scratch)
        .arg("--reference")
        .arg(&reference)
        .arg(&target);
    let (mut our_cost, mut their_cost): (Option<Cost>, Option<Cost>) = (None, None);
    for _ in 0..RUNS {
        for (command, least) in [(&ours, &mut our_cost), (&theirs, &mut their_cost)] {
            let cost = cost::of(command)?;
            *least = Some(least.map_or(cost, |least| least.least(cost)));
        }
    }
    let (our_cost, their_cost) = our_cost.zip(their_cost).context("nothing was run")?;
    costs(our_cost, their_cost, table);

    // Once more, with what it has before its limiter.
    run::ask(script("match").args([&target, &reference, &file("theirs.wav"), &file("plain.wav")]))?;
    let compare = |other: &str| -> anyhow::Result<Value> {
        let said = run::ask(script("compare").args([&file("target - master.wav"), &file(other)]))?;
        serde_json::from_str(&said).with_context(|| format!("understand `{said}`"))
    };
    let (limited, plain) = (compare("theirs.wav")?, compare("plain.wav")?);
    let report = std::fs::read(file("target - report.json")).context("read the report")?;
    likeness(&limited, &plain, &serde_json::from_slice(&report)?, table)
}

fn costs(ours: Cost, theirs: Cost, table: &mut Table) {
    table.add("mastering 3 min like 3 min, ours", ours.cpu_seconds, "CPU s", "");
    table.add("mastering 3 min like 3 min, matchering", theirs.cpu_seconds, "CPU s", "");
    let ratio = theirs.cpu_seconds / ours.cpu_seconds;
    table.add("mastering, times less CPU", ratio, "ratio", &at_least(ratio, CPU_RATIO_MIN));
    table.add("mastering, peak memory, ours", ours.peak_mib, "MiB", "");
    table.add("mastering, peak memory, matchering", theirs.peak_mib, "MiB", "");
    let ratio = ours.peak_mib / theirs.peak_mib;
    table.add("mastering, part of its memory", ratio, "ratio", &at_most(ratio, MEMORY_RATIO_MAX));
}

fn likeness(limited: &Value, plain: &Value, report: &Value, table: &mut Table) -> anyhow::Result<()> {
    let number = |value: &Value, path: &str| {
        value.pointer(path).and_then(Value::as_f64).with_context(|| format!("no {path} in {value}"))
    };
    let worst = number(limited, "/worst_band_db")?;
    table.add("mastering, worst third octave", worst, "dB", &at_most(worst, BAND_DB_MAX));
    // Both with the reference's peak as full scale.
    let full_db = 20.0 * FULL.log10();
    let peak_db = number(report, "/references/0/sample_peak_dbfs")?.min(full_db);
    let before =
        number(report, "/unlimited/rms_dbfs")? - number(plain, "/theirs_rms_db")? - (peak_db - full_db);
    let after = number(limited, "/ours_rms_db")? - number(limited, "/theirs_rms_db")?;
    for (name, difference) in [("before the limiter", before), ("after it", after)] {
        let difference = difference.abs();
        table.add(&format!("mastering, RMS {name}"), difference, "dB", &at_most(difference, RMS_DB_MAX));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn ratios_are_theirs_over_ours_and_beyond_a_limit_it_is_said() {
        let mut table = Table::default();
        costs(
            Cost { cpu_seconds: 1.0, peak_mib: 100.0 },
            Cost { cpu_seconds: 7.0, peak_mib: 1000.0 },
            &mut table,
        );
        let lines = table.lines().join("\n");
        assert!(
            lines.contains("7.000 ratio  BELOW 8") && lines.contains("0.100 ratio  ok, at most 0.2"),
            "{lines}"
        );
    }

    #[test]
    fn the_result_before_the_limiter_is_compared_at_the_references_peak() {
        let full_db = 20.0 * FULL.log10();
        let report =
            json!({"references": [{"sample_peak_dbfs": full_db - 3.0}], "unlimited": {"rms_dbfs": -13.0}});
        let limited = json!({"worst_band_db": 0.7, "ours_rms_db": -14.0, "theirs_rms_db": -14.05});
        let mut table = Table::default();
        likeness(&limited, &json!({"theirs_rms_db": -10.0}), &report, &mut table).unwrap();
        let lines = table.lines().join("\n");
        assert!(lines.contains("ABOVE 0.5") && lines.contains("before the limiter  0.000 dB  ok"), "{lines}");
        assert!(likeness(&limited, &json!({}), &report, &mut Table::default()).is_err());
    }
}
