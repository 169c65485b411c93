//! A test in a process of its own: another environment (the plugin's folders), other threads, another end. The process
//! is this test binary again, running only that test.

use crate::Stage;
use crate::wait::DEADLINE;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;
use tributary_server::Parts;
use tributary_server::config::Config;

/// Names the folder of a test that runs alone; without it, the test is the one that starts the other.
const ALONE: &str = "TRIBUTARY_TEST_ALONE";
/// A figure that a test measured, to be shown and never judged.
const MEASURED: &str = "measured: ";
/// Longer than any wait inside.
const LONGEST: Duration = Duration::from_secs(5 * DEADLINE.as_secs());

/// What a test that runs alone has for itself.
pub struct World {
    /// Its folder. The plugin's library, its settings and its door are in here, and nothing of the user is seen.
    pub folder: PathBuf,
}

/// Runs `body` in a process of its own. To be called with a closure written in the test's function: its name is the
/// test's.
///
/// # Panics
/// Where the process ends badly, hangs or runs no test; with all it said.
pub fn alone<F: FnOnce(&World)>(body: F) {
    alone_with(&[], body);
}

/// The same with more variables in its environment.
///
/// # Panics
/// As [`alone`].
#[expect(clippy::print_stderr, reason = "what was measured is shown")]
pub fn alone_with<F: FnOnce(&World)>(variables: &[(&str, &str)], body: F) {
    if let Some(folder) = std::env::var_os(ALONE) {
        return body(&World { folder: folder.into() });
    }
    let name = std::any::type_name::<F>().trim_end_matches("::{{closure}}");
    let (_, name) = name.split_once("::").expect("the test binary is a crate");
    let scratch = tempfile::tempdir().expect("a folder for the test");
    let said = run(name, scratch.path(), variables);
    let shown = said.lines().filter(|line| line.starts_with(MEASURED));
    shown.for_each(|line| eprintln!("{name}: {}", &line[MEASURED.len()..]));
}

/// Shows a figure; it is never judged.
#[expect(clippy::print_stderr, reason = "what was measured is shown")]
pub fn measured(figure: &str) {
    eprintln!("\n{MEASURED}{figure}");
}

fn run(name: &str, folder: &Path, variables: &[(&str, &str)]) -> String {
    let (log, door) = (folder.join("log"), folder.join("door"));
    std::fs::create_dir(&door).expect("a folder for the door");
    let out = File::create(&log).expect("a log");
    let mut command = Command::new(std::env::current_exe().expect("this binary"));
    command
        .args(["--exact", name, "--nocapture", "--test-threads", "1"])
        .env(ALONE, folder)
        .env("HOME", folder)
        .env("TRIBUTARY_PLUGIN_DATA", folder.join("library"))
        .env("TRIBUTARY_PLUGIN_SETTINGS", folder.join("plugin.toml"))
        .env("TRIBUTARY_PLUGIN_DOOR", door)
        .env("TRIBUTARY_DATA", data(folder))
        .envs(variables.iter().copied())
        .stdin(Stdio::null())
        .stdout(out.try_clone().expect("a log"))
        .stderr(out);
    for variable in ["XDG_DATA_HOME", "XDG_CONFIG_HOME", "DISPLAY", "WAYLAND_DISPLAY"] {
        command.env_remove(variable);
    }
    let mut process = command.spawn().expect("this binary starts");
    let id = process.id();
    let (ended, end) = mpsc::channel();
    let waiting = std::thread::spawn(move || {
        let status = process.wait();
        let _ = ended.send(());
        status
    });
    let is_hanging = end.recv_timeout(LONGEST).is_err();
    if is_hanging {
        let _ = crate::command::signal(id, "KILL");
    }
    let status = waiting.join().expect("a thread that waits").expect("the process can be waited for");
    let said = std::fs::read_to_string(&log).unwrap_or_default();
    assert!(!is_hanging, "{name} hung; it said:\n{said}");
    assert!(status.success(), "{name} ended with {status}; it said:\n{said}");
    assert!(said.contains("1 passed"), "{name} is no test; the process said:\n{said}");
    said
}

/// Where a server of the world lies, and where the plugin looks for a local one.
fn data(folder: &Path) -> PathBuf {
    folder.join("stage").join("data")
}

impl World {
    /// A server that the plugin finds by itself.
    ///
    /// # Errors
    /// Where it does not start, or one ran here before.
    pub async fn stage(&self, config: Config, parts: Parts) -> anyhow::Result<Stage> {
        let folder = tempfile::Builder::new().prefix("stage").rand_bytes(0).tempdir_in(&self.folder)?;
        Stage::on(folder, config, parts).await
    }

    /// The data folder of [`World::stage`].
    #[must_use]
    pub fn data(&self) -> PathBuf {
        data(&self.folder)
    }
}
