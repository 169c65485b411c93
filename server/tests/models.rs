//! `tributary models` as its user types it, with a publisher's checkpoint from a web server or a disk: from the file to the
//! stems, and what is said on the way.

#![cfg(test)]

#[path = "../src/shelf/http_double_tests.rs"]
mod http_double;

use http_double::{HttpDouble, Resource};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;
use tributary_audio::wav::{WavFormat, WavWriter};
use tributary_audio::{Audio, ClipShape, FrameSink, decode};

const CHECKPOINT: &[u8] = include_bytes!("../../models/tests/fixtures/bs_roformer_tiny.ckpt");
const SETTINGS: &[u8] = include_bytes!("../../models/tests/fixtures/bs_roformer_tiny.yaml");
/// A package of Demucs has its settings inside; those of SCNet are beside it.
const HTDEMUCS: &[u8] = include_bytes!("../../models/tests/fixtures/htdemucs_tiny.th");
const SCNET: &[u8] = include_bytes!("../../models/tests/fixtures/scnet_tiny.ckpt");
const SCNET_SETTINGS: &[u8] = include_bytes!("../../models/tests/fixtures/scnet_tiny.yaml");
/// Two channels of 16-bit samples, one after the other.
const CLIP: &[u8] = include_bytes!("../../models/tests/fixtures/bs_roformer_tiny.clip.raw");
/// What the publisher's code makes of them: 32-bit floats of two channels of each stem.
const DEMIXED: &[u8] = include_bytes!("../../models/tests/fixtures/bs_roformer_tiny.demixed.raw");
/// The stems in files have 24 bits: 2^-24 of full scale is 144 dB below it, and these stems are not loud.
const TOLERANCE_DB: f64 = -90.0;

/// A user with a data folder and a folder of files.
struct User {
    data: TempDir,
    home: TempDir,
}

/// What a command printed, and how it ended.
struct Ran {
    out: String,
    err: String,
    code: Option<i32>,
}

impl User {
    fn new() -> Self {
        Self { data: tempfile::tempdir().unwrap(), home: tempfile::tempdir().unwrap() }
    }

    fn run(&self, args: &[&str]) -> Ran {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tributary"));
        for name in ["TRIBUTARY_SERVER", "TRIBUTARY_KEY", "TRIBUTARY_CERTIFICATE", "RUST_LOG"] {
            command.env_remove(name);
        }
        let ran = command.env("TRIBUTARY_DATA", self.data.path()).args(args).output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ran { out: text(&ran.stdout), err: text(&ran.stderr), code: ran.status.code() }
    }

    /// Runs what must end well, and answers what it said.
    fn done(&self, args: &[&str]) -> String {
        let Ran { out, err, code } = self.run(args);
        assert_eq!(code, Some(0), "{args:?}: {out}{err}");
        format!("{out}{err}")
    }

    /// Runs what must not.
    fn refused(&self, args: &[&str]) -> String {
        let Ran { out, err, code } = self.run(args);
        assert_eq!(code, Some(2), "{args:?}: {out}{err}");
        err
    }

    fn model(&self, name: &str) -> PathBuf {
        self.data.path().join("models").join(name)
    }

    fn file(&self, name: &str, bytes: &[u8]) -> String {
        let path = self.home.path().join(name);
        fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// Separates the fixture's clip and compares with what the publisher's code makes of it.
    fn check_separates(&self, model: &str) {
        let (clip, out) = (self.home.path().join("clip.wav"), self.home.path().join(model));
        write_clip(&clip);
        let (clip, folder) = (clip.to_str().unwrap(), out.to_str().unwrap());
        self.done(&["separate", clip, "--local", "--model", model, "--format", "wav", "--out", folder]);
        let theirs: Vec<f32> =
            DEMIXED.chunks_exact(4).map(|four| f32::from_le_bytes(four.try_into().unwrap())).collect();
        let mut ours = Vec::new();
        for stem in ["vocals", "other"] {
            let mut frames = decode::open(&out.join(format!("clip - {stem}.wav"))).unwrap();
            ours.extend(Audio::read_all(&mut *frames, 1 << 20).unwrap().channels.concat());
        }
        assert_eq!(ours.len(), theirs.len());
        let power = |numbers: &mut dyn Iterator<Item = f64>| numbers.map(|x| x * x).sum::<f64>();
        let off = power(&mut ours.iter().zip(&theirs).map(|(a, b)| f64::from(a - b)));
        let db = 10.0 * (off / power(&mut theirs.iter().map(|x| f64::from(*x)))).log10();
        println!("{model}: {db:.1} dB from its publisher's code");
        assert!(db < TOLERANCE_DB, "{db:.1} dB");
    }
}

fn write_clip(path: &Path) {
    let samples: Vec<f32> = CLIP
        .chunks_exact(2)
        .map(|two| f32::from(i16::from_le_bytes(two.try_into().unwrap())) / 32_768.0)
        .collect();
    let (left, right) = samples.split_at(samples.len() / 2);
    let shape = ClipShape { channels: 2, frames: left.len() as u64, rate_hz: 44_100 };
    let mut writer = WavWriter::create_as(path, shape, WavFormat::Float32).unwrap();
    writer.write(&[left, right]).unwrap();
    writer.finish().unwrap();
}

#[test]
fn a_checkpoint_is_pulled_from_the_web_made_into_a_graph_and_separates() {
    let (user, web) = (User::new(), HttpDouble::start());
    let resource = |bytes: &[u8]| Resource { bytes: bytes.to_vec(), ranges: true, ..Resource::default() };
    web.put("/tiny.ckpt", Resource { cut_bytes: 90_000, cuts: 1, ..resource(CHECKPOINT) });
    web.put("/tiny.yaml", resource(SETTINGS));
    let (weights, settings) = (web.url("/tiny.ckpt"), web.url("/tiny.yaml"));
    let card = format!(
        "name = \"tiny\"\ntitle = \"Tiny\"\ndescription = \"For tests.\"\ntask = \"separate\"\n\
         architecture = \"bs-roformer\"\ngrade = \"preview\"\nprice_class = \"heavy\"\npublisher = \"Nobody\"\n\
         licence = \"not stated\"\ncommercial_use = \"unstated\"\nstems = [\"vocals\", \"other\"]\n\
         [checkpoint.weights]\nfile = \"tiny.ckpt\"\nsources = [\"{weights}\"]\n\
         [checkpoint.settings]\nfile = \"tiny.yaml\"\nsources = [\"{settings}\"]\n"
    );
    fs::create_dir_all(user.model("tiny")).unwrap();
    fs::write(user.model("tiny").join("card.toml"), card).unwrap();
    let refused = user.refused(&["models", "pull", "tiny"]);
    assert!(refused.contains("--accept-licence"), "{refused}");
    assert!(user.done(&["models", "list", "--local"]).contains("tiny "));
    let said = user.done(&["models", "pull", "tiny", "--accept-licence"]);
    for words in
        ["pinned what came", "tiny: made of its checkpoint and tried on", "kept: model.onnx", "recipe.toml"]
    {
        assert!(said.contains(words), "{words}: {said}");
    }
    let row = user.done(&["models", "list", "--local"]);
    let row = row.lines().find(|row| row.starts_with("tiny ")).unwrap().to_owned();
    assert!(row.contains("unstated") && row.ends_with(" MB"), "{row}");
    let verified = user.done(&["models", "verify", "tiny"]);
    assert!(verified.contains("tiny/model.onnx  whole: as made of "), "{verified}");
    user.check_separates("tiny");
    let asked = web.asked().len();
    assert!(asked > 2, "the line that broke was tried again");
    assert!(user.done(&["models", "pull", "tiny", "--accept-licence"]).contains("already here and whole"));
    assert_eq!(web.asked().len(), asked);

    // A graph that was changed is refused by name.
    let place = user.model("tiny").join("model.onnx");
    let mut graph = fs::read(&place).unwrap();
    let middle = graph.len() / 2;
    graph[middle] ^= 1;
    fs::write(&place, graph).unwrap();
    assert_eq!(user.run(&["models", "verify"]).code, Some(1));
    let clip = user.home.path().join("clip.wav");
    let text = user.refused(&["separate", clip.to_str().unwrap(), "--local", "--model", "tiny"]);
    assert!(text.contains("`model.onnx` of `tiny` has SHA-256"), "{text}");
    assert!(user.done(&["models", "remove", "tiny"]).contains("files removed"));
    assert!(!user.model("tiny").exists());
}

#[test]
fn a_checkpoint_from_anywhere_becomes_a_model_of_ones_own() {
    let user = User::new();
    let (checkpoint, settings) = (user.file("mine.ckpt", CHECKPOINT), user.file("mine.yaml", SETTINGS));
    let text = user.refused(&["models", "import", &checkpoint]);
    assert!(text.contains("--name NAME"), "{text}");
    let text = user.refused(&["models", "import", &checkpoint, "--name", "mine"]);
    assert!(text.contains("--settings"), "{text}");
    let import = ["models", "import", &checkpoint, "--settings", &settings, "--name"];
    let text = user.refused(&[&import[..], &["bs-roformer-vocals"]].concat());
    assert!(text.contains("choose another name"), "{text}");
    let text = user.refused(&[&import[..], &["Mine!"]].concat());
    assert!(text.contains("a-z, 0-9 and -"), "{text}");
    let said = user.done(&[&import[..], &["mine"]].concat());
    assert!(said.contains("mine: made of its checkpoint") && said.contains("accept_licences"), "{said}");
    assert!(user.done(&["models", "show", "mine", "--local"]).contains("--set quality=balanced"));
    user.check_separates("mine");
    let said = user.done(&[&import[..], &["theirs", "--licence", "MIT", "--commercial-use", "yes"]].concat());
    assert!(!said.contains("accept_licences"), "{said}");
    let rows = user.done(&["models", "list", "--local"]);
    assert!(rows.lines().any(|row| row.starts_with("theirs ") && row.contains("MIT")), "{rows}");

    // Twice the same network, averaged, is that network.
    let ensemble = "name = \"both\"\ntitle = \"Both\"\ndescription = \"Two.\"\ntask = \"separate\"\n\
         architecture = \"ensemble\"\ngrade = \"preview\"\nprice_class = \"heavy\"\npublisher = \"Me\"\nlicence = \"MIT\"\n\
         commercial_use = \"unstated\"\nstems = [\"vocals\", \"other\"]\n\
         [[members]]\nmodel = \"mine\"\nweights = { vocals = 1, other = 1 }\n\
         [[members]]\nmodel = \"theirs\"\nweights = { vocals = 3, other = 0.5 }\n";
    fs::create_dir_all(user.model("both")).unwrap();
    fs::write(user.model("both").join("card.toml"), ensemble).unwrap();
    let rows = user.done(&["models", "list", "--local"]);
    assert!(rows.lines().any(|row| row.starts_with("both ") && row.ends_with(" MB")), "{rows}");
    user.check_separates("both");
    let text = user.refused(&["models", "remove", "both"]);
    assert!(text.contains("mine, theirs"), "{text}");
    fs::write(user.model("both").join("card.toml"), ensemble.replace("unstated", "yes")).unwrap();
    let Ran { err, .. } = user.run(&["models", "list", "--local"]);
    assert!(err.contains("that of its member `mine` is not"), "{err}");
    fs::remove_dir_all(user.model("both")).unwrap();

    let wrong = user.file("wrong.yaml", &[SETTINGS, b"\n"].concat());
    let text = String::from_utf8(SETTINGS.to_vec()).unwrap().replace("dim: 8\n", "dim: 9\n");
    fs::write(&wrong, text).unwrap();
    let text = user.refused(&["models", "import", &checkpoint, "--settings", &wrong, "--name", "x"]);
    assert!(text.contains("`model.dim` is 9, and the weights have 8"), "{text}");
    assert!(!user.model("x").join("model.onnx").exists());
}

#[test]
fn packages_of_demucs_and_checkpoints_of_scnet_become_models_and_separate() {
    let user = User::new();
    let (package, scnet) = (user.file("htdemucs.th", HTDEMUCS), user.file("scnet.ckpt", SCNET));
    let settings = user.file("scnet.yaml", SCNET_SETTINGS);
    user.done(&["models", "import", &package, "--name", "hybrid"]);
    let text = user.refused(&["models", "import", &scnet, "--name", "sparse"]);
    assert!(text.contains("scnet does not hold its settings"), "{text}");
    user.done(&["models", "import", &scnet, "--settings", &settings, "--name", "sparse"]);
    let clip = user.home.path().join("clip.wav");
    write_clip(&clip);
    let frames = CLIP.len() / 4;
    for model in ["hybrid", "sparse"] {
        let out = user.home.path().join(model);
        let args = ["separate", clip.to_str().unwrap(), "--local", "--model", model, "--format", "wav"];
        user.done(&[&args[..], &["--out", out.to_str().unwrap()]].concat());
        // What the stems leave is a stem: together they are the mixture.
        let mut sum = vec![vec![0.0_f32; frames]; 2];
        for stem in ["drums", "vocals", "other"] {
            let mut stem = decode::open(&out.join(format!("clip - {stem}.wav"))).unwrap();
            let stem = Audio::read_all(&mut *stem, 1 << 20).unwrap();
            assert!(stem.channels.concat().iter().any(|x| x.abs() > 1e-3), "{model}: a stem is heard");
            for (sum, channel) in sum.iter_mut().zip(&stem.channels) {
                assert_eq!(channel.len(), frames);
                sum.iter_mut().zip(channel).for_each(|(sum, x)| *sum += x);
            }
        }
        let mut mixture = decode::open(&clip).unwrap();
        let mixture = Audio::read_all(&mut *mixture, 1 << 20).unwrap().channels.concat();
        let apart = sum.concat().iter().zip(&mixture).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(apart < 1e-5, "{model}: {apart}");
    }
}
