//! The bar on top: the take in the window, the server, the credits, and the ways to history and settings.

use super::control::{self, Button, LEFT, Look, RIGHT};
use super::icon::{self, Icon};
use super::strip::{Strip, middle};
use super::{Face, Sheet, Turn, account, take_picker, theme, words};
use crate::command::Command;
use crate::view::Connection;
use egui::{Color32, Id, OpenUrl, Popup, Rect, Sense, Ui, vec2};

/// Draws it.
pub(crate) fn show(face: &mut Face, ui: &mut Ui, rect: Rect, turn: &mut Turn<'_>) {
    ui.painter().rect_filled(rect, 0, theme::PANEL);
    control::rule(ui.painter(), rect.with_min_y(rect.bottom() - 1.0));
    let mut strip = Strip(rect.shrink2(vec2(12.0, 0.0)));
    let brand = strip.left(92.0);
    control::text(ui.painter(), brand, LEFT, "Tributary", theme::title(), theme::TEXT);
    signs(face, ui, &mut strip);
    credits(face, ui, &mut strip, turn);
    strip.right(12.0);
    connection(face, ui, &mut strip, turn);
    strip.right(12.0);
    let room = strip.rest().width().min(380.0);
    take_picker::show(face, ui, middle(strip.left(room), theme::FIELD), turn);
}

fn signs(face: &mut Face, ui: &mut Ui, strip: &mut Strip) {
    let id = Id::unique("bar");
    let sheets = [
        (Sheet::Settings, Icon::Gear, "Settings", "Server, key and size of the window"),
        (Sheet::History, Icon::Clock, "History", "All takes and jobs"),
    ];
    for (sheet, icon, label, tip) in sheets {
        let cell = middle(strip.right(theme::FIELD), theme::FIELD);
        let is_open = face.sheet == sheet;
        let look = if is_open { Look::Plain } else { Look::Quiet };
        if Button::sign(icon, label, tip).look(look).show(ui, cell, id.with(label)).clicked() {
            face.sheet = if is_open { Sheet::None } else { sheet };
            face.doubt = None;
        }
    }
    if ui.max_rect().width() < theme::FOLD_WIDTH {
        let cell = middle(strip.right(theme::FIELD), theme::FIELD);
        let look = if face.is_side_open { Look::Plain } else { Look::Quiet };
        let button =
            Button::sign(Icon::Side, "Side panel", "Show or hide what can be done with the take").look(look);
        if button.show(ui, cell, id.with("side")).clicked() {
            face.is_side_open = !face.is_side_open;
            face.sheet = Sheet::None;
        }
    }
    strip.right(8.0);
}

fn credits(face: &mut Face, ui: &mut Ui, strip: &mut Strip, turn: &Turn<'_>) {
    let Some(account) = &turn.view.account else { return };
    let id = Id::unique("credits");
    let is_sold = !account.packs.packs.is_empty();
    if is_sold || account.buy_url.is_some() {
        let cell = middle(strip.right(theme::FIELD), theme::FIELD);
        let tip =
            if is_sold { "Buy credits" } else { "Buy credits: opens the server's page in your browser" };
        let button = Button::sign(Icon::Plus, "Buy credits", tip);
        if button.show(ui, cell, id.with("buy")).clicked() {
            match &account.buy_url {
                Some(url) if !is_sold => ui.ctx().open_url(OpenUrl::new_tab(url)),
                _ => face.sheet = Sheet::Account,
            }
        }
    }
    let said = words::credits(account.available);
    let (below, ink) = account::note(account);
    let wide = |words: &str, font| control::line(ui.painter(), words, font, theme::TEXT, 160.0).size().x;
    let width = wide(&said, theme::body()).max(wide(&below, theme::small())) + 16.0;
    let cell = middle(strip.right(width), theme::BAR - 8.0);
    let response = ui.interact(cell, id, Sense::click());
    response.widget_info(|| egui::WidgetInfo::labeled(egui::accesskit::Role::Button, true, "Account"));
    if response.hovered() {
        ui.painter().rect_filled(cell, theme::ROUND, theme::RAISED);
    }
    let mut lines = Strip(cell.shrink2(vec2(8.0, 1.0)));
    let upper = lines.top(18.0);
    control::text(ui.painter(), upper, RIGHT, &said, theme::body(), theme::TEXT);
    control::text(ui.painter(), lines.rest(), RIGHT, &below, theme::small(), ink);
    if response.on_hover_text(account::summary(account)).clicked() {
        face.sheet = if face.sheet == Sheet::Account { Sheet::None } else { Sheet::Account };
        face.doubt = None;
    }
}

/// Colour of the dot, whether it is filled, what it says, what the tooltip says.
fn state(connection: &Connection) -> (Color32, bool, String, String) {
    match connection {
        Connection::NoServer => (
            theme::DIM,
            false,
            "No server".to_owned(),
            "No server is known. Click to enter an address".to_owned(),
        ),
        Connection::Connecting { address } => {
            (theme::WARN, false, host(address), format!("Connecting to {address}"))
        }
        Connection::Connected { address, is_local: true } => (
            theme::GOOD,
            true,
            "This machine".to_owned(),
            format!("Connected to {address}, found on this machine"),
        ),
        Connection::Connected { address, .. } => {
            (theme::GOOD, true, host(address), format!("Connected to {address}"))
        }
        Connection::SignedOut { address, reason } => {
            (theme::WARN, false, "Signed out".to_owned(), format!("{address}: {reason}"))
        }
        Connection::Unknown { address, .. } => (
            theme::WARN,
            false,
            "Certificate".to_owned(),
            format!("{address} has a certificate that you have not accepted. Click to compare it"),
        ),
        Connection::Lost { address, reason } => (
            theme::RECORD,
            false,
            "No answer".to_owned(),
            format!("{address}: {reason} Tried again by itself; click to try now"),
        ),
    }
}

/// The part of an address that people know.
pub(crate) fn host(address: &str) -> String {
    let name = address.split_once("://").map_or(address, |(_, rest)| rest);
    name.split('/').next().unwrap_or(name).to_owned()
}

fn connection(face: &mut Face, ui: &mut Ui, strip: &mut Strip, turn: &mut Turn<'_>) {
    let (colour, is_filled, said, tip) = state(&turn.view.connection);
    let width = control::line(ui.painter(), &said, theme::body(), theme::TEXT, 150.0).size().x;
    let cell = middle(strip.right(width + 30.0), theme::FIELD);
    let response = ui.interact(cell, Id::unique("connection"), Sense::click()).on_hover_text(tip);
    response.widget_info(|| egui::WidgetInfo::labeled(egui::accesskit::Role::Button, true, &said));
    if response.hovered() {
        ui.painter().rect_filled(cell, theme::ROUND, theme::RAISED);
    }
    icon::dot(ui.painter(), egui::pos2(cell.left() + 10.0, cell.center().y), colour, is_filled);
    let ink = if is_filled { theme::DIM } else { theme::TEXT };
    control::text(ui.painter(), cell.with_min_x(cell.left() + 22.0), LEFT, &said, theme::body(), ink);
    if response.clicked() {
        match turn.view.connection {
            Connection::Lost { .. } | Connection::Connecting { .. } => turn.ask(Command::Refresh),
            _ => face.sheet = if face.sheet == Sheet::Settings { Sheet::None } else { Sheet::Settings },
        }
        Popup::close_all(ui.ctx());
    }
}
