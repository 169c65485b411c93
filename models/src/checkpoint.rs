//! Checkpoints as publishers give them away: the tensors of PyTorch files (`.ckpt`, `.pth`, `.th`) and safetensors by
//! name, and the settings beside them. Never runs anything a file says, never opens a file itself, and reads numbers
//! only when they are asked for: what a file takes in memory is its directory and one tensor at a time.
//!
//! ```no_run
//! use tributary_models::checkpoint::{Checkpoint, Expected, Settings};
//!
//! let mut checkpoint = Checkpoint::open(std::fs::File::open("model.ckpt")?)?;
//! let settings = Settings::parse("model.yaml", &std::fs::read("model.yaml")?)?;
//! let dim = settings.at("model.dim")?.count()?;
//! checkpoint.check(&[Expected { name: "layers.0.gamma".to_owned(), shape: vec![dim] }])?;
//! let gamma: Vec<f32> = checkpoint.read_f32("layers.0.gamma")?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A Demucs package has its settings inside: `checkpoint.enclosed("klass")` and `checkpoint.enclosed("kwargs")`.

mod dtype;
mod error;
mod layout;
mod pickle;
mod safetensors;
mod settings;
mod tensor;
mod torch;
mod yaml;
mod zip;

#[cfg(test)]
mod tests;

pub use dtype::Dtype;
pub use error::{CheckpointError, Mismatch, Misshapen};
pub use settings::{Entry, Settings};
pub use tensor::Tensor;

use layout::Named;
use pickle::Pickle;
use std::io::{Read, Seek, SeekFrom};

/// What a file begins with says what it is; the old magic number is the longest.
const HEAD_BYTES: usize = 16;
const ZIP_HEAD: &[u8] = b"PK";
/// `torch.save` before version 1.6: a pickle of the integer 0x1950a86a20f9469cfc6c.
const OLD_HEAD: &[u8] = &[0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];
/// Any pickle of protocol 2 or later.
const PICKLE_HEAD: u8 = 0x80;
const GIT_LFS_HEAD: &[u8] = b"version https://";
/// Behind its length of eight bytes a safetensors header is JSON.
const SAFETENSORS_BRACE: usize = 8;

/// An open checkpoint: which tensors it has and where they lie.
pub struct Checkpoint<R> {
    file: R,
    tensors: Named<Tensor>,
    layout: String,
    pickle: Option<Pickle>,
}

/// A tensor that a model needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    /// Its name in the state dict, without prefixes of wrappers.
    pub name: String,
    /// Its sizes, outermost first.
    pub shape: Vec<usize>,
}

impl<R: Read + Seek> Checkpoint<R> {
    /// Reads names, shapes and places of a file's tensors, and no numbers.
    ///
    /// # Errors
    /// Where it is no checkpoint, is damaged, is larger than a limit, or wants what is not built here.
    pub fn open(mut file: R) -> Result<Self, CheckpointError> {
        let length = file.seek(SeekFrom::End(0)).map_err(CheckpointError::Read)?;
        let mut head = Vec::with_capacity(HEAD_BYTES);
        file.rewind().map_err(CheckpointError::Read)?;
        file.by_ref().take(HEAD_BYTES as u64).read_to_end(&mut head).map_err(CheckpointError::Read)?;
        let other = |what: &str| Err(CheckpointError::NotACheckpoint(what.to_owned()));
        if head.starts_with(ZIP_HEAD) {
            let contents = torch::read(&mut file, length)?;
            let (tensors, layout, pickle) = (contents.tensors, contents.layout, Some(contents.pickle));
            return Ok(Self { file, tensors, layout, pickle });
        }
        if head.get(SAFETENSORS_BRACE) == Some(&b'{') {
            let tensors = safetensors::read(&mut file, length)?;
            if tensors.is_empty() {
                return Err(CheckpointError::NoTensors("nothing".to_owned()));
            }
            let (tensors, prefixes) = layout::without_prefixes(tensors);
            return Ok(Self { file, tensors, layout: format!("safetensors{prefixes}"), pickle: None });
        }
        match head.as_slice() {
            [] => other("it is empty"),
            head if head.starts_with(OLD_HEAD) => {
                Err(CheckpointError::OldForm("the form that PyTorch wrote before version 1.6"))
            }
            [PICKLE_HEAD, ..] => other("it is a pickle without PyTorch's archive around it"),
            [b'<', ..] => other("it looks like a web page, which a server may have sent in its place"),
            head if head.starts_with(GIT_LFS_HEAD) => other("it is Git LFS's note of where the file lies"),
            _ => other("its first bytes are those of no known form"),
        }
    }

    /// All tensors in the order of their names, which have no prefixes of wrappers.
    pub fn tensors(&self) -> impl ExactSizeIterator<Item = (&str, &Tensor)> {
        self.tensors.iter().map(|(name, tensor)| (name.as_str(), tensor))
    }

    /// The tensor of that name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Tensor> {
        self.tensors.get(name)
    }

    /// Where in the file the tensors were and what was taken off their names, in words.
    #[must_use]
    pub fn layout(&self) -> &str {
        &self.layout
    }

    /// The numbers of one tensor as f32, in the order of its shape. Takes memory for these numbers, and for a view
    /// whose numbers lie apart, for what lies between.
    ///
    /// # Errors
    /// Where there is no such tensor, it holds no floats, a number is not finite, or reading fails.
    pub fn read_f32(&mut self, name: &str) -> Result<Vec<f32>, CheckpointError> {
        let Some(tensor) = self.tensors.get(name) else {
            return Err(CheckpointError::NoTensor(name.to_owned()));
        };
        tensor.read(name, &mut self.file)
    }

    /// Whether the tensors are those that a model needs, no more, no less, in their shapes.
    ///
    /// # Errors
    /// All that is missing, extra or of another shape, at once.
    pub fn check(&self, expected: &[Expected]) -> Result<(), CheckpointError> {
        let mut mismatch = Mismatch::default();
        let mut extra: Named<&Tensor> =
            self.tensors().map(|(name, tensor)| (name.to_owned(), tensor)).collect();
        for Expected { name, shape } in expected {
            match extra.remove(name) {
                None => mismatch.missing.push(name.clone()),
                Some(tensor) if tensor.shape() != shape => mismatch.misshapen.push(Misshapen {
                    name: name.clone(),
                    expected: shape.clone(),
                    found: tensor.shape().to_vec(),
                }),
                Some(_) => {}
            }
        }
        mismatch.extra = extra.into_keys().collect();
        if mismatch.is_none() { Ok(()) } else { Err(CheckpointError::Mismatch(Box::new(mismatch))) }
    }

    /// What a PyTorch file says under a key at its top beside the tensors, as settings; none where it says nothing.
    ///
    /// # Errors
    /// Where it is more than settings have reason to be.
    pub fn enclosed(&self, key: &str) -> Result<Option<Settings>, CheckpointError> {
        let value = self.pickle.as_ref().and_then(|pickle| pickle.root().get(key));
        value.map(|value| Settings::of_pickle(key, value)).transpose()
    }
}
