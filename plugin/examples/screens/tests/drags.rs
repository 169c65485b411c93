//! Files go out of the window as selected, whole ones only, and come in as takes.

use super::*;
use egui::Modifiers;
use std::path::PathBuf;
use tributary_plugin::command::Command;

fn file(stem: &str) -> PathBuf {
    PathBuf::from(format!("/music/takes/Verse 2 - {stem} - 104bpm - bar 3.wav"))
}

fn pull(window: &mut Window, name: &str) {
    let from = window.middle(name);
    window.drag(from, from - egui::vec2(200.0, 0.0));
}

#[test]
fn a_handle_drags_its_own_file_once() {
    let mut window = open(done());
    pull(&mut window, "Drag drums");
    assert_eq!(window.hands.begun, [vec![file("drums")]]);
    assert_eq!(window.took(), []);
}

#[test]
fn a_selected_handle_drags_the_selection() {
    let mut window = open(done());
    window.click("vocals row");
    window.holding(Modifiers::COMMAND, |window| window.click("other row"));
    pull(&mut window, "Drag other");
    pull(&mut window, "Drag bass");
    assert_eq!(window.hands.begun, [vec![file("vocals"), file("other")], vec![file("bass")]]);
}

#[test]
fn a_key_that_is_let_go_right_after_the_click_was_held_at_it() {
    let mut window = open(done());
    window.click("vocals row");
    window.click_letting_go("other row", Modifiers::COMMAND);
    pull(&mut window, "Drag other");
    assert_eq!(window.hands.begun, [vec![file("vocals"), file("other")]]);
}

#[test]
fn shift_selects_all_between() {
    let mut window = open(done());
    window.click("drums row");
    window.holding(Modifiers::SHIFT, |window| window.click("other row"));
    pull(&mut window, "Drag bass");
    assert_eq!(window.hands.begun, [vec![file("drums"), file("bass"), file("other")]]);
}

#[test]
fn only_whole_files_are_dragged() {
    let mut view = done();
    if let Some(result) = &mut view.result {
        result.stems[0].file = None;
    }
    let mut window = open(view);
    pull(&mut window, "Drag vocals");
    assert!(window.hands.begun.is_empty());
    pull(&mut window, "Drag all stems");
    assert_eq!(window.hands.begun, [vec![file("drums"), file("bass"), file("other")]]);
}

#[test]
fn why_a_drag_cannot_begin_is_said_until_dismissed() {
    let mut window = open(done());
    window.hands.refusal = Some("The DAW does not take files here.".to_owned());
    pull(&mut window, "Drag drums");
    assert!(window.text().contains("does not take files here"));
    window.click("Dismiss");
    assert!(!window.text().contains("does not take files here"));
    assert_eq!(window.took(), []);
}

#[test]
fn where_nothing_can_be_dragged_the_file_is_shown_in_its_folder() {
    let mut window = open(done());
    window.hands.can = false;
    window.rest();
    window.click("Show vocals in folder");
    window.click("Show files");
    assert_eq!(window.took(), [Command::Reveal(file("vocals")), Command::Reveal(file("vocals"))]);
}

#[test]
fn the_menu_of_a_row_shows_the_file_or_copies_its_path() {
    let mut window = open(done());
    window.right_click("bass row");
    window.click("Show in folder");
    assert_eq!(window.took(), [Command::Reveal(file("bass"))]);
    window.right_click("bass row");
    window.click("Copy path");
    assert_eq!(window.copied, [file("bass").display().to_string()]);
}

#[test]
fn a_file_dropped_on_the_window_becomes_a_take() {
    let mut window = open(View::default());
    window.hands.dropped = vec![PathBuf::from("/music/a.wav"), PathBuf::new()];
    window.rest();
    assert_eq!(window.took(), [Command::Import(PathBuf::from("/music/a.wav"))]);
}

#[test]
fn one_drop_makes_a_bounded_number_of_takes() {
    let mut window = open(View::default());
    window.hands.dropped = vec![PathBuf::from("/music/a.wav"); 5_000];
    window.rest();
    assert_eq!(window.took().len(), 16);
}
