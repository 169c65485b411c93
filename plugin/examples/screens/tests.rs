//! The window's behaviour, without a window: scripted input goes in, commands and words come out.

mod buying;
mod drags;
mod gestures;
mod hostile;
mod keys;
mod notes;
mod pressed;
mod states;
mod tasks;

use super::scenes;
use super::song::Song;
use super::window::Window;
use std::sync::OnceLock;
use tributary_plugin::view::View;

/// Points of the default window.
const SIZE: (f32, f32) = (980.0, 620.0);
/// Points of the smallest.
const SMALLEST: (f32, f32) = (760.0, 460.0);

/// Read once for all tests.
fn song() -> &'static Song {
    static SONG: OnceLock<Song> = OnceLock::new();
    SONG.get_or_init(|| Song::read().expect("the song lies in tests/song"))
}

fn open(view: View) -> Window {
    Window::new(view, SIZE, 1.0)
}

/// A take with stems.
fn done() -> View {
    scenes::done(song())
}

/// A take, ready to be sent.
fn ready() -> View {
    scenes::ready(song())
}
