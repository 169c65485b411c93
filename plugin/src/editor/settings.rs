//! Server and window: address, key, certificate, size. What is typed here stays here until it is sent.

use super::control::{self, Button, LEFT, Look};
use super::icon;
use super::step::Step;
use super::strip::Strip;
use super::{Doubt, Face, Turn, history, keyboard, sign_in, theme};
use crate::command::Command;
use crate::view::{Connection, SignIn, View, WindowSize};
use egui::{FontFamily, FontId, Id, Key, Rect, ScrollArea, TextEdit, Ui, pos2, vec2};

/// Characters of an address or key at most.
const FIELD_MAX: usize = 512;
/// Width of the form.
const WIDTH: f32 = 560.0;

/// Its height with everything in it.
const FORM: f32 = 640.0;

/// What is typed.
#[derive(Default)]
pub(crate) struct Form {
    address: Option<String>,
    key: String,
}

impl Form {
    /// What is typed, or else the server in use.
    pub(crate) fn address(&self, view: &View) -> String {
        let typed = self.address.as_deref().or_else(|| address(&view.connection));
        typed.unwrap_or_default().trim().to_owned()
    }
}

/// Draws it.
pub(crate) fn show(face: &mut Face, ui: &mut Ui, rect: Rect, turn: &mut Turn<'_>) {
    let mut ui = control::cell(ui, rect, "settings");
    let ui = &mut ui;
    let strip = history::sheet(face, ui, rect, "Settings");
    let area = strip.rest();
    let mut inside = ui.new_child(egui::UiBuilder::new().id_salt("form").max_rect(area));
    ScrollArea::vertical().auto_shrink([false, false]).show(&mut inside, |ui| {
        let (place, _) = ui.allocate_exact_size(vec2(ui.available_width(), FORM), egui::Sense::hover());
        let left = place.center().x - WIDTH / 2.0;
        let mut form = Strip(Rect::from_min_size(
            pos2(left.max(place.left()), place.top()),
            vec2(WIDTH.min(place.width()), FORM),
        ));
        state(ui, &mut form, turn);
        certificate(ui, &mut form, turn);
        sign_in::show(face, ui, &mut form, turn);
        server(face, ui, &mut form, turn);
        window(ui, &mut form, turn);
    });
}

fn address(connection: &Connection) -> Option<&str> {
    match connection {
        Connection::NoServer => None,
        Connection::Connecting { address }
        | Connection::Connected { address, .. }
        | Connection::SignedOut { address, .. }
        | Connection::Unknown { address, .. }
        | Connection::Lost { address, .. } => Some(address),
    }
}

fn state(ui: &Ui, form: &mut Strip, turn: &Turn<'_>) {
    let (words, ink, is_filled) = match &turn.view.connection {
        Connection::NoServer => (
            "No server. Start one here: `tributary serve`, or enter an address.".to_owned(),
            theme::DIM,
            false,
        ),
        Connection::Connecting { address } => (format!("Connecting to {address}"), theme::WARN, false),
        Connection::Connected { address, is_local: true } => {
            (format!("Connected to {address}, found on this machine"), theme::GOOD, true)
        }
        Connection::Connected { address, .. } => (format!("Connected to {address}"), theme::GOOD, true),
        Connection::SignedOut { .. }
            if matches!(turn.view.sign_in, SignIn::Asked | SignIn::Waiting { .. }) =>
        {
            ("Not signed in yet.".to_owned(), theme::WARN, false)
        }
        Connection::SignedOut { reason, .. } => (format!("Signed out: {reason}"), theme::WARN, false),
        Connection::Unknown { .. } => {
            ("Compare the certificate before anything is sent.".to_owned(), theme::WARN, false)
        }
        Connection::Lost { reason, .. } => (format!("No answer. {reason}"), theme::RECORD, false),
    };
    let row = form.top(28.0);
    icon::dot(ui.painter(), pos2(row.left() + 6.0, row.center().y), ink, is_filled);
    let top = pos2(row.left() + 20.0, row.top() + 6.0);
    let bottom = control::block(ui.painter(), top, row.right() - top.x, &words, theme::body(), theme::TEXT);
    form.top(8.0 + (bottom - row.bottom()).max(0.0));
}

fn certificate(ui: &mut Ui, form: &mut Strip, turn: &mut Turn<'_>) {
    let Connection::Unknown { address, fingerprint, accepted_before } = &turn.view.connection else { return };
    let is_changed = accepted_before.is_some();
    let height = if is_changed { 216.0 } else { 164.0 };
    let place = form.top(height);
    ui.painter().rect_filled(place, 6, theme::PANEL);
    ui.painter().rect_filled(place.with_max_x(place.left() + 4.0), 2, theme::WARN);
    let inner = place.shrink2(vec2(16.0, 12.0));
    let words = if is_changed {
        format!(
            "The certificate of {address} is not the one you accepted. Somebody may stand between you and the server. Accept it only if whoever runs the server tells you that it was renewed."
        )
    } else {
        format!(
            "{address} is seen for the first time. Compare this fingerprint with the one that `tributary serve` printed. If they are the same, nobody stands between you and the server."
        )
    };
    let painter = ui.painter();
    let bottom = control::block(painter, inner.min, inner.width(), &words, theme::body(), theme::TEXT);
    let mono = FontId::new(11.5, FontFamily::Monospace);
    let bottom = control::block(
        painter,
        pos2(inner.left(), bottom + 8.0),
        inner.width(),
        fingerprint,
        mono.clone(),
        theme::TEXT,
    );
    let button =
        Rect::from_min_size(pos2(inner.left(), inner.bottom() - theme::FIELD), vec2(200.0, theme::FIELD));
    if let Some(before) = accepted_before
        && bottom + 20.0 < button.top()
    {
        let before = format!("Accepted before:\n{before}");
        control::block(painter, pos2(inner.left(), bottom + 8.0), inner.width(), &before, mono, theme::DIM);
    }
    let label = if is_changed { "Accept the new certificate" } else { "They are the same: accept" };
    let accept = Button::word(label, "Trust this certificate, and it alone, for this server");
    let accept = if is_changed {
        accept
    } else {
        accept.accent_if(turn.step == Step::Connect || turn.step == Step::Capture)
    };
    if accept.show(ui, button, Id::unique("accept")).clicked() {
        turn.ask(Command::Accept { fingerprint: fingerprint.clone() });
    }
    form.top(16.0);
}

fn field(
    ui: &mut Ui,
    row: Rect,
    label: &str,
    id: &str,
    text: &mut String,
    hint: &str,
    is_secret: bool,
) -> bool {
    let mut strip = Strip(row);
    control::text(ui.painter(), strip.left(88.0), LEFT, label, theme::body(), theme::DIM);
    let edit = TextEdit::singleline(text)
        .id(Id::unique(id))
        .hint_text(hint)
        .password(is_secret)
        .char_limit(FIELD_MAX)
        .align(egui::Align2::LEFT_CENTER)
        .min_size(strip.rest().size())
        .desired_width(strip.rest().width() - 8.0);
    let response = ui.put(strip.rest(), edit);
    response.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter))
}

fn server(face: &mut Face, ui: &mut Ui, form: &mut Strip, turn: &mut Turn<'_>) {
    let known = address(&turn.view.connection).unwrap_or_default();
    let typed = face.form.address.get_or_insert_with(|| known.to_owned());
    let is_sent = field(ui, form.top(32.0), "Server", "address", typed, "https://studio.local:8443", false);
    form.top(8.0);
    let is_sent =
        field(ui, form.top(32.0), "Key", "key", &mut face.form.key, "as the server printed it", true)
            || is_sent;
    form.top(12.0);
    let mut row = Strip(form.top(theme::FIELD));
    row.left(88.0);
    let address = face.form.address.clone().unwrap_or_default().trim().to_owned();
    let is_whole = address.starts_with("https://") || address.starts_with("http://");
    let tip = if is_whole {
        "Use this server from now on, in all projects"
    } else {
        "An address begins with https:// or http://"
    };
    let matters = matches!(turn.view.connection, Connection::NoServer | Connection::SignedOut { .. })
        && matches!(turn.view.sign_in, SignIn::Nothing);
    let connect =
        Button::word("Connect", tip).enabled(is_whole).accent_if(matters && turn.step != Step::None);
    let is_pressed = connect.show(ui, row.left(112.0), Id::unique("connect")).clicked();
    row.left(8.0);
    sign_in::begin(face, ui, &mut row, &address, is_whole, turn);
    if (is_pressed || is_sent) && is_whole {
        let key = std::mem::take(&mut face.form.key).trim().to_owned();
        turn.ask(Command::Connect { address, key });
    }
    row.left(8.0);
    if !known.is_empty() {
        sign_out(face, ui, &mut row, turn);
    }
    form.top(4.0);
    let hint = "Kept for this user, not in the DAW's project. Without a server a local one is looked for.";
    let line = form.top(24.0);
    control::text(ui.painter(), line.with_min_x(line.left() + 88.0), LEFT, hint, theme::small(), theme::DIM);
    form.top(16.0);
}

fn sign_out(face: &mut Face, ui: &mut Ui, row: &mut Strip, turn: &mut Turn<'_>) {
    let is_asked = face.doubt == Some(Doubt::SignOut);
    let (label, look) = if is_asked {
        ("Forget server and key?", Look::Lit(theme::RECORD))
    } else {
        ("Sign out", Look::Plain)
    };
    let button =
        Button::word(label, "Forget server and key on this machine. Takes and results stay").look(look);
    let width = button.width(ui.painter());
    if button.show(ui, row.left(width), Id::unique("sign out")).clicked()
        && keyboard::is_sure(face, Doubt::SignOut)
    {
        face.form = Form::default();
        turn.ask(Command::SignOut);
    }
}

const ZOOMS: [(f32, &str); 5] =
    [(1.0, "100 %"), (1.25, "125 %"), (1.5, "150 %"), (1.75, "175 %"), (2.0, "200 %")];

fn window(ui: &mut Ui, form: &mut Strip, turn: &mut Turn<'_>) {
    let mut row = Strip(form.top(theme::FIELD));
    control::text(ui.painter(), row.left(88.0), LEFT, "Zoom", theme::body(), theme::DIM);
    let now = super::zoom(turn.view.window.zoom);
    let nearest = |zoom: &f32| (zoom - now).abs() < 0.01;
    let on = ZOOMS.iter().position(|(zoom, _)| nearest(zoom)).unwrap_or(ZOOMS.len());
    let choices =
        ZOOMS.map(|(_, label)| (label, "Size of everything in the window, on top of the system's", true));
    if let Some(on) = control::segments(ui, row.left(320.0), Id::unique("zoom"), on, &choices) {
        turn.ask(Command::Resize(WindowSize { zoom: ZOOMS[on].0, ..turn.view.window }));
    }
}
