//! The `tributary` command as a user runs it: its own process, its own data folder, output and exit code.

use crate::database;
use anyhow::Context;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

/// The binary under test: `TRIBUTARY_BIN`, or the one beside this test's own.
///
/// # Errors
/// Where there is none: `cargo xtask test` builds it.
pub fn binary() -> anyhow::Result<PathBuf> {
    if let Some(path) = std::env::var_os("TRIBUTARY_BIN") {
        return Ok(path.into());
    }
    let own = std::env::current_exe()?;
    let folder = own.parent().and_then(Path::parent).context("the test's own folder")?;
    let path = folder.join(format!("tributary{}", std::env::consts::EXE_SUFFIX));
    anyhow::ensure!(
        path.is_file(),
        "no `tributary` binary: run the tests with `cargo xtask test`, which builds it"
    );
    Ok(path)
}

/// A command on the data folder `data`, not yet run; nothing of the user's own environment reaches it.
///
/// # Errors
/// Where the binary is missing.
pub fn tributary(data: &Path) -> anyhow::Result<Command> {
    let mut command = Command::new(binary()?);
    for name in
        ["TRIBUTARY_SERVER", "TRIBUTARY_KEY", "TRIBUTARY_CERTIFICATE", "TRIBUTARY_ONNXRUNTIME", "RUST_LOG"]
    {
        command.env_remove(name);
    }
    match database::of(data)? {
        Some(address) => command.env(database::CONFIGURED, address),
        None => command.env_remove(database::CONFIGURED),
    };
    command
        .env("TRIBUTARY_DATA", data)
        .env("XDG_CONFIG_HOME", data.with_file_name("config"))
        .stdin(Stdio::null());
    Ok(command)
}

/// What a command printed and how it ended.
#[derive(Debug)]
pub struct Ran {
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
    /// Exit code; none when a signal ended it.
    pub code: Option<i32>,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
            code: output.status.code(),
        }
    }
}

/// Runs to the end.
///
/// # Errors
/// Where it cannot be started.
pub fn run(data: &Path, args: &[&str]) -> anyhow::Result<Ran> {
    Ok(tributary(data)?.args(args).output()?.into())
}

/// The local account's key, as the server on `data` left it.
///
/// # Errors
/// Where no server was ever started there.
pub fn local_key(data: &Path) -> anyhow::Result<String> {
    let local: serde_json::Value = serde_json::from_slice(&std::fs::read(data.join("local.json"))?)?;
    local["key"].as_str().map(str::to_owned).context("a key in local.json")
}

/// `tributary serve` on free ports, until dropped.
pub struct Serve {
    process: Child,
    /// Where /healthz is.
    pub http: String,
    /// Where gRPC is.
    pub grpc: String,
}

impl Serve {
    /// Starts and returns when clients can connect.
    ///
    /// # Errors
    /// Where it does not come up.
    pub fn start(data: &Path) -> anyhow::Result<Self> {
        Self::start_with(data, &[], &[])
    }

    /// The same with more arguments (`--listen` among them replaces the free port) and more environment.
    ///
    /// # Errors
    /// Where it does not come up.
    pub fn start_with(data: &Path, args: &[&str], env: &[(&str, &str)]) -> anyhow::Result<Self> {
        let listen = if args.contains(&"--listen") { &[][..] } else { &["--listen", "127.0.0.1:0"] };
        let mut process = tributary(data)?
            .args([
                "serve",
                "--listen-http",
                "127.0.0.1:0",
                "--listen-pages",
                "127.0.0.1:0",
                "--announce",
                "json",
            ])
            .args(listen)
            .args(args)
            .envs(env.iter().copied())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let output = process.stdout.take().context("an output")?;
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line)?;
        let said: serde_json::Value = serde_json::from_str(&line).context("the server's announcement")?;
        let word = |name: &str| said[name].as_str().map(str::to_owned).context("an address");
        Ok(Self { http: word("http")?, grpc: word("grpc")?, process })
    }

    /// Process id, for its memory and for signals.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Asks it to go down (SIGTERM) and waits; answers its exit code.
    ///
    /// # Errors
    /// Where it cannot be asked.
    pub fn terminate(mut self) -> anyhow::Result<Option<i32>> {
        signal(self.id(), "TERM")?;
        Ok(self.process.wait()?.code())
    }
}

impl Drop for Serve {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Sends a signal to a process, by name.
///
/// # Errors
/// Where it cannot be sent.
pub fn signal(process: u32, name: &str) -> anyhow::Result<()> {
    // The shell's own kill: Debian's base has no other.
    let sent = Command::new("sh").args(["-c", &format!("kill -{name} {process}")]).status()?;
    anyhow::ensure!(sent.success(), "cannot send SIG{name} to {process}");
    Ok(())
}

/// Most memory a living process ever had resident, in bytes (VmHWM).
///
/// # Errors
/// Where the system does not say.
pub fn peak_memory_bytes(process: u32) -> anyhow::Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("VmHWM")?;
    let kib: u64 = line.trim().trim_end_matches("kB").trim().parse()?;
    Ok(kib * 1024)
}
