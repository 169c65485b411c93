//! The most memory two processes ever had, as the system counts it. Linux only; elsewhere the figure is missing.

use anyhow::{Context, ensure};
use std::fs;
use std::process::{Command, Stdio};
use std::time::Duration;

/// How often a running client is looked at: its peak can only be read while it lives.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Peaks in MiB.
pub(super) struct Watched {
    /// Of the command.
    pub(super) own_mib: f64,
    /// Of the other process.
    pub(super) other_mib: f64,
}

/// Runs the command to its end and reads its peak memory, and that of another process that goes on.
///
/// # Errors
/// A command that fails; a system that does not say how much memory a process had.
pub(super) fn watch(command: &mut Command, other: u32) -> anyhow::Result<Watched> {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .context("start the client")?;
    let mut own_mib = f64::NAN;
    let status = loop {
        // The kernel keeps the peak, so the last look before the end is all that counts.
        own_mib = peak_mib(child.id()).map_or(own_mib, |now| now.max(own_mib));
        if let Some(status) = child.try_wait().context("wait for the client")? {
            break status;
        }
        std::thread::sleep(LOOK_EVERY);
    };
    ensure!(status.success(), "the client failed ({status})");
    Ok(Watched { own_mib, other_mib: peak_mib(other).unwrap_or(f64::NAN) })
}

/// `VmHWM`, the largest resident size so far.
fn peak_mib(process: u32) -> Option<f64> {
    peak_in(&fs::read_to_string(format!("/proc/{process}/status")).ok()?)
}

fn peak_in(status: &str) -> Option<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib / 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_peak_is_read_from_the_kernels_words() {
        assert_eq!(peak_in("Name:\tx\nVmPeak:\t 9999 kB\nVmHWM:\t    2048 kB\n"), Some(2.0));
        assert_eq!(peak_in("Name:\tx\n"), None);
    }
}
