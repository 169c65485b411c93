//! Decides for each block what of the reel is heard, and where. Has the mixer do it.
//!
//! While the host plays, the reel is locked to it: the frame at host position `p` is the reel's frame `p - start`, in
//! whichever blocks, loops and jumps it comes. Inside the reel the main output carries the stems' mix or the original
//! in the place of the input, as the monitor says; outside it the input passes untouched, cut at the very frame. Two
//! limits: another reel takes over, and a jump is made, without a fade, as a cut in the song would be.
//!
//! The outputs beside the main one carry the stems, once they are asked for, whatever the monitor says: who gives them
//! tracks of their own in the DAW listens there, and wants the input or nothing on the main one. Until then they are
//! silent, because some hosts sum all outputs of a plugin into the track.
//!
//! While the host stands still there is free play, added to the input. It waits for the disk where it must, and goes
//! on from where the host stopped. A reel without stems is a take that was not separated yet: locked, the input is
//! heard, which is the same; in free play, the original.

use super::desk::TRACKS_MAX;
use super::gauges::STEMS_MAX;
use super::mixer::Mixer;
use super::pace::{Look, Pace, Trust};
use super::reel::PIECE_FRAMES;
use super::{AuxOutputs, Gauges, Reel, Transport};
use crate::view::Monitor;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

/// Shorter loops of free play are a tone, not music, and are not repeated.
const LOOP_FRAMES_MIN: u64 = PIECE_FRAMES as u64;

/// Playing without the host.
#[derive(Debug, Default)]
struct FreePlay {
    is_on: bool,
    /// The next frame of the reel.
    at: u64,
    looped: Option<(u64, u64)>,
}

/// The player.
#[derive(Debug)]
pub(super) struct Player {
    reel: Option<Arc<Reel>>,
    retired: rtrb::Producer<Arc<Reel>>,
    monitor: Monitor,
    has_outputs: bool,
    mixer: Mixer,
    free: FreePlay,
    trust: Trust,
    /// Nothing of this reel was heard yet.
    is_fresh: bool,
}

/// The block to be played into, and all that is known of it.
pub(super) struct Output<'a, 'b, A> {
    pub(super) main: &'a mut [&'b mut [f32]],
    pub(super) aux: &'a mut A,
    pub(super) transport: &'a Transport,
    /// Host position of the first frame, while the host plays.
    pub(super) here: Option<i64>,
    pub(super) frames: usize,
    pub(super) rate_hz: u32,
    pub(super) gauges: &'a Gauges,
}

impl Player {
    pub(super) fn new(retired: rtrb::Producer<Arc<Reel>>) -> Self {
        Self {
            reel: None,
            retired,
            monitor: Monitor::Input,
            has_outputs: false,
            mixer: Mixer::new(),
            free: FreePlay::default(),
            trust: Trust::default(),
            is_fresh: false,
        }
    }

    pub(super) fn set_rate(&mut self, rate_hz: u32) {
        self.mixer.set_rate(rate_hz);
    }

    /// Whether a reel can be changed now: the one before must have a way back, or it would be freed here.
    pub(super) fn can_load(&self) -> bool {
        !self.retired.is_full()
    }

    /// Only when [`Self::can_load`].
    pub(super) fn load(&mut self, reel: Option<Arc<Reel>>) {
        self.is_fresh |= reel.is_some();
        if let Some(old) = std::mem::replace(&mut self.reel, reel) {
            let _ = self.retired.push(old);
        }
    }

    pub(super) fn set_monitor(&mut self, monitor: Monitor) {
        self.monitor = monitor;
    }

    pub(super) fn set_outputs(&mut self, are_on: bool) {
        self.has_outputs = are_on;
    }

    pub(super) fn set_levels(&mut self, gains: &[f32; TRACKS_MAX]) {
        self.mixer.set_levels(gains);
    }

    pub(super) fn play_free(&mut self, is_on: bool) {
        self.free.is_on = is_on;
        if let Some(reel) = &self.reel
            && is_on
            && self.free.at >= reel.shape().frames
        {
            self.free.at = 0;
        }
    }

    pub(super) fn locate(&mut self, frame: u64) {
        self.free.at = frame;
    }

    pub(super) fn set_loop(&mut self, range: Option<(u64, u64)>) {
        self.free.looped = range;
    }

    /// The sound begins anew: no gain is on its way.
    pub(super) fn reset(&mut self) {
        self.mixer.settle();
    }

    /// One block.
    pub(super) fn block<A: AuxOutputs>(&mut self, output: Output<'_, '_, A>, pace: &mut Pace) {
        silence(output.aux);
        let gauges = output.gauges;
        let is_playing = output.transport.is_playing;
        if is_playing {
            self.free.is_on = false;
            self.mixer.cut_free();
        }
        let reel = self.reel.as_deref().filter(|reel| reel.shape().rate_hz == output.rate_hz);
        let Some(reel) = reel else {
            self.mixer.settle();
            gauges.playhead.store(-1, Relaxed);
            gauges.is_free_playing.store(false, Relaxed);
            return;
        };
        self.mixer.set_monitor(heard(self.monitor, reel, is_playing));
        if std::mem::take(&mut self.is_fresh) {
            self.mixer.settle();
        }
        let mut pass = Pass {
            reel,
            monitor: heard(self.monitor, reel, is_playing),
            ports: if self.has_outputs { reel.stems().min(STEMS_MAX) } else { 0 },
            mixer: &mut self.mixer,
            trust: &mut self.trust,
            output,
            pace,
            is_late: false,
        };
        if is_playing {
            pass.locked(&mut self.free);
        } else {
            pass.free(&mut self.free);
        }
        if pass.is_late {
            gauges.late_blocks.fetch_add(1, Relaxed);
        }
        gauges.is_free_playing.store(self.free.is_on, Relaxed);
    }
}

/// What the monitor means for this reel, see the top of the file.
fn heard(monitor: Monitor, reel: &Reel, is_locked: bool) -> Monitor {
    match monitor {
        Monitor::Stems if reel.stems() == 0 && is_locked => Monitor::Input,
        Monitor::Stems if reel.stems() == 0 => Monitor::Original,
        monitor => monitor,
    }
}

/// How a piece comes to the main output.
#[derive(Clone, Copy, Debug)]
enum Way {
    Locked,
    Free,
}

/// One block of one reel.
struct Pass<'a, 'b, 'c, A> {
    reel: &'a Reel,
    monitor: Monitor,
    /// Outputs beside the main one that carry a stem.
    ports: usize,
    mixer: &'a mut Mixer,
    trust: &'a mut Trust,
    output: Output<'b, 'c, A>,
    pace: &'a mut Pace,
    is_late: bool,
}

impl<A: AuxOutputs> Pass<'_, '_, '_, A> {
    fn locked(&mut self, free: &mut FreePlay) {
        let shape = self.reel.shape();
        let gauges = self.output.gauges;
        let first = self.output.here.zip(shape.start).and_then(|(here, start)| here.checked_sub(start));
        let from = first.unwrap_or(0).clamp(0, shape.frames as i64) as u64;
        let end = first.map_or(0, |first| first.saturating_add(self.output.frames as i64));
        let end = end.clamp(0, shape.frames as i64) as u64;
        self.reel.set_cursor(from);
        self.reel.set_loop_start(self.loop_start());
        if from >= end {
            self.mixer.settle();
            gauges.playhead.store(-1, Relaxed);
            return;
        }
        gauges.playhead.store(from as i64, Relaxed);
        // Not negative: `from` is at least `first`.
        let lead = (from as i64 - first.unwrap_or(0)) as usize;
        let mut at = from;
        while at < end {
            let frames = (end - at).min(PIECE_FRAMES as u64) as usize;
            self.piece(lead + (at - from) as usize, at, frames, Way::Locked);
            at += frames as u64;
        }
        free.at = end;
    }

    /// Where the host's loop begins in the reel.
    fn loop_start(&self) -> Option<u64> {
        let (start, _) = self.output.transport.loop_frames?;
        Some(start.checked_sub(self.reel.shape().start?)?.max(0) as u64)
    }

    fn free(&mut self, free: &mut FreePlay) {
        let frames = self.reel.shape().frames;
        let region = free
            .looped
            .map(|(start, end)| (start, end.min(frames)))
            .filter(|(start, end)| end.checked_sub(*start).is_some_and(|length| length >= LOOP_FRAMES_MIN));
        free.at = free.at.min(frames);
        self.mixer.set_free(free.is_on);
        self.reel.set_cursor(free.at);
        self.reel.set_loop_start(region.map(|(start, _)| start));
        self.output.gauges.playhead.store(free.at as i64, Relaxed);
        let mut done = 0;
        while done < self.output.frames && (free.is_on || !self.mixer.is_free_silent()) {
            let (start, end) = region.unwrap_or((0, frames));
            if free.at >= end {
                if region.is_none() {
                    free.is_on = false;
                    self.mixer.cut_free();
                    break;
                }
                free.at = start;
            }
            let left = (self.output.frames - done).min(PIECE_FRAMES) as u64;
            let piece = left.min(end - free.at) as usize;
            if !self.piece(done, free.at, piece, Way::Free) {
                return;
            }
            free.at += piece as u64;
            done += piece;
        }
        if done == 0 {
            self.mixer.settle();
        }
    }

    /// Plays frames `at..at + frames` of the reel at `offset` of the block. False where they are not in memory.
    fn piece(&mut self, offset: usize, at: u64, frames: usize, way: Way) -> bool {
        if !self.read(at, frames) {
            self.is_late = true;
            self.mixer.drop_out(self.monitor);
            return false;
        }
        self.mixer.mix(self.reel, frames, self.output.gauges);
        for port in 0..self.ports {
            for (channel, from) in self.mixer.stem(port).iter().enumerate() {
                let to =
                    self.output.aux.channel(port, channel).and_then(|to| to.get_mut(offset..offset + frames));
                if let Some(to) = to {
                    to.copy_from_slice(&from[..frames]);
                }
            }
        }
        match way {
            Way::Locked => self.mixer.replace(self.reel, self.output.main, offset, frames),
            Way::Free => self.mixer.add(self.reel, self.output.main, offset, frames),
        }
        true
    }

    fn read(&mut self, at: u64, frames: usize) -> bool {
        if self.mixer.read(self.reel, at, frames) {
            return true;
        }
        if !self.pace.may_wait() {
            return false;
        }
        let reel = self.reel;
        reel.set_cursor(at);
        self.pace.wait(self.trust, || Look {
            is_ready: reel.is_resident(at..at + frames as u64),
            progress: reel.fills(),
        });
        self.mixer.read(reel, at, frames)
    }
}

fn silence(aux: &mut impl AuxOutputs) {
    for port in 0..STEMS_MAX {
        for channel in 0..2 {
            if let Some(samples) = aux.channel(port, channel) {
                samples.fill(0.0);
            }
        }
    }
}
