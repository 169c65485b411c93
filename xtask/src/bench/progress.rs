//! When a client began and ended to send and to fetch, by the lines of progress it prints.

use anyhow::{Context, ensure};
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Instant;

/// How long the two ways over the wire took.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wire {
    /// From the hold until the server had the clip.
    pub(super) upload_seconds: f64,
    /// From the first byte of a stem until all stems were files.
    pub(super) download_seconds: f64,
}

impl Default for Wire {
    fn default() -> Self {
        Self { upload_seconds: f64::INFINITY, download_seconds: f64::INFINITY }
    }
}

impl Wire {
    /// The faster of two, each way.
    pub(super) fn best(self, other: Self) -> Self {
        Self {
            upload_seconds: self.upload_seconds.min(other.upload_seconds),
            download_seconds: self.download_seconds.min(other.download_seconds),
        }
    }
}

/// Runs a client on one file to its end.
///
/// # Errors
/// A client that fails or whose lines do not tell.
pub(super) fn watch(command: &mut Command) -> anyhow::Result<Wire> {
    let mut client = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .context("start the client")?;
    let lines = client.stderr.take().context("read the client's progress")?;
    let began = Instant::now();
    let seen: Vec<(f64, String)> = BufReader::new(lines)
        .lines()
        .map_while(Result::ok)
        .map(|line| (began.elapsed().as_secs_f64(), line))
        .collect();
    let status = client.wait().context("wait for the client")?;
    let last = seen.last().map_or("without a word", |(_, line)| line.as_str());
    ensure!(status.success(), "the client failed ({status}): {last}");
    wire(&seen).context("the client's progress does not tell when it sent and fetched")
}

/// Seconds and lines: `x: sending 0 %` .. `x: queued` or `x: separating`, `x: fetching 0 %` .. `x: done`.
fn wire(seen: &[(f64, String)]) -> Option<Wire> {
    let first = |words: &[&str]| {
        let is = |line: &str| {
            line.split_once(": ").is_some_and(|(_, rest)| words.iter().any(|word| rest.starts_with(word)))
        };
        seen.iter().find(|(_, line)| is(line)).map(|(at, _)| *at)
    };
    Some(Wire {
        upload_seconds: first(&["queued", "separating"])? - first(&["sending"])?,
        download_seconds: first(&["done"])? - first(&["fetching"])?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_two_ways_are_read_off_the_lines() {
        let lines = [
            "reading",
            "2 min; 2 credits",
            "sending 0 %",
            "sending 75 %",
            "separating 0 %",
            "fetching 0 %",
            "done: x",
        ];
        let seen: Vec<(f64, String)> =
            (0u32..).zip(lines).map(|(at, line)| (f64::from(at), format!("a.wav: {line}"))).collect();
        let wire = wire(&seen).unwrap();
        assert_eq!((wire.upload_seconds, wire.download_seconds), (2.0, 1.0));
        assert!(super::wire(&seen[..4]).is_none());
    }
}
