//! The name of the take in the window, and the list of all takes below it: choose, rename, delete.

use super::control::{self, Button, LEFT, Look, RIGHT};
use super::icon::{self, Icon};
use super::strip::{Strip, middle};
use super::{Doubt, Face, Turn, keyboard, theme, words};
use crate::command::Command;
use crate::library::{TakeId, TakeInfo};
use egui::{Id, Key, Popup, PopupCloseBehavior, Rect, ScrollArea, Sense, TextEdit, Ui, pos2, vec2};

/// Characters of a take's name at most.
const NAME_MAX: usize = 80;
/// Height of a take in the list.
const ROW: f32 = 40.0;

/// The name that is being typed.
#[derive(Default)]
pub(crate) struct TakePicker {
    naming: Option<Naming>,
}

struct Naming {
    take: TakeId,
    name: String,
    has_begun: bool,
}

impl TakePicker {
    /// Another name is to be typed.
    pub(crate) fn rename(&mut self, take: &TakeInfo) {
        self.naming = Some(Naming { take: take.id, name: take.name.clone(), has_begun: false });
    }

    /// Another name is being typed for this take.
    pub(crate) fn is_naming(&self, take: TakeId) -> bool {
        self.naming.as_ref().is_some_and(|naming| naming.take == take)
    }

    /// The field in which it is typed; enter keeps it, escape does not.
    pub(crate) fn field(&mut self, ui: &mut Ui, rect: Rect, turn: &mut Turn<'_>) {
        let Some(naming) = &mut self.naming else { return };
        let id = Id::unique("take name");
        let edit = TextEdit::singleline(&mut naming.name).id(id).char_limit(NAME_MAX).font(theme::body());
        let response = ui.put(
            rect,
            edit.align(egui::Align2::LEFT_CENTER).min_size(rect.size()).desired_width(rect.width()),
        );
        if !naming.has_begun {
            response.request_focus();
            naming.has_begun = true;
            return;
        }
        if response.lost_focus() || !response.has_focus() {
            let is_kept = !ui.input(|input| input.key_pressed(Key::Escape));
            let name = naming.name.trim().to_owned();
            let take = naming.take;
            self.naming = None;
            let is_new = turn.view.takes.iter().any(|known| known.id == take && known.name != name);
            if is_kept && is_new && !name.is_empty() {
                turn.ask(Command::RenameTake(take, name));
            }
        }
    }
}

/// Draws the name, and the list while it is open.
pub(crate) fn show(face: &mut Face, ui: &mut Ui, rect: Rect, turn: &mut Turn<'_>) {
    let id = Id::unique("take picker");
    let Some(take) = &turn.view.take else {
        if turn.view.takes.is_empty() {
            control::text(
                ui.painter(),
                rect.with_min_x(rect.left() + 8.0),
                LEFT,
                "No take yet",
                theme::body(),
                theme::DIM,
            );
        } else {
            let response = Button::word("Choose a take", "All takes of this library").icon(Icon::Down);
            let width = response.width(ui.painter()).min(rect.width());
            let response = response.show(ui, rect.with_max_x(rect.left() + width), id);
            list(face, &response, turn);
        }
        return;
    };
    if face.picker.is_naming(take.info.id) && face.sheet == super::Sheet::None {
        face.picker.field(ui, rect, turn);
        return;
    }
    let mut strip = Strip(rect);
    strip.right(theme::FIELD * 2.0 + 4.0);
    let length = length(&take.info);
    let name = control::line(
        ui.painter(),
        &take.info.name,
        theme::body(),
        theme::TEXT,
        strip.rest().width() - 130.0,
    );
    let wide = (name.size().x + 130.0).max(180.0).min(strip.rest().width());
    let cell = strip.left(wide);
    let response = ui.interact(cell, id, Sense::click());
    response
        .widget_info(|| egui::WidgetInfo::labeled(egui::accesskit::Role::ComboBox, true, &take.info.name));
    let ground = if response.hovered() { theme::HOVER } else { theme::RAISED };
    ui.painter().rect_filled(cell, theme::ROUND, ground);
    let mut inner = Strip(cell.shrink2(vec2(10.0, 0.0)));
    icon::paint(ui.painter(), Icon::Down, inner.right(10.0).center(), 9.0, theme::DIM);
    control::text(
        ui.painter(),
        inner.right(84.0).translate(vec2(-8.0, 0.0)),
        RIGHT,
        &length,
        theme::small(),
        theme::DIM,
    );
    let at = pos2(cell.left() + 10.0, cell.center().y - name.size().y / 2.0);
    ui.painter().galley(at, name, theme::TEXT);
    let rename = Rect::from_min_size(pos2(cell.right() + 4.0, cell.top()), vec2(theme::FIELD, theme::FIELD));
    if Button::sign(Icon::Pencil, "Rename take", "Give this take another name")
        .show(ui, rename, id.with("rename"))
        .clicked()
    {
        face.picker.rename(&take.info);
    }
    let response = response.on_hover_text(format!("{}\n{}", take.info.name, facts(&take.info)));
    list(face, &response, turn);
}

/// Length of the part in use, and of all where that is more.
fn length(take: &TakeInfo) -> String {
    let (first, end) = take.range();
    words::frames(end.saturating_sub(first), take.rate_hz)
}

/// What a take is, in one line.
pub(crate) fn facts(take: &TakeInfo) -> String {
    let mut facts = vec![format!("{} kHz", f64::from(take.rate_hz) / 1000.0)];
    facts.push(if take.channels == 1 { "mono" } else { "stereo" }.to_owned());
    facts.extend(take.place.bar.map(|bar| format!("bar {bar}")));
    facts.extend(
        take.place
            .tempo
            .filter(|tempo| tempo.is_finite())
            .map(|tempo| format!("{tempo:.4} bpm").replace(".0000", "")),
    );
    facts.extend(take.place.meter.map(|(upper, lower)| format!("{upper}/{lower}")));
    facts.join(", ")
}

fn list(face: &mut Face, button: &egui::Response, turn: &mut Turn<'_>) {
    let popup = Popup::from_toggle_button_response(button)
        .close_behavior(PopupCloseBehavior::CloseOnClickOutside)
        .gap(4.0)
        .width(400.0);
    if !popup.is_open() && face.sheet == super::Sheet::None && matches!(face.doubt, Some(Doubt::Take(_))) {
        face.doubt = None;
    }
    popup.show(|ui| {
        ui.set_width(400.0);
        let height = (ui.ctx().content_rect().height() - theme::BAR - 40.0).clamp(120.0, 360.0);
        let takes = turn.view.takes.clone();
        ui.spacing_mut().item_spacing.y = 0.0;
        ScrollArea::vertical().max_height(height).auto_shrink([false, true]).show_rows(
            ui,
            ROW,
            takes.len(),
            |ui, seen| {
                for take in takes.get(seen).unwrap_or_default() {
                    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), ROW), Sense::hover());
                    if row(face, ui, rect, take, turn) {
                        ui.close();
                    }
                }
            },
        );
    });
}

/// One take of a list; says whether it was chosen.
pub(crate) fn row(face: &mut Face, ui: &mut Ui, rect: Rect, take: &TakeInfo, turn: &mut Turn<'_>) -> bool {
    let id = Id::unique("take row").with(take.id.0);
    let mut strip = Strip(rect.shrink2(vec2(8.0, 0.0)));
    if face.doubt == Some(Doubt::Take(take.id)) {
        doubt(face, ui, &mut strip, take, turn);
        return false;
    }
    let response = ui.interact(rect, id, Sense::click());
    response
        .widget_info(|| egui::WidgetInfo::labeled(egui::accesskit::Role::ListBoxOption, true, &take.name));
    let is_shown = turn.view.take.as_ref().is_some_and(|shown| shown.info.id == take.id);
    if is_shown || response.contains_pointer() {
        let ground = if is_shown { theme::HOVER } else { theme::RAISED };
        ui.painter().rect_filled(rect.shrink2(vec2(0.0, 1.0)), theme::ROUND, ground);
    }
    let bin = middle(strip.right(theme::FIELD), theme::FIELD);
    if Button::sign(Icon::Bin, "Delete take", "Delete this take and its results")
        .show(ui, bin, id.with("bin"))
        .clicked()
    {
        keyboard::is_sure(face, Doubt::Take(take.id));
    }
    let time = strip.right(84.0).translate(vec2(-8.0, 0.0));
    control::text(
        ui.painter(),
        time,
        RIGHT,
        &words::frames(take.frames, take.rate_hz),
        theme::body(),
        theme::TEXT,
    );
    let name = Rect::from_min_size(strip.rest().min + vec2(0.0, 3.0), vec2(strip.rest().width(), 18.0));
    control::text(ui.painter(), name, LEFT, &take.name, theme::body(), theme::TEXT);
    let below = format!("{}   {}", words::date(take.made_at_us), facts(take));
    control::text(ui.painter(), name.translate(vec2(0.0, 17.0)), LEFT, &below, theme::small(), theme::DIM);
    let is_chosen = response.clicked();
    if is_chosen && !is_shown {
        turn.ask(Command::SelectTake(take.id));
    }
    is_chosen
}

fn doubt(face: &mut Face, ui: &mut Ui, strip: &mut Strip, take: &TakeInfo, turn: &mut Turn<'_>) {
    let id = Id::unique("take doubt");
    let count = turn.view.jobs.iter().filter(|job| job.take == take.id).count();
    let question = match count {
        0 => format!("Delete \u{201c}{}\u{201d}?", take.name),
        1 => format!("Delete \u{201c}{}\u{201d} and its result?", take.name),
        count => format!("Delete \u{201c}{}\u{201d} and its {count} results?", take.name),
    };
    let keep = Button::word("Keep", "Escape");
    if keep.show(ui, middle(strip.right(60.0), theme::FIELD), id.with("keep")).clicked() {
        face.doubt = None;
    }
    strip.right(8.0);
    let delete = Button::word("Delete", "Cannot be undone").look(Look::Lit(theme::RECORD));
    if delete.show(ui, middle(strip.right(68.0), theme::FIELD), id.with("delete")).clicked() {
        face.doubt = None;
        turn.ask(Command::DeleteTake(take.id));
    }
    strip.right(8.0);
    control::text(ui.painter(), strip.rest(), LEFT, &question, theme::body(), theme::TEXT);
}
