//! Tabs, controls and references yield their commands; sheets are dragged; notes and reports of any kind are drawn.

use super::*;
use crate::scenes::tasks;
use egui::{Modifiers, pos2, vec2};
use std::path::PathBuf;
use std::sync::Arc;
use tributary_plugin::command::Command;
use tributary_plugin::library::music::Note;
use tributary_plugin::library::report::{CurvePoint, Figures};
use tributary_plugin::library::{Music, Report, SettingRecord};

fn chosen(task: &str) -> Window {
    open(tasks::chosen(song(), task))
}

fn set(control: &str, value: SettingRecord) -> Command {
    Command::Set(control.to_owned(), Some(value))
}

fn default(control: &str) -> Command {
    Command::Set(control.to_owned(), None)
}

#[test]
fn every_task_on_offer_has_its_tab() {
    for (tab, task) in [("Enhance", "enhance"), ("Transcribe", "transcribe"), ("Master", "master")] {
        let mut window = open(tasks::chosen(song(), "separate"));
        window.view.choice.model = "mini".to_owned();
        window.rest();
        window.click(tab);
        assert_eq!(window.took(), [Command::ChooseTask(task.to_owned())]);
    }
}

#[test]
fn the_button_has_the_word_of_the_task() {
    for (task, word) in [("enhance", "Enhance"), ("transcribe", "Transcribe"), ("master", "Master")] {
        let mut window = chosen(task);
        assert!(window.text().matches(word).count() >= 2, "tab and button: {}", window.text());
        window.click_at(pos2(852.0, 590.0));
        assert_eq!(window.took(), [Command::Run], "{task}");
    }
}

#[test]
fn a_slider_says_what_it_was_dragged_to_and_its_default_when_clicked_twice() {
    let mut window = chosen("enhance");
    let way = window.find("Strength").expect("a slider");
    let y = way.bottom() - 10.0;
    window.drag(pos2(way.right() - 8.0, y), pos2(way.left(), y));
    assert_eq!(window.took().last(), Some(&set("strength_db", SettingRecord::Number(0.0))));
    window.view.choice.settings = [("strength_db".to_owned(), SettingRecord::Number(30.0))].into();
    window.rest();
    assert!(window.text().contains("30 dB"));
    window.double_click_at(pos2(way.center().x, way.top() + 6.0));
    assert_eq!(window.took().last(), Some(&default("strength_db")));
}

#[test]
fn what_is_dragged_back_to_its_default_is_not_said() {
    let mut window = chosen("enhance");
    window.view.choice.settings = [("strength_db".to_owned(), SettingRecord::Number(30.0))].into();
    window.rest();
    let way = window.find("Strength").expect("a slider");
    let y = way.bottom() - 10.0;
    window.drag(pos2(way.center().x, y), pos2(way.right() + 20.0, y));
    assert_eq!(window.took().last(), Some(&default("strength_db")));
}

#[test]
fn switches_and_choices_say_their_value_and_rare_ones_are_folded_away() {
    let mut window = chosen("transcribe");
    assert!(window.find("Onset threshold").is_none());
    window.click("One note at a time");
    assert_eq!(window.took(), [set("mono", SettingRecord::Switch(true))]);
    window.click("Instrument");
    window.click("Voice");
    assert_eq!(window.took(), [set("instrument", SettingRecord::Choice("voice".to_owned()))]);
    window.click("More controls");
    assert!(window.find("Onset threshold").is_some());
    window.click("More controls");
    assert!(window.find("Onset threshold").is_none());
    assert_eq!(window.took(), []);
}

#[test]
fn references_are_chosen_and_left_out() {
    let mut window = chosen("master");
    window.click("Choose a reference\u{2026}");
    assert_eq!(window.took(), [Command::ChooseReference]);
    let scenes = scenes::all(song());
    let scene = scenes.iter().find(|scene| scene.name == "55-master-reference").expect("the scene");
    let mut window = open(scene.view.clone());
    window.click("Remove Their best song.wav");
    assert_eq!(window.took(), [Command::DropReference(0)]);
    assert!(chosen("enhance").find("Choose a reference\u{2026}").is_none());
}

fn sheet(name: &str) -> PathBuf {
    let (title, end) = name.rsplit_once('.').expect("a name with an end");
    PathBuf::from(format!("/music/takes/Verse 2 - {title} - 104bpm - bar 3.{end}"))
}

#[test]
fn midi_is_dragged_by_its_row_by_the_notes_and_with_all() {
    let mut window = open(tasks::transcribed(song()));
    for name in ["Drag notes", "Drag notes.mid", "Drag score.musicxml", "Drag all stems"] {
        let from = window.middle(name);
        window.drag(from, from - vec2(200.0, 0.0));
    }
    let midi = || vec![sheet("notes.mid")];
    assert_eq!(window.hands.begun, [midi(), midi(), vec![sheet("score.musicxml")], midi()]);
    window.click("Show notes.mid in folder");
    assert_eq!(window.took(), [Command::Reveal(sheet("notes.mid"))]);
    assert!(window.find("Drag analysis.json").is_none());
}

#[test]
fn only_whole_sheets_are_dragged() {
    let mut view = tasks::transcribed(song());
    if let Some(result) = &mut view.result {
        result.sheets.iter_mut().for_each(|sheet| sheet.file = None);
    }
    let mut window = open(view);
    let from = window.middle("Drag notes.mid");
    window.drag(from, from - vec2(200.0, 0.0));
    assert!(window.hands.begun.is_empty());
}

#[test]
fn the_note_under_the_pointer_says_what_it_is() {
    let mut view = tasks::transcribed(song());
    let note =
        Note { start: 0.0, end: 30.0, pitch: 60, velocity: 80, confidence: 0.5, bends: Vec::new(), track: 0 };
    if let Some(result) = &mut view.result {
        result.music = Some(Arc::new(Music { notes: vec![note], longest: 30.0, ..Music::default() }));
    }
    let mut window = open(view);
    let well = window.find("Notes of the take").expect("a take");
    for y in 0..well.height() as u8 {
        window.point(pos2(well.left() + 30.0, well.top() + f32::from(y)));
        if window.text().contains("C4   velocity 80   50 % sure") {
            return;
        }
    }
    panic!("nowhere a note");
}

/// Draws it at any size and zoom.
fn look(view: View) {
    for size in [SIZE, SMALLEST, (40.0, 30.0), (4_000.0, 2_000.0)] {
        let mut window = Window::new(view.clone(), size, 1.0);
        let middle = pos2(size.0 / 3.0, size.1 / 3.0);
        window.holding(Modifiers::COMMAND, |window| window.wheel(middle, vec2(0.0, 900.0)));
        window.wheel(middle, vec2(700.0, 300.0));
        if window.find("Spectrogram").is_some() {
            window.click("Spectrogram");
        }
    }
}

#[test]
fn odd_music_brings_nothing_down() {
    let texts = [
        "",
        "[]",
        r#"{"notes":[{"start_seconds":0,"end_seconds":21600,"pitch":0,"bends":[1e300,null,-9]}]}"#,
        r#"{"notes":[{"start_s":3,"end_s":2,"pitch":127,"velocity":-4,"confidence":9}],"beats_s":[9,1,1e9]}"#,
    ];
    let note = |start: f64, end: f64, pitch| Note {
        start,
        end,
        pitch,
        velocity: u8::MAX,
        confidence: f32::NAN,
        bends: vec![f32::NAN, f32::INFINITY],
        track: 9,
    };
    let many = (0..50_000u32).map(|index| note(f64::from(index) / 1e3, f64::from(index) / 1e3 + 9.0, 60));
    let made = [
        vec![note(f64::NAN, f64::NAN, 255), note(-1e300, 1e300, 3)],
        vec![note(0.0, f64::INFINITY, 255)],
        many.collect(),
    ];
    let made = made.map(|notes| Music {
        notes,
        beats: vec![f64::NAN, -1e300, 1e300],
        longest: f64::INFINITY,
        ..Music::default()
    });
    for music in texts.iter().map(|text| Music::read(text.as_bytes())).chain(made) {
        let mut view = tasks::transcribed(song());
        if let Some(result) = &mut view.result {
            result.music = Some(Arc::new(music));
        }
        look(view);
    }
}

#[test]
fn odd_reports_and_controls_bring_nothing_down() {
    let figures = Figures { integrated_lufs: Some(f64::NAN), range_lu: Some(f64::MAX), ..Figures::default() };
    let point = |hz, mid_db, side_db| CurvePoint { hz, mid_db, side_db };
    let curve = vec![
        point(f64::NAN, f64::INFINITY, None),
        point(1e300, -1e300, Some(f64::NAN)),
        point(0.0, 0.0, None),
    ];
    let mut view = tasks::made(song(), "master", &[("master", 0)]);
    if let Some(result) = &mut view.result {
        let notes = vec!["a long note ".repeat(500); 9];
        let report = Report { before: figures, curve, notes, ..tasks::report() };
        result.report = Some(Arc::new(report));
    }
    let mut offer = view.offer.to_vec();
    for control in offer.iter_mut().flat_map(|model| &mut model.controls) {
        control.title = "\u{202e}long ".repeat(900);
        control.help.clear();
        if let tributary_protocol::settings::ControlKind::Number { min, max, step, default, .. } =
            &mut control.kind
        {
            (*min, *max, *step, *default) = (9.0, f64::NAN, -1.0, f64::INFINITY);
        }
    }
    view.offer = offer.into();
    view.choice.settings = [("target_lufs".to_owned(), SettingRecord::Number(f64::NAN))].into();
    look(view);
}
