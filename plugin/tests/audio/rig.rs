//! A host in miniature: blocks in, blocks out, and everything the desk says. Every block of every test is watched: the
//! audio thread neither asks for memory nor gives any back, in whatever state the test has brought it.

use nice_assert_no_alloc::{AllocDisabler, assert_no_alloc, violation_count};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tributary_plugin::audio::desk::TRACKS_MAX;
use tributary_plugin::audio::gauges::STEMS_MAX;
use tributary_plugin::audio::{AuxOutputs, Desk, Engine, Order, Reel, ReelShape, Report, Transport, pair};

/// Frames a page.
pub(crate) const PAGE: u64 = tributary_plugin::audio::reel::PAGE_FRAMES as u64;
pub(crate) const RATE_HZ: u32 = 48_000;
/// Frames of a ramp of 10 ms.
pub(crate) const RAMP_FRAMES: usize = 480;

#[global_allocator]
static ALLOCATOR: AllocDisabler = AllocDisabler;

/// Samples by channel.
pub(crate) type Block = Vec<Vec<f32>>;

/// Stereo ports.
pub(crate) struct Ports(pub(crate) Vec<[Vec<f32>; 2]>);

impl Ports {
    /// Six, full of what must be overwritten.
    pub(crate) fn dirty(frames: usize) -> Self {
        Self(vec![[vec![9.0; frames], vec![9.0; frames]]; STEMS_MAX])
    }
}

impl AuxOutputs for Ports {
    fn channel(&mut self, port: usize, channel: usize) -> Option<&mut [f32]> {
        Some(&mut self.0.get_mut(port)?[channel])
    }
}

pub(crate) struct Rig {
    pub(crate) engine: Engine,
    pub(crate) desk: Desk,
    pub(crate) is_offline: bool,
}

impl Rig {
    pub(crate) fn new(channels: u16) -> Self {
        Self::at(RATE_HZ, channels)
    }

    pub(crate) fn at(rate_hz: u32, channels: u16) -> Self {
        let (mut engine, desk) = pair();
        engine.activate(rate_hz, channels);
        let mut rig = Self { engine, desk, is_offline: false };
        rig.order(Order::Outputs(true));
        assert_eq!(rig.reports(), [Report::Activated { rate_hz, channels }]);
        rig
    }

    pub(crate) fn order(&mut self, order: Order) {
        self.desk.orders.push(order).expect("room for an order");
    }

    /// One block; what comes out of the main output and the ports.
    pub(crate) fn block(&mut self, input: &Block, transport: &Transport) -> (Block, Ports) {
        let mut main = input.clone();
        let mut ports = Ports::dirty(input[0].len());
        let mut slices: Vec<&mut [f32]> = main.iter_mut().map(Vec::as_mut_slice).collect();
        process(&mut self.engine, &mut slices, &mut ports, transport, self.is_offline);
        (main, ports)
    }

    /// One block of silence.
    pub(crate) fn silent(&mut self, channels: usize, frames: usize, transport: &Transport) -> (Block, Ports) {
        self.block(&vec![vec![0.0; frames]; channels], transport)
    }

    pub(crate) fn reports(&mut self) -> Vec<Report> {
        std::iter::from_fn(|| self.desk.reports.pop().ok()).collect()
    }

    pub(crate) fn tape(&mut self) -> Vec<f32> {
        std::iter::from_fn(|| self.desk.tape.pop().ok()).collect()
    }
}

/// One block, in which the allocator is not called on this thread.
pub(crate) fn process(
    engine: &mut Engine,
    main: &mut [&mut [f32]],
    aux: &mut impl AuxOutputs,
    transport: &Transport,
    is_offline: bool,
) {
    let before = violation_count();
    assert_no_alloc(|| engine.process(main, aux, transport, is_offline));
    assert_eq!(violation_count(), before, "calls of the allocator in process()");
}

pub(crate) fn playing(position: i64) -> Transport {
    Transport { is_playing: true, position_frames: Some(position), ..Transport::default() }
}

pub(crate) fn still() -> Transport {
    Transport::default()
}

/// All tracks at this gain.
pub(crate) fn levels(gain: f32) -> Order {
    Order::Levels([gain; TRACKS_MAX])
}

/// Names its track, channel and frame, exactly, for frames below 2^20.
pub(crate) fn named(track: usize, channel: usize, frame: u64) -> f32 {
    (frame * 16 + track as u64 * 2 + channel as u64) as f32
}

pub(crate) fn shape(tracks: usize, channels: u16, frames: u64, start: i64) -> ReelShape {
    ReelShape { tracks, channels, frames, rate_hz: RATE_HZ, start: Some(start) }
}

/// Fills what the reel wants now.
pub(crate) fn fill(reel: &Reel, sample: impl Fn(usize, usize, u64) -> f32) {
    let channels = usize::from(reel.shape().channels);
    while let Some(wanted) = reel.wanted() {
        let frames = wanted.frames.clone();
        let samples: Vec<f32> = frames
            .flat_map(|frame| (0..channels).map(move |channel| (frame, channel)))
            .map(|(frame, channel)| sample(wanted.track, channel, frame))
            .collect();
        // Refused when the playhead has moved meanwhile; then something else is wanted.
        let _ = reel.fill(wanted.track, wanted.page, &samples);
    }
}

/// A reel with all samples that it has room for.
pub(crate) fn filled(shape: ReelShape, sample: impl Fn(usize, usize, u64) -> f32) -> Arc<Reel> {
    let reel = Reel::new(shape);
    fill(&reel, sample);
    Arc::new(reel)
}

/// Reproducible samples in [-0.5, 0.5).
pub(crate) fn noise(channels: usize, frames: usize, seed: u64) -> Block {
    let mut state = seed.wrapping_mul(2).wrapping_add(1);
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1_u64 << 24) as f32 - 0.5
    };
    (0..channels).map(|_| (0..frames).map(|_| next()).collect()).collect()
}

/// The bits, since NaN is not equal to itself and -0 equals 0.
pub(crate) fn bits(block: &Block) -> Vec<Vec<u32>> {
    block.iter().map(|channel| channel.iter().map(|sample| sample.to_bits()).collect()).collect()
}

/// The largest difference of two neighbours.
pub(crate) fn largest_step(samples: &[f32]) -> f32 {
    samples.windows(2).map(|pair| (pair[1] - pair[0]).abs()).fold(0.0, f32::max)
}

/// Says that it is over when it goes, also by a failed assertion, so that the thread beside ends as well.
pub(crate) struct Until<'a>(pub(crate) &'a AtomicBool);

impl Drop for Until<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
