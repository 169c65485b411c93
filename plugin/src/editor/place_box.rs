//! The way into the DAW: drag all stems, or write them into a folder.

use super::control::{self, Button, Check, LEFT};
use super::icon::{self, Icon};
use super::step::Step;
use super::strip::Strip;
use super::{Face, Turn, sheet_row, stem_row, theme};
use crate::command::Command;
use egui::{CursorIcon, Id, Rect, Sense, Ui, vec2};
use std::path::PathBuf;

/// Its height.
pub(crate) const HEIGHT: f32 = 112.0;

/// Draws it.
pub(crate) fn show(face: &mut Face, ui: &mut Ui, rect: Rect, turn: &mut Turn<'_>) {
    let Some(result) = &turn.view.result else { return };
    control::rule(ui.painter(), rect.with_max_y(rect.top() + 1.0));
    let mut strip = Strip(rect.shrink2(vec2(12.0, 8.0)));
    control::text(ui.painter(), strip.top(20.0), LEFT, "Place in DAW", theme::small(), theme::DIM);
    strip.top(4.0);
    let row = strip.top(36.0);
    let mut row = Strip(row);
    let mut files: Vec<PathBuf> = result.stems.iter().filter_map(|stem| stem.file.clone()).collect();
    let sheets = result.sheets.iter().filter(|sheet| sheet_row::is_for_daw(sheet));
    for file in sheets.filter_map(|sheet| sheet.file.clone()) {
        if !files.contains(&file) {
            files.push(file);
        }
    }
    let half = (row.rest().width() - 8.0) / 2.0;
    if turn.drag.is_available() {
        drag(face, ui, row.left(half), &files, turn);
    } else {
        let button = Button::word("Show files", "Show the folder with all files").icon(Icon::Folder);
        if button
            .accent_if(turn.step == Step::Place)
            .show(ui, row.left(half), Id::unique("show all"))
            .clicked()
        {
            let file = files.first().cloned().unwrap_or_else(|| result.folder.clone());
            turn.ask(Command::Reveal(file));
        }
    }
    let tip = "Write all files of the result into a folder of your choice, named by take, tempo and bar";
    let export = Button::word("Export\u{2026}", tip).enabled(!files.is_empty());
    row.left(8.0);
    if export.show(ui, row.rest(), Id::unique("export")).clicked() {
        turn.ask(Command::Export);
    }
    strip.top(4.0);
    let are_on = turn.view.player.has_outputs;
    let check = Check {
        label: "Stems on own outputs",
        tip: "Stem 1 to 6 of this plugin carry a stem each; give them tracks of their own in the DAW first",
        is_on: are_on,
        colour: theme::TEXT,
    };
    if check.show(ui, strip.top(28.0), Id::unique("outputs")) {
        turn.ask(Command::SetOutputs(!are_on));
    }
}

fn drag(face: &mut Face, ui: &mut Ui, cell: Rect, files: &[PathBuf], turn: &mut Turn<'_>) {
    let is_ready = !files.is_empty();
    let response =
        ui.interact(cell, Id::unique("drag all"), if is_ready { Sense::drag() } else { Sense::hover() });
    response
        .widget_info(|| egui::WidgetInfo::labeled(egui::accesskit::Role::Button, is_ready, "Drag all stems"));
    let is_over = response.hovered() || response.dragged();
    let (ground, ink) = match (is_ready && turn.step == Step::Place, is_over && is_ready) {
        (true, false) => (theme::ACCENT, theme::ON_BRIGHT),
        (true, true) => (theme::ACCENT_HOVER, theme::ON_BRIGHT),
        (false, true) => (theme::HOVER, theme::TEXT),
        (false, false) => (theme::RAISED, if is_ready { theme::TEXT } else { theme::DIM }),
    };
    ui.painter().rect_filled(cell, theme::ROUND, ground);
    let words = control::line(ui.painter(), "Drag all", theme::body(), ink, cell.width() - 32.0);
    let left = cell.center().x - (words.size().x + 18.0) / 2.0;
    icon::paint(ui.painter(), Icon::Grip, egui::pos2(left + 5.0, cell.center().y), 14.0, ink);
    let at = egui::pos2(left + 18.0, cell.center().y - words.size().y / 2.0);
    ui.painter().galley(at, words, ink);
    stem_row::dragged(face, ui, &response, files, turn);
    let response = if is_ready { response.on_hover_cursor(CursorIcon::Grab) } else { response };
    response.on_hover_text("Drag all of it into the DAW: a track each, in its place in the song");
}
