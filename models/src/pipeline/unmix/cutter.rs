//! Reads a clip once and cuts it into chunks of sound, in order, no faster than they come back; every chunk goes to the
//! device as what its network sees. Runs no network.

use super::{Job, Link};
use crate::ModelError;
use crate::pipeline::stems::outlet;
use crate::pipeline::{Chunk, Cutter};
use std::sync::Arc;
use tributary_audio::{AudioError, Frames};

/// Frames asked of the source at a time.
const READ_FRAMES: usize = 16_384;

pub(super) struct UnmixCutter {
    job: Arc<Job>,
    link: Arc<Link>,
    /// The network's stems that somebody needs.
    asked: Vec<usize>,
    /// The clip at the network's rate.
    source: Box<dyn Frames>,
    /// `[channels][..]`: the clip's frames from `held_from` on.
    held: Vec<Vec<f32>>,
    held_from: u64,
    read_frames: u64,
    next: u32,
}

impl UnmixCutter {
    /// `asked`: the network's stems that somebody needs.
    pub(super) fn new(
        job: Arc<Job>,
        asked: Vec<usize>,
        source: Box<dyn Frames>,
        link: Arc<Link>,
    ) -> Result<Self, ModelError> {
        let source = outlet::at_rate(source, job.front.recipe.rate_hz)?;
        if source.shape().frames != job.frames {
            let expected = format!("{} frames after rate conversion", job.frames);
            return Err(AudioError::Shape { expected, got: source.shape().frames.to_string() }.into());
        }
        let held = vec![Vec::new(); usize::from(job.clip.channels)];
        Ok(Self { job, link, asked, source, held, held_from: 0, read_frames: 0, next: 0 })
    }

    /// Reads until `to` frames of the clip were read, and sees that the clip ends where it should.
    fn read_to(&mut self, to: u64) -> Result<(), ModelError> {
        while self.read_frames < to {
            let wanted = usize::try_from(to - self.read_frames).unwrap_or(READ_FRAMES).min(READ_FRAMES);
            let got = self.source.read(&mut self.held, wanted)?;
            if got == 0 || got > wanted {
                return Err(self.broken(format!("a block of {got} after {}", self.read_frames)));
            }
            self.read_frames += got as u64;
        }
        let ended = self.read_frames == self.job.frames;
        if ended && self.source.read(&mut vec![Vec::new(); self.held.len()], 1)? != 0 {
            return Err(self.broken("more".to_owned()));
        }
        Ok(())
    }

    fn broken(&self, got: String) -> ModelError {
        AudioError::Shape { expected: format!("{} frames", self.job.frames), got }.into()
    }
}

impl Cutter for UnmixCutter {
    fn next_chunk(&mut self) -> Result<Option<Chunk>, ModelError> {
        if self.next >= self.job.chunks() {
            return Ok(None);
        }
        self.link.depart()?;
        let (k, p) = (u64::from(self.next / self.job.pairs()), self.next % self.job.pairs());
        let layout = self.job.layout;
        if p == 0 {
            let needs = layout.needs(k);
            self.read_to(needs.end)?;
            let gone = (needs.start.saturating_sub(self.held_from) as usize).min(self.held[0].len());
            self.held.iter_mut().for_each(|held| drop(held.drain(..gone)));
            self.held_from += gone as u64;
        }
        let channels = self.job.pair_channels(p);
        let mut sound: [Vec<f32>; 2] = Default::default();
        for (sound, held) in sound.iter_mut().zip(&self.held[channels.clone()]) {
            layout.fill(k, held, self.held_from, sound);
        }
        if channels.len() == 1 {
            sound[1] = sound[0].clone();
        }
        if self.job.is_turned(k) {
            sound.iter_mut().flatten().for_each(|x| *x = -*x);
        }
        let (data, kept) = self.job.front.net.forward(&sound);
        self.link.with(|all| all.push_back(kept));
        let data = self.job.front.parcel().pack(data, &self.asked);
        let chunk = Chunk { index: self.next, shape: vec![data.len()], data, part: 0 };
        self.next += 1;
        Ok(Some(chunk))
    }
}
