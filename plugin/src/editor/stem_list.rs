//! The stems of the result in the window, a row each; before there is one, what stands in its place.

use super::control::{self, Button, LEFT};
use super::stem_row;
use super::strip::Strip;
use super::{Face, Turn, icon, report_view, sheet_row, side, theme, transcript_view, words};
use crate::audio::gauges::STEMS_MAX;
use crate::command::Command;
use crate::library::JobKey;
use crate::view::{Connection, Job, Outcome, Stage, StemRow};
use egui::{Id, Rect, ScrollArea, Sense, Ui, pos2, vec2};
use std::collections::BTreeSet;
use std::path::PathBuf;

/// Height of the line above the rows.
const HEAD: f32 = 24.0;
/// Rows for which there is always room: a result does not push anything away.
const ROWS: usize = 4;
/// The take keeps at least this height.
const TAKE_LEAST: f32 = 128.0;

/// Which stems are selected and hovered.
#[derive(Default)]
pub(crate) struct StemList {
    of: Option<JobKey>,
    selected: BTreeSet<String>,
    /// Where a selection by shift begins.
    anchor: Option<usize>,
    /// Under the pointer in the last frame.
    pub(crate) hovered: Option<String>,
}

impl StemList {
    /// Another result has no selection.
    pub(crate) fn keep_up(&mut self, result: Option<&Outcome>) {
        let of = result.map(|result| result.job);
        if of != self.of {
            *self = Self { of, ..Self::default() };
        }
    }

    /// Is it selected?
    pub(crate) fn has(&self, stem: &StemRow) -> bool {
        self.selected.contains(&stem.name)
    }

    /// Says whether there was one.
    pub(crate) fn clear_selection(&mut self) -> bool {
        self.anchor = None;
        !std::mem::take(&mut self.selected).is_empty()
    }

    /// A click on a row: alone, one more or less with ctrl, all up to here with shift.
    pub(crate) fn click(&mut self, index: usize, stems: &[StemRow], modifiers: egui::Modifiers) {
        let Some(stem) = stems.get(index) else { return };
        match self.anchor.filter(|anchor| modifiers.shift && *anchor < stems.len()) {
            Some(anchor) => {
                let range = anchor.min(index)..=anchor.max(index);
                self.selected = stems[range].iter().map(|stem| stem.name.clone()).collect();
            }
            None if modifiers.command => {
                if !self.selected.remove(&stem.name) {
                    self.selected.insert(stem.name.clone());
                }
                self.anchor = Some(index);
            }
            None => {
                let was_alone = self.selected.len() == 1 && self.has(stem);
                self.selected.clear();
                if !was_alone {
                    self.selected.insert(stem.name.clone());
                }
                self.anchor = Some(index);
            }
        }
    }

    /// What a drag of this row takes along: the selection when it is part of it. Whole files only.
    pub(crate) fn files(&self, stem: &StemRow, stems: &[StemRow]) -> Vec<PathBuf> {
        let is_several = self.has(stem);
        let taken =
            stems.iter().filter(|other| if is_several { self.has(other) } else { other.name == stem.name });
        taken.filter_map(|stem| stem.file.clone()).collect()
    }

    /// Solo or mute by key: the row under the pointer, else the selected ones.
    pub(crate) fn press(&self, solo: bool, mute: bool, turn: &mut Turn<'_>) {
        let Some(result) = &turn.view.result else { return };
        let is_meant = |stem: &StemRow| match &self.hovered {
            Some(hovered) => *hovered == stem.name,
            None => self.has(stem),
        };
        for stem in result.stems.iter().filter(|stem| is_meant(stem)) {
            if solo {
                turn.ask(Command::SetSolo(stem.name.clone(), !stem.is_solo));
            }
            if mute {
                turn.ask(Command::SetMute(stem.name.clone(), !stem.is_muted));
            }
        }
    }
}

fn row_height(room: f32) -> f32 {
    let rows = ((room - TAKE_LEAST - HEAD) / ROWS as f32 / theme::GRID).floor() * theme::GRID;
    rows.clamp(36.0, 48.0)
}

/// Height of what stands below the stems' rows.
fn extra_height(result: &Outcome) -> f32 {
    let report = result.report.as_ref().map_or(0.0, |report| report_view::height(report));
    let said = if result.transcript.is_some() { transcript_view::HEIGHT } else { 0.0 };
    sheet_row::shown(result).count() as f32 * sheet_row::HEIGHT + report + said
}

/// The height of the list in a column with so much room for it and the take.
pub(crate) fn height(turn: &Turn<'_>, room: f32) -> f32 {
    let usual = ROWS as f32 * row_height(room);
    let rows = turn.view.result.as_ref().map_or(usual, |result| {
        (result.stems.len() as f32 * row_height(room) + extra_height(result)).max(usual)
    });
    (HEAD + rows).min((room - TAKE_LEAST - super::transport_row::HEIGHT).max(HEAD + 36.0))
}

/// Draws it.
pub(crate) fn show(face: &mut Face, ui: &mut Ui, rect: Rect, turn: &mut Turn<'_>) {
    control::rule(ui.painter(), rect.with_max_y(rect.top() + 1.0));
    let mut ui = control::cell(ui, rect, "stems");
    let Some(result) = &turn.view.result else {
        face.stems.hovered = None;
        before(face, &mut ui, rect, turn);
        return;
    };
    let mut strip = Strip(rect);
    head(&mut ui, strip.top(HEAD), result, turn);
    let rows = strip.rest();
    let count = result.stems.len();
    let room = rows.height() - extra_height(result);
    let high = (room / count.clamp(1, ROWS) as f32).clamp(36.0, 48.0);
    let mut ui = ui.new_child(egui::UiBuilder::new().id_salt("rows").max_rect(rows));
    ui.spacing_mut().item_spacing.y = 0.0;
    let mut hovered = None;
    let left = (rows.height() - count as f32 * high).max(0.0);
    ScrollArea::vertical().auto_shrink([false, false]).show(&mut ui, |ui| {
        let width = ui.available_width();
        for index in 0..count {
            let (row, _) = ui.allocate_exact_size(vec2(width, high), Sense::hover());
            if !ui.is_rect_visible(row) {
                continue;
            }
            if ui.rect_contains_pointer(row) {
                hovered = result.stems.get(index).map(|stem| stem.name.clone());
            }
            stem_row::show(face, ui, row, result, index, turn);
        }
        if let Some(said) = &result.transcript {
            transcript_view::show(face, ui, result, said, turn);
        }
        for sheet in sheet_row::shown(result) {
            let (row, _) = ui.allocate_exact_size(vec2(width, sheet_row::HEIGHT), Sense::hover());
            if ui.is_rect_visible(row) {
                sheet_row::show(face, ui, row, sheet, turn);
            }
        }
        if let Some(report) = &result.report {
            let needed = report_view::height(report);
            let high = (left - extra_height(result) + needed).max(needed);
            let (place, _) = ui.allocate_exact_size(vec2(width, high), Sense::hover());
            report_view::show(ui, place, report);
        }
    });
    face.stems.hovered = hovered;
}

fn head(ui: &mut Ui, rect: Rect, result: &Outcome, turn: &mut Turn<'_>) {
    let mut strip = Strip(rect.shrink2(vec2(12.0, 0.0)));
    let cells = stem_row::Cells::of(rect);
    let label = |cell: Rect, words: &str| {
        let cell = cell.with_min_y(rect.top()).with_max_y(rect.bottom());
        control::text(ui.painter(), cell, LEFT, words, theme::small(), theme::DIM);
    };
    label(cells.fader.expand2(vec2(-6.0, 0.0)), "Gain");
    strip.right(strip.rest().right() - cells.solo.left());
    let made = format!("{} by {}", words::result(result), result.model);
    control::text(ui.painter(), strip.rest(), LEFT, &made, theme::small(), theme::DIM);
    let heard = result.music.as_ref().map(|music| music.line()).unwrap_or_default();
    if result.stems.len() > STEMS_MAX {
        let words = format!("The first {STEMS_MAX} are heard");
        control::text(ui.painter(), strip.rest(), control::RIGHT, &words, theme::small(), theme::WARN);
    } else if turn.sound.late_blocks > 0 {
        let words = "Some sound came too late from the disk";
        control::text(ui.painter(), strip.rest(), control::RIGHT, words, theme::small(), theme::WARN);
    } else if !heard.is_empty() {
        let place =
            control::text(ui.painter(), strip.rest(), control::RIGHT, &heard, theme::small(), theme::TEXT);
        let tip = "What was heard in the clip: tempo, metre and key, with how sure the key is";
        ui.interact(place, Id::unique("heard"), Sense::hover()).on_hover_text(tip);
    }
}

/// The newest job of the take in the window.
fn newest<'a>(turn: &Turn<'a>) -> Option<&'a Job> {
    let take = turn.view.take.as_ref()?.info.id;
    turn.view.jobs.iter().find(|job| job.take == take)
}

fn before(face: &mut Face, ui: &mut Ui, rect: Rect, turn: &mut Turn<'_>) {
    let wish = match newest(turn) {
        // Where the side panel would say it, but is folded away.
        None if turn.view.offer.is_empty() && !face.has_side(ui.ctx().content_rect().width()) => {
            side::no_offer(face, ui, rect, turn);
            None
        }
        Some(job) => of_job(ui, rect, job, turn),
        None if turn.view.take.is_some() => {
            let title = words::not_yet(&turn.view.choice.task);
            said(ui, rect, title, "The result appears here: run a model on the take, at the side.", None)
        }
        None => {
            let title = words::not_yet(&turn.view.choice.task);
            said(ui, rect, title, "The result appears here, in time with the song.", None)
        }
    };
    if let Some(wish) = wish {
        turn.ask(wish);
    }
}

fn of_job(ui: &mut Ui, rect: Rect, job: &Job, turn: &Turn<'_>) -> Option<Command> {
    let key = job.key;
    let stage = words::stage(job);
    let is_online = matches!(turn.view.connection, Connection::Connected { .. });
    let again = |label| Some((label, Command::Again(key), is_online));
    match &job.stage {
        Stage::Ready { .. } => {
            let label = if job.task == "separate" { "Show stems" } else { "Show result" };
            let show = (label, Command::ShowJob(key), true);
            said(ui, rect, "Ready", "The result of this take is on this disk.", Some(show))
        }
        Stage::Missing { .. } => {
            let words = "The result was made, but its files are not on this disk any more.";
            said(
                ui,
                rect,
                "Files are missing",
                words,
                Some(("Fetch again", Command::FetchAgain(key), is_online)),
            )
        }
        Stage::Cancelled { .. } => said(ui, rect, "Cancelled", &stage, again("Run again")),
        Stage::Failed { reason, released } => {
            let back = match released {
                Some(back) => format!("{} came back.", words::credits(*back)),
                None => "Nothing was charged.".to_owned(),
            };
            said(ui, rect, "This did not work", &format!("{reason} {back}"), again("Try again"))
        }
        Stage::Waiting { reason } => said(ui, rect, "Waiting for the server", reason, None),
        _ => {
            let bar = Rect::from_center_size(rect.center() + vec2(0.0, 36.0), vec2(240.0, 4.0));
            icon::progress(ui.painter(), bar, words::share(&job.stage), theme::TEXT);
            said(ui, rect, &stage, "The result appears here.", None)
        }
    }
}

fn said(
    ui: &mut Ui,
    rect: Rect,
    title: &str,
    words: &str,
    button: Option<(&str, Command, bool)>,
) -> Option<Command> {
    let painter = ui.painter();
    let middle_at = rect.center() - vec2(0.0, if button.is_some() { 26.0 } else { 10.0 });
    let place = Rect::from_center_size(middle_at - vec2(0.0, 10.0), vec2(rect.width() - 48.0, 20.0));
    control::text(painter, place, control::CENTRE, title, theme::body(), theme::TEXT);
    let top = pos2(rect.center().x, middle_at.y + 4.0);
    let bottom =
        control::paragraph(painter, top, (rect.width() - 64.0).min(520.0), words, theme::body(), theme::DIM);
    if let Some((label, command, enabled)) = button {
        let button = Button::word(label, if enabled { "" } else { "The server must be reached for that" })
            .enabled(enabled);
        let width = button.width(painter);
        let cell = Rect::from_min_size(
            pos2(rect.center().x - width / 2.0, bottom + 10.0),
            vec2(width, theme::FIELD),
        );
        if button.show(ui, cell, Id::unique("stems next")).clicked() {
            return Some(command);
        }
    }
    None
}
