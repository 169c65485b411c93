//! What a command cost from its start to its end: processor time of all its threads and the most memory it had, as the
//! system counts them when it ends.

use crate::run;
use anyhow::Context;
use serde_json::Value;
use std::process::Command;

/// Python asks the system for what its only child used; its own words go to standard error.
const SCRIPT: &str = "\
import json, resource, subprocess, sys
ended = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps({'seconds': used.ru_utime + used.ru_stime, 'kib': used.ru_maxrss}))
sys.exit(ended.returncode)
";

/// Of one run.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cost {
    pub(super) cpu_seconds: f64,
    pub(super) peak_mib: f64,
}

impl Cost {
    /// The less of each: everything else is noise that only adds.
    pub(super) fn least(self, other: Self) -> Self {
        Self {
            cpu_seconds: self.cpu_seconds.min(other.cpu_seconds),
            peak_mib: self.peak_mib.min(other.peak_mib),
        }
    }
}

/// Runs the command to its end. Linux only, for the unit of memory is another elsewhere.
///
/// # Errors
/// A command that fails.
pub(super) fn of(command: &Command) -> anyhow::Result<Cost> {
    let mut measured = Command::new("python3");
    measured.args(["-c", SCRIPT]).arg(command.get_program()).args(command.get_args());
    let said = run::ask(&mut measured)?;
    let used: Value = serde_json::from_str(&said).with_context(|| format!("understand `{said}`"))?;
    let number = |name: &str| used[name].as_f64().with_context(|| format!("no `{name}` in `{said}`"));
    Ok(Cost { cpu_seconds: number("seconds")?, peak_mib: number("kib")? / 1024.0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_that_works_costs_something_and_one_that_fails_is_an_error() {
        let mut work = Command::new("python3");
        work.args(["-c", "x = bytearray(50_000_000); print(sum(range(2_000_000)))"]);
        let cost = of(&work).unwrap();
        assert!(cost.cpu_seconds > 0.0 && cost.peak_mib > 48.0, "{cost:?}");
        let mut fails = Command::new("python3");
        fails.args(["-c", "import sys; sys.exit('no luck')"]);
        assert!(of(&fails).unwrap_err().to_string().contains("no luck"));
    }
}
