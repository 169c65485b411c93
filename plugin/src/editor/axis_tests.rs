//! Frames and places on the screen agree at every zoom; rulers count bars as the song does.

use super::*;
use crate::library::{Origin, Place, TakeId};
use egui::{pos2, vec2};

const ROW: Rangef = Rangef { min: 100.0, max: 600.0 };

fn row() -> Rect {
    Rect::from_min_size(pos2(0.0, 0.0), vec2(700.0, 20.0))
}

fn take(place: Place) -> TakeInfo {
    TakeInfo {
        id: TakeId::generate(),
        name: "Verse 2".to_owned(),
        frames: 480_000,
        channels: 2,
        rate_hz: 48_000,
        place,
        origin: Origin::Recorded,
        lost_frames: 0,
        trim: None,
        made_at_us: 0,
    }
}

#[test]
fn a_place_is_the_frame_that_is_drawn_there() {
    for factor in [1.0, 2.0, 7.5, 100.0, 1e9] {
        let mut axis = Axis::whole(1_000_000);
        axis.zoom(ROW, 300.0, factor);
        for x in [100.0, 260.0, 300.0, 599.0] {
            let frame = axis.frame(ROW, x);
            assert!((axis.x(ROW, frame as f64) - x).abs() <= 1.0, "{factor} {x} {frame}");
        }
    }
}

#[test]
fn zooming_keeps_what_is_under_the_pointer() {
    let mut axis = Axis::whole(1_000_000);
    let before = axis.frame(ROW, 225.0);
    axis.zoom(ROW, 225.0, 4.0);
    assert_eq!(axis.frame(ROW, 225.0), before);
    axis.zoom(ROW, 225.0, 0.001);
    assert!(axis.is_whole());
}

#[test]
fn scrolling_and_following_stay_inside_the_take() {
    let mut axis = Axis::whole(1_000_000);
    axis.zoom(ROW, 100.0, 10.0);
    axis.scroll(ROW, 1e9);
    assert_eq!(axis.shares(), (0.9, 0.1));
    axis.follow(500_000.0);
    assert_eq!(axis.first, 495_000.0);
    axis.scroll(ROW, f32::NEG_INFINITY);
    axis.scroll(ROW, -1e30);
    assert_eq!(axis.first, 0.0);
}

#[test]
fn hostile_lengths_and_factors_do_no_harm() {
    for frames in [0, 1, u64::MAX] {
        let mut axis = Axis::whole(frames);
        for factor in [0.0, -1.0, f32::NAN, f32::INFINITY, f32::MIN_POSITIVE, 1e30] {
            axis.zoom(ROW, f32::NAN, factor);
            axis.zoom(ROW, 300.0, factor);
            assert!(axis.frame(ROW, 1e30) <= frames.max(1));
            assert!(second_marks(&axis, row(), 0).len() <= MARKS_MAX);
        }
    }
}

#[test]
fn bars_are_numbered_from_the_take_s_place_in_the_song() {
    // 120 bpm: a bar of 4/4 is 96 000 frames; the take begins half a bar into bar 3.
    let place =
        Place { beats: Some(10.0), bar: Some(3), tempo: Some(120.0), meter: Some((4, 4)), frames: None };
    let beats = Beats::of(&take(place)).unwrap();
    let marks = beats.marks(&Axis::whole(480_000), row());
    let labels: Vec<_> = marks.iter().filter_map(|mark| Some((mark.frame, mark.label.clone()?))).collect();
    assert_eq!(labels[0], (48_000.0, "4".to_owned()));
    assert_eq!(labels[1], (144_000.0, "5".to_owned()));
    assert_eq!(beats.beat_frames(), 24_000.0);
}

#[test]
fn a_take_without_tempo_or_place_has_seconds_only() {
    let tempo = Place { tempo: Some(120.0), ..Place::default() };
    let broken = Place { tempo: Some(f64::NAN), bar: Some(1), ..Place::default() };
    for place in [Place::default(), tempo, broken] {
        assert_eq!(Beats::of(&take(place)), None);
    }
    let marks = second_marks(&Axis::whole(480_000), row(), 48_000);
    let labels: Vec<_> = marks.into_iter().filter_map(|mark| mark.label).collect();
    assert_eq!(labels[..3], ["0:00", "0:01", "0:02"]);
}

#[test]
fn odd_meters_and_far_bars_have_finitely_many_marks() {
    for meter in [(1, 32), (65_535, 1), (7, 8)] {
        let place = Place { bar: Some(i32::MAX), tempo: Some(999.0), meter: Some(meter), ..Place::default() };
        let beats = Beats::of(&take(place)).unwrap();
        assert!(beats.marks(&Axis::whole(u64::MAX), row()).len() <= MARKS_MAX, "{meter:?}");
    }
}
