//! A server in a process of its own, to be killed. The process is this test binary again, running only the test
//! named [`TEST`]; it can be told to die at a named step of a job's way.

use crate::database;
use anyhow::Context;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use tributary_protocol::vocab::JobId;
use tributary_server::billing::Pack;
use tributary_server::role::Role;
use tributary_server::steps::{Step, Steps};
use tributary_server::{Parts, start, start_edges, start_worker};
use tributary_stripe_double::TEST_KEY;

/// The test that is the server when its data folder is named, and passes at once otherwise.
pub const TEST: &str = "restart::the_server_that_is_killed";
const DATA: &str = "TRIBUTARY_TEST_CHILD_DATA";
const DIE_AT: &str = "TRIBUTARY_TEST_CHILD_DIE_AT";
const FILES: &str = "TRIBUTARY_TEST_CHILD_FILES";
const ROLE: &str = "TRIBUTARY_TEST_CHILD_ROLE";
const STRIPE: &str = "TRIBUTARY_TEST_CHILD_STRIPE";
const ATTEMPTS: &str = "TRIBUTARY_TEST_CHILD_ATTEMPTS";
/// As servers have it when nothing else is configured.
const ATTEMPTS_USUAL: u32 = 3;
const READY: &str = "child serves at ";

/// Signs what a selling child is told.
pub const STRIPE_SECRET: &str = "whsec_child";

/// A server process. Killed (SIGKILL) when dropped.
pub struct ChildServer {
    process: Child,
    /// Open as long as the process lives: a test that runs for a minute says so, and dies where nobody would read it.
    _output: BufReader<ChildStdout>,
    /// For clients.
    pub address: String,
    /// The local account's key.
    pub key: String,
    /// For browsers, and for what Stripe tells.
    pub pages: String,
}

/// Where a child dies.
#[derive(Clone, Copy, Debug)]
pub struct DieAt {
    /// At which step.
    pub step: Step,
    /// The how-manieth time, from 1.
    pub time: u32,
}

impl ChildServer {
    /// Starts on `data`; returns when clients can connect.
    ///
    /// # Errors
    /// Where the process cannot be started or does not come up.
    pub fn start(data: &Path, die_at: Option<DieAt>) -> anyhow::Result<Self> {
        Self::start_with(data, die_at, ATTEMPTS_USUAL)
    }

    /// The same, with another number of times that a job whose server died is tried.
    ///
    /// # Errors
    /// Where the process cannot be started or does not come up.
    pub fn start_with(data: &Path, die_at: Option<DieAt>, attempts: u32) -> anyhow::Result<Self> {
        Self::spawn(data, die_at, attempts, database::told(data)?, None, Role::Whole)
    }

    /// One of several on the PostgreSQL database `address`, with the folder of files that they share.
    ///
    /// # Errors
    /// Where the process cannot be started or does not come up.
    pub fn start_among(data: &Path, address: &str, files: &Path, attempts: u32) -> anyhow::Result<Self> {
        Self::start_as(Role::Whole, data, address, files, attempts)
    }

    /// The same with a part of the work only. A worker has neither address nor key: both are empty.
    ///
    /// # Errors
    /// Where the process cannot be started or does not come up.
    pub fn start_as(
        role: Role,
        data: &Path,
        address: &str,
        files: &Path,
        attempts: u32,
    ) -> anyhow::Result<Self> {
        Self::spawn(data, None, attempts, database::telling(address), Some(files), role)
    }

    /// The same, with a shop whose payments go to a stand-in of Stripe at `stripe`.
    ///
    /// # Errors
    /// Where the process cannot be started or does not come up.
    pub fn start_selling(data: &Path, stripe: &str, attempts: u32) -> anyhow::Result<Self> {
        let mut command = Self::command(data, attempts, database::told(data)?, Role::Whole)?;
        command.env(STRIPE, stripe);
        Self::run(command)
    }

    fn spawn(
        data: &Path,
        die_at: Option<DieAt>,
        attempts: u32,
        database: (&'static str, String),
        files: Option<&Path>,
        role: Role,
    ) -> anyhow::Result<Self> {
        let mut command = Self::command(data, attempts, database, role)?;
        if let Some(files) = files {
            command.env(FILES, files);
        }
        if let Some(DieAt { step, time }) = die_at {
            command.env(DIE_AT, format!("{step:?} {time}"));
        }
        Self::run(command)
    }

    fn command(
        data: &Path,
        attempts: u32,
        database: (&'static str, String),
        role: Role,
    ) -> anyhow::Result<Command> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["--exact", TEST, "--nocapture"]).env(DATA, data).env(ATTEMPTS, attempts.to_string());
        command.env(database.0, database.1).env(ROLE, role.word());
        Ok(command)
    }

    fn run(mut command: Command) -> anyhow::Result<Self> {
        let mut process =
            command.stdout(Stdio::piped()).stderr(Stdio::null()).stdin(Stdio::null()).spawn()?;
        let mut output = BufReader::new(process.stdout.take().context("the child has an output")?);
        let mut line = String::new();
        while output.read_line(&mut line)? > 0 {
            if let Some(at) = line.find(READY) {
                let mut words = line[at + READY.len()..].split(' ').map(str::to_owned);
                let mut word = |what: &'static str| words.next().context(what);
                let (address, key, pages) = (word("address")?, word("key")?, word("pages")?);
                return Ok(Self { process, _output: output, address, key, pages });
            }
            line.clear();
        }
        anyhow::bail!("the child ended before it served: {}", process.wait()?)
    }

    /// Kills it (SIGKILL) and waits until it is dead.
    ///
    /// # Errors
    /// Where it cannot be killed.
    pub fn kill(&mut self) -> anyhow::Result<()> {
        self.process.kill()?;
        self.wait()
    }

    /// Until the process is dead by itself.
    ///
    /// # Errors
    /// Where it cannot be waited for.
    pub fn wait(&mut self) -> anyhow::Result<()> {
        self.process.wait()?;
        Ok(())
    }

    /// Whether it is dead.
    ///
    /// # Errors
    /// Where it cannot be asked.
    pub fn is_dead(&mut self) -> anyhow::Result<bool> {
        Ok(self.process.try_wait()?.is_some())
    }
}

impl Drop for ChildServer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What a selling child sells.
#[must_use]
pub fn packs() -> Vec<Pack> {
    let (name, title, currency) = ("small".to_owned(), "Small".to_owned(), "EUR".to_owned());
    vec![Pack {
        name,
        title,
        credits: 100,
        amount_minor: 900,
        currency,
        from: String::new(),
        until: String::new(),
    }]
}

/// Dies without a word, as with `kill -9`, when its step is reached.
struct Death {
    at: Step,
    left: AtomicU32,
}

impl Steps for Death {
    fn reached(&self, step: Step, _job: Option<JobId>) {
        if step == self.at && self.left.fetch_sub(1, Ordering::SeqCst) == 1 {
            std::process::abort();
        }
    }
}

/// The body of the test [`TEST`]: serves for ever when this process is a child, returns at once otherwise.
///
/// # Errors
/// Where the server does not start.
#[expect(clippy::print_stdout, reason = "the parent reads where the child serves")]
pub async fn serve_if_child() -> anyhow::Result<()> {
    let Ok(data) = std::env::var(DATA) else { return Ok(()) };
    let mut parts = Parts::default();
    if let Ok(die_at) = std::env::var(DIE_AT) {
        let (step, time) = die_at.split_once(' ').context("step and time")?;
        let at = Step::ALL.into_iter().find(|known| format!("{known:?}") == step).context("a known step")?;
        parts.steps = Arc::new(Death { at, left: AtomicU32::new(time.parse()?) });
    }
    let mut config = crate::stage::config();
    // A dead worker's lease is noticed soon; a living one extends it three times in this time.
    config.worker.lease_seconds = 4;
    config.worker.attempts = std::env::var(ATTEMPTS)?.parse()?;
    config.database = database::of(Path::new(&data))?.unwrap_or_default();
    config.files = std::env::var_os(FILES).map(PathBuf::from).unwrap_or_default();
    if let Ok(stripe) = std::env::var(STRIPE) {
        config.payments.stripe_key = TEST_KEY.to_owned();
        config.payments.stripe_url = stripe;
        config.payments.webhook_secrets = vec![STRIPE_SECRET.to_owned()];
        config.payments.packs = packs();
    }
    let (data, role) = (Path::new(&data), std::env::var(ROLE)?);
    // Kept for as long as the process lives.
    let (_server, _worker);
    if role == Role::Worker.word() {
        _worker = start_worker(config, data, parts).await?;
        println!("{READY}   ");
    } else {
        let edges_only = role == Role::Edges.word();
        _server = if edges_only {
            start_edges(config, data, parts).await?
        } else {
            start(config, data, parts).await?
        };
        println!("{READY}{} {} {} ", _server.address, _server.key, _server.pages);
    }
    std::future::pending().await
}
