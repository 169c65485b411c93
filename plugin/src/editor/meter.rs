//! A level meter with the highest level held.

use super::sound::{FLOOR, Needle};
use super::theme;
use egui::{Color32, Painter, Rect, pos2};

/// Share of the scale, which ends at +6 dB and is finer above -24 dB than below.
fn share(level: f32) -> f32 {
    let level = level.clamp(FLOOR, 6.0);
    if level > -24.0 { 0.4 + (level + 24.0) / 30.0 * 0.6 } else { (level - FLOOR) / (-24.0 - FLOOR) * 0.4 }
}

fn ink(level: f32) -> Color32 {
    match level {
        level if level > 0.0 => theme::RECORD,
        level if level > -6.0 => theme::WARN,
        _ => theme::GOOD,
    }
}

/// Draws needles side by side, or one above the other, along the longer side of `rect`.
pub(crate) fn show(painter: &Painter, rect: Rect, needles: &[Needle]) {
    let is_upright = rect.height() > rect.width();
    let count = needles.len().max(1) as f32;
    let thick = if is_upright { rect.width() } else { rect.height() };
    let one = (thick - (count - 1.0)) / count;
    for (index, needle) in needles.iter().enumerate() {
        let from = index as f32 * (one + 1.0);
        let lane = if is_upright {
            Rect::from_min_max(
                pos2(rect.left() + from, rect.top()),
                pos2(rect.left() + from + one, rect.bottom()),
            )
        } else {
            Rect::from_min_max(
                pos2(rect.left(), rect.top() + from),
                pos2(rect.right(), rect.top() + from + one),
            )
        };
        painter.rect_filled(lane, 1, theme::LINE);
        if needle.level > FLOOR {
            painter.rect_filled(along(lane, is_upright, 0.0, share(needle.level)), 1, ink(needle.level));
        }
        if needle.highest > FLOOR {
            let at = share(needle.highest);
            let width = 1.5 / if is_upright { lane.height() } else { lane.width() };
            let colour = if needle.is_over { theme::RECORD } else { ink(needle.highest) };
            painter.rect_filled(along(lane, is_upright, (at - width).max(0.0), at.max(width)), 0, colour);
        }
    }
}

fn along(lane: Rect, is_upright: bool, from: f32, to: f32) -> Rect {
    if is_upright {
        let y = |part: f32| lane.bottom() - part * lane.height();
        Rect::from_min_max(pos2(lane.left(), y(to)), pos2(lane.right(), y(from)))
    } else {
        let x = |part: f32| lane.left() + part * lane.width();
        Rect::from_min_max(pos2(x(from), lane.top()), pos2(x(to), lane.bottom()))
    }
}
