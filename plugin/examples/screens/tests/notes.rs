//! Notes are picked, heard and dragged; tracks come and go; a transcript is read, followed and copied.

use super::*;
use crate::scenes::tasks;
use egui::{Key, Modifiers, Pos2, Rect, pos2, vec2};
use std::path::PathBuf;
use std::sync::Arc;
use tributary_plugin::command::Command;
use tributary_plugin::library::Music;
use tributary_plugin::view::{Monitor, Picked};

/// A window with two notes of a second each: C4 at the start, C5 later.
fn two() -> Window {
    let mut view = tasks::transcribed(song());
    let text = br#"{"notes":[{"start_seconds":1,"end_seconds":2,"pitch":60},
        {"start_seconds":10,"end_seconds":11,"pitch":72}]}"#;
    if let Some(result) = &mut view.result {
        result.music = Some(Arc::new(Music::read(text)));
    }
    open(view)
}

fn well(window: &Window) -> Rect {
    window.find("Notes of the take").expect("notes are in the window")
}

/// Where a second and a share of the height lie.
fn at(window: &Window, seconds: f32, share: f32) -> Pos2 {
    let well = well(window);
    let all = song().mixture.outline.frames as f32 / song().rate_hz as f32;
    pos2(well.left() + well.width() * seconds / all, well.top() + well.height() * share)
}

/// Where a note is, found by what it says under the pointer.
fn note(window: &mut Window, seconds: f32, name: &str) -> Pos2 {
    for step in 0..100u8 {
        let place = at(window, seconds, f32::from(step) / 100.0);
        window.point(place);
        if window.text().contains(&format!("{name}   velocity")) {
            return place;
        }
    }
    panic!("there is no {name}");
}

#[test]
fn a_click_picks_a_note_with_shift_one_more_and_beside_them_none() {
    let mut window = two();
    let (low, high) = (note(&mut window, 1.5, "C4"), note(&mut window, 10.5, "C5"));
    window.click_at(low);
    assert_eq!(window.took(), [Command::PickNotes(vec![0])]);
    window.holding(Modifiers::SHIFT, |window| window.click_at(high));
    assert_eq!(window.took(), [Command::PickNotes(vec![0, 1])]);
    window.holding(Modifiers::SHIFT, |window| window.click_at(low));
    assert_eq!(window.took(), [Command::PickNotes(vec![1])]);
    window.click_at(at(&window, 5.0, 0.5));
    let [Command::Locate(_), Command::PickNotes(none)] = &window.took()[..] else { panic!("goes there") };
    assert!(none.is_empty());
}

#[test]
fn a_frame_picks_what_it_holds_once_it_is_drawn() {
    let mut window = two();
    window.drag(at(&window, 0.7, 0.02), at(&window, 5.0, 0.98));
    assert_eq!(window.took(), [Command::PickNotes(vec![0])]);
    window.holding(Modifiers::SHIFT, |window| window.drag(at(window, 13.0, 0.02), at(window, 9.0, 0.98)));
    assert_eq!(window.took(), [Command::PickNotes(vec![0, 1])]);
    window.drag(at(&window, 3.0, 0.02), at(&window, 5.0, 0.98));
    assert_eq!(window.took(), [Command::PickNotes(Vec::new())]);
}

#[test]
fn keys_pick_walk_hear_and_let_go() {
    let mut window = two();
    let after = |window: &mut Window, key| {
        window.key(key);
        window.rest();
        window.took()
    };
    window.holding(Modifiers::COMMAND, |window| window.key(Key::A));
    window.rest();
    assert_eq!(window.took(), [Command::PickNotes(vec![0, 1])]);
    assert_eq!(after(&mut window, Key::Escape), [Command::PickNotes(Vec::new())]);
    assert_eq!(after(&mut window, Key::ArrowDown), [Command::PickNotes(vec![0])]);
    assert_eq!(after(&mut window, Key::ArrowDown), [Command::PickNotes(vec![1])]);
    assert_eq!(after(&mut window, Key::ArrowDown), []);
    let first = Command::Locate(u64::from(song().rate_hz) * 10);
    assert_eq!(after(&mut window, Key::H), [Command::HearPicked(true), first, Command::Play(true)]);
    assert_eq!(after(&mut window, Key::ArrowUp), [Command::PickNotes(vec![0])]);
}

#[test]
fn what_is_picked_is_dragged_by_its_handle_and_by_the_notes_once_its_file_is_there() {
    let mut window = two();
    let low = note(&mut window, 1.5, "C4");
    window.click_at(low);
    let handle = window.middle("Drag picked notes");
    window.drag(handle, handle - vec2(200.0, 0.0));
    assert!(window.hands.begun.is_empty(), "no file yet");
    tasks::answer(&mut window);
    window.drag(handle, handle - vec2(200.0, 0.0));
    window.drag(low, low + vec2(0.0, 200.0));
    let file = PathBuf::from("/music/takes/Verse 2 - 1 notes - 104bpm - bar 3.mid");
    assert_eq!(window.hands.begun, [vec![file.clone()], vec![file]]);
    assert!(window.took().iter().all(|command| *command == Command::PickNotes(vec![0])));
    // Another choice: that file is not it.
    let high = note(&mut window, 10.5, "C5");
    window.click_at(high);
    window.drag(handle, handle - vec2(200.0, 0.0));
    assert_eq!(window.hands.begun.len(), 2);
}

#[test]
fn heard_alone_is_a_button_that_stays_down() {
    let mut window = two();
    window.view.player.monitor = Monitor::Input;
    let high = note(&mut window, 10.5, "C5");
    window.click_at(high);
    window.took();
    window.click("Hear notes");
    let first = Command::Locate(u64::from(song().rate_hz) * 10);
    let monitor = Command::SetMonitor(Monitor::Stems);
    assert_eq!(window.took(), [Command::HearPicked(true), first, monitor, Command::Play(true)]);
    if let Some(result) = &mut window.view.result {
        result.picked = Some(Picked { notes: [1].into(), file: None, are_heard_alone: true });
    }
    window.rest();
    window.click("Hear notes");
    assert_eq!(window.took(), [Command::HearPicked(false)]);
}

#[test]
fn tracks_out_of_sight_are_not_picked() {
    let mut window = open(tasks::of_stems(song()));
    window.holding(Modifiers::COMMAND, |window| window.key(Key::A));
    window.rest();
    let [Command::PickNotes(all)] = &window.took()[..] else { panic!("all") };
    window.click("Notes of bass");
    let [Command::PickNotes(some)] = &window.took()[..] else { panic!("fewer") };
    assert!(!some.is_empty() && some.len() < all.len());
}

#[test]
fn a_drag_in_the_ruler_is_a_loop_and_the_keys_zoom_pitches() {
    let mut window = two();
    let ruler = window.find("Ruler of the take").expect("a ruler");
    window.drag(ruler.left_center() + vec2(20.0, 0.0), ruler.left_center() + vec2(200.0, 0.0));
    assert!(matches!(window.took()[..], [Command::Loop(Some(_))]));
    let before = note(&mut window, 10.5, "C5");
    let keys = window.find("Pitches").expect("keys");
    window.holding(Modifiers::COMMAND, |window| {
        window.wheel(pos2(keys.center().x, before.y), vec2(0.0, 200.0));
    });
    let height = |window: &mut Window| {
        let mut seen = 0;
        for step in 0..100u8 {
            window.point(at(window, 10.5, f32::from(step) / 100.0));
            seen += usize::from(window.text().contains("C5   velocity"));
        }
        seen
    };
    let close = height(&mut window);
    window.key(Key::F);
    window.rest();
    assert!(close > height(&mut window), "closer lanes are higher");
}

#[test]
fn a_line_of_a_transcript_goes_there_and_all_is_copied() {
    let mut window = open(tasks::said(song()));
    window.click("We kept it.");
    let rate_hz = f64::from(song().rate_hz);
    assert_eq!(window.took(), [Command::Locate((10.2 * rate_hz) as u64)]);
    window.click("Copy all");
    assert_eq!(window.copied.len(), 1);
    assert!(window.copied[0].starts_with("Well, the first thing") && window.copied[0].lines().count() == 5);
    let from = window.middle("Drag transcript.srt");
    window.drag(from, from - vec2(200.0, 0.0));
    assert_eq!(window.hands.begun.len(), 1);
}
