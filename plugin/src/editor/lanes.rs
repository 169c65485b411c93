//! Which pitch lies where in the piano roll, and the keys at its side. Draws lanes and keys; knows no notes.

use super::piano_roll::pitch_name;
use super::{Face, control, theme};
use egui::{Color32, Id, Painter, Rect, Sense, Stroke, Ui, pos2};

/// Width of the keys.
pub(crate) const KEYS: f32 = 34.0;
/// Semitones shown at least, so that two notes do not fill the well; and at the closest look.
const SEMITONES_MIN: u8 = 18;
const SEMITONES_CLOSEST: f32 = 7.0;
/// Free at top and bottom: markers, labels and the scroll bar stand there.
const TOP: f32 = 10.0;
const BOTTOM: f32 = 14.0;

/// Where pitches lie.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lanes {
    /// The lowest pitch in sight, at the bottom.
    low: f32,
    bottom: f32,
    top: f32,
    /// Of one lane.
    pub(crate) high: f32,
}

/// The lowest pitch in sight and the one above the highest.
pub(crate) type Pitches = (f32, f32);

impl Lanes {
    /// All of these pitches in the well, or those that the user wants to see.
    pub(crate) fn of(well: Rect, pitches: (u8, u8), wanted: Option<Pitches>) -> Self {
        let (low, high) = wanted.unwrap_or_else(|| whole(pitches));
        let (bottom, top) = (well.bottom() - BOTTOM, well.top() + TOP);
        Self { low, bottom, top, high: (bottom - top).max(1.0) / (high - low).max(1.0) }
    }

    /// The middle of a pitch's lane.
    pub(crate) fn y(&self, pitch: f32) -> f32 {
        self.bottom - (pitch - self.low + 0.5) * self.high
    }

    /// The pitch at a place.
    pub(crate) fn pitch(&self, y: f32) -> u8 {
        ((self.bottom - y) / self.high + self.low).floor().clamp(0.0, 127.0) as u8
    }

    fn sight(&self) -> Pitches {
        (self.low, self.low + (self.bottom - self.top).max(1.0) / self.high)
    }

    /// The pitches whose lanes are in sight.
    fn seen(&self) -> std::ops::RangeInclusive<u8> {
        self.pitch(self.bottom)..=self.pitch(self.top)
    }

    /// Lanes of black keys are darker, and every octave has a line.
    pub(crate) fn rows(&self, painter: &Painter, well: Rect) {
        for pitch in self.seen() {
            let (middle, half) = (self.y(f32::from(pitch)), self.high / 2.0);
            if is_black(pitch) && self.high >= 3.0 {
                let lane = Rect::from_x_y_ranges(well.x_range(), middle - half..=middle + half);
                painter.rect_filled(lane, 0, Color32::from_black_alpha(56));
            }
            if pitch.is_multiple_of(12) {
                let y = painter.round_to_pixel_center(middle + half);
                painter.hline(well.x_range(), y, Stroke::new(1.0, Color32::from_white_alpha(26)));
            }
        }
    }
}

fn is_black(pitch: u8) -> bool {
    matches!(pitch % 12, 1 | 3 | 6 | 8 | 10)
}

fn whole((low, high): (u8, u8)) -> Pitches {
    let (low, high) = (low.min(127).saturating_sub(1), high.min(126) + 1);
    let lacking = SEMITONES_MIN.saturating_sub(high.saturating_sub(low));
    let low = low.saturating_sub(lacking / 2);
    let high = high.max(low.saturating_add(SEMITONES_MIN)).min(127);
    (f32::from(low), f32::from(high) + 1.0)
}

/// The part in sight around `at` after zooming by `factor` (more than 1: in) and going `up` semitones; none for all.
fn moved(sight: Pitches, pitches: (u8, u8), at: f32, factor: f32, up: f32) -> Option<Pitches> {
    let all = whole(pitches);
    if !(factor.is_finite() && factor > 0.0 && up.is_finite()) {
        return Some(sight);
    }
    let span = ((sight.1 - sight.0) / factor).max(SEMITONES_CLOSEST);
    if span >= all.1 - all.0 {
        return None;
    }
    let share = ((at - sight.0) / (sight.1 - sight.0).max(1.0)).clamp(0.0, 1.0);
    let low = (sight.0 + share * (sight.1 - sight.0) - share * span + up).clamp(all.0, all.1 - span);
    Some((low, low + span))
}

/// The keys of a piano beside their lanes. The wheel scrolls them, with ctrl it zooms; a drag scrolls, two clicks show
/// all.
pub(crate) fn keys(
    face: &mut Face,
    ui: &mut Ui,
    rect: Rect,
    lanes: Lanes,
    pitches: (u8, u8),
    lit: Option<u8>,
) {
    let painter = ui.painter().with_clip_rect(rect.intersect(ui.clip_rect()));
    painter.rect_filled(rect, theme::ROUND, theme::WELL);
    let (white, black) =
        (theme::mix(theme::WELL, theme::WAVE, 0.72), theme::mix(theme::WELL, theme::WAVE, 0.14));
    for pitch in lanes.seen() {
        let (middle, half) = (lanes.y(f32::from(pitch)), lanes.high / 2.0);
        let key = Rect::from_x_y_ranges(rect.left()..=rect.right() - 2.0, middle - half..=middle + half);
        let is_lit = lit == Some(pitch);
        let ink = if is_lit { theme::ACCENT } else { white };
        let gap = if lanes.high > 4.0 { 0.5 } else { 0.0 };
        painter.rect_filled(key.shrink2(egui::vec2(0.0, gap)), 1, ink);
        if is_black(pitch) && !is_lit {
            painter.rect_filled(key.with_max_x(rect.left() + rect.width() * 0.6), 1, black);
        }
    }
    // Above all keys, or the next one would cover them.
    for pitch in lanes.seen().filter(|pitch| pitch.is_multiple_of(12) && lanes.high * 12.0 > 24.0) {
        let name = control::line(&painter, &pitch_name(pitch), theme::small(), theme::ON_BRIGHT, 30.0);
        let middle = pos2(rect.right() - 4.0 - name.size().x / 2.0, lanes.y(f32::from(pitch)));
        let plate = Rect::from_center_size(middle, name.size());
        if rect.contains_rect(plate.shrink2(egui::vec2(0.0, 2.0))) {
            let ink = if lit == Some(pitch) { theme::ACCENT } else { white };
            painter.rect_filled(plate.expand2(egui::vec2(1.5, -1.0)), 2, ink);
            painter.galley(plate.min, name, theme::ON_BRIGHT);
        }
    }
    let response = ui.interact(rect, Id::unique("keys"), Sense::click_and_drag());
    response.widget_info(|| egui::WidgetInfo::labeled(egui::accesskit::Role::ScrollBar, true, "Pitches"));
    let mut wish = (1.0, 0.0);
    if response.dragged() {
        wish.1 = response.drag_delta().y / lanes.high;
    }
    if ui.rect_contains_pointer(rect) {
        let (zoom, scroll) = ui.input(|input| (input.zoom_delta(), input.smooth_scroll_delta()));
        wish.0 = zoom;
        if (zoom - 1.0).abs() <= f32::EPSILON {
            wish.1 += (scroll.y + scroll.x) / lanes.high;
        }
    }
    if response.double_clicked() {
        face.take_view.pitches = None;
    } else if wish != (1.0, 0.0) {
        let at = response.hover_pos().map_or(0.0, |at| f32::from(lanes.pitch(at.y)) + 0.5);
        face.take_view.pitches = moved(lanes.sight(), pitches, at, wish.0, wish.1);
    }
    response.on_hover_text("Pitches: the wheel scrolls, with ctrl it zooms; two clicks show all");
}

#[cfg(test)]
mod tests {
    use super::*;
    use egui::{Pos2, vec2};

    #[test]
    fn every_pitch_has_a_lane_in_the_well_and_is_found_there() {
        let well = Rect::from_min_size(Pos2::ZERO, vec2(400.0, 200.0));
        for (low, high) in [(0, 0), (60, 60), (127, 127), (0, 127), (40, 52)] {
            let lanes = Lanes::of(well, (low, high), None);
            for pitch in [low, high] {
                let y = lanes.y(f32::from(pitch));
                assert!(well.y_range().contains(y), "{low} {high} {pitch}");
                assert_eq!(lanes.pitch(y), pitch);
            }
        }
    }

    #[test]
    fn a_closer_look_keeps_what_is_under_the_pointer_and_ends_at_all() {
        let (all, pitches) = (whole((36, 84)), (36, 84));
        let closer = moved(all, pitches, 60.0, 2.0, 0.0).expect("a part");
        assert!((closer.1 - closer.0 - (all.1 - all.0) / 2.0).abs() < 1e-3, "{closer:?}");
        let share = |sight: Pitches| (60.0 - sight.0) / (sight.1 - sight.0);
        assert!((share(closer) - share(all)).abs() < 1e-3);
        let up = moved(closer, pitches, 60.0, 1.0, 900.0).expect("a part");
        assert!((up.1 - all.1).abs() < 1e-3, "{up:?}");
        assert_eq!(moved(closer, pitches, 60.0, 0.1, 0.0), None);
        assert_eq!(moved(closer, pitches, 60.0, f32::NAN, 0.0), Some(closer));
        let closest = moved(closer, pitches, 60.0, 1e9, 0.0).expect("a part");
        assert!((closest.1 - closest.0 - SEMITONES_CLOSEST).abs() < 1e-3);
    }
}
