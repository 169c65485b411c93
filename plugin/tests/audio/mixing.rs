//! Faders, monitor and widths: what becomes of the sound on its way.

use crate::rig::{Block, RAMP_FRAMES, Rig, bits, filled, largest_step, levels, noise, playing, shape};
use tributary_plugin::audio::Order;
use tributary_plugin::audio::desk::TRACKS_MAX;
use tributary_plugin::view::Monitor;

const BLOCK: usize = 96;

/// A rig that plays tracks of constant level, 1 for the first stem, 2 for the second, 8 for the original.
fn constant(monitor: Monitor) -> Rig {
    let mut rig = Rig::new(2);
    rig.order(Order::Load(filled(shape(3, 2, 100_000, 0), |track, _, _| [1.0, 2.0, 8.0][track])));
    rig.order(Order::Monitor(monitor));
    rig
}

/// So many blocks with an input of 4, one after the other; the left channel of what came out.
fn run(rig: &mut Rig, position: &mut i64, blocks: usize) -> Vec<f32> {
    let mut heard = Vec::new();
    for _ in 0..blocks {
        let (output, _) = rig.block(&vec![vec![4.0; BLOCK]; 2], &playing(*position));
        assert_eq!(output[0], output[1]);
        heard.extend_from_slice(&output[0]);
        *position += BLOCK as i64;
    }
    heard
}

#[test]
fn a_fader_moves_over_ten_milliseconds_and_arrives() {
    for (from, to) in [(1.0, 0.0), (0.0, 1.0), (1.0, 3.98), (0.5, 0.25)] {
        let (mut rig, mut position) = (constant(Monitor::Stems), 0);
        rig.order(levels(from));
        assert_eq!(run(&mut rig, &mut position, 1), [3.0 * from; BLOCK], "at once in the first block");
        rig.order(levels(to));
        let heard = run(&mut rig, &mut position, 6);
        let largest = 3.0 * (to - from).abs() / RAMP_FRAMES as f32;
        assert!(largest_step(&heard) <= largest * 1.01, "{from} to {to}: {}", largest_step(&heard));
        assert_eq!(heard[RAMP_FRAMES - 1..], [3.0 * to; BLOCK + 1]);
        assert_ne!(heard[RAMP_FRAMES - 2], 3.0 * to);
    }
}

#[test]
fn a_fader_that_is_moved_on_the_way_goes_on_from_where_it_is() {
    let (mut rig, mut position) = (constant(Monitor::Stems), 0);
    run(&mut rig, &mut position, 1);
    let mut heard = Vec::new();
    for gain in [0.0, 1.0, 0.2, 0.9, 0.9] {
        rig.order(levels(gain));
        heard.extend(run(&mut rig, &mut position, 2));
    }
    heard.extend(run(&mut rig, &mut position, 4));
    assert!(largest_step(&heard) <= 3.0 / RAMP_FRAMES as f32 * 1.01);
    assert_eq!(heard.last(), Some(&(0.9 + 2.0 * 0.9)));
}

#[test]
fn a_gain_that_is_no_gain_is_silence_or_the_most() {
    for (gain, heard) in [(f32::NAN, 0.0), (f32::INFINITY, 0.0), (-1.0, 0.0), (1e9, 48.0)] {
        let (mut rig, mut position) = (constant(Monitor::Stems), 0);
        rig.order(levels(gain));
        assert_eq!(run(&mut rig, &mut position, 1), [heard; BLOCK], "{gain}");
    }
}

#[test]
fn the_monitor_is_crossfaded_and_then_exact() {
    let level = |monitor| match monitor {
        Monitor::Input => 4.0,
        Monitor::Stems => 3.0,
        Monitor::Original => 8.0,
    };
    let all = [Monitor::Input, Monitor::Stems, Monitor::Original];
    for (from, to) in all.into_iter().flat_map(|from| all.map(|to| (from, to))) {
        let (mut rig, mut position) = (constant(from), 0);
        assert_eq!(run(&mut rig, &mut position, 1), [level(from); BLOCK]);
        rig.order(Order::Monitor(to));
        let heard = run(&mut rig, &mut position, 6);
        let largest = (level(to) - level(from)).abs() / RAMP_FRAMES as f32;
        assert!(largest_step(&heard) <= largest * 1.01 + 1e-6, "{from:?} to {to:?}");
        assert_eq!(heard[RAMP_FRAMES..], [level(to); BLOCK], "{from:?} to {to:?}");
    }
}

#[test]
fn after_the_fade_to_the_input_it_passes_bit_for_bit() {
    let (mut rig, mut position) = (constant(Monitor::Stems), 0);
    run(&mut rig, &mut position, 1);
    rig.order(Order::Monitor(Monitor::Input));
    run(&mut rig, &mut position, 5);
    let mut input = noise(2, BLOCK, 1);
    (input[0][7], input[1][8]) = (f32::NAN, -0.0);
    let (output, _) = rig.block(&input, &playing(position));
    assert_eq!(bits(&output), bits(&input));
}

#[test]
fn ports_carry_each_stem_after_its_fader_whatever_the_monitor_says() {
    for monitor in [Monitor::Input, Monitor::Stems, Monitor::Original] {
        let mut rig = constant(monitor);
        let mut gains = [1.0; TRACKS_MAX];
        gains[..2].copy_from_slice(&[0.5, 0.0]);
        rig.order(Order::Levels(gains));
        let (_, ports) = rig.silent(2, BLOCK, &playing(0));
        let carried: Vec<f32> = ports.0.iter().map(|port| port[0][0]).collect();
        assert_eq!(carried, [0.5, 0.0, 0.0, 0.0, 0.0, 0.0], "{monitor:?}");
    }
}

/// What a host of `host` channels hears of a reel of `reel` channels whose left is 1 (the only one in mono) and right 3.
fn check_width(host: u16, reel: u16, heard: &Block) {
    let mut rig = Rig::new(host);
    let reel = filled(shape(3, reel, 1_000, 0), |_, channel, _| [1.0, 3.0][channel]);
    rig.order(Order::Load(reel));
    for (monitor, tracks) in [(Monitor::Stems, 2.0), (Monitor::Original, 1.0)] {
        rig.order(Order::Monitor(monitor));
        rig.silent(usize::from(host), 8, &playing(5_000));
        let (output, _) = rig.silent(usize::from(host), 8, &playing(0));
        let expected: Block =
            heard.iter().map(|channel| channel.iter().map(|s| s * tracks).collect()).collect();
        assert_eq!(output, expected, "host of {host}, {monitor:?}");
    }
}

#[test]
fn mono_and_stereo_meet() {
    check_width(1, 1, &vec![vec![1.0; 8]]);
    check_width(2, 1, &vec![vec![1.0; 8]; 2]);
    check_width(1, 2, &vec![vec![2.0; 8]]);
    check_width(2, 2, &vec![vec![1.0; 8], vec![3.0; 8]]);
}

#[test]
fn a_reel_that_takes_over_is_exact_from_its_first_frame() {
    let (mut rig, mut position) = (constant(Monitor::Stems), 0);
    rig.order(levels(0.25));
    run(&mut rig, &mut position, 2);
    rig.order(Order::Load(filled(shape(3, 2, 100_000, 0), |_, _, _| 5.0)));
    rig.order(levels(1.0));
    rig.order(Order::Monitor(Monitor::Original));
    assert_eq!(run(&mut rig, &mut position, 1), [5.0; BLOCK]);
}
