//! A real PostgreSQL for the tests of one process: made in a temporary folder when the first test asks, one database a
//! test, gone when the process ends, however it ends. Listens on a socket in its folder, so no port can be taken; one of
//! its own that speaks TLS, too, listens on a port of this machine.
//!
//! Nothing is safe from a power cut here (`fsync` is off): tests kill servers of ours, not the machine.

mod programs;
mod secured;

use anyhow::{Context, bail, ensure};
use programs::Programs;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use tempfile::TempDir;

pub use programs::are_there;
pub use secured::Secured;

/// Who may do everything; nobody asks for its password on a socket that only this test's folder has.
pub const ADMIN: &str = "postgres";
/// PostgreSQL's own. A socket has it in its name.
const USUAL_PORT: u16 = 5432;
/// What tests need: quick rather than safe, no network, room for many servers.
const SETTINGS: &str = "
listen_addresses = ''
fsync = off
full_page_writes = off
synchronous_commit = off
max_connections = 300
shared_buffers = 32MB
autovacuum = off
";
/// Starts PostgreSQL and says so. Stops it and removes its folder when this process is gone: the shell reads until the
/// other end of its input is closed, which the system does for a process that was killed, too.
const KEEPER: &str = "
\"$@\" start >/dev/null 2>&1 </dev/null && echo up || echo down
cat >/dev/null
\"$@\" -m immediate stop >/dev/null 2>&1
rm -rf \"$FOLDER\"
";

/// A running PostgreSQL.
pub struct Cluster {
    programs: Programs,
    folder: TempDir,
    /// Of its name in the folder, too.
    port: u16,
    /// Its input is what the keeper waits for.
    _keeper: Child,
    numbers: AtomicU32,
    templates: Mutex<Vec<String>>,
}

impl Cluster {
    /// The cluster of this process.
    ///
    /// # Errors
    /// Where PostgreSQL is not installed or does not start; the message says what to run.
    pub fn of_this_process() -> anyhow::Result<&'static Self> {
        static CLUSTER: OnceLock<Result<Cluster, String>> = OnceLock::new();
        let started = CLUSTER
            .get_or_init(|| Self::start(USUAL_PORT, |_, _| Ok("")).map_err(|error| format!("{error:#}")));
        started.as_ref().map_err(|error| anyhow::anyhow!("{error}"))
    }

    /// `prepare` may put files into the new data folder, and answers further settings.
    fn start(
        port: u16,
        prepare: impl FnOnce(&Programs, &Path) -> anyhow::Result<&'static str>,
    ) -> anyhow::Result<Self> {
        let programs = Programs::find()?;
        let folder = tempfile::Builder::new().prefix("pg-").tempdir()?;
        programs.give(folder.path())?;
        let data = folder.path().join("data");
        let made = programs
            .command("initdb")
            .args(["--auth=trust", "--no-sync", "--encoding=UTF8", "--locale=C", "--username", ADMIN, "-D"])
            .arg(&data)
            .output()?;
        ensure!(made.status.success(), "initdb failed: {}", String::from_utf8_lossy(&made.stderr));
        let place = format!("unix_socket_directories = '{}'\nport = {port}\n", folder.path().display());
        let more = prepare(&programs, &data)?;
        File::options()
            .append(true)
            .open(data.join("postgresql.conf"))?
            .write_all([SETTINGS, &place, more].concat().as_bytes())?;
        let keeper = keep(&programs, folder.path())?;
        let numbers = AtomicU32::new(0);
        Ok(Self { programs, folder, port, _keeper: keeper, numbers, templates: Mutex::default() })
    }

    /// The address of a database for a role.
    #[must_use]
    pub fn address(&self, role: &str, database: &str) -> String {
        let folder = self.folder.path().display().to_string().replace('/', "%2F");
        format!("postgres://{role}@localhost:{}/{database}?host={folder}", self.port)
    }

    /// Runs SQL as the administrator, and answers what it printed: values without heads, one row a line.
    ///
    /// # Errors
    /// Where a statement fails.
    pub fn run(&self, database: &str, sql: &str) -> anyhow::Result<String> {
        let ran = self
            .programs
            .command("psql")
            .args(["-X", "-q", "-t", "-A", "-v", "ON_ERROR_STOP=1", "-U", ADMIN, "-d", database, "-c", sql])
            .arg("-h")
            .arg(self.folder.path())
            .args(["-p", &self.port.to_string()])
            .stdin(Stdio::null())
            .output()?;
        ensure!(ran.status.success(), "{sql}: {}", String::from_utf8_lossy(&ran.stderr));
        Ok(String::from_utf8_lossy(&ran.stdout).trim_end().to_owned())
    }

    /// An empty database; answers its name.
    ///
    /// # Errors
    /// Where it cannot be made.
    pub fn empty(&self) -> anyhow::Result<String> {
        let name = format!("empty_{}", self.numbers.fetch_add(1, Ordering::Relaxed));
        self.run("postgres", &format!("CREATE DATABASE {name}"))?;
        Ok(name)
    }

    /// Removes a database, whoever is connected to it: each takes 8 MB.
    ///
    /// # Errors
    /// Where it cannot be removed.
    pub fn remove(&self, name: &str) -> anyhow::Result<()> {
        self.run("postgres", &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).map(drop)
    }

    /// A new database that is the copy of another, `template`, which the first caller makes with `make`, told its
    /// name. Copying is much faster than making.
    ///
    /// # Errors
    /// Where it cannot be made.
    pub fn copy_of(
        &self,
        template: &str,
        make: impl FnOnce(&str) -> anyhow::Result<()>,
    ) -> anyhow::Result<String> {
        let number = self.numbers.fetch_add(1, Ordering::Relaxed);
        let name = format!("{template}_{number}");
        self.copy_as(&name, template, make)?;
        Ok(name)
    }

    /// The same under a name of the caller's choice, where there is none of that name yet.
    ///
    /// # Errors
    /// Where it cannot be made.
    pub fn copy_as(
        &self,
        name: &str,
        template: &str,
        make: impl FnOnce(&str) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        // One at a time: a template that is being copied must have no other user.
        let mut templates = self.templates.lock().unwrap_or_else(PoisonError::into_inner);
        if !templates.iter().any(|known| known == template) {
            self.run("postgres", &format!("CREATE DATABASE {template}"))?;
            make(template)?;
            templates.push(template.to_owned());
        }
        let known = self.run("postgres", &format!("SELECT 1 FROM pg_database WHERE datname = '{name}'"))?;
        if known.is_empty() {
            self.run("postgres", &format!("CREATE DATABASE {name} TEMPLATE {template}"))?;
        }
        Ok(())
    }
}

/// Starts the server below a keeper and waits until it takes connections.
fn keep(programs: &Programs, folder: &Path) -> anyhow::Result<Child> {
    let log = folder.join("log");
    let control = programs.command("pg_ctl");
    let mut keeper = Command::new("sh");
    keeper.args(["-c", KEEPER, "keeper"]).arg(control.get_program()).args(control.get_args());
    keeper.args(["-w", "-t", "60", "-D"]).arg(folder.join("data")).arg("-l").arg(&log);
    keeper.current_dir("/").env("FOLDER", folder).env("LC_ALL", "C");
    // Its own group: what a terminal sends to the tests is not for the keeper.
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut keeper, 0);
    let mut keeper = keeper
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .context("start PostgreSQL")?;
    let mut said = String::new();
    BufReader::new(keeper.stdout.take().context("the keeper's output")?).read_line(&mut said)?;
    if said.trim() != "up" {
        bail!("PostgreSQL did not start: {}", fs::read_to_string(log).unwrap_or_default());
    }
    Ok(keeper)
}
