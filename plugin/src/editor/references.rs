//! What the result shall be made like: the files chosen, and the way to choose one. Only where the model takes some.

use super::control::{self, Button, LEFT};
use super::icon::Icon;
use super::strip::{Strip, middle};
use super::{Turn, theme, words};
use crate::command::Command;
use egui::{Id, Sense, Ui, vec2};

/// Draws them where the panel goes on.
pub(crate) fn show(ui: &mut Ui, turn: &mut Turn<'_>) {
    let view = turn.view;
    let Some(model) = view.offer.iter().find(|model| model.name == view.choice.model) else { return };
    let max = usize::try_from(model.references_max).unwrap_or(usize::MAX);
    if max == 0 {
        return;
    }
    ui.spacing_mut().item_spacing.y = 0.0;
    let width = ui.available_width();
    let mut line =
        |high: f32| ui.allocate_exact_size(vec2(width, high), Sense::hover()).0.shrink2(vec2(16.0, 0.0));
    let chosen = &view.choice.references;
    let mut cells = vec![line(24.0)];
    cells.extend(chosen.iter().map(|_| line(28.0)));
    let button = line(34.0);
    let title = if max == 1 { "Reference" } else { "References" };
    control::text(ui.painter(), cells[0], LEFT, title, theme::small(), theme::DIM);
    if chosen.is_empty() {
        let cell = cells[0].with_min_x(cells[0].left() + 76.0);
        let words = "none: a neutral target";
        control::text(ui.painter(), cell, control::RIGHT, words, theme::small(), theme::DIM);
    }
    for (number, (reference, cell)) in chosen.iter().zip(&cells[1..]).enumerate() {
        let mut strip = Strip(cell.shrink2(vec2(0.0, 1.0)));
        ui.painter().rect_filled(strip.rest(), theme::ROUND, theme::WELL);
        let label = format!("Remove {}", reference.name);
        let remove = Button::sign(Icon::Cross, &label, "Do not use this reference");
        let at = middle(strip.right(24.0), 24.0);
        if remove.show(ui, at, Id::unique("drop reference").with(number)).clicked() {
            turn.ask(Command::DropReference(number));
        }
        let long = words::frames(reference.clip.frames, reference.clip.rate_hz);
        let mut name = Strip(strip.rest().shrink2(vec2(8.0, 0.0)));
        control::text(ui.painter(), name.right(48.0), control::RIGHT, &long, theme::small(), theme::DIM);
        control::text(ui.painter(), name.rest(), LEFT, &reference.name, theme::small(), theme::TEXT);
        let response = ui.interact(strip.rest(), Id::unique("reference").with(number), Sense::hover());
        response.on_hover_text(format!("The result is made like {}", reference.name));
    }
    let is_full = chosen.len() >= max;
    let label = match (view.choice.is_reading, chosen.is_empty(), is_full) {
        (true, ..) => "Reading the file",
        (_, true, _) => "Choose a reference\u{2026}",
        (_, _, true) => "Choose another\u{2026}",
        _ => "Add a reference\u{2026}",
    };
    let tip = "A finished song that the result shall sound like. It is sent with the take and kept beside it";
    let choose = Button::word(label, tip).enabled(!view.choice.is_reading);
    if choose.show(ui, middle(button, theme::FIELD), Id::unique("choose reference")).clicked() {
        turn.ask(Command::ChooseReference);
    }
    ui.add_space(4.0);
}
