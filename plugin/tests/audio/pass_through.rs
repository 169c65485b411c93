//! What the host sends comes out bit for bit, whatever else is going on.

use crate::rig::{Rig, bits, filled, levels, named, noise, playing, shape, still};
use tributary_plugin::audio::{Order, Transport};
use tributary_plugin::view::{Monitor, Trigger};

const BLOCKS: [usize; 5] = [1, 17, 64, 512, 4_096];

fn check(channels: usize, orders: &[Order], at: impl Fn(i64) -> Transport) {
    for frames in BLOCKS {
        let mut rig = Rig::new(channels as u16);
        for order in orders {
            rig.order(order.clone());
        }
        for index in 0..5 {
            let mut input = noise(channels, frames, index);
            // What a faulty plugin in front of us may send is not ours to change.
            let odd = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -0.0, f32::MIN_POSITIVE / 4.0];
            input[0][frames / 2] = odd[index as usize];
            let (output, ports) = rig.block(&input, &at(index as i64 * frames as i64));
            assert_eq!(bits(&output), bits(&input), "block {index} of {frames} frames");
            let is_silent = ports.0.iter().flatten().flatten().all(|sample| *sample == 0.0);
            assert!(is_silent || orders.len() > 2, "ports are overwritten");
        }
    }
}

#[test]
fn with_nothing_loaded_the_input_passes() {
    for channels in [1, 2] {
        check(channels, &[], playing);
        check(channels, &[], |_| still());
        check(channels, &[Order::Monitor(Monitor::Stems)], playing);
    }
}

#[test]
fn while_recording_the_input_passes() {
    for channels in [1, 2] {
        check(channels, &[Order::Record(Trigger::Transport)], playing);
        check(channels, &[Order::Record(Trigger::Now)], |_| still());
    }
}

#[test]
fn inside_a_take_the_input_passes_while_the_monitor_is_on_it() {
    let reel = filled(shape(5, 2, 30_000, 0), named);
    let orders = [Order::Load(reel), levels(0.5), Order::Monitor(Monitor::Input), Order::Play(true)];
    for channels in [1, 2] {
        check(channels, &orders, playing);
        check(channels, &orders, |_| still());
    }
}

#[test]
fn outside_a_take_the_input_passes_whatever_the_monitor_says() {
    for monitor in [Monitor::Stems, Monitor::Original] {
        let reel = filled(shape(5, 2, 30_000, 1_000_000), named);
        let orders = [Order::Load(reel), Order::Monitor(monitor)];
        for channels in [1, 2] {
            check(channels, &orders, playing);
            check(channels, &orders, |at| playing(at + 1_030_000));
            check(channels, &orders, |_| still());
            check(channels, &orders, |at| Transport { position_frames: None, ..playing(at) });
        }
    }
}

#[test]
fn positions_at_the_ends_of_all_numbers_are_only_outside() {
    for start in [i64::MIN, -1, 0, i64::MAX] {
        for position in [i64::MIN, i64::MIN + 1, i64::MAX - 1, i64::MAX] {
            let mut rig = Rig::new(2);
            let reel = filled(shape(2, 2, 100, start), named);
            rig.order(Order::Load(reel));
            rig.order(Order::Monitor(Monitor::Stems));
            rig.order(Order::Record(Trigger::Transport));
            let loop_frames = Some((i64::MIN, i64::MAX));
            for _ in 0..3 {
                rig.block(&noise(2, 64, 1), &Transport { loop_frames, ..playing(position) });
            }
        }
    }
}
