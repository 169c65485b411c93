//! What the window costs: one JSON object a line, `{name, value, unit, most}`, for `cargo xtask bench`. The heaviest
//! views, played: levels and playhead move with every frame, as often as the window draws itself. Everything is built
//! and tessellated; pixels are the graphics card's.

use crate::scenes::{self, tasks};
use crate::song::Song;
use crate::window::Window;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;
use tributary_plugin::editor::{FRAME, Watch};
use tributary_plugin::view::View;

/// Frames of one view, after those in which pictures are made.
const FRAMES: usize = 300;
/// How often whoever can wake a sleeping window looks, a second.
const LOOKS: f64 = 66.0;
/// Share of a core, %.
const PLAYING_MOST: f64 = 15.0;
const IDLE_MOST: f64 = 2.0;

/// Prints all figures.
pub(crate) fn print(song: &Song) {
    let views = [
        ("four stems", scenes::done(song), "Waveform"),
        ("four stems, spectrograms", scenes::done(song), "Spectrogram"),
        ("notes", tasks::transcribed(song), "Waveform"),
    ];
    for (name, view, picture) in views {
        let share = played(view, picture) / FRAME.as_secs_f64() * 100.0;
        line(&format!("window, playing, {name}"), share, PLAYING_MOST);
    }
    line("window, nothing moves", idle(scenes::done(song)) * LOOKS * 100.0, IDLE_MOST);
}

/// Seconds of one frame: the median, since others run on this machine, too.
fn played(view: View, picture: &str) -> f64 {
    let mut window = Window::new(view, (980.0, 620.0), 2.0);
    if window.find("Show all").is_none() {
        window.click(picture);
    }
    window.gauges.is_host_playing.store(true, Relaxed);
    let mut times: Vec<f64> = (0..FRAMES)
        .map(|frame| {
            let level = (frame as f32 * 0.37).sin().abs();
            let gauges = &window.gauges;
            gauges.input.iter().chain(&gauges.output).chain(&gauges.stems).for_each(|peak| peak.raise(level));
            gauges.playhead.store(frame as i64 * 1_470, Relaxed);
            let began = Instant::now();
            window.frame(Vec::new());
            std::hint::black_box(window.primitives());
            began.elapsed().as_secs_f64()
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// Seconds of one look at a window that sleeps: nothing is drawn.
fn idle(view: View) -> f64 {
    let window = Window::new(view, (980.0, 620.0), 2.0);
    assert!(window.sleeps > 3_600.0, "a window in which nothing moves sleeps");
    let mut watch = Watch::default();
    let began = Instant::now();
    let stirred = (0..10_000).filter(|_| watch.stirs(&window.gauges)).count();
    std::hint::black_box(stirred);
    began.elapsed().as_secs_f64() / 10_000.0
}

#[expect(clippy::print_stdout, reason = "the lines are what this program is for")]
fn line(name: &str, value: f64, most: f64) {
    println!("{{\"name\":\"{name}\",\"value\":{value:.4},\"unit\":\"% of a core\",\"most\":{most}}}");
}
