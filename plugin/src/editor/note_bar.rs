//! In the line above a transcription: how many notes there are and are picked; what can be done with those that are.

use super::control::{self, Button, LEFT, Look};
use super::icon::{self, Icon};
use super::strip::{Strip, middle};
use super::{Face, Turn, keyboard, stem_row, take_picker, theme, words};
use crate::command::Command;
use crate::view::{Monitor, Outcome, Take};
use egui::{CursorIcon, Id, Rect, Sense, Ui, WidgetInfo, accesskit::Role, vec2};
use std::path::PathBuf;

const TIP: &str = "Click a note, or draw a frame around some, with shift more of them; Ctrl+A picks all, the arrows up and \
                   down walk. Drag in the ruler for a loop.";

/// Draws it; false where there are no notes.
pub(crate) fn show(
    face: &mut Face,
    ui: &mut Ui,
    strip: &mut Strip,
    take: &Take,
    turn: &mut Turn<'_>,
) -> bool {
    let Some(result) = &turn.view.result else { return false };
    let Some(music) = result.music.as_ref().filter(|music| !music.notes.is_empty()) else { return false };
    let all = words::grouped(music.notes.len() as u64);
    let count = face.notes.count();
    if count == 0 {
        let notes = if music.notes.len() == 1 { "1 note".to_owned() } else { format!("{all} notes") };
        let said = format!("{notes}   {}", take_picker::facts(&take.info));
        let cell = strip.rest();
        control::text(ui.painter(), cell, LEFT, &said, theme::small(), theme::DIM);
        ui.interact(cell, Id::unique("note facts"), Sense::hover()).on_hover_text(TIP);
        return true;
    }
    let said = format!("{} of {all} notes", words::grouped(count as u64));
    let wide = control::line(ui.painter(), &said, theme::small(), theme::TEXT, f32::INFINITY).size().x;
    control::text(ui.painter(), strip.left(wide + 8.0), LEFT, &said, theme::small(), theme::TEXT);
    let is_alone = result.picked.as_ref().is_some_and(|picked| picked.are_heard_alone);
    let button = Button::word("Hear", "Hear these notes alone (H)").icon(Icon::Play);
    let button = if is_alone { button.look(Look::Lit(theme::WARN)) } else { button };
    let cell = middle(strip.left(button.width(ui.painter())), 24.0);
    let response = button.show(ui, cell, Id::unique("hear notes"));
    response.widget_info(|| WidgetInfo::selected(Role::Button, true, is_alone, "Hear notes"));
    if response.clicked() {
        hear(face, turn);
    }
    strip.left(4.0);
    if turn.drag.is_available() {
        drag(face, ui, middle(strip.left(64.0), 24.0), result, turn);
    } else {
        folder(ui, middle(strip.left(theme::FIELD), 24.0), result, turn);
    }
    strip.left(4.0);
    let none = Button::sign(Icon::Cross, "Pick none", "Pick none (Esc)");
    if none.show(ui, middle(strip.left(24.0), 24.0), Id::unique("no notes")).clicked() {
        face.notes.clear();
    }
    true
}

/// The file of the notes that are picked in the window, as far as the session has made it.
fn file(face: &Face, result: &Outcome) -> Option<PathBuf> {
    let picked = result.picked.as_ref()?;
    let is_it = picked.notes.iter().map(|note| *note as usize).eq(face.notes.picked());
    picked.file.clone().filter(|_| is_it)
}

fn drag(face: &mut Face, ui: &mut Ui, cell: Rect, result: &Outcome, turn: &mut Turn<'_>) {
    let files: Vec<PathBuf> = file(face, result).into_iter().collect();
    let is_ready = !files.is_empty();
    let sense = if is_ready { Sense::drag() } else { Sense::hover() };
    let response = ui.interact(cell, Id::unique("drag notes"), sense);
    response.widget_info(|| WidgetInfo::labeled(Role::Button, is_ready, "Drag picked notes"));
    let is_over = is_ready && (response.hovered() || response.dragged());
    let ground = if is_over { theme::HOVER } else { theme::RAISED };
    let ink = if is_ready { theme::TEXT } else { theme::DIM };
    ui.painter().rect_filled(cell, theme::ROUND, ground);
    icon::paint(ui.painter(), Icon::Grip, cell.left_center() + vec2(13.0, 0.0), 12.0, ink);
    control::text(ui.painter(), cell.with_min_x(cell.left() + 24.0), LEFT, "MIDI", theme::small(), ink);
    stem_row::dragged(face, ui, &response, &files, turn);
    let response = if is_ready { response.on_hover_cursor(CursorIcon::Grab) } else { response };
    let tip = files.first().map(|file| stem_row::file_name(file));
    response.on_hover_text(tip.map_or("Being written".to_owned(), |name| {
        format!("Drag these notes into the DAW, or drag the notes themselves: {name}")
    }));
}

fn folder(ui: &mut Ui, cell: Rect, result: &Outcome, turn: &mut Turn<'_>) {
    let file = result.picked.as_ref().and_then(|picked| picked.file.clone());
    let tip = "Show a MIDI file of these notes in its folder";
    let button = Button::sign(Icon::Folder, "Show notes in folder", tip).enabled(file.is_some());
    if button.show(ui, cell, Id::unique("reveal notes")).clicked()
        && let Some(file) = file
    {
        turn.ask(Command::Reveal(file));
    }
}

/// The picked notes are heard alone from their first on, or all of them again.
pub(crate) fn hear(face: &mut Face, turn: &mut Turn<'_>) {
    let Some(result) = turn.view.result.as_ref().filter(|_| face.notes.count() > 0) else { return };
    let is_alone = result.picked.as_ref().is_some_and(|picked| picked.are_heard_alone);
    face.notes.tell(turn);
    turn.ask(Command::HearPicked(!is_alone));
    let Some((take, music)) = turn.view.take.as_ref().zip(result.music.as_ref()).filter(|_| !is_alone) else {
        return;
    };
    let first = face.notes.picked().next().and_then(|note| music.notes.get(note));
    if let Some(first) = first {
        let frame = first.start.max(0.0) * f64::from(take.info.rate_hz);
        turn.ask(Command::Locate(result.range.0.saturating_add(frame as u64)));
    }
    if turn.view.player.monitor != Monitor::Stems {
        turn.ask(Command::SetMonitor(Monitor::Stems));
    }
    if !turn.view.player.is_playing && keyboard::can_play(turn) {
        turn.ask(Command::Play(true));
    }
}
