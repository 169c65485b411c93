//! The program between a test and its browser, on a port that the system chose, and the browser's empty profile.

use crate::wait;
use anyhow::Context;
use std::io::{BufRead, BufReader};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;

/// Where the programs may lie, and what they are called.
const BROWSERS: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];
const DRIVERS: [&str; 1] = ["chromedriver"];
/// What it says when it listens, before the port.
const READY: &str = "started successfully on port ";

/// How often a driver is started before it is given up.
const STARTS_MAX: usize = 5;
/// How long the end of a browser may take.
const END_WITHIN: Duration = Duration::from_secs(10);

/// A running driver. Dropping it ends it and every process of its browser.
pub(super) struct Driver {
    process: Child,
    /// Open as long as the process lives, which may say more.
    _output: BufReader<ChildStdout>,
    pub(super) url: String,
    pub(super) browser: PathBuf,
    pub(super) profile: TempDir,
}

/// Browser and driver.
pub(super) fn programs() -> anyhow::Result<(PathBuf, PathBuf)> {
    Ok((program(&BROWSERS)?, program(&DRIVERS)?))
}

fn program(names: &[&str]) -> anyhow::Result<PathBuf> {
    let folders: Vec<PathBuf> =
        std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()).collect();
    let paths = names.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
    paths
        .into_iter()
        .find(|path| path.is_file())
        .with_context(|| format!("no program {}", names.join(" or ")))
}

impl Driver {
    /// A driver takes a port that is free for one kind of address and may find it taken for the other: then once more.
    pub(super) fn start() -> anyhow::Result<Self> {
        let mut started = Self::try_start();
        for _ in 1..STARTS_MAX {
            if started.is_ok() {
                break;
            }
            started = Self::try_start();
        }
        started
    }

    fn try_start() -> anyhow::Result<Self> {
        let (browser, driver) = programs()?;
        let profile = tempfile::Builder::new().prefix("tributary-browser-").tempdir()?;
        let mut process = Command::new(driver)
            .arg("--port=0")
            // Caches and crash reports stay within the test's own folder.
            .env("HOME", profile.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context("start chromedriver")?;
        let mut output = BufReader::new(process.stdout.take().context("the driver has an output")?);
        let mut line = String::new();
        while output.read_line(&mut line)? > 0 {
            if let Some(at) = line.find(READY) {
                let port = line[at + READY.len()..].trim().trim_end_matches('.');
                let url = format!("http://127.0.0.1:{port}");
                return Ok(Self { process, _output: output, url, browser, profile });
            }
            line.clear();
        }
        anyhow::bail!("chromedriver ended before it listened: {}", process.wait()?)
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        // What the browser started writes into the profile until it has noticed that the browser is gone, and makes the
        // folder anew: it goes when nobody is left.
        wait::blocking(END_WITHIN, || {
            let users = users_of(self.profile.path());
            for process in &users {
                let _ = Command::new("kill").args(["-9", process]).stderr(Stdio::null()).status();
            }
            let gone = std::fs::remove_dir_all(self.profile.path()).is_ok() || !self.profile.path().exists();
            users.is_empty() && gone
        });
    }
}

/// Processes that name the profile or have a file of it open, by number. Some write over what they were started with.
fn users_of(profile: &Path) -> Vec<String> {
    let name = profile.as_os_str().as_bytes();
    let own = std::process::id().to_string();
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    processes
        .filter_map(|process| process.file_name().into_string().ok())
        .filter(|process| process.bytes().all(|byte| byte.is_ascii_digit()) && *process != own)
        .filter(|process| {
            let process = Path::new("/proc").join(process);
            let says = |file: &&str| {
                let words = std::fs::read(process.join(file)).unwrap_or_default();
                words.windows(name.len()).any(|part| part == name)
            };
            let mut open = std::fs::read_dir(process.join("fd")).into_iter().flatten().flatten();
            ["cmdline", "environ"].iter().any(says)
                || open.any(|file| std::fs::read_link(file.path()).is_ok_and(|at| at.starts_with(profile)))
        })
        .collect()
}
