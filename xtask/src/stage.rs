//! A server of our own for as long as it is needed: free ports, a data folder that goes away with it.

use crate::run;
use anyhow::{Context, anyhow};
use serde_json::Value;
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A server that has not said where it listens after this long will not.
const START_SECONDS: u64 = 60;
/// A server that was asked to stop and has no jobs stops within this.
const STOP_SECONDS: u64 = 10;
/// Lines of the server's log that are shown when it did not start.
const LOG_LINES: usize = 5;

/// A running server. Stops, and its data is deleted, when this goes out of scope.
pub(crate) struct Stage {
    program: PathBuf,
    data: TempDir,
    server: Child,
    /// Where clients connect to.
    pub(crate) address: String,
}

impl Stage {
    /// Starts the program as a server, in `data` or a folder of its own, and waits until it says where it listens.
    ///
    /// # Errors
    /// A server that does not start; the message ends with what it logged last.
    pub(crate) fn start(program: &Path, data: Option<TempDir>) -> anyhow::Result<Self> {
        let data = data.map_or_else(tempfile::tempdir, Ok).context("make a data folder")?;
        let log = data.path().join("stage.log");
        let mut server = Command::new(program)
            .arg("--data")
            .arg(data.path())
            .args([
                "serve",
                "--listen",
                "127.0.0.1:0",
                "--listen-http",
                "127.0.0.1:0",
                "--listen-pages",
                "127.0.0.1:0",
                "--announce",
                "json",
            ])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(File::create(&log).context("make the server's log")?)
            .spawn()
            .with_context(|| format!("start {}", program.display()))?;
        let output = server.stdout.take().context("read what the server prints")?;
        let (said, hear) = mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                // Read on to the end, also when nobody listens any more: a full pipe would stop the server.
                let _ = said.send(line);
            }
        });
        let announced = hear.recv_timeout(Duration::from_secs(START_SECONDS)).ok();
        let address = announced
            .and_then(|line| serde_json::from_str::<Value>(&line).ok())
            .and_then(|line| Some(line["grpc"].as_str()?.to_owned()));
        let Some(address) = address else {
            let _ = server.kill();
            let _ = server.wait();
            return Err(anyhow!("the server did not start: {}", last_lines(&log)));
        };
        Ok(Self { program: program.to_owned(), data, server, address })
    }

    /// The program as a client of this server.
    pub(crate) fn client(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.arg("--data").arg(self.folder());
        command
    }

    /// What a client command prints with `--json`: one object a line.
    ///
    /// # Errors
    /// A command that fails, or prints something else.
    pub(crate) fn ask<S: AsRef<std::ffi::OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = S>,
    ) -> anyhow::Result<Vec<Value>> {
        json_lines(&run::ask(self.client().args(arguments).arg("--json"))?)
    }

    /// The server's data folder; who looks there finds the server.
    pub(crate) fn folder(&self) -> &Path {
        self.data.path()
    }

    /// The server's process.
    pub(crate) fn process(&self) -> u32 {
        self.server.id()
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        // Asked first, so that it drains as in earnest; killed if it does not.
        let _ = Command::new("kill").arg(self.server.id().to_string()).stderr(Stdio::null()).status();
        let deadline = Instant::now() + Duration::from_secs(STOP_SECONDS);
        while Instant::now() < deadline {
            if !matches!(self.server.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// One JSON value a line.
///
/// # Errors
/// A line that is none.
pub(crate) fn json_lines(text: &str) -> anyhow::Result<Vec<Value>> {
    text.lines()
        .map(|line| serde_json::from_str(line).with_context(|| format!("understand `{line}`")))
        .collect()
}

fn last_lines(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    let shown = lines[lines.len().saturating_sub(LOG_LINES)..].join(" | ");
    if shown.is_empty() { "it said nothing".to_owned() } else { shown }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_says_no_address_is_no_server() {
        let error = Stage::start(Path::new("true"), None).map(|stage| stage.address.clone()).unwrap_err();
        assert!(error.to_string().starts_with("the server did not start"), "{error:#}");
    }

    #[test]
    fn every_line_must_be_json() {
        assert_eq!(json_lines("{\"a\":1}\n2\n").unwrap().len(), 2);
        assert!(json_lines("{\"a\":1}\noops\n").is_err());
    }
}
