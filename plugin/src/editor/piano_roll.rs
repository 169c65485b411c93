//! The notes and beats of a transcription, drawn over the take's waveform on the same axis. Computes nothing about music.

use super::axis::Axis;
use super::{control, theme};
use crate::library::{Music, music::Note};
use egui::{Color32, CornerRadius, Painter, Pos2, Rect, Shape, Stroke, pos2, vec2};

/// Semitones shown at least, so that two notes do not fill the well.
const SEMITONES_MIN: u8 = 18;
/// Free at top and bottom: markers, labels and the scroll bar stand there.
const TOP: f32 = 10.0;
const BOTTOM: f32 = 14.0;
/// Beats closer than that are not drawn, only bars; bars closer than that, neither.
const BEAT_GAP: f32 = 10.0;
const BAR_GAP: f32 = 5.0;
/// Points of one note's bend that are drawn.
const BEND_POINTS_MAX: usize = 200;

/// Where the notes lie: the take's axis, the clip's first frame in it, and the take's rate.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ground {
    pub(crate) well: Rect,
    pub(crate) axis: Axis,
    pub(crate) first: u64,
    pub(crate) rate_hz: u32,
}

impl Ground {
    fn x(&self, seconds: f64) -> f32 {
        let x = self.axis.x(self.well.x_range(), self.first as f64 + seconds * f64::from(self.rate_hz));
        // Far out is out: no renderer likes numbers beyond the screen.
        if x.is_nan() {
            self.well.left() - 9.0
        } else {
            x.clamp(self.well.left() - 9.0, self.well.right() + 9.0)
        }
    }

    /// The seconds of the clip that are in sight.
    fn sight(&self) -> (f64, f64) {
        let rate = f64::from(self.rate_hz.max(1));
        let from = (self.axis.first - self.first as f64) / rate;
        (from, from + self.axis.sight / rate)
    }
}

/// Which pitch lies where.
#[derive(Clone, Copy, Debug)]
struct Lanes {
    low: u8,
    bottom: f32,
    high: f32,
}

impl Lanes {
    fn of(well: Rect, (low, high): (u8, u8)) -> Self {
        let (low, high) = (low.min(127).saturating_sub(1), high.min(126) + 1);
        let lacking = SEMITONES_MIN.saturating_sub(high.saturating_sub(low));
        let low = low.saturating_sub(lacking / 2);
        let high = high.max(low.saturating_add(SEMITONES_MIN)).min(127);
        let room = (well.height() - TOP - BOTTOM).max(1.0);
        Self { low, bottom: well.bottom() - BOTTOM, high: room / (f32::from(high) - f32::from(low) + 1.0) }
    }

    /// The middle of a pitch's lane.
    fn y(&self, pitch: f32) -> f32 {
        self.bottom - (pitch - f32::from(self.low) + 0.5) * self.high
    }
}

/// Draws beats, lanes and notes; the note under the pointer says what it is.
pub(crate) fn show(painter: &Painter, ground: Ground, music: &Music, pointer: Option<Pos2>) {
    // The waveform stays where it is, further back.
    painter.rect_filled(ground.well, theme::ROUND, theme::WELL.gamma_multiply(0.72));
    beats(painter, ground, music);
    let Some(pitches) = music.pitches() else { return };
    let lanes = Lanes::of(ground.well, pitches);
    octaves(painter, ground.well, lanes);
    let (from, to) = ground.sight();
    let mut last_x = [f32::NEG_INFINITY; 128];
    let mut under = None;
    for note in music.between(from, to) {
        let (left, right) = (ground.x(note.start), ground.x(note.end));
        let last = &mut last_x[usize::from(note.pitch.min(127))];
        // Where a point holds many notes one of them is enough.
        if right < ground.well.left() || right <= *last + 0.25 {
            continue;
        }
        *last = right;
        let rect = bar(lanes, note, left, right);
        draw(painter, note, rect, lanes);
        if pointer.is_some_and(|at| rect.expand(2.0).contains(at)) {
            under = Some((note, rect));
        }
    }
    if let Some((note, rect)) = under {
        tell(painter, ground.well, note, rect);
    }
}

fn bar(lanes: Lanes, note: &Note, left: f32, right: f32) -> Rect {
    let high = (lanes.high - 1.0).clamp(2.0, 12.0);
    let right = (right - 0.5).max(left + 1.5);
    let middle = lanes.y(f32::from(note.pitch));
    Rect::from_min_max(pos2(left, middle - high / 2.0), pos2(right, middle + high / 2.0))
}

/// Loud notes are bright, doubtful ones pale.
fn draw(painter: &Painter, note: &Note, rect: Rect, lanes: Lanes) {
    let colour = theme::stem_colour(crate::library::NOTES, 0);
    let loud = 0.45 + 0.55 * f32::from(note.velocity.min(127)) / 127.0;
    let sure = if note.confidence.is_finite() { note.confidence.clamp(0.0, 1.0) } else { 0.0 };
    let sure = 0.35 + 0.65 * sure;
    let ink = theme::mix(theme::WELL, colour, loud).gamma_multiply(sure);
    painter.rect_filled(rect, CornerRadius::same(2), ink);
    let is_bent = note.bends.iter().any(|bend| bend.abs() > 0.05);
    if is_bent && rect.width() > 8.0 && lanes.high > 3.0 {
        let count = note.bends.len().clamp(2, BEND_POINTS_MAX);
        let point = |index: usize| {
            let share = index as f32 / (count - 1) as f32;
            let bend = note.bends[((note.bends.len() - 1) as f32 * share) as usize];
            let bend = if bend.is_finite() { bend.clamp(-24.0, 24.0) } else { 0.0 };
            pos2(rect.left() + rect.width() * share, lanes.y(f32::from(note.pitch) + bend))
        };
        let line = (0..count).map(point).collect();
        painter.add(Shape::line(line, Stroke::new(1.25, Color32::from_white_alpha(190))));
    }
}

/// A line a beat and a stronger one a bar, where there is room for them.
fn beats(painter: &Painter, ground: Ground, music: &Music) {
    let (from, to) = ground.sight();
    let lines = |times: &[f64], gap: f32, ink: Color32| {
        let first = times.partition_point(|time| *time < from);
        let end = times.partition_point(|time| *time <= to).max(first);
        let seen = &times[first..end];
        if seen.len() as f32 * gap > ground.well.width() {
            return;
        }
        for time in seen {
            let x = painter.round_to_pixel_center(ground.x(*time));
            painter.vline(x, ground.well.y_range(), Stroke::new(1.0, ink));
        }
    };
    lines(&music.beats, BEAT_GAP, Color32::from_white_alpha(14));
    lines(&music.downbeats, BAR_GAP, Color32::from_white_alpha(48));
}

/// A line and a name at every C.
fn octaves(painter: &Painter, well: Rect, lanes: Lanes) {
    for pitch in (0..=120u8).step_by(12) {
        let y = lanes.y(f32::from(pitch)) + lanes.high / 2.0;
        if !(well.top() + TOP..=well.bottom() - 4.0).contains(&y) {
            continue;
        }
        painter.hline(well.x_range(), y, Stroke::new(1.0, Color32::from_white_alpha(22)));
        let name = pitch_name(pitch);
        let words = control::line(painter, &name, theme::small(), theme::DIM, 40.0);
        let at = pos2(well.left() + 8.0, y - words.size().y - 1.0);
        painter.galley(at, words, theme::DIM);
    }
}

fn tell(painter: &Painter, well: Rect, note: &Note, rect: Rect) {
    painter.rect_stroke(rect, 2, Stroke::new(1.0, theme::TEXT), egui::StrokeKind::Outside);
    let said = format!(
        "{}   velocity {}   {:.0} % sure",
        pitch_name(note.pitch),
        note.velocity,
        note.confidence.clamp(0.0, 1.0) * 100.0
    );
    let words = control::line(painter, &said, theme::small(), theme::TEXT, 300.0);
    let size = words.size() + vec2(12.0, 6.0);
    let left = rect.left().clamp(well.left(), (well.right() - size.x).max(well.left()));
    let top =
        if rect.top() - size.y - 4.0 > well.top() { rect.top() - size.y - 4.0 } else { rect.bottom() + 4.0 };
    let plate = Rect::from_min_size(pos2(left, top), size);
    painter.rect_filled(plate, theme::ROUND, theme::HOVER);
    painter.galley(plate.min + vec2(6.0, 3.0), words, theme::TEXT);
}

/// `C4` for 60, as most DAWs and MusicXML have it.
fn pitch_name(pitch: u8) -> String {
    const NAMES: [&str; 12] = ["C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B"];
    format!("{}{}", NAMES[usize::from(pitch % 12)], i16::from(pitch / 12) - 1)
}

#[cfg(test)]
mod tests {
    //! Pitches have lanes inside the well, names are the usual ones.

    use super::*;

    #[test]
    fn every_pitch_has_a_lane_in_the_well() {
        let well = Rect::from_min_size(Pos2::ZERO, vec2(400.0, 200.0));
        for (low, high) in [(0, 0), (60, 60), (127, 127), (0, 127), (40, 52)] {
            let lanes = Lanes::of(well, (low, high));
            for pitch in [low, high] {
                assert!(well.y_range().contains(lanes.y(f32::from(pitch))), "{low} {high} {pitch}");
            }
        }
    }

    #[test]
    fn middle_c_is_c4() {
        assert_eq!([60, 69, 0, 127].map(pitch_name), ["C4", "A4", "C-1", "G9"]);
    }
}
