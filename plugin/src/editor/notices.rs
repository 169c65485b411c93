//! What the user should know, below the bar, until dismissed. The newest ones; older ones wait.

use super::control::{self, Button, LEFT};
use super::icon::{self, Icon};
use super::strip::{Strip, middle};
use super::{Face, Turn, theme};
use crate::command::Command;
use crate::view::{Notice, Weight};
use egui::{Color32, Id, Rect, Sense, Ui, vec2};

/// Height of one.
const ROW: f32 = 32.0;
/// So many are seen at once.
const SEEN_MAX: usize = 2;

/// Their height together.
pub(crate) fn height(face: &Face, turn: &Turn<'_>) -> f32 {
    let count = turn.view.notices.len() + usize::from(face.complaint.is_some());
    ROW * count.min(SEEN_MAX) as f32
}

/// Draws them, the newest on top.
pub(crate) fn show(face: &mut Face, ui: &mut Ui, rect: Rect, turn: &mut Turn<'_>) {
    let mut strip = Strip(rect);
    if let Some(words) = face.complaint.clone() {
        let notice = Notice { number: u64::MAX, weight: Weight::Error, text: words, path: None };
        if row(ui, strip.top(ROW), &notice, 0, turn) {
            face.complaint = None;
        }
    }
    let room = (strip.rest().height() / ROW).round() as usize;
    let notices: Vec<&Notice> = turn.view.notices.iter().rev().collect();
    let hidden = notices.len().saturating_sub(room);
    for (index, notice) in notices.into_iter().take(room).enumerate() {
        let more = if index + 1 == room { hidden } else { 0 };
        if row(ui, strip.top(ROW), notice, more, turn) {
            turn.ask(Command::Dismiss(notice.number));
        }
    }
}

fn ink(weight: Weight) -> Color32 {
    match weight {
        Weight::Note => theme::TEXT,
        Weight::Warning => theme::WARN,
        Weight::Error => theme::RECORD,
    }
}

/// Says whether it was dismissed.
fn row(ui: &mut Ui, rect: Rect, notice: &Notice, more: usize, turn: &mut Turn<'_>) -> bool {
    let id = Id::unique("notice").with(notice.number);
    ui.painter().rect_filled(rect, 0, theme::RAISED);
    ui.painter().rect_filled(rect.with_max_x(rect.left() + 4.0), 0, ink(notice.weight));
    control::rule(ui.painter(), rect.with_min_y(rect.bottom() - 1.0));
    let mut strip = Strip(rect.shrink2(vec2(12.0, 0.0)));
    let dismiss = Button::sign(Icon::Cross, "Dismiss", "I have read it");
    let is_dismissed = dismiss.show(ui, middle(strip.right(24.0), 24.0), id).clicked();
    if let Some(path) = &notice.path {
        strip.right(8.0);
        let reveal = Button::word("Show", "Show it in its folder").icon(Icon::Folder);
        let cell = middle(strip.right(reveal.width(ui.painter())), 24.0);
        if reveal.show(ui, cell, id.with("show")).clicked() {
            turn.ask(Command::Reveal(path.clone()));
        }
    }
    if more > 0 {
        strip.right(8.0);
        control::text(
            ui.painter(),
            strip.right(60.0),
            control::RIGHT,
            &format!("{more} more"),
            theme::small(),
            theme::DIM,
        );
    }
    strip.right(8.0);
    if notice.weight != Weight::Note {
        let sign = strip.left(16.0);
        icon::paint(ui.painter(), Icon::Warning, sign.center(), 13.0, ink(notice.weight));
        strip.left(8.0);
    }
    let cell = strip.rest();
    control::text(ui.painter(), cell, LEFT, &notice.text, theme::body(), theme::TEXT);
    ui.interact(cell, id.with("text"), Sense::hover()).on_hover_text(&notice.text);
    is_dismissed
}
