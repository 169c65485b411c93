//! Packs of credits on offer, purchases, and the button that buys.

use super::fault::{Answer, Fault};
use super::layout::proof;
use super::visit::Visit;
use super::{Edge, words};
use crate::billing::{Pack, Purchase};
use crate::people::Right;
use axum::extract::State;
use axum::response::Response;
use maud::{Markup, html};

/// Packs with a button each, or who grants credits where nothing is sold; then what was bought.
pub(super) fn packs(edge: &Edge, visit: &Visit, purchases: &[Purchase]) -> Markup {
    let offered: Vec<&Pack> = edge.packs.iter().filter(|pack| pack.is_offered(visit.now)).collect();
    html! {
        @if offered.is_empty() { p .dim { "Nothing is sold here: the operator of this server grants credits." } }
        @for pack in &offered {
            form .pack method="post" action="/buy" {
                (proof(visit)) input type="hidden" name="pack" value=(pack.name);
                span { strong { (pack.title) } br; small .dim { (words::grouped(pack.credits)) " credits" } }
                @if visit.may(Right::Buy) { button { (words::money(pack.amount_minor, &pack.currency)) } }
                @else { span .dim { (words::money(pack.amount_minor, &pack.currency)) } }
            }
        }
        @if !purchases.is_empty() {
            h3 { "Purchases" }
            ul .rows {
                @for each in purchases {
                    li {
                        span { (words::day(each.created_at)) " · " (words::grouped(each.agreed.credits.0)) " credits · "
                            (words::money(each.agreed.amount_minor, &each.agreed.currency)) }
                        small .badge { (each.state.word()) }
                    }
                }
            }
        }
    }
}

pub(super) async fn buy(State(edge): State<Edge>, visit: Visit) -> Answer {
    visit.principal()?.may(Right::Buy).map_err(|_| Fault::Forbidden)?;
    let pack =
        edge.packs.iter().find(|pack| pack.name == visit.form.get("pack") && pack.is_offered(visit.now));
    begin(&edge, &visit, pack.ok_or(Fault::Missing)?)
}

/// The payment service's page for this pack: to be led to by whoever takes payments.
fn begin(_: &Edge, _: &Visit, _: &Pack) -> Result<Response, Fault> {
    Err(Fault::Wrong("this server takes no payments; its operator grants credits".into()))
}
