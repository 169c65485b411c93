//! The VST3 in a host that nobody here wrote: pedalboard, from PyPI, in a process of its own.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use tributary_tests::{alone, measured, plugin_host};

/// The Python that has pedalboard; `cargo xtask test` names it.
const PYTHON: &str = "TRIBUTARY_VST3_HOST";

#[test]
fn another_host_loads_the_vst3_hears_the_track_untouched_and_keeps_its_state() {
    let Some(python) = std::env::var_os(PYTHON).map(PathBuf::from) else {
        measured(&format!("left out: the VST3 in pedalboard ({PYTHON} names no Python)"));
        return;
    };
    alone(|world| {
        let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("hosts/vst3.py");
        let bundle = plugin_host::bundle().unwrap().with_extension("vst3");
        let said = Command::new(python)
            .arg(script)
            .arg(bundle)
            .current_dir(&world.folder)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let (out, err) = (String::from_utf8_lossy(&said.stdout), String::from_utf8_lossy(&said.stderr));
        assert!(said.status.success(), "{out}{err}");
        measured(&out.trim().replace('\n', "; "));
    });
}
