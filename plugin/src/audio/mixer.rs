//! Makes one piece of sound out of the tracks of a reel: faders, meters, the sum, and what the main output gets of it.
//! Works on at most `PIECE_FRAMES` at a time, in memory taken once.

use super::desk::TRACKS_MAX;
use super::ramp::{Ramp, ramp_frames};
use super::reel::{PIECE_FRAMES, Piece};
use super::{Gauges, Reel};
use crate::view::Monitor;

/// Loudest a fader can be, +24 dB. Beyond that an order is a mistake, and one that hurts.
const GAIN_MAX: f32 = 16.0;

/// How much of the input, the stems and the original is heard. Their gains sum to one, also on the way.
#[derive(Clone, Copy, Debug)]
struct Blend {
    input: Ramp,
    stems: Ramp,
    original: Ramp,
}

impl Blend {
    fn of(monitor: Monitor) -> Self {
        let [input, stems, original] = shares(monitor);
        Self { input: Ramp::at(input), stems: Ramp::at(stems), original: Ramp::at(original) }
    }

    fn aim(&mut self, monitor: Monitor, frames: u32) {
        let [input, stems, original] = shares(monitor);
        self.input.aim(input, frames);
        self.stems.aim(stems, frames);
        self.original.aim(original, frames);
    }

    /// What is heard, while nothing moves.
    fn steady(&self) -> Option<Monitor> {
        [Monitor::Input, Monitor::Stems, Monitor::Original].into_iter().find(|monitor| {
            [self.input, self.stems, self.original].map(|ramp| ramp.steady()) == shares(*monitor).map(Some)
        })
    }
}

/// Shares of input, stems and original.
fn shares(monitor: Monitor) -> [f32; 3] {
    match monitor {
        Monitor::Input => [1.0, 0.0, 0.0],
        Monitor::Stems => [0.0, 1.0, 0.0],
        Monitor::Original => [0.0, 0.0, 1.0],
    }
}

/// Faders, meters, sum.
#[derive(Debug)]
pub(super) struct Mixer {
    ramp_frames: u32,
    levels: [Ramp; TRACKS_MAX],
    blend: Blend,
    /// Gain of free play, which begins and ends without a click.
    free: Ramp,
    /// Each track after its fader.
    tracks: Box<[Piece; TRACKS_MAX]>,
    /// The sum of the stems.
    mix: Box<Piece>,
}

impl Mixer {
    pub(super) fn new() -> Self {
        #[expect(clippy::disallowed_methods, reason = "thread: session; made once, by `pair`")]
        let (tracks, mix) =
            (Box::new([[[0.0; PIECE_FRAMES]; 2]; TRACKS_MAX]), Box::new([[0.0; PIECE_FRAMES]; 2]));
        Self {
            ramp_frames: 1,
            levels: [Ramp::at(1.0); TRACKS_MAX],
            blend: Blend::of(Monitor::Input),
            free: Ramp::at(0.0),
            tracks,
            mix,
        }
    }

    pub(super) fn set_rate(&mut self, rate_hz: u32) {
        self.ramp_frames = ramp_frames(rate_hz);
    }

    /// Moves the faders.
    pub(super) fn set_levels(&mut self, gains: &[f32; TRACKS_MAX]) {
        for (level, gain) in self.levels.iter_mut().zip(gains) {
            let gain = if gain.is_finite() { gain.clamp(0.0, GAIN_MAX) } else { 0.0 };
            level.aim(gain, self.ramp_frames);
        }
    }

    /// Moves to what shall be heard.
    pub(super) fn set_monitor(&mut self, monitor: Monitor) {
        self.blend.aim(monitor, self.ramp_frames);
    }

    /// Fades free play in or out.
    pub(super) fn set_free(&mut self, is_on: bool) {
        self.free.aim(if is_on { 1.0 } else { 0.0 }, self.ramp_frames);
    }

    /// Free play is cut off.
    pub(super) fn cut_free(&mut self) {
        self.free = Ramp::at(0.0);
    }

    /// Free play has faded out, or was never on.
    pub(super) fn is_free_silent(&self) -> bool {
        self.free.is_silent()
    }

    /// Nothing is heard of the reel, so nothing can click: all gains are where they shall be.
    pub(super) fn settle(&mut self) {
        self.levels.iter_mut().for_each(Ramp::settle);
        for ramp in [&mut self.blend.input, &mut self.blend.stems, &mut self.blend.original] {
            ramp.settle();
        }
    }

    /// The reel fell silent by itself: the input is heard, and the reel comes back over a ramp.
    pub(super) fn drop_out(&mut self, monitor: Monitor) {
        self.blend = Blend::of(Monitor::Input);
        self.blend.aim(monitor, self.ramp_frames);
        let free = self.free.target();
        self.free = Ramp::at(0.0);
        self.free.aim(free, self.ramp_frames);
    }

    /// Reads one piece of all tracks that can be heard. False where some of it is not in memory; nothing has moved
    /// then, and it can be tried again.
    pub(super) fn read(&mut self, reel: &Reel, at: u64, frames: usize) -> bool {
        let stems = reel.stems();
        for track in 0..reel.shape().tracks {
            let is_heard = track < stems || !self.blend.original.is_silent();
            let into = &mut self.tracks[track];
            if !is_heard || self.levels[track].is_silent() {
                into.iter_mut().for_each(|channel| channel[..frames].fill(0.0));
            } else if !reel.read(track, at, frames, into) {
                return false;
            }
        }
        true
    }

    /// Applies the faders to the piece that was read, raises the meters and sums the stems, in their order.
    pub(super) fn mix(&mut self, reel: &Reel, frames: usize, gauges: &Gauges) {
        for (level, track) in self.levels.iter_mut().zip(self.tracks.iter_mut()).take(reel.shape().tracks) {
            apply(level, track, frames);
        }
        let stems = reel.stems();
        for (index, track) in self.tracks[..stems].iter().enumerate() {
            for (sum, channel) in self.mix.iter_mut().zip(track) {
                if index == 0 {
                    sum[..frames].copy_from_slice(&channel[..frames]);
                } else {
                    sum[..frames].iter_mut().zip(&channel[..frames]).for_each(|(sum, sample)| *sum += sample);
                }
            }
            if let Some(meter) = gauges.stems.get(index) {
                track.iter().for_each(|channel| meter.raise_all(&channel[..frames]));
            }
        }
        if stems == 0 {
            self.mix.iter_mut().for_each(|channel| channel[..frames].fill(0.0));
        }
    }

    /// One stem of the piece after its fader.
    pub(super) fn stem(&self, index: usize) -> &Piece {
        &self.tracks[index]
    }

    /// Puts the piece in the place of the input, as far as the monitor says. The input alone stays bit for bit.
    pub(super) fn replace(&mut self, reel: &Reel, main: &mut [&mut [f32]], offset: usize, frames: usize) {
        let original = reel.stems();
        match self.blend.steady() {
            Some(Monitor::Input) => {}
            Some(Monitor::Stems) => put(&self.mix, main, offset, frames, |_, _, sample| sample),
            Some(Monitor::Original) => {
                put(&self.tracks[original], main, offset, frames, |_, _, sample| sample);
            }
            None => {
                let mut input = [0.0; PIECE_FRAMES];
                input[..frames].fill_with(|| self.blend.input.next());
                self.blend_heard(original, frames);
                put(&self.mix, main, offset, frames, |at, heard, sample| heard * input[at] + sample);
            }
        }
    }

    /// Adds the piece to the input, as far as the monitor and the fade of free play say.
    pub(super) fn add(&mut self, reel: &Reel, main: &mut [&mut [f32]], offset: usize, frames: usize) {
        let mut gains = [0.0; PIECE_FRAMES];
        gains[..frames].fill_with(|| self.free.next());
        if self.blend.steady() == Some(Monitor::Input) {
            return;
        }
        gains_pass(&mut self.blend.input, frames);
        self.blend_heard(reel.stems(), frames);
        put(&self.mix, main, offset, frames, |at, heard, sample| heard + sample * gains[at]);
    }

    /// Makes the mix what is heard of stems and original.
    fn blend_heard(&mut self, original: usize, frames: usize) {
        let (mix, original) = (&mut self.mix, &self.tracks[original]);
        for at in 0..frames {
            let (stems, whole) = (self.blend.stems.next(), self.blend.original.next());
            for (sum, channel) in mix.iter_mut().zip(original) {
                sum[at] = sum[at] * stems + channel[at] * whole;
            }
        }
    }
}

/// Lets time pass for a gain that is not applied here.
fn gains_pass(ramp: &mut Ramp, frames: usize) {
    for _ in 0..frames {
        ramp.next();
    }
}

fn apply(level: &mut Ramp, track: &mut Piece, frames: usize) {
    let [left, right] = track;
    match level.steady() {
        Some(gain) => {
            left[..frames].iter_mut().chain(&mut right[..frames]).for_each(|sample| *sample *= gain)
        }
        None => {
            for (left, right) in left[..frames].iter_mut().zip(&mut right[..frames]) {
                let gain = level.next();
                *left *= gain;
                *right *= gain;
            }
        }
    }
}

/// Writes a piece over the host's block from `offset` on: `merge(frame of the piece, input, sample)`. A host in mono
/// gets the mean of both channels.
fn put(
    piece: &Piece,
    main: &mut [&mut [f32]],
    offset: usize,
    frames: usize,
    merge: impl Fn(usize, f32, f32) -> f32,
) {
    let [left, right] = piece;
    if let [only] = main {
        for (at, heard) in only[offset..offset + frames].iter_mut().enumerate() {
            *heard = merge(at, *heard, (left[at] + right[at]) * 0.5);
        }
        return;
    }
    for (channel, from) in main.iter_mut().zip(piece) {
        for (at, heard) in channel[offset..offset + frames].iter_mut().enumerate() {
            *heard = merge(at, *heard, from[at]);
        }
    }
}
