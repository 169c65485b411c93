//! Schemas of widgets.

use super::{
    Schema, at_least_one, at_most, between, count, flag, like, list, maybe, moment, name, object,
    settings_wish, sized, text, with_required,
};
use crate::widget::{NAME_CHARS_MAX, ORIGIN_BYTES_MAX, ORIGINS_MAX};
use serde_json::json;
use tributary_protocol::limits::{CREDITS_MAX, STEMS_MAX};

pub(in super::super) fn widget() -> Schema {
    object(&[
        ("id", text("A UUID.")),
        ("name", text("For the account's lists.")),
        ("model", text("The one service.")),
        ("settings", fixed_settings()),
        ("stems", fixed_stems()),
        ("origins", origins()),
        ("month_limit", month_limit()),
        ("month_spent", count("What of that is spent or held since the calendar month (UTC) began.")),
        (
            "works",
            flag(
                "It takes files; else it is revoked, its model is not offered any more or does not take any more what is fixed, and visitors are told so.",
            ),
        ),
        ("url", text("Its page.")),
        ("html", text("What shows it on a page of one of its origins.")),
        ("created_at", moment("When it was made.")),
        ("revoked_at", maybe(moment("Dead since."))),
    ])
}

pub(in super::super) fn widgets() -> Schema {
    object(&[("widgets", list(widget(), "Newest first; revoked ones are not among them."))])
}

pub(in super::super) fn widget_wish() -> Schema {
    let wish = with_required(
        &[
            ("name", sized(1, NAME_CHARS_MAX, "For the account's lists.")),
            ("model", name("A model's name.")),
            ("settings", fixed_settings()),
            ("stems", fixed_stems()),
            ("origins", origins()),
            ("month_limit", month_limit()),
        ],
        &["name", "model", "origins", "month_limit"],
    );
    let example = json!({
        "name": "Band page",
        "model": "master",
        "settings": { "preset": "streaming", "match_percent": 50 },
        "origins": ["https://band.example"],
        "month_limit": 100,
    });
    like(wish, example)
}

fn fixed_settings() -> Schema {
    let mut fixed = settings_wish();
    fixed["description"] =
        json!("Values of the model's controls that visitors neither see nor change; they choose the others.");
    fixed
}

fn fixed_stems() -> Schema {
    at_most(STEMS_MAX, list(name("Name."), "The stems that come out; none where visitors choose them."))
}

fn origins() -> Schema {
    let origin = sized(1, ORIGIN_BYTES_MAX, "Like https://band.example.");
    at_most(ORIGINS_MAX, at_least_one(list(origin, "Where it may be shown; http for localhost alone.")))
}

fn month_limit() -> Schema {
    between(1, CREDITS_MAX, "Credits that its visitors may spend in a calendar month.")
}
