//! Buttons, switches and lines of text as the window has them everywhere. Each is put into a rectangle that its owner
//! chose, so nothing moves when a word changes.

use super::icon::{self, Icon};
use super::theme;
use egui::text::{LayoutJob, TextFormat, TextWrapping};
use egui::{
    Align2, Color32, FontId, Galley, Id, Painter, Pos2, Rect, Response, Sense, Stroke, StrokeKind, Ui,
    UiBuilder, WidgetInfo, accesskit::Role, pos2, vec2,
};
use std::sync::Arc;

/// How a button looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Look {
    /// The one that matters now.
    Accent,
    /// As most.
    Plain,
    /// Without a ground until the pointer is over it.
    Quiet,
    /// Switched on, in this colour.
    Lit(Color32),
}

/// A button.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Button<'a> {
    /// What it says; for a sign alone what is read out.
    pub(crate) label: &'a str,
    /// Its sign.
    pub(crate) icon: Option<Icon>,
    /// Only the sign is drawn.
    pub(crate) is_bare: bool,
    /// How it looks.
    pub(crate) look: Look,
    /// It can be pressed.
    pub(crate) enabled: bool,
    /// What it does, with its shortcut.
    pub(crate) tip: &'a str,
}

impl<'a> Button<'a> {
    /// A plain button with a word.
    pub(crate) fn word(label: &'a str, tip: &'a str) -> Self {
        Self { label, icon: None, is_bare: false, look: Look::Plain, enabled: true, tip }
    }

    /// A quiet button with a sign.
    pub(crate) fn sign(icon: Icon, label: &'a str, tip: &'a str) -> Self {
        Self { label, icon: Some(icon), is_bare: true, look: Look::Quiet, enabled: true, tip }
    }

    /// With a sign before its word.
    pub(crate) fn icon(mut self, icon: Icon) -> Self {
        self.icon = Some(icon);
        self
    }

    /// Looks so.
    pub(crate) fn look(mut self, look: Look) -> Self {
        self.look = look;
        self
    }

    /// The accent when it is the one that matters.
    pub(crate) fn accent_if(self, matters: bool) -> Self {
        if matters { self.look(Look::Accent) } else { self }
    }

    /// Can be pressed or not.
    pub(crate) fn enabled(mut self, enabled: bool) -> Self {
        self.enabled = enabled;
        self
    }

    /// The width that its words need.
    pub(crate) fn width(&self, painter: &Painter) -> f32 {
        if self.is_bare {
            return theme::FIELD;
        }
        let words = line(painter, self.label, theme::body(), theme::TEXT, f32::INFINITY).size().x;
        let sign = if self.icon.is_some() { 20.0 } else { 0.0 };
        ((words + sign + 24.0) / theme::GRID).ceil() * theme::GRID
    }

    /// Puts it into `rect`.
    pub(crate) fn show(self, ui: &mut Ui, rect: Rect, id: Id) -> Response {
        let sense = if self.enabled { Sense::click() } else { Sense::hover() };
        let response = ui.interact(rect, id, sense);
        response.widget_info(|| WidgetInfo::labeled(Role::Button, self.enabled, self.label));
        if ui.is_rect_visible(rect) {
            self.paint(ui.painter(), rect, &response);
        }
        let response =
            if self.enabled { response.on_hover_cursor(egui::CursorIcon::PointingHand) } else { response };
        if self.tip.is_empty() { response } else { response.on_hover_text(self.tip) }
    }

    fn paint(&self, painter: &Painter, rect: Rect, response: &Response) {
        let is_over = self.enabled && (response.hovered() || response.has_focus());
        let is_down = self.enabled && response.is_pointer_button_down_on();
        let (ground, ink) = match self.look {
            _ if !self.enabled => (
                if self.look == Look::Quiet {
                    Color32::TRANSPARENT
                } else {
                    theme::mix(theme::PANEL, theme::RAISED, 0.6)
                },
                if self.is_bare { theme::EDGE } else { theme::DIM },
            ),
            Look::Accent => (if is_over { theme::ACCENT_HOVER } else { theme::ACCENT }, theme::ON_BRIGHT),
            Look::Plain => (if is_over { theme::HOVER } else { theme::RAISED }, theme::TEXT),
            Look::Quiet if is_over => (theme::RAISED, theme::TEXT),
            Look::Quiet => (Color32::TRANSPARENT, theme::DIM),
            Look::Lit(colour) => {
                (if is_over { theme::mix(colour, Color32::WHITE, 0.15) } else { colour }, theme::ON_BRIGHT)
            }
        };
        let ground = if is_down { theme::mix(ground, theme::GROUND, 0.25) } else { ground };
        painter.rect_filled(rect, theme::ROUND, ground);
        if response.has_focus() {
            painter.rect_stroke(rect, theme::ROUND, Stroke::new(1.5, theme::TEXT), StrokeKind::Inside);
        }
        match self.icon {
            Some(sign) if self.is_bare => icon::paint(painter, sign, rect.center(), 13.0, ink),
            sign => {
                let room = rect.width() - 12.0 - if sign.is_some() { 20.0 } else { 0.0 };
                let words = line(painter, self.label, theme::body(), ink, room);
                let width = words.size().x + if sign.is_some() { 18.0 } else { 0.0 };
                let left = rect.center().x - width / 2.0;
                if let Some(sign) = sign {
                    icon::paint(painter, sign, pos2(left + 6.0, rect.center().y), 11.0, ink);
                }
                let at = pos2(left + width - words.size().x, rect.center().y - words.size().y / 2.0);
                painter.galley(at, words, ink);
            }
        }
    }
}

/// A box that is ticked or not, with its words.
pub(crate) struct Check<'a> {
    /// What it says.
    pub(crate) label: &'a str,
    /// What it means.
    pub(crate) tip: &'a str,
    /// It is ticked.
    pub(crate) is_on: bool,
    /// The ticked box's colour.
    pub(crate) colour: Color32,
}

impl Check<'_> {
    /// Draws it into `cell`; true when it was clicked.
    pub(crate) fn show(&self, ui: &mut Ui, cell: Rect, id: Id) -> bool {
        let response = ui.interact(cell, id, Sense::click());
        response.widget_info(|| {
            egui::WidgetInfo::selected(egui::accesskit::Role::CheckBox, true, self.is_on, self.label)
        });
        if response.hovered() {
            ui.painter().rect_filled(cell, theme::ROUND, theme::RAISED);
        }
        let mark = Rect::from_center_size(pos2(cell.left() + 14.0, cell.center().y), vec2(16.0, 16.0));
        if self.is_on {
            ui.painter().rect_filled(mark, 3, self.colour);
            icon::paint(ui.painter(), Icon::Check, mark.center(), 10.0, theme::ON_BRIGHT);
        } else {
            let edge = Stroke::new(1.5, theme::EDGE);
            ui.painter().rect(mark, 3, Color32::TRANSPARENT, edge, StrokeKind::Inside);
        }
        let ink = if self.is_on { theme::TEXT } else { theme::DIM };
        let place = cell.with_min_x(mark.right() + 8.0).with_max_x(cell.right() - 4.0);
        text(ui.painter(), place, LEFT, self.label, theme::body(), ink);
        response.on_hover_text(self.tip).clicked()
    }
}

/// Text of one line, cut off with an ellipsis where there is no room.
pub(crate) fn line(painter: &Painter, text: &str, font: FontId, colour: Color32, width: f32) -> Arc<Galley> {
    let format = TextFormat { font_id: font, color: colour, ..TextFormat::default() };
    let mut job = LayoutJob::single_section(short(text), format);
    job.wrap = TextWrapping::truncate_at_width(width.max(0.0));
    job.break_on_newline = false;
    painter.layout_job(job)
}

/// Text of so many rows at most, ending in an ellipsis where there is more of it.
pub(crate) fn rows(
    painter: &Painter,
    text: &str,
    font: FontId,
    colour: Color32,
    (width, rows): (f32, usize),
) -> Arc<Galley> {
    let format = TextFormat { font_id: font, color: colour, ..TextFormat::default() };
    let mut job = LayoutJob::single_section(short(text), format);
    job.wrap = TextWrapping { max_width: width.max(1.0), max_rows: rows, ..TextWrapping::default() };
    painter.layout_job(job)
}

/// Characters of a name or message at most; nobody reads more, and laying out costs time.
const CHARS_MAX: usize = 600;

fn short(text: &str) -> String {
    text.chars().take(CHARS_MAX).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// Draws text of one line into `rect`, and says where.
pub(crate) fn text(
    painter: &Painter,
    rect: Rect,
    align: Align2,
    words: &str,
    font: FontId,
    colour: Color32,
) -> Rect {
    let words = line(painter, words, font, colour, rect.width());
    let place = align.align_size_within_rect(words.size(), rect);
    painter.galley(place.min, words, colour);
    place
}

/// Left, in the middle of its height.
pub(crate) const LEFT: Align2 = Align2::LEFT_CENTER;
/// Right, in the middle of its height.
pub(crate) const RIGHT: Align2 = Align2::RIGHT_CENTER;
/// In the middle.
pub(crate) const CENTRE: Align2 = Align2::CENTER_CENTER;

/// Text in which what stands between `backticks` is to be typed, and looks so.
fn prose(words: &str, font: FontId, colour: Color32) -> LayoutJob {
    let mut job = LayoutJob::default();
    for (index, part) in words.chars().take(CHARS_MAX).collect::<String>().split('`').enumerate() {
        let font_id = if index % 2 == 0 { font.clone() } else { FontId::monospace(font.size - 1.0) };
        let color = if index % 2 == 0 { colour } else { theme::TEXT };
        job.append(part, 0.0, TextFormat { font_id, color, ..TextFormat::default() });
    }
    job
}

/// Text of several lines in the middle of `width` around `top`; says where it ends.
pub(crate) fn paragraph(
    painter: &Painter,
    top: Pos2,
    width: f32,
    words: &str,
    font: FontId,
    colour: Color32,
) -> f32 {
    let mut job = prose(words, font, colour);
    job.wrap = TextWrapping { max_width: width, max_rows: 6, ..TextWrapping::default() };
    job.halign = egui::Align::Center;
    let galley = painter.layout_job(job);
    let bottom = top.y + galley.size().y;
    painter.galley(top, galley, colour);
    bottom
}

/// The same to the left of `top`.
pub(crate) fn block(
    painter: &Painter,
    top: Pos2,
    width: f32,
    words: &str,
    font: FontId,
    colour: Color32,
) -> f32 {
    let mut job = prose(words, font, colour);
    job.wrap = TextWrapping { max_width: width.max(1.0), max_rows: 6, ..TextWrapping::default() };
    let galley = painter.layout_job(job);
    let bottom = top.y + galley.size().y;
    painter.galley(top, galley, colour);
    bottom
}

/// A part of the window of its own: what is drawn there stays inside.
pub(crate) fn cell(ui: &mut Ui, rect: Rect, name: &str) -> Ui {
    let mut cell = ui.new_child(UiBuilder::new().id_salt(name).max_rect(rect));
    cell.shrink_clip_rect(rect);
    cell
}

/// A choice of which one is on. Says which was pressed, when it was not on already.
pub(crate) fn segments(
    ui: &mut Ui,
    rect: Rect,
    id: Id,
    on: usize,
    choices: &[(&str, &str, bool)],
) -> Option<usize> {
    ui.painter().rect_filled(rect, theme::ROUND, theme::WELL);
    let count = choices.len().max(1) as f32;
    let mut pressed = None;
    for (index, (label, tip, enabled)) in choices.iter().enumerate() {
        let left = rect.left() + rect.width() * index as f32 / count;
        let part = Rect::from_min_size(pos2(left, rect.top()), vec2(rect.width() / count, rect.height()))
            .shrink(2.0);
        let sense = if *enabled { Sense::click() } else { Sense::hover() };
        let response = ui.interact(part, id.with(index), sense).on_hover_text(*tip);
        response.widget_info(|| WidgetInfo::selected(Role::RadioButton, *enabled, index == on, *label));
        let ground = match (index == on, *enabled && response.hovered()) {
            (true, _) => theme::HOVER,
            (false, true) => theme::RAISED,
            (false, false) => Color32::TRANSPARENT,
        };
        ui.painter().rect_filled(part, 3, ground);
        let ink = if index == on { theme::TEXT } else { theme::DIM };
        text(ui.painter(), part, CENTRE, label, theme::small(), ink);
        if response.clicked() && index != on {
            pressed = Some(index);
        }
    }
    pressed
}

/// The width that the labels of a choice need.
pub(crate) fn segments_width(painter: &Painter, labels: &[&str]) -> f32 {
    let widest =
        labels.iter().map(|label| line(painter, label, theme::small(), theme::TEXT, f32::INFINITY).size().x);
    (widest.fold(0.0, f32::max) + 20.0).ceil() * labels.len() as f32
}

/// A thin line between two parts.
pub(crate) fn rule(painter: &Painter, rect: Rect) {
    painter.rect_filled(rect, 0, theme::LINE);
}
