//! Whose credits these are, how many, until when, and where more are sold.

use super::control::{self, Button, LEFT, RIGHT};
use super::icon::{self, Icon};
use super::strip::{Strip, middle};
use super::{Face, Turn, history, theme, words};
use crate::command::Command;
use crate::view::{Account, Purchase, PurchaseStage};
use egui::{Color32, Id, OpenUrl, Rect, ScrollArea, Ui, pos2, vec2};
use tributary_protocol::client::PackView;

/// Width of the column.
const WIDTH: f32 = 560.0;
/// Height of a pack.
const PACK: f32 = 44.0;

/// What a suspended account's member can do.
pub(crate) const SUSPENDED: &str =
    "A payment was taken back: the account's owner settles it with the operator";

/// The one line beside the credits that matters most.
pub(crate) fn note(account: &Account) -> (String, Color32) {
    if account.is_suspended {
        ("Suspended".to_owned(), theme::RECORD)
    } else if let Some(month) = month(account) {
        let ink = if account.left_this_month() == Some(0) { theme::WARN } else { theme::DIM };
        (month, ink)
    } else if let Some(end) = ending(account) {
        (end, theme::DIM)
    } else {
        (account.name.clone(), theme::DIM)
    }
}

/// `12 of 100 this month`.
fn month(account: &Account) -> Option<String> {
    let limit = account.month_limit?;
    Some(format!("{} of {} this month", words::grouped(account.month_spent), words::grouped(limit)))
}

/// `40 end on 3 Dec`.
fn ending(account: &Account) -> Option<String> {
    let soonest = account.expiring.first()?;
    Some(format!("{} end on {}", words::grouped(soonest.credits.0), words::day(soonest.expires_at_us)))
}

/// Who, and as what.
fn who(account: &Account) -> Option<String> {
    match (&account.person, &account.role) {
        (Some(person), Some(role)) => Some(format!("{person}, {role}")),
        (person, role) => person.clone().or_else(|| role.as_deref().map(words::capital)),
    }
}

/// `Stems stay on the server for 30 days`.
fn keeping(account: &Account) -> Option<String> {
    let days = (account.keep_days > 0).then_some(account.keep_days)?;
    Some(format!("Results stay on the server for {days} day{}", if days == 1 { "" } else { "s" }))
}

/// All of it, a line a fact.
pub(crate) fn summary(account: &Account) -> String {
    let held = match account.held {
        0 => "None are held for jobs.".to_owned(),
        held => format!("{} more are held for jobs that have not ended.", words::grouped(held)),
    };
    let free = format!("{}: {} free to spend. {held}", account.name, words::credits(account.available));
    let suspended = account.is_suspended.then(|| SUSPENDED.to_owned());
    let lines = [Some(free), who(account), ending(account), month(account), keeping(account), suspended];
    lines.into_iter().flatten().collect::<Vec<_>>().join("\n")
}

/// Draws the sheet.
pub(crate) fn show(face: &mut Face, ui: &mut Ui, rect: Rect, turn: &mut Turn<'_>) {
    let mut ui = control::cell(ui, rect, "account");
    let ui = &mut ui;
    let view = turn.view;
    let strip = history::sheet(face, ui, rect, "Account");
    let area = strip.rest();
    let Some(account) = &view.account else {
        let words = "The account is shown when the server answers.";
        control::text(ui.painter(), area, control::CENTRE, words, theme::body(), theme::DIM);
        return;
    };
    let packs = account.packs.packs.len() as f32;
    let mut inside = ui.new_child(egui::UiBuilder::new().id_salt("account form").max_rect(area));
    ScrollArea::vertical().auto_shrink([false, false]).show(&mut inside, |ui| {
        let high = 300.0 + packs * (PACK + 8.0);
        let (place, _) = ui.allocate_exact_size(vec2(ui.available_width(), high), egui::Sense::hover());
        let left = (place.center().x - WIDTH / 2.0).max(place.left());
        let corner = pos2(left, place.top());
        let mut column = Strip(Rect::from_min_size(corner, vec2(WIDTH.min(place.width()), high)));
        facts(ui, &mut column, account);
        if let Some(purchase) = &view.purchase {
            bought(face, ui, &mut column, purchase, turn);
        }
        sold(face, ui, &mut column, account, turn);
    });
}

fn facts(ui: &Ui, column: &mut Strip, account: &Account) {
    let painter = ui.painter();
    let mut row = Strip(column.top(28.0));
    let free = words::credits(account.available);
    let wide = control::line(painter, &free, theme::title(), theme::TEXT, 240.0).size().x;
    control::text(painter, row.right(wide), RIGHT, &free, theme::title(), theme::TEXT);
    row.right(16.0);
    control::text(painter, row.rest(), LEFT, &account.name, theme::title(), theme::TEXT);
    let held = (account.held > 0).then(|| format!("{} more held for jobs", words::grouped(account.held)));
    let more = [held, ending(account), month(account)].into_iter().flatten();
    let more = more.collect::<Vec<_>>().join("  \u{b7}  ");
    let mut row = Strip(column.top(20.0));
    let wide = control::line(painter, &more, theme::small(), theme::DIM, WIDTH).size().x;
    control::text(painter, row.right(wide), RIGHT, &more, theme::small(), theme::DIM);
    if let Some(who) = who(account) {
        control::text(painter, row.rest(), LEFT, &who, theme::small(), theme::DIM);
    }
    column.top(12.0);
    if account.is_suspended {
        let words = format!("The account is suspended and starts no jobs. {SUSPENDED}.");
        told(ui, column, &words, theme::RECORD);
    } else if account.left_this_month() == Some(0) {
        let words =
            "Your limit of this month is used up: ask an owner to raise it, or wait for the next month.";
        told(ui, column, words, theme::WARN);
    }
}

fn told(ui: &Ui, column: &mut Strip, words: &str, ink: Color32) -> Strip {
    let place = column.top(44.0);
    column.top(12.0);
    ui.painter().rect_filled(place, 6, theme::PANEL);
    ui.painter().rect_filled(place.with_max_x(place.left() + 4.0), 2, ink);
    let mut inner = Strip(place.shrink2(vec2(16.0, 0.0)));
    if !words.is_empty() {
        icon::paint(ui.painter(), Icon::Warning, inner.left(16.0).center(), 13.0, ink);
        inner.left(8.0);
        let galley =
            control::rows(ui.painter(), words, theme::small(), theme::TEXT, (inner.rest().width(), 2));
        let top = inner.rest().center().y - galley.size().y / 2.0;
        ui.painter().galley(pos2(inner.rest().left(), top), galley, theme::TEXT);
    }
    inner
}

fn bought(face: &mut Face, ui: &mut Ui, column: &mut Strip, purchase: &Purchase, turn: &mut Turn<'_>) {
    let title = &purchase.pack.title;
    let (words, ink) = match &purchase.stage {
        PurchaseStage::Asked => (format!("{title}: the server is asked for the page"), theme::ACCENT),
        PurchaseStage::Open { .. } => {
            (format!("{title}: waiting until it is paid in the browser"), theme::ACCENT)
        }
        PurchaseStage::Processing => (format!("{title}: the payment is on its way"), theme::ACCENT),
        PurchaseStage::Paid => {
            (format!("{title} is paid: {} came", words::credits(purchase.pack.credits.0)), theme::GOOD)
        }
        PurchaseStage::Expired => (format!("{title} was not paid in time: nothing was charged"), theme::WARN),
        PurchaseStage::Failed(why) => (why.clone(), theme::WARN),
    };
    let mut row = told(ui, column, "", ink);
    if let PurchaseStage::Open { url } = &purchase.stage {
        if std::mem::take(&mut face.awaits_page) {
            ui.ctx().open_url(OpenUrl::new_tab(url));
        }
        let open = Button::word("Open the page again", "Opens it in your browser");
        let cell = middle(row.right(open.width(ui.painter())), theme::FIELD);
        if open.show(ui, cell, Id::unique("open purchase")).clicked() {
            ui.ctx().open_url(OpenUrl::new_tab(url));
        }
    } else if purchase.stage.is_over() {
        let cell = middle(row.right(24.0), 24.0);
        let leave = Button::sign(Icon::Cross, "Dismiss purchase", "I have read it");
        if leave.show(ui, cell, Id::unique("leave purchase")).clicked() {
            turn.ask(Command::LeavePurchase);
        }
    }
    row.right(8.0);
    let galley = control::rows(ui.painter(), &words, theme::body(), theme::TEXT, (row.rest().width(), 2));
    let top = row.rest().center().y - galley.size().y / 2.0;
    ui.painter().galley(pos2(row.rest().left(), top), galley, theme::TEXT);
}

fn sold(face: &mut Face, ui: &mut Ui, column: &mut Strip, account: &Account, turn: &mut Turn<'_>) {
    let head = column.top(28.0);
    if account.packs.packs.is_empty() {
        let words = match &account.buy_url {
            Some(_) => "More credits are sold on the server's page.",
            None => "Who runs the server grants credits: ask them for more.",
        };
        control::text(ui.painter(), head, LEFT, words, theme::body(), theme::DIM);
        if let Some(url) = &account.buy_url {
            column.top(4.0);
            let mut row = Strip(column.top(theme::FIELD));
            let open = Button::word("Open the page", "Opens it in your browser");
            let width = open.width(ui.painter());
            if open.show(ui, row.left(width), Id::unique("open shop")).clicked() {
                ui.ctx().open_url(OpenUrl::new_tab(url));
            }
        }
        return;
    }
    control::text(ui.painter(), head, LEFT, "Buy credits", theme::body(), theme::TEXT);
    if account.packs.test {
        let words = "Test mode: nothing is charged";
        control::text(ui.painter(), head, RIGHT, words, theme::small(), theme::WARN);
    }
    column.top(4.0);
    for pack in &account.packs.packs {
        row(face, ui, column.top(PACK), pack, account.may_buy, turn);
        column.top(8.0);
    }
    let words = if account.may_buy {
        "Paid on a page of the server's payment service, in your browser."
    } else {
        "This key may not buy: ask an owner of the account."
    };
    control::text(ui.painter(), column.top(20.0), LEFT, words, theme::small(), theme::DIM);
}

fn row(face: &mut Face, ui: &mut Ui, place: Rect, pack: &PackView, may_buy: bool, turn: &mut Turn<'_>) {
    ui.painter().rect_filled(place, 6, theme::PANEL);
    let mut row = Strip(place.shrink2(vec2(16.0, 0.0)));
    let price = pack.price();
    let is_asked = turn.view.purchase.as_ref().is_some_and(|purchase| purchase.stage == PurchaseStage::Asked);
    let tip = match (may_buy, is_asked) {
        (false, _) => "This key may not buy: ask an owner of the account",
        (_, true) => "The server is asked for a page",
        _ => "Opens the page where it is paid, in your browser",
    };
    let label = format!("Buy for {price}");
    let button = Button::word(&label, tip).enabled(may_buy && !is_asked);
    let cell = middle(row.right(132.0), theme::FIELD);
    if button.show(ui, cell, Id::unique("pack").with(&pack.name)).clicked() {
        face.awaits_page = true;
        turn.ask(Command::Buy(pack.name.clone()));
    }
    row.right(16.0);
    let credits = words::credits(pack.credits.0);
    control::text(ui.painter(), row.right(120.0), RIGHT, &credits, theme::body(), theme::DIM);
    row.right(16.0);
    control::text(ui.painter(), row.rest(), LEFT, &pack.title, theme::body(), theme::TEXT);
}
