//! Where a path is asked for: a line to type it, beside whatever chooser the system has opened or has not.

use super::control::{self, Button, LEFT};
use super::icon::Icon;
use super::strip::{Strip, middle};
use super::{Face, Turn, theme};
use crate::command::Command;
use crate::view::Purpose;
use egui::{Id, Key, Rect, Ui, vec2};
use std::path::PathBuf;

/// Its height, while something is asked.
const HEIGHT: f32 = 40.0;

/// Its height now.
pub(crate) fn height(turn: &Turn<'_>) -> f32 {
    if turn.view.asking.is_some() { HEIGHT } else { 0.0 }
}

/// Draws it.
pub(crate) fn show(face: &mut Face, ui: &mut Ui, rect: Rect, turn: &mut Turn<'_>) {
    let Some(asking) = turn.view.asking else {
        face.typed_path.clear();
        return;
    };
    ui.painter().rect_filled(rect, 0, theme::RAISED);
    let ink = if asking.has_no_chooser { theme::WARN } else { theme::TEXT };
    ui.painter().rect_filled(rect.with_max_x(rect.left() + 4.0), 0, ink);
    control::rule(ui.painter(), rect.with_min_y(rect.bottom() - 1.0));
    let mut strip = Strip(rect.shrink2(vec2(12.0, 0.0)));
    let cross = Button::sign(Icon::Cross, "Ask no more", "Leave it");
    if cross.show(ui, middle(strip.right(24.0), 24.0), Id::unique("no path")).clicked() {
        turn.ask(Command::GivePath(None));
    }
    strip.right(8.0);
    let path = whole(&face.typed_path);
    let (label, tip) = match asking.purpose {
        Purpose::Import => ("Import", "Make a take of this file"),
        Purpose::Reference => ("Use", "Make results like this file"),
        Purpose::Export => ("Export", "Write the result into this folder"),
    };
    let button = Button::word(label, tip).enabled(path.is_some());
    let is_pressed =
        button.show(ui, middle(strip.right(button.width(ui.painter())), 26.0), Id::unique("path")).clicked();
    strip.right(8.0);
    let words = match (asking.has_no_chooser, asking.purpose) {
        (true, Purpose::Export) => "This desktop opens no chooser. Type or paste a folder's path:",
        (true, _) => "This desktop opens no file chooser. Type or paste the path:",
        (false, Purpose::Export) => "Choose a folder in the window that opens, or type its path:",
        (false, _) => "Choose a file in the window that opens, or type its path:",
    };
    let wide = control::line(ui.painter(), words, theme::body(), ink, f32::INFINITY).size().x;
    let room = (strip.rest().width() - 140.0).max(40.0);
    control::text(ui.painter(), strip.left(wide.min(room)), LEFT, words, theme::body(), ink);
    strip.left(8.0);
    let hint = if asking.purpose == Purpose::Export { "/music/stems" } else { "/music/take.wav" };
    let edit = egui::TextEdit::singleline(&mut face.typed_path)
        .id(Id::unique("typed path"))
        .hint_text(hint)
        .char_limit(PATH_CHARS_MAX)
        .align(egui::Align2::LEFT_CENTER)
        .desired_width(strip.rest().width() - 8.0);
    let response = ui.put(middle(strip.rest(), 26.0), edit);
    let is_sent = response.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
    if let Some(path) = path.filter(|_| is_pressed || is_sent) {
        turn.ask(Command::GivePath(Some(path)));
    }
}

/// Longer paths are none.
const PATH_CHARS_MAX: usize = 4_096;

/// What was typed, without what file browsers put around a path that is copied there.
fn whole(typed: &str) -> Option<PathBuf> {
    let typed = typed.trim().trim_matches(['"', '\'']);
    let typed = typed.strip_prefix("file://").unwrap_or(typed);
    (!typed.is_empty()).then(|| PathBuf::from(typed))
}
