//! Every shortcut yields its command, once, and none while text is typed.

use super::*;
use egui::{Key, Modifiers};
use std::sync::atomic::Ordering::Relaxed;
use tributary_plugin::command::Command;
use tributary_plugin::view::{Recorder, Trigger};

fn check(view: View, key: Key, wanted: &[Command]) {
    let mut window = open(view);
    window.key(key);
    window.rest();
    assert_eq!(window.took(), wanted, "{key:?}");
}

#[test]
fn record_and_disarm() {
    check(ready(), Key::R, &[Command::Record(Trigger::Transport)]);
    check(View { recorder: Recorder::Armed, ..ready() }, Key::R, &[Command::StopRecording]);
    check(View { recorder: Recorder::Armed, ..ready() }, Key::Escape, &[Command::StopRecording]);
    check(ready(), Key::Escape, &[]);
    let mut window = open(ready());
    window.holding(Modifiers::SHIFT, |window| window.key(Key::R));
    assert_eq!(window.took(), [Command::Record(Trigger::Now)]);
}

#[test]
fn play_and_locate() {
    check(done(), Key::Space, &[Command::Play(true)]);
    check(View::default(), Key::Space, &[]);
    check(done(), Key::Home, &[Command::Locate(0)]);
    check(done(), Key::ArrowLeft, &[Command::Locate(0)]);
    // A beat at 104 bpm and 44.1 kHz.
    check(done(), Key::ArrowRight, &[Command::Locate(25_442)]);
    let all = (0, song().mixture.outline.frames);
    check(done(), Key::L, &[Command::Loop(Some(all))]);
}

#[test]
fn the_transport_of_the_host_goes_first() {
    let mut window = open(done());
    window.gauges.is_host_playing.store(true, Relaxed);
    window.key(Key::Space);
    assert_eq!(window.took(), []);
}

#[test]
fn solo_and_mute_of_the_row_under_the_pointer() {
    let mut window = open(done());
    window.point(window.middle("Drag bass"));
    window.rest();
    window.key(Key::S);
    window.key(Key::M);
    let wanted = [Command::SetSolo("bass".to_owned(), true), Command::SetMute("bass".to_owned(), true)];
    assert_eq!(window.took(), wanted);
}

#[test]
fn solo_of_the_selected_rows() {
    let mut window = open(done());
    window.click("vocals row");
    window.holding(Modifiers::COMMAND, |window| window.click("bass row"));
    window.point(egui::pos2(5.0, 5.0));
    window.rest();
    window.key(Key::S);
    let wanted = [Command::SetSolo("vocals".to_owned(), true), Command::SetSolo("bass".to_owned(), true)];
    assert_eq!(window.took(), wanted);
    window.key(Key::Escape);
    window.key(Key::S);
    assert_eq!(window.took(), []);
}

#[test]
fn text_fields_swallow_shortcuts() {
    let mut window = open(done());
    window.click("Rename take");
    for key in [Key::R, Key::Space, Key::S, Key::M, Key::L, Key::ArrowLeft, Key::Home] {
        window.key(key);
    }
    assert_eq!(window.took(), []);
}

#[test]
fn escape_closes_what_is_open_before_it_disarms() {
    let mut window = open(View { recorder: Recorder::Armed, ..ready() });
    window.click("Settings");
    window.key(Key::Escape);
    window.rest();
    assert!(window.find("Connect").is_none());
    assert_eq!(window.took(), []);
    window.click("Verse 2");
    assert!(window.text().contains("Chorus"));
    window.key(Key::Escape);
    window.rest();
    assert!(!window.text().contains("Chorus"));
    assert_eq!(window.took(), []);
    window.key(Key::Escape);
    assert_eq!(window.took(), [Command::StopRecording]);
}
