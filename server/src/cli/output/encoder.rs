//! FLAC on a thread of its own: its encoder is slower than separating, and the stems of one song are independent.

use std::fs::File;
use std::io::BufWriter;
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;
use tributary_audio::flac::FlacWriter;
use tributary_audio::{AudioError, ClipShape, FrameSink, frames};

/// Blocks that may wait for the encoder: enough to keep it busy, few enough to bound memory.
const BLOCKS_WAITING_MAX: usize = 8;

/// A FLAC file being written elsewhere. Errors of the encoder come out at the next call.
pub(super) struct Encoder {
    blocks: Option<SyncSender<Vec<Vec<f32>>>>,
    thread: Option<JoinHandle<Result<u64, AudioError>>>,
    clipped: u64,
}

impl Encoder {
    pub(super) fn create(path: &Path, shape: ClipShape) -> Result<Self, AudioError> {
        let writer = FlacWriter::create(path, shape)?;
        let (blocks, waiting) = sync_channel(BLOCKS_WAITING_MAX);
        let thread = std::thread::spawn(move || encode(writer, &waiting));
        Ok(Self { blocks: Some(blocks), thread: Some(thread), clipped: 0 })
    }

    /// Samples that were beyond full scale; known after `finish`.
    pub(super) fn clipped_samples(&self) -> u64 {
        self.clipped
    }

    fn end(&mut self) -> Result<(), AudioError> {
        self.blocks = None;
        if let Some(thread) = self.thread.take() {
            self.clipped = thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        }
        Ok(())
    }
}

fn encode(
    mut writer: FlacWriter<BufWriter<File>>,
    blocks: &Receiver<Vec<Vec<f32>>>,
) -> Result<u64, AudioError> {
    for block in blocks {
        writer.write(&frames::slices(&block))?;
    }
    writer.finish()?;
    Ok(writer.clipped_samples())
}

impl FrameSink for Encoder {
    fn write(&mut self, block: &[&[f32]]) -> Result<(), AudioError> {
        let block = block.iter().map(|channel| channel.to_vec()).collect();
        let taken = self.blocks.as_ref().is_some_and(|blocks| blocks.send(block).is_ok());
        if taken {
            return Ok(());
        }
        self.end()?;
        Err(AudioError::Shape {
            expected: "no more frames".to_owned(),
            got: "a block after the end".to_owned(),
        })
    }

    fn finish(&mut self) -> Result<(), AudioError> {
        self.end()
    }
}

impl Drop for Encoder {
    fn drop(&mut self) {
        // The half-written file is about to be removed; its thread must not outlive it.
        let _ = self.end();
    }
}
