//! The side panel: which task, which model, which stems, references and controls; below, what it costs, the button, and the way
//! into the DAW.

use super::control::{self, Button, Check, LEFT};
use super::strip::Strip;
use super::{Face, Sheet, Turn, controls, model_picker, place_box, references, run_box, theme, words};
use crate::command::Command;
use crate::view::{Connection, View};
use egui::{Id, Rect, ScrollArea, Sense, Ui, pos2, vec2};

/// Draws it.
pub(crate) fn show(face: &mut Face, ui: &mut Ui, rect: Rect, turn: &mut Turn<'_>) {
    let mut ui = control::cell(ui, rect, "side");
    let ui = &mut ui;
    ui.painter().rect_filled(rect, 0, theme::PANEL);
    control::rule(ui.painter(), rect.with_max_x(rect.left() + 1.0));
    let mut strip = Strip(rect.with_min_x(rect.left() + 1.0));
    if turn.view.result.is_some() {
        place_box::show(face, ui, strip.bottom(place_box::HEIGHT), turn);
    }
    if turn.view.offer.is_empty() {
        no_offer(face, ui, strip.rest(), turn);
        return;
    }
    run_box::show(face, ui, strip.bottom(run_box::HEIGHT), turn);
    tabs(ui, &mut strip, turn);
    let is_tight = strip.rest().height() < 320.0;
    let mut list = ui.new_child(egui::UiBuilder::new().id_salt("choices").max_rect(strip.rest()));
    let area = ScrollArea::vertical().id_salt(&turn.view.choice.model).auto_shrink([false, false]);
    area.show(&mut list, |ui| {
        model_picker::show(ui, is_tight, turn);
        stems(ui, turn);
        references::show(ui, turn);
        controls::show(ui, &mut face.are_controls_unfolded, turn);
    });
}

/// The tasks that the server offers: those we know in our order, then others in its own.
fn tasks(view: &View) -> Vec<&str> {
    let mut tasks: Vec<&str> = Vec::new();
    for model in view.offer.iter() {
        if !tasks.contains(&model.task.as_str()) {
            tasks.push(&model.task);
        }
    }
    let known = |task: &str| words::TASKS.iter().position(|known| *known == task);
    tasks.sort_by_key(|task| known(task).unwrap_or(words::TASKS.len()));
    tasks
}

/// One row, or two of equal cells where the names would not fit.
fn tabs(ui: &mut Ui, strip: &mut Strip, turn: &mut Turn<'_>) {
    let labels: Vec<(String, String)> =
        tasks(turn.view).into_iter().map(|task| (task.to_owned(), words::capital(task))).collect();
    let painter = ui.painter().clone();
    let wide = |label: &str| control::line(&painter, label, theme::body(), theme::TEXT, 200.0).size().x;
    let room = strip.rest().width() - 16.0;
    let all: f32 = labels.iter().map(|(_, label)| wide(label) + 16.0).sum();
    let columns = if all <= room { labels.len() } else { 2 };
    let high = if columns == labels.len() { 36.0 } else { 30.0 };
    for row in labels.chunks(columns.max(1)) {
        let mut cells = Strip(strip.top(high).shrink2(vec2(8.0, 0.0)));
        for (task, label) in row {
            let width = if columns == labels.len() { wide(label) + 16.0 } else { room / columns as f32 };
            tab(ui, cells.left(width), task, label, turn);
        }
    }
    strip.top(4.0);
    control::rule(ui.painter(), Rect::from_min_size(strip.rest().min, vec2(strip.rest().width(), 1.0)));
    strip.top(1.0);
}

fn tab(ui: &mut Ui, cell: Rect, task: &str, label: &str, turn: &mut Turn<'_>) {
    let response = ui.interact(cell, Id::unique("task").with(task), Sense::click());
    let is_on = task == turn.view.choice.task;
    response.widget_info(|| egui::WidgetInfo::selected(egui::accesskit::Role::Tab, true, is_on, label));
    let ink = if is_on || response.hovered() { theme::TEXT } else { theme::DIM };
    let words = control::text(ui.painter(), cell, control::CENTRE, label, theme::body(), ink);
    if is_on {
        let y = cell.bottom() - 3.0;
        let line = Rect::from_min_max(pos2(words.left(), y), pos2(words.right(), y + 2.0));
        ui.painter().rect_filled(line, 1, theme::TEXT);
    }
    if response.clicked() && !is_on {
        turn.ask(Command::ChooseTask(task.to_owned()));
    }
}

/// Which stems are wanted, two a line.
fn stems(ui: &mut Ui, turn: &mut Turn<'_>) {
    let stems = &turn.view.choice.stems;
    if stems.is_empty() || turn.view.choice.task != "separate" {
        return;
    }
    let width = ui.available_width();
    let (head, _) = ui.allocate_exact_size(vec2(width, 24.0), Sense::hover());
    control::text(
        ui.painter(),
        head.shrink2(vec2(16.0, 0.0)),
        LEFT,
        "Stems wanted",
        theme::small(),
        theme::DIM,
    );
    ui.spacing_mut().item_spacing.y = 0.0;
    for (line, pair) in stems.chunks(2).enumerate() {
        let (row, _) = ui.allocate_exact_size(vec2(width, 28.0), Sense::hover());
        let half = (width - 24.0) / 2.0;
        for (column, (name, is_wanted)) in pair.iter().enumerate() {
            let left = row.left() + 12.0 + column as f32 * half;
            let cell = Rect::from_min_size(pos2(left, row.top()), vec2(half, row.height()));
            if wanted(ui, cell, name, *is_wanted, line * 2 + column) {
                turn.ask(Command::WantStem(name.clone(), !is_wanted));
            }
        }
    }
    ui.add_space(8.0);
}

fn wanted(ui: &mut Ui, cell: Rect, name: &str, is_wanted: bool, index: usize) -> bool {
    let label = words::capital(name);
    let tip = "Only wanted stems are fetched and kept";
    let check = Check { label: &label, tip, is_on: is_wanted, colour: theme::stem_colour(name, index) };
    check.show(ui, cell, Id::unique("want").with(index))
}

/// Why nothing is offered, and what to do.
pub(crate) fn no_offer(face: &mut Face, ui: &mut Ui, rect: Rect, turn: &mut Turn<'_>) {
    let (title, words, button) = match &turn.view.connection {
        Connection::NoServer => (
            "No server yet".to_owned(),
            "Start one here: `tributary serve`, or enter an address.".to_owned(),
            Some("Enter an address"),
        ),
        Connection::Connecting { address } => {
            (format!("Connecting to {}", super::bar::host(address)), String::new(), None)
        }
        Connection::SignedOut { reason, .. } => {
            ("Signed out".to_owned(), reason.clone(), Some("Enter the key"))
        }
        Connection::Unknown { address, accepted_before: None, .. } => (
            "Is this your server?".to_owned(),
            format!(
                "{} is seen for the first time. Compare its certificate before you trust it.",
                super::bar::host(address)
            ),
            Some("Compare"),
        ),
        Connection::Unknown { address, .. } => (
            "The certificate changed".to_owned(),
            format!(
                "{} does not show the certificate that you accepted. Nothing is sent until you accept it.",
                super::bar::host(address)
            ),
            Some("Compare"),
        ),
        Connection::Lost { reason, .. } => ("No answer".to_owned(), reason.clone(), Some("Try again")),
        Connection::Connected { .. } => (
            "Nothing offered".to_owned(),
            "The server has no model for this account.".to_owned(),
            Some("Ask again"),
        ),
    };
    let width = (rect.width() - 40.0).min(440.0);
    let top = rect.top() + ((rect.height() - 132.0) / 2.0).clamp(0.0, 96.0);
    let painter = ui.painter();
    let bottom =
        control::paragraph(painter, pos2(rect.center().x, top), width, &title, theme::title(), theme::TEXT);
    let bottom = control::paragraph(
        painter,
        pos2(rect.center().x, bottom + 8.0),
        width,
        &words,
        theme::body(),
        theme::DIM,
    );
    let Some(label) = button else { return };
    let button = Button::word(label, "").accent_if(turn.step == super::step::Step::Connect);
    let cell = Rect::from_min_size(pos2(rect.center().x - 80.0, bottom + 16.0), vec2(160.0, 32.0));
    if button.show(ui, cell, Id::unique("side next")).clicked() {
        match turn.view.connection {
            Connection::Lost { .. } | Connection::Connected { .. } => turn.ask(Command::Refresh),
            _ => face.sheet = Sheet::Settings,
        }
    }
}
