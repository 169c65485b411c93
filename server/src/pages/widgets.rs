//! Where an account's people make widgets, copy their lines and revoke them; and what lists say of jobs that came by one.

mod fixing;

use super::fault::{Answer, Fault};
use super::layout::{line, page, proof, small_form, wrong};
use super::said::Said;
use super::visit::Visit;
use super::{Edge, compose, done, words};
use crate::embed::{NotMade, Unfit, WidgetWish};
use crate::offer::Offer;
use crate::store::StoreError;
use crate::tenant::Tenant;
use crate::widget::{ORIGINS_MAX, Widget};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use std::collections::BTreeMap;
use tributary_protocol::vocab::{Credits, WidgetId};

/// What the account calls its widgets.
pub(super) type Names = BTreeMap<WidgetId, String>;

/// The names of those that jobs or lines came by; nothing is asked where none did.
pub(super) async fn names(
    edge: &Edge,
    tenant: &Tenant,
    came_by: impl IntoIterator<Item = Option<WidgetId>>,
) -> Result<Names, StoreError> {
    if came_by.into_iter().flatten().next().is_none() {
        return Ok(Names::new());
    }
    let widgets = edge.store.widgets(tenant).await?;
    Ok(widgets.into_iter().map(|widget| (widget.id, widget.name)).collect())
}

/// In a list, below what came by a widget.
pub(super) fn by(names: &Names, widget: Option<WidgetId>) -> Markup {
    came_by(widget.and_then(|id| names.get(&id)).map(String::as_str))
}

/// The same, of what knows the name.
pub(super) fn came_by(name: Option<&str>) -> Markup {
    html! { @if let Some(name) = name { br; small .dim { "by widget " (name) } } }
}

/// A server may have none.
fn allowed(edge: &Edge) -> Result<(), Fault> {
    if edge.config.widgets { Ok(()) } else { Err(Fault::Missing) }
}

pub(super) async fn show(State(edge): State<Edge>, visit: Visit) -> Answer {
    allowed(&edge)?;
    shown(&edge, &visit, None).await
}

async fn shown(edge: &Edge, visit: &Visit, refused: Option<&str>) -> Answer {
    let tenant = visit.tenant()?;
    let mut living = Vec::new();
    let (widgets, revoked): (Vec<_>, Vec<_>) =
        edge.store.widgets(&tenant).await?.into_iter().partition(|widget| widget.revoked_at.is_none());
    for widget in widgets {
        let spent = edge.store.widget_spent(&tenant, widget.id, visit.now.month()).await?;
        living.push((widget, spent));
    }
    let typed = &visit.form;
    let model = if typed.get("model").is_empty() { visit.query.get("model") } else { typed.get("model") };
    let offer = edge.desk.admissions.offers.get(model).ok().or_else(|| compose::first(edge));
    let body = html! {
        h1 { "Widgets" }
        p .dim { "One service on a page of your own site: visitors send a file and hear what becomes of it, without an account. This account pays, up to a limit for each month." }
        section .card {
            h2 { "A new widget" }
            (wrong(refused))
            @if let Some(offer) = offer { (making(edge, visit, offer)) } @else { p .dim { "No service is installed here." } }
        }
        @if living.is_empty() { p .dim { "No widgets yet." } }
        @for (widget, spent) in &living { (card(edge, visit, widget, *spent)) }
        @if !revoked.is_empty() { section .card { h2 { "Revoked" } (gone(&revoked)) } }
    };
    Ok(page(edge, visit, "Widgets", &body))
}

/// The service first, since what can be fixed is the service's: without scripts, that is a form of its own.
fn making(edge: &Edge, visit: &Visit, offer: &Offer) -> Markup {
    let typed = &visit.form;
    html! {
        form method="get" action="/widgets" { (compose::choices(edge, &offer.card.name)) button .quiet { "Choose this service" } }
        form method="post" action="/widgets" {
            (proof(visit)) input type="hidden" name="model" value=(offer.card.name);
            h3 { (offer.card.title) }
            p .dim { (offer.card.description) }
            (line("name", "What is it for? Visitors do not see this.", "text", "off", typed.get("name")))
            (fixing::fields(offer, typed))
            label { span { "Sites that may show it, one a line, at most " (ORIGINS_MAX) }
                textarea name="origins" rows="3" required placeholder="https://band.example" { (typed.get("origins")) }
                small .dim { "Scheme and host, and the port where there is one; http is for localhost alone. No other site can show it." } }
            label { span { "Credits that its visitors may spend in a calendar month" }
                input type="number" name="limit" min="1" required value=(typed.get("limit"));
                small .dim { "Anybody who sees your page can use them up: it says so then, until the month ends. Nothing else of this account is spent." } }
            button { "Make the widget" }
        }
    }
}

fn card(edge: &Edge, visit: &Visit, widget: &Widget, spent: Credits) -> Markup {
    let (widgets, id) = (edge.widgets(), widget.id.to_string());
    let offer = edge.desk.admissions.offers.get(&widget.model).ok();
    let unfit = widgets.quote(widget).err();
    html! {
        section .card {
            h2 .long { (widget.name) }
            @match unfit {
                Some(Unfit::Gone) => p .wrong { "Its service is not offered any more: visitors are told so. Make another one." },
                Some(Unfit::Changed) => p .wrong { "Its service has changed and does not take any more what is fixed here: visitors are told so. Make another one." },
                None => {}
            }
            dl {
                dt { "Service" } dd { (widgets.service(widget)) }
                @if !widget.fixed.is_empty() { dt { "Fixed" } dd { (fixing::list(offer, &widget.fixed)) } }
                dt { "Sites" } dd { @for (at, origin) in widget.origins.iter().enumerate() { @if at > 0 { br; } (origin) } }
                dt { "This month" } dd { (words::grouped(spent.0)) " of " (words::credits(widget.month_limit)) " spent or held" }
                dt { "Made" } dd { (words::day(widget.created_at)) }
            }
            p { "Copy this into a page of one of those sites:" }
            p { code .secret { (widgets.lines(widget)) } }
            p { a href={ "/widget/" (widget.token) } { "Look at it alone" } }
            details {
                summary { "Revoke " (widget.name) }
                p { "It is dead at once and for ever: pages that show it show nothing, and visitors cannot come back to what they made. Jobs and lines stay in this account's lists." }
                (small_form(visit, "/widgets/revoke", &[("id", &id)], "Revoke it now"))
            }
        }
    }
}

fn gone(revoked: &[Widget]) -> Markup {
    html! {
        ul .rows { @for widget in revoked {
            li { span { (widget.name) } small .dim { @if let Some(at) = widget.revoked_at { "revoked " (words::day(at)) } } }
        } }
    }
}

pub(super) async fn add(State(edge): State<Edge>, visit: Visit) -> Result<Response, Fault> {
    allowed(&edge)?;
    let form = &visit.form;
    let offer = edge.desk.admissions.offers.get(form.get("model")).ok();
    let wish = WidgetWish {
        name: form.get("name").to_owned(),
        model: form.get("model").to_owned(),
        fixed: offer.map(|offer| fixing::fixed(offer, form)).unwrap_or_default(),
        origins: form.get("origins").to_owned(),
        month_limit: form.number("limit"),
    };
    match edge.widgets().add(&visit.principal()?, WidgetId::generate(), &wish).await {
        Ok(_) => Ok(done(&edge, Said::WidgetMade, "/widgets")),
        Err(NotMade::Store(error)) => Err(error.into()),
        // What was typed is not typed again.
        Err(refusal) => {
            let words = super::fault::sentence(&refusal.to_string());
            let shown = shown(&edge, &visit, Some(&words)).await?;
            Ok((StatusCode::UNPROCESSABLE_ENTITY, shown).into_response())
        }
    }
}

pub(super) async fn revoke(State(edge): State<Edge>, visit: Visit) -> Answer {
    allowed(&edge)?;
    let id = visit.form.get("id").parse().map_err(|_| Fault::Missing)?;
    if !edge.store.revoke_widget(&visit.tenant()?, id, visit.now).await? {
        return Err(Fault::Missing);
    }
    Ok(done(&edge, Said::WidgetRevoked, "/widgets"))
}
