//! Every state says its words, at every size; the window sleeps when nothing moves.

use super::*;
use crate::scenes::Scene;
use std::sync::atomic::Ordering::Relaxed;
use tributary_plugin::editor::Watch;

fn play(scene: &Scene, size: (f32, f32), scale: f32) -> Window {
    let mut window = Window::new(scene.view.clone(), size, scale);
    (scene.play)(&mut window);
    window
}

#[test]
fn every_state_says_its_words() {
    for scene in scenes::all(song()) {
        for scale in [1.0, 2.0] {
            let text = play(&scene, SIZE, scale).text();
            for words in scene.words {
                assert!(
                    text.contains(words),
                    "{} at {scale}: no \u{201c}{words}\u{201d} in\n{text}",
                    scene.name
                );
            }
        }
    }
}

#[test]
fn nothing_is_cut_off_in_the_default_window() {
    // What may be longer than any window: the user's names, the server's reasons, the way of a lost frame.
    let may = [
        "512 frames",
        "2 Aug 2026",
        "1 Aug 2026",
        "SDR 2.5",
        "SI-SDR 20.02",
        "What it does, said in",
        // In lists that scroll.
        "0:12.4",
        "It is the best take.",
        "More controls",
        "Loudness",
        "Ceiling",
        "-14.0 LUFS",
        "-1.0 dBTP",
        "The disk is almost full",
        "Waiting: ",
    ];
    for scene in scenes::all(song()) {
        let cut = play(&scene, SIZE, 1.0).cut_off();
        let cut: Vec<_> = cut.iter().filter(|text| !may.iter().any(|may| text.starts_with(may))).collect();
        assert!(cut.is_empty(), "{}: {cut:?}", scene.name);
    }
}

#[test]
fn the_smallest_window_has_every_button_of_the_default_one() {
    let names = [
        "Rec",
        "Play",
        "Loop",
        "Drag vocals",
        "Drag other",
        "Input",
        "Stems",
        "History",
        "Settings",
        "Solo drums",
        "Mute other",
    ];
    let mut window = Window::new(done(), SMALLEST, 1.0);
    let edge = egui::Rect::from_min_size(egui::Pos2::ZERO, egui::vec2(SMALLEST.0, SMALLEST.1));
    for name in names {
        let place = window.find(name).unwrap_or_else(|| panic!("no {name}"));
        assert!(edge.contains_rect(place), "{name} at {place:?}");
    }
    assert!(window.find("Export\u{2026}").is_none());
    window.click("Side panel");
    for name in ["Separate", "Drag all stems", "Export\u{2026}", "Tributary Mini"] {
        assert!(window.find(name).is_some_and(|place| edge.contains_rect(place)), "{name}");
    }
}

#[test]
fn nothing_moves_when_a_number_changes() {
    let mut window = open(done());
    let names = ["Rec", "Loop", "Drag bass", "Separate", "Settings", "Gain of drums"];
    let before = names.map(|name| window.find(name));
    window.view.player.match_db = -11.7;
    if let Some(result) = &mut window.view.result {
        result.stems[1].gain_db = -59.9;
        result.difference_db = Some(-7.0);
    }
    window.gauges.tempo_bits.store(199.9f64.to_bits(), Relaxed);
    window.gauges.playhead.store(900_000, Relaxed);
    window.rest();
    assert_eq!(names.map(|name| window.find(name)), before);
}

#[test]
fn tasks_that_the_server_does_not_offer_are_absent() {
    let window = open(ready());
    let text = window.text();
    assert!(["Separate", "Enhance", "Transcribe"].iter().all(|task| text.contains(task)));
    assert!(!text.contains("Master") && !text.contains("Generate"));
}

#[test]
fn a_window_in_which_nothing_moves_sleeps() {
    for view in [View::default(), ready(), done()] {
        let mut window = open(view);
        window.rest();
        assert!(window.sleeps > 3_600.0, "{}", window.sleeps);
    }
}

#[test]
fn a_window_in_which_something_moves_is_drawn_again_soon() {
    let mut window = open(done());
    let mut watch = Watch::default();
    watch.stirs(&window.gauges);
    window.gauges.playhead.store(100, Relaxed);
    window.gauges.input[0].raise(0.5);
    assert!(watch.stirs(&window.gauges));
    window.frame(Vec::new());
    assert!(window.sleeps < 0.05, "{}", window.sleeps);
    window.view.player.is_playing = true;
    for _ in 0..300 {
        window.frame(Vec::new());
    }
    assert!(window.sleeps < 0.05);
    window.view.player.is_playing = false;
    window.rest();
    assert!(window.sleeps > 3_600.0);
}

#[test]
fn digits_are_as_wide_as_each_other() {
    let window = open(done());
    for size in [11.5, 13.5, 18.0] {
        let font = egui::FontId::proportional(size);
        let widths = ('0'..='9').map(|digit| window.ctx.fonts_mut(|fonts| fonts.glyph_width(&font, digit)));
        let widths: Vec<f32> = widths.collect();
        assert!(widths.iter().all(|width| (width - widths[0]).abs() < 0.01), "{widths:?}");
    }
}
