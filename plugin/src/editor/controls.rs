//! The controls of the chosen model, as its server declared them: sliders, switches, choices; the rarer ones folded away.
//! Knows no model.

use super::control::{self, Check, LEFT, RIGHT};
use super::icon::{self, Icon};
use super::strip::{Strip, middle};
use super::{Turn, theme, words};
use crate::command::Command;
use crate::library::SettingRecord;
use egui::{Id, Popup, Rect, ScrollArea, Sense, Stroke, Ui, WidgetInfo, accesskit::Role, pos2, vec2};
use tributary_protocol::settings::{Control, ControlKind};

/// Controls that are drawn; no model has so many.
const CONTROLS_MAX: usize = 64;
/// Space at either side.
const MARGIN: f32 = 16.0;

/// Draws them where the panel goes on. `is_unfolded`: the rarer ones are in sight.
pub(crate) fn show(ui: &mut Ui, is_unfolded: &mut bool, turn: &mut Turn<'_>) {
    let offer = turn.view.offer.clone();
    let Some(model) = offer.iter().find(|model| model.name == turn.view.choice.model) else { return };
    ui.spacing_mut().item_spacing.y = 0.0;
    let controls = || model.controls.iter().take(CONTROLS_MAX);
    for control in controls().filter(|control| !control.advanced) {
        row(ui, control, turn);
    }
    let advanced = controls().filter(|control| control.advanced).count();
    if advanced > 0 {
        fold(ui, is_unfolded, advanced);
        if *is_unfolded {
            for control in controls().filter(|control| control.advanced) {
                row(ui, control, turn);
            }
        }
    }
    ui.add_space(6.0);
}

fn fold(ui: &mut Ui, is_unfolded: &mut bool, count: usize) {
    let (line, _) = ui.allocate_exact_size(vec2(ui.available_width(), 28.0), Sense::hover());
    let cell = line.shrink2(vec2(MARGIN - 8.0, 2.0));
    let response = ui.interact(cell, Id::unique("more controls"), Sense::click());
    let label = if *is_unfolded { "Fewer controls".to_owned() } else { format!("More controls ({count})") };
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, "More controls"));
    if response.hovered() {
        ui.painter().rect_filled(cell, theme::ROUND, theme::RAISED);
    }
    let mut strip = Strip(cell.shrink2(vec2(8.0, 0.0)));
    let sign = strip.left(10.0);
    strip.left(6.0);
    let sense = if *is_unfolded { Icon::Down } else { Icon::Right };
    icon::paint(ui.painter(), sense, sign.center(), 8.0, theme::DIM);
    control::text(ui.painter(), strip.rest(), LEFT, &label, theme::small(), theme::DIM);
    if response.clicked() {
        *is_unfolded = !*is_unfolded;
    }
}

/// The value in force: what was chosen, else the default.
fn value(control: &Control, turn: &Turn<'_>) -> SettingRecord {
    let chosen = turn.view.choice.settings.get(&control.name);
    chosen.and_then(|value| value.fitted(&control.kind)).unwrap_or_else(|| control.kind.default().into())
}

fn row(ui: &mut Ui, control: &Control, turn: &mut Turn<'_>) {
    let width = ui.available_width();
    let id = Id::unique("control").with(&control.name);
    let is_default = !turn.view.choice.settings.contains_key(&control.name);
    let new = match (&control.kind, value(control, turn)) {
        (ControlKind::Number { .. }, SettingRecord::Number(number)) => {
            let (cell, _) = ui.allocate_exact_size(vec2(width, 40.0), Sense::hover());
            slider(ui, cell.shrink2(vec2(MARGIN, 0.0)), id, control, (number, is_default))
        }
        (ControlKind::Switch { .. }, SettingRecord::Switch(is_on)) => {
            let (cell, _) = ui.allocate_exact_size(vec2(width, 28.0), Sense::hover());
            let cell = cell.shrink2(vec2(MARGIN - 6.0, 1.0));
            let check = Check { label: &control.title, tip: &control.help, is_on, colour: theme::TEXT };
            check.show(ui, cell, id).then_some(Some(SettingRecord::Switch(!is_on)))
        }
        (ControlKind::Choice { options, .. }, SettingRecord::Choice(word)) => {
            let (cell, _) = ui.allocate_exact_size(vec2(width, 32.0), Sense::hover());
            let cell = cell.shrink2(vec2(MARGIN, 0.0));
            choice(ui, cell, id, control, options, &word).map(|word| Some(SettingRecord::Choice(word)))
        }
        _ => None,
    };
    if let Some(new) = new {
        // The default is not said, so that a preset may speak where nothing was.
        let new = new.filter(|new| *new != SettingRecord::from(control.kind.default()));
        turn.ask(Command::Set(control.name.clone(), new));
    }
}

/// What a change means: a value, or the default.
type Change = Option<Option<SettingRecord>>;

fn slider(ui: &mut Ui, cell: Rect, id: Id, control: &Control, (number, is_default): (f64, bool)) -> Change {
    let ControlKind::Number { min, max, step, unit, default } = &control.kind else { return None };
    let (upper, lower) = (cell.with_max_y(cell.top() + 20.0), cell.with_min_y(cell.top() + 18.0));
    let response = ui.interact(cell, id, Sense::click_and_drag());
    response.widget_info(|| WidgetInfo::slider(true, number, &control.title));
    let rail = lower.shrink2(vec2(7.0, 0.0)).with_max_x(lower.right() - 7.0);
    let (mut shown, mut change) = (number, None);
    if response.double_clicked() {
        (shown, change) = (*default, Some(None));
    } else if response.dragged() || response.clicked() {
        let at = response.interact_pointer_pos().filter(|at| response.dragged() || lower.contains(*at));
        if let Some(at) = at {
            let share = f64::from(((at.x - rail.left()) / rail.width().max(1.0)).clamp(0.0, 1.0));
            shown = stepped(min + share * (max - min), *min, *max, *step);
            change = ((shown - number).abs() > f64::EPSILON).then_some(Some(SettingRecord::Number(shown)));
        }
    }
    let said = words::number(shown, *step, unit);
    let ink = if is_default { theme::DIM } else { theme::TEXT };
    let value = control::text(ui.painter(), upper, RIGHT, &said, theme::small(), ink);
    let name = upper.with_max_x(value.left() - 8.0);
    control::text(ui.painter(), name, LEFT, &control.title, theme::small(), theme::TEXT);
    let share = |value: f64| if max > min { ((value - min) / (max - min)) as f32 } else { 0.0 };
    let is_over = response.hovered() || response.dragged();
    rail_and_knob(ui, rail, share(shown), share(*default), is_over);
    let said = words::number(*default, *step, unit);
    response.on_hover_text(format!("{}\nDrag; double-click for {said}", control.help).trim().to_owned());
    change
}

fn rail_and_knob(ui: &Ui, rail: Rect, share: f32, default: f32, is_over: bool) {
    let painter = ui.painter();
    let y = rail.center().y;
    let x = |share: f32| rail.left() + share.clamp(0.0, 1.0) * rail.width();
    let line = |from: f32, to: f32| Rect::from_min_max(pos2(from, y - 1.5), pos2(to, y + 1.5));
    painter.rect_filled(line(rail.left(), rail.right()), 1, theme::HOVER);
    painter.rect_filled(line(rail.left(), x(share)), 1, theme::DIM);
    painter.vline(x(default), y + 5.0..=y + 8.0, Stroke::new(1.0, theme::EDGE));
    painter.circle_filled(pos2(x(share), y), if is_over { 6.5 } else { 5.5 }, theme::TEXT);
}

/// A value on a notch of its control.
fn stepped(value: f64, min: f64, max: f64, step: f64) -> f64 {
    let value =
        if step > 0.0 && step.is_finite() { min + ((value - min) / step).round() * step } else { value };
    // Without the dust of binary fractions: `0.30000000000000004` is nobody's wish.
    let value = (value * 1e6).round() / 1e6;
    if min <= max { value.clamp(min, max) } else { value }
}

fn choice(
    ui: &mut Ui,
    cell: Rect,
    id: Id,
    control: &Control,
    options: &[(String, String)],
    word: &str,
) -> Option<String> {
    let title = |word: &str| {
        let found = options.iter().find(|(known, _)| known == word);
        found.map_or_else(|| word.to_owned(), |(_, title)| title.clone())
    };
    let mut strip = Strip(middle(cell, 26.0));
    let field = strip.right((cell.width() * 0.56).floor());
    strip.right(8.0);
    control::text(ui.painter(), strip.rest(), LEFT, &control.title, theme::small(), theme::TEXT);
    let response = ui.interact(field, id, Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::ComboBox, true, &control.title));
    let ground = if response.hovered() { theme::HOVER } else { theme::RAISED };
    ui.painter().rect_filled(field, theme::ROUND, ground);
    let mut inner = Strip(field.shrink2(vec2(8.0, 0.0)));
    icon::paint(ui.painter(), Icon::Down, inner.right(8.0).center(), 8.0, theme::DIM);
    inner.right(6.0);
    control::text(ui.painter(), inner.rest(), LEFT, &title(word), theme::small(), theme::TEXT);
    ui.interact(strip.rest(), id.with("name"), Sense::hover()).on_hover_text(&control.help);
    let response = response.on_hover_text(format!("{}\n{}", title(word), control.help).trim().to_owned());
    let mut chosen = None;
    Popup::menu(&response).gap(4.0).width(field.width().max(160.0)).show(|ui| {
        ui.set_min_width(field.width().max(160.0));
        ScrollArea::vertical().max_height(260.0).show(ui, |ui| {
            for (known, title) in options.iter().take(200) {
                let short: String = title.chars().take(60).collect();
                if ui.selectable_label(known == word, short).clicked() {
                    chosen = Some(known.clone()).filter(|known| known != word);
                    ui.close();
                }
            }
        });
    });
    chosen
}

#[cfg(test)]
mod tests {
    //! Values stand on notches and inside their bounds.

    use super::*;

    #[test]
    fn a_value_stands_on_a_notch_and_nonsense_does_not_panic() {
        for (value, min, max, step, expected) in [
            (0.31, 0.0, 1.0, 0.1, 0.3),
            (-13.97, -24.0, -6.0, 0.5, -14.0),
            (99.0, 0.0, 10.0, 3.0, 10.0),
            (7.3, 0.0, 10.0, 0.0, 7.3),
        ] {
            assert!((stepped(value, min, max, step) - expected).abs() < 1e-9, "{value}");
        }
        let _ = stepped(f64::NAN, 1.0, 0.0, f64::NAN);
    }
}
