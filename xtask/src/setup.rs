//! Sees that the tools are there. Says nothing when they are; installs from Debian where it may; fetches nothing else
//! but the neural engine's library.

pub(crate) mod onnxruntime;
pub(crate) mod python;

use crate::run;
use anyhow::bail;
use std::ffi::OsString;
use std::path::Path;
use std::process::Command;

/// Something that must be on the machine, and why.
struct Need {
    sign: Sign,
    /// Where Debian has it.
    package: &'static str,
    why: &'static str,
}

/// How one sees that it is there.
#[derive(Clone, Copy)]
enum Sign {
    /// Any of these programs will do; a variable may name another one.
    Program(&'static [&'static str], Option<&'static str>),
    /// pkg-config knows it.
    Library(&'static str),
    /// Python has it.
    Module(&'static str),
}

/// For everything.
const TOOLS: [Need; 6] = [
    Need {
        sign: Sign::Program(&["cc", "gcc", "clang"], Some("CC")),
        package: "gcc",
        why: "a C compiler builds the bundled SQLite and zstd",
    },
    Need {
        sign: Sign::Program(&["c++", "g++", "clang++"], Some("CXX")),
        package: "g++",
        why: "a C++ compiler builds the bundled whisper.cpp",
    },
    Need {
        sign: Sign::Program(&["cmake"], Some("CMAKE")),
        package: "cmake",
        why: "it builds the bundled whisper.cpp",
    },
    Need { sign: Sign::Program(&["make", "ninja"], None), package: "make", why: "cmake lets it do the work" },
    Need {
        sign: Sign::Program(&["git"], None),
        package: "git",
        why: "tidy asks git which files belong to the project",
    },
    Need {
        sign: Sign::Program(&["python3", "python"], None),
        package: "python3",
        why: "Python remakes the demo song and the test files",
    },
];

/// For the tests of the store and of servers that share a database. Debian keeps the program outside of the path.
const DATABASE: [Need; 1] = [Need {
    sign: Sign::Program(
        &[
            "/usr/lib/postgresql/15/bin/postgres",
            "/usr/lib/postgresql/16/bin/postgres",
            "/usr/lib/postgresql/17/bin/postgres",
            "/usr/lib/postgresql/18/bin/postgres",
            "postgres",
        ],
        None,
    ),
    package: "postgresql",
    why: "many servers share a PostgreSQL database, and the tests run one of their own",
}];

/// For tests that say so and leave out what they cannot do without.
const TESTS: [Need; 4] = [
    Need {
        sign: Sign::Program(&["chromium", "chromium-browser", "google-chrome"], None),
        package: "chromium",
        why: "the web pages are tested in a real browser",
    },
    Need { sign: Sign::Program(&["chromedriver"], None), package: "chromium-driver", why: "tests drive it" },
    Need {
        sign: Sign::Program(&["Xvfb"], None),
        package: "xvfb",
        why: "drag and drop is tested on a screen of its own",
    },
    Need {
        sign: Sign::Module("ensurepip"),
        package: "python3-venv",
        why: "programs from PyPI are kept apart from the system's Python",
    },
];

/// For the plugin as a program of its own.
const STUDIO: [Need; 3] = [
    Need {
        sign: Sign::Program(&["pkg-config"], Some("PKG_CONFIG")),
        package: "pkg-config",
        why: "it finds the headers below",
    },
    Need {
        sign: Sign::Library("alsa"),
        package: "libasound2-dev",
        why: "the standalone plugin plays through ALSA",
    },
    Need {
        sign: Sign::Library("jack"),
        package: "libjack-jackd2-dev",
        why: "the standalone plugin plays through JACK",
    },
];

/// For the plugin in a DAW on a screen of its own.
const DAW: [Need; 7] = [
    Need { sign: Sign::Program(&["Xvfb"], None), package: "xvfb", why: "the screen" },
    Need { sign: Sign::Program(&["openbox"], None), package: "openbox", why: "the window manager" },
    Need {
        sign: Sign::Program(&["xsettingsd"], None),
        package: "xsettingsd",
        why: "some toolkits wait for it",
    },
    Need { sign: Sign::Program(&["xdotool"], None), package: "xdotool", why: "hands on mouse and keyboard" },
    Need { sign: Sign::Program(&["import"], None), package: "imagemagick", why: "pictures of the screen" },
    Need { sign: Sign::Program(&["ardour7", "ardour"], None), package: "ardour", why: "the DAW" },
    Need { sign: Sign::Program(&["jackd"], None), package: "jackd2", why: "its sound, without a sound card" },
];

/// Checks what everything needs and installs what is missing where that is possible.
///
/// # Errors
/// A tool is missing and cannot be installed by us; the message says what to run.
pub(crate) fn run() -> anyhow::Result<()> {
    provide(&TOOLS)
}

/// The same for tests of databases.
///
/// # Errors
/// As [`run()`].
pub(crate) fn database() -> anyhow::Result<()> {
    if cfg!(target_os = "linux") { provide(&DATABASE) } else { Ok(()) }
}

/// The same for tests. What is missing and cannot be installed is said: the tests leave out what they need it for.
pub(crate) fn tests() {
    if cfg!(target_os = "linux")
        && let Err(error) = provide(&TESTS)
    {
        println!("left out: {error:#}");
    }
}

/// The library of ONNX Runtime. What cannot be had is said: the engine that is built in does its work.
pub(crate) fn engine(gpu: bool) {
    let kind = if gpu { onnxruntime::Kind::Gpu } else { onnxruntime::Kind::Cpu };
    match onnxruntime::provide(kind) {
        Ok(library) => println!("ONNX Runtime: {}={}", onnxruntime::VARIABLE, library.display()),
        Err(error) => {
            println!("left out: ONNX Runtime, models run on the engine that is built in ({error:#})")
        }
    }
}

/// The same for the standalone plugin.
///
/// # Errors
/// As [`run()`].
pub(crate) fn studio() -> anyhow::Result<()> {
    if cfg!(target_os = "linux") { provide(&STUDIO) } else { Ok(()) }
}

/// The same for a DAW on a screen of its own.
///
/// # Errors
/// As [`run()`].
pub(crate) fn daw() -> anyhow::Result<()> {
    provide(&DAW)
}

fn provide(needs: &'static [Need]) -> anyhow::Result<()> {
    let absent = missing(needs, &is_there);
    if absent.is_empty() {
        return Ok(());
    }
    let packages: Vec<&str> = absent.iter().map(|need| need.package).collect();
    let reasons: Vec<String> = absent.iter().map(|need| format!("{} ({})", need.package, need.why)).collect();
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

fn missing(needs: &'static [Need], is_there: &dyn Fn(Sign) -> bool) -> Vec<&'static Need> {
    needs.iter().filter(|need| !is_there(need.sign)).collect()
}

fn is_there(sign: Sign) -> bool {
    match sign {
        Sign::Program(names, variable) => {
            let named = variable.and_then(std::env::var_os);
            named.into_iter().chain(names.iter().map(OsString::from)).any(|program| run::is_there(&program))
        }
        Sign::Library(name) => run::ask(Command::new("pkg-config").args(["--exists", name])).is_ok(),
        Sign::Module(name) => {
            run::ask(Command::new("python3").args(["-c", &format!("import {name}")])).is_ok()
        }
    }
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
        let there = |sign: Sign| matches!(sign, Sign::Program(names, _) if names.iter().any(|name| ["clang", "clang++", "cmake", "make", "git", "python3"].contains(name)));
        assert!(missing(&TOOLS, &there).is_empty());
    }

    #[test]
    fn everything_missing_is_named_with_its_package() {
        let packages: Vec<_> = missing(&TOOLS, &|_| false).iter().map(|need| need.package).collect();
        assert_eq!(packages, ["gcc", "g++", "cmake", "make", "git", "python3"]);
        assert_eq!(advice(&packages, true), "sudo apt-get install gcc g++ cmake make git python3");
    }

    #[test]
    fn a_module_and_a_library_of_no_name_are_not_there() {
        assert!(!is_there(Sign::Module("no_such_module_of_ours")));
        assert!(!is_there(Sign::Library("no-such-library-of-ours")));
        assert!(is_there(Sign::Module("sys")));
    }
}
