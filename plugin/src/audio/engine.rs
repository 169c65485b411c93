//! The audio thread's end: takes orders, records the block, then plays into it. The only part that the wiring calls.

use super::course::Course;
use super::desk::{Desk, Order, Report};
use super::pace::Pace;
use super::player::{Output, Player};
use super::recorder::{Input, REPORTS_MAX, Recorder, TAPE_SAMPLES};
use super::{Gauges, Transport};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

/// Orders that can wait to be heeded; a mouse on a fader sends some hundred a second.
const ORDERS_MAX: usize = 256;
/// Reels on their way back.
const RETIRED_MAX: usize = 16;

/// The stereo outputs beside the main one, one for each stem.
pub trait AuxOutputs {
    /// Samples of one channel of one port, as many as the main block has; `None` where the host gave none. Asked for
    /// every port from 0 to 5, channels 0 and 1.
    fn channel(&mut self, port: usize, channel: usize) -> Option<&mut [f32]>;
}

/// No outputs but the main one.
impl AuxOutputs for () {
    fn channel(&mut self, _port: usize, _channel: usize) -> Option<&mut [f32]> {
        None
    }
}

/// The audio thread's end.
#[derive(Debug)]
pub struct Engine {
    gauges: Arc<Gauges>,
    orders: rtrb::Consumer<Order>,
    recorder: Recorder,
    player: Player,
    course: Course,
    pace: Pace,
    rate_hz: u32,
}

/// Thread: session. Makes both ends, with all memory that they will ever need but the reels'.
#[must_use]
pub fn pair() -> (Engine, Desk) {
    #[expect(clippy::disallowed_methods, reason = "thread: session; before there is any block")]
    let gauges = Arc::new(Gauges::default());
    gauges.playhead.store(-1, Relaxed);
    let (orders_in, orders) = rtrb::RingBuffer::new(ORDERS_MAX);
    let (reports, reports_out) = rtrb::RingBuffer::<Report>::new(REPORTS_MAX);
    let (tape, tape_out) = rtrb::RingBuffer::new(TAPE_SAMPLES);
    let (retired, retired_out) = rtrb::RingBuffer::new(RETIRED_MAX);
    let engine = Engine {
        gauges: Arc::clone(&gauges),
        orders,
        recorder: Recorder::new(tape, reports),
        player: Player::new(retired),
        course: Course::default(),
        pace: Pace::default(),
        rate_hz: 0,
    };
    let desk = Desk { gauges, orders: orders_in, reports: reports_out, tape: tape_out, retired: retired_out };
    (engine, desk)
}

impl Engine {
    /// Thread: the host's main, before the first block. `rate_hz`: of all blocks to come. `channels`: of the main
    /// input and output, 1 or 2. Blocks may have any length.
    pub fn activate(&mut self, rate_hz: u32, channels: u16) {
        self.rate_hz = rate_hz;
        self.gauges.rate_hz.store(rate_hz, Relaxed);
        self.recorder.activate(rate_hz, channels);
        self.player.set_rate(rate_hz);
        self.course = Course::default();
        self.pace.reset();
    }

    /// Thread: the host's main, after the last block. Ends a running take; armed stays armed.
    pub fn deactivate(&mut self) {
        self.recorder.deactivate();
        self.course = Course::default();
        self.gauges.is_host_playing.store(false, Relaxed);
    }

    /// Thread: audio. The host lets the sound begin anew. A running take goes on.
    pub fn reset(&mut self) {
        self.player.reset();
    }

    /// Thread: audio. One block, in place: `main` comes with the input of each channel and goes with the output;
    /// all channels have the same length. Channels beyond the second, and all while nothing of a reel is heard, pass
    /// bit for bit. All ports of `aux` are overwritten.
    ///
    /// `is_offline`: the host renders a file and says the truth about it (CLAP); false where its word cannot be
    /// trusted (VST3), then the clock tells. Returns at once, but for a bounce that is ahead of the disk.
    pub fn process(
        &mut self,
        main: &mut [&mut [f32]],
        aux: &mut impl AuxOutputs,
        transport: &Transport,
        is_offline: bool,
    ) {
        self.obey();
        let channels = main.len().min(2);
        let main = &mut main[..channels];
        let frames = main.iter().map(|channel| channel.len()).min().unwrap_or(0);
        self.pace.block(frames, self.rate_hz, is_offline);
        let step = self.course.follow(transport, frames);
        self.show(transport);
        for (meter, channel) in self.gauges.input.iter().zip(main.iter()) {
            meter.raise_all(channel);
        }
        let input = Input { main, transport, step, rate_hz: self.rate_hz };
        self.recorder.block(&input, &self.gauges, &mut self.pace);
        let output = Output {
            main,
            aux,
            transport,
            here: self.course.here(),
            frames,
            rate_hz: self.rate_hz,
            gauges: &self.gauges,
        };
        self.player.block(output, &mut self.pace);
        for (meter, channel) in self.gauges.output.iter().zip(main.iter()) {
            meter.raise_all(channel);
        }
    }

    /// All orders that wait. A reel that cannot be given back yet waits with all orders behind it.
    fn obey(&mut self) {
        while let Ok(next) = self.orders.peek() {
            if matches!(next, Order::Load(_) | Order::Unload) && !self.player.can_load() {
                return;
            }
            let Ok(order) = self.orders.pop() else { return };
            match order {
                Order::Record(trigger) => self.recorder.record(trigger),
                Order::StopRecording => self.recorder.stop(),
                Order::Load(reel) => self.player.load(Some(reel)),
                Order::Unload => self.player.load(None),
                Order::Monitor(monitor) => self.player.set_monitor(monitor),
                Order::Outputs(are_on) => self.player.set_outputs(are_on),
                Order::Levels(gains) => self.player.set_levels(&gains),
                Order::Play(is_on) => self.player.play_free(is_on),
                Order::Locate(frame) => self.player.locate(frame),
                Order::Loop(range) => self.player.set_loop(range),
            }
        }
    }

    fn show(&self, transport: &Transport) {
        let gauges = &self.gauges;
        gauges.is_host_playing.store(transport.is_playing, Relaxed);
        gauges.tempo_bits.store(transport.known_tempo().unwrap_or(0.0).to_bits(), Relaxed);
        let (numerator, denominator) = transport.known_meter().unwrap_or((0, 0));
        gauges.meter.store(u32::from(numerator) << 16 | u32::from(denominator), Relaxed);
        gauges.blocks.fetch_add(1, Relaxed);
    }
}
