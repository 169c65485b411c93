//! Pages: which are wanted, which stay, and that none is heard torn.

use crate::rig::{PAGE, RATE_HZ, Rig, Until, fill, named, noise, playing, shape};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use tributary_plugin::audio::{Order, Reel, ReelShape, Wanted};
use tributary_plugin::view::Monitor;

/// Bytes of one stereo page.
const PAGE_BYTES: usize = PAGE as usize * 2 * 4;
/// Pages that eight seconds touch at most.
const AHEAD: u64 = 8 * RATE_HZ as u64 / PAGE + 2;
/// And two seconds.
const LANDING: u64 = 2 * RATE_HZ as u64 / PAGE + 2;

#[test]
fn a_clip_that_fits_is_in_memory_whole() {
    for (tracks, channels, frames) in [(1, 1, 1), (7, 2, PAGE), (5, 2, 10 * PAGE + 1), (2, 1, 0)] {
        let reel = Reel::new(shape(tracks, channels, frames, 0));
        assert_eq!(reel.frames_missing(), tracks as u64 * frames);
        fill(&reel, named);
        assert_eq!((reel.frames_missing(), reel.wanted()), (0, None));
        assert!(reel.is_resident(0..frames) && reel.is_resident(frames..u64::MAX));
    }
}

/// Pages of the first track in the order in which they are wanted, as many as there is room for.
fn wanted_pages(reel: &Reel) -> Vec<u64> {
    let mut pages = Vec::new();
    while let Some(Wanted { track, page, .. }) = reel.wanted() {
        assert!(reel.fill(track, page, &[]));
        pages.extend((track == 0).then_some(page));
    }
    pages
}

#[test]
fn what_will_be_heard_first_is_wanted_first() {
    let reel = Reel::new(shape(2, 1, 200 * PAGE, 0));
    reel.set_cursor(100 * PAGE + 5);
    reel.set_loop_start(Some(60 * PAGE));
    let pages = wanted_pages(&reel);
    let ahead = AHEAD as usize;
    let landing = LANDING as usize;
    assert_eq!(pages[..ahead], (100..100 + AHEAD).collect::<Vec<_>>(), "ahead of the playhead");
    let (looped, then) = pages[ahead..].split_at(landing);
    assert_eq!(looped, (60..60 + LANDING).collect::<Vec<_>>(), "where the loop begins");
    assert_eq!(then[..landing], (0..LANDING).collect::<Vec<_>>(), "where the reel begins");
    assert_eq!(then[landing], 100 + AHEAD, "then on");
    assert_eq!(pages.len(), 200);
    assert_eq!(pages[199], 99, "what was just heard comes last");
}

#[test]
fn the_pool_is_bounded_and_follows_the_playhead() {
    let slots = 100;
    let reel = Reel::with_pool(shape(2, 2, 500 * PAGE, 0), slots * PAGE_BYTES);
    for cursor in [0, 1, 7, 130, 499, 42, 600] {
        reel.set_cursor(cursor * PAGE);
        fill(&reel, named);
        let missing = reel.frames_missing();
        assert_eq!(missing, (2 * 500 - slots as u64) * PAGE, "no more than there is room for");
        let start = if cursor < 500 { cursor } else { 0 };
        let end = (start + AHEAD).min(500);
        assert!(reel.is_resident(start * PAGE..end * PAGE), "around page {cursor}");
        assert!(reel.is_resident(0..3 * PAGE), "the reel's start stays");
    }
}

#[test]
fn a_page_that_is_not_needed_any_more_is_not_taken() {
    let reel = Reel::with_pool(shape(2, 2, 500 * PAGE, 0), 100 * PAGE_BYTES);
    fill(&reel, named);
    assert!(!reel.fill(0, 300, &[]), "far away");
    assert!(reel.fill(1, 0, &[]), "there already");
    assert!(!reel.fill(2, 0, &[]) && !reel.fill(0, 500, &[]) && !reel.fill(usize::MAX, u64::MAX, &[]));
}

#[test]
fn a_short_page_ends_in_silence() {
    let reel = Arc::new(Reel::new(shape(2, 2, 100, 0)));
    for track in 0..2 {
        assert!(reel.fill(track, 0, &[1.0; 2 * 60]));
    }
    let mut rig = Rig::new(2);
    rig.order(Order::Load(reel));
    rig.order(Order::Monitor(Monitor::Stems));
    let (output, _) = rig.block(&noise(2, 100, 1), &playing(0));
    assert_eq!(output[0], [[1.0; 60].as_slice(), &[0.0; 40]].concat());
}

#[test]
fn shapes_beyond_all_limits_are_cut_and_take_no_memory() {
    for (tracks, channels, frames, rate_hz) in
        [(0, 0, 0, 0), (usize::MAX, u16::MAX, u64::MAX, u32::MAX), (3, 2, u64::MAX, 1)]
    {
        let reel = Reel::new(ReelShape { tracks, channels, frames, rate_hz, start: None });
        let shape = reel.shape();
        assert!((1..=7).contains(&shape.tracks) && (1..=2).contains(&shape.channels));
        assert!(shape.frames <= 1 << 32);
        reel.set_cursor(u64::MAX);
        reel.set_loop_start(Some(u64::MAX - 1));
        assert_eq!(reel.wanted().is_some(), frames > 0);
    }
}

#[test]
fn no_page_is_heard_in_the_place_of_another_while_the_disk_exchanges_them() {
    let frames = 60 * PAGE;
    let stems = 6;
    let reel = Arc::new(Reel::with_pool(shape(stems + 1, 2, frames, 0), 0));
    let mut rig = Rig::new(2);
    rig.order(Order::Load(Arc::clone(&reel)));
    let is_done = AtomicBool::new(false);
    let mut heard_frames = 0;
    std::thread::scope(|scope| {
        scope.spawn(|| {
            // Two pages a track, exchanged without end around wherever the playhead is: those that are being read.
            for round in 0_u64.. {
                if is_done.load(Relaxed) {
                    break;
                }
                reel.set_cursor((round * 7 % 60) * PAGE);
                fill(&reel, named);
            }
        });
        let _until = Until(&is_done);
        for round in 0_u64..1_000 {
            let start = round * 7 % 59 * PAGE + round * 512 % PAGE;
            let (_, ports) = rig.silent(2, 300, &playing(start as i64));
            for (port, channel) in (0..stems).flat_map(|port| [(port, 0), (port, 1)]) {
                for at in 0..300 {
                    let (heard, frame) = (ports.0[port][channel][at], start + at as u64);
                    let is_whole = heard == 0.0 || heard == named(port, channel, frame);
                    assert!(is_whole, "port {port} at {frame}: {heard}");
                    heard_frames += u64::from(heard != 0.0);
                }
            }
        }
    });
    let late = rig.desk.gauges.late_blocks.load(Relaxed);
    assert!(heard_frames > 0 || late > 0);
}
