//! A file of the result that is not sound: what it is, its name, the way to its folder, and the handle by which it is
//! dragged out.

use super::control::{self, Button, LEFT};
use super::icon::{self, Icon};
use super::strip::{Strip, middle};
use super::{Face, Turn, stem_row, theme};
use crate::command::Command;
use crate::view::{Outcome, SheetRow};
use egui::{CursorIcon, Id, Rect, Sense, Ui, WidgetInfo, accesskit::Role, vec2};

/// Its height.
pub(crate) const HEIGHT: f32 = 32.0;

/// Those of a result that are for people; the others are what this window draws.
pub(crate) fn shown(result: &Outcome) -> impl Iterator<Item = &SheetRow> {
    let is_said = result.transcript.is_some();
    let is_drawn = move |sheet: &SheetRow| sheet.name.ends_with(".json") || is_said && is_of_words(sheet);
    result.sheets.iter().filter(move |sheet| !is_drawn(sheet))
}

/// Whether it says what was spoken: such files are dragged out of the transcript's own line.
pub(crate) fn is_of_words(sheet: &SheetRow) -> bool {
    sheet.name.starts_with("transcript.") || sheet.name.starts_with("markers.")
}

/// Whether a DAW takes such a file onto a track.
pub(crate) fn is_for_daw(sheet: &SheetRow) -> bool {
    sheet.name.ends_with(".mid")
}

/// What people call such a file.
fn kind(name: &str) -> &str {
    match name.rsplit_once('.').map_or("", |(_, end)| end) {
        _ if name.starts_with("markers.") => "Markers",
        "mid" => "MIDI",
        "musicxml" => "Score",
        "csv" => "Table",
        "txt" => "Text",
        "srt" | "vtt" => "Subtitles",
        _ => "File",
    }
}

/// Draws a row of the result.
pub(crate) fn show(face: &mut Face, ui: &mut Ui, row: Rect, sheet: &SheetRow, turn: &mut Turn<'_>) {
    let id = Id::unique("sheet").with(&sheet.name);
    let mut strip = Strip(row.shrink2(vec2(12.0, 0.0)));
    let sign = strip.left(10.0);
    icon::paint(ui.painter(), Icon::File, sign.center(), 11.0, theme::DIM);
    strip.left(8.0);
    let kind = kind(&sheet.name);
    control::text(ui.painter(), strip.left(66.0), LEFT, kind, theme::body(), theme::TEXT);
    let handle = middle(strip.right(theme::FIELD), theme::FIELD);
    strip.right(4.0);
    let folder = middle(strip.right(theme::FIELD), theme::FIELD);
    strip.right(12.0);
    let said =
        sheet.file.as_deref().map_or_else(|| format!("{}, on its way", sheet.name), stem_row::file_name);
    control::text(ui.painter(), strip.rest(), LEFT, &said, theme::small(), theme::DIM);
    let label = format!("Show {} in folder", sheet.name);
    let reveal =
        Button::sign(Icon::Folder, &label, "Show this file in its folder").enabled(sheet.file.is_some());
    if reveal.show(ui, folder, id.with("folder")).clicked()
        && let Some(file) = &sheet.file
    {
        turn.ask(Command::Reveal(file.clone()));
    }
    if !turn.drag.is_available() {
        return;
    }
    let files: Vec<_> = sheet.file.iter().cloned().collect();
    let is_ready = !files.is_empty();
    let response =
        ui.interact(handle, id.with("handle"), if is_ready { Sense::drag() } else { Sense::hover() });
    response.widget_info(|| WidgetInfo::labeled(Role::Button, is_ready, format!("Drag {}", sheet.name)));
    let is_over = is_ready && (response.hovered() || response.dragged());
    let ink = if is_over { theme::TEXT } else { theme::DIM };
    icon::paint(ui.painter(), Icon::Grip, handle.center(), 15.0, if is_ready { ink } else { theme::EDGE });
    stem_row::dragged(face, ui, &response, &files, turn);
    let response = if is_ready { response.on_hover_cursor(CursorIcon::Grab) } else { response };
    response.on_hover_text(if is_ready { format!("Drag it out: {said}") } else { said });
}
