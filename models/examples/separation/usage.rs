//! What this process has of memory and used of the processor, as the system counts it. Linux only; elsewhere the figures are
//! missing.

/// Ticks of a second, in which Linux tells every program what it used.
const TICKS: f64 = 100.0;

/// So far.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Usage {
    /// Memory now, MiB.
    pub(crate) mib: Option<f64>,
    /// The most memory, MiB.
    pub(crate) most_mib: Option<f64>,
    /// Processor time of all threads.
    pub(crate) cpu_seconds: Option<f64>,
}

impl Usage {
    /// As it is.
    pub(crate) fn look() -> Self {
        let read = |name: &str| std::fs::read_to_string(format!("/proc/self/{name}")).unwrap_or_default();
        let (status, stat) = (read("status"), read("stat"));
        let field = |name: &str| {
            let kib = status.lines().find_map(|line| line.strip_prefix(name))?.trim().strip_suffix("kB")?;
            Some(kib.trim().parse::<f64>().ok()? / 1024.0)
        };
        // Behind the program's name, which may hold blanks: the 12th and 13th are ticks of the program and of the system.
        let ticks = stat.rsplit_once(')').map(|(_, fields)| fields.split_whitespace().skip(11).take(2));
        let ticks = ticks.and_then(|both| both.map(|ticks| ticks.parse::<f64>().ok()).sum::<Option<f64>>());
        Self { mib: field("VmRSS:"), most_mib: field("VmHWM:"), cpu_seconds: ticks.map(|all| all / TICKS) }
    }
}
