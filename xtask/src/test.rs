//! Runs every test there is, with what the tests need to find. Plain `cargo test`: a runner everybody has.

use crate::setup::{onnxruntime, python};
use crate::workspace::{self, Profile};
use crate::{bundle, codegen, run, setup, tidy};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// The variable that tells the tests where recordings and weights lie that are not in the tree.
const TEST_DATA: &str = "TRIBUTARY_TEST_DATA";
/// The name of a folder that holds them.
const TEST_DATA_FOLDER: &str = "shared";
/// How the plugin is built for tests: it ends its process when the audio thread asks for memory, and it has a door for
/// what a user does in the window.
pub(crate) const PLUGIN_FEATURES: [&str; 2] = ["assert_process_allocs", "door"];
/// What the Python of the VST3 test needs, with hashes.
const VST3_HOST: &str = "tests/hosts/requirements.txt";
/// What the Python of the other stand-in of Stripe needs, with hashes.
const LOCALSTRIPE: &str = "tests/hosts/localstripe.txt";
/// The variable that names that Python.
const TEST_PYTHON: &str = "TRIBUTARY_TEST_PYTHON";

/// Chooses the database of the servers that tests start.
const TEST_STORE: &str = "TRIBUTARY_TEST_STORE";

/// All tests, then the rules.
///
/// # Errors
/// The first thing that fails.
pub(crate) fn run() -> anyhow::Result<()> {
    setup::run()?;
    setup::database()?;
    setup::tests();
    let program = workspace::build(Profile::Dev)?;
    let plugin = bundle::make(Profile::Dev, &PLUGIN_FEATURES.map(str::to_owned))?;
    let environment = environment(program.into(), plugin.clap.into());
    let test = |arguments: &[&str], more: &[(&str, &str)]| {
        let mut tests = run::cargo(["test", "--quiet"]);
        tests.args(arguments).envs(environment.iter().map(|(name, value)| (name, value)));
        run::run(tests.envs(more.iter().copied()))
    };
    test(&["--workspace"], &[])?;
    println!("once more, with servers on PostgreSQL");
    test(&["--package", "tributary-tests", "--test", "e2e"], &[(TEST_STORE, "postgres")])?;
    tidy::run()?;
    codegen::run(true)?;
    println!("all tests passed");
    Ok(())
}

/// Where the tests find what is made or fetched for them; what is missing is said.
fn environment(program: OsString, plugin: OsString) -> Vec<(&'static str, OsString)> {
    let mut environment = vec![("TRIBUTARY_BIN", program), ("TRIBUTARY_PLUGIN", plugin)];
    match python::environment("vst3-host", VST3_HOST) {
        Ok(python) => environment.push(("TRIBUTARY_VST3_HOST", python.into())),
        Err(error) => println!("left out: the VST3 in another host ({error:#})"),
    }
    match python::environment("localstripe", LOCALSTRIPE) {
        Ok(python) => environment.push((TEST_PYTHON, python.into())),
        Err(error) => println!("left out: the payments beside a stand-in of others ({error:#})"),
    }
    match onnxruntime::provide(onnxruntime::Kind::Cpu) {
        Ok(library) => environment.push((onnxruntime::VARIABLE, library.into())),
        Err(error) => println!("left out: ONNX Runtime beside the engine that is built in ({error:#})"),
    }
    match data() {
        Some(folder) => {
            println!("measuring against the recordings in {}", folder.display());
            environment.push((TEST_DATA, folder.into()));
        }
        None => println!("left out: measurements against recordings ({TEST_DATA} names no folder)"),
    }
    environment
}

/// The folder of recordings and weights that are not in the tree, where there is one.
pub(crate) fn data() -> Option<PathBuf> {
    test_data(std::env::var_os(TEST_DATA).map(PathBuf::from), workspace::root())
}

/// The folder named by the variable; else one named `shared` in the project, beside it, or further above.
fn test_data(named: Option<PathBuf>, root: &Path) -> Option<PathBuf> {
    match named {
        Some(folder) => folder.is_dir().then_some(folder),
        None => root.ancestors().map(|folder| folder.join(TEST_DATA_FOLDER)).find(|folder| folder.is_dir()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn recordings_are_found_above_the_project_and_a_wrong_name_finds_none() {
        let scratch = tempfile::tempdir().unwrap();
        let project = scratch.path().join("a/b");
        fs::create_dir_all(&project).unwrap();
        let shared = scratch.path().join("shared");
        fs::create_dir(&shared).unwrap();
        assert_eq!(test_data(None, &project), Some(shared.clone()));
        assert_eq!(test_data(Some(shared.clone()), &project), Some(shared));
        assert_eq!(test_data(Some(scratch.path().join("none")), &project), None);
    }
}
