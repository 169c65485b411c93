//! What a widget's maker fixes for its visitors: the controls of its service, each with a choice to leave it to them.

use super::super::form::Fields;
use crate::offer::Offer;
use crate::widget::Fixed;
use maud::{Markup, html};
use tributary_protocol::settings::{Control, ControlKind, Setting};

/// What is not fixed.
const FREE: &str = "Visitors choose";

/// In a form: behind it, the control's name.
fn field(control: &Control) -> String {
    format!("fix-{}", control.name)
}

/// Stems and controls, as far as there is something to fix, filled in as they were typed.
pub(super) fn fields(offer: &Offer, typed: &Fields) -> Markup {
    let stems = &offer.card.stems;
    let (more, usual): (Vec<_>, Vec<_>) = offer.controls.iter().partition(|each| each.advanced);
    let chosen = |stem: &str| typed.all("stem").any(|each| each == stem);
    html! {
        @if stems.len() > 1 || !offer.controls.is_empty() {
            p .dim { "What you fix here, visitors neither see nor change. What you leave, they choose; some of it costs more." }
        }
        @if stems.len() > 1 {
            fieldset { legend { "Fixed stems" }
                @for stem in stems {
                    label .check { input type="checkbox" name="stem" value=(stem) checked[chosen(stem)]; (stem) }
                }
                small .dim { "None of them: visitors choose." }
            }
        }
        @for each in usual { (control(each, typed)) }
        @if !more.is_empty() { details { summary { "More" } @for each in more { (control(each, typed)) } } }
    }
}

fn control(control: &Control, typed: &Fields) -> Markup {
    let name = field(control);
    let set = typed.get(&name);
    html! {
        label { span { (control.title) @if let ControlKind::Number { unit, .. } = &control.kind { @if !unit.is_empty() { " (" (unit) ")" } } }
            @match &control.kind {
                ControlKind::Number { min, max, step, .. } => {
                    input type="number" name=(name) min=(min) max=(max) step=(step) value=(set) placeholder=(FREE);
                }
                ControlKind::Switch { .. } => {
                    select name=(name) {
                        option value="" { (FREE) }
                        @for word in ["on", "off"] { option value=(word) selected[set == word] { (word) } }
                    }
                }
                ControlKind::Choice { options, .. } => {
                    select name=(name) {
                        option value="" { (FREE) }
                        @for (word, title) in options { option value=(word) selected[set == word] { (title) } }
                    }
                }
            }
            small .dim { (control.help) }
        }
    }
}

/// What a form fixes. What is no value of its control stays a word: whoever checks settings says what is wrong with it.
pub(super) fn fixed(offer: &Offer, typed: &Fields) -> Fixed {
    let settings = offer.controls.iter().filter_map(|control| {
        let text = typed.get(&field(control)).trim();
        let setting = match (&control.kind, text) {
            (_, "") => return None,
            (ControlKind::Number { .. }, text) => text.parse().ok().and_then(Setting::number),
            (ControlKind::Switch { .. }, "on") => Some(Setting::Switch(true)),
            (ControlKind::Switch { .. }, "off") => Some(Setting::Switch(false)),
            _ => None,
        };
        Some((control.name.clone(), setting.unwrap_or_else(|| Setting::Choice(text.to_owned()))))
    });
    Fixed { settings: settings.collect(), stems: typed.all("stem").map(ToOwned::to_owned).collect() }
}

/// What is fixed, in the words of its controls; what the service does not know any more, by its name.
pub(super) fn list(offer: Option<&Offer>, fixed: &Fixed) -> Markup {
    let control = |name: &str| offer.and_then(|offer| offer.controls.iter().find(|each| each.name == name));
    let lines = fixed.settings.iter().map(|(name, setting)| match control(name) {
        Some(control) => format!("{}: {}", control.title, words(&control.kind, setting)),
        None => format!("{name}: {setting}"),
    });
    let stems = (!fixed.stems.is_empty()).then(|| format!("Stems: {}", fixed.stems.join(", ")));
    html! { @for (at, line) in stems.into_iter().chain(lines).enumerate() { @if at > 0 { br; } (line) } }
}

fn words(kind: &ControlKind, setting: &Setting) -> String {
    match (kind, setting) {
        (ControlKind::Choice { options, .. }, Setting::Choice(word)) => {
            options.iter().find(|(known, _)| known == word).map_or(word, |(_, title)| title).clone()
        }
        (ControlKind::Number { unit, .. }, number) if !unit.is_empty() => format!("{number} {unit}"),
        (_, setting) => setting.to_string(),
    }
}
