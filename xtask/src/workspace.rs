//! Where things of the project lie. Looks, never writes.

use crate::run;
use anyhow::Context;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// The folder of the workspace: where cargo runs this program now. A shared cache of build products may have
/// compiled it in another clone, whose folder can be gone.
pub(crate) fn root() -> &'static Path {
    static ROOT: OnceLock<PathBuf> = OnceLock::new();
    ROOT.get_or_init(|| {
        let own = std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
        Path::new(&own).parent().expect("xtask is a folder of the workspace").to_owned()
    })
}

/// Our crates, their dependencies and the folder of build products, as cargo tells them.
///
/// # Errors
/// A manifest that cargo refuses.
pub(crate) fn metadata() -> anyhow::Result<serde_json::Value> {
    let text = run::read(&mut run::cargo(["metadata", "--format-version", "1", "--no-deps"]))?;
    serde_json::from_str(&text).context("understand what cargo metadata printed")
}

/// Builds the `tributary` program and returns where it is.
///
/// # Errors
/// A program that does not build.
pub(crate) fn build(profile: Profile) -> anyhow::Result<PathBuf> {
    // Named beside the tests, the program shares their features and with them everything that is compiled.
    let packages = match profile {
        Profile::Dev => &["tributary-server", "tributary-tests"][..],
        Profile::Release => &["tributary-server"][..],
    };
    let mut build = run::cargo(["build", "--quiet", "--bin", "tributary", "--profile", profile.name()]);
    packages.iter().for_each(|package| {
        build.args(["--package", package]);
    });
    run::run(&mut build)?;
    program(profile, "tributary")
}

/// Builds an example of a crate and returns where it is.
///
/// # Errors
/// An example that does not build.
pub(crate) fn example(package: &str, name: &str, profile: Profile) -> anyhow::Result<PathBuf> {
    let build = ["build", "--quiet", "--package", package, "--example", name, "--profile", profile.name()];
    run::run(&mut run::cargo(build))?;
    program(profile, &format!("examples/{name}"))
}

/// Where cargo puts a program of that name.
///
/// # Errors
/// As [`metadata`].
pub(crate) fn program(profile: Profile, name: &str) -> anyhow::Result<PathBuf> {
    Ok(target()?.join(profile.folder()).join(format!("{name}{}", std::env::consts::EXE_SUFFIX)))
}

/// The folder of build products.
///
/// # Errors
/// As [`metadata`].
pub(crate) fn target() -> anyhow::Result<PathBuf> {
    let metadata = metadata()?;
    Ok(metadata["target_directory"].as_str().context("cargo metadata names no target folder")?.into())
}

/// How the program is built.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Profile {
    /// For tests: with overflow checks and debug assertions.
    Dev,
    /// For people.
    Release,
}

impl Profile {
    /// As cargo names it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Dev => "dev",
            Self::Release => "release",
        }
    }

    /// Its folder among the build products.
    pub(crate) fn folder(self) -> &'static str {
        match self {
            Self::Dev => "debug",
            Self::Release => "release",
        }
    }
}
