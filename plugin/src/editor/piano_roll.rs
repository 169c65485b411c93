//! The notes and beats of a transcription, drawn over the take's waveform on the same axis, to be picked, heard and
//! dragged. Computes nothing about music.

use super::axis::Axis;
use super::lanes::Lanes;
use super::{Face, Turn, control, keyboard, take_view, theme};
use crate::command::Command;
use crate::library::{Music, NOTES, music::Note};
use crate::view::{Outcome, Take};
use egui::{
    Color32, CornerRadius, CursorIcon, Id, Painter, Pos2, Rect, Sense, Shape, Stroke, Ui, pos2, vec2,
};

/// Beats closer than that are not drawn, only bars; bars closer than that, neither.
const BEAT_GAP: f32 = 10.0;
const BAR_GAP: f32 = 5.0;
/// Points of one note's bend that are drawn.
const BEND_POINTS_MAX: usize = 200;
/// Notes at least so high and wide carry their name.
const NAME_HEIGHT: f32 = 12.0;
const NAME_WIDTH: f32 = 30.0;

/// Where the notes lie: the take's axis, the clip's first frame in it, and the take's rate.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ground {
    pub(crate) well: Rect,
    pub(crate) axis: Axis,
    pub(crate) first: u64,
    pub(crate) rate_hz: u32,
    pub(crate) lanes: Lanes,
}

impl Ground {
    /// Of a result in this well; none without notes.
    pub(crate) fn of(face: &Face, well: Rect, take: &Take, result: &Outcome) -> Option<Self> {
        let pitches = result.music.as_ref()?.pitches()?;
        Some(Self {
            well,
            axis: face.take_view.axis,
            first: result.range.0,
            rate_hz: take.info.rate_hz.max(1),
            lanes: Lanes::of(well, pitches, face.take_view.pitches),
        })
    }

    fn x(&self, seconds: f64) -> f32 {
        let x = self.axis.x(self.well.x_range(), self.first as f64 + seconds * f64::from(self.rate_hz));
        // Far out is out: no renderer likes numbers beyond the screen.
        if x.is_nan() {
            self.well.left() - 9.0
        } else {
            x.clamp(self.well.left() - 9.0, self.well.right() + 9.0)
        }
    }

    /// The second of the clip at a place.
    fn seconds(&self, x: f32) -> f64 {
        (self.axis.at(self.well.x_range(), x) - self.first as f64) / f64::from(self.rate_hz)
    }

    /// The seconds of the clip that are in sight.
    fn sight(&self) -> (f64, f64) {
        (self.seconds(self.well.left()), self.seconds(self.well.right()))
    }

    fn bar(&self, note: &Note) -> Rect {
        let high = (self.lanes.high - 1.0).clamp(2.0, 18.0);
        let left = self.x(note.start);
        let right = (self.x(note.end) - 0.5).max(left + 1.5);
        let middle = self.lanes.y(f32::from(note.pitch));
        Rect::from_min_max(pos2(left, middle - high / 2.0), pos2(right, middle + high / 2.0))
    }

    /// The note at a place; the one that is drawn last where several lie over each other.
    fn under(&self, face: &Face, music: &Music, at: Pos2) -> Option<usize> {
        let (from, to) = (self.seconds(at.x - 4.0), self.seconds(at.x + 4.0));
        let seen = music.between(from, to).rev().filter(|note| face.notes.is_seen(music, *note));
        let near = seen.filter(|note| self.bar(&music.notes[*note]).expand(2.0).contains(at));
        near.min_by_key(|note| !self.bar(&music.notes[*note]).contains(at))
    }
}

/// Draws beats, lanes and notes, and lets notes be picked; the note under the pointer says what it is. Returns its pitch.
pub(crate) fn show(
    face: &mut Face,
    ui: &mut Ui,
    ground: Ground,
    music: &Music,
    turn: &mut Turn<'_>,
) -> Option<u8> {
    let response = ui.interact(ground.well, Id::unique("take"), Sense::click_and_drag());
    response
        .widget_info(|| egui::WidgetInfo::labeled(egui::accesskit::Role::Canvas, true, "Notes of the take"));
    let pointer = response.hover_pos().filter(|_| !response.dragged());
    let under = pointer.and_then(|at| ground.under(face, music, at));
    let painter = ui.painter().with_clip_rect(ground.well.intersect(ui.clip_rect()));
    paint(face, &painter, ground, music);
    pick(face, ui, ground, music, &response, turn);
    let note = under.and_then(|note| music.notes.get(note));
    match note {
        Some(note) => tell(&painter, ground, music, note),
        None => take_view::pointed(ui, ground.well, &ground.axis, pointer, ground.rate_hz),
    }
    response.on_hover_cursor(if note.is_some() { CursorIcon::PointingHand } else { CursorIcon::Default });
    note.map(|note| note.pitch)
}

/// Names of the tracks in their colours, where there are several: a click shows one or puts it out of sight.
pub(crate) fn tracks(face: &mut Face, ui: &mut Ui, well: Rect, music: &Music) {
    if music.tracks.len() < 2 {
        return;
    }
    let mut right = well.right() - 6.0;
    for (index, name) in music.tracks.iter().enumerate().rev() {
        let is_seen = !face.notes.is_hidden(index);
        let ink = if is_seen { theme::TEXT } else { theme::DIM };
        let words = control::line(ui.painter(), &super::words::capital(name), theme::small(), ink, 90.0);
        let cell = Rect::from_min_max(
            pos2(right - words.size().x - 26.0, well.top() + 5.0),
            pos2(right, well.top() + 23.0),
        );
        if cell.left() < well.left() + 6.0 {
            break;
        }
        right = cell.left() - 4.0;
        let response = ui.interact(cell, Id::unique("track").with(index), Sense::click());
        let said = format!("Notes of {name}");
        response.widget_info(|| {
            egui::WidgetInfo::selected(egui::accesskit::Role::CheckBox, true, is_seen, &said)
        });
        let ground = if response.hovered() { theme::HOVER } else { theme::RAISED };
        ui.painter().rect_filled(cell, theme::ROUND, ground.gamma_multiply(0.9));
        let dot = pos2(cell.left() + 11.0, cell.center().y);
        let colour = track_colour(music, index);
        if is_seen {
            ui.painter().circle_filled(dot, 4.0, colour);
        } else {
            ui.painter().circle_stroke(dot, 3.5, Stroke::new(1.25, colour));
        }
        ui.painter().galley(pos2(cell.left() + 19.0, cell.center().y - words.size().y / 2.0), words, ink);
        if response.on_hover_text("Show these notes, or put them out of sight").clicked() {
            face.notes.toggle_track(music, index);
        }
    }
}

/// Beats alone, where no notes were looked for.
pub(crate) fn beats_only(painter: &Painter, well: Rect, axis: Axis, first: u64, rate_hz: u32, music: &Music) {
    let lanes = Lanes::of(well, (60, 60), None);
    beats(painter, Ground { well, axis, first, rate_hz: rate_hz.max(1), lanes }, music);
}

fn paint(face: &Face, painter: &Painter, ground: Ground, music: &Music) {
    // The waveform stays where it is, further back.
    painter.rect_filled(ground.well, theme::ROUND, theme::WELL.gamma_multiply(0.72));
    beats(painter, ground, music);
    ground.lanes.rows(painter, ground.well);
    let (from, to) = ground.sight();
    let mut last_x = [f32::NEG_INFINITY; 128];
    for number in music.between(from, to) {
        let Some(note) = music.notes.get(number).filter(|_| face.notes.is_seen(music, number)) else {
            continue;
        };
        let rect = ground.bar(note);
        let last = &mut last_x[usize::from(note.pitch.min(127))];
        let is_picked = face.notes.has(number);
        // Where a point holds many notes one of them is enough.
        if !ground.well.intersects(rect) || (rect.right() <= *last + 0.25 && !is_picked) {
            continue;
        }
        *last = rect.right();
        draw(painter, ground, note, rect, ink(music, note, is_picked));
        if is_picked {
            painter.rect_stroke(rect, 2, Stroke::new(1.5, theme::TEXT), egui::StrokeKind::Outside);
        }
    }
}

/// Loud notes are bright, doubtful ones pale, picked ones as bright as can be.
fn ink(music: &Music, note: &Note, is_picked: bool) -> Color32 {
    let colour = track_colour(music, note.track);
    if is_picked {
        return theme::mix(colour, Color32::WHITE, 0.25);
    }
    let loud = 0.45 + 0.55 * f32::from(note.velocity.min(127)) / 127.0;
    let sure = if note.confidence.is_finite() { note.confidence.clamp(0.0, 1.0) } else { 0.0 };
    theme::mix(theme::WELL, colour, loud).gamma_multiply(0.35 + 0.65 * sure)
}

/// The colour of a track: its stem's, or that of notes where there is but one.
pub(crate) fn track_colour(music: &Music, track: usize) -> Color32 {
    music
        .tracks
        .get(track)
        .map_or_else(|| theme::stem_colour(NOTES, 0), |name| theme::stem_colour(name, track))
}

fn draw(painter: &Painter, ground: Ground, note: &Note, rect: Rect, ink: Color32) {
    painter.rect_filled(rect, CornerRadius::same(2), ink);
    let lanes = ground.lanes;
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
    } else if rect.height() >= NAME_HEIGHT && rect.width() >= NAME_WIDTH {
        let name = pitch_name(note.pitch);
        let name = control::line(painter, &name, theme::small(), theme::ON_BRIGHT, rect.width() - 6.0);
        let left = rect.left().max(ground.well.left()) + 4.0;
        let place = Rect::from_min_size(pos2(left, rect.center().y - name.size().y / 2.0), name.size());
        if place.right() < rect.right() && ground.well.contains_rect(place) {
            painter.galley(place.min, name, theme::ON_BRIGHT);
        }
    }
}

/// A click picks a note, or goes to where nothing is; a drag draws a frame around notes, or takes picked ones out.
fn pick(
    face: &mut Face,
    ui: &Ui,
    ground: Ground,
    music: &Music,
    response: &egui::Response,
    turn: &mut Turn<'_>,
) {
    let held = keyboard::held_at_click(ui);
    let is_more = held.shift || held.command;
    let at = response.interact_pointer_pos();
    if response.drag_started()
        && let Some(begun) = ui.input(|input| input.pointer.press_origin())
    {
        let is_picked = ground.under(face, music, begun).is_some_and(|note| face.notes.has(note));
        let file = turn.view.result.as_ref().and_then(|result| result.picked.as_ref()?.file.clone());
        match file.filter(|_| is_picked && turn.drag.is_available()) {
            Some(file) => face.drag_out(&[file], turn),
            None => {
                face.notes.begin_frame(is_more);
                face.take_view.framing = Some(begun);
            }
        }
    }
    if let (Some(begun), Some(at)) = (face.take_view.framing, at) {
        let frame = Rect::from_two_pos(begun, at).intersect(ground.well);
        let seconds = (ground.seconds(frame.left()), ground.seconds(frame.right()));
        let pitches = ground.lanes.pitch(frame.bottom())..=ground.lanes.pitch(frame.top());
        face.notes.frame(music, seconds, pitches);
        let painter = ui.painter().with_clip_rect(ground.well);
        painter.rect_filled(frame, 0, Color32::from_white_alpha(18));
        painter.rect_stroke(frame, 0, Stroke::new(1.0, theme::DIM), egui::StrokeKind::Inside);
        if response.drag_stopped() {
            face.take_view.framing = None;
        }
    } else if response.clicked()
        && let Some(at) = at
    {
        match ground.under(face, music, at) {
            Some(note) => face.notes.click(note, is_more),
            None => {
                face.notes.clear();
                turn.ask(Command::Locate(ground.axis.frame(ground.well.x_range(), at.x)));
            }
        }
    }
    // While the button is down the choice may change with every frame.
    if !response.is_pointer_button_down_on() {
        face.notes.tell(turn);
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

/// What a note is, in words.
fn words(music: &Music, note: &Note) -> String {
    let track = music.track(note).map(|track| format!("{}   ", super::words::capital(track)));
    let bends = || note.bends.iter().copied().filter(|bend| bend.is_finite());
    let (low, high) = (bends().fold(0.0, f32::min), bends().fold(0.0, f32::max));
    let bent = match (low < -0.05, high > 0.05) {
        (false, false) => String::new(),
        (true, false) => format!("   bends {low:.1} semitones"),
        (false, true) => format!("   bends +{high:.1} semitones"),
        (true, true) => format!("   bends {low:.1} to +{high:.1} semitones"),
    };
    let sure = note.confidence.clamp(0.0, 1.0) * 100.0;
    let name = pitch_name(note.pitch);
    format!("{}{name}   velocity {}   {sure:.0} % sure{bent}", track.unwrap_or_default(), note.velocity)
}

fn tell(painter: &Painter, ground: Ground, music: &Music, note: &Note) {
    let (well, rect) = (ground.well, ground.bar(note));
    painter.rect_stroke(rect, 2, Stroke::new(1.0, theme::TEXT), egui::StrokeKind::Outside);
    let said = control::line(painter, &words(music, note), theme::small(), theme::TEXT, 420.0);
    let size = said.size() + vec2(12.0, 6.0);
    let left = rect.left().clamp(well.left(), (well.right() - size.x).max(well.left()));
    let top =
        if rect.top() - size.y - 4.0 > well.top() { rect.top() - size.y - 4.0 } else { rect.bottom() + 4.0 };
    let plate = Rect::from_min_size(pos2(left, top), size);
    painter.rect_filled(plate, theme::ROUND, theme::HOVER);
    painter.galley(plate.min + vec2(6.0, 3.0), said, theme::TEXT);
}

/// `C4` for 60, as most DAWs and MusicXML have it.
pub(crate) fn pitch_name(pitch: u8) -> String {
    const NAMES: [&str; 12] = ["C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B"];
    format!("{}{}", NAMES[usize::from(pitch % 12)], i16::from(pitch / 12) - 1)
}

#[cfg(test)]
mod tests {
    //! Names are the usual ones, and a note says what it is.

    use super::*;

    #[test]
    fn middle_c_is_c4() {
        assert_eq!([60, 69, 0, 127].map(pitch_name), ["C4", "A4", "C-1", "G9"]);
    }

    #[test]
    fn a_note_says_its_track_and_how_far_it_bends() {
        let text =
            br#"{"notes":[{"start_seconds":0,"end_seconds":1,"pitch":60,"velocity":80,"confidence":0.5,
            "stem":"vocals","bends_semitones":[-0.5,0,0.25]}]}"#;
        let music = Music::read(text);
        let said = words(&music, &music.notes[0]);
        assert_eq!(said, "Vocals   C4   velocity 80   50 % sure   bends -0.5 to +0.2 semitones");
    }
}
