//! Reads a clip once, as one channel at the network's rate; listens to it and cuts it into windows. Knows no network.

use super::Link;
use super::windows::{Windows, windows};
use super::{Job, RATE_HZ};
use crate::ModelError;
use crate::music::ear::Ear;
use crate::pipeline::mixed::Mixed;
use crate::pipeline::{Chunk, Cutter};
use std::sync::Arc;
use tributary_audio::{AudioError, Frames, Resampler};

/// Frames asked of the source at a time.
const READ_FRAMES: usize = 8_192;

pub(super) struct TranscribeCutter {
    job: Arc<Job>,
    link: Arc<Link>,
    /// The clip as one channel at [`RATE_HZ`].
    source: Box<dyn Frames>,
    /// None when all was heard, and where nobody asks what was.
    ear: Option<Ear>,
    /// What the network will hear.
    windows: Box<dyn Windows>,
    block: [Vec<f32>; 1],
    read_frames: u64,
    /// Whether the clip's end was seen.
    is_read: bool,
    next: u32,
}

impl TranscribeCutter {
    pub(super) fn new(job: Arc<Job>, source: Box<dyn Frames>, link: Arc<Link>) -> Result<Self, ModelError> {
        let mut source: Box<dyn Frames> = Box::new(Mixed::new(source));
        if job.clip.rate_hz != RATE_HZ {
            source = Box::new(Resampler::with_length(source, RATE_HZ, job.frames)?);
        }
        let windows = windows(job.network, job.frames)?;
        let block = [Vec::new()];
        let ear = job.ear.then(Ear::new);
        Ok(Self { job, link, source, ear, windows, block, read_frames: 0, is_read: false, next: 0 })
    }

    /// Reads up to `frames` more; fewer at the clip's end.
    fn read(&mut self, frames: u64) -> Result<(), ModelError> {
        let to = self.job.frames.min(self.read_frames + frames);
        while self.read_frames < to {
            let wanted = usize::try_from(to - self.read_frames).unwrap_or(READ_FRAMES).min(READ_FRAMES);
            self.block[0].clear();
            let got = self.source.read(&mut self.block, wanted)?;
            if got == 0 || got > wanted {
                return Err(self.broken(format!("a block of {got} after {}", self.read_frames)));
            }
            self.read_frames += got as u64;
            if let Some(ear) = &mut self.ear {
                ear.push(&self.block[0]);
            }
            self.windows.push(&self.block[0])?;
        }
        if self.read_frames == self.job.frames && !self.is_read {
            self.is_read = true;
            self.block[0].clear();
            if self.source.read(&mut self.block, 1)? != 0 {
                return Err(self.broken("more".to_owned()));
            }
            self.windows.end()?;
            if let Some(ear) = self.ear.take() {
                let listened = ear.finish();
                self.link.with(|heard| *heard = Some(listened));
            }
        }
        Ok(())
    }

    fn broken(&self, got: String) -> ModelError {
        AudioError::Shape { expected: format!("{} frames", self.job.frames), got }.into()
    }
}

impl Cutter for TranscribeCutter {
    fn next_chunk(&mut self) -> Result<Option<Chunk>, ModelError> {
        if self.next >= self.job.chunks {
            return Ok(None);
        }
        self.link.depart()?;
        let last = self.next + 1 == self.job.chunks;
        // The last chunk may not reach the clip's end: what the ear hears does.
        while !self.is_read {
            match self.windows.lacking() {
                _ if last => self.read(u64::MAX - self.read_frames)?,
                0 => break,
                lacking => self.read(lacking)?,
            }
        }
        let (shape, data) = self.windows.take();
        let chunk = Chunk { index: self.next, shape, data, part: 0 };
        self.next += 1;
        Ok(Some(chunk))
    }
}
