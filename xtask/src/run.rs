//! Runs other programs and says in one line what failed. Never hides what they print, unless asked for it.

use anyhow::{Context, bail};
use std::ffi::OsStr;
use std::process::{Command, Stdio};

/// A `cargo` command in the workspace, by the cargo that runs us.
pub(crate) fn cargo<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments).current_dir(crate::workspace::root());
    command
}

/// Runs to the end with our terminal.
///
/// # Errors
/// A program that cannot be started or ends badly.
pub(crate) fn run(command: &mut Command) -> anyhow::Result<()> {
    let name = shown(command);
    let status = command.stdin(Stdio::null()).status().with_context(|| format!("start `{name}`"))?;
    if !status.success() {
        bail!("`{name}` failed ({status})");
    }
    Ok(())
}

/// Runs to the end and returns what it wrote to standard output; standard error stays ours.
///
/// # Errors
/// As [`run`], and output that is not UTF-8.
pub(crate) fn read(command: &mut Command) -> anyhow::Result<String> {
    let name = shown(command);
    let output = command
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("start `{name}`"))?;
    if !output.status.success() {
        bail!("`{name}` failed ({})", output.status);
    }
    String::from_utf8(output.stdout).with_context(|| format!("read what `{name}` printed"))
}

/// Runs to the end without a word and returns what it wrote to standard output.
///
/// # Errors
/// As [`read`]; the message is the last line the program wrote to standard error.
pub(crate) fn ask(command: &mut Command) -> anyhow::Result<String> {
    let name = shown(command);
    let output = command.stdin(Stdio::null()).output().with_context(|| format!("start `{name}`"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        match said.trim_end().lines().next_back() {
            Some(line) => bail!("{}", line.trim_start_matches("error: ")),
            None => bail!("`{name}` failed ({})", output.status),
        }
    }
    String::from_utf8(output.stdout).with_context(|| format!("read what `{name}` printed"))
}

/// Whether a program of that name can be started at all.
pub(crate) fn is_there(program: &OsStr) -> bool {
    Command::new(program)
        .arg("--version")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok()
}

fn shown(command: &Command) -> String {
    let program = std::path::Path::new(command.get_program());
    let name = program.file_name().unwrap_or(program.as_os_str());
    std::iter::once(name)
        .chain(command.get_args())
        .map(|part| part.to_string_lossy().into_owned())
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_names_the_command_and_its_status() {
        let error = run(&mut cargo(["no-such-command-of-ours"])).unwrap_err();
        assert!(error.to_string().starts_with("`cargo no-such-command-of-ours` failed"), "{error}");
        let error = run(&mut Command::new("no-such-program-of-ours")).unwrap_err();
        assert!(error.to_string().starts_with("start `no-such-program-of-ours`"), "{error}");
    }

    #[test]
    fn a_program_that_fails_quietly_is_quoted() {
        let error = ask(&mut cargo(["no-such-command-of-ours"])).unwrap_err();
        assert!(!error.to_string().starts_with("error"), "{error}");
        assert!(error.to_string().contains("no-such-command-of-ours"), "{error}");
    }

    #[test]
    fn a_program_that_is_not_installed_is_not_there() {
        assert!(!is_there("no-such-program-of-ours".as_ref()));
        assert!(is_there("cargo".as_ref()));
    }
}
