//! Pythons with packages of others in them, each in a folder of its own among the build products. A package is taken only
//! if its hash is the one written down; nothing of the product links one.

use crate::{run, workspace};
use std::path::PathBuf;
use std::process::Command;

/// The Python of the environment `name` with what `requirements` (a file of the workspace) lists; made where it is missing
/// or was made of something else.
///
/// # Errors
/// PyPI cannot be reached or has other files; the caller says what is left out.
pub(crate) fn environment(name: &str, requirements: &str) -> anyhow::Result<PathBuf> {
    let folder = workspace::target()?.join(name);
    let (python, made_of) = (folder.join("bin/python"), folder.join("made-of.txt"));
    let requirements = workspace::root().join(requirements);
    let wanted = std::fs::read(&requirements)?;
    if std::fs::read(&made_of).ok().as_ref() != Some(&wanted) {
        println!("fetching {name} from PyPI ({})", requirements.display());
        run::ask(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder))?;
        let mut install = Command::new(&python);
        install.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]);
        install.args(["--only-binary=:all:", "--require-hashes", "-r"]).arg(&requirements);
        run::ask(&mut install)?;
        std::fs::write(&made_of, wanted)?;
    }
    Ok(python)
}
