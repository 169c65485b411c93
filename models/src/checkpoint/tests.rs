//! Checkpoints that PyTorch wrote, checkpoints that nobody should have written, and noise.

mod hostile;
mod noise;
mod published;
mod settings;
mod writer;

use super::{Checkpoint, CheckpointError};
use std::io::Cursor;

fn open(bytes: &[u8]) -> Result<Checkpoint<Cursor<&[u8]>>, CheckpointError> {
    Checkpoint::open(Cursor::new(bytes))
}

/// Why a file is not opened.
fn refusal(bytes: &[u8]) -> String {
    open(bytes).err().expect("it should have been refused").to_string()
}
