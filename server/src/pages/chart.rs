//! Bars by day as SVG, drawn here: no script, and a table beside it says the same.

use super::words;
use maud::{Markup, html};

/// Units of the drawing.
const WIDTH: u64 = 720;
const HEIGHT: u64 = 160;

/// One bar a day; `bars` are day and amount.
pub(super) fn bars(title: &str, bars: &[(String, u64)]) -> Markup {
    let most = bars.iter().map(|(_, amount)| *amount).max().unwrap_or(0).max(1);
    let step = WIDTH / (bars.len() as u64).max(1);
    html! {
        // The words stay as large as all others, however wide the bars are drawn.
        div .chart-words { span { "at most " (words::grouped(most)) " a day" } }
        svg .chart viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } preserveAspectRatio="none" role="img" aria-label={ (title) ", at most " (most) } {
            line x1="0" y1=(HEIGHT) x2=(WIDTH) y2=(HEIGHT) class="axis" {}
            @for (at, (day, amount)) in bars.iter().enumerate() {
                @let height = u128::from(*amount) * u128::from(HEIGHT - 10) / u128::from(most);
                rect class="bar-mark" x=(at as u64 * step + 1) width=(step.saturating_sub(3).max(1))
                    y=(u128::from(HEIGHT) - height) height=(height) rx="2" { title { (day) ": " (amount) } }
            }
        }
        @if let (Some((first, _)), Some((last, _))) = (bars.first(), bars.last()) {
            div .chart-words { span { (first) } span { (last) } }
        }
    }
}
