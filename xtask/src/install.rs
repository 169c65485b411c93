//! Puts the release bundles where this user's hosts look, and says where. Needs no rights beyond the user's own.

use crate::bundle;
use crate::setup;
use crate::workspace::Profile;
use anyhow::Context;
use std::fs;
use std::path::{Path, PathBuf};

/// Builds, bundles and installs for this user.
///
/// # Errors
/// A plugin that does not build, or a folder that cannot be found or written.
pub(crate) fn run() -> anyhow::Result<()> {
    setup::run()?;
    let bundles = bundle::make(Profile::Release, &[])?;
    let variable = |name: &str| std::env::var_os(name).map(PathBuf::from);
    let [clap, vst3] = folders(std::env::consts::OS, &variable)?;
    for (bundle, folder) in [(bundles.clap, clap), (bundles.vst3, vst3)] {
        let to = folder.join(bundle.file_name().context("a bundle has a name")?);
        copy(&bundle, &to)?;
        println!("installed {}", to.display());
    }
    println!("Hosts find it at their next scan for plugins.");
    Ok(())
}

/// The user's own folders for CLAP and VST3.
fn folders(os: &str, variable: &dyn Fn(&str) -> Option<PathBuf>) -> anyhow::Result<[PathBuf; 2]> {
    let named = |name: &str| variable(name).with_context(|| format!("the variable {name} names no folder"));
    let (folder, below) = match os {
        "macos" => (named("HOME")?, ["Library/Audio/Plug-Ins/CLAP", "Library/Audio/Plug-Ins/VST3"]),
        "windows" => (named("LOCALAPPDATA")?, ["Programs/Common/CLAP", "Programs/Common/VST3"]),
        _ => (named("HOME")?, [".clap", ".vst3"]),
    };
    Ok(below.map(|below| folder.join(below)))
}

/// A file, or a folder with all that is in it.
///
/// # Errors
/// What cannot be read or written.
pub(crate) fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    if from.is_file() {
        return bundle::replace(from, to);
    }
    for entry in fs::read_dir(from).with_context(|| format!("read {}", from.display()))? {
        let entry = entry.with_context(|| format!("read {}", from.display()))?;
        copy(&entry.path(), &to.join(entry.file_name()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_system_has_its_folders_and_a_missing_home_is_named() {
        let home = |name: &str| (name == "HOME").then(|| PathBuf::from("h"));
        assert_eq!(folders("linux", &home).unwrap(), ["h/.clap", "h/.vst3"].map(PathBuf::from));
        let macos = ["h/Library/Audio/Plug-Ins/CLAP", "h/Library/Audio/Plug-Ins/VST3"];
        assert_eq!(folders("macos", &home).unwrap(), macos.map(PathBuf::from));
        assert!(folders("windows", &home).unwrap_err().to_string().contains("LOCALAPPDATA"));
    }

    #[test]
    fn a_bundle_is_copied_with_all_that_is_in_it() {
        let scratch = tempfile::tempdir().unwrap();
        let (from, to) = (scratch.path().join("a.vst3"), scratch.path().join("there/a.vst3"));
        fs::create_dir_all(from.join("Contents/x")).unwrap();
        fs::write(from.join("Contents/x/a.so"), "library").unwrap();
        copy(&from, &to).unwrap();
        assert_eq!(fs::read_to_string(to.join("Contents/x/a.so")).unwrap(), "library");
    }
}
