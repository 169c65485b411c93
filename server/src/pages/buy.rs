//! Packs of credits on offer, purchases, and the button that buys.

use super::fault::{Answer, Fault};
use super::layout::{page, proof};
use super::visit::Visit;
use super::{Edge, redirect, words};
use crate::billing::{Pack, Purchase, PurchaseState};
use crate::cashier::BuyError;
use crate::people::Right;
use axum::extract::{Path, State};
use maud::{Markup, html};
use tributary_protocol::vocab::PurchaseId;

/// Where Stripe's pages are.
const CHECKOUT: &str = "https://checkout.stripe.com/";

/// Packs with a button each, or who grants credits where nothing is sold; then what was bought.
pub(super) fn packs(edge: &Edge, visit: &Visit, purchases: &[Purchase]) -> Markup {
    let cashier = edge.cashier.as_deref();
    let offered: Vec<&Pack> = cashier.map(|cashier| cashier.offered().collect()).unwrap_or_default();
    html! {
        @if offered.is_empty() { p .dim { "Nothing is sold here: the operator of this server grants credits." } }
        @if cashier.is_some_and(|cashier| !cashier.live()) { p .dim { "Test mode: nothing is charged." } }
        @if !offered.is_empty() { (shelf(visit, &offered)) }
        @if !purchases.is_empty() {
            h3 { "Purchases" }
            ul .rows {
                @for each in purchases {
                    li {
                        a href={ "/purchases/" (each.agreed.id) } { (words::day(each.created_at)) " · "
                            (words::grouped(each.agreed.credits.0)) " credits · "
                            (words::money(each.agreed.amount_minor, &each.agreed.currency)) }
                        small .badge { (each.state.word()) }
                    }
                }
            }
        }
    }
}

/// One form, a button for each pack.
fn shelf(visit: &Visit, offered: &[&Pack]) -> Markup {
    html! {
        form method="post" action="/buy" {
            (proof(visit))
            @for pack in offered {
                div .pack {
                    // Made with the page, one for each pack: pressing twice buys once.
                    input type="hidden" name={ "purchase-" (pack.name) } value=(PurchaseId::generate());
                    span { strong { (pack.title) } br; small .dim { (words::grouped(pack.credits)) " credits" } }
                    @let price = words::money(pack.amount_minor, &pack.currency);
                    @if visit.may(Right::Buy) { button name="pack" value=(pack.name) aria-label={ (price) ", buy " (pack.title) } { (price) } }
                    @else { span .dim { (price) } }
                }
            }
            @if visit.may(Right::Buy) {
                label .check { input type="checkbox" name="keep" value="on"; "Keep the card, so that this account can buy when credits run low" }
            } @else { p .dim { "An owner of this account can buy credits." } }
        }
    }
}

pub(super) async fn buy(State(edge): State<Edge>, visit: Visit) -> Answer {
    let cashier = edge.cashier.as_ref().ok_or(Fault::Missing)?;
    let (pack, email) = (visit.form.get("pack"), &visit.session()?.person.email);
    let id = visit.form.get(&format!("purchase-{pack}")).parse().map_err(|_| Fault::Missing)?;
    let keep = visit.form.get("keep") == "on";
    let bought = cashier.buy(&visit.principal()?, id, pack, keep, email).await;
    let bought = bought.map_err(|error| match error {
        BuyError::Forbidden(_) => Fault::Forbidden,
        BuyError::Store(error) => error.into(),
        other => Fault::Wrong(other.to_string()),
    })?;
    // Elsewhere browsers do not let a form end; the purchase's own page has a link.
    let goes_on = |url: &String| bought.state == PurchaseState::Open && url.starts_with(CHECKOUT);
    let payable = bought.url.filter(goes_on);
    Ok(redirect(&payable.unwrap_or_else(|| format!("/purchases/{id}"))))
}

/// Where the payment service sends the buyer back to. Stripe is asked: nobody waits for its word.
pub(super) async fn purchase(State(edge): State<Edge>, Path(id): Path<String>, visit: Visit) -> Answer {
    let tenant = visit.principal()?.tenant;
    let id: PurchaseId = id.parse().map_err(|_| Fault::Missing)?;
    let mut purchase = edge.store.purchase(&tenant, id).await?.ok_or(Fault::Missing)?;
    if let Some(cashier) = edge.cashier.as_deref().filter(|_| !purchase.state.has_ended()) {
        if let Err(error) = cashier.look(&purchase).await {
            tracing::warn!(purchase = %id, error = &error as &dyn std::error::Error, "cannot be looked at now");
        }
        purchase = edge.store.purchase(&tenant, id).await?.ok_or(Fault::Missing)?;
    }
    let invoice = invoice(&edge, &purchase).await;
    let said = match purchase.state {
        PurchaseState::Created | PurchaseState::Open => "It is not paid yet.",
        PurchaseState::Processing => {
            "The money is on its way; some ways of payment take days. The credits come with it."
        }
        PurchaseState::Paid => "It is paid: the credits are in your account.",
        PurchaseState::Failed => "The payment failed. Nothing was charged.",
        PurchaseState::Expired => "It was not paid in time. Nothing was charged.",
        PurchaseState::Mismatch => {
            "What was paid is not what was agreed: the operator of this server has to look."
        }
    };
    let body = html! {
        section .narrow .card {
            h1 { (words::grouped(purchase.agreed.credits.0)) " credits" }
            p { (said) }
            @if let Some(failure) = &purchase.failure { p .dim { (failure) } }
            p .dim { (words::day(purchase.created_at)) " · "
                (words::money(purchase.agreed.amount_minor, &purchase.agreed.currency)) }
            @if let Some(url) = purchase.url.as_ref().filter(|_| purchase.state == PurchaseState::Open) {
                p { a .button href=(url) { "Go on to the payment" } }
            }
            @if let Some(url) = &invoice { p { a href=(url) { "Invoice" } } }
            @if let Some(url) = &purchase.receipt_url { p { a href=(url) { "Receipt" } } }
            p { a href="/" { "Back" } }
        }
    };
    Ok(page(&edge, &visit, "Purchase", &body))
}

/// Where the invoice is; none where there is none, or where nobody can be asked now.
async fn invoice(edge: &Edge, purchase: &Purchase) -> Option<String> {
    let page = edge.cashier.as_deref()?.invoice_page(purchase).await;
    page.unwrap_or_else(|error| {
        let (id, error) = (purchase.agreed.id, &error as &dyn std::error::Error);
        tracing::warn!(purchase = %id, error, "its invoice cannot be found now");
        None
    })
}
