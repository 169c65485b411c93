//! What was said in a take, line by line with its time: a click goes there, and all of it can be copied.

use super::control::{self, Button, LEFT, RIGHT};
use super::icon::{self, Icon};
use super::strip::{Strip, middle};
use super::{Face, Turn, sheet_row, stem_row, theme, words};
use crate::command::Command;
use crate::library::Transcript;
use crate::view::{Outcome, SheetRow};
use egui::{Color32, Id, Rect, Sense, Ui, WidgetInfo, accesskit::Role, pos2, vec2};
use std::sync::Arc;

/// The line above it.
const HEAD: f32 = 28.0;
/// There is room for so many lines at least.
const LINES: f32 = 4.0;
/// Of a line of one row, and what is free above and below its words.
const LINE: f32 = 24.0;
const GAP: f32 = 4.0;
/// Of the times.
const TIMES: f32 = 64.0;
/// Rows of one line; more of it is in the file.
const ROWS_MAX: usize = 12;

/// Height that it needs at least.
pub(crate) const HEIGHT: f32 = HEAD + LINES * LINE;

/// How high every line is at the width it was drawn with: words are laid out once, not with every frame.
#[derive(Default)]
pub(crate) struct Heights {
    of: Option<Arc<Transcript>>,
    width: f32,
    /// Where each line begins, and where the last ends.
    tops: Vec<f32>,
}

impl Heights {
    fn keep_up(&mut self, ui: &Ui, said: &Arc<Transcript>, width: f32) {
        let is_same = self.of.as_ref().is_some_and(|of| Arc::ptr_eq(of, said));
        if is_same && (self.width - width).abs() < 0.5 {
            return;
        }
        (self.of, self.width) = (Some(Arc::clone(said)), width);
        self.tops = vec![0.0];
        let mut top = 0.0;
        for line in &said.lines {
            top += laid(ui, &line.text, theme::TEXT, width).size().y.max(LINE - 2.0 * GAP) + 2.0 * GAP;
            self.tops.push(top);
        }
    }
}

fn laid(ui: &Ui, text: &str, ink: Color32, width: f32) -> Arc<egui::Galley> {
    control::rows(ui.painter(), text, theme::body(), ink, (width, ROWS_MAX))
}

/// All of it, below each other, in an area that scrolls.
pub(crate) fn show(
    face: &mut Face,
    ui: &mut Ui,
    result: &Outcome,
    said: &Arc<Transcript>,
    turn: &mut Turn<'_>,
) {
    let width = ui.available_width();
    let (place, _) = ui.allocate_exact_size(vec2(width, HEAD), Sense::hover());
    head(face, ui, place, result, said, turn);
    if said.lines.is_empty() {
        let (place, _) = ui.allocate_exact_size(vec2(width, LINES * LINE), Sense::hover());
        let words = "Nobody speaks in this take";
        control::text(ui.painter(), place, control::CENTRE, words, theme::body(), theme::DIM);
        return;
    }
    face.said.keep_up(ui, said, width - 24.0 - TIMES - 8.0);
    let high = face.said.tops.last().copied().unwrap_or(0.0).max(LINES * LINE);
    let (all, _) = ui.allocate_exact_size(vec2(width, high), Sense::hover());
    let rate_hz = turn.view.take.as_ref().map_or(1, |take| take.info.rate_hz.max(1));
    let playhead = turn.sound.playhead(rate_hz).map(|at| (at - result.range.0 as f64) / f64::from(rate_hz));
    let spoken = playhead.and_then(|at| said.at(at));
    let seen = ui.clip_rect();
    let tops = &face.said.tops;
    let first = tops.partition_point(|top| all.top() + top < seen.top()).saturating_sub(1);
    for (index, line) in said.lines.iter().enumerate().skip(first) {
        let Some((top, bottom)) = tops.get(index).zip(tops.get(index + 1)) else { break };
        let row = Rect::from_x_y_ranges(all.x_range(), all.top() + top..=all.top() + bottom);
        if row.top() > seen.bottom() {
            break;
        }
        let response = ui.interact(row, Id::unique("said").with(index), Sense::click());
        response.widget_info(|| WidgetInfo::labeled(Role::Row, true, &line.text));
        let is_spoken = spoken == Some(index);
        if is_spoken || response.hovered() {
            ui.painter().rect_filled(row, 0, theme::RAISED);
        }
        if is_spoken {
            ui.painter().rect_filled(row.with_max_x(row.left() + 3.0), 0, theme::PLAYHEAD);
        }
        let times = Rect::from_min_size(pos2(row.left() + 12.0, row.top()), vec2(TIMES, LINE));
        control::text(ui.painter(), times, LEFT, &words::clock(line.start), theme::small(), theme::DIM);
        let words = laid(ui, &line.text, theme::TEXT, face.said.width);
        ui.painter().galley(pos2(times.right() + 8.0, row.top() + GAP), words, theme::TEXT);
        let response = response.on_hover_cursor(egui::CursorIcon::PointingHand);
        if response.clicked() {
            let frame = (line.start * f64::from(rate_hz)) as u64;
            turn.ask(Command::Locate(result.range.0.saturating_add(frame)));
        }
    }
}

fn head(face: &mut Face, ui: &mut Ui, rect: Rect, result: &Outcome, said: &Transcript, turn: &mut Turn<'_>) {
    let mut strip = Strip(rect.shrink2(vec2(12.0, 0.0)));
    let copy = Button::word("Copy all", "Copy all that was said").enabled(!said.lines.is_empty());
    let cell = middle(strip.right(copy.width(ui.painter())), 24.0);
    if copy.show(ui, cell, Id::unique("copy said")).clicked() {
        ui.ctx().copy_text(said.text());
    }
    for sheet in result.sheets.iter().rev().filter(|sheet| sheet_row::is_of_words(sheet)) {
        let Some((title, end)) = sheet.name.rsplit_once('.').filter(|(_, end)| *end != "json") else {
            continue;
        };
        let label = if title == "markers" { format!("Markers {end}") } else { end.to_uppercase() };
        let wide = control::line(ui.painter(), &label, theme::small(), theme::TEXT, 90.0).size().x;
        strip.right(4.0);
        file(face, ui, middle(strip.right(wide + 30.0), 24.0), sheet, &label, turn);
    }
    strip.right(8.0);
    control::text(ui.painter(), strip.left(96.0), LEFT, "Transcript", theme::body(), theme::TEXT);
    let heard = match (&said.language, said.confidence) {
        (Some(language), Some(sure)) => {
            format!("heard as {language} ({:.0} % sure)", sure * 100.0)
        }
        (Some(language), None) => language.clone(),
        (None, _) => String::new(),
    };
    control::text(ui.painter(), strip.rest(), RIGHT, &heard, theme::small(), theme::DIM);
}

/// One of its files: dragged out, or shown in its folder where nothing can be dragged.
fn file(face: &mut Face, ui: &mut Ui, cell: Rect, sheet: &SheetRow, label: &str, turn: &mut Turn<'_>) {
    let files: Vec<_> = sheet.file.iter().cloned().collect();
    let (is_ready, can_drag) = (!files.is_empty(), turn.drag.is_available());
    let sense = match (is_ready, can_drag) {
        (false, _) => Sense::hover(),
        (true, true) => Sense::drag(),
        (true, false) => Sense::click(),
    };
    let response = ui.interact(cell, Id::unique("words").with(&sheet.name), sense);
    let spoken = format!("{} {}", if can_drag { "Drag" } else { "Show" }, sheet.name);
    response.widget_info(|| WidgetInfo::labeled(Role::Button, is_ready, &spoken));
    let is_over = is_ready && (response.hovered() || response.dragged());
    ui.painter().rect_filled(cell, theme::ROUND, if is_over { theme::HOVER } else { theme::RAISED });
    let ink = if is_ready { theme::TEXT } else { theme::DIM };
    let sign = if can_drag { Icon::Grip } else { Icon::Folder };
    icon::paint(ui.painter(), sign, cell.left_center() + vec2(11.0, 0.0), 11.0, ink);
    control::text(ui.painter(), cell.with_min_x(cell.left() + 22.0), LEFT, label, theme::small(), ink);
    stem_row::dragged(face, ui, &response, &files, turn);
    if response.clicked()
        && let Some(path) = &sheet.file
    {
        turn.ask(Command::Reveal(path.clone()));
    }
    let name =
        sheet.file.as_deref().map_or_else(|| format!("{}, on its way", sheet.name), stem_row::file_name);
    response.on_hover_text(if can_drag { format!("Drag it out: {name}") } else { name });
}
