//! Reads a clip once, as one channel at the network's rate, and cuts it into windows at the quietest place near each step.
//! Knows no network.

use super::parcel::Window;
use super::quiet::quietest;
use super::{Job, Link, SLACK_FRAMES, STEP_FRAMES};
use crate::ModelError;
use crate::pipeline::mixed::Mixed;
use crate::pipeline::stems::outlet::at_rate;
use crate::pipeline::{Chunk, Cutter};
use crate::session::whisper::{RATE_HZ, WINDOW_FRAMES};
use std::sync::Arc;
use tributary_audio::Frames;

/// Frames asked of the source at a time.
const READ_FRAMES: usize = 8_192;

pub(super) struct SpeechCutter {
    job: Arc<Job>,
    link: Arc<Link>,
    /// The clip as one channel at [`RATE_HZ`].
    source: Box<dyn Frames>,
    block: [Vec<f32>; 1],
    /// What was read and not yet cut off.
    frames: Vec<f32>,
    /// Where those begin in the clip.
    start: u64,
    read_frames: u64,
    next: u32,
}

impl SpeechCutter {
    pub(super) fn new(job: Arc<Job>, source: Box<dyn Frames>, link: Arc<Link>) -> Result<Self, ModelError> {
        let source = at_rate(Box::new(Mixed::new(source)), RATE_HZ)?;
        let frames = Vec::with_capacity(WINDOW_FRAMES);
        Ok(Self { job, link, source, block: [Vec::new()], frames, start: 0, read_frames: 0, next: 0 })
    }

    /// Reads until a window is full or the clip ends.
    fn read(&mut self) -> Result<(), ModelError> {
        while self.frames.len() < WINDOW_FRAMES && self.read_frames < self.job.frames {
            let room = WINDOW_FRAMES - self.frames.len();
            let left = usize::try_from(self.job.frames - self.read_frames).unwrap_or(room);
            let wanted = READ_FRAMES.min(room).min(left);
            self.block[0].clear();
            let got = self.source.read(&mut self.block, wanted)?;
            if got == 0 || got > wanted {
                return Err(self.job.broken(format!("a block of {got} after {}", self.read_frames)));
            }
            self.read_frames += got as u64;
            self.frames.append(&mut self.block[0]);
        }
        if self.read_frames == self.job.frames && self.source.read(&mut self.block, 1)? != 0 {
            return Err(self.job.broken("more".to_owned()));
        }
        Ok(())
    }

    /// How many frames the next window has.
    fn cut(&self) -> usize {
        let after = u64::from(self.next) + 1;
        if after >= u64::from(self.job.chunks) {
            return self.frames.len();
        }
        // Cuts lie within the slack of their step, so this one is ahead and the window holds all of its range.
        let inside = |frame: u64| usize::try_from(frame - self.start).unwrap_or(WINDOW_FRAMES);
        let step = after * STEP_FRAMES;
        quietest(&self.frames, inside(step - SLACK_FRAMES)..inside(step + SLACK_FRAMES))
    }
}

impl Cutter for SpeechCutter {
    fn next_chunk(&mut self) -> Result<Option<Chunk>, ModelError> {
        if self.next >= self.job.chunks {
            return Ok(None);
        }
        let (next, asked) = (self.next, self.job.wish.language);
        self.link.depart_when(|told| asked.is_some() || told.language.is_some() || told.answered >= next)?;
        self.read()?;
        let cut = self.cut();
        let start = self.start;
        let language = self.link.with(|told| {
            told.starts.push_back(start);
            asked.or(told.language)
        });
        let wish = &self.job.wish;
        let window = Window {
            language,
            translate: wish.translate,
            voice_only: wish.voice_only,
            frames: &self.frames[..cut],
        };
        let chunk = Chunk { part: 0, index: next, shape: vec![Window::NUMBERS], data: window.pack() };
        self.frames.drain(..cut);
        self.start += cut as u64;
        self.next += 1;
        Ok(Some(chunk))
    }
}
