//! What the payment service told and is not in the books: the operator sees why, and has it looked at again.

use super::fault::{Answer, Fault};
use super::layout::small_form;
use super::said::Said;
use super::visit::Visit;
use super::{Edge, done, words};
use crate::store::StoreError;
use axum::extract::State;
use maud::{Markup, html};

/// Events that are shown.
const EVENTS: u32 = 50;

/// The card on the operator's page; none where nothing is sold.
pub(super) async fn card(edge: &Edge, visit: &Visit) -> Result<Markup, StoreError> {
    if edge.cashier.is_none() {
        return Ok(html! {});
    }
    let events = edge.store.troubled_events(EVENTS).await?;
    Ok(html! {
        section .card { h2 { "Payment events in trouble" }
            @if events.is_empty() { p .dim { "None: everything that was told is in the books." } } @else {
                div .scroll { table .stack {
                    thead { tr { th { "Event" } th { "State" } th { "Why" } th { "Came" } th { span .hidden { "Try again" } } } }
                    tbody { @for each in &events { tr {
                        td { code { (each.event.id) } br; small .dim { (each.event.kind) } }
                        td data-title="State" { @if each.is_dead { span .badge .failed { "given up" } } @else { "tried " (each.event.tries) "×, again " (words::moment(each.next_try_at)) } }
                        td data-title="Why" { (each.error) }
                        td data-title="Came" { (words::moment(each.received_at)) }
                        td { (small_form(visit, "/operator/events/retry", &[("event", &each.event.id)], "Try again")) }
                    } } }
                } }
            }
        }
    })
}

pub(super) async fn retry(State(edge): State<Edge>, visit: Visit) -> Answer {
    let cashier = edge.cashier.as_ref().ok_or(Fault::Missing)?;
    if !cashier.try_again(visit.form.get("event")).await? {
        return Err(Fault::Missing);
    }
    Ok(done(&edge, Said::EventAgain, "/operator"))
}
