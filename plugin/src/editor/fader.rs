//! A gain fader with its value in dB: drag, double-click for 0 dB.

use super::control::{self, RIGHT};
use super::{theme, words};
use egui::{Color32, Id, Rect, Sense, Stroke, Ui, WidgetInfo, pos2, vec2};

/// Share of the way at 0 dB.
const ZERO: f32 = 0.75;
/// Width of the number beside it.
pub(crate) const NUMBER: f32 = 56.0;

/// -60 dB at the left end, 0 dB at three quarters, +12 dB at the right end; finer towards the top.
fn share(gain: f32) -> f32 {
    if gain >= 0.0 {
        ZERO + gain / words::GAIN_MAX * (1.0 - ZERO)
    } else {
        ZERO * (1.0 - (gain / words::GAIN_MIN).sqrt())
    }
}

fn gain(share: f32) -> f32 {
    let share = share.clamp(0.0, 1.0);
    let gain = if share >= ZERO {
        (share - ZERO) / (1.0 - ZERO) * words::GAIN_MAX
    } else {
        words::GAIN_MIN * (1.0 - share / ZERO).powi(2)
    };
    // Tenths, and 0 dB is caught.
    if gain.abs() < 0.35 { 0.0 } else { (gain * 10.0).round() / 10.0 }
}

/// A gain as the fader can show it; nonsense is silence.
fn tame(value: f32) -> f32 {
    if value.is_nan() { words::GAIN_MIN } else { value.clamp(words::GAIN_MIN, words::GAIN_MAX) }
}

/// Says the new gain when it was changed.
pub(crate) fn show(ui: &mut Ui, rect: Rect, id: Id, name: &str, value: f32, colour: Color32) -> Option<f32> {
    let value = tame(value);
    let (way, number) = (rect.with_max_x(rect.right() - NUMBER), rect.with_min_x(rect.right() - NUMBER));
    let response = ui.interact(way, id, Sense::click_and_drag());
    response.widget_info(|| WidgetInfo::slider(true, f64::from(value), format!("Gain of {name}")));
    let rail = way.shrink2(vec2(6.0, 0.0));
    let mut new = None;
    if response.double_clicked() {
        new = Some(0.0);
    } else if response.dragged()
        && let Some(at) = response.interact_pointer_pos()
    {
        new = Some(gain((at.x - rail.left()) / rail.width().max(1.0)));
    }
    let shown = new.unwrap_or(value);
    paint(ui, rail, shown, colour, response.hovered() || response.dragged());
    control::text(ui.painter(), number, RIGHT, &words::db(shown), theme::small(), theme::DIM);
    response.on_hover_text("Gain. Drag; double-click for 0 dB");
    new.filter(|new| (new - value).abs() > 0.01)
}

fn paint(ui: &Ui, rail: Rect, value: f32, colour: Color32, is_over: bool) {
    let painter = ui.painter();
    let y = rail.center().y;
    let x = rail.left() + share(value) * rail.width();
    let zero = rail.left() + ZERO * rail.width();
    painter.rect_filled(
        Rect::from_min_max(pos2(rail.left(), y - 1.5), pos2(rail.right(), y + 1.5)),
        1,
        theme::HOVER,
    );
    painter.rect_filled(Rect::from_min_max(pos2(rail.left(), y - 1.5), pos2(x, y + 1.5)), 1, colour);
    painter.vline(zero, y + 5.0..=y + 8.0, Stroke::new(1.0, theme::EDGE));
    painter.circle_filled(pos2(x, y), if is_over { 6.5 } else { 5.5 }, theme::TEXT);
}

#[cfg(test)]
mod tests {
    //! Way and gain are each other's inverse, and nonsense has a place.

    use super::*;

    #[test]
    fn a_place_on_the_way_is_the_gain_that_is_shown_there() {
        for value in [-60.0, -30.0, -6.0, -1.0, 0.0, 3.0, 12.0] {
            assert!((gain(share(value)) - value).abs() < 0.06, "{value}");
        }
        assert!((gain(-1.0) + 60.0).abs() < f32::EPSILON && (gain(9.0) - 12.0).abs() < f32::EPSILON);
    }

    #[test]
    fn nonsense_is_drawn_at_an_end() {
        assert!((tame(f32::NAN) + 60.0).abs() < f32::EPSILON);
        assert!((tame(f32::INFINITY) - 12.0).abs() < f32::EPSILON);
    }
}
