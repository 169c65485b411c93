//! How sound is cut for a network: windows of a fixed length that share their edges, pieces of a long line of columns,
//! or, where no network listens, only steps of progress. Reads nothing and knows no network.

use super::line::{LineWindows, Span};
use super::{CHUNK_SECONDS, LEAD_FRAMES, Network, RATE_HZ, STEP_FRAMES, WINDOW_FRAMES};
use tributary_audio::AudioError;

/// Sound on its way to a network. What is pushed is one channel at [`RATE_HZ`].
pub(super) trait Windows: Send {
    /// How many more frames the next chunk needs, at least; 0 where it is ready.
    fn lacking(&self) -> u64;

    /// Takes the next block.
    fn push(&mut self, block: &[f32]) -> Result<(), AudioError>;

    /// After the last block.
    fn end(&mut self) -> Result<(), AudioError>;

    /// The next chunk: its shape without the batch, and its numbers. Ready where nothing is lacking or all has come.
    fn take(&mut self) -> (Vec<usize>, Vec<f32>);
}

/// What cuts `frames` of sound for `network`.
pub(super) fn windows(network: Option<Network>, frames: u64) -> Result<Box<dyn Windows>, AudioError> {
    Ok(match network {
        Some(Network::Posteriors) => Box::new(Shared { held: vec![0.0; LEAD_FRAMES] }),
        Some(Network::Line) => Box::new(LineWindows::new(Span::of(frames))?),
        None => Box::new(Steps { lacking: STEP }),
    })
}

/// Windows of [`WINDOW_FRAMES`], one each [`STEP_FRAMES`].
struct Shared {
    held: Vec<f32>,
}

impl Windows for Shared {
    fn lacking(&self) -> u64 {
        (WINDOW_FRAMES - self.held.len().min(WINDOW_FRAMES)) as u64
    }

    fn push(&mut self, block: &[f32]) -> Result<(), AudioError> {
        self.held.extend_from_slice(block);
        Ok(())
    }

    fn end(&mut self) -> Result<(), AudioError> {
        Ok(())
    }

    fn take(&mut self) -> (Vec<usize>, Vec<f32>) {
        let mut data = self.held[..self.held.len().min(WINDOW_FRAMES)].to_vec();
        data.resize(WINDOW_FRAMES, 0.0);
        self.held.drain(..self.held.len().min(STEP_FRAMES));
        (vec![WINDOW_FRAMES, 1], data)
    }
}

/// What a step of progress takes.
const STEP: u64 = CHUNK_SECONDS * RATE_HZ as u64;

/// No network: chunks are empty.
struct Steps {
    lacking: u64,
}

impl Windows for Steps {
    fn lacking(&self) -> u64 {
        self.lacking
    }

    fn push(&mut self, block: &[f32]) -> Result<(), AudioError> {
        self.lacking = self.lacking.saturating_sub(block.len() as u64);
        Ok(())
    }

    fn end(&mut self) -> Result<(), AudioError> {
        Ok(())
    }

    fn take(&mut self) -> (Vec<usize>, Vec<f32>) {
        self.lacking = STEP;
        (vec![0], Vec::new())
    }
}
