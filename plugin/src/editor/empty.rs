//! What is said where nothing is yet: what it is, and the next step.

use super::control::{self, Button, CENTRE, Look};
use super::icon::{self, Icon};
use super::step::Step;
use super::{Turn, keyboard, meter, take_view, theme, words};
use crate::command::Command;
use crate::view::{Recorder, Trigger};
use egui::{Id, Rect, Stroke, StrokeKind, Ui, pos2, vec2};

/// In the place of the take: none yet, armed, recording, reading a file.
pub(crate) fn take(ui: &mut Ui, rect: Rect, turn: &mut Turn<'_>) {
    let rect = rect.shrink2(vec2(12.0, 0.0)).with_min_y(rect.top() + 12.0);
    ui.painter().rect_filled(rect, 6, theme::WELL);
    match &turn.view.recorder {
        Recorder::Idle => none(ui, rect, turn),
        Recorder::Armed => armed(ui, rect, turn),
        Recorder::Recording { trigger, room } => {
            let until = match trigger {
                Trigger::Transport => "until the DAW stops, or until you press Stop (R)",
                Trigger::Now => "until you press Stop (R)",
            };
            recording(ui, rect, &format!("Recording {until}"), &words::span(*room), turn);
        }
        Recorder::Importing { name, share } => {
            let middle = rect.center() - vec2(0.0, 16.0);
            said(ui, rect, middle, &format!("Reading {name}"), "It becomes a take of this library");
            let bar = Rect::from_center_size(rect.center() + vec2(0.0, 40.0), vec2(240.0, 4.0));
            icon::progress(ui.painter(), bar, Some(*share), theme::TEXT);
        }
    }
}

/// A title and a line below it around `middle`; says where they end.
fn said(ui: &Ui, rect: Rect, middle: egui::Pos2, title: &str, below: &str) -> f32 {
    let width = rect.width() - 32.0;
    let title = control::line(ui.painter(), title, theme::title(), theme::TEXT, width);
    let size = title.size();
    ui.painter().galley(pos2(middle.x - size.x / 2.0, middle.y - size.y), title, theme::TEXT);
    control::paragraph(ui.painter(), pos2(middle.x, middle.y + 4.0), width, below, theme::body(), theme::DIM)
}

fn none(ui: &mut Ui, rect: Rect, turn: &mut Turn<'_>) {
    let is_over = ui.input(|input| !input.raw.hovered_files.is_empty());
    let edge = if is_over { theme::TEXT } else { theme::LINE };
    ui.painter().rect_stroke(rect, 6, Stroke::new(1.0, edge), StrokeKind::Inside);
    let (title, below) = if is_over {
        ("Drop it here", "It becomes a take of this library")
    } else {
        ("No take yet", "Arm and play, or choose a file. You can also drop a file here.")
    };
    let bottom = said(ui, rect, rect.center() - vec2(0.0, 20.0), title, below);
    let (arm, file) = (
        Button::word("Arm", "Records when the DAW plays (R)").icon(Icon::Record),
        Button::word("Choose a file\u{2026}", "Any sound file of this machine").icon(Icon::File),
    );
    let arm = arm.accent_if(turn.step == Step::Capture);
    let (first, second) = (96.0, file.width(ui.painter()));
    let left = rect.center().x - (first + 8.0 + second) / 2.0;
    let top = (bottom + 14.0).min(rect.bottom() - theme::FIELD - 4.0);
    let cell = |left: f32, width: f32| Rect::from_min_size(pos2(left, top), vec2(width, theme::FIELD));
    if arm.show(ui, cell(left, first), Id::unique("empty arm")).clicked() {
        keyboard::record(Trigger::Transport, turn);
    }
    if file.show(ui, cell(left + first + 8.0, second), Id::unique("empty file")).clicked() {
        turn.ask(Command::ChooseFile);
    }
}

fn armed(ui: &mut Ui, rect: Rect, turn: &mut Turn<'_>) {
    let below = "Waiting for the transport: press play in the DAW. The take begins with its first sample.";
    ui.painter().rect_stroke(rect, 6, Stroke::new(1.0, theme::WARN), StrokeKind::Inside);
    let lift = if rect.height() < 160.0 { 12.0 } else { 24.0 };
    let bottom = said(ui, rect, rect.center() - vec2(0.0, lift), "Armed", below);
    let level = Rect::from_center_size(pos2(rect.center().x, bottom + 18.0), vec2(240.0, 9.0));
    meter::show(ui.painter(), level, &turn.sound.input);
    let button = Rect::from_center_size(pos2(rect.center().x, bottom + 50.0), vec2(160.0, theme::FIELD));
    if rect.contains_rect(button) {
        let now =
            Button::word("Record at once", "Without waiting for the transport (Shift+R)").look(Look::Quiet);
        if now.show(ui, button, Id::unique("record now")).clicked() {
            turn.ask(Command::Record(Trigger::Now));
        }
    }
}

fn recording(ui: &Ui, rect: Rect, title: &str, room: &str, turn: &Turn<'_>) {
    let painter = ui.painter();
    painter.rect_stroke(rect, 6, Stroke::new(1.0, theme::RECORD), StrokeKind::Inside);
    let gap = ((rect.height() - 24.0) / 4.0).clamp(20.0, 25.0);
    let middle = rect.center() - vec2(0.0, gap * 1.5);
    let time = turn.sound.recorded_time();
    let place = Rect::from_center_size(middle, vec2(rect.width(), 28.0));
    let place = control::text(painter, place, CENTRE, &time, theme::title(), theme::TEXT);
    icon::paint(painter, Icon::Record, place.left_center() - vec2(14.0, 0.0), 12.0, theme::RECORD);
    let line = Rect::from_center_size(middle + vec2(0.0, gap), vec2(rect.width() - 24.0, 20.0));
    control::text(painter, line, CENTRE, title, theme::body(), theme::DIM);
    let level =
        Rect::from_center_size(middle + vec2(0.0, gap * 2.0), vec2((rect.width() - 64.0).min(420.0), 11.0));
    meter::show(painter, level, &turn.sound.input);
    let line = Rect::from_center_size(middle + vec2(0.0, gap * 3.0), vec2(rect.width() - 24.0, 20.0));
    if turn.sound.lost > 0 {
        let words = format!(
            "{} lost so far: the disk or the machine is too slow",
            take_view::lost(turn.sound.lost, turn.sound.rate_hz)
        );
        control::text(painter, line, CENTRE, &words, theme::small(), theme::WARN);
    } else {
        control::text(
            painter,
            line,
            CENTRE,
            &format!("Room on the disk for {room}"),
            theme::small(),
            theme::DIM,
        );
    }
}
