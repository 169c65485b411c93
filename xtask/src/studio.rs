//! The whole product on one desk: a local server, unless one runs, and the plugin as a program of its own.

use crate::workspace::{self, Profile};
use crate::{run, setup};
use anyhow::Context;
use std::path::Path;
use std::process::{Child, Command, Stdio};

const PLUGIN: &str = "tributary-plugin";
const STANDALONE: &str = "tributary-standalone";

/// Runs until the window is closed.
///
/// # Errors
/// A header that is missing, a program that does not build or start.
pub(crate) fn run() -> anyhow::Result<()> {
    setup::run()?;
    setup::studio()?;
    println!("building (the first time takes some minutes)");
    let server = workspace::build(Profile::Release)?;
    run::run(&mut run::cargo([
        "build",
        "--quiet",
        "--release",
        "--package",
        PLUGIN,
        "--bin",
        STANDALONE,
        "--features",
        "standalone",
    ]))?;
    let _ours = if is_running(&server) { None } else { Some(Served::start(&server)?) };
    run::run(&mut Command::new(workspace::program(Profile::Release, STANDALONE)?))
}

/// Whether the user's own server answers.
fn is_running(server: &Path) -> bool {
    run::ask(Command::new(server).arg("balance")).is_ok()
}

/// A server of this user for as long as the window is open; what it did stays.
struct Served(Child);

impl Served {
    fn start(program: &Path) -> anyhow::Result<Self> {
        println!("no server runs here: starting one for as long as the window is open");
        let server = Command::new(program).arg("serve").stdin(Stdio::null()).stdout(Stdio::null()).spawn();
        Ok(Self(server.context("start the server")?))
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // Asked, so that a running job goes back to the queue.
        let _ = Command::new("kill").arg(self.0.id().to_string()).stderr(Stdio::null()).status();
        let _ = self.0.wait();
    }
}
