//! Rendering faster than real time: nothing is lost, however slow the disk.

use crate::rig::{PAGE, RATE_HZ, Rig, Until, fill, named, playing, process, shape, still};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use tributary_plugin::audio::{End, Order, Reel, Report};
use tributary_plugin::view::{Monitor, Trigger};

const BLOCK: usize = 4_096;
/// Two minutes: six times what the tape holds.
const BLOCKS: usize = 120 * RATE_HZ as usize / BLOCK;

/// Renders with a drain that takes less at a time than a block brings.
fn check_nothing_is_lost(is_offline: bool) {
    let mut rig = Rig::new(2);
    rig.is_offline = is_offline;
    rig.order(Order::Record(Trigger::Transport));
    let Rig { mut engine, desk, .. } = rig;
    let (gauges, mut reports, mut tape) = (desk.gauges, desk.reports, desk.tape);
    let is_over = &AtomicBool::new(false);
    std::thread::scope(|scope| {
        let drain = scope.spawn(move || {
            let mut taken = 0;
            loop {
                let is_over = is_over.load(Acquire);
                let slots = tape.slots().min(512);
                if slots == 0 && is_over {
                    return taken;
                }
                if slots == 0 {
                    std::thread::yield_now();
                    continue;
                }
                for sample in tape.read_chunk(slots).expect("as many as were counted") {
                    assert_eq!(sample, (taken % (1 << 24)) as f32, "sample {taken}");
                    taken += 1;
                }
                std::thread::yield_now();
            }
        });
        let mut sample = 0;
        for index in 0..BLOCKS {
            let (mut left, mut right) = (vec![0.0; BLOCK], vec![0.0; BLOCK]);
            for at in 0..BLOCK {
                left[at] = (sample % (1 << 24)) as f32;
                right[at] = ((sample + 1) % (1 << 24)) as f32;
                sample += 2;
            }
            let position = playing((index * BLOCK) as i64);
            process(&mut engine, &mut [&mut left, &mut right], &mut (), &position, is_offline);
        }
        process(&mut engine, &mut [&mut [0.0; 4][..], &mut [0.0; 4][..]], &mut (), &still(), is_offline);
        is_over.store(true, Release);
        assert_eq!(
            drain.join().expect("the drain did not panic"),
            2 * BLOCKS * BLOCK,
            "all samples were on the tape"
        );
    });
    assert_eq!(gauges.lost_frames.load(Relaxed), 0);
    let frames = (BLOCKS * BLOCK) as u64;
    let said: Vec<Report> = std::iter::from_fn(|| reports.pop().ok()).collect();
    assert_eq!(said[1], Report::Ended { frames, lost_frames: 0, end: End::TransportStopped });
}

#[test]
fn a_bounce_that_says_so_loses_nothing() {
    check_nothing_is_lost(true);
}

#[test]
fn a_bounce_that_only_the_clock_shows_loses_nothing() {
    check_nothing_is_lost(false);
}

#[test]
fn nobody_is_waited_for_when_the_session_is_gone() {
    let rig = Rig::new(2);
    let Rig { mut engine, mut desk, .. } = rig;
    desk.orders.push(Order::Record(Trigger::Now)).unwrap();
    let gauges = Arc::clone(&desk.gauges);
    drop(desk);
    let (mut left, mut right) = (vec![0.0; 1 << 20], vec![0.0; 1 << 20]);
    for _ in 0..2 {
        process(&mut engine, &mut [&mut left, &mut right], &mut (), &still(), true);
    }
    assert_eq!(gauges.lost_frames.load(Relaxed), 1 << 20);
}

#[test]
fn a_bounce_waits_for_stems_that_are_still_on_the_disk() {
    let mut rig = Rig::new(2);
    rig.is_offline = true;
    // Room for a fraction of it, so that pages come and go all the time.
    let frames = 60 * PAGE;
    let reel = Arc::new(Reel::with_pool(shape(3, 2, frames, 0), 30 * PAGE as usize * 8));
    rig.order(Order::Load(Arc::clone(&reel)));
    rig.order(Order::Monitor(Monitor::Stems));
    let is_done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !is_done.load(Relaxed) {
                fill(&reel, named);
                std::thread::yield_now();
            }
        });
        let _until = Until(&is_done);
        for start in (0..frames as usize).step_by(BLOCK) {
            let (output, _) = rig.silent(2, BLOCK, &playing(start as i64));
            for (at, heard) in output[1].iter().enumerate() {
                let frame = (start + at) as u64;
                assert_eq!(*heard, named(0, 1, frame) + named(1, 1, frame), "frame {frame}");
            }
        }
    });
    assert_eq!(rig.desk.gauges.late_blocks.load(Relaxed), 0);
}
