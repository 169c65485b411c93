//! Reads the clip at the network's rate and cuts every channel into pieces with what lies before and after them.
//! Knows no network, but runs it where it is a [`Local`] one.

use super::Link;
use super::denoiser::{Local, Piece};
use super::{Job, voice};
use crate::ModelError;
use crate::pipeline::stems::outlet::at_rate;
use crate::pipeline::{Chunk, Clip, Cutter};
use std::ops::Range;
use std::sync::Arc;
use tributary_audio::Frames;
use tributary_audio::frames::fill;

/// Frames asked of the source at a time.
const READ_FRAMES: usize = 16_384;

pub(super) struct EnhanceCutter {
    job: Arc<Job>,
    clip: Arc<dyn Clip>,
    link: Arc<Link>,
    pass: Pass,
    next: u32,
}

/// One reading of the clip.
struct Pass {
    /// The clip at the network's rate.
    source: Box<dyn Frames>,
    /// What was read since the last chunk, `[channels][..]`.
    block: Vec<Vec<f32>>,
    read_frames: u64,
    channels: Vec<Channel>,
    /// The clip once more, where the voice is listened for.
    ear: Option<Ear>,
}

/// The clip as the voice's network hears it: all channels as one.
struct Ear {
    source: Box<dyn Frames>,
    block: Vec<Vec<f32>>,
}

struct Channel {
    /// From one hop before `from_hop` on.
    frames: Vec<f32>,
    from_hop: u64,
    local: Option<Box<dyn Local>>,
}

impl EnhanceCutter {
    pub(super) fn new(job: Arc<Job>, clip: Arc<dyn Clip>, link: Arc<Link>) -> Result<Self, ModelError> {
        let pass = Pass::new(&job, &*clip)?;
        Ok(Self { job, clip, link, pass, next: 0 })
    }
}

impl Cutter for EnhanceCutter {
    fn next_chunk(&mut self) -> Result<Option<Chunk>, ModelError> {
        if self.next >= self.job.chunks() {
            return Ok(None);
        }
        let place = self.job.place(self.next);
        let listens = self.job.listens(place);
        let goes_on = place.segment > 0 && (listens || !self.job.front.is_local);
        self.link.depart_when(|memories| !goes_on || memories[place.channel].is_some())?;
        let memory = match goes_on {
            true => self.link.with(|memories| memories[place.channel].take()).unwrap_or_default(),
            false => Vec::new(),
        };
        let (heard, state) = memory.split_at(if listens { memory.len().min(voice::MEMORY) } else { 0 });
        if place.channel == 0 {
            if place.segment == 0 && self.next > 0 {
                self.pass = Pass::new(&self.job, &*self.clip)?;
            }
            self.pass.read_to(&self.job, self.job.segment_end(place.segment))?;
        }
        let channel = &mut self.pass.channels[place.channel];
        let sight = self.job.sight();
        let start = self.job.segment_start(place.segment);
        let before_hops = start.min(u64::from(sight.before_hops));
        channel.forget_before(start - before_hops, sight.hop_frames);
        let segment_hops = self.job.segment_end(place.segment) - start;
        let hops = 1 + before_hops + segment_hops + u64::from(sight.ahead_hops);
        let frames = usize::try_from(hops).unwrap_or(usize::MAX).saturating_mul(sight.hop_frames);
        let frames = channel.frames.get(..frames).ok_or_else(|| self.job.broken("fewer".to_owned()))?;
        let piece = Piece {
            post_filter: self.job.wish.post_filter,
            before_hops: before_hops as usize,
            segment_hops: segment_hops as usize,
            state,
            frames,
        };
        let shown = match &mut channel.local {
            Some(local) => local.denoise(&piece),
            None => piece.pack(),
        };
        let windows = match &mut self.pass.ear {
            Some(ear) if listens => ear.windows(self.job.voice_windows(place.segment))?,
            _ => Vec::new(),
        };
        let data = [voice::pack(heard, &windows), shown].concat();
        let chunk = Chunk { index: self.next, shape: vec![data.len()], data, part: 0 };
        self.next += 1;
        Ok(Some(chunk))
    }
}

impl Pass {
    fn new(job: &Job, clip: &dyn Clip) -> Result<Self, ModelError> {
        let source = job.open(clip)?;
        let source = at_rate(source, job.sight().rate_hz)?;
        if source.shape().frames != job.model_frames {
            return Err(job.broken(source.shape().frames.to_string()));
        }
        let channel = || Channel {
            frames: vec![0.0; job.sight().hop_frames],
            from_hop: 0,
            local: job.front.denoiser.local(),
        };
        let channels = usize::from(job.clip.channels);
        let ear = || -> Result<Ear, ModelError> {
            let source = at_rate(job.open(clip)?, voice::RATE_HZ)?;
            Ok(Ear { source, block: vec![Vec::new(); channels] })
        };
        Ok(Self {
            ear: if job.wish.gate { Some(ear()?) } else { None },
            source,
            block: vec![Vec::new(); channels],
            read_frames: 0,
            channels: (0..channels).map(|_| channel()).collect(),
        })
    }

    /// Reads what a segment that ends before `end_hop` reaches; silence after the clip's end.
    fn read_to(&mut self, job: &Job, end_hop: u64) -> Result<(), ModelError> {
        let sight = job.sight();
        let reach = (end_hop + u64::from(sight.ahead_hops)) * sight.hop_frames as u64;
        let to = reach.min(job.model_frames);
        while self.read_frames < to {
            let wanted = usize::try_from(to - self.read_frames).unwrap_or(READ_FRAMES).min(READ_FRAMES);
            let got = self.source.read(&mut self.block, wanted)?;
            if got == 0 || got > wanted {
                return Err(job.broken(format!("a block of {got} after {}", self.read_frames)));
            }
            self.read_frames += got as u64;
            for (channel, block) in self.channels.iter_mut().zip(&mut self.block) {
                channel.frames.append(block);
            }
        }
        if self.read_frames == job.model_frames {
            if self.source.read(&mut self.block, 1)? != 0 {
                return Err(job.broken("more".to_owned()));
            }
            for channel in &mut self.channels {
                let held = (reach + sight.hop_frames as u64) - channel.from_hop * sight.hop_frames as u64;
                channel.frames.resize(usize::try_from(held).unwrap_or(usize::MAX), 0.0);
            }
        }
        Ok(())
    }
}

impl Ear {
    /// The frames of the next windows; silence after the clip's end.
    fn windows(&mut self, windows: Range<u64>) -> Result<Vec<f32>, ModelError> {
        let frames = (windows.end - windows.start) as usize * voice::WINDOW_FRAMES;
        let read = fill(&mut *self.source, &mut self.block, frames)?;
        let share = 1.0 / self.block.len().max(1) as f32;
        let mut heard = vec![0.0; frames];
        for channel in &self.block {
            heard.iter_mut().zip(&channel[..read]).for_each(|(heard, x)| *heard += share * x);
        }
        Ok(heard)
    }
}

impl Channel {
    /// Of what lies before `hop`, only the last hop stays, as history.
    fn forget_before(&mut self, hop: u64, hop_frames: usize) {
        let gone = (hop - self.from_hop) as usize;
        self.frames.drain(..gone * hop_frames);
        self.from_hop = hop;
    }
}
