//! Buys by itself when credits run low, if an owner wants that: below how many credits, which pack, for how much a month.

use super::fault::{Answer, Fault};
use super::layout::proof;
use super::said::Said;
use super::visit::Visit;
use super::{Edge, done, words};
use crate::billing::{Pack, Payer, TopUp};
use crate::cashier::TopUpError;
use crate::people::Right;
use axum::extract::State;
use maud::{Markup, html};
use tributary_protocol::vocab::Credits;

/// The card on the first page; none for whoever may not buy, and where nothing is sold.
pub(super) async fn card(edge: &Edge, visit: &Visit) -> Result<Markup, Fault> {
    let Some(cashier) = edge.cashier.as_deref().filter(|_| visit.may(Right::Buy)) else {
        return Ok(html! {});
    };
    let packs: Vec<&Pack> = cashier.offered().collect();
    let payer = edge.store.payer(&visit.tenant()?, cashier.live()).await?;
    let kept = payer.as_ref().filter(|payer| payer.method.is_some());
    if packs.is_empty() && payer.as_ref().is_none_or(|payer| payer.top_up.is_none()) {
        return Ok(html! {});
    }
    Ok(html! {
        section .card {
            h2 { "Buy when credits run low" }
            @if let Some(payer) = kept { (settings(visit, payer, &packs)) } @else {
                p .dim { "Off. Buy a pack once with “Keep the card”, then say here when and how much." }
            }
        }
    })
}

fn settings(visit: &Visit, payer: &Payer, packs: &[&Pack]) -> Markup {
    let set = payer.top_up.as_ref();
    let currency = packs.first().map_or("", |pack| pack.currency.as_str());
    let below = set.map(|set| set.below.0.to_string()).unwrap_or_default();
    let most = set.map(|set| words::amount(set.month_max_minor)).unwrap_or_default();
    html! {
        @match set {
            Some(set) => p { "On: below " (words::credits(set.below)) " it buys a pack, for at most "
                (words::money(set.month_max_minor, currency)) " a month." },
            None => p .dim { "Off. The card that was kept is charged once for each pack; you can stop it at any time." },
        }
        @if let Some(failure) = &payer.failure { p .wrong role="alert" { "The last time: " (failure) } }
        form method="post" action="/top-up" {
            (proof(visit))
            label { span { "Which pack" } select name="pack" {
                @for pack in packs { option value=(pack.name) selected[set.is_some_and(|set| set.pack == pack.name)] {
                    (pack.title) " · " (words::money(pack.amount_minor, &pack.currency)) } }
            } }
            label { span { "When fewer credits are left than" }
                input type="number" name="below" min="1" max="10000000" value=(below) required; }
            label { span { "For at most so much a month (" (currency) ")" }
                input type="text" name="most" inputmode="decimal" autocomplete="off" maxlength="16" value=(most) required; }
            div .row {
                button .quiet name="do" value="set" { @if set.is_some() { "Save" } @else { "Buy by itself" } }
                @if set.is_some() { button .quiet name="do" value="stop" formnovalidate { "Stop it" } }
            }
        }
    }
}

pub(super) async fn set(State(edge): State<Edge>, visit: Visit) -> Answer {
    let cashier = edge.cashier.as_ref().ok_or(Fault::Missing)?;
    let who = visit.principal()?;
    if visit.form.get("do") == "stop" {
        cashier.set_top_up(&who, None).await?;
        return Ok(done(&edge, Said::NotToppedUp, "/"));
    }
    let below = visit.form.number("below").ok_or_else(|| Fault::Wrong("below how many credits?".into()))?;
    let most = words::minor(visit.form.get("most"));
    let most = most.ok_or_else(|| Fault::Wrong("a sum of money is written like 50 or 49.90".into()))?;
    let wish =
        TopUp { pack: visit.form.get("pack").to_owned(), below: Credits(below), month_max_minor: most };
    cashier.set_top_up(&who, Some(&wish)).await?;
    Ok(done(&edge, Said::ToppedUp, "/"))
}

impl From<TopUpError> for Fault {
    fn from(error: TopUpError) -> Self {
        match error {
            TopUpError::Forbidden(_) => Self::Forbidden,
            TopUpError::Store(error) => error.into(),
            other => Self::Wrong(other.to_string()),
        }
    }
}
