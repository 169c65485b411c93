//! What runs: its stage, how much of it, the time left, and the way to stop it. Only there while something runs.

use super::control::{self, Button, LEFT, Look, RIGHT};
use super::icon::{self, Icon};
use super::strip::{Strip, middle};
use super::{Turn, theme, words};
use crate::command::Command;
use crate::view::{Job, Stage};
use egui::{Id, Popup, PopupCloseBehavior, Rect, RectAlign, ScrollArea, Sense, Ui, vec2};

/// Its height.
pub(crate) const HEIGHT: f32 = 32.0;

/// Draws it.
pub(crate) fn show(ui: &mut Ui, rect: Rect, turn: &mut Turn<'_>) {
    ui.painter().rect_filled(rect, 0, theme::PANEL);
    control::rule(ui.painter(), rect.with_max_y(rect.top() + 1.0));
    let jobs = turn.view.jobs.clone();
    let running: Vec<&Job> = jobs.iter().filter(|job| !job.stage.is_over()).collect();
    let Some(first) = running.iter().find(|job| matters(job)).or(running.first()) else { return };
    let mut strip = Strip(rect.shrink2(vec2(12.0, 0.0)));
    if running.len() > 1 {
        let label = format!("{} jobs", running.len());
        let button = Button::word(&label, "All jobs under way").icon(Icon::Down).look(Look::Quiet);
        let cell = middle(strip.right(button.width(ui.painter())), 24.0);
        let response = button.show(ui, cell, Id::unique("all jobs"));
        list(&response, &running, turn);
        strip.right(8.0);
    }
    line(ui, strip, first, Id::unique("first job"), turn);
}

/// Runs rather than waits.
fn matters(job: &Job) -> bool {
    matches!(job.stage, Stage::Running { .. } | Stage::Uploading { .. } | Stage::Fetching { .. })
}

/// One job in one line.
fn line(ui: &mut Ui, mut strip: Strip, job: &Job, id: Id, turn: &mut Turn<'_>) {
    let label = format!("Cancel ({})", words::comes_back(job));
    let button =
        Button::word(&label, "End this job. What has not been worked on costs nothing").look(Look::Quiet);
    let cell = middle(strip.right(button.width(ui.painter())), 24.0);
    if button.show(ui, cell, id).clicked() {
        turn.ask(Command::Cancel(job.key));
    }
    strip.right(8.0);
    let left = match job.stage {
        Stage::Running { left: Some(left), .. } => format!("{} left", words::span(left)),
        _ => String::new(),
    };
    control::text(ui.painter(), strip.right(96.0), RIGHT, &left, theme::body(), theme::DIM);
    strip.right(16.0);
    let stage = words::stage(job);
    let (ink, wide) = match job.stage {
        Stage::Waiting { .. } => (theme::WARN, strip.rest().width()),
        _ => (theme::TEXT, 236.0f32.min(strip.rest().width() * 0.55)),
    };
    let cell = strip.left(wide);
    let said = if turn.view.take.as_ref().is_some_and(|take| take.info.id == job.take) {
        stage
    } else {
        format!("{}: {stage}", job.title)
    };
    control::text(ui.painter(), cell, LEFT, &said, theme::body(), ink);
    ui.interact(cell, id.with("words"), Sense::hover()).on_hover_text(format!("{}\n{said}", job.title));
    strip.left(16.0);
    if strip.rest().width() > 24.0 {
        icon::progress(ui.painter(), middle(strip.rest(), 6.0), words::share(&job.stage), theme::TEXT);
    }
}

fn list(button: &egui::Response, running: &[&Job], turn: &mut Turn<'_>) {
    let popup = Popup::from_toggle_button_response(button)
        .align(RectAlign::TOP_END)
        .close_behavior(PopupCloseBehavior::CloseOnClickOutside)
        .gap(4.0)
        .width(640.0);
    popup.show(|ui| {
        ui.set_width(640.0);
        ui.spacing_mut().item_spacing.y = 0.0;
        ScrollArea::vertical().max_height(240.0).auto_shrink([false, true]).show_rows(
            ui,
            HEIGHT,
            running.len(),
            |ui, seen| {
                for job in running.get(seen).unwrap_or_default() {
                    let (rect, _) =
                        ui.allocate_exact_size(vec2(ui.available_width(), HEIGHT), Sense::hover());
                    let id = Id::unique("job of list").with(job.key.0);
                    line(ui, Strip(rect.shrink2(vec2(8.0, 0.0))), job, id, turn);
                }
            },
        );
    });
}
