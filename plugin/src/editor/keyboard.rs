//! Shortcuts of the whole window. They are heeded only while no text is typed and no menu is open.

use super::{Doubt, Face, Sheet, Turn, axis::Beats, note_bar};
use crate::command::Command;
use crate::view::{Monitor, Recorder, Trigger};
use egui::{Event, Key, Modifiers, Ui};

/// The keys held at this frame's click, else those held now: a key that is let go in the same frame was meant for the click.
pub(crate) fn held_at_click(ui: &Ui) -> Modifiers {
    ui.input(|input| {
        let mut latest = input.events.iter().rev();
        let click = latest.find_map(|event| match event {
            Event::PointerButton { modifiers, .. } => Some(*modifiers),
            _ => None,
        });
        click.unwrap_or(input.modifiers)
    })
}

/// Reads the shortcuts of this frame.
pub(crate) fn read(face: &mut Face, ui: &Ui, turn: &mut Turn<'_>) {
    let ctx = ui.ctx();
    // Somebody else's: text, an open menu, a button reached with the tab key.
    let is_typing =
        face.was_typing || ctx.text_edit_focused() || ctx.memory(|memory| memory.focused()).is_some();
    if is_typing || egui::Popup::is_any_open(ctx) {
        return;
    }
    let pressed = |key| ui.input_mut(|input| input.consume_key(Modifiers::NONE, key));
    if ui.input_mut(|input| input.consume_key(Modifiers::SHIFT, Key::R)) {
        record(Trigger::Now, turn);
    } else if pressed(Key::R) {
        record(Trigger::Transport, turn);
    }
    if pressed(Key::Escape) {
        escape(face, turn);
    }
    if face.sheet != Sheet::None {
        return;
    }
    if pressed(Key::Space) {
        play(turn);
    }
    if pressed(Key::L) {
        face.take_view.toggle_loop(turn);
    }
    let solo = pressed(Key::S);
    let mute = pressed(Key::M);
    if solo || mute {
        face.stems.press(solo, mute, turn);
    }
    let back = [(Key::ArrowLeft, -1.0), (Key::ArrowRight, 1.0)];
    for (key, way) in back {
        if pressed(key) {
            step(way, turn);
        }
    }
    if pressed(Key::Home) {
        locate_start(turn);
    }
    if pressed(Key::O) && turn.view.result.is_some() {
        let is_original = turn.view.player.monitor == Monitor::Original;
        turn.ask(Command::SetMonitor(if is_original { Monitor::Stems } else { Monitor::Original }));
    }
    look(face, &pressed, turn);
    let is_all = ui.input_mut(|input| input.consume_key(Modifiers::COMMAND, Key::A));
    notes(face, is_all, &pressed, turn);
}

/// Closer, further, all.
fn look(face: &mut Face, pressed: &dyn Fn(Key) -> bool, turn: &Turn<'_>) {
    let Some(take) = &turn.view.take else { return };
    let at = turn.sound.playhead(take.info.rate_hz);
    for (key, factor) in [(Key::Plus, 1.5), (Key::Equals, 1.5), (Key::Minus, 1.0 / 1.5)] {
        if pressed(key) {
            face.take_view.zoom(factor, at);
        }
    }
    if pressed(Key::F) {
        face.take_view.fit(&take.info);
    }
}

/// All notes, the next one, the one before, and whether they are heard alone.
fn notes(face: &mut Face, is_all: bool, pressed: &dyn Fn(Key) -> bool, turn: &mut Turn<'_>) {
    let Some(music) = turn.view.result.as_ref().and_then(|result| result.music.clone()) else { return };
    if is_all {
        face.notes.all(&music);
    }
    for (key, is_forward) in [(Key::ArrowDown, true), (Key::ArrowUp, false)] {
        if pressed(key) {
            face.notes.step(&music, is_forward);
        }
    }
    if pressed(Key::H) {
        note_bar::hear(face, turn);
    }
}

/// Begins as told, or ends what runs.
pub(crate) fn record(trigger: Trigger, turn: &mut Turn<'_>) {
    match turn.view.recorder {
        Recorder::Idle => turn.ask(Command::Record(trigger)),
        Recorder::Armed | Recorder::Recording { .. } => turn.ask(Command::StopRecording),
        Recorder::Importing { .. } => {}
    }
}

/// Whether free play can begin: there is something to play, and the host stands still.
pub(crate) fn can_play(turn: &Turn<'_>) -> bool {
    let is_there = turn.view.take.as_ref().is_some_and(|take| take.is_present) || turn.view.result.is_some();
    is_there && !turn.sound.is_host_playing
}

/// Plays or stops. Input alone would be silent, so playing also chooses what is heard.
pub(crate) fn play(turn: &mut Turn<'_>) {
    if turn.view.player.is_playing {
        turn.ask(Command::Play(false));
    } else if can_play(turn) {
        if turn.view.player.monitor == Monitor::Input {
            let monitor = if turn.view.result.is_some() { Monitor::Stems } else { Monitor::Original };
            turn.ask(Command::SetMonitor(monitor));
        }
        turn.ask(Command::Play(true));
    }
}

/// One thing at a time: what is asked, what is open, what is armed.
fn escape(face: &mut Face, turn: &mut Turn<'_>) {
    if face.doubt.take().is_some() {
        return;
    }
    if face.sheet != Sheet::None {
        face.sheet = Sheet::None;
        return;
    }
    let was_picked = face.notes.clear() || face.stems.clear_selection();
    if !was_picked && turn.view.recorder == Recorder::Armed {
        turn.ask(Command::StopRecording);
    }
}

/// The playhead goes a beat, or half a second.
fn step(way: f64, turn: &mut Turn<'_>) {
    let Some(take) = &turn.view.take else { return };
    let length =
        Beats::of(&take.info).map_or(f64::from(take.info.rate_hz) / 2.0, |beats| beats.beat_frames());
    let from = turn.sound.playhead(take.info.rate_hz).unwrap_or(take.info.range().0 as f64);
    let to = (from + way * length).round().clamp(0.0, take.info.frames as f64);
    turn.ask(Command::Locate(to as u64));
}

fn locate_start(turn: &mut Turn<'_>) {
    if let Some(take) = &turn.view.take {
        turn.ask(Command::Locate(take.info.range().0));
    }
}

/// Asks once more, or does it when it was asked already.
pub(crate) fn is_sure(face: &mut Face, doubt: Doubt) -> bool {
    if face.doubt == Some(doubt) {
        face.doubt = None;
        return true;
    }
    face.doubt = Some(doubt);
    false
}
