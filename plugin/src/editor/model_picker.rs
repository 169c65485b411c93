//! Which model: a list of those of the task, and what is known of the chosen one.

use super::control::{self, LEFT, RIGHT};
use super::icon::{self, Icon};
use super::strip::Strip;
use super::{Turn, theme, words};
use crate::command::Command;
use egui::{Id, Popup, Rect, ScrollArea, Sense, Ui, pos2, vec2};
use tributary_protocol::client::ModelView;

/// Draws it where the panel goes on.
/// Where there is little room only what is measured.
pub(crate) fn show(ui: &mut Ui, is_tight: bool, turn: &mut Turn<'_>) {
    let width = ui.available_width();
    let chosen = turn.view.offer.iter().find(|model| model.name == turn.view.choice.model);
    ui.add_space(12.0);
    let (field, _) = ui.allocate_exact_size(vec2(width, 32.0), Sense::hover());
    let field = field.shrink2(vec2(12.0, 0.0));
    let response = ui.interact(field, Id::unique("model"), Sense::click());
    let title = chosen.map_or("Choose a model", |model| title(model));
    response.widget_info(|| egui::WidgetInfo::labeled(egui::accesskit::Role::ComboBox, true, title));
    let ground = if response.hovered() { theme::HOVER } else { theme::RAISED };
    ui.painter().rect_filled(field, theme::ROUND, ground);
    let mut strip = Strip(field.shrink2(vec2(10.0, 0.0)));
    icon::paint(ui.painter(), Icon::Down, strip.right(10.0).center(), 9.0, theme::DIM);
    strip.right(8.0);
    if let Some(model) = chosen {
        let grade = strip.right(60.0);
        control::text(ui.painter(), grade, RIGHT, &model.grade, theme::small(), theme::DIM);
    }
    control::text(ui.painter(), strip.rest(), LEFT, title, theme::body(), theme::TEXT);
    list(
        &response.on_hover_text(
            chosen.map_or("Models that this server has for the task", |model| &model.description),
        ),
        turn,
    );
    if let Some(model) = chosen {
        facts(ui, model, is_tight);
    }
}

fn title(model: &ModelView) -> &str {
    if model.title.is_empty() { &model.name } else { &model.title }
}

/// What it is in three lines, how good and how dear in a line each; the rest of each on hovering over it.
fn facts(ui: &mut Ui, model: &ModelView, is_tight: bool) {
    let price = match model.credits_per_minute.0 {
        0 => "Free of charge".to_owned(),
        count => format!("{} for a started minute", words::credits(count)),
    };
    let (may, may_ink) = match model.commercial_use.as_str() {
        "no" => (", not for commercial use", theme::WARN),
        _ => ("", theme::DIM),
    };
    let licence = format!("Weights: {}{may}", model.licence);
    let lines = [
        (&model.description, theme::DIM, theme::body(), if is_tight { 0 } else { 3 }),
        (&model.quality, theme::TEXT, theme::small(), 1),
        (&price, theme::DIM, theme::small(), 1),
        (&licence, may_ink, theme::small(), usize::from(!model.licence.is_empty())),
    ];
    ui.add_space(6.0);
    ui.spacing_mut().item_spacing.y = 2.0;
    let width = ui.available_width();
    for (index, (words, ink, font, rows)) in lines.into_iter().enumerate() {
        if words.is_empty() || rows == 0 {
            continue;
        }
        let galley = control::rows(ui.painter(), words, font, ink, (width - 32.0, rows));
        let (place, _) = ui.allocate_exact_size(vec2(width, galley.size().y), Sense::hover());
        let is_cut = galley.elided;
        ui.painter().galley(pos2(place.left() + 16.0, place.top()), galley, ink);
        if is_cut {
            let response = ui.interact(place, Id::unique("model fact").with(index), Sense::hover());
            response.on_hover_text(words);
        }
    }
    ui.add_space(6.0);
}

fn list(button: &egui::Response, turn: &mut Turn<'_>) {
    // The menu's own edge and margin stand outside of its width.
    let width = button.rect.width() - 10.0;
    Popup::menu(button).gap(4.0).width(width).show(|ui| {
        ui.set_width(width);
        ScrollArea::vertical().max_height(280.0).show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = 0.0;
            let models = turn.view.offer.clone();
            for model in models.iter().filter(|model| model.task == turn.view.choice.task) {
                let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), 44.0), Sense::hover());
                if row(ui, rect, model, model.name == turn.view.choice.model) {
                    if model.name != turn.view.choice.model {
                        turn.ask(Command::ChooseModel(model.name.clone()));
                    }
                    ui.close();
                }
            }
        });
    });
}

fn row(ui: &mut Ui, rect: Rect, model: &ModelView, is_on: bool) -> bool {
    let response = ui.interact(rect, Id::unique("model row").with(&model.name), Sense::click());
    response.widget_info(|| {
        egui::WidgetInfo::selected(egui::accesskit::Role::ListBoxOption, true, is_on, title(model))
    });
    if is_on || response.hovered() {
        let ground = if is_on { theme::HOVER } else { theme::RAISED };
        ui.painter().rect_filled(rect.shrink2(vec2(0.0, 1.0)), theme::ROUND, ground);
    }
    let inner = rect.shrink2(vec2(8.0, 5.0));
    let upper = inner.with_max_y(inner.top() + 17.0);
    let lower = inner.with_min_y(inner.top() + 18.0);
    let price = format!("{}/min", words::credits(model.credits_per_minute.0));
    control::text(ui.painter(), upper, RIGHT, &model.grade, theme::small(), theme::DIM);
    control::text(
        ui.painter(),
        upper.with_max_x(upper.right() - 64.0),
        LEFT,
        title(model),
        theme::body(),
        theme::TEXT,
    );
    control::text(ui.painter(), lower, RIGHT, &price, theme::small(), theme::DIM);
    control::text(
        ui.painter(),
        lower.with_max_x(lower.right() - 84.0),
        LEFT,
        &model.quality,
        theme::small(),
        theme::DIM,
    );
    response.clicked()
}
