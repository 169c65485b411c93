//! The take: ruler, waveform or spectrogram, the part in use, the loop, and where the sound is.

use super::axis::{Axis, Beats, Mark, second_marks};
use super::control::{self, Button, LEFT};
use super::icon::{self, Icon};
use super::lanes::{self, Pitches};
use super::piano_roll::{self, Ground};
use super::picture::{Ink, Part};
use super::strip::{Strip, middle};
use super::trim::Trim;
use super::{Face, Turn, empty, note_bar, take_picker, theme, words};
use crate::command::Command;
use crate::library::{TakeId, TakeInfo};
use crate::view::{Recorder, Take};
use egui::{Align2, Color32, CursorIcon, Id, Pos2, Rangef, Rect, Sense, Stroke, StrokeKind, Ui, pos2, vec2};

/// Height of the line above the ruler.
const HEAD: f32 = 36.0;
/// Height of the ruler.
const RULER: f32 = 20.0;

/// What is in sight of the take, and what is being dragged in it.
#[derive(Default)]
pub(crate) struct TakeView {
    of: Option<(TakeId, u64)>,
    /// The part in sight; of the stems as well.
    pub(crate) axis: Axis,
    trim: Trim,
    /// First frame of a loop that is being dragged.
    looping: Option<u64>,
    /// Pitches in sight of the piano roll; all of them where none are named.
    pub(crate) pitches: Option<Pitches>,
    /// Where a frame around notes begins.
    pub(crate) framing: Option<Pos2>,
    /// Spectrograms instead of waveforms, in the stems as well.
    pub(crate) is_spectrum: bool,
    is_in_seconds: bool,
}

impl TakeView {
    /// Another take is seen from its start.
    pub(crate) fn keep_up(&mut self, take: Option<&TakeInfo>) {
        let of = take.map(|take| (take.id, take.frames));
        if of != self.of {
            self.of = of;
            self.axis = Axis::whole(take.map_or(1, |take| take.frames));
            self.trim = Trim::default();
            (self.looping, self.framing, self.pitches) = (None, None, None);
        }
    }

    /// Zooms around the playhead, or the middle where that is not in sight.
    pub(crate) fn zoom(&mut self, factor: f32, playhead: Option<f64>) {
        let row = Rangef::new(0.0, 1.0);
        let at = playhead.map(|at| self.axis.x(row, at)).filter(|at| row.contains(*at));
        self.axis.zoom(row, at.unwrap_or(0.5), factor);
    }

    /// All of the take and all pitches.
    pub(crate) fn fit(&mut self, take: &TakeInfo) {
        self.axis = Axis::whole(take.frames);
        self.pitches = None;
    }

    /// Loops what is in use, or ends the loop.
    pub(crate) fn toggle_loop(&mut self, turn: &mut Turn<'_>) {
        let Some(take) = &turn.view.take else { return };
        let wish =
            if turn.view.player.looped.is_some() { None } else { Some(super::trim::range(&take.info)) };
        turn.ask(Command::Loop(wish));
    }
}

/// Draws it; or, while something is recorded or nothing is there, what that is.
pub(crate) fn show(face: &mut Face, ui: &mut Ui, rect: Rect, turn: &mut Turn<'_>) {
    let mut ui = control::cell(ui, rect, "take view");
    let ui = &mut ui;
    let view = turn.view;
    let Some(take) = view.take.as_ref().filter(|_| view.recorder == Recorder::Idle) else {
        empty::take(ui, rect, turn);
        return;
    };
    let mut strip = Strip(rect.shrink2(vec2(12.0, 0.0)));
    head(face, ui, strip.top(HEAD), take, turn);
    let result = turn.view.result.as_ref();
    let music = result.and_then(|result| result.music.clone());
    let pitches = music.as_ref().and_then(|music| music.pitches());
    let keys = pitches.map(|_| strip.left(lanes::KEYS));
    let row = strip.top(RULER);
    let well = strip.rest();
    ui.painter().rect_filled(well, theme::ROUND, theme::WELL);
    navigate(face, ui, row.union(well), turn);
    if let Some(at) = turn.sound.playhead(take.info.rate_hz).filter(|_| turn.sound.moves) {
        face.take_view.axis.follow(at);
    }
    ruler(face, ui, row, &take.info);
    if take.outline.is_none() && take.spectrogram.is_none() {
        let words = if take.is_present {
            "Drawing the waveform"
        } else {
            "The samples of this take are not on this disk"
        };
        control::text(ui.painter(), well, control::CENTRE, words, theme::body(), theme::DIM);
    }
    picture(face, ui, well, take);
    looped(ui, row, well, face.take_view.axis, turn.view.player.looped);
    let ground = result.and_then(|result| Ground::of(face, well, take, result));
    locate(face, ui, (row, well), "Ruler of the take", turn);
    match (ground, music) {
        (Some(ground), Some(music)) => {
            let lit = piano_roll::show(face, ui, ground, &music, turn);
            if let Some((keys, pitches)) = keys.zip(pitches) {
                lanes::keys(face, ui, keys.with_min_y(well.top()), ground.lanes, pitches, lit);
            }
            piano_roll::tracks(face, ui, well, &music);
        }
        (_, music) => {
            if let (Some(music), Some(result)) = (music, result) {
                let painter = ui.painter().with_clip_rect(well);
                let first = result.range.0;
                piano_roll::beats_only(&painter, well, face.take_view.axis, first, take.info.rate_hz, &music);
            }
            let pointer = locate(face, ui, (well, well), "Waveform of the take", turn);
            pointed(ui, well, &face.take_view.axis, pointer, take.info.rate_hz);
        }
    }
    let axis = face.take_view.axis;
    face.take_view.trim.show(ui, well, &axis, &take.info, turn);
    let at = turn.sound.playhead(take.info.rate_hz);
    playhead(ui, well, &axis, at, !turn.sound.is_host_playing && turn.view.player.is_playing);
    scroll_bar(face, ui, well);
}

fn head(face: &mut Face, ui: &mut Ui, rect: Rect, take: &Take, turn: &mut Turn<'_>) {
    let id = Id::unique("take head");
    let mut strip = Strip(rect);
    let width = control::segments_width(ui.painter(), &["Spectrogram", "Waveform"]);
    let choices =
        [("Waveform", "Peaks over time", true), ("Spectrogram", "Energy over time and pitch", true)];
    let on = usize::from(face.take_view.is_spectrum);
    if let Some(on) =
        control::segments(ui, middle(strip.right(width), 24.0), id.with("picture"), on, &choices)
    {
        face.take_view.is_spectrum = on == 1;
    }
    let lacks = |spectrogram: bool| face.take_view.is_spectrum && !spectrogram;
    let stems = turn
        .view
        .result
        .as_ref()
        .is_some_and(|result| result.stems.iter().any(|stem| lacks(stem.spectrogram.is_some())));
    face.wants_spectrograms(lacks(take.spectrogram.is_some()) || stems, turn);
    if Beats::of(&take.info).is_some() {
        strip.right(8.0);
        let width = control::segments_width(ui.painter(), &["Seconds", "Bars"]);
        let choices =
            [("Bars", "Count bars as the song does", true), ("Seconds", "Count from the take's start", true)];
        let on = usize::from(face.take_view.is_in_seconds);
        if let Some(on) =
            control::segments(ui, middle(strip.right(width), 24.0), id.with("unit"), on, &choices)
        {
            face.take_view.is_in_seconds = on == 1;
        }
    }
    if !face.take_view.axis.is_whole() || face.take_view.pitches.is_some() {
        strip.right(4.0);
        let cell = middle(strip.right(24.0), 24.0);
        let fit = Button::sign(Icon::Fit, "Show all", "Show the whole take (F)");
        if fit.show(ui, cell, id.with("fit")).clicked() {
            face.take_view.fit(&take.info);
        }
    }
    strip.right(12.0);
    if take.info.lost_frames > 0 {
        let words = format!(
            "{} of sound were lost: record it again, with a larger buffer in the DAW",
            lost(take.info.lost_frames, take.info.rate_hz)
        );
        icon::paint(ui.painter(), Icon::Warning, strip.left(14.0).center(), 13.0, theme::WARN);
        strip.left(8.0);
        let cell = strip.rest();
        control::text(ui.painter(), cell, LEFT, &words, theme::small(), theme::WARN);
        ui.interact(cell, id.with("lost"), Sense::hover()).on_hover_text(words);
    } else if note_bar::show(face, ui, &mut strip, take, turn) {
    } else {
        control::text(
            ui.painter(),
            strip.rest(),
            LEFT,
            &take_picker::facts(&take.info),
            theme::small(),
            theme::DIM,
        );
    }
}

/// `12 frames`, `0:01.3`.
pub(crate) fn lost(frames: u64, rate_hz: u32) -> String {
    if frames < u64::from(rate_hz) / 10 { format!("{frames} frames") } else { words::frames(frames, rate_hz) }
}

fn ruler(face: &Face, ui: &Ui, row: Rect, take: &TakeInfo) {
    let axis = face.take_view.axis;
    let beats = Beats::of(take).filter(|_| !face.take_view.is_in_seconds);
    let marks = beats.map_or_else(|| second_marks(&axis, row, take.rate_hz), |beats| beats.marks(&axis, row));
    let painter = ui.painter().with_clip_rect(row);
    for Mark { frame, label } in marks {
        let x = axis.x(row.x_range(), frame);
        let length = if label.is_some() { 8.0 } else { 4.0 };
        painter.vline(x, Rangef::new(row.bottom() - length, row.bottom()), Stroke::new(1.0, theme::EDGE));
        if let Some(label) = label {
            let words = control::line(&painter, &label, theme::small(), theme::DIM, f32::INFINITY);
            if x + 4.0 + words.size().x <= row.right() {
                painter.galley(pos2(x + 4.0, row.bottom() - 3.0 - words.size().y), words, theme::DIM);
            }
        }
    }
}

fn picture(face: &mut Face, ui: &Ui, well: Rect, take: &Take) {
    let axis = face.take_view.axis;
    let (first, end) = face.take_view.trim.range(&take.info);
    let part = Part { first: axis.first, end: axis.first + axis.sight };
    let painter = ui.painter().with_clip_rect(well);
    let x = |frame: u64| axis.x(well.x_range(), frame as f64).clamp(well.left(), well.right());
    let used = Rect::from_x_y_ranges(x(first)..=x(end), well.y_range());
    match (&take.outline, &take.spectrogram) {
        (_, Some(spectrogram)) if face.take_view.is_spectrum => {
            face.pictures.spectrum(
                &painter,
                0,
                spectrogram,
                well,
                part.of(take.info.frames),
                theme::SPECTRUM,
            );
        }
        (Some(outline), _) => {
            face.pictures.wave(&painter, 0, outline, well, part, Ink { colour: theme::WAVE, gain: 1.0 })
        }
        _ => {}
    }
    let veil = Color32::from_black_alpha(150);
    for out in [well.with_max_x(used.left()), well.with_min_x(used.right())] {
        if out.width() > 0.0 {
            painter.rect_filled(out, 0, veil);
        }
    }
}

fn looped(ui: &Ui, row: Rect, well: Rect, axis: Axis, looped: Option<(u64, u64)>) {
    let Some((first, end)) = looped else { return };
    let x = |frame: u64| axis.x(row.x_range(), frame as f64).clamp(row.left(), row.right());
    let span = x(first)..=x(end.max(first));
    let painter = ui.painter();
    painter.rect_filled(
        Rect::from_x_y_ranges(span.clone(), well.y_range()),
        0,
        Color32::from_white_alpha(14),
    );
    let band = Rect::from_x_y_ranges(span, row.bottom() - 3.0..=row.bottom());
    painter.rect_filled(band, 1, theme::TEXT);
}

/// Zoom and scroll.
fn navigate(face: &mut Face, ui: &Ui, rect: Rect, turn: &Turn<'_>) {
    if !ui.rect_contains_pointer(rect) || turn.view.take.is_none() {
        return;
    }
    let (zoom, scroll, at) =
        ui.input(|input| (input.zoom_delta(), input.smooth_scroll_delta(), input.pointer.hover_pos()));
    let row = rect.x_range();
    if let Some(at) = at
        && (zoom - 1.0).abs() > f32::EPSILON
    {
        face.take_view.axis.zoom(row, at.x, zoom);
    } else if scroll != egui::Vec2::ZERO {
        face.take_view.axis.scroll(row, -(scroll.x + scroll.y));
    }
}

/// A click goes there; a drag is a loop. `part`: where both can be done, and all of the take's picture. Says where the
/// pointer rests.
fn locate(
    face: &mut Face,
    ui: &mut Ui,
    (part, well): (Rect, Rect),
    name: &str,
    turn: &mut Turn<'_>,
) -> Option<Pos2> {
    let response = ui.interact(part, Id::unique(name), Sense::click_and_drag());
    response.widget_info(|| egui::WidgetInfo::labeled(egui::accesskit::Role::Canvas, true, name));
    let axis = face.take_view.axis;
    let frame = |x: f32| axis.frame(part.x_range(), x);
    let begun = ui.input(|input| input.pointer.press_origin());
    if let (true, Some(begun)) = (response.drag_started(), begun) {
        face.take_view.looping = Some(frame(begun.x));
    }
    let at = response.interact_pointer_pos();
    if let (Some(first), Some(at)) = (face.take_view.looping, at) {
        let last = frame(at.x);
        let range = (first.min(last), first.max(last));
        looped(ui, part.with_max_y(part.top() + 3.0), well, axis, Some(range));
        if response.drag_stopped() {
            face.take_view.looping = None;
            if range.1 > range.0 {
                turn.ask(Command::Loop(Some(range)));
            }
        }
    } else if response.clicked()
        && let Some(at) = at
    {
        turn.ask(Command::Locate(frame(at.x)));
    }
    let pointer = response.hover_pos().filter(|_| !response.dragged());
    response.on_hover_cursor(CursorIcon::Default);
    pointer
}

/// The time under the pointer.
pub(crate) fn pointed(ui: &Ui, well: Rect, axis: &Axis, pointer: Option<Pos2>, rate_hz: u32) {
    let Some(at) = pointer else { return };
    let x = ui.painter().round_to_pixel_center(at.x);
    ui.painter().vline(x, well.y_range(), Stroke::new(1.0, Color32::from_white_alpha(40)));
    let label = words::frames(axis.frame(well.x_range(), at.x), rate_hz);
    let is_left = at.x > well.right() - 60.0;
    let (align, x) = if is_left { (Align2::RIGHT_BOTTOM, x - 4.0) } else { (Align2::LEFT_BOTTOM, x + 4.0) };
    ui.painter().text(pos2(x, well.bottom() - 10.0), align, label, theme::small(), theme::DIM);
}

/// Where the sound is. Free play looks different: its head is hollow.
pub(crate) fn playhead(ui: &Ui, well: Rect, axis: &Axis, at: Option<f64>, is_free: bool) {
    let Some(at) = at else { return };
    let x = axis.x(well.x_range(), at);
    if !well.x_range().contains(x) {
        return;
    }
    let painter = ui.painter();
    painter.vline(x, well.y_range(), Stroke::new(1.5, theme::PLAYHEAD));
    let y = well.top();
    let head = vec![pos2(x - 5.0, y), pos2(x + 5.0, y), pos2(x, y + 7.0)];
    let (ink, line) = if is_free {
        (theme::WELL, Stroke::new(1.5, theme::PLAYHEAD))
    } else {
        (theme::PLAYHEAD, Stroke::NONE)
    };
    painter.add(egui::Shape::convex_polygon(head, ink, line));
}

fn scroll_bar(face: &mut Face, ui: &mut Ui, well: Rect) {
    if face.take_view.axis.is_whole() {
        return;
    }
    let lane = well.with_min_y(well.bottom() - 8.0);
    let response = ui.interact(lane, Id::unique("take scroll"), Sense::click_and_drag());
    let (first, sight) = face.take_view.axis.shares();
    if response.dragged() {
        let whole = f64::from(response.drag_delta().x / lane.width().max(1.0) / sight.max(1e-9))
            * face.take_view.axis.sight;
        let to = face.take_view.axis.first + whole;
        face.take_view.axis.move_to(to);
    }
    let left = lane.left() + first * lane.width();
    let width = (sight * lane.width()).max(16.0);
    let thumb = Rect::from_min_size(pos2(left.min(lane.right() - width), lane.top() + 2.0), vec2(width, 4.0));
    let ink = if response.hovered() || response.dragged() { theme::DIM } else { theme::EDGE };
    ui.painter().rect(thumb, 2, ink, Stroke::NONE, StrokeKind::Inside);
}
