//! Clicks, drags and the wheel on the waveform give the right frames at every zoom; faders give the right gains.

use super::*;
use egui::{Modifiers, Pos2, Rect, pos2, vec2};
use tributary_plugin::command::Command;

/// Where the waveform of the take lies.
fn well(window: &Window) -> Rect {
    window.find("Waveform of the take").expect("a take is in the window")
}

fn frames() -> u64 {
    song().mixture.outline.frames
}

/// The frame at a share of the width while all is in sight.
fn frame(share: f32) -> u64 {
    (frames() as f64 * f64::from(share)).round() as u64
}

/// Half a point of the default window, in frames.
const NEAR: u64 = 1_000;

fn near(frame: u64, wanted: u64, tolerance: u64) {
    assert!(frame.abs_diff(wanted) <= tolerance, "{frame} is not near {wanted}");
}

fn at(well: Rect, share: f32) -> Pos2 {
    pos2(well.left() + well.width() * share, well.center().y)
}

#[test]
fn a_click_on_the_waveform_goes_there() {
    let mut window = open(ready());
    let well = well(&window);
    window.click_at(at(well, 0.25));
    let [Command::Locate(to)] = window.took()[..] else { panic!("one command") };
    near(to, frame(0.25), NEAR);
}

#[test]
fn a_click_on_a_stem_goes_there() {
    let mut window = open(done());
    let (name, solo) = (window.middle("vocals row"), window.find("Solo vocals").expect("solo").left());
    let (left, right) = (96.0, solo - 12.0);
    window.click_at(pos2((left + right) / 2.0, name.y));
    let [Command::Locate(to)] = window.took()[..] else { panic!("one command") };
    near(to, frame(0.5), 2 * NEAR);
}

#[test]
fn a_drag_on_the_waveform_loops_what_was_passed() {
    for (from, to) in [(0.2, 0.6), (0.6, 0.2)] {
        let mut window = open(ready());
        let well = well(&window);
        window.drag(at(well, from), at(well, to));
        let [Command::Loop(Some((first, end)))] = window.took()[..] else { panic!("one command") };
        near(first, frame(0.2), NEAR);
        near(end, frame(0.6), NEAR);
    }
}

#[test]
fn a_drag_of_a_handle_trims_when_it_is_let_go() {
    let mut window = open(ready());
    let well = well(&window);
    window.drag(pos2(well.left() + 2.0, well.center().y), at(well, 0.1));
    let [Command::Trim(Some((first, end)))] = window.took()[..] else { panic!("one command") };
    near(first, frame(0.1), NEAR);
    assert_eq!(end, frames());
    // The session has not answered yet: what was wished is seen, and the other end can be taken.
    window.drag(pos2(well.right() - 2.0, well.center().y), at(well, 0.9));
    let [Command::Trim(Some((kept, end)))] = window.took()[..] else { panic!("one command") };
    assert_eq!(kept, first);
    near(end, frame(0.9), NEAR);
}

#[test]
fn a_handle_that_is_brought_back_trims_nothing() {
    let mut window = open(ready());
    let well = well(&window);
    window.drag(pos2(well.left() + 2.0, well.center().y), pos2(well.left() - 40.0, well.center().y));
    assert_eq!(window.took(), []);
}

#[test]
fn the_part_in_use_keeps_a_tenth_of_a_second() {
    let mut window = open(ready());
    let well = well(&window);
    window.drag(pos2(well.left() + 2.0, well.center().y), at(well, 1.0));
    assert_eq!(window.took(), [Command::Trim(Some((frames() - 4_410, frames())))]);
}

#[test]
fn a_double_click_on_a_handle_takes_all_again() {
    let mut view = ready();
    if let Some(take) = &mut view.take {
        let mut info = take.info.as_ref().clone();
        info.trim = Some((frames() / 4, frames() / 2));
        take.info = std::sync::Arc::new(info);
    }
    let mut window = open(view);
    let well = well(&window);
    window.double_click_at(at(well, 0.25));
    assert_eq!(window.took(), [Command::Trim(None)]);
}

#[test]
fn frames_are_right_when_zoomed_in() {
    for turns in [1, 4, 12] {
        let mut window = open(ready());
        let well = well(&window);
        // The pointer stays where the wheel turned: what is under it keeps its place.
        let held = at(well, 0.5);
        window.holding(Modifiers::COMMAND, |window| {
            for _ in 0..turns {
                window.wheel(held, vec2(0.0, 60.0));
            }
        });
        window.click_at(held);
        let [Command::Locate(to)] = window.took()[..] else { panic!("one command") };
        near(to, frame(0.5), NEAR);
        window.drag(at(well, 0.4), at(well, 0.6));
        let [Command::Loop(Some((first, end)))] = window.took()[..] else { panic!("one command") };
        assert!(end - first < frame(0.2) - NEAR, "{turns} turns: {first}..{end}");
        near((first + end) / 2, frame(0.5), NEAR);
    }
}

#[test]
fn the_wheel_scrolls_and_the_button_shows_all_again() {
    let mut window = open(ready());
    let well = well(&window);
    window.holding(Modifiers::COMMAND, |window| {
        for _ in 0..8 {
            window.wheel(at(well, 0.0), vec2(0.0, 60.0));
        }
    });
    window.wheel(at(well, 0.5), vec2(0.0, -200.0));
    window.click_at(at(well, 0.0) + vec2(20.0, 0.0));
    let [Command::Locate(to)] = window.took()[..] else { panic!("one command") };
    assert!(to > 4 * NEAR, "{to}");
    window.click("Show all");
    window.click_at(at(well, 0.25));
    let [Command::Locate(to)] = window.took()[..] else { panic!("one command") };
    near(to, frame(0.25), NEAR);
}

#[test]
fn a_fader_is_dragged_and_reset() {
    let mut window = open(done());
    let way = window.find("Gain of drums").expect("a fader");
    window.drag(way.center(), pos2(way.left(), way.center().y));
    let commands = window.took();
    let gains: Vec<f32> = commands
        .iter()
        .filter_map(|command| match command {
            Command::SetGain(stem, gain) if stem == "drums" => Some(*gain),
            _ => None,
        })
        .collect();
    assert_eq!(gains.len(), commands.len());
    assert!(gains.last().is_some_and(|gain| (gain + 60.0).abs() < 0.01), "{gains:?}");
    if let Some(result) = &mut window.view.result {
        result.stems[1].gain_db = -12.0;
    }
    window.rest();
    window.double_click_at(way.center());
    assert_eq!(window.took().last(), Some(&Command::SetGain("drums".to_owned(), 0.0)));
}
