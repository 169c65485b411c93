//! What it costs, what there is, and the one button.

use super::control::{self, Button, LEFT, Look, RIGHT};
use super::step::Step;
use super::strip::Strip;
use super::{Face, Sheet, Turn, account, theme, words};
use crate::command::Command;
use crate::view::{Account, Connection, Quote, Recorder};
use egui::{Id, OpenUrl, Rect, Sense, Ui, vec2};

/// Its height.
pub(crate) const HEIGHT: f32 = 96.0;

/// What the button says and does.
enum Act {
    /// Sends the take.
    Run,
    /// Opens the server's page.
    Buy(String),
    /// Shows what is sold.
    Shop,
    /// Opens the settings.
    Settle,
    /// Asks the server again.
    Retry,
    /// Cannot be pressed, and why.
    Nothing(String),
}

/// Draws it.
pub(crate) fn show(face: &mut Face, ui: &mut Ui, rect: Rect, turn: &mut Turn<'_>) {
    control::rule(ui.painter(), rect.with_max_y(rect.top() + 1.0));
    let mut strip = Strip(rect.shrink2(vec2(12.0, 8.0)));
    quote(ui, strip.top(36.0), turn);
    strip.top(4.0);
    let cell = strip.top(36.0);
    let label = words::capital(&turn.view.choice.task);
    let act = act(turn);
    let (label, tip) = match &act {
        Act::Run => (label, "Send the part in use, and bring the result back here".to_owned()),
        Act::Shop => ("Buy credits".to_owned(), "Shows what is sold here".to_owned()),
        Act::Buy(_) => ("Buy credits".to_owned(), "Opens the server's page in your browser".to_owned()),
        Act::Settle => ("Open settings".to_owned(), "The server needs something from you".to_owned()),
        Act::Retry => ("Ask again".to_owned(), "Asks the server now".to_owned()),
        Act::Nothing(why) => (label, why.clone()),
    };
    let is_accent = matches!(
        (&act, turn.step),
        (Act::Run, Step::Run) | (Act::Buy(_) | Act::Shop, Step::Buy) | (Act::Settle, Step::Connect)
    );
    let look = if is_accent { Look::Accent } else { Look::Plain };
    let button = Button::word(&label, &tip).look(look).enabled(!matches!(act, Act::Nothing(_)));
    if button.show(ui, cell, Id::unique("run")).clicked() {
        match act {
            Act::Run => turn.ask(Command::Run),
            Act::Buy(url) => ui.ctx().open_url(OpenUrl::new_tab(url)),
            Act::Shop => face.sheet = Sheet::Account,
            Act::Settle => face.sheet = Sheet::Settings,
            Act::Retry => turn.ask(Command::Refresh),
            Act::Nothing(_) => {}
        }
    }
}

fn act(turn: &Turn<'_>) -> Act {
    let view = turn.view;
    match &view.connection {
        Connection::NoServer | Connection::SignedOut { .. } | Connection::Unknown { .. } => {
            return Act::Settle;
        }
        Connection::Lost { .. } => return Act::Retry,
        Connection::Connecting { .. } => return Act::Nothing("Waiting for the server".to_owned()),
        Connection::Connected { .. } => {}
    }
    if view.recorder != Recorder::Idle {
        return Act::Nothing("First end the recording".to_owned());
    }
    let Some(take) = &view.take else {
        return Act::Nothing("First record a take or choose a file".to_owned());
    };
    if !take.is_present {
        return Act::Nothing("The samples of this take are not on this disk".to_owned());
    }
    if let Some((.., what_to_do)) = bar_to(turn) {
        return Act::Nothing(what_to_do.to_owned());
    }
    match &view.choice.quote {
        Quote::Nothing => Act::Nothing("First choose a model".to_owned()),
        Quote::Asked => Act::Nothing("The server is asked for the price".to_owned()),
        Quote::Refused(why) => Act::Nothing(why.clone()),
        Quote::Price { missing: 0, .. } => Act::Run,
        Quote::Price { .. } => match &view.account {
            Some(account) if !account.packs.packs.is_empty() => Act::Shop,
            Some(Account { buy_url: Some(url), .. }) => Act::Buy(url.clone()),
            _ => Act::Nothing("Ask who runs the server for more credits".to_owned()),
        },
    }
}

/// What stands in the way of any job of this account or member: what it is, in few words why, and what to do.
fn bar_to(turn: &Turn<'_>) -> Option<(String, &'static str, &'static str)> {
    let account = turn.view.account.as_ref()?;
    if account.is_suspended {
        return Some(("Account suspended".to_owned(), "Ask the server's operator", account::SUSPENDED));
    }
    let (left, Quote::Price { credits, .. }) = (account.left_this_month()?, &turn.view.choice.quote) else {
        return None;
    };
    (*credits > left).then(|| {
        let said = format!("{}, {} left this month", words::credits(*credits), words::grouped(left));
        let what_to_do = "Over your limit: ask an owner to raise it, or send a shorter part";
        (said, "Over your limit: ask an owner", what_to_do)
    })
}

/// Two lines: price and balance; what is missing, or how the price was made.
fn quote(ui: &mut Ui, rect: Rect, turn: &Turn<'_>) {
    let painter = ui.painter();
    let (upper, lower) = (rect.with_max_y(rect.top() + 19.0), rect.with_min_y(rect.top() + 19.0));
    let have = turn.view.account.as_ref().map(|account| account.available);
    if let Some((above, below, what_to_do)) = bar_to(turn) {
        control::text(painter, upper, LEFT, &above, theme::body(), theme::TEXT);
        control::text(painter, lower, LEFT, below, theme::small(), theme::WARN);
        ui.interact(rect, Id::unique("quote"), Sense::hover()).on_hover_text(what_to_do);
        return;
    }
    let has_price = matches!(turn.view.choice.quote, Quote::Price { .. });
    if let Some(have) = have.filter(|_| has_price) {
        let words = format!("of {}", words::grouped(have));
        control::text(painter, upper, RIGHT, &words, theme::body(), theme::DIM);
    }
    let left = upper.with_max_x(upper.right() - 72.0);
    let (above, below, ink) = match &turn.view.choice.quote {
        Quote::Nothing => (
            have.map_or_else(String::new, words::credits),
            "The price stands here before anything is sent".to_owned(),
            theme::DIM,
        ),
        Quote::Asked => ("Asking for the price".to_owned(), String::new(), theme::DIM),
        Quote::Refused(why) => ("Not possible".to_owned(), why.clone(), theme::WARN),
        Quote::Price { credits, reason, missing: 0 } => {
            (format!("At most {}", words::credits(*credits)), reason.clone(), theme::DIM)
        }
        Quote::Price { credits, missing, .. } => {
            (words::credits(*credits), format!("{} missing", words::credits(*missing)), theme::WARN)
        }
    };
    control::text(painter, left, LEFT, &above, theme::body(), theme::TEXT);
    control::text(painter, lower, LEFT, &below, theme::small(), ink);
    if !below.is_empty() {
        ui.interact(rect, Id::unique("quote"), Sense::hover()).on_hover_text(below);
    }
}
