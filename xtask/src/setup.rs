//! Sees that the tools are there. Says nothing when they are; installs from Debian where it may; fetches nothing else.

use crate::run;
use anyhow::bail;
use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::Command;

/// A tool that must be on the machine, and why.
struct Tool {
    /// Any of these programs will do.
    programs: &'static [&'static str],
    /// A variable that may name another one.
    variable: Option<&'static str>,
    /// Where Debian has it.
    package: &'static str,
    why: &'static str,
}

const TOOLS: [Tool; 3] = [
    Tool {
        programs: &["cc", "gcc", "clang"],
        variable: Some("CC"),
        package: "gcc",
        why: "a C compiler builds the bundled SQLite and zstd",
    },
    Tool {
        programs: &["git"],
        variable: None,
        package: "git",
        why: "tidy asks git which files belong to the project",
    },
    Tool {
        programs: &["python3", "python"],
        variable: None,
        package: "python3",
        why: "Python remakes the demo song and the test files",
    },
];

/// Checks every tool and installs the missing ones where that is possible.
///
/// # Errors
/// A tool is missing and cannot be installed by us; the message says what to run.
pub(crate) fn run() -> anyhow::Result<()> {
    let absent = missing(&|program| run::is_there(program));
    if absent.is_empty() {
        return Ok(());
    }
    let packages: Vec<&str> = absent.iter().map(|tool| tool.package).collect();
    let reasons: Vec<String> = absent.iter().map(|tool| format!("{} ({})", tool.package, tool.why)).collect();
    if !may_install() {
        bail!(
            "missing: {}. Run: {}",
            reasons.join("; "),
            advice(&packages, Path::new("/usr/bin/apt-get").exists())
        );
    }
    println!("installing {}", reasons.join("; "));
    // A fresh machine has no lists of packages yet.
    run::run(Command::new("apt-get").arg("update"))?;
    let mut install = Command::new("apt-get");
    install.args(["install", "--yes", "--no-install-recommends"]).args(&packages);
    run::run(install.env("DEBIAN_FRONTEND", "noninteractive"))
}

fn missing(is_there: &dyn Fn(&OsStr) -> bool) -> Vec<&'static Tool> {
    let present = |tool: &Tool| {
        let named = tool.variable.and_then(std::env::var_os);
        named.into_iter().chain(tool.programs.iter().map(OsString::from)).any(|program| is_there(&program))
    };
    TOOLS.iter().filter(|tool| !present(tool)).collect()
}

/// Only root may, and only Debian and its kin have apt-get.
fn may_install() -> bool {
    let root = Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.trim_ascii() == b"0");
    root && Path::new("/usr/bin/apt-get").exists()
}

fn advice(packages: &[&str], debian: bool) -> String {
    if debian {
        format!("sudo apt-get install {}", packages.join(" "))
    } else {
        format!("install {} with your system's package manager", packages.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_missing_where_one_program_of_each_kind_is_there() {
        let there = |program: &OsStr| ["clang", "git", "python3"].iter().any(|name| program == *name);
        assert!(missing(&there).is_empty());
    }

    #[test]
    fn every_missing_tool_is_named_with_its_package() {
        let packages: Vec<_> = missing(&|_| false).iter().map(|tool| tool.package).collect();
        assert_eq!(packages, ["gcc", "git", "python3"]);
        assert_eq!(advice(&packages, true), "sudo apt-get install gcc git python3");
    }
}
