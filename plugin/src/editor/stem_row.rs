//! One stem: its name, its sound in its colour, solo, mute, gain, level, and the handle by which it is dragged out.

use super::control::{self, Button, CENTRE, LEFT, Look};
use super::icon::{self, Icon};
use super::picture::{self, Ink, Part};
use super::strip::{Strip, middle};
use super::{Face, Turn, fader, keyboard, meter, take_view, theme, words};
use crate::command::Command;
use crate::view::{Outcome, StemRow};
use egui::{CursorIcon, Id, LayerId, Order, Rect, Sense, Ui, WidgetInfo, accesskit::Role, pos2, vec2};
use std::path::{Path, PathBuf};

/// Where everything in a row stands.
pub(crate) struct Cells {
    name: Rect,
    wave: Rect,
    /// Leftmost of what can be pressed.
    pub(crate) solo: Rect,
    mute: Rect,
    /// Way and number.
    pub(crate) fader: Rect,
    level: Rect,
    handle: Rect,
}

impl Cells {
    /// In this row.
    pub(crate) fn of(row: Rect) -> Self {
        let mut strip = Strip(row.shrink2(vec2(12.0, 0.0)));
        let name = strip.left(84.0);
        let handle = middle(strip.right(theme::FIELD), theme::FIELD);
        strip.right(8.0);
        let level = strip.right(8.0).shrink2(vec2(0.0, 6.0));
        strip.right(10.0);
        let fader = middle(strip.right(96.0 + fader::NUMBER), theme::FIELD);
        strip.right(8.0);
        let mute = middle(strip.right(24.0), 24.0);
        strip.right(4.0);
        let solo = middle(strip.right(24.0), 24.0);
        strip.right(12.0);
        Self { name, wave: strip.rest().shrink2(vec2(0.0, 3.0)), solo, mute, fader, level, handle }
    }
}

/// Draws a row of the result.
pub(crate) fn show(
    face: &mut Face,
    ui: &mut Ui,
    row: Rect,
    result: &Outcome,
    index: usize,
    turn: &mut Turn<'_>,
) {
    let Some(stem) = result.stems.get(index) else { return };
    let id = Id::unique("stem").with(&stem.name).with(index);
    let colour = theme::stem_colour(&stem.name, index);
    let cells = Cells::of(row);
    if face.stems.has(stem) {
        ui.painter().rect_filled(row, 0, theme::RAISED);
    }
    name(face, ui, cells.name, result, index, turn);
    let is_heard = !stem.is_muted && (stem.is_solo || !result.stems.iter().any(|other| other.is_solo));
    let shown = if is_heard { colour } else { theme::mix(colour, theme::WELL, 0.65) };
    wave(face, ui, cells.wave, result, index, shown, turn);
    let switches = [
        (cells.solo, "S", stem.is_solo, theme::WARN, "Solo: hear it alone, with other soloed stems (S)"),
        (cells.mute, "M", stem.is_muted, theme::RECORD, "Mute: do not hear it (M)"),
    ];
    for (cell, label, is_on, lit, tip) in switches {
        let look = if is_on { Look::Lit(lit) } else { Look::Plain };
        let response = Button::word(label, tip).look(look).show(ui, cell, id.with(label));
        let spoken = format!("{} {}", if label == "S" { "Solo" } else { "Mute" }, stem.name);
        response.widget_info(|| WidgetInfo::selected(Role::Button, true, is_on, &spoken));
        if response.clicked() {
            turn.ask(match label {
                "S" => Command::SetSolo(stem.name.clone(), !stem.is_solo),
                _ => Command::SetMute(stem.name.clone(), !stem.is_muted),
            });
        }
    }
    if let Some(gain) = fader::show(ui, cells.fader, id.with("gain"), &stem.name, stem.gain_db, shown) {
        turn.ask(Command::SetGain(stem.name.clone(), gain));
    }
    if let Some(needle) = turn.sound.stems.get(index) {
        meter::show(ui.painter(), cells.level, std::slice::from_ref(needle));
    }
    handle(face, ui, cells.handle, result, stem, turn);
}

fn name(face: &mut Face, ui: &mut Ui, cell: Rect, result: &Outcome, index: usize, turn: &mut Turn<'_>) {
    let stem = &result.stems[index];
    let chip = Rect::from_center_size(pos2(cell.left() + 2.0, cell.center().y), vec2(4.0, 20.0));
    ui.painter().rect_filled(chip, 2, theme::stem_colour(&stem.name, index));
    let place = cell.with_min_x(cell.left() + 12.0).with_max_x(cell.right() - 8.0);
    control::text(ui.painter(), place, LEFT, &words::capital(&stem.name), theme::body(), theme::TEXT);
    let response = ui.interact(cell, Id::unique("stem name").with(&stem.name).with(index), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Row, true, format!("{} row", stem.name)));
    if response.clicked() {
        face.stems.click(index, &result.stems, keyboard::held_at_click(ui));
    }
    menu(&response, stem, turn);
    let file = stem.file.as_deref().map_or("Its file is not whole yet".to_owned(), file_name);
    response.on_hover_text(format!("{file}\nClick to select, with ctrl or shift several"));
}

fn menu(response: &egui::Response, stem: &StemRow, turn: &mut Turn<'_>) {
    response.context_menu(|ui| {
        ui.set_min_width(160.0);
        let Some(file) = &stem.file else {
            ui.label("Its file is not whole yet");
            return;
        };
        if ui.button("Show in folder").clicked() {
            turn.ask(Command::Reveal(file.clone()));
        }
        if ui.button("Copy path").clicked() {
            ui.ctx().copy_text(file.display().to_string());
        }
    });
}

fn wave(
    face: &mut Face,
    ui: &mut Ui,
    cell: Rect,
    result: &Outcome,
    index: usize,
    colour: egui::Color32,
    turn: &mut Turn<'_>,
) {
    let stem = &result.stems[index];
    ui.painter().rect_filled(cell, theme::ROUND, theme::WELL);
    let painter = ui.painter().with_clip_rect(cell.intersect(ui.clip_rect()));
    let axis = face.take_view.axis;
    let (first, end) = (result.range.0 as f64, result.range.1.max(result.range.0.saturating_add(1)) as f64);
    // The stems lie in a part of the take, and may be of another rate.
    let part = |frames: f64| {
        let scale = frames / (end - first);
        Part { first: (axis.first - first) * scale, end: (axis.first + axis.sight - first) * scale }
    };
    match (&stem.outline, &stem.spectrogram) {
        (_, Some(spectrogram)) if face.take_view.is_spectrum => {
            face.pictures.spectrum(&painter, index + 1, spectrogram, cell, part(1.0), colour);
        }
        (Some(outline), _) => {
            let gain = picture::gain(result.stems.iter().filter_map(|stem| stem.outline.as_ref()));
            let ink = Ink { colour, gain };
            face.pictures.wave(&painter, index + 1, outline, cell, part(outline.frames as f64), ink);
        }
        (None, _) => {
            let words = if stem.file.is_some() { "Drawing the waveform" } else { "On its way" };
            control::text(&painter, cell, CENTRE, words, theme::small(), theme::DIM);
        }
    }
    let Some(take) = &turn.view.take else { return };
    let response = ui.interact(cell, Id::unique("stem wave").with(index), Sense::click());
    if let Some(at) = response.interact_pointer_pos().filter(|_| response.clicked()) {
        turn.ask(Command::Locate(axis.frame(cell.x_range(), at.x)));
    }
    let is_free = !turn.sound.is_host_playing && turn.view.player.is_playing;
    take_view::playhead(ui, cell, &axis, turn.sound.playhead(take.info.rate_hz), is_free);
}

/// The last part of a path, for people.
pub(crate) fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

fn handle(face: &mut Face, ui: &mut Ui, cell: Rect, result: &Outcome, stem: &StemRow, turn: &mut Turn<'_>) {
    let files = face.stems.files(stem, &result.stems);
    let id = Id::unique("stem handle").with(&stem.name);
    if !turn.drag.is_available() {
        let label = format!("Show {} in folder", stem.name);
        let button =
            Button::sign(Icon::Folder, &label, "Show this file in its folder").enabled(stem.file.is_some());
        if button.show(ui, cell, id).clicked()
            && let Some(file) = &stem.file
        {
            turn.ask(Command::Reveal(file.clone()));
        }
        return;
    }
    let ink = if files.is_empty() { theme::EDGE } else { theme::DIM };
    let response = ui.interact(cell, id, if files.is_empty() { Sense::hover() } else { Sense::drag() });
    response
        .widget_info(|| WidgetInfo::labeled(Role::Button, !files.is_empty(), format!("Drag {}", stem.name)));
    let is_over = response.hovered() || response.dragged();
    icon::paint(
        ui.painter(),
        Icon::Grip,
        cell.center(),
        15.0,
        if is_over && !files.is_empty() { theme::TEXT } else { ink },
    );
    dragged(face, ui, &response, &files, turn);
    let tip = match files.len() {
        0 => "Its file is not whole yet".to_owned(),
        1 => format!("Drag it into the DAW: {}", file_name(&files[0])),
        count => format!("Drag {count} stems into the DAW"),
    };
    let response = if files.is_empty() { response } else { response.on_hover_cursor(CursorIcon::Grab) };
    response.on_hover_text(tip);
}

/// Begins the drag of a handle, and draws what is dragged beside the pointer.
pub(crate) fn dragged(
    face: &mut Face,
    ui: &Ui,
    response: &egui::Response,
    files: &[PathBuf],
    turn: &mut Turn<'_>,
) {
    if response.drag_started() {
        face.drag_out(files, turn);
    }
    let Some(at) = ui.input(|input| input.pointer.latest_pos()).filter(|_| response.dragged()) else {
        return;
    };
    let painter = ui.ctx().layer_painter(LayerId::new(Order::Tooltip, Id::unique("ghost")));
    let words = match files {
        [file] => file_name(file),
        files => format!("{} files", files.len()),
    };
    let words = control::line(&painter, &words, theme::small(), theme::TEXT, 420.0);
    let place = Rect::from_min_size(at + vec2(14.0, 10.0), words.size() + vec2(16.0, 8.0));
    painter.rect_filled(place, theme::ROUND, theme::HOVER);
    painter.galley(place.min + vec2(8.0, 4.0), words, theme::TEXT);
}
