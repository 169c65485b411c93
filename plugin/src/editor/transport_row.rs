//! Record, play, loop, the time, the host and what it sends.

use super::control::{self, Button, LEFT, Look, RIGHT};
use super::icon::{self, Icon};
use super::strip::{Strip, middle};
use super::{Turn, keyboard, meter, theme, words};
use crate::command::Command;
use crate::view::{Recorder, Trigger};
use egui::{Id, Popup, Rect, Sense, Ui, vec2};

/// Its height.
pub(crate) const HEIGHT: f32 = 48.0;

/// Draws it.
pub(crate) fn show(ui: &mut Ui, rect: Rect, turn: &mut Turn<'_>) {
    let mut strip = Strip(middle(rect, theme::FIELD).shrink2(vec2(12.0, 0.0)));
    record(ui, &mut strip, turn);
    strip.left(8.0);
    play(ui, strip.left(76.0), turn);
    strip.left(8.0);
    repeat(ui, strip.left(76.0), turn);
    strip.left(16.0);
    host(ui, &mut strip, turn);
    time(ui, strip.rest(), turn);
}

fn record(ui: &mut Ui, strip: &mut Strip, turn: &mut Turn<'_>) {
    let id = Id::unique("record");
    let button = match turn.view.recorder {
        Recorder::Idle | Recorder::Importing { .. } => {
            let tip = "Record with the transport: armed now, begins when the DAW plays (R). At once: Shift+R";
            Button::word("Rec", tip).icon(Icon::Record).enabled(turn.view.recorder == Recorder::Idle)
        }
        Recorder::Armed => {
            Button::word("Armed", "Disarm (R, Escape)").icon(Icon::Record).look(Look::Lit(theme::WARN))
        }
        Recorder::Recording { .. } => Button::word("Stop", "End the recording and keep the take (R)")
            .icon(Icon::Stop)
            .look(Look::Lit(theme::RECORD)),
    };
    if button.show(ui, strip.left(88.0), id).clicked() {
        keyboard::record(Trigger::Transport, turn);
    }
    strip.left(2.0);
    let more = Button::sign(Icon::Down, "Other ways to a take", "Record at once, or choose a file");
    let more = more.look(Look::Plain).enabled(turn.view.recorder == Recorder::Idle);
    let response = more.show(ui, strip.left(24.0), id.with("more"));
    Popup::menu(&response).gap(4.0).show(|ui| {
        ui.set_min_width(200.0);
        if ui.button("Record at once   Shift+R").clicked() {
            turn.ask(Command::Record(Trigger::Now));
        }
        if ui.button("Choose a file\u{2026}").clicked() {
            turn.ask(Command::ChooseFile);
        }
    });
}

fn play(ui: &mut Ui, cell: Rect, turn: &mut Turn<'_>) {
    let is_playing = turn.view.player.is_playing && !turn.sound.is_host_playing;
    let button = if turn.sound.is_host_playing {
        Button::word("Play", "The DAW plays, and the stems follow it").icon(Icon::Play).enabled(false)
    } else if is_playing {
        Button::word("Stop", "Stop (Space)").icon(Icon::Stop).look(Look::Lit(theme::TEXT))
    } else if keyboard::can_play(turn) {
        Button::word("Play", "Play here, without the DAW (Space)").icon(Icon::Play)
    } else {
        Button::word("Play", "There is nothing to play yet").icon(Icon::Play).enabled(false)
    };
    if button.show(ui, cell, Id::unique("play")).clicked() {
        keyboard::play(turn);
    }
}

fn repeat(ui: &mut Ui, cell: Rect, turn: &mut Turn<'_>) {
    let looped = turn.view.player.looped;
    let tip = "Repeat the part in use when playing here (L). Drag on the waveform for another part";
    let look = if looped.is_some() { Look::Lit(theme::TEXT) } else { Look::Plain };
    let button = Button::word("Loop", tip).icon(Icon::Loop).look(look).enabled(turn.view.take.is_some());
    if button.show(ui, cell, Id::unique("loop")).clicked()
        && let Some(take) = &turn.view.take
    {
        turn.ask(Command::Loop(if looped.is_some() { None } else { Some(super::trim::range(&take.info)) }));
    }
}

fn time(ui: &Ui, cell: Rect, turn: &Turn<'_>) {
    let Some(take) = &turn.view.take else { return };
    let rate = take.info.rate_hz;
    let at = turn.sound.playhead(rate).unwrap_or(0.0) / f64::from(rate.max(1));
    let ink = if turn.sound.playhead(rate).is_some() { theme::TEXT } else { theme::DIM };
    let place = control::text(ui.painter(), cell, LEFT, &words::clock(at), theme::title(), ink);
    let rest = cell.with_min_x(place.right() + 6.0);
    let whole = format!("/ {}", words::frames(take.info.frames, rate));
    let whole = control::line(ui.painter(), &whole, theme::small(), theme::DIM, f32::INFINITY);
    if whole.size().x <= rest.width() {
        let top = rest.center().y + 2.0 - whole.size().y / 2.0;
        ui.painter().galley(egui::pos2(rest.left(), top), whole, theme::DIM);
    }
}

/// Room that the time of this take needs at most.
fn time_width(ui: &Ui, turn: &Turn<'_>) -> f32 {
    let Some(take) = &turn.view.take else { return 0.0 };
    let longest = words::frames(take.info.frames, take.info.rate_hz);
    let wide = |font| control::line(ui.painter(), &longest, font, theme::TEXT, f32::INFINITY).size().x;
    wide(theme::title()) + wide(theme::small()) + 20.0
}

fn host(ui: &mut Ui, strip: &mut Strip, turn: &Turn<'_>) {
    let level = middle(strip.right(64.0), 9.0);
    meter::show(ui.painter(), level, &turn.sound.input);
    let tip = "What the DAW sends. The mark is the highest level of the last moments";
    ui.interact(level.expand(6.0), Id::unique("input level"), Sense::hover()).on_hover_text(tip);
    strip.right(8.0);
    let label = strip.right(18.0);
    control::text(ui.painter(), label, RIGHT, "In", theme::small(), theme::DIM);
    strip.right(12.0);
    let tempo = turn.sound.tempo.map(|tempo| format!("{tempo:.1} bpm"));
    let meter = turn.sound.meter.map(|(upper, lower)| format!("{upper}/{lower}"));
    let said: Vec<String> = tempo.into_iter().chain(meter).collect();
    // The take's time matters more than what the DAW shows as well.
    let room = strip.rest().width() - time_width(ui, turn);
    let (has_tempo, has_words) = (room > 184.0, room > 92.0);
    if has_tempo && !said.is_empty() {
        control::text(ui.painter(), strip.right(92.0), RIGHT, &said.join("  "), theme::small(), theme::DIM);
    }
    let (icon, words, ink) = if turn.sound.is_host_playing {
        (Icon::Play, "DAW plays", theme::TEXT)
    } else if turn.view.player.is_playing {
        (Icon::Play, "Free play", theme::TEXT)
    } else {
        (Icon::Stop, "DAW stopped", theme::DIM)
    };
    if has_words {
        let words = control::text(ui.painter(), strip.right(84.0), RIGHT, words, theme::small(), ink);
        icon::paint(ui.painter(), icon, words.left_center() - vec2(10.0, 0.0), 8.0, ink);
    } else {
        icon::paint(ui.painter(), icon, strip.right(8.0).center(), 8.0, ink);
    }
    strip.right(12.0);
}
