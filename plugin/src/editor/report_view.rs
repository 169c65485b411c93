//! What was measured before and after, as a small table, and what the equaliser did, as two curves.

use super::control::{self, LEFT, RIGHT};
use super::strip::Strip;
use super::theme;
use crate::library::Report;
use crate::library::report::CurvePoint;
use egui::{Color32, Id, Painter, Rect, Sense, Shape, Stroke, Ui, pos2, vec2};

/// Of one line, and of what is free above and below all.
const LINE: f32 = 18.0;
const GAP: f32 = 6.0;
/// Of the table, of its columns, and of the curves at least.
const TABLE: f32 = 320.0;
const NAME: f32 = 96.0;
const FIGURE: f32 = 84.0;
const CHANGE: f32 = 48.0;
const CURVES_MIN: f32 = 160.0;
/// The ends of the curves' axis.
const LOW_HZ: f64 = 20.0;
const HIGH_HZ: f64 = 20_000.0;

/// Draws it.
pub(crate) fn show(ui: &mut Ui, rect: Rect, report: &Report) {
    let mut strip = Strip(rect.shrink2(vec2(12.0, GAP)));
    let has_curves = report.curve.len() > 1;
    let room = strip.rest().width();
    let is_wide = has_curves && room > TABLE + CURVES_MIN + 16.0;
    let table = strip.left(if is_wide { TABLE } else { room.min(TABLE + 140.0) });
    figures(ui, table, report);
    if is_wide {
        strip.left(16.0);
        curves(ui, strip.rest(), &report.curve);
    }
}

/// Height that a report needs.
pub(crate) fn height(report: &Report) -> f32 {
    let lines = 1 + report.figures().len() + remarks(report).len();
    // Curves of less height say nothing.
    let curves = if report.curve.len() > 1 { 84.0 } else { 0.0 };
    (lines as f32 * LINE + 2.0 * GAP).max(curves)
}

/// `-14.0 LUFS`; what was not measured is a dash.
fn said(value: Option<f64>, unit: &str) -> String {
    value.map_or_else(|| "\u{2013}".to_owned(), |value| format!("{value:.1} {unit}"))
}

/// What did not come out as asked, then how it was done.
fn remarks(report: &Report) -> Vec<(String, Color32)> {
    let notes = report.notes.iter().map(|note| (note.clone(), theme::WARN));
    let reduced = report.reduction_db.map(|db| format!("Noise lowered by {db:.1} dB on average"));
    let limited = report.limited_db.map(|db| format!("Limiter turned down by {:.1} dB at most", db.abs()));
    let done = reduced.into_iter().chain(limited).map(|words| (words, theme::DIM));
    notes.chain(done).collect()
}

fn figures(ui: &mut Ui, rect: Rect, report: &Report) {
    let mut strip = Strip(rect);
    let head = ["", "Before", "After", "Change"].map(str::to_owned);
    line(ui.painter(), strip.top(LINE), head, [theme::DIM; 4]);
    for (name, unit, before, after) in report.figures() {
        let change = before.zip(after).map(|(before, after)| format!("{:+.1}", after - before));
        let words = [name.to_owned(), said(before, unit), said(after, unit), change.unwrap_or_default()];
        line(ui.painter(), strip.top(LINE), words, [theme::DIM, theme::DIM, theme::TEXT, theme::DIM]);
    }
    for (index, (words, ink)) in remarks(report).into_iter().enumerate() {
        let cell = strip.top(LINE);
        control::text(ui.painter(), cell, LEFT, &words, theme::small(), ink);
        ui.interact(cell, Id::unique("report line").with(index), Sense::hover()).on_hover_text(words);
    }
}

fn line(painter: &Painter, cell: Rect, words: [String; 4], inks: [Color32; 4]) {
    let mut strip = Strip(cell);
    let widths = [NAME, FIGURE, FIGURE, CHANGE];
    for (index, (words, ink)) in words.iter().zip(inks).enumerate() {
        let align = if index == 0 { LEFT } else { RIGHT };
        control::text(painter, strip.left(widths[index]), align, words, theme::small(), ink);
    }
}

/// Gain over frequency, both axes as engineers draw them.
fn curves(ui: &mut Ui, rect: Rect, curve: &[CurvePoint]) {
    let painter = ui.painter().with_clip_rect(rect);
    painter.rect_filled(rect, theme::ROUND, theme::WELL);
    let most = curve.iter().flat_map(|point| [Some(point.mid_db), point.side_db]).flatten();
    let most = most.map(f64::abs).fold(0.0, f64::max);
    let range = [3.0, 6.0, 12.0, 24.0].into_iter().find(|range| most <= *range).unwrap_or(48.0);
    let plot = rect.shrink2(vec2(4.0, 0.0)).with_min_x(rect.left() + 30.0);
    let plot = plot.with_max_y(rect.bottom() - 16.0).with_min_y(rect.top() + 8.0);
    let x = |hz: f64| {
        let share = (hz.clamp(LOW_HZ, HIGH_HZ) / LOW_HZ).ln() / (HIGH_HZ / LOW_HZ).ln();
        plot.left() + share as f32 * plot.width()
    };
    let y = |db: f64| plot.center().y - (db / range).clamp(-1.0, 1.0) as f32 * plot.height() / 2.0;
    for (db, alpha) in [(-range, 18), (0.0, 56), (range, 18)] {
        painter.hline(plot.x_range(), y(db), Stroke::new(1.0, Color32::from_white_alpha(alpha)));
        let label = if db == 0.0 { "0 dB".to_owned() } else { format!("{db:+.0}") };
        let cell = Rect::from_center_size(pos2(rect.left() + 15.0, y(db)), vec2(26.0, 14.0));
        control::text(&painter, cell, RIGHT, &label, theme::small(), theme::DIM);
    }
    for (hz, label) in [(100.0, "100 Hz"), (1_000.0, "1 kHz"), (10_000.0, "10 kHz")] {
        painter.vline(x(hz), plot.y_range(), Stroke::new(1.0, Color32::from_white_alpha(18)));
        let cell = Rect::from_center_size(pos2(x(hz), rect.bottom() - 8.0), vec2(48.0, 14.0));
        control::text(&painter, cell, control::CENTRE, label, theme::small(), theme::DIM);
    }
    let in_sight = || curve.iter().filter(|point| (LOW_HZ..=HIGH_HZ * 1.01).contains(&point.hz));
    let side: Vec<_> = in_sight().filter_map(|point| Some(pos2(x(point.hz), y(point.side_db?)))).collect();
    let mid: Vec<_> = in_sight().map(|point| pos2(x(point.hz), y(point.mid_db))).collect();
    let (mid_ink, side_ink) = (theme::stem_colour("vocals", 0), theme::stem_colour("drums", 0));
    let has_sides = side.len() > 1;
    if has_sides {
        painter.add(Shape::line(side, Stroke::new(1.5, side_ink)));
    }
    painter.add(Shape::line(mid, Stroke::new(2.0, mid_ink)));
    let mut legend = Strip(Rect::from_min_size(plot.right_top() - vec2(78.0, 6.0), vec2(78.0, 16.0)));
    if has_sides {
        control::text(&painter, legend.right(30.0), RIGHT, "Side", theme::small(), side_ink);
        legend.right(10.0);
    }
    control::text(&painter, legend.rest(), RIGHT, "Mid", theme::small(), mid_ink);
    let tip = "What the equaliser did: gain of the middle and of the sides, over frequency";
    ui.interact(rect, Id::unique("equaliser"), Sense::hover()).on_hover_text(tip);
}
