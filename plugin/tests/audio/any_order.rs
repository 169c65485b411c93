//! All states and all ways between them: whatever is ordered and whatever the host does, every block is played without
//! calling the allocator, no reel is let go, and what is said of takes adds up.

use crate::rig::{PAGE, Rig, Until, fill, named, noise, shape};
use nice_assert_no_alloc::{assert_no_alloc, violation_count};
use proptest::prelude::*;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use tributary_plugin::audio::desk::TRACKS_MAX;
use tributary_plugin::audio::{Order, Reel, Report, Transport};
use tributary_plugin::view::{Monitor, Trigger};

#[derive(Clone, Debug)]
enum Event {
    Order(Order),
    /// A reel of so many tracks and channels, with or without samples.
    Load(usize, u16, bool),
    Block(Transport, usize, bool),
    Activate(bool, u16),
    Reset,
}

fn order() -> impl Strategy<Value = Order> {
    let frame = 0..4 * PAGE;
    let trigger = prop::sample::select(&[Trigger::Transport, Trigger::Now][..]);
    let monitor = prop::sample::select(&[Monitor::Input, Monitor::Stems, Monitor::Original][..]);
    prop_oneof![
        trigger.prop_map(Order::Record),
        Just(Order::StopRecording),
        Just(Order::Unload),
        monitor.prop_map(Order::Monitor),
        any::<bool>().prop_map(Order::Outputs),
        (0.0..2.0_f32).prop_map(|gain| Order::Levels([gain; TRACKS_MAX])),
        any::<bool>().prop_map(Order::Play),
        frame.clone().prop_map(Order::Locate),
        prop::option::of((frame.clone(), frame)).prop_map(Order::Loop),
    ]
}

fn transport() -> impl Strategy<Value = Transport> {
    let position = prop::option::of(-5_000..4 * PAGE as i64);
    let range = prop::option::of((0..5_000_i64, 5_000..10_000_i64));
    (any::<bool>(), any::<bool>(), any::<bool>(), position, range).prop_map(
        |(is_playing, is_preroll, is_position_derived, position_frames, loop_frames)| Transport {
            is_playing,
            is_preroll,
            is_position_derived,
            position_frames,
            loop_frames,
            ..Transport::default()
        },
    )
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        4 => order().prop_map(Event::Order),
        1 => (0..9_usize, 0..3_u16, any::<bool>()).prop_map(|(t, c, f)| Event::Load(t, c, f)),
        8 => (transport(), 0..5_000_usize, any::<bool>()).prop_map(|(t, frames, o)| Event::Block(t, frames, o)),
        1 => (any::<bool>(), 1..3_u16).prop_map(|(again, channels)| Event::Activate(again, channels)),
        1 => Just(Event::Reset),
    ]
}

/// Runs the events with a disk beside that fills what is wanted; all reels ever loaded.
fn run(rig: &mut Rig, channels: &mut u16, events: &[Event]) -> Vec<Arc<Reel>> {
    let (is_done, mut reels) = (AtomicBool::new(false), Vec::new());
    std::thread::scope(|scope| {
        let _until = Until(&is_done);
        for event in events {
            match event {
                Event::Order(order) => rig.order(order.clone()),
                Event::Load(tracks, channels, is_full) => {
                    let reel = Arc::new(Reel::new(shape(*tracks, *channels, 3 * PAGE, 100)));
                    reels.push(Arc::clone(&reel));
                    rig.order(Order::Load(Arc::clone(&reel)));
                    if *is_full {
                        fill(&reel, named);
                    } else {
                        let is_done = &is_done;
                        scope.spawn(move || {
                            while !is_done.load(Relaxed) && reel.frames_missing() > 0 {
                                fill(&reel, named);
                            }
                        });
                    }
                }
                Event::Block(transport, frames, is_offline) => {
                    rig.is_offline = *is_offline;
                    let input = noise(usize::from(*channels), *frames, 7);
                    let (output, _) = rig.block(&input, transport);
                    assert!(output.iter().flatten().all(|sample| sample.is_finite()));
                }
                Event::Activate(again, width) => {
                    if !again {
                        rig.engine.deactivate();
                    }
                    *channels = *width;
                    rig.engine.activate(48_000, *width);
                }
                Event::Reset => rig.engine.reset(),
            }
        }
    });
    reels
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn whatever_happens_nothing_is_asked_of_the_allocator_and_takes_add_up(
        events in prop::collection::vec(event(), 1..60),
    ) {
        let (mut rig, mut channels) = (Rig::new(2), 2);
        let reels = run(&mut rig, &mut channels, &events);
        rig.order(Order::StopRecording);
        rig.order(Order::Unload);
        let mut back = Vec::new();
        for _ in 0..8 {
            rig.silent(usize::from(channels), 16, &Transport::default());
            back.extend(std::iter::from_fn(|| rig.desk.retired.pop().ok()));
        }
        let mut samples = 0;
        let mut width = 0;
        for report in rig.reports() {
            match report {
                Report::Begun { channels, .. } => width = u64::from(channels),
                Report::Ended { frames, lost_frames, .. } => {
                    prop_assert_eq!(lost_frames, 0);
                    samples += frames * width;
                }
                Report::Activated { .. } => {}
            }
        }
        prop_assert_eq!(rig.tape().len() as u64, samples, "the tape holds the takes and nothing else");
        prop_assert_eq!(back.len(), reels.len(), "every reel came back");
    }
}

#[test]
fn the_watch_over_the_allocator_sees_what_it_shall_see() {
    let before = violation_count();
    let memory = assert_no_alloc(|| std::hint::black_box(vec![0_u8; 100]));
    assert!(violation_count() > before);
    let before = violation_count();
    assert_no_alloc(|| drop(memory));
    assert!(violation_count() > before);
}
