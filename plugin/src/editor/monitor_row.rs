//! What is heard: the input, the original as loud as the stems, or the stems; and how far their sum is from the take.

use super::control::{self, LEFT, RIGHT};
use super::strip::{Strip, middle};
use super::{Turn, theme, words};
use crate::command::Command;
use crate::view::Monitor;
use egui::{Id, Rect, Sense, Ui, vec2};

/// Its height.
pub(crate) const HEIGHT: f32 = 40.0;

const CHOICES: [Monitor; 3] = [Monitor::Input, Monitor::Original, Monitor::Stems];

/// Draws it.
pub(crate) fn show(ui: &mut Ui, rect: Rect, turn: &mut Turn<'_>) {
    control::rule(ui.painter(), rect.with_max_y(rect.top() + 1.0));
    let mut strip = Strip(rect.shrink2(vec2(12.0, 0.0)));
    control::text(ui.painter(), strip.left(40.0), LEFT, "Hear", theme::small(), theme::DIM);
    let made = turn.view.result.as_ref().map_or("Stems", |result| words::result(result));
    let choices = [
        ("Input", "What the DAW sends, untouched", true),
        (
            "Original",
            "The take, as loud as the result, in its place in the song (O: to and fro)",
            turn.view.take.is_some(),
        ),
        (
            made,
            "The result as mixed here, in its place in the song (O: to and fro)",
            turn.view.result.is_some(),
        ),
    ];
    let on = CHOICES.iter().position(|choice| *choice == turn.view.player.monitor).unwrap_or(0);
    let width = control::segments_width(ui.painter(), &["Original", "Transcript"]) * 1.5;
    if let Some(on) =
        control::segments(ui, middle(strip.left(width), 26.0), Id::unique("monitor"), on, &choices)
    {
        turn.ask(Command::SetMonitor(CHOICES[on]));
    }
    strip.left(12.0);
    difference(ui, &mut strip, turn);
    let is_matched = turn.view.player.match_db.abs() >= 0.05 || turn.view.player.monitor == Monitor::Original;
    if is_matched && turn.view.result.is_some() {
        let said = format!("original matched by {}", words::db(turn.view.player.match_db));
        let ink = if turn.view.player.monitor == Monitor::Original { theme::TEXT } else { theme::DIM };
        let place = control::text(ui.painter(), strip.rest(), LEFT, &said, theme::small(), ink);
        let tip = "So much louder or softer than it was recorded is the original played here, to be as loud as the \
                   result: louder always seems better";
        ui.interact(place, Id::unique("match"), Sense::hover()).on_hover_text(tip);
    }
}

fn difference(ui: &mut Ui, strip: &mut Strip, turn: &Turn<'_>) {
    let Some(result) = &turn.view.result else { return };
    let Some(difference) = result.difference_db.filter(|difference| !difference.is_nan()) else { return };
    let said = if difference <= -200.0 {
        "stems sum to the take exactly".to_owned()
    } else {
        format!("sum of stems differs by {difference:.0} dB")
    };
    let cell = strip.right(210.0);
    control::text(ui.painter(), cell, RIGHT, &said, theme::small(), theme::DIM);
    let tip = "The take minus the sum of all stems, against the take: the lower, the less was lost or added";
    ui.interact(cell, Id::unique("difference"), Sense::hover()).on_hover_text(tip);
}
