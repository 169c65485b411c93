//! What the stages of one job share: chunks that wait to leave, the way back of their answers, and sound on its way from
//! the first pipeline to those who listen to its stems. Knows no model. Never waits itself: that is the link's.
//!
//! Memory does not grow with the clip: a stage cuts its next chunk when the one before has left, and the first cuts only
//! while all who listen to its stems have heard what there is and want more. So what waits to be heard is at most what
//! the first's chunks in flight make, and two more: one may wait for room, one be on its way out. Nobody waits for ever:
//! a listener that does not want more is cutting, or waits for its turn or for answers, and none of that needs the first.

use crate::ModelError;
use crate::pipeline::link::Link;
use crate::pipeline::{Chunk, Clip, Cutter};
use std::any::Any;
use std::collections::VecDeque;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use tributary_audio::{AudioError, ClipShape, Frames};

/// The first pipeline's stage.
pub(super) const FIRST: usize = 0;

/// See the top of this file.
pub(super) struct Hall {
    stages: Vec<Stage>,
    /// Of all chunks on their way, in order.
    routes: VecDeque<Route>,
    /// Whose chunk left last.
    last: usize,
    left: u32,
    failure: Option<Failure>,
}

/// One pipeline at work.
#[derive(Default)]
struct Stage {
    part: u8,
    /// Cut, and not yet left.
    chunk: Option<Chunk>,
    has_ended: bool,
    /// What it listens to, where that is a stem.
    stem: Option<Stem>,
}

/// Sound that somebody listens to.
struct Stem {
    /// Not heard yet, `[channels][..]`.
    frames: Vec<VecDeque<f32>>,
    has_ended: bool,
    /// The listener has heard all and waits for more.
    is_wanted: bool,
    /// The listener is still there.
    is_heard: bool,
}

/// Where a chunk came from: the stage, and its number among that stage's chunks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Route {
    pub(super) stage: usize,
    pub(super) index: u32,
}

/// Why a stage cut no further.
pub(super) enum Failure {
    Error(ModelError),
    Panic(Box<dyn Any + Send>),
}

impl Hall {
    pub(super) fn new() -> Self {
        Self { stages: vec![Stage::default()], routes: VecDeque::new(), last: FIRST, left: 0, failure: None }
    }

    /// Another stage, whose chunks are for `part`; its number. `channels`: of the stem it listens to, if it does.
    pub(super) fn add(&mut self, part: u8, channels: Option<u16>) -> usize {
        let stem = channels.map(|channels| Stem {
            frames: (0..channels).map(|_| VecDeque::new()).collect(),
            has_ended: false,
            is_wanted: false,
            is_heard: true,
        });
        self.stages.push(Stage { part, stem, ..Stage::default() });
        self.stages.len() - 1
    }

    /// The next chunk to leave, counted and addressed; no chunk after the last. None while all are still being cut.
    pub(super) fn leave(&mut self) -> Option<Result<Option<Chunk>, Failure>> {
        if let Some(failure) = self.failure.take() {
            return Some(Err(failure));
        }
        // All stages take turns, so that none has the device for itself.
        let count = self.stages.len();
        let next = (1..=count).map(|step| (self.last + step) % count);
        let Some(stage) = next.into_iter().find(|stage| self.stages[*stage].chunk.is_some()) else {
            return self.stages.iter().all(|stage| stage.has_ended).then_some(Ok(None));
        };
        let Stage { part, chunk, .. } = &mut self.stages[stage];
        let chunk = chunk.take().map(|chunk| {
            self.routes.push_back(Route { stage, index: chunk.index });
            Chunk { index: self.left, part: *part, ..chunk }
        });
        self.last = stage;
        self.left += 1;
        Some(Ok(chunk))
    }

    /// Whose chunk the next answer is to.
    pub(super) fn arrive(&mut self) -> Option<Route> {
        self.routes.pop_front()
    }

    /// Whether a stage may cut its next chunk.
    fn may_cut(&self, stage: usize) -> bool {
        let mut heard = self.stems().filter(|stem| stem.is_heard);
        self.stages[stage].chunk.is_none() && (stage != FIRST || heard.all(|stem| stem.is_wanted))
    }

    fn stems(&self) -> impl Iterator<Item = &Stem> {
        self.stages.iter().filter_map(|stage| stage.stem.as_ref())
    }

    /// More of the stem that a stage listens to.
    pub(super) fn sound(&mut self, stage: usize, block: &[&[f32]]) {
        let Some(stem) = self.stages[stage].stem.as_mut().filter(|stem| stem.is_heard) else { return };
        for (frames, more) in stem.frames.iter_mut().zip(block) {
            frames.extend(*more);
        }
        stem.is_wanted = stem.queued() == 0 && stem.is_wanted;
    }

    /// After the last frame of all stems.
    pub(super) fn end_stems(&mut self) {
        for stem in self.stages.iter_mut().filter_map(|stage| stage.stem.as_mut()) {
            stem.has_ended = true;
            stem.is_wanted = false;
        }
    }

    /// The most frames that wait for one listener.
    #[cfg(test)]
    pub(super) fn queued_most(&self) -> usize {
        self.stems().map(Stem::queued).max().unwrap_or(0)
    }
}

impl Stem {
    fn queued(&self) -> usize {
        self.frames.first().map_or(0, VecDeque::len)
    }
}

/// Thread: the stage's own. Cuts all chunks of a stage, one ahead of what has left.
pub(super) fn cut_all(hall: &Link<Hall>, stage: usize, mut cutter: Box<dyn Cutter>) {
    let cut = catch_unwind(AssertUnwindSafe(move || -> Result<(), ModelError> {
        loop {
            hall.wait_for(|hall| hall.may_cut(stage).then_some(()))?;
            let Some(chunk) = cutter.next_chunk()? else { return Ok(()) };
            hall.with(|hall| hall.stages[stage].chunk = Some(chunk));
        }
    }));
    let failure = match cut {
        Ok(Ok(())) => None,
        Ok(Err(error)) => Some(Failure::Error(error)),
        Err(panic) => Some(Failure::Panic(panic)),
    };
    hall.with(|hall| {
        hall.stages[stage].has_ended = true;
        // The first failure is the cause.
        hall.failure = hall.failure.take().or(failure);
    });
}

/// A stem as a clip: it can be opened once, since nobody keeps what was heard.
pub(super) struct StemClip(Mutex<Option<Heard>>);

/// A stem as it is heard.
struct Heard {
    hall: Arc<Link<Hall>>,
    stage: usize,
    shape: ClipShape,
}

impl StemClip {
    /// The stem that `stage` listens to.
    pub(super) fn new(hall: &Arc<Link<Hall>>, stage: usize, shape: ClipShape) -> Self {
        Self(Mutex::new(Some(Heard { hall: Arc::clone(hall), stage, shape })))
    }
}

impl Clip for StemClip {
    fn open(&self) -> Result<Box<dyn Frames>, AudioError> {
        let heard = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        let heard = heard.ok_or_else(|| unheard("it is heard once only"))?;
        Ok(Box::new(heard))
    }
}

impl Frames for Heard {
    fn shape(&self) -> ClipShape {
        self.shape
    }

    /// Thread: the stage's own. Waits until there is more of the stem.
    fn read(&mut self, block: &mut [Vec<f32>], frames_max: usize) -> Result<usize, AudioError> {
        let mut take = |hall: &mut Hall| -> Option<usize> {
            let stem = hall.stages[self.stage].stem.as_mut()?;
            let frames = stem.queued().min(frames_max);
            stem.is_wanted = frames == 0 && !stem.has_ended;
            for (block, queued) in block.iter_mut().zip(&mut stem.frames) {
                block.extend(queued.drain(..frames));
            }
            (!stem.is_wanted).then_some(frames)
        };
        // Looked at twice where there is nothing: that it is wanted must be known before the wait for it.
        match self.hall.with(&mut take) {
            Some(frames) => Ok(frames),
            None => self.hall.wait_for(take).map_err(|_| unheard("the job has ended")),
        }
    }
}

impl Drop for Heard {
    fn drop(&mut self) {
        self.hall.with(|hall| {
            if let Some(stem) = &mut hall.stages[self.stage].stem {
                stem.is_heard = false;
                stem.frames.iter_mut().for_each(VecDeque::clear);
            }
        });
    }
}

fn unheard(why: &str) -> AudioError {
    AudioError::Io { action: "listen to a stem", cause: io::Error::other(why) }
}
