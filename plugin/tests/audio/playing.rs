//! Locked to the host: which frame is heard where.

use crate::rig::{RAMP_FRAMES, Rig, bits, fill, filled, named, noise, playing, shape, still};
use proptest::prelude::*;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use tributary_plugin::audio::{Order, Reel, ReelShape, Transport};
use tributary_plugin::view::Monitor;

const FRAMES: u64 = 40_000;
const START: i64 = 5_000;
const STEMS: usize = 4;

fn loaded(monitor: Monitor) -> Rig {
    let mut rig = Rig::new(2);
    rig.order(Order::Load(filled(shape(STEMS + 1, 2, FRAMES, START), named)));
    rig.order(Order::Monitor(monitor));
    rig
}

/// What the main output must carry at a host position, in either channel.
fn expected(monitor: Monitor, channel: usize, position: i64, input: f32) -> f32 {
    let Ok(frame) = u64::try_from(position - START) else { return input };
    match monitor {
        _ if frame >= FRAMES => input,
        Monitor::Input => input,
        Monitor::Original => named(STEMS, channel, frame),
        Monitor::Stems => {
            (1..STEMS).fold(named(0, channel, frame), |sum, stem| sum + named(stem, channel, frame))
        }
    }
}

fn check_block(rig: &mut Rig, monitor: Monitor, position: i64, frames: usize) {
    let input = noise(2, frames, position as u64);
    let (output, ports) = rig.block(&input, &playing(position));
    for at in 0..frames {
        let here = position + at as i64;
        for channel in 0..2 {
            let heard = output[channel][at];
            assert_eq!(heard, expected(monitor, channel, here, input[channel][at]), "main at {here}");
            for (port, samples) in ports.0.iter().enumerate() {
                let frame = u64::try_from(here - START).ok().filter(|f| *f < FRAMES && port < STEMS);
                let stem = frame.map_or(0.0, |frame| named(port, channel, frame));
                assert_eq!(samples[channel][at], stem, "port {port} at {here}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn every_frame_is_heard_at_its_position_in_any_blocks_loops_and_jumps(
        runs in prop::collection::vec((0..52_000_i64, prop::collection::vec(1..2_500_usize, 1..6)), 1..6),
        monitor in prop::sample::select(&[Monitor::Input, Monitor::Original, Monitor::Stems][..]),
    ) {
        let mut rig = loaded(monitor);
        for (start, blocks) in runs {
            let mut position = start;
            for frames in blocks {
                check_block(&mut rig, monitor, position, frames);
                position += frames as i64;
            }
        }
    }
}

#[test]
fn the_edges_of_a_take_are_cut_at_the_very_frame() {
    for monitor in [Monitor::Original, Monitor::Stems] {
        for edge in [START, START + FRAMES as i64] {
            for lead in [0, 1, 255, 256, 257, 511] {
                check_block(&mut loaded(monitor), monitor, edge - lead, 512);
            }
        }
    }
}

#[test]
fn a_block_longer_than_the_take_carries_all_of_it() {
    check_block(&mut loaded(Monitor::Stems), Monitor::Stems, 0, 60_000);
}

#[test]
fn a_position_that_wavers_by_rounding_is_played_straight_on() {
    let mut rig = loaded(Monitor::Stems);
    for (index, off) in [0, 1, -1, 0, 1, 1].into_iter().enumerate() {
        let position = START + index as i64 * 100;
        let told = Transport { is_position_derived: true, ..playing(position + off) };
        let (output, _) = rig.silent(2, 100, &told);
        for (at, heard) in output[0].iter().enumerate() {
            assert_eq!(*heard, expected(Monitor::Stems, 0, position + at as i64, 0.0));
        }
    }
}

#[test]
fn a_reel_of_another_rate_or_without_a_place_is_not_played_with_the_host() {
    for change in [|shape: &mut ReelShape| shape.rate_hz = 44_100, |shape: &mut ReelShape| shape.start = None]
    {
        let mut shape = shape(2, 2, 1_000, 0);
        change(&mut shape);
        let mut rig = Rig::new(2);
        rig.order(Order::Load(filled(shape, named)));
        rig.order(Order::Monitor(Monitor::Stems));
        let input = noise(2, 512, 3);
        let (output, ports) = rig.block(&input, &playing(0));
        assert_eq!(bits(&output), bits(&input));
        assert!(ports.0.iter().flatten().flatten().all(|sample| *sample == 0.0));
    }
}

#[test]
fn a_take_that_was_not_separated_yet_leaves_the_input_alone_with_the_host() {
    let mut rig = Rig::new(2);
    rig.order(Order::Load(filled(shape(1, 2, 1_000, 0), named)));
    for (monitor, is_input) in [(Monitor::Stems, true), (Monitor::Original, false)] {
        rig.order(Order::Monitor(monitor));
        let input = noise(2, 512, 3);
        rig.block(&input, &playing(2_000));
        let (output, _) = rig.block(&input, &playing(0));
        assert_eq!(output == input, is_input, "{monitor:?}");
    }
}

#[test]
fn what_has_not_come_from_the_disk_lets_the_input_through_and_is_counted() {
    let mut rig = Rig::new(2);
    let reel = Arc::new(Reel::new(shape(3, 2, FRAMES, 0)));
    rig.order(Order::Load(Arc::clone(&reel)));
    rig.order(Order::Monitor(Monitor::Stems));
    let input = noise(2, 512, 3);
    let (output, ports) = rig.block(&input, &playing(0));
    assert_eq!(output, input);
    assert!(ports.0.iter().flatten().flatten().all(|sample| *sample == 0.0));
    assert_eq!(rig.desk.gauges.late_blocks.load(Relaxed), 1);

    fill(&reel, |_, _, _| 0.25);
    let one = vec![vec![1.0; RAMP_FRAMES]; 2];
    let (output, _) = rig.block(&one, &playing(512));
    let step = crate::rig::largest_step(&output[0]);
    assert!(step < 0.01, "comes back without a click: {step}");
    let (output, _) = rig.block(&one, &playing(512 + RAMP_FRAMES as i64));
    assert_eq!(output, vec![vec![0.5; RAMP_FRAMES]; 2]);
    assert_eq!(rig.desk.gauges.late_blocks.load(Relaxed), 1);
}

#[test]
fn gauges_say_where_the_sound_is_and_how_loud() {
    let mut rig = Rig::new(2);
    rig.order(Order::Load(filled(shape(3, 2, 1_000, 100), |track, _, _| (track + 1) as f32)));
    rig.order(Order::Monitor(Monitor::Stems));
    let transport = Transport { tempo: Some(120.5), meter: Some((7, 8)), ..playing(612) };
    rig.block(&vec![vec![0.25; 64], vec![-0.5; 64]], &transport);
    let gauges = &rig.desk.gauges;
    assert_eq!(gauges.playhead(), Some(512));
    assert_eq!(gauges.tempo(), Some(120.5));
    assert_eq!(gauges.meter.load(Relaxed), 7 << 16 | 8);
    assert!(gauges.is_host_playing.load(Relaxed));
    assert_eq!([gauges.input[0].take(), gauges.input[1].take()], [0.25, 0.5]);
    assert_eq!([gauges.output[0].take(), gauges.output[1].take()], [3.0, 3.0]);
    assert_eq!([gauges.stems[0].take(), gauges.stems[1].take(), gauges.stems[2].take()], [1.0, 2.0, 0.0]);
    rig.silent(2, 64, &playing(5_000));
    assert_eq!(rig.desk.gauges.playhead(), None);
    rig.silent(2, 64, &still());
    assert!(!rig.desk.gauges.is_host_playing.load(Relaxed));
    assert_eq!(rig.desk.gauges.blocks.load(Relaxed), 3);
}

#[test]
fn every_reel_comes_back_and_none_is_freed_by_the_audio_thread() {
    let mut rig = Rig::new(2);
    let reels: Vec<Arc<Reel>> = (0..40).map(|_| filled(shape(2, 2, 100, 0), named)).collect();
    for reel in &reels {
        rig.order(Order::Load(Arc::clone(reel)));
        rig.silent(2, 64, &playing(0));
    }
    rig.order(Order::Unload);
    let mut back = Vec::new();
    while back.len() < reels.len() {
        rig.silent(2, 64, &playing(0));
        assert!(reels.iter().all(|reel| Arc::strong_count(reel) == 2), "none was let go");
        back.extend(std::iter::from_fn(|| rig.desk.retired.pop().ok()));
    }
    let is_in_order = back.iter().zip(&reels).all(|(back, reel)| Arc::ptr_eq(back, reel));
    assert!(is_in_order, "in the order of their loading");
}

#[test]
fn the_stems_own_outputs_are_silent_until_they_are_asked_for() {
    let mut rig = loaded(Monitor::Stems);
    for (are_on, frame) in [(false, 0), (true, 64), (false, 128)] {
        rig.order(Order::Outputs(are_on));
        let (_, ports) = rig.silent(2, 64, &playing(START + frame as i64));
        for at in 0..64 {
            let stem = if are_on { named(1, 0, frame + at as u64) } else { 0.0 };
            assert_eq!(ports.0[1][0][at], stem, "outputs {are_on}, frame {at}");
        }
    }
}
