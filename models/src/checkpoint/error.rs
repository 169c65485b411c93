//! Why a checkpoint cannot be used; one variant for each thing its owner can do about it. Never quotes more of a file
//! than a few names.

use std::fmt;

/// At most so many names of a kind stand in a message.
const LINES_MAX: usize = 10;
/// At most so many letters of a name that a file brings.
const NAME_LETTERS_MAX: usize = 120;

/// Why a checkpoint or its settings cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CheckpointError {
    /// The system cannot read it: look at the disk or the rights.
    #[error("cannot read the checkpoint")]
    Read(#[source] std::io::Error),
    /// It is something else: give another file.
    #[error("this is not a checkpoint: {0}; PyTorch files (.ckpt, .pth, .th) and .safetensors can be read")]
    NotACheckpoint(String),
    /// A form that PyTorch left: save it again.
    #[error(
        "this checkpoint has {0}, which is not read here; load it with PyTorch 1.6 or later where you trust it, and \
         save its state_dict again with torch.save"
    )]
    OldForm(&'static str),
    /// Bytes are missing or contradict each other: fetch it again.
    #[error("the checkpoint is damaged: {0}; fetch it again and compare its SHA-256 with the publisher's")]
    Damaged(String),
    /// It wants to run code or to build what is neither a tensor nor a plain value: do not trust it.
    #[error(
        "the checkpoint asks for {what} at byte {at} of its pickle: only tensors and plain values are built here and \
         nothing is run; do not load this file elsewhere unless you trust who made it"
    )]
    Refused {
        /// The opcode or the global, by name.
        what: String,
        /// Where in the pickle.
        at: usize,
    },
    /// More than a checkpoint has reason to hold.
    #[error("the checkpoint has {found} {what}, at most {limit} are read")]
    TooLarge {
        /// What there is too much of.
        what: &'static str,
        /// As many there are.
        found: u64,
        /// As many may be.
        limit: u64,
    },
    /// It is sound, but of a kind that is not read here.
    #[error("the checkpoint has {0}")]
    Unsupported(String),
    /// No tensors by name where they usually are.
    #[error("the checkpoint holds no tensors by name; at its top it has {0}")]
    NoTensors(String),
    /// No tensor of that name.
    #[error("the checkpoint has no tensor `{}`", short(.0))]
    NoTensor(String),
    /// A tensor cannot be used as it is.
    #[error("tensor `{}`: {reason}", short(.name))]
    Tensor {
        /// Which one.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Its tensors are not those of the model.
    #[error("the checkpoint does not fit the model and its settings: {0}")]
    Mismatch(Box<Mismatch>),
    /// The settings say something that cannot be used.
    #[error("{file}: `{}` {reason}", short(.path))]
    Setting {
        /// Which file, or which part of the checkpoint.
        file: String,
        /// The path inside, with dots.
        path: String,
        /// What is wrong and what was found.
        reason: String,
    },
    /// The settings are not YAML that can be read.
    #[error("{file}, line {line}: {reason}")]
    Yaml {
        /// Which file.
        file: String,
        /// Which line, from 1.
        line: usize,
        /// What is wrong there.
        reason: String,
    },
}

impl CheckpointError {
    pub(super) fn damaged(reason: impl Into<String>) -> Self {
        Self::Damaged(reason.into())
    }

    /// What a failed read means: an end that comes too soon is damage, all else the system's.
    pub(super) fn reading(cause: std::io::Error) -> Self {
        if cause.kind() == std::io::ErrorKind::UnexpectedEof {
            return Self::damaged("it ends too soon");
        }
        Self::Read(cause)
    }

    /// Refuses what is more than a limit.
    pub(super) fn at_most(what: &'static str, found: usize, limit: usize) -> Result<(), Self> {
        if found <= limit {
            return Ok(());
        }
        Err(Self::TooLarge { what, found: found as u64, limit: limit as u64 })
    }
}

/// How a checkpoint's tensors differ from those a model has; never empty.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Mismatch {
    /// Names the model has and the checkpoint has not.
    pub missing: Vec<String>,
    /// Names the checkpoint has and the model has not.
    pub extra: Vec<String>,
    /// Names of both whose shapes differ.
    pub misshapen: Vec<Misshapen>,
}

/// A tensor whose shape is not the model's.
#[derive(Debug, PartialEq, Eq)]
pub struct Misshapen {
    /// Its name.
    pub name: String,
    /// The model's shape.
    pub expected: Vec<usize>,
    /// The checkpoint's.
    pub found: Vec<usize>,
}

impl Mismatch {
    pub(super) fn is_none(&self) -> bool {
        self.missing.is_empty() && self.extra.is_empty() && self.misshapen.is_empty()
    }
}

impl fmt::Display for Misshapen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {:?}, expected {:?}", short(&self.name), self.found, self.expected)
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} tensors missing, {} extra, {} of another shape",
            self.missing.len(),
            self.extra.len(),
            self.misshapen.len()
        )?;
        list(f, "missing", self.missing.iter().map(|name| short(name)))?;
        list(f, "extra", self.extra.iter().map(|name| short(name)))?;
        list(f, "shape", self.misshapen.iter())
    }
}

fn list<T: fmt::Display>(
    f: &mut fmt::Formatter<'_>,
    kind: &str,
    mut names: impl ExactSizeIterator<Item = T>,
) -> fmt::Result {
    for name in names.by_ref().take(LINES_MAX) {
        write!(f, "\n  {kind}: {name}")?;
    }
    match names.len() {
        0 => Ok(()),
        more => write!(f, "\n  {kind}: and {more} more"),
    }
}

/// A name from a file as a message may show it: not too long, without control characters.
pub(super) fn short(name: &str) -> String {
    let plain = |letter: char| if letter.is_control() { '\u{fffd}' } else { letter };
    let mut letters = name.chars();
    let mut text: String = letters.by_ref().take(NAME_LETTERS_MAX).map(plain).collect();
    if letters.next().is_some() {
        text.push_str("..");
    }
    text
}
