//! The operator's pages: accounts, grants, refunds, and what models bring in beside what the device costs.

use super::fault::{Answer, Fault};
use super::layout::{line, page, proof, small_form};
use super::said::Said;
use super::visit::Visit;
use super::{Edge, chart, done, events, usage, words};
use crate::ledger::Grant;
use crate::margin::{self, Margin, Worth};
use crate::store::AccountRow;
use crate::store::terms::{Refunded, Usage};
use crate::tenant::Tenant;
use axum::extract::{Path, State};
use maud::{Markup, html};
use std::time::Duration;
use tributary_protocol::limits::CREDITS_MAX;
use tributary_protocol::vocab::{AccountId, Credits};

/// Days that are summed.
const DAYS: u64 = 30;
const DAY: Duration = Duration::from_secs(86_400);
/// Jobs of an account that are shown.
const JOBS: u32 = 50;
/// Characters of a reason.
const REASON_CHARS_MAX: usize = 200;

pub(super) async fn show(State(edge): State<Edge>, visit: Visit) -> Answer {
    let accounts = edge.store.accounts().await?;
    let counts = edge.store.counts().await?;
    let since = visit.now.before(DAY * 30);
    let used = edge.store.usage_of_all(since, visit.now.after(DAY)).await?;
    let troubled = events::card(&edge, &visit).await?;
    let body = html! {
        h1 { "Operator" }
        div .columns {
            section .card { h2 { "Queue" }
                dl { dt { "Running" } dd { (counts.running) } dt { "Queued" } dd { (counts.queued) }
                    dt { "Uploading" } dd { (counts.uploading) } dt { "Holds" } dd { (counts.holds_open) } } }
            section .card { h2 { "Credits used, last 30 days" } (chart::bars("Credits by day", &usage::by_day(&used, visit.now, DAYS))) }
        }
        section .card { h2 { "Models, last 30 days" } div .scroll { (models(&edge, &used)) } }
        (troubled)
        section .card { h2 { "Accounts" } div .scroll { (table(&accounts)) } }
    };
    Ok(page(&edge, &visit, "Operator", &body))
}

fn models(edge: &Edge, used: &[Usage]) -> Markup {
    let worth = Worth {
        credit_micros: edge.config.credit_value_micros,
        device_second_micros: edge.config.device_second_micros,
    };
    let row = |name: &str, sum: &Margin| {
        let (revenue, cost) = (sum.revenue_micros(worth), sum.cost_micros(worth));
        html! { tr {
            td { (name) } td .number data-title="Done" { (sum.done) " of " (sum.jobs) }
            td .number data-title="Credits" { (words::grouped(sum.captured.0)) }
            td .number data-title="Device" { (format!("{:.1} s", sum.device.as_secs_f64())) }
            td .number data-title="Revenue" { (words::micros(revenue)) }
            td .number data-title="Cost" { (words::micros(cost)) } td .number data-title="Margin" { (words::micros(revenue - cost)) }
        } }
    };
    html! {
        table .stack {
            thead { tr { th { "Model" } th .number { "Done" } th .number { "Credits" } th .number { "Device" }
                th .number { "Revenue " (edge.config.currency) } th .number { "Cost" } th .number { "Margin" } } }
            tbody {
                @for (name, sum) in margin::by_model(used) { (row(&name, &sum)) }
                (row("all", &margin::of_all(used)))
            }
        }
        @if worth.credit_micros == 0 || worth.device_second_micros == 0 {
            p .dim { "Set pages.credit_value_micros and pages.device_second_micros in the configuration for revenue and cost." }
        }
    }
}

fn table(accounts: &[AccountRow]) -> Markup {
    html! {
        table {
            thead { tr { th { "Account" } th .number { "Available" } th .number { "Held" } th { "State" } } }
            tbody { @for each in accounts {
                tr {
                    td { a href={ "/operator/accounts/" (each.id) } { (title(each)) } }
                    td .number { (words::grouped(each.balance.available().0)) }
                    td .number { (words::grouped(each.balance.held.0)) }
                    td { (state(each)) }
                }
            } }
        }
    }
}

fn state(account: &AccountRow) -> Markup {
    html! {
        @if let Some(at) = account.closed_at { "closed by its owner, " (words::day(at)) }
        @else if let Some(at) = account.suspended_at { "suspended since " (words::day(at)) }
        @else { "open" }
    }
}

fn title(account: &AccountRow) -> &str {
    if account.title.is_empty() { &account.name } else { &account.title }
}

async fn named(edge: &Edge, id: &str) -> Result<(Tenant, AccountRow), Fault> {
    let id: AccountId = id.parse().map_err(|_| Fault::Missing)?;
    let tenant = Tenant::acting_for(id);
    Ok((tenant, edge.store.account(&tenant).await?))
}

pub(super) async fn account(State(edge): State<Edge>, visit: Visit, Path(id): Path<String>) -> Answer {
    let (tenant, row) = named(&edge, &id).await?;
    let jobs = edge.store.jobs(&tenant, None, JOBS).await?;
    let members = edge.store.members(&tenant, visit.now.month()).await?;
    let to = |what: &str| format!("/operator/accounts/{id}/{what}");
    let suspends = row.suspended_at.is_none();
    let body = html! {
        p { a href="/operator" { "All accounts" } }
        h1 { (title(&row)) }
        p .long { (words::grouped(row.balance.available().0)) " available, " (words::grouped(row.balance.held.0)) " held. "
            @for member in &members { (member.email) " (" (member.role.word()) ") " } }
        @if let Some(at) = row.closed_at {
            p { "Its owner closed it on " (words::day(at)) ". Its lines stay; nothing is granted or given back to it any more." }
        } @else { div .columns {
            section .card { h2 { "Grant credits" }
                form method="post" action=(to("grant")) {
                    (proof(&visit)) input type="hidden" name="once" value=(crate::auth::token::Token::generate().reveal());
                    label { span { "How many" } input type="number" name="credits" min="1" max="9007199254740992" required; }
                    (line("reason", "Reason (the account sees it)", "text", "off", ""))
                    label { span { "Days until they end (empty: never)" } input type="number" name="days" min="1" max="3660"; }
                    button { "Grant" }
                } }
            section .card { h2 { "Refund a job" }
                form method="post" action=(to("refund")) {
                    (proof(&visit)) (line("job", "The job's id", "text", "off", ""))
                    (line("reason", "Reason (the account sees it)", "text", "off", ""))
                    button .quiet { "Give back what it took" }
                } }
            section .card { h2 { "New jobs" }
                (small_form(&visit, &to("suspend"), &[("suspend", if suspends { "yes" } else { "no" })], if suspends { "Suspend the account" } else { "Let it start jobs again" })) }
        } }
        section .card { h2 { "Jobs" } ul .rows { @for each in &jobs {
            li { span { (each.title) " · " (each.model) " · " (each.state.word()) " · " (words::credits(each.captured)) } code { (each.id) } } } }
            @if jobs.is_empty() { p .dim { "None." } } }
    };
    Ok(page(&edge, &visit, title(&row), &body))
}

fn reason(visit: &Visit) -> Result<String, Fault> {
    let text = visit.form.get("reason").trim();
    let fits = (1..=REASON_CHARS_MAX).contains(&text.chars().count()) && !text.chars().any(char::is_control);
    if fits {
        Ok(text.to_owned())
    } else {
        Err(Fault::Wrong(format!("a reason has 1 to {REASON_CHARS_MAX} characters")))
    }
}

/// The form's own word is the payment's name: sent twice, it grants once.
pub(super) async fn grant(State(edge): State<Edge>, visit: Visit, Path(id): Path<String>) -> Answer {
    let (tenant, _) = named(&edge, &id).await?;
    let amount = visit.form.number("credits").filter(|credits| (1..=CREDITS_MAX).contains(credits));
    let amount = amount.ok_or_else(|| Fault::Wrong("how many credits?".into()))?;
    let days = visit.form.number("days").map(|days| days.clamp(1, 3_660) * 86_400);
    let once = crate::auth::token::Token::parse(visit.form.get("once")).map_err(|_| Fault::Form)?;
    let grant = Grant {
        amount: Credits(amount),
        payment_id: format!("operator-{}", once.sha256()),
        note: reason(&visit)?,
        expires_at: days.map(|seconds| visit.now.after(Duration::from_secs(seconds))),
    };
    edge.store.grant(&tenant, &grant, visit.now).await?;
    tracing::info!(account = %id, credits = amount, operator = %visit.session()?.person.id, "credits granted");
    Ok(done(&edge, Said::Granted, &format!("/operator/accounts/{id}")))
}

pub(super) async fn refund(State(edge): State<Edge>, visit: Visit, Path(id): Path<String>) -> Answer {
    let (tenant, _) = named(&edge, &id).await?;
    let job = visit.form.get("job").trim().parse().map_err(|_| Fault::Wrong("this is no job's id".into()))?;
    match edge.store.refund(&tenant, job, None, &reason(&visit)?, visit.now).await? {
        Refunded::Yes(..) => Ok(done(&edge, Said::Refunded, &format!("/operator/accounts/{id}"))),
        Refunded::TooMuch(took) => Err(Fault::Wrong(format!("the job took {took}"))),
        Refunded::Unknown => Err(Fault::Wrong("the account has no such job, or it has not ended".into())),
    }
}

pub(super) async fn suspend(State(edge): State<Edge>, visit: Visit, Path(id): Path<String>) -> Answer {
    let (tenant, _) = named(&edge, &id).await?;
    let suspends = visit.form.get("suspend") == "yes";
    edge.store.suspend(&tenant, suspends.then_some(visit.now)).await?;
    let said = if suspends { Said::Suspended } else { Said::Resumed };
    Ok(done(&edge, said, &format!("/operator/accounts/{id}")))
}
