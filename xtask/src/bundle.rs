//! Puts the plugin's library where hosts expect it: `Tributary.clap` and `Tributary.vst3`. Copies, signs nothing.

use crate::workspace::{self, Profile};
use crate::{run, setup};
use anyhow::Context;
use std::fs;
use std::path::{Path, PathBuf};

/// The plugin's name, as hosts and folders show it.
pub(crate) const NAME: &str = "Tributary";
const PACKAGE: &str = "tributary-plugin";
const LIBRARY: &str = "tributary_plugin";
/// The folders in the folder of build products: what a person installs is never what tests trap.
const RELEASED: &str = "bundled";
const TESTED: &str = "bundled-debug";

/// The two bundles.
#[derive(Debug)]
pub(crate) struct Bundles {
    /// A file, on macOS a folder.
    pub(crate) clap: PathBuf,
    /// A folder.
    pub(crate) vst3: PathBuf,
}

/// Builds the plugin and makes both bundles; says where they are.
///
/// # Errors
/// A plugin that does not build, or a folder that cannot be written.
pub(crate) fn run(profile: Profile, features: &[String]) -> anyhow::Result<()> {
    setup::run()?;
    let bundles = make(profile, features)?;
    println!("{}\n{}", bundles.clap.display(), bundles.vst3.display());
    Ok(())
}

/// The same without a word.
///
/// # Errors
/// As [`run()`].
pub(crate) fn make(profile: Profile, features: &[String]) -> anyhow::Result<Bundles> {
    let mut build = run::cargo(["build", "--quiet", "--lib", "--package", PACKAGE]);
    build.args(["--profile", profile.name()]);
    if !features.is_empty() {
        build.args(["--features", &features.join(",")]);
    }
    run::run(&mut build)?;
    let target = workspace::target()?;
    let (prefix, suffix) = (std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
    let library = target.join(profile.folder()).join(format!("{prefix}{LIBRARY}{suffix}"));
    let folder = target.join(match profile {
        Profile::Release => RELEASED,
        Profile::Dev => TESTED,
    });
    let layout = Layout::of(std::env::consts::OS, std::env::consts::ARCH);
    for place in &layout.libraries {
        replace(&library, &folder.join(place))?;
    }
    for (place, text) in &layout.texts {
        write(&folder.join(place), text)?;
    }
    let bundle = |format: &str| folder.join(format!("{NAME}.{format}"));
    Ok(Bundles { clap: bundle("clap"), vst3: bundle("vst3") })
}

/// Where the library goes on one system, and what must lie beside it.
#[derive(Debug, PartialEq, Eq)]
struct Layout {
    libraries: Vec<String>,
    texts: Vec<(String, String)>,
}

impl Layout {
    /// As the CLAP and VST3 specifications have it; `os` and `arch` as Rust names them.
    fn of(os: &str, arch: &str) -> Self {
        let mut layout = Self { libraries: Vec::new(), texts: Vec::new() };
        match os {
            "macos" => {
                for format in ["clap", "vst3"] {
                    let contents = format!("{NAME}.{format}/Contents");
                    layout.libraries.push(format!("{contents}/MacOS/{NAME}"));
                    layout.texts.push((format!("{contents}/Info.plist"), property_list(format)));
                    layout.texts.push((format!("{contents}/PkgInfo"), "BNDL????".to_owned()));
                }
            }
            "windows" => {
                let arch = if arch == "aarch64" { "arm64" } else { arch };
                layout.libraries.push(format!("{NAME}.clap"));
                layout.libraries.push(format!("{NAME}.vst3/Contents/{arch}-win/{NAME}.vst3"));
            }
            _ => {
                layout.libraries.push(format!("{NAME}.clap"));
                layout.libraries.push(format!("{NAME}.vst3/Contents/{arch}-linux/{NAME}.so"));
            }
        }
        layout
    }
}

/// What macOS wants to know of a bundle.
fn property_list(format: &str) -> String {
    let entries = [
        ("CFBundleExecutable", NAME.to_owned()),
        ("CFBundleIdentifier", format!("org.tributary.{format}")),
        ("CFBundleName", NAME.to_owned()),
        ("CFBundleDisplayName", NAME.to_owned()),
        ("CFBundlePackageType", "BNDL".to_owned()),
        ("CFBundleSignature", "????".to_owned()),
        ("CFBundleShortVersionString", env!("CARGO_PKG_VERSION").to_owned()),
        ("CFBundleVersion", env!("CARGO_PKG_VERSION").to_owned()),
    ];
    let lines: String = entries
        .iter()
        .map(|(key, value)| format!("  <key>{key}</key>\n  <string>{value}</string>\n"))
        .collect();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" \
         \"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n<plist version=\"1.0\">\n<dict>\n{lines}</dict>\n</plist>\n"
    )
}

/// Copies a file over another that a running host may have loaded: the host keeps the old one.
pub(crate) fn replace(from: &Path, to: &Path) -> anyhow::Result<()> {
    let folder = to.parent().context("a file lies in a folder")?;
    fs::create_dir_all(folder).with_context(|| format!("make {}", folder.display()))?;
    let fresh = tempfile::Builder::new()
        .tempfile_in(folder)
        .with_context(|| format!("write {}", folder.display()))?;
    fs::copy(from, fresh.path()).with_context(|| format!("copy {}", from.display()))?;
    fresh.persist(to).with_context(|| format!("replace {}", to.display()))?;
    Ok(())
}

fn write(to: &Path, text: &str) -> anyhow::Result<()> {
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder).with_context(|| format!("make {}", folder.display()))?;
    }
    fs::write(to, text).with_context(|| format!("write {}", to.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_system_finds_the_library_where_its_hosts_look() {
        for (os, arch, vst3) in [
            ("linux", "x86_64", "Tributary.vst3/Contents/x86_64-linux/Tributary.so"),
            ("linux", "aarch64", "Tributary.vst3/Contents/aarch64-linux/Tributary.so"),
            ("windows", "x86_64", "Tributary.vst3/Contents/x86_64-win/Tributary.vst3"),
            ("windows", "aarch64", "Tributary.vst3/Contents/arm64-win/Tributary.vst3"),
        ] {
            let layout = Layout::of(os, arch);
            assert_eq!(
                (&layout.libraries[..], layout.texts.len()),
                (&["Tributary.clap".to_owned(), vst3.to_owned()][..], 0)
            );
        }
        let layout = Layout::of("macos", "aarch64");
        assert_eq!(
            layout.libraries,
            ["Tributary.clap/Contents/MacOS/Tributary", "Tributary.vst3/Contents/MacOS/Tributary"]
        );
        assert_eq!(layout.texts.len(), 4);
        assert!(layout.texts[0].1.contains("<key>CFBundleExecutable</key>\n  <string>Tributary</string>"));
    }

    #[test]
    fn a_loaded_file_is_replaced_and_not_overwritten() {
        let scratch = tempfile::tempdir().unwrap();
        let (from, to) = (scratch.path().join("new"), scratch.path().join("a/b/old"));
        fs::write(&from, "one").unwrap();
        replace(&from, &to).unwrap();
        let held = fs::File::open(&to).unwrap();
        fs::write(&from, "two").unwrap();
        replace(&from, &to).unwrap();
        assert_eq!(std::io::read_to_string(held).unwrap(), "one");
        assert_eq!(fs::read_to_string(&to).unwrap(), "two");
    }
}
