//! The demo's second half: the same song through the built plugin in a DAW without a window.

use super::{first, number, row, text};
use crate::bundle::{self, Bundles};
use crate::run;
use crate::stage::{Stage, json_lines};
use crate::test::PLUGIN_FEATURES;
use crate::workspace::{self, Profile};
use anyhow::Context;
use std::fs;
use std::path::Path;
use std::process::Command;

/// The host, a program of the tests.
const HOST: &str = "demo-daw";
/// Of our song and the host.
const RATE_HZ: f64 = 44_100.0;

/// Builds plugin and host, plays the song, prints what happened; the stems stay in `out`.
///
/// # Errors
/// What does not build, and any step that fails.
pub(super) fn run(stage: &Stage, out: &Path) -> anyhow::Result<()> {
    println!("building the plugin and a host for it (the first time takes some minutes)");
    let Bundles { clap, .. } = bundle::make(Profile::Dev, &PLUGIN_FEATURES.map(str::to_owned))?;
    // Named beside the server, the host shares with the tests everything that is compiled.
    let packages = ["--package", "tributary-server", "--package", "tributary-tests"];
    let mut build = run::cargo(["build", "--quiet", "--bin", "tributary", "--bin", HOST]);
    run::run(build.args(packages))?;
    let host = workspace::program(Profile::Dev, HOST)?;
    let scratch = tempfile::tempdir().context("make a folder for the plugin")?;
    let door = scratch.path().join("door");
    fs::create_dir(&door)?;
    let mut command = Command::new(host);
    command
        .env("TRIBUTARY_PLUGIN", clap)
        .env("TRIBUTARY_PLUGIN_DATA", scratch.path().join("library"))
        .env("TRIBUTARY_PLUGIN_SETTINGS", scratch.path().join("plugin.toml"))
        .env("TRIBUTARY_PLUGIN_DOOR", door)
        .env("TRIBUTARY_DATA", stage.folder());
    let done = first(json_lines(&run::ask(&mut command)?)?)?;
    row(
        "plugin",
        &format!(
            "{:.1} s recorded from the track at bar {} in a CLAP host, no frame lost",
            number(&done["frames"]) / RATE_HZ,
            done["bar"]
        ),
    );
    row(
        "",
        &format!(
            "quoted {}, cost {}; {} before, {} after; stems on disk after {:.1} s",
            done["quote"],
            done["cost"],
            done["before"],
            done["after"],
            number(&done["seconds"])
        ),
    );
    row("", &format!("its stems sum to the take to {:.1} dB", number(&done["sum_db"])));
    row(
        "",
        &format!(
            "played in the take's place they differ from the track by {:.1} dB",
            number(&done["heard_db"])
        ),
    );
    for file in done["files"].as_array().into_iter().flatten() {
        let path = Path::new(text(file));
        let name = path.file_name().context("a stem has a name")?;
        fs::copy(path, out.join(name)).context("keep a stem")?;
        row("", &name.to_string_lossy());
    }
    Ok(())
}
