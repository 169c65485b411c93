//! Published separation networks of full size at work, for `cargo xtask bench separation` and `cargo xtask parity`: converts
//! a checkpoint, times chunks of sound on a device, answers with masks or stems. One command a process, so that what one
//! takes of memory is its own. Says what it found as one JSON object a line.

#![expect(clippy::print_stdout, reason = "the lines are what this program is for")]

mod convert;
mod installed;
mod sound;
mod time;
mod usage;

use std::path::PathBuf;
use tributary_models::{Device, EngineChoice, SessionOptions, session};

/// How the program is called.
const USAGE: &str = "separation convert CHECKPOINT SETTINGS|- FOLDER [--half]
separation time FOLDER CHUNKS [DEVICE]     DEVICE: --cuda or --tensorrt, then [--cuda-graphs]
separation masks FOLDER SPECTRUM MASKS [DEVICE]
separation stems FOLDER SOUND STEMS [DEVICE]
separation devices
all but the first: [--threads N] [--library FILE], ONNX Runtime's; sound and numbers are raw 32-bit floats";

/// Why it ends badly.
type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let mut words: Vec<String> = std::env::args().skip(1).collect();
    // `cargo test --all-targets` only wants to see that it starts.
    if words.is_empty() {
        return Ok(());
    }
    let half = flag(&mut words, "--half");
    let options = options(&mut words)?;
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[..] {
        ["convert", checkpoint, settings, folder] => {
            convert::run(checkpoint.as_ref(), settings, folder.as_ref(), half)
        }
        ["time", folder, chunks] => time::run(folder.as_ref(), chunks.parse()?, options),
        ["masks", folder, spectrum, masks] => {
            sound::masks(folder.as_ref(), spectrum.as_ref(), masks.as_ref(), options)
        }
        ["stems", folder, sound, stems] => {
            sound::stems(folder.as_ref(), sound.as_ref(), stems.as_ref(), options)
        }
        ["devices"] => {
            devices();
            Ok(())
        }
        _ => Err(USAGE.into()),
    }
}

/// Takes a word out, and says whether it was there.
fn flag(words: &mut Vec<String>, name: &str) -> bool {
    let before = words.len();
    words.retain(|word| word != name);
    words.len() < before
}

/// The same for a word and the one behind it.
fn value(words: &mut Vec<String>, name: &str) -> Result<Option<String>, Failure> {
    let Some(at) = words.iter().position(|word| word == name) else { return Ok(None) };
    if at + 1 == words.len() {
        return Err(format!("nothing follows {name}").into());
    }
    words.remove(at);
    Ok(Some(words.remove(at)))
}

/// What a session is told, and ONNX Runtime's library where one is named.
fn options(words: &mut Vec<String>) -> Result<SessionOptions, Failure> {
    let mut options = SessionOptions { engine: EngineChoice::OnnxRuntime, ..SessionOptions::default() };
    if let Some(threads) = value(words, "--threads")? {
        options.threads = threads.parse()?;
    }
    if flag(words, "--cuda") {
        options.device = Device::Cuda;
    }
    if flag(words, "--tensorrt") {
        options.device = Device::TensorRt;
    }
    options.cuda_graphs = flag(words, "--cuda-graphs");
    if let Some(library) = value(words, "--library")? {
        session::use_onnx_runtime(&PathBuf::from(library))?;
    }
    Ok(options)
}

/// Which accelerators a session could use, or why not.
fn devices() {
    for (device, usable) in session::onnx_runtime_state().accelerators {
        let reason = usable.err();
        println!("{}", serde_json::json!({ "device": device.to_string(), "reason": reason }));
    }
}
