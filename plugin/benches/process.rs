//! What `process()` costs: one JSON object a line, `{name, value, unit, most}`, for `cargo xtask bench`. A stereo block
//! of 512 frames at 48 kHz while a take is recorded and four stems are heard on the main output and on outputs of
//! their own; beside it, a plain copy of the same samples, which nothing can beat. Takes some seconds.

use nice_assert_no_alloc::{AllocDisabler, assert_no_alloc, violation_count};
use std::sync::Arc;
use std::time::Instant;
use tributary_plugin::audio::gauges::STEMS_MAX;
use tributary_plugin::audio::{AuxOutputs, Desk, Engine, Order, Reel, ReelShape, Transport, pair};
use tributary_plugin::view::{Monitor, Trigger};

#[global_allocator]
static ALLOCATOR: AllocDisabler = AllocDisabler;

const RATE_HZ: u32 = 48_000;
const FRAMES: usize = 512;
const STEMS: usize = 4;
/// Longer than any cache is large.
const REEL_FRAMES: usize = 60 * RATE_HZ as usize / FRAMES * FRAMES;
const BLOCKS: usize = 20_000;
/// Share of a block's time, %.
const SHARE_MOST: f64 = 1.0;

fn main() {
    // `cargo bench` says so; `cargo test --all-targets` only wants to see that it starts.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let (engine, desk) = loaded();
    let (times, allocations) = process(engine, desk);
    print("audio thread, median block", share(&times, 0.5), "% of its time", Some(SHARE_MOST));
    // No limit: on a busy machine this is what the others took.
    print("audio thread, one block in a hundred", share(&times, 0.99), "% of its time", None);
    print("audio thread, allocations", f64::from(allocations), "", Some(0.0));
    print("the same samples copied, median block", share(&copy(), 0.5), "% of its time", None);
}

/// An engine that records and plays.
fn loaded() -> (Engine, Desk) {
    let (mut engine, mut desk) = pair();
    engine.activate(RATE_HZ, 2);
    let shape = ReelShape {
        tracks: STEMS + 1,
        channels: 2,
        frames: REEL_FRAMES as u64,
        rate_hz: RATE_HZ,
        start: Some(0),
    };
    let reel = Reel::new(shape);
    while let Some(wanted) = reel.wanted() {
        let frames = wanted.frames.end - wanted.frames.start;
        reel.fill(wanted.track, wanted.page, &vec![0.1; 2 * frames as usize]);
    }
    for order in [
        Order::Load(Arc::new(reel)),
        Order::Monitor(Monitor::Stems),
        Order::Outputs(true),
        Order::Record(Trigger::Now),
    ] {
        desk.orders.push(order).expect("the ring holds four orders");
    }
    (engine, desk)
}

/// Six stereo ports.
struct Ports([[[f32; FRAMES]; 2]; STEMS_MAX]);

impl AuxOutputs for Ports {
    fn channel(&mut self, port: usize, channel: usize) -> Option<&mut [f32]> {
        Some(&mut self.0[port][channel])
    }
}

/// Nanoseconds of each block, and calls of the allocator in all of them.
fn process(mut engine: Engine, mut desk: Desk) -> (Vec<f64>, u32) {
    let (mut left, mut right) = ([0.0; FRAMES], [0.0; FRAMES]);
    let mut ports = Ports([[[0.0; FRAMES]; 2]; STEMS_MAX]);
    let times = timed(|index| {
        // The disk's part, which is not measured.
        while desk.tape.pop().is_ok() {}
        (left, right) = ([0.25; FRAMES], [0.25; FRAMES]);
        let position = (index * FRAMES % REEL_FRAMES) as i64;
        let transport =
            Transport { is_playing: true, position_frames: Some(position), ..Transport::default() };
        let began = Instant::now();
        assert_no_alloc(|| engine.process(&mut [&mut left, &mut right], &mut ports, &transport, false));
        began.elapsed()
    });
    assert!(left[7] == (0..STEMS).fold(0.0, |sum, _| sum + 0.1), "the stems were heard");
    assert!(desk.tape.slots() == 2 * FRAMES, "the input was recorded");
    (times, violation_count())
}

/// The same of copying as many samples: of the stems to the ports, of the input to the tape.
fn copy() -> Vec<f64> {
    let samples = 2 * FRAMES * (STEMS + 1);
    let from = vec![0.1_f32; REEL_FRAMES / FRAMES * samples];
    let mut to = vec![0.0_f32; samples];
    timed(|index| {
        let start = index * samples % from.len();
        let began = Instant::now();
        to.copy_from_slice(&from[start..start + samples]);
        std::hint::black_box(&mut to);
        began.elapsed()
    })
}

/// Nanoseconds of each block, in rising order.
fn timed(mut block: impl FnMut(usize) -> std::time::Duration) -> Vec<f64> {
    let mut times: Vec<f64> = (0..BLOCKS).map(|index| block(index).as_secs_f64() * 1e9).collect();
    times.sort_by(f64::total_cmp);
    times
}

/// The time that this part of the blocks stays below, in % of a block's time.
fn share(times: &[f64], part: f64) -> f64 {
    let block_ns = FRAMES as f64 / f64::from(RATE_HZ) * 1e9;
    times[(part * (times.len() - 1) as f64) as usize] / block_ns * 100.0
}

#[expect(clippy::print_stdout, reason = "the lines are what this program is for")]
fn print(name: &str, value: f64, unit: &str, most: Option<f64>) {
    let most = most.map_or(String::new(), |most| format!(",\"most\":{most}"));
    println!("{{\"name\":\"{name}\",\"value\":{value:.4},\"unit\":\"{unit}\"{most}}}");
}
