//! Published separation networks of full size with random weights: made by their publishers' own code in a Python of its
//! own, converted and run by our program. Each step is a process; what was made once in a folder is taken again.

use crate::setup::{onnxruntime, python};
use crate::workspace::Profile;
use crate::{run, workspace};
use anyhow::Context;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The variable that names a Python with all of `tests/hosts/separation.txt`, so that 5 GB need not be fetched.
pub(crate) const VARIABLE: &str = "TRIBUTARY_TORCH_PYTHON";
const REQUIREMENTS: &str = "tests/hosts/separation.txt";
const SCRIPT: &str = "tests/hosts/separation.py";
/// Ours: an example of the models' crate.
const PROGRAM: &str = "separation";
/// Settings that are inside of the checkpoint.
const INSIDE: &str = "-";

/// A network, as its publisher's settings say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Network {
    /// BS-RoFormer, 12 layers of 512 numbers
    BsRoformer,
    /// Mel-Band RoFormer, 6 layers of 384 numbers
    MelBandRoformer,
    /// HTDemucs, four stems
    Htdemucs,
    /// SCNet, the large one
    Scnet,
}

impl Network {
    /// As the script calls it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::BsRoformer => "bs-roformer",
            Self::MelBandRoformer => "mel-band-roformer",
            Self::Htdemucs => "htdemucs",
            Self::Scnet => "scnet",
        }
    }

    /// As people call it.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::BsRoformer => "BS-RoFormer",
            Self::MelBandRoformer => "Mel-Band RoFormer",
            Self::Htdemucs => "HTDemucs",
            Self::Scnet => "SCNet",
        }
    }

    /// Whether its graph alone is a spectrum in and masks out.
    pub(crate) fn has_masks(self) -> bool {
        matches!(self, Self::BsRoformer | Self::MelBandRoformer)
    }
}

/// For which device a graph is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bits {
    /// Single precision, for processors.
    Full,
    /// Half precision, for accelerators.
    Half,
}

/// The programs, and the folder in which networks are made.
pub(crate) struct Workshop {
    program: PathBuf,
    library: PathBuf,
    folder: PathBuf,
}

/// A network in a folder of its own.
pub(crate) struct Made {
    pub(crate) folder: PathBuf,
    depth: Option<u32>,
    network: Network,
}

/// Its graph.
pub(crate) struct Converted {
    pub(crate) folder: PathBuf,
    /// Multiplications and additions of one chunk.
    pub(crate) operations: f64,
    pub(crate) chunk_seconds: f64,
}

impl Workshop {
    /// Builds our program; `library` is ONNX Runtime's.
    ///
    /// # Errors
    /// A program that does not build, a library that cannot be had.
    pub(crate) fn open(folder: &Path, library: onnxruntime::Kind) -> anyhow::Result<Self> {
        let program = workspace::example("tributary-models", PROGRAM, Profile::Release)?;
        std::fs::create_dir_all(folder).with_context(|| format!("make {}", folder.display()))?;
        let folder = folder.canonicalize()?;
        Ok(Self { program, library: onnxruntime::provide(library)?, folder })
    }

    /// A Python with the publishers' code.
    fn python() -> anyhow::Result<PathBuf> {
        match std::env::var_os(VARIABLE) {
            Some(named) => Ok(named.into()),
            None => python::environment(PROGRAM, REQUIREMENTS).with_context(|| {
                format!("have PyTorch and the publishers' code; {VARIABLE} may name a Python with both")
            }),
        }
    }

    /// A task of the publishers' code.
    ///
    /// # Errors
    /// No Python with it.
    pub(crate) fn theirs(&self, task: &str) -> anyhow::Result<Command> {
        let mut command = Command::new(Self::python()?);
        command.arg(workspace::root().join(SCRIPT)).arg(task);
        Ok(command)
    }

    /// A task of our program.
    pub(crate) fn ours(&self, task: &str) -> Command {
        let mut command = Command::new(&self.program);
        command.arg(task).arg("--library").arg(&self.library);
        command
    }

    /// Where a network is or will be; with fewer layers where `depth` says so.
    pub(crate) fn place(&self, network: Network, depth: Option<u32>) -> Made {
        let depths = depth.map_or(String::new(), |depth| format!("-{depth}-layers"));
        Made { folder: self.folder.join(format!("{}{depths}", network.word())), depth, network }
    }

    /// Makes its checkpoint with random weights, settings and a chunk of sound, unless they are there.
    ///
    /// # Errors
    /// Publishers' code that is missing or fails.
    pub(crate) fn make(&self, made: &Made) -> anyhow::Result<()> {
        // Written last.
        if made.folder.join("sound.raw").exists() {
            return Ok(());
        }
        let mut make = self.theirs("make")?;
        make.arg(made.network.word()).arg(&made.folder);
        if let Some(depth) = made.depth {
            make.args(["--depth", &depth.to_string()]);
        }
        run::ask(&mut make).map(drop)
    }

    /// Its graph by our converter, unless it is there.
    ///
    /// # Errors
    /// As of [`Self::make`]; a checkpoint that is not converted.
    pub(crate) fn convert(&self, made: &Made, bits: Bits) -> anyhow::Result<Converted> {
        let folder = made.folder.join(if bits == Bits::Half { "half" } else { "full" });
        let figures = folder.join("figures.json");
        if !figures.exists() {
            self.make(made)?;
            let settings = made.folder.join("settings.yaml");
            let settings = if made.network == Network::Htdemucs { Path::new(INSIDE) } else { &settings };
            let mut convert = self.ours("convert");
            convert.arg(made.folder.join("checkpoint.pt")).arg(settings).arg(&folder);
            convert.args((bits == Bits::Half).then_some("--half"));
            run::ask(&mut convert).with_context(|| format!("convert {}", made.network.title()))?;
        }
        let figures: Value = serde_json::from_slice(&std::fs::read(&figures)?)?;
        let number = |name: &str| figures[name].as_f64().with_context(|| format!("no `{name}` in {figures}"));
        let (multiplications, chunk_seconds) = (number("multiplications")?, number("chunk_seconds")?);
        Ok(Converted { folder, operations: 2.0 * multiplications, chunk_seconds })
    }
}
