//! Brings the library of ONNX Runtime from PyPI, by pip, and uses it only if its hashes are the ones below. Without it
//! everything works on the engine that is built in.

use crate::{run, workspace};
use anyhow::{Context, bail};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The variable that tells the program and its tests where the library is.
pub(crate) const VARIABLE: &str = "TRIBUTARY_ONNXRUNTIME";
const VERSION: &str = "1.31.1";
/// The wheels of all versions of Python hold the same library, so one version is asked for, whatever runs here.
const PYTHON: &str = "3.11";
const ABI: &str = "cp311";
/// The part of a wheel with the libraries.
const LIBRARIES: &str = "onnxruntime/capi";
/// Who passes the library on passes these on with it.
const LICENCES: [&str; 2] = ["onnxruntime/LICENSE", "onnxruntime/ThirdPartyNotices.txt"];

/// One file on PyPI, and the libraries that are in it.
struct Wheel {
    package: &'static str,
    platform: &'static str,
    sha256: &'static str,
    /// The first one is ONNX Runtime, the others are opened by it.
    libraries: &'static [(&'static str, &'static str)],
}

const LINUX_X86_64: Wheel = Wheel {
    package: "onnxruntime",
    platform: "manylinux_2_28_x86_64",
    sha256: "5752bd508126ae7c49894d3b9d2e83f0c3d487319246d04c444b393308d7ad7f",
    libraries: &[(
        "libonnxruntime.so.1.31.1",
        "fc44112fbe06d7d689c57e11d3862031f64711007e4ee020f8eed5185fd2c1d3",
    )],
};

const LINUX_AARCH64: Wheel = Wheel {
    package: "onnxruntime",
    platform: "manylinux_2_28_aarch64",
    sha256: "da05378364c44d4407e463982d2bf8d5e4cfea873283757e48beeb41df97b7f3",
    libraries: &[(
        "libonnxruntime.so.1.31.1",
        "8aa3b76b28c778a2b1dd660d34161adb1d508c9ccd04ff9dc80e26eca5df8467",
    )],
};

/// Needs CUDA 13 and, for TensorRT, its version 10.
const LINUX_X86_64_GPU: Wheel = Wheel {
    package: "onnxruntime-gpu",
    platform: "manylinux_2_28_x86_64",
    sha256: "e26c475fe361b2015f45b4b824bd13f0bb20204e59b62814e6f0acd5f3d491a6",
    libraries: &[
        ("libonnxruntime.so.1.31.1", "5104254339ecadae808da771bd0b63b240f0dbd466514234905e54372435c303"),
        (
            "libonnxruntime_providers_shared.so",
            "086ec1d5388f64153d9c63470d126693db9a182c8ce236d3a1119068471b8a0d",
        ),
        (
            "libonnxruntime_providers_cuda.so",
            "d5290158115fa5569a3fe8f1f4037ee9b0e86658a96e52f852bbb7039aa88137",
        ),
        (
            "libonnxruntime_providers_tensorrt.so",
            "1882ee49fdb0e6fc2d272b00cfaf9a3310bf8580a34385c0eec4d82014ea172e",
        ),
    ],
};

/// Which library.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// 29 MB.
    Cpu,
    /// 315 MB, for NVIDIA cards; runs on the CPU as well.
    Gpu,
}

/// The library: the one the variable names, the one that was fetched, or a fresh one.
///
/// # Errors
/// No library for this system is known, or pip cannot bring it; the caller says what is left out.
pub(crate) fn provide(kind: Kind) -> anyhow::Result<PathBuf> {
    if let Some(named) = std::env::var_os(VARIABLE).filter(|_| kind == Kind::Cpu) {
        return Ok(named.into());
    }
    let wheel = wheel(kind, std::env::consts::OS, std::env::consts::ARCH)?;
    let folder = workspace::target()?.join("onnxruntime").join(match kind {
        Kind::Cpu => VERSION.to_owned(),
        Kind::Gpu => format!("{VERSION}-gpu"),
    });
    if check(&wheel, &folder).is_err() {
        println!("fetching {} {VERSION} from PyPI", wheel.package);
        fetch(&wheel, &folder)?;
    }
    Ok(folder.join(wheel.libraries[0].0))
}

fn wheel(kind: Kind, system: &str, processor: &str) -> anyhow::Result<Wheel> {
    Ok(match (kind, system, processor) {
        (Kind::Cpu, "linux", "x86_64") => LINUX_X86_64,
        (Kind::Cpu, "linux", "aarch64") => LINUX_AARCH64,
        (Kind::Gpu, "linux", "x86_64") => LINUX_X86_64_GPU,
        _ => bail!(
            "no ONNX Runtime is pinned for {system} on {processor}; {VARIABLE} may name a library of version 1.31 or later"
        ),
    })
}

/// Whether all libraries are there and are what they should be.
fn check(wheel: &Wheel, folder: &Path) -> anyhow::Result<()> {
    for (name, expected) in wheel.libraries {
        let found = sha256(&folder.join(name))?;
        if found != *expected {
            bail!("`{name}` of {} {VERSION} has SHA-256 {found}, expected is {expected}", wheel.package);
        }
    }
    Ok(())
}

fn fetch(wheel: &Wheel, folder: &Path) -> anyhow::Result<()> {
    let parent = folder.parent().context("a folder has a parent")?;
    std::fs::create_dir_all(parent)?;
    // Beside the place it will have, so that a rename moves it there whole.
    let scratch = tempfile::tempdir_in(parent)?;
    let requirements = scratch.path().join("requirements.txt");
    std::fs::write(&requirements, format!("{}=={VERSION} --hash=sha256:{}\n", wheel.package, wheel.sha256))?;
    let (wheels, open, ready) =
        (scratch.path().join("wheels"), scratch.path().join("open"), scratch.path().join("ready"));
    let mut pip = pip(scratch.path())?;
    pip.args(["download", "--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary=:all:"]);
    pip.args(["--implementation", "cp", "--python-version", PYTHON, "--abi", ABI]);
    pip.args(["--platform", wheel.platform, "--require-hashes"]).arg("--dest").arg(&wheels);
    run::ask(pip.arg("--requirement").arg(&requirements))?;
    let file = std::fs::read_dir(&wheels)?.next().context("pip brought nothing")??.path();
    run::ask(Command::new("python3").args(["-m", "zipfile", "-e"]).arg(&file).arg(&open))?;
    std::fs::create_dir(&ready)?;
    let libraries = wheel.libraries.iter().map(|(name, _)| open.join(LIBRARIES).join(name));
    for from in libraries.chain(LICENCES.map(|name| open.join(name))) {
        let name = from.file_name().context("a file has a name")?;
        std::fs::rename(&from, ready.join(name)).with_context(|| format!("find {}", from.display()))?;
    }
    check(wheel, &ready)?;
    if folder.exists() {
        std::fs::remove_dir_all(folder)?;
    }
    Ok(std::fs::rename(ready, folder)?)
}

/// The system's pip; where Debian left it out, the one of an environment of its own.
fn pip(scratch: &Path) -> anyhow::Result<Command> {
    let mut python = PathBuf::from("python3");
    if run::ask(Command::new(&python).args(["-m", "pip", "--version"])).is_err() {
        let environment = scratch.join("python");
        run::ask(Command::new("python3").args(["-m", "venv"]).arg(&environment))?;
        python = environment.join("bin/python");
    }
    let mut pip = Command::new(python);
    pip.args(["-m", "pip"]);
    Ok(pip)
}

fn sha256(path: &Path) -> anyhow::Result<String> {
    const SCRIPT: &str =
        "import hashlib, sys; print(hashlib.sha256(open(sys.argv[1], 'rb').read()).hexdigest())";
    Ok(run::ask(Command::new("python3").args(["-c", SCRIPT]).arg(path))?.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn systems_without_a_pinned_library_are_told_how_to_name_one() {
        for (kind, system, processor) in [
            (Kind::Cpu, "macos", "aarch64"),
            (Kind::Gpu, "linux", "aarch64"),
            (Kind::Cpu, "linux", "riscv64"),
        ] {
            let error = wheel(kind, system, processor).err().unwrap().to_string();
            assert!(error.contains(system) && error.contains(VARIABLE), "{error}");
        }
        assert_eq!(wheel(Kind::Cpu, "linux", "x86_64").unwrap().package, "onnxruntime");
    }

    #[test]
    fn a_library_that_is_missing_or_another_one_is_not_used() {
        let scratch = tempfile::tempdir().unwrap();
        assert!(check(&LINUX_X86_64, scratch.path()).is_err());
        std::fs::write(scratch.path().join("libonnxruntime.so.1.31.1"), "another one").unwrap();
        let error = check(&LINUX_X86_64, scratch.path()).unwrap_err().to_string();
        assert!(error.contains("SHA-256"), "{error}");
    }

    #[test]
    fn the_hash_is_the_standard_one() {
        // FIPS 180-4, the example for "abc".
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("abc");
        std::fs::write(&path, "abc").unwrap();
        let hex = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(sha256(&path).unwrap(), hex);
    }
}
