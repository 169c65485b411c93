//! Where the account is told how its jobs end: made, tried, changed, removed, and how it went.

use super::fault::{Answer, Fault};
use super::layout::{line, page, proof, small_form};
use super::said::Said;
use super::visit::Visit;
use super::{Edge, done, words};
use crate::courier::endpoints::EndpointError;
use crate::webhook::{Delivery, Event, FAILING_DAYS_MAX, Webhook};
use axum::extract::State;
use maud::{Markup, html};
use tributary_protocol::vocab::WebhookId;

/// Deliveries that are shown of each.
const RECENT: u32 = 10;

impl From<EndpointError> for Fault {
    fn from(error: EndpointError) -> Self {
        match error {
            EndpointError::NoWebhook | EndpointError::NoDelivery => Self::Missing,
            EndpointError::Store(error) => error.into(),
            wrong => Self::Wrong(wrong.to_string()),
        }
    }
}

pub(super) async fn show(State(edge): State<Edge>, visit: Visit) -> Answer {
    let tenant = visit.tenant()?;
    let mut told = Vec::new();
    for webhook in edge.store.webhooks(&tenant).await? {
        let deliveries = edge.endpoints.deliveries(&tenant, webhook.id, RECENT).await?;
        told.push((webhook, deliveries));
    }
    let body = html! {
        h1 { "Webhooks" }
        p .dim { "A program of yours is told how jobs end: a signed POST to an address of yours. Whatever does not answer with 2xx is told again for a day; where nothing is taken for " (FAILING_DAYS_MAX) " days the address is switched off." }
        section .card {
            h2 { "A new address" }
            form method="post" action="/webhooks" {
                (proof(&visit))
                (line("url", "Address (https)", "url", "off", ""))
                (boxes("It hears of", &Event::CHOICES))
                button { "Add it" }
            }
        }
        @for (webhook, deliveries) in &told { (card(&visit, webhook, deliveries)) }
    };
    Ok(page(&edge, &visit, "Webhooks", &body))
}

/// A box to tick for each event there is; those of `heard` are ticked.
fn boxes(legend: &str, heard: &[Event]) -> Markup {
    html! {
        fieldset {
            legend { (legend) }
            @for event in Event::CHOICES {
                label .check { input type="checkbox" name="event" value=(event.word()) checked[heard.contains(&event)]; (event.word()) }
            }
        }
    }
}

fn card(visit: &Visit, webhook: &Webhook, deliveries: &[Delivery]) -> Markup {
    let id = webhook.id.to_string();
    html! {
        section .card {
            h2 .long { (webhook.url) @if webhook.disabled.is_some() { " " small .badge .failed { "switched off" } } }
            @if let Some(disabled) = &webhook.disabled {
                p { "Since " (words::moment(disabled.at)) " it is not told of jobs any more: nothing was taken there for "
                    (FAILING_DAYS_MAX) " days, and the last try failed: " (disabled.reason) "." }
            }
            form method="post" action="/webhooks/change" {
                (proof(visit)) input type="hidden" name="id" value=(id);
                (boxes("It hears of", &webhook.events))
                button .quiet aria-label=(format!("Save what {} hears of", webhook.url)) { "Save" }
            }
            div .row {
                @if webhook.disabled.is_some() {
                    (small_form(visit, "/webhooks/enable", &[("id", &id)], "Switch it on again"))
                }
                (small_form(visit, "/webhooks/test", &[("id", &id)], "Send a test"))
                (small_form(visit, "/webhooks/remove", &[("id", &id)], "Remove"))
            }
            @if deliveries.is_empty() { p .dim { "It was told nothing yet." } } @else {
                div .scroll { table .stack {
                    thead { tr { th { "What" } th { "When" } th .number { "Tries" } th { "Answer" } th { "How it went" } } }
                    tbody { @for each in deliveries { tr {
                        td { (each.event.word()) br; code { (each.event_id) } }
                        td data-title="When" { (words::moment(each.created_at)) }
                        td .number data-title="Tries" { (each.tries) }
                        td data-title="Answer" { (each.last_status.map_or_else(|| "none".to_owned(), |status| status.to_string())) }
                        td data-title="How it went" { (each.state.word())
                            @if let Some(error) = &each.last_error { br; small .dim { (error) } } }
                    } } }
                } }
            }
        }
    }
}

fn id(visit: &Visit) -> Result<WebhookId, Fault> {
    visit.form.get("id").parse().map_err(|_| Fault::Missing)
}

pub(super) async fn add(State(edge): State<Edge>, visit: Visit) -> Answer {
    let url = visit.form.get("url").trim();
    let (_, secret) =
        edge.endpoints.add(&visit.principal()?, WebhookId::generate(), url, visit.form.all("event")).await?;
    let body = html! {
        section .narrow .card {
            h1 { "The secret of your new webhook" }
            p { "It signs what is sent. It is shown this once: copy it now." }
            p { code .secret { (secret.reveal()) } }
            p { a .button href="/webhooks" { "I have copied it" } }
        }
    };
    Ok(page(&edge, &visit, "Your new webhook", &body))
}

pub(super) async fn change(State(edge): State<Edge>, visit: Visit) -> Answer {
    edge.endpoints.change(&visit.tenant()?, id(&visit)?, visit.form.all("event")).await?;
    Ok(done(&edge, Said::WebhookChanged, "/webhooks"))
}

pub(super) async fn test(State(edge): State<Edge>, visit: Visit) -> Answer {
    edge.endpoints.test(&visit.tenant()?, id(&visit)?).await?;
    Ok(done(&edge, Said::WebhookTested, "/webhooks"))
}

pub(super) async fn enable(State(edge): State<Edge>, visit: Visit) -> Answer {
    edge.endpoints.enable(&visit.tenant()?, id(&visit)?).await?;
    Ok(done(&edge, Said::WebhookOn, "/webhooks"))
}

pub(super) async fn remove(State(edge): State<Edge>, visit: Visit) -> Answer {
    edge.endpoints.remove(&visit.tenant()?, id(&visit)?).await?;
    Ok(done(&edge, Said::WebhookGone, "/webhooks"))
}
