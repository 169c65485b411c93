//! Published separators of full size, one chunk of sound, our converted graphs against their publishers' code on PyTorch:
//! speed, share of what this machine's matrix products do, memory. Each runs in a process of its own.

pub(super) mod gpu;

use super::{Table, at_least, at_most};
use crate::published::{Bits, Network, Workshop};
use crate::run;
use crate::setup::onnxruntime;
use crate::stage::json_lines;
use anyhow::Context;
use serde_json::Value;
use std::path::Path;
use std::process::Command;

/// Threads of either.
const THREADS: &str = "2";
/// Chunks after the first, which warms up.
const CHUNKS: &str = "3";
/// PyTorch's, which take longest.
const THEIR_CHUNKS: &str = "1";
/// Layers where time is short.
const SHORT_LAYERS: u32 = 2;
/// What is promised.
const SPEED_MIN: f64 = 1.35;
/// 3 GB.
const MEMORY_MIB_MAX: f64 = 3e9 / (1024.0 * 1024.0);
/// Memory after several chunks over memory after the first that was sound.
const GROWTH_MAX: f64 = 1.05;
/// Share of the machine's matrix products, %.
const SHARES_MIN: [(Network, f64); 2] = [(Network::BsRoformer, 80.0), (Network::MelBandRoformer, 70.0)];

/// What one unit of work took.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Took {
    seconds: f64,
    cpu_seconds: f64,
}

impl Took {
    fn of(line: &Value) -> anyhow::Result<Self> {
        let number = |name: &str| line[name].as_f64().with_context(|| format!("no `{name}` in {line}"));
        Ok(Self { seconds: number("seconds")?, cpu_seconds: number("cpu_seconds")? })
    }

    /// The less of each: everything else is noise that only adds.
    fn least(self, other: Self) -> Self {
        let (seconds, cpu_seconds) =
            (self.seconds.min(other.seconds), self.cpu_seconds.min(other.cpu_seconds));
        Self { seconds, cpu_seconds }
    }
}

/// One process: its best chunk, and the most memory after its first chunk of sound and after all.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Chunks {
    took: Took,
    one_mib: f64,
    all_mib: f64,
}

impl Chunks {
    /// `warm`: whether what came with loading counts as a chunk, too.
    fn of(lines: &[Value], warm: bool) -> anyhow::Result<Self> {
        let most = |line: Option<&Value>| {
            line.and_then(|line| line["most_mib"].as_f64()).context("it does not say what memory it took")
        };
        let counts = |line: &&Value| warm || line["what"] == "chunk";
        let chunks = lines.iter().filter(counts).map(Took::of);
        let took = chunks.collect::<anyhow::Result<Vec<_>>>()?.into_iter().reduce(Took::least);
        Ok(Self {
            took: took.context("no chunk was measured")?,
            one_mib: most(lines.iter().find(counts))?,
            all_mib: most(lines.last())?,
        })
    }
}

/// Measures both networks; what is made stays in `graphs`.
///
/// # Errors
/// A step that fails; PyTorch or ONNX Runtime that cannot be had.
pub(super) fn measure(graphs: &Path, short: bool, table: &mut Table) -> anyhow::Result<()> {
    println!("published separators beside PyTorch");
    let workshop = Workshop::open(graphs, onnxruntime::Kind::Cpu)?;
    for (network, share_min) in SHARES_MIN {
        let made = workshop.place(network, short.then_some(SHORT_LAYERS));
        workshop.make(&made)?;
        let converted = workshop.convert(&made, Bits::Full)?;
        let title = match short {
            true => format!("{}, {SHORT_LAYERS} layers only", network.title()),
            false => network.title().to_owned(),
        };
        println!("{title}: {:.2} TFLOP a chunk", converted.operations / 1e12);
        let mut rate = product(&workshop)?;
        let mut ours = workshop.ours("time");
        ours.arg(&converted.folder).args([CHUNKS, "--threads", THREADS]);
        let ours = Chunks::of(&lines(&mut ours)?, false)?;
        rate = rate.least(product(&workshop)?);
        let mut theirs = theirs(&workshop, "time")?;
        let theirs = Chunks::of(&lines(theirs.arg(&made.folder).arg(THEIR_CHUNKS))?, true)?;
        rate = rate.least(product(&workshop)?);
        rows(&title, converted.operations, share_min, (ours, theirs, rate), table);
    }
    Ok(())
}

fn theirs(workshop: &Workshop, task: &str) -> anyhow::Result<Command> {
    let mut command = workshop.theirs(task)?;
    command.env("TRIBUTARY_THREADS", THREADS);
    Ok(command)
}

fn lines(command: &mut Command) -> anyhow::Result<Vec<Value>> {
    json_lines(&run::ask(command)?)
}

/// What one multiplication and addition of this machine's matrix products takes.
fn product(workshop: &Workshop) -> anyhow::Result<Took> {
    let said = lines(&mut theirs(workshop, "matmul")?)?;
    let line = said.first().context("no product was measured")?;
    let (took, work) = (Took::of(line)?, line["work"].as_f64().context("no work")?);
    Ok(Took { seconds: took.seconds / work, cpu_seconds: took.cpu_seconds / work })
}

fn rows(
    title: &str,
    operations: f64,
    share_min: f64,
    (ours, theirs, rate): (Chunks, Chunks, Took),
    table: &mut Table,
) {
    let mut row = |what: &str, value: f64, unit: &str, verdict: &str| {
        table.add(&format!("{title}, {what}"), value, unit, verdict);
    };
    row("one chunk, ours", ours.took.seconds, "s", "");
    row("one chunk, PyTorch", theirs.took.seconds, "s", "");
    let times = theirs.took.seconds / ours.took.seconds;
    row("times faster than PyTorch", times, "ratio", &at_least(times, SPEED_MIN));
    // On a machine that does other things, too, processor time says more; the promise is the same.
    let times = theirs.took.cpu_seconds / ours.took.cpu_seconds;
    row("times less processor time", times, "ratio", &at_least(times, SPEED_MIN));
    row("matrix products of this machine", 1e-9 / rate.seconds, "GFLOP/s", "");
    let share = |least: f64, took: f64| 100.0 * operations * least / took;
    let wall = share(rate.seconds, ours.took.seconds);
    row("share of it", wall, "%", &at_least(wall, share_min));
    let processor = share(rate.cpu_seconds, ours.took.cpu_seconds);
    row("share of it by processor time", processor, "%", &at_least(processor, share_min));
    row("peak memory, one chunk", ours.one_mib, "MiB", &at_most(ours.one_mib, MEMORY_MIB_MAX.floor()));
    let growth = ours.all_mib / ours.one_mib;
    row("peak memory, more chunks over one", growth, "ratio", &at_most(growth, GROWTH_MAX));
    row("peak memory, PyTorch", theirs.all_mib, "MiB", "");
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn line(what: &str, seconds: f64, most_mib: f64) -> Value {
        json!({"what": what, "seconds": seconds, "cpu_seconds": 2.0 * seconds, "most_mib": most_mib})
    }

    #[test]
    fn the_best_chunk_counts_and_loading_only_where_it_is_one() {
        let lines = [line("load", 1.0, 100.0), line("chunk", 4.0, 120.0), line("chunk", 3.0, 130.0)];
        let chunks = Chunks::of(&lines, false).unwrap();
        assert_eq!(chunks.took, Took { seconds: 3.0, cpu_seconds: 6.0 });
        assert_eq!((chunks.one_mib, chunks.all_mib), (120.0, 130.0));
        assert_eq!(Chunks::of(&lines, true).unwrap().took.seconds, 1.0);
        assert!(Chunks::of(&lines[..1], false).is_err());
    }

    #[test]
    fn every_promise_has_a_row_that_says_whether_it_is_kept() {
        let chunks = |seconds, one_mib, all_mib| Chunks {
            took: Took { seconds, cpu_seconds: 2.0 * seconds },
            one_mib,
            all_mib,
        };
        let mut table = Table::default();
        let rate = Took { seconds: 1e-11, cpu_seconds: 2e-11 };
        rows("X", 1e12, 80.0, (chunks(12.0, 2000.0, 2200.0), chunks(18.0, 1.0, 1.0), rate), &mut table);
        let text = table.lines().join("\n");
        for row in [
            "ok, at least 1.35",
            "83.3 %        ok, at least 80",
            "ok, at most 2861",
            "1.100 ratio    ABOVE 1.05",
        ] {
            assert!(text.contains(row), "{row}:\n{text}");
        }
    }
}
