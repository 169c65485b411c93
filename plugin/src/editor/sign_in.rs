//! Being let in by the browser, in the settings: the button beside the key, and the code while somebody has to confirm
//! it.

use super::control::{self, Button, LEFT, Look};
use super::strip::Strip;
use super::{Face, Turn, theme};
use crate::command::Command;
use crate::view::SignIn;
use egui::{FontFamily, FontId, Id, OpenUrl, Rect, Ui, pos2, vec2};

/// The button that begins it, while nothing is under way.
pub(crate) fn begin(
    face: &mut Face,
    ui: &mut Ui,
    row: &mut Strip,
    address: &str,
    is_whole: bool,
    turn: &mut Turn<'_>,
) {
    if turn.view.sign_in != SignIn::Nothing {
        return;
    }
    let tip = if is_whole {
        "Opens a page of this server, where you confirm a code: no key to copy"
    } else {
        "First enter the server's address"
    };
    let button = Button::word("Sign in with the browser", tip).enabled(is_whole);
    let width = button.width(ui.painter());
    if button.show(ui, row.left(width), Id::unique("sign in")).clicked() {
        ask(face, address, turn);
    }
}

fn ask(face: &mut Face, address: &str, turn: &mut Turn<'_>) {
    face.awaits_page = true;
    turn.ask(Command::SignIn { address: address.to_owned() });
}

/// What became of it.
pub(crate) fn show(face: &mut Face, ui: &mut Ui, form: &mut Strip, turn: &mut Turn<'_>) {
    let view = turn.view;
    match &view.sign_in {
        SignIn::Nothing => {}
        SignIn::Asked => {
            let mut inner = frame(ui, form, 44.0, false);
            cancel(face, ui, &mut inner, turn);
            let words = "Asking the server for a code";
            control::text(ui.painter(), inner.rest(), LEFT, words, theme::body(), theme::DIM);
        }
        SignIn::Waiting { code, page, page_with_code } => {
            if std::mem::take(&mut face.awaits_page) {
                ui.ctx().open_url(OpenUrl::new_tab(page_with_code));
            }
            waiting(face, ui, form, (code, page, page_with_code), turn);
        }
        SignIn::Denied => over(face, ui, form, "The sign-in was refused on the page.", turn),
        SignIn::TooLate => over(face, ui, form, "The code was not confirmed in time.", turn),
        SignIn::Failed(why) => over(face, ui, form, why, turn),
    }
}

fn frame(ui: &Ui, form: &mut Strip, height: f32, is_warning: bool) -> Strip {
    let place = form.top(height);
    form.top(16.0);
    ui.painter().rect_filled(place, 6, theme::PANEL);
    let ink = if is_warning { theme::WARN } else { theme::ACCENT };
    ui.painter().rect_filled(place.with_max_x(place.left() + 4.0), 2, ink);
    Strip(place.shrink2(vec2(16.0, 8.0)))
}

fn cancel(face: &mut Face, ui: &mut Ui, row: &mut Strip, turn: &mut Turn<'_>) {
    let button = Button::word("Cancel", "Wait no longer").look(Look::Quiet);
    let width = button.width(ui.painter());
    if button.show(ui, row.right(width), Id::unique("cancel sign in")).clicked() {
        face.awaits_page = false;
        turn.ask(Command::CancelSignIn);
    }
}

fn waiting(
    face: &mut Face,
    ui: &mut Ui,
    form: &mut Strip,
    (code, page, page_with_code): (&str, &str, &str),
    turn: &mut Turn<'_>,
) {
    let mut inner = frame(ui, form, 156.0, false);
    inner.top(4.0);
    let words = "Waiting for you in the browser: confirm there if the page shows this code";
    control::text(ui.painter(), inner.top(20.0), LEFT, words, theme::body(), theme::TEXT);
    let large = FontId::new(30.0, FontFamily::Monospace);
    control::text(ui.painter(), inner.top(48.0), LEFT, code, large, theme::TEXT);
    control::text(ui.painter(), inner.top(20.0), LEFT, page, theme::small(), theme::DIM);
    inner.top(8.0);
    let mut row = Strip(inner.top(theme::FIELD));
    let open = Button::word("Open the page again", "Opens it in your browser with the code filled in");
    let width = open.width(ui.painter());
    if open.show(ui, row.left(width), Id::unique("open sign in")).clicked() {
        ui.ctx().open_url(OpenUrl::new_tab(page_with_code));
    }
    row.left(8.0);
    let copy = Button::word("Copy the address", "For another browser, on this machine or a phone");
    let width = copy.width(ui.painter());
    if copy.show(ui, row.left(width), Id::unique("copy sign in")).clicked() {
        ui.ctx().copy_text(page_with_code.to_owned());
    }
    cancel(face, ui, &mut row, turn);
}

fn over(face: &mut Face, ui: &mut Ui, form: &mut Strip, why: &str, turn: &mut Turn<'_>) {
    let mut inner = frame(ui, form, 84.0, true);
    let line = inner.top(36.0);
    control::block(
        ui.painter(),
        pos2(line.left(), line.top() + 4.0),
        line.width(),
        why,
        theme::body(),
        theme::TEXT,
    );
    let mut row = Strip(Rect::from_min_size(inner.rest().min, vec2(inner.rest().width(), theme::FIELD)));
    let again = Button::word("Try again", "Asks for another code");
    let width = again.width(ui.painter());
    if again.show(ui, row.left(width), Id::unique("sign in again")).clicked() {
        let address = face.form.address(turn.view);
        ask(face, &address, turn);
    }
    row.left(8.0);
    cancel(face, ui, &mut row, turn);
}
