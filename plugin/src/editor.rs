//! MAIN THREAD. The window: draws one [`crate::view::View`] a frame and answers the commands that the user gave. Knows
//! no network, no disk and no audio thread.
//!
//! ```text
//! bar            whose take, which server, how many credits
//! notices        what the user should know, until dismissed
//! path_row       while a file or folder is asked for
//! take_view      the take and where the sound is     | side    what shall be done, its cost, the one button,
//!                (notes over it: piano_roll, lanes, note_bar)
//! transport_row  record, play, loop, host, level     |         and the way into the DAW
//! stem_list      a row a stem                        |
//! monitor_row    what is heard                       |
//! jobs_bar       while something runs
//! ```
//!
//! `account`, `history` and `settings` are sheets over everything below the bar.

mod account;
mod axis;
mod bar;
mod control;
mod controls;
mod empty;
mod fader;
mod history;
mod icon;
mod jobs_bar;
mod keyboard;
mod lanes;
mod meter;
mod model_picker;
mod monitor_row;
mod note_bar;
mod note_choice;
mod notices;
mod path_row;
mod piano_roll;
mod picture;
mod place_box;
mod references;
mod report_view;
mod run_box;
mod settings;
mod sheet_row;
mod side;
mod sign_in;
mod sound;
mod stem_list;
mod stem_row;
mod step;
mod strip;
mod take_picker;
mod take_view;
mod theme;
mod transcript_view;
mod transport_row;
mod trim;
pub mod window;
mod words;

pub use sound::Watch;

use crate::audio::Gauges;
use crate::command::Command;
use crate::drag::DragOut;
use crate::library::{JobKey, TakeId};
use crate::view::{Recorder, View, WindowSize};
use egui::{Rect, Ui};
use sound::Sound;
use std::path::PathBuf;
use std::time::Duration;
use strip::Strip;

/// Size below which the window is not drawn smaller but cut off, in points.
pub const SIZE_MIN: (f32, f32) = (760.0, 460.0);

/// How often the window is drawn while something moves.
pub const FRAME: Duration = Duration::from_millis(33);

/// What lies over everything below the bar.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Sheet {
    /// Nothing.
    #[default]
    None,
    /// Whose credits, and more of them.
    Account,
    /// Takes and jobs.
    History,
    /// Server and window.
    Settings,
}

/// A question that is asked once more in place before it is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Doubt {
    /// Delete this take with its results.
    Take(TakeId),
    /// Forget this job with its files.
    Job(JobKey),
    /// Forget server and key.
    SignOut,
}

/// One frame: what it draws, and what the user asked for in it.
pub(crate) struct Turn<'a> {
    /// What is shown.
    pub(crate) view: &'a View,
    /// What moves with the sound.
    pub(crate) sound: Sound,
    /// The button that matters now.
    pub(crate) step: step::Step,
    /// Takes files out of the window.
    pub(crate) drag: &'a mut dyn DragOut,
    commands: Vec<Command>,
}

impl Turn<'_> {
    /// Asks the session for something.
    pub(crate) fn ask(&mut self, command: Command) {
        self.commands.push(command);
    }
}

/// The window's own state: what is open, typed, selected and in sight. Knows nothing that must survive it.
#[derive(Default)]
pub struct Face {
    sheet: Sheet,
    /// The side panel is open in a window that is too narrow for it.
    is_side_open: bool,
    /// The rarer controls are in sight.
    are_controls_unfolded: bool,
    doubt: Option<Doubt>,
    sound: Sound,
    pictures: picture::Pictures,
    take_view: take_view::TakeView,
    picker: take_picker::TakePicker,
    stems: stem_list::StemList,
    notes: note_choice::NoteChoice,
    said: transcript_view::Heights,
    form: settings::Form,
    /// A page of the server was asked for in this window: it is opened when it is there.
    awaits_page: bool,
    history: history::History,
    /// A path as far as it was typed.
    typed_path: String,
    /// Why the last drag could not begin.
    complaint: Option<String>,
    has_asked_spectrograms: bool,
    was_typing: bool,
    /// Size of the last frame, to tell when it changes.
    seen_size: Option<egui::Vec2>,
}

impl Face {
    /// A window in which nothing is open.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Thread: main. Sets fonts and style; to be called whenever a window opens, before its first frame.
    pub fn build(&mut self, ctx: &egui::Context) {
        theme::apply(ctx);
        // Textures belong to the context of one window.
        self.pictures = picture::Pictures::default();
        self.seen_size = None;
    }

    /// Thread: main. Draws one frame and returns what the user asked for in it, in order.
    ///
    /// Levels are read from `gauges` once. The window draws itself again while something moves and sleeps otherwise;
    /// [`Watch`] tells when to wake it. It takes the zoom of `view.window`.
    pub fn show(
        &mut self,
        ui: &mut Ui,
        view: &View,
        gauges: &Gauges,
        drag: &mut dyn DragOut,
    ) -> Vec<Command> {
        self.sound.read(gauges, ui.input(|input| input.time));
        let step = step::next(view);
        let mut turn = Turn { view, sound: self.sound, step, drag, commands: Vec::new() };
        self.size(ui, &mut turn);
        self.keep_up(view);
        keyboard::read(self, ui, &mut turn);
        take_in(ui, &mut turn);
        self.draw(ui, &mut turn);
        // The key that ends typing is still the text field's in the frame in which it ended.
        self.was_typing = ui.ctx().text_edit_focused();
        if self.moves(view) {
            ui.ctx().request_repaint_after(FRAME);
        }
        turn.commands
    }

    /// Sizes and zooms the window as the user chose, and tells when it was resized.
    fn size(&mut self, ui: &Ui, turn: &mut Turn<'_>) {
        let zoom = zoom(turn.view.window.zoom);
        if (ui.ctx().zoom_factor() - zoom).abs() > 0.001 {
            ui.ctx().set_zoom_factor(zoom);
            self.seen_size = None;
            return;
        }
        let size = ui.ctx().content_rect().size();
        let before = self.seen_size.replace(size);
        if before.is_some_and(|before| before != size) {
            turn.ask(Command::Resize(WindowSize { width: size.x, height: size.y, zoom }));
        }
    }

    /// Forgets what no longer is.
    fn keep_up(&mut self, view: &View) {
        self.take_view.keep_up(view.take.as_ref().map(|take| take.info.as_ref()));
        self.stems.keep_up(view.result.as_ref());
        self.notes.keep_up(view.result.as_ref());
        let is_open = match self.doubt {
            Some(Doubt::Take(id)) => view.takes.iter().any(|take| take.id == id),
            Some(Doubt::Job(key)) => view.jobs.iter().any(|job| job.key == key),
            _ => true,
        };
        if !is_open {
            self.doubt = None;
        }
    }

    /// A wish could not be taken: says so, until dismissed.
    pub(crate) fn complain(&mut self, text: impl Into<String>) {
        self.complaint = Some(text.into());
    }

    fn draw(&mut self, ui: &mut Ui, turn: &mut Turn<'_>) {
        let whole = ui.max_rect();
        ui.painter().rect_filled(whole, 0, theme::GROUND);
        // A smaller window shows the upper left part of the smallest.
        let size = whole.size().max(egui::vec2(SIZE_MIN.0, SIZE_MIN.1));
        let mut strip = Strip(Rect::from_min_size(whole.min, size));
        bar::show(self, ui, strip.top(theme::BAR), turn);
        if turn.view.jobs.iter().any(|job| !job.stage.is_over()) {
            jobs_bar::show(ui, strip.bottom(jobs_bar::HEIGHT), turn);
        }
        let height = notices::height(self, turn);
        notices::show(self, ui, strip.top(height), turn);
        path_row::show(self, ui, strip.top(path_row::height(turn)), turn);
        match self.sheet {
            Sheet::None => self.body(ui, strip, turn),
            Sheet::Account => account::show(self, ui, strip.rest(), turn),
            Sheet::History => history::show(self, ui, strip.rest(), turn),
            Sheet::Settings => settings::show(self, ui, strip.rest(), turn),
        }
    }

    fn body(&mut self, ui: &mut Ui, mut strip: Strip, turn: &mut Turn<'_>) {
        if self.has_side(strip.rest().width()) {
            let panel = strip.right(theme::SIDE);
            side::show(self, ui, panel, turn);
        }
        let monitor = strip.bottom(monitor_row::HEIGHT);
        let stems = strip.bottom(stem_list::height(turn, strip.rest().height()));
        let transport = strip.bottom(transport_row::HEIGHT);
        take_view::show(self, ui, strip.rest(), turn);
        transport_row::show(ui, transport, turn);
        stem_list::show(self, ui, stems, turn);
        monitor_row::show(ui, monitor, turn);
    }

    fn moves(&self, view: &View) -> bool {
        let is_recording = matches!(view.recorder, Recorder::Recording { .. } | Recorder::Importing { .. });
        self.sound.moves || is_recording || view.player.is_playing
    }

    /// Whether the side panel is there in a window of this width.
    pub(crate) fn has_side(&self, width: f32) -> bool {
        width >= theme::FOLD_WIDTH || self.is_side_open
    }

    /// Asks for spectrograms, once until they have come.
    pub(crate) fn wants_spectrograms(&mut self, wants: bool, turn: &mut Turn<'_>) {
        if wants && !self.has_asked_spectrograms {
            turn.ask(Command::WantSpectrograms);
        }
        self.has_asked_spectrograms = wants;
    }

    /// Begins to drag those of `files` that are whole; where that cannot be, says why.
    pub(crate) fn drag_out(&mut self, files: &[PathBuf], turn: &mut Turn<'_>) {
        if files.is_empty() {
            return;
        }
        self.complaint = turn.drag.begin(files).err();
    }
}

/// The user's zoom, as far as it makes sense.
fn zoom(zoom: f32) -> f32 {
    if zoom.is_finite() { zoom.clamp(1.0, 3.0) } else { 1.0 }
}

/// Files dropped onto the window, by the toolkit or by our own way in.
fn take_in(ui: &Ui, turn: &mut Turn<'_>) {
    let mut files = turn.drag.dropped();
    files.extend(ui.input(|input| {
        input.raw.dropped_files.iter().map(|file| file.path().to_path_buf()).collect::<Vec<_>>()
    }));
    // One drop makes at most so many takes.
    const DROPPED_MAX: usize = 16;
    for file in files.into_iter().filter(|file| !file.as_os_str().is_empty()).take(DROPPED_MAX) {
        turn.ask(Command::Import(file));
    }
}
