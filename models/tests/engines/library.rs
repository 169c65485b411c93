//! Finding the library, refusing what is none, and what a session says about it.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use tributary_models::session::{Engine, Running, onnx_runtime_state, use_onnx_runtime};
use tributary_models::{Device, EngineChoice, ModelError, Session, SessionOptions};

pub(crate) const MINI: &[u8] = include_bytes!("../../weights/mini.onnx");

/// What happened before the library was there, in this order, once a process.
pub(crate) struct Before {
    missing: ModelError,
    no_library: ModelError,
    /// None where there is no C compiler to make one.
    too_old: Option<ModelError>,
    not_ours: Option<ModelError>,
    chosen: Running,
    insisted: ModelError,
    /// Whether the real one was then loaded.
    loaded: bool,
}

pub(crate) fn options(engine: EngineChoice, threads: usize) -> SessionOptions {
    let threads = NonZeroUsize::new(threads).unwrap();
    SessionOptions { threads, engine, ..SessionOptions::default() }
}

/// Loads ONNX Runtime; prints a line where there is none.
pub(crate) fn onnx_runtime(what: &str) -> bool {
    let loaded = before().loaded;
    if !loaded {
        println!("left out: {what} (TRIBUTARY_ONNXRUNTIME names no library)");
    }
    loaded
}

fn before() -> &'static Before {
    static BEFORE: OnceLock<Before> = OnceLock::new();
    BEFORE.get_or_init(|| {
        let refused = |path: &Path| use_onnx_runtime(path).unwrap_err();
        let scratch = tempfile::tempdir().unwrap();
        let scratch = scratch.path();
        let text = scratch.join("libtext.so");
        std::fs::write(&text, "no library at all").unwrap();
        let old = "static const char*v(void){return \"1.20.0\";} static const void*a(unsigned n){return 0;}\
            struct{const void*(*a)(unsigned);const char*(*v)(void);}b={a,v}; void*OrtGetApiBase(void){return &b;}";
        let session = |engine| Session::load("mini", &[("net", MINI)], options(engine, 2));
        Before {
            missing: refused(Path::new("no/such/libonnxruntime.so")),
            no_library: refused(&text),
            too_old: compiled(scratch, "old", old).map(|path| refused(&path)),
            not_ours: compiled(scratch, "other", "int other(void){return 1;}").map(|path| refused(&path)),
            chosen: session(EngineChoice::Auto).unwrap().engine().clone(),
            insisted: session(EngineChoice::OnnxRuntime).err().unwrap(),
            loaded: match std::env::var_os("TRIBUTARY_ONNXRUNTIME") {
                Some(path) => {
                    use_onnx_runtime(Path::new(&path)).unwrap();
                    true
                }
                None => false,
            },
        }
    })
}

/// A library made of `source`; none where there is no C compiler, or no such libraries on this system.
fn compiled(folder: &Path, name: &str, source: &str) -> Option<PathBuf> {
    let (from, to) = (folder.join(format!("{name}.c")), folder.join(format!("lib{name}.so")));
    std::fs::write(&from, source).unwrap();
    let made = Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&to).arg(&from).status();
    made.is_ok_and(|status| status.success()).then_some(to)
}

#[test]
fn what_is_no_usable_library_is_refused_with_its_name_and_the_reason() {
    let before = before();
    let check = |error: &ModelError, words: &[&str]| {
        let text = error.to_string();
        assert!(matches!(error, ModelError::OnnxRuntime { .. }), "{text}");
        for word in words {
            assert!(text.contains(word), "`{text}` says {word}");
        }
    };
    check(&before.missing, &["no/such/libonnxruntime.so", "No such file"]);
    check(&before.no_library, &["libtext.so"]);
    match (&before.too_old, &before.not_ours) {
        (Some(old), Some(other)) => {
            check(old, &["libold.so", "1.20.0", "1.31 or later"]);
            check(other, &["libother.so", "not ONNX Runtime"]);
        }
        _ => println!("left out: old and foreign libraries (no C compiler)"),
    }
}

#[test]
fn without_a_library_the_engine_that_is_built_in_runs_and_says_why() {
    let before = before();
    assert_eq!((before.chosen.engine, before.chosen.device), (Engine::Rten, Device::Cpu));
    let reason = before.chosen.instead.as_deref().unwrap();
    assert!(reason.contains("cannot be used"), "{reason}");
    assert!(before.chosen.to_string().starts_with("rten on CPU ("), "{}", before.chosen);
    assert!(matches!(before.insisted, ModelError::NoEngine { .. }), "{}", before.insisted);
}

#[test]
fn with_a_library_it_is_chosen_and_a_second_one_is_refused() {
    if !onnx_runtime("the choice of ONNX Runtime") {
        return;
    }
    let session = |engine| Session::load("mini", &[("net", MINI)], options(engine, 2)).unwrap();
    for engine in [EngineChoice::Auto, EngineChoice::OnnxRuntime] {
        let running = session(engine).engine().clone();
        assert_eq!(running, Running { engine: Engine::OnnxRuntime, device: Device::Cpu, instead: None });
    }
    assert_eq!(session(EngineChoice::Rten).engine().engine, Engine::Rten);
    let state = onnx_runtime_state();
    let path = state.library.unwrap();
    assert!(path.is_absolute() && state.build.contains("ORT Build Info"), "{}", state.build);
    println!("{}: {}", path.display(), state.build);
    use_onnx_runtime(&path).unwrap();
    let other = use_onnx_runtime(Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap_err().to_string();
    assert!(other.contains("already uses"), "{other}");
}

#[test]
fn an_accelerator_that_is_not_in_use_is_an_error_that_says_what_to_do() {
    let check = |engine, device| {
        let options = SessionOptions { device, ..options(engine, 2) };
        match Session::load("mini", &[("net", MINI)], options) {
            // This machine has one: then it is the one in use.
            Ok(session) => assert_eq!((session.engine().device, session.lanes()), (device, 1)),
            Err(error @ ModelError::NoEngine { .. }) => {
                println!("{error}");
                assert!(error.to_string().contains(&device.to_string()), "{error}");
            }
            Err(other) => panic!("{other}"),
        }
    };
    let _ = onnx_runtime("accelerators with a library");
    for device in [Device::Cuda, Device::TensorRt] {
        for engine in [EngineChoice::Auto, EngineChoice::OnnxRuntime, EngineChoice::Rten] {
            check(engine, device);
        }
    }
}

#[test]
fn bytes_that_are_no_graph_are_an_error_of_the_engine() {
    if !onnx_runtime("wrong graphs on ONNX Runtime") {
        return;
    }
    for engine in [EngineChoice::Auto, EngineChoice::OnnxRuntime] {
        for bytes in [&b""[..], b"not a graph", &MINI[..MINI.len() / 2]] {
            let loaded = Session::load("x", &[("net", bytes)], options(engine, 1));
            assert!(matches!(loaded, Err(ModelError::Engine { .. })), "{} bytes", bytes.len());
        }
    }
}
