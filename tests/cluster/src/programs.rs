//! Where PostgreSQL's programs are, and who runs them: never root, which PostgreSQL refuses.

use anyhow::{Context, ensure};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The oldest version the product promises to work with.
const MAJOR_MIN: u32 = 15;
/// Where Debian keeps one folder for each version.
const DEBIAN: &str = "/usr/lib/postgresql";
/// The system's user that Debian makes for PostgreSQL.
const USER: &str = "postgres";

/// Whether tests can have a PostgreSQL here.
#[must_use]
pub fn are_there() -> bool {
    Programs::find().is_ok()
}

/// PostgreSQL's programs and who runs them.
pub(crate) struct Programs {
    folder: PathBuf,
    as_root: bool,
}

impl Programs {
    /// The newest that is installed.
    pub(crate) fn find() -> anyhow::Result<Self> {
        let folder = debian().or_else(on_path).context(
            "PostgreSQL 15 or newer is not installed; run `cargo xtask setup`, or `sudo apt-get install postgresql`",
        )?;
        let user = Command::new("id").arg("-u").output().context("ask who runs the tests")?;
        Ok(Self { folder, as_root: user.stdout.trim_ascii() == b"0" })
    }

    /// A program, run by somebody who may.
    pub(crate) fn command(&self, program: &str) -> Command {
        let path = self.folder.join(program);
        let mut command = if self.as_root {
            let mut command = Command::new("setpriv");
            command.args(["--reuid", USER, "--regid", USER, "--clear-groups"]).arg(path);
            command
        } else {
            Command::new(path)
        };
        for variable in ["PGHOST", "PGPORT", "PGUSER", "PGDATABASE", "PGPASSWORD", "PGOPTIONS"] {
            command.env_remove(variable);
        }
        // A folder that whoever runs the program can enter.
        command.current_dir("/").env("LC_ALL", "C");
        command
    }

    /// Makes the folder or file that of whoever runs the programs; others may look up the socket in a folder.
    pub(crate) fn give(&self, folder: &Path) -> anyhow::Result<()> {
        if self.as_root {
            let given = Command::new("chown").arg(format!("{USER}:{USER}")).arg(folder).output()?;
            ensure!(given.status.success(), "chown: {}", String::from_utf8_lossy(&given.stderr));
        }
        Ok(())
    }
}

fn debian() -> Option<PathBuf> {
    let versions = std::fs::read_dir(DEBIAN).ok()?.flatten().filter_map(|entry| {
        let major: u32 = entry.file_name().to_str()?.parse().ok()?;
        let folder = entry.path().join("bin");
        (major >= MAJOR_MIN && folder.join("initdb").is_file()).then_some((major, folder))
    });
    versions.max().map(|(_, folder)| folder)
}

fn on_path() -> Option<PathBuf> {
    let asked = Command::new("pg_config").arg("--bindir").stderr(Stdio::null()).output().ok()?;
    let folder = PathBuf::from(String::from_utf8(asked.stdout).ok()?.trim());
    let version = Command::new(folder.join("postgres")).arg("--version").output().ok()?;
    let version = String::from_utf8(version.stdout).ok()?;
    let major: u32 = version.split(' ').find_map(|word| word.split('.').next()?.parse().ok())?;
    (major >= MAJOR_MIN).then_some(folder)
}
