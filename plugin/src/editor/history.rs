//! All takes and jobs of this library: what was made of what, by which model, for how much; each can be used again.

use super::control::{self, Button, LEFT, Look, RIGHT};
use super::icon::{self, Icon};
use super::strip::{Strip, middle};
use super::{Doubt, Face, Sheet, Turn, keyboard, take_picker, theme, words};
use crate::command::Command;
use crate::view::{Connection, Job, Stage};
use egui::{Color32, Id, Rect, ScrollArea, Sense, Ui, pos2, vec2};

/// Height of a job.
const ROW: f32 = 52.0;

/// Which list is seen.
#[derive(Default)]
pub(crate) struct History {
    is_takes: bool,
}

/// The line on top of a sheet; says where its content goes.
pub(crate) fn sheet(face: &mut Face, ui: &mut Ui, rect: Rect, title: &str) -> Strip {
    ui.painter().rect_filled(rect, 0, theme::GROUND);
    let mut strip = Strip(rect.shrink2(vec2(16.0, 0.0)));
    let mut head = Strip(strip.top(48.0));
    let close = middle(head.right(theme::FIELD), theme::FIELD);
    if Button::sign(Icon::Cross, "Close", "Close (Escape)")
        .show(ui, close, Id::unique("close sheet"))
        .clicked()
    {
        face.sheet = Sheet::None;
        face.doubt = None;
    }
    control::text(ui.painter(), head.rest(), LEFT, title, theme::title(), theme::TEXT);
    strip
}

/// Draws it.
pub(crate) fn show(face: &mut Face, ui: &mut Ui, rect: Rect, turn: &mut Turn<'_>) {
    let mut ui = control::cell(ui, rect, "history");
    let ui = &mut ui;
    let mut strip = sheet(face, ui, rect, "History");
    let choices =
        [("Jobs", "What was made, and what it cost", true), ("Takes", "What was recorded or read", true)];
    let width = control::segments_width(ui.painter(), &["Takes", "Jobs"]).max(140.0);
    let place = Rect::from_center_size(pos2(rect.center().x, rect.top() + 24.0), vec2(width, 26.0));
    if let Some(on) =
        control::segments(ui, place, Id::unique("history"), usize::from(face.history.is_takes), &choices)
    {
        face.history.is_takes = on == 1;
        face.doubt = None;
    }
    strip.bottom(8.0);
    let area = strip.rest();
    let (count, high) =
        if face.history.is_takes { (turn.view.takes.len(), 44.0) } else { (turn.view.jobs.len(), ROW) };
    if count == 0 {
        let words = if face.history.is_takes {
            "No take yet. Arm and play, or choose a file."
        } else {
            "No job yet. What you run is listed here, with its cost and its result."
        };
        control::text(ui.painter(), area, control::CENTRE, words, theme::body(), theme::DIM);
        return;
    }
    let (takes, jobs) = (turn.view.takes.clone(), turn.view.jobs.clone());
    let mut list =
        ui.new_child(egui::UiBuilder::new().id_salt(("list", face.history.is_takes)).max_rect(area));
    list.spacing_mut().item_spacing.y = 0.0;
    ScrollArea::vertical().auto_shrink([false, false]).show_rows(&mut list, high, count, |ui, seen| {
        for index in seen {
            let (row, _) = ui.allocate_exact_size(vec2(ui.available_width(), high), Sense::hover());
            control::rule(ui.painter(), row.with_min_y(row.bottom() - 1.0));
            if !face.history.is_takes {
                if let Some(job) = jobs.get(index) {
                    job_row(face, ui, row, job, turn);
                }
            } else if let Some(take) = takes.get(index) {
                take_row(face, ui, row, take, turn);
            }
        }
    });
}

fn take_row(face: &mut Face, ui: &mut Ui, row: Rect, take: &crate::library::TakeInfo, turn: &mut Turn<'_>) {
    let mut strip = Strip(row);
    if face.picker.is_naming(take.id) {
        face.picker.field(ui, middle(strip.left(320.0), theme::FIELD), turn);
        return;
    }
    let cell = middle(strip.right(36.0), theme::FIELD).with_max_x(row.right() - 8.0);
    let rename = Button::sign(Icon::Pencil, "Rename take", "Give this take another name");
    if rename.show(ui, cell, Id::unique("history rename").with(take.id.0)).clicked() {
        face.picker.rename(take);
    }
    if take_picker::row(face, ui, strip.rest(), take, turn) {
        face.sheet = Sheet::None;
    }
}

fn outcome(stage: &Stage) -> Color32 {
    match stage {
        Stage::Failed { .. } => theme::RECORD,
        Stage::Missing { .. } | Stage::Waiting { .. } => theme::WARN,
        Stage::Ready { .. } => theme::TEXT,
        _ => theme::DIM,
    }
}

fn job_row(face: &mut Face, ui: &mut Ui, row: Rect, job: &Job, turn: &mut Turn<'_>) {
    let mut strip = Strip(row.shrink2(vec2(4.0, 0.0)));
    if face.doubt == Some(Doubt::Job(job.key)) {
        doubt(face, ui, strip, job, turn);
        return;
    }
    acts(face, ui, &mut strip, job, turn);
    strip.right(12.0);
    let left = strip.left(strip.rest().width() * 0.55);
    let (upper, lower) = halves(left);
    let is_shown = turn.view.result.as_ref().is_some_and(|result| result.job == job.key);
    let title = control::text(ui.painter(), upper, LEFT, &job.title, theme::body(), theme::TEXT);
    if is_shown {
        let beside = upper.with_min_x((title.right() + 10.0).min(upper.right()));
        control::text(ui.painter(), beside, LEFT, "in the window", theme::small(), theme::DIM);
    }
    let what = [words::list(&job.stems), words::said(job, &turn.view.offer)];
    let what = what.into_iter().filter(|words| !words.is_empty()).collect::<Vec<_>>().join("   ");
    let made = format!("{} with {} {}   {what}", words::capital(&job.task), job.model, job.version);
    let made_at = control::text(ui.painter(), lower, LEFT, &made, theme::small(), theme::DIM);
    ui.interact(made_at, Id::unique("made").with(job.key.0), Sense::hover()).on_hover_text(made);
    strip.left(12.0);
    let (upper, lower) = halves(strip.rest());
    let stage = words::stage(job);
    control::text(ui.painter(), upper, RIGHT, &stage, theme::body(), outcome(&job.stage));
    control::text(ui.painter(), lower, RIGHT, &words::date(job.begun_at_us), theme::small(), theme::DIM);
    if let Some(share) = words::share(&job.stage).filter(|_| !job.stage.is_over()) {
        let bar =
            Rect::from_min_max(pos2(row.left(), row.bottom() - 3.0), pos2(row.right(), row.bottom() - 1.0));
        icon::progress(ui.painter(), bar, Some(share), theme::TEXT);
    }
    ui.interact(strip.rest(), Id::unique("stage").with(job.key.0), Sense::hover()).on_hover_text(stage);
}

fn halves(cell: Rect) -> (Rect, Rect) {
    let top = cell.center().y - 18.0;
    let upper = Rect::from_min_size(pos2(cell.left(), top), vec2(cell.width(), 19.0));
    (upper, upper.translate(vec2(0.0, 18.0)))
}

/// What can be done with a job, from the right.
fn acts(face: &mut Face, ui: &mut Ui, strip: &mut Strip, job: &Job, turn: &mut Turn<'_>) {
    let id = Id::unique("history job").with(job.key.0);
    let is_online = matches!(turn.view.connection, Connection::Connected { .. });
    let mut place = |width: f32| {
        let cell = middle(strip.right(width), theme::FIELD);
        strip.right(4.0);
        cell
    };
    if !job.stage.is_over() {
        let label = format!("Cancel ({})", words::comes_back(job));
        let cancel = Button::word(&label, "End this job. What has not been worked on costs nothing");
        if cancel.show(ui, place(192.0), id.with("cancel")).clicked() {
            turn.ask(Command::Cancel(job.key));
        }
        return;
    }
    let forget = Button::sign(Icon::Bin, "Forget", "Take this job out of the history, with its files");
    if forget.show(ui, place(theme::FIELD), id.with("forget")).clicked() {
        keyboard::is_sure(face, Doubt::Job(job.key));
    }
    let again = Button::sign(Icon::Again, "Use again", "The same again, as a new job").enabled(is_online);
    if again.show(ui, place(theme::FIELD), id.with("again")).clicked() {
        turn.ask(Command::Again(job.key));
    }
    match job.stage {
        Stage::Ready { .. } => {
            let show = Button::word("Show", "Put this result and its take in the window");
            if show.show(ui, place(128.0), id.with("show")).clicked() {
                turn.ask(Command::ShowJob(job.key));
                face.sheet = Sheet::None;
            }
        }
        Stage::Missing { .. } => {
            let fetch =
                Button::word("Fetch again", "Bring the files from the server once more").enabled(is_online);
            if fetch.show(ui, place(128.0), id.with("fetch")).clicked() {
                turn.ask(Command::FetchAgain(job.key));
            }
        }
        _ => {
            place(128.0);
        }
    }
}

fn doubt(face: &mut Face, ui: &mut Ui, mut strip: Strip, job: &Job, turn: &mut Turn<'_>) {
    let id = Id::unique("job doubt");
    if Button::word("Keep", "Escape")
        .show(ui, middle(strip.right(64.0), theme::FIELD), id.with("keep"))
        .clicked()
    {
        face.doubt = None;
    }
    strip.right(8.0);
    let forget = Button::word("Forget", "Cannot be undone").look(Look::Lit(theme::RECORD));
    if forget.show(ui, middle(strip.right(72.0), theme::FIELD), id.with("forget")).clicked() {
        face.doubt = None;
        turn.ask(Command::ForgetJob(job.key));
    }
    let question = format!("Forget this job of \u{201c}{}\u{201d} and delete its files?", job.title);
    control::text(ui.painter(), strip.rest(), LEFT, &question, theme::body(), theme::TEXT);
}
