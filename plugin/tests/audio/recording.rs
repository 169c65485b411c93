//! What gets onto the tape, from which frame to which, and what is said of it.

use crate::rig::{Block, RATE_HZ, Rig, noise, playing, still};
use std::sync::atomic::Ordering::Relaxed;
use tributary_plugin::audio::{End, Order, Report, Transport};
use tributary_plugin::library::Place;
use tributary_plugin::view::Trigger;

const BLOCK: usize = 256;
/// Samples on the tape.
const TAPE: usize = 1 << 21;
/// At this rate the tape is a quarter of a second long, so that filling it at once is not ahead of the clock.
const FAST_HZ: u32 = 8_000_000;

/// What happens in one block before it is processed.
#[derive(Clone, Debug)]
enum Event {
    At(Transport),
    Ask(Order),
    Sleep,
}

fn interleaved(block: &Block) -> Vec<f32> {
    (0..block[0].len()).flat_map(|at| block.iter().map(move |channel| channel[at])).collect()
}

/// Runs the events; the blocks counted in `taken` must be on the tape, the reports of the take's end(s) must be `ends`.
fn check(events: &[Event], taken: &[usize], ends: &[(u64, End)]) {
    for channels in [1, 2] {
        let mut rig = Rig::new(channels);
        let mut blocks = Vec::new();
        for event in events {
            match event {
                Event::Ask(order) => rig.order(order.clone()),
                Event::Sleep => rig.engine.deactivate(),
                Event::At(transport) => {
                    let block = noise(usize::from(channels), BLOCK, blocks.len() as u64);
                    rig.block(&block, transport);
                    blocks.push(block);
                }
            }
        }
        let expected: Vec<f32> = taken.iter().flat_map(|index| interleaved(&blocks[*index])).collect();
        assert!(rig.tape() == expected, "the tape holds blocks {taken:?}");
        let said: Vec<Report> = rig.reports();
        let ended: Vec<(u64, End)> = said
            .iter()
            .filter_map(|report| match report {
                Report::Ended { frames, lost_frames: 0, end } => Some((*frames, *end)),
                _ => None,
            })
            .collect();
        assert_eq!(ended, ends, "{said:?}");
        let begun = said.iter().filter(|report| matches!(report, Report::Begun { .. })).count();
        assert!(begun >= ends.len() && begun <= ends.len() + 1);
    }
}

fn at(position: usize) -> Event {
    Event::At(playing(position as i64))
}

fn looping(position: usize, range: (usize, usize)) -> Event {
    let loop_frames = Some((range.0 as i64, range.1 as i64));
    Event::At(Transport { loop_frames, ..playing(position as i64) })
}

fn derived(position: usize) -> Event {
    Event::At(Transport { is_position_derived: true, ..playing(position as i64) })
}

fn preroll(position: usize) -> Event {
    Event::At(Transport { is_preroll: true, ..playing(position as i64) })
}

const STILL: fn() -> Event = || Event::At(still());
const ARM: Event = Event::Ask(Order::Record(Trigger::Transport));
const NOW: Event = Event::Ask(Order::Record(Trigger::Now));
const STOP: Event = Event::Ask(Order::StopRecording);
const LENGTH: u64 = BLOCK as u64;

#[test]
fn an_armed_take_is_what_the_transport_plays() {
    check(
        &[ARM, STILL(), STILL(), at(0), at(256), STILL(), at(0)],
        &[2, 3],
        &[(2 * LENGTH, End::TransportStopped)],
    );
}

#[test]
fn nothing_is_recorded_unarmed_or_disarmed() {
    check(&[STILL(), at(0), at(256)], &[], &[]);
    check(&[ARM, STILL(), STOP, at(0), at(256)], &[], &[]);
}

#[test]
fn what_a_host_plays_before_the_project_begins_is_left_out_to_the_frame() {
    let mut rig = Rig::new(1);
    rig.order(Order::Record(Trigger::Transport));
    let blocks: Vec<_> = (0..3).map(|seed| noise(1, BLOCK, seed)).collect();
    let early = BLOCK as i64 + 56;
    for (index, block) in blocks.iter().enumerate() {
        let position = (index * BLOCK) as i64 - early;
        let tempo = Some(120.0);
        let beats = Some(position as f64 / f64::from(RATE_HZ) * 2.0);
        let at = Transport { tempo, position_beats: beats, bar_number: Some(-1), ..playing(position) };
        rig.block(block, &at);
    }
    let Some(Report::Begun { place, .. }) = rig.reports().first().copied() else { panic!("no take began") };
    assert_eq!((place.frames, place.bar), (Some(0), Some(1)));
    assert!(place.beats.is_some_and(|beats| beats.abs() < 1e-9), "{place:?}");
    let expected: Vec<f32> = [&blocks[1][0][56..], &blocks[2][0][..]].concat();
    assert_eq!(rig.tape(), expected);
}

#[test]
fn counting_in_is_left_out() {
    check(
        &[ARM, preroll(0), preroll(256), at(512), at(768), STILL()],
        &[2, 3],
        &[(2 * LENGTH, End::TransportStopped)],
    );
}

#[test]
fn arming_while_it_plays_begins_with_the_next_block() {
    check(&[at(0), ARM, at(256), STOP, at(512)], &[1], &[(LENGTH, End::Stopped)]);
}

#[test]
fn the_turn_of_a_loop_ends_the_take_before_it() {
    let range = (256, 768);
    check(
        &[ARM, looping(256, range), looping(512, range), looping(256, range), looping(512, range)],
        &[0, 1],
        &[(2 * LENGTH, End::Looped)],
    );
}

#[test]
fn a_turn_inside_a_block_is_noticed_with_the_next() {
    let range = (100, 600);
    check(
        &[ARM, looping(256, range), looping(512, range), looping(268, range)],
        &[0, 1],
        &[(2 * LENGTH, End::Looped)],
    );
}

#[test]
fn a_jump_ends_the_take_before_it() {
    for to in [0, 255, 257, 10_000] {
        check(&[ARM, at(0), at(to), at(to + 256)], &[0], &[(LENGTH, End::Jumped)]);
        check(&[ARM, at(0), looping(to, (5_000, 6_000))], &[0], &[(LENGTH, End::Jumped)]);
    }
}

#[test]
fn a_derived_position_may_waver_but_not_wander() {
    check(&[ARM, derived(0), derived(257), derived(511), derived(768)], &[0, 1, 2, 3], &[]);
    check(&[ARM, derived(0), derived(257), derived(515)], &[0, 1], &[(2 * LENGTH, End::Jumped)]);
}

#[test]
fn a_host_that_tells_no_position_is_recorded_all_the_same() {
    let nowhere = || Event::At(Transport { is_playing: true, ..still() });
    check(&[ARM, nowhere(), nowhere(), STILL()], &[0, 1], &[(2 * LENGTH, End::TransportStopped)]);
}

#[test]
fn a_take_without_the_transport_does_not_care_for_it() {
    check(
        &[NOW, STILL(), at(0), at(9_000), looping(0, (0, 256)), STILL(), STOP, STILL()],
        &[0, 1, 2, 3, 4],
        &[(5 * LENGTH, End::Stopped)],
    );
}

#[test]
fn an_order_to_record_changes_nothing_while_a_take_runs() {
    check(&[ARM, at(0), NOW, ARM, at(256), STILL(), at(0)], &[0, 1], &[(2 * LENGTH, End::TransportStopped)]);
}

#[test]
fn a_host_that_puts_us_to_sleep_ends_the_take_and_armed_stays_armed() {
    check(&[ARM, at(0), Event::Sleep], &[0], &[(LENGTH, End::Deactivated)]);
    check(&[ARM, STILL(), Event::Sleep, at(0), STILL()], &[1], &[(LENGTH, End::TransportStopped)]);
}

#[test]
fn two_takes_lie_on_the_tape_one_after_the_other() {
    check(
        &[ARM, at(0), STILL(), ARM, at(0), at(256), STILL()],
        &[0, 2, 3],
        &[(LENGTH, End::TransportStopped), (2 * LENGTH, End::TransportStopped)],
    );
}

#[test]
fn another_rate_ends_the_take_and_is_told_after_it() {
    let mut rig = Rig::new(2);
    rig.order(Order::Record(Trigger::Now));
    rig.silent(2, BLOCK, &still());
    rig.engine.activate(96_000, 1);
    let said = rig.reports();
    assert_eq!(said[1], Report::Ended { frames: LENGTH, lost_frames: 0, end: End::Deactivated });
    assert_eq!(said[2], Report::Activated { rate_hz: 96_000, channels: 1 });
}

#[test]
fn a_take_knows_its_place_in_the_song() {
    let song = Transport {
        position_beats: Some(9.5),
        bar_number: Some(2),
        tempo: Some(93.0),
        meter: Some((6, 8)),
        ..playing(480)
    };
    let tempo = Place { tempo: Some(93.0), meter: Some((6, 8)), ..Place::default() };
    let all = Place { frames: Some(480), beats: Some(9.5), bar: Some(3), ..tempo };
    let odd = Transport {
        tempo: Some(f64::NAN),
        meter: Some((0, 4)),
        position_beats: Some(f64::INFINITY),
        ..still()
    };
    for (trigger, transport, place) in [
        (Trigger::Transport, song, all),
        (Trigger::Now, song, all),
        (Trigger::Now, Transport { is_playing: false, ..song }, tempo),
        (Trigger::Now, odd, Place::default()),
        (Trigger::Now, Transport { is_playing: true, ..odd }, Place::default()),
    ] {
        let mut rig = Rig::new(2);
        rig.order(Order::Record(trigger));
        rig.silent(2, BLOCK, &transport);
        let begun = Report::Begun { trigger, place, rate_hz: RATE_HZ, channels: 2 };
        assert_eq!(rig.reports(), [begun]);
    }
}

#[test]
fn frames_that_find_no_room_are_counted_to_the_last_one() {
    for channels in [1_usize, 2] {
        let mut rig = Rig::at(FAST_HZ, channels as u16);
        rig.order(Order::Record(Trigger::Now));
        // An odd length, so that the last block fits in part.
        let block = noise(channels, 1_001, 4);
        let room = (TAPE / channels) as u64;
        let mut sent = 0;
        while sent < room + 5_000 {
            rig.block(&block, &still());
            sent += 1_001;
        }
        let gauges = &rig.desk.gauges;
        assert_eq!(gauges.recorded_frames.load(Relaxed), room);
        assert_eq!(gauges.lost_frames.load(Relaxed), sent - room);
        assert_eq!(rig.tape().len(), TAPE, "whole frames and no other");
        rig.block(&block, &still());
        rig.order(Order::StopRecording);
        rig.block(&block, &still());
        let ended = Report::Ended { frames: room + 1_001, lost_frames: sent - room, end: End::Stopped };
        assert_eq!(rig.reports().last(), Some(&ended));
        assert_eq!(rig.tape(), interleaved(&block));
    }
}

#[test]
fn no_report_of_a_take_is_lost_when_nobody_reads_them() {
    let mut rig = Rig::new(2);
    for _ in 0..100 {
        rig.order(Order::Record(Trigger::Now));
        rig.silent(2, 16, &still());
        rig.order(Order::StopRecording);
        rig.silent(2, 16, &still());
        rig.engine.activate(RATE_HZ, 2);
    }
    let said = rig.reports();
    let begun = said.iter().filter(|report| matches!(report, Report::Begun { .. })).count();
    let ended = said.iter().filter(|report| matches!(report, Report::Ended { frames: 16, .. })).count();
    assert!(begun == ended && begun > 10, "{begun} begun, {ended} ended");
    rig.silent(2, 16, &still());
    assert_eq!(
        rig.reports(),
        [Report::Activated { rate_hz: RATE_HZ, channels: 2 }],
        "what waited is told now"
    );
    rig.order(Order::Record(Trigger::Now));
    rig.silent(2, 16, &still());
    assert!(matches!(rig.reports()[..], [Report::Begun { .. }]), "and recording works again");
}
