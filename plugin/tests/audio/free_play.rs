//! Playing while the host stands still.

use crate::rig::{Block, RAMP_FRAMES, Rig, fill, filled, playing, shape, still};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use tributary_plugin::audio::{Order, Reel};
use tributary_plugin::view::Monitor;

const FRAMES: u64 = 20_000;
const BLOCK: usize = 500;

/// The one stem is its frame's number, the original its negative.
fn sample(track: usize, _channel: usize, frame: u64) -> f32 {
    if track == 0 { frame as f32 } else { -(frame as f32) }
}

fn loaded(monitor: Monitor) -> Rig {
    let mut rig = Rig::new(2);
    rig.order(Order::Load(filled(shape(2, 2, FRAMES, 0), sample)));
    rig.order(Order::Monitor(monitor));
    rig
}

/// So many blocks over an input of 0.5; what was added to its left channel.
fn added(rig: &mut Rig, blocks: usize) -> Vec<f32> {
    let input: Block = vec![vec![0.5; BLOCK]; 2];
    (0..blocks).flat_map(|_| rig.block(&input, &still()).0.swap_remove(0)).map(|heard| heard - 0.5).collect()
}

fn is_on(rig: &Rig) -> bool {
    rig.desk.gauges.is_free_playing.load(Relaxed)
}

/// Frames from `start` on, as they were heard after the fade.
fn check_run(heard: &[f32], start: usize) {
    for (at, sample) in heard.iter().enumerate() {
        assert_eq!(*sample, (start + at) as f32, "frame {at} of the run");
    }
}

#[test]
fn free_play_is_added_to_the_input_after_a_short_fade() {
    let mut rig = loaded(Monitor::Stems);
    assert_eq!(added(&mut rig, 2), [0.0; 2 * BLOCK], "not before it was asked for");
    rig.order(Order::Play(true));
    let heard = added(&mut rig, 10);
    check_run(&heard[RAMP_FRAMES..], RAMP_FRAMES);
    assert!(heard[1] < 0.01, "faded in");
    assert_eq!(rig.desk.gauges.playhead(), Some(9 * BLOCK as u64));
    rig.order(Order::Play(false));
    let heard = added(&mut rig, 2);
    assert!(heard[0] > 0.9 * (10 * BLOCK) as f32, "faded out");
    assert_eq!(heard[RAMP_FRAMES..], [0.0; 2 * BLOCK - RAMP_FRAMES]);
    assert!(!is_on(&rig));
}

#[test]
fn free_play_of_the_original_and_of_the_input() {
    for (monitor, sign) in [(Monitor::Original, -1.0), (Monitor::Input, 0.0)] {
        let mut rig = loaded(monitor);
        rig.order(Order::Play(true));
        let heard = added(&mut rig, 4);
        assert_eq!(heard[1_500], sign * 1_500.0, "{monitor:?}");
    }
}

#[test]
fn a_take_that_was_not_separated_yet_can_be_heard() {
    let mut rig = Rig::new(2);
    rig.order(Order::Load(filled(shape(1, 2, FRAMES, 0), sample)));
    rig.order(Order::Monitor(Monitor::Stems));
    rig.order(Order::Play(true));
    check_run(&added(&mut rig, 4)[RAMP_FRAMES..], RAMP_FRAMES);
}

#[test]
fn free_play_ends_with_the_take_and_begins_anew() {
    let mut rig = loaded(Monitor::Stems);
    rig.order(Order::Locate(FRAMES - 1_250));
    rig.order(Order::Play(true));
    let heard = added(&mut rig, 4);
    check_run(&heard[RAMP_FRAMES..1_250], FRAMES as usize - 1_250 + RAMP_FRAMES);
    assert_eq!(heard[1_250..], [0.0; 750]);
    assert!(!is_on(&rig));
    rig.order(Order::Play(true));
    check_run(&added(&mut rig, 2)[RAMP_FRAMES..], RAMP_FRAMES);
}

#[test]
fn free_play_repeats_its_loop() {
    let mut rig = loaded(Monitor::Stems);
    rig.order(Order::Loop(Some((3_000, 4_300))));
    rig.order(Order::Locate(3_900));
    rig.order(Order::Play(true));
    let heard = added(&mut rig, 10);
    for (at, sample) in heard.iter().enumerate().skip(RAMP_FRAMES) {
        assert_eq!(*sample, (3_000 + (900 + at) % 1_300) as f32, "at {at}");
    }
    rig.order(Order::Loop(None));
    let heard = added(&mut rig, 10);
    check_run(&heard, 3_000 + (900 + 10 * BLOCK) % 1_300);
}

#[test]
fn loops_that_are_none_repeat_nothing() {
    for range in [(500, 500), (900, 100), (0, 3), (FRAMES + 5, FRAMES + 9_000), (u64::MAX - 1, u64::MAX)] {
        let mut rig = loaded(Monitor::Stems);
        rig.order(Order::Loop(Some(range)));
        rig.order(Order::Play(true));
        check_run(&added(&mut rig, 8)[RAMP_FRAMES..], RAMP_FRAMES);
        rig.order(Order::Locate(u64::MAX));
        assert_eq!(added(&mut rig, 1)[RAMP_FRAMES..], [0.0; BLOCK - RAMP_FRAMES]);
        assert!(!is_on(&rig));
    }
}

#[test]
fn the_host_takes_over_and_free_play_goes_on_from_there_when_asked() {
    let mut rig = loaded(Monitor::Stems);
    rig.order(Order::Play(true));
    added(&mut rig, 2);
    let (output, _) = rig.silent(2, BLOCK, &playing(7_000));
    check_run(&output[0], 7_000);
    assert!(!is_on(&rig));
    assert_eq!(added(&mut rig, 1), [0.0; BLOCK], "does not begin by itself");
    assert_eq!(rig.desk.gauges.playhead(), Some(7_000 + BLOCK as u64));
    rig.order(Order::Play(true));
    check_run(&added(&mut rig, 2)[RAMP_FRAMES..], 7_000 + BLOCK + RAMP_FRAMES);
}

#[test]
fn free_play_waits_for_the_disk_and_skips_nothing() {
    let mut rig = Rig::new(2);
    let reel = Arc::new(Reel::new(shape(2, 2, FRAMES, 0)));
    rig.order(Order::Load(Arc::clone(&reel)));
    rig.order(Order::Monitor(Monitor::Stems));
    rig.order(Order::Play(true));
    assert_eq!(added(&mut rig, 3), [0.0; 3 * BLOCK]);
    assert_eq!(rig.desk.gauges.late_blocks.load(Relaxed), 3);
    fill(&reel, sample);
    check_run(&added(&mut rig, 3)[RAMP_FRAMES..], RAMP_FRAMES);
}
