//! One line of progress a file: a bar on a terminal, plain lines elsewhere.

use crate::cli::screen;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal;
use std::path::Path;
use std::sync::Mutex;
use std::time::Duration;

/// Characters of a file's name in its line.
const NAME_CHARS: usize = 24;
/// Plain lines say how far it is at every quarter.
const PLAIN_STEPS: u64 = 4;

/// The lines of a batch.
pub(super) struct Bars {
    screen: Option<MultiProgress>,
}

/// The line of one file.
pub(super) struct Line {
    name: String,
    bar: Option<(ProgressBar, MultiProgress)>,
    said: Mutex<(String, u64)>,
}

impl Bars {
    pub(super) fn new() -> Self {
        let terminal = std::io::stderr().is_terminal();
        Self {
            screen: terminal.then(|| MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(8))),
        }
    }

    pub(super) fn line(&self, file: &Path) -> Line {
        let name = file.file_name().map_or_else(|| "-".into(), |name| name.to_string_lossy().into_owned());
        let bar = self.screen.as_ref().map(|screen| {
            let bar = screen.add(ProgressBar::new(1));
            bar.set_style(style("{prefix} {msg}"));
            bar.set_prefix(shorten(&name));
            bar.set_message("waits");
            (bar, screen.clone())
        });
        Line { name, bar, said: Mutex::default() }
    }

    pub(super) fn note(&self, text: &str) {
        match &self.screen {
            Some(screen) => drop(screen.println(text)),
            None => screen::note(text),
        }
    }
}

impl Line {
    /// Something without a known end goes on.
    pub(super) fn state(&self, text: &str) {
        match &self.bar {
            Some((bar, _)) => {
                bar.set_style(style("{prefix} {spinner} {msg}"));
                bar.enable_steady_tick(Duration::from_millis(120));
                bar.set_message(text.to_owned());
            }
            None => self.say_once(text, 0),
        }
    }

    /// So much of something with a known end is done.
    pub(super) fn progress(&self, what: &str, done: u64, total: u64) {
        match &self.bar {
            Some((bar, _)) => {
                if bar.message() != what {
                    bar.disable_steady_tick();
                    bar.reset_eta();
                    bar.set_style(style("{prefix} {msg:12} [{bar:28}] {percent:>3} %  {eta} left"));
                    bar.set_message(what.to_owned());
                }
                bar.set_length(total.max(1));
                bar.set_position(done);
            }
            None => {
                let step = done * PLAIN_STEPS / total.max(1);
                self.say_once(&format!("{what} {} %", step * 100 / PLAIN_STEPS), step);
            }
        }
    }

    /// The end, well.
    pub(super) fn done(&self, text: &str) {
        self.end("done", text);
    }

    /// The end, otherwise.
    pub(super) fn fail(&self, text: &str) {
        self.end("failed", text);
    }

    /// A result, to stdout, without tearing the bars.
    pub(super) fn print(&self, text: &str) {
        match &self.bar {
            Some((_, screen)) => screen.suspend(|| screen::line(text)),
            None => screen::line(text),
        }
    }

    fn end(&self, word: &str, text: &str) {
        match &self.bar {
            Some((bar, _)) => {
                bar.disable_steady_tick();
                bar.set_style(style("{prefix} {msg}"));
                bar.finish_with_message(format!("{word}: {text}"));
            }
            None => screen::note(format!("{}: {word}: {text}", self.name)),
        }
    }

    fn say_once(&self, text: &str, step: u64) {
        let mut said = self.said.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if said.0 != text {
            *said = (text.to_owned(), step);
            screen::note(format!("{}: {text}", self.name));
        }
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("=> ")
}

fn shorten(name: &str) -> String {
    let chars = name.chars().count();
    if chars <= NAME_CHARS {
        return format!("{name:<NAME_CHARS$}");
    }
    let (head, tail) = (NAME_CHARS / 2, NAME_CHARS - NAME_CHARS / 2 - 1);
    name.chars().take(head).chain(['…']).chain(name.chars().skip(chars - tail)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names_keep_their_beginning_and_end() {
        assert_eq!(shorten("a.wav").chars().count(), NAME_CHARS);
        let short = shorten("A very long title of a song (live in Königsberg).flac");
        assert_eq!(short.chars().count(), NAME_CHARS);
        assert!(short.starts_with("A very long") && short.ends_with("berg).flac"), "{short}");
    }
}
