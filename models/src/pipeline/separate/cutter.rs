//! Reads a clip once and cuts it into chunks, in order, no faster than they come back. Knows no network.

use super::Link;
use super::analysis::PairAnalysis;
use super::{BANDS, Job, PLANES};
use crate::ModelError;
use crate::pipeline::stems::outlet;
use crate::pipeline::{Chunk, Cutter};
use std::sync::Arc;
use tributary_audio::{AudioError, Frames};

/// Frames asked of the source at a time.
const READ_FRAMES: usize = 16_384;

pub(super) struct SeparateCutter {
    job: Arc<Job>,
    link: Arc<Link>,
    /// The clip at the model's rate.
    source: Box<dyn Frames>,
    pairs: Vec<PairAnalysis>,
    /// The frames that this step's chunks needed, `[channels][..]`.
    block: Vec<Vec<f32>>,
    read_frames: u64,
    next: u32,
}

impl SeparateCutter {
    pub(super) fn new(job: Arc<Job>, source: Box<dyn Frames>, link: Arc<Link>) -> Result<Self, ModelError> {
        let source = outlet::at_rate(source, job.front.rate_hz)?;
        if source.shape().frames != job.model_frames {
            let expected = format!("{} frames after rate conversion", job.model_frames);
            return Err(AudioError::Shape { expected, got: source.shape().frames.to_string() }.into());
        }
        let pairs =
            (0..job.pairs()).map(|p| PairAnalysis::new(&job.front, job.pair_channels(p).len())).collect();
        let block = vec![Vec::new(); usize::from(job.clip.channels)];
        Ok(Self { link, source, pairs, block, read_frames: 0, next: 0, job })
    }

    /// Reads what the columns before `end_column` reach, as far as there is.
    fn read_to(&mut self, end_column: u32) -> Result<(), ModelError> {
        self.block.iter_mut().for_each(Vec::clear);
        let stft = self.job.front.stft.shape();
        // One frame more than the window: reflection at the start needs half a window beside the first frame.
        let reach = u64::from(end_column.max(1) - 1) * stft.hop_frames() as u64 + stft.n_fft() as u64 / 2 + 1;
        let to = reach.min(self.job.model_frames);
        if self.is_read() {
            return Ok(());
        }
        while self.read_frames < to {
            let wanted = usize::try_from(to - self.read_frames).unwrap_or(READ_FRAMES).min(READ_FRAMES);
            let got = self.source.read(&mut self.block, wanted)?;
            if got == 0 || got > wanted {
                return Err(self.broken(format!("a block of {got} after {}", self.read_frames)));
            }
            self.read_frames += got as u64;
        }
        if self.is_read() && self.source.read(&mut self.block, 1)? != 0 {
            return Err(self.broken("more".to_owned()));
        }
        Ok(())
    }

    /// Whether the clip has ended: also chunks before the last may reach beyond its end.
    fn is_read(&self) -> bool {
        self.read_frames == self.job.model_frames
    }

    fn broken(&self, got: String) -> ModelError {
        AudioError::Shape { expected: format!("{} frames", self.job.model_frames), got }.into()
    }
}

impl Cutter for SeparateCutter {
    fn next_chunk(&mut self) -> Result<Option<Chunk>, ModelError> {
        if self.next >= self.job.chunks() {
            return Ok(None);
        }
        self.link.depart()?;
        let (k, p) = (self.next / self.job.pairs(), self.next % self.job.pairs());
        let columns = self.job.layout.chunk(k);
        if p == 0 {
            self.read_to(columns.end)?;
        }
        let ended = self.is_read();
        let pair = &mut self.pairs[p as usize];
        pair.push(&self.block[self.job.pair_channels(p)], ended);
        let data = pair.chunk(&columns);
        let spectra = pair.segment(self.job.layout.segment(k).len());
        let (Some(data), Some(spectra)) = (data, spectra) else {
            return Err(self.broken(format!("too few for chunk {}", self.next)));
        };
        self.link.with(|all| all.push_back(spectra));
        let chunk = Chunk { index: self.next, shape: vec![PLANES, columns.len(), BANDS], data, part: 0 };
        self.next += 1;
        Ok(Some(chunk))
    }
}
