//! What the account used in the last days: by day, service, model and member.

use super::fault::Answer;
use super::layout::page;
use super::visit::Visit;
use super::{Edge, chart, compose, widgets, words};
use crate::clock::Timestamp;
use crate::store::terms::Usage;
use axum::extract::State;
use maud::{Markup, html};
use std::collections::BTreeMap;
use std::time::Duration;

/// Days that can be chosen.
const DAYS: [u64; 3] = [7, 30, 90];
const DAY: Duration = Duration::from_secs(86_400);

/// Credits by day, a bar for each, days without use included.
pub(super) fn by_day(usage: &[Usage], now: Timestamp, days: u64) -> Vec<(String, u64)> {
    let day = |back: u64| words::day(now.before(DAY * u32::try_from(back).unwrap_or(u32::MAX)));
    let mut sums: BTreeMap<String, u64> = (0..days).map(|back| (day(back), 0)).collect();
    for each in usage {
        *sums.entry(words::day(each.day)).or_default() += each.captured.0;
    }
    sums.into_iter().collect()
}

pub(super) async fn show(State(edge): State<Edge>, visit: Visit) -> Answer {
    let tenant = visit.tenant()?;
    let days = visit.query.number("days").filter(|days| DAYS.contains(days)).unwrap_or(30);
    let since = visit.now.before(DAY * u32::try_from(days - 1).unwrap_or(0));
    let since = Timestamp(since.0 - since.0.rem_euclid(86_400_000_000));
    let usage = edge.store.usage(&tenant, since, visit.now.after(DAY)).await?;
    let names: BTreeMap<_, _> = edge
        .store
        .members(&tenant, visit.now.month())
        .await?
        .into_iter()
        .map(|member| (member.person, member.email))
        .collect();
    let by_widgets = widgets::names(&edge, &tenant, usage.iter().map(|each| each.widget)).await?;
    let widget = |each: &Usage| each.widget.and_then(|id| by_widgets.get(&id));
    let member = |each: &Usage| match each.person {
        None if widget(each).is_some() => format!("widget {}", widget(each).map_or("", String::as_str)),
        Some(person) => names.get(&person).cloned().unwrap_or_else(|| "a former member".to_owned()),
        None => "keys of the operator".to_owned(),
    };
    let kept = edge.store.kept_bytes(&tenant).await?;
    let limits = &edge.desk.admissions.limits;
    let service = |each: &Usage| {
        let offer = edge.desk.admissions.offers.get(&each.model).ok();
        compose::task_title(offer.map(|offer| offer.task_word())).to_owned()
    };
    let body = html! {
        h1 { "Usage" }
        nav .row aria-label="Days" {
            @for each in DAYS { a .button .quiet href={ "/usage?days=" (each) } aria-current=[(each == days).then_some("true")] { (each) " days" } }
        }
        section .card { h2 { "Credits by day" } (chart::bars("Credits by day", &by_day(&usage, visit.now, days))) }
        div .columns {
            section .card { h2 { "By service" } (sums(&usage, service)) }
            section .card { h2 { "By model" } (sums(&usage, |each| each.model.clone())) }
            section .card { h2 { "By member or widget" } (sums(&usage, member)) }
        }
        section .card {
            h2 { "Files kept here" }
            p { strong { (words::bytes(kept)) }
                @if let Some(most) = limits.storage_bytes() { " of " (words::bytes(most)) }
                ", with room for what open jobs will make." }
            @if let Some(most) = limits.storage_bytes() { progress max=(most) value=(kept.min(most)) aria-label="Files kept here" {} }
            p .dim { "Clips and results are deleted " (limits.keep_days) " days after their job has ended, or sooner on the job's page." }
        }
    };
    Ok(page(&edge, &visit, "Usage", &body))
}

fn sums(usage: &[Usage], name: impl Fn(&Usage) -> String) -> Markup {
    let mut rows = BTreeMap::<String, (u64, u64, Duration)>::new();
    for each in usage {
        let row = rows.entry(name(each)).or_default();
        *row = (row.0 + each.jobs, row.1 + each.captured.0, row.2 + each.sound);
    }
    html! {
        @if rows.is_empty() { p .dim { "Nothing was used." } } @else {
            div .scroll { table {
                thead { tr { th { "Name" } th .number { "Jobs" } th .number { "Sound" } th .number { "Credits" } } }
                tbody { @for (name, (jobs, credits, sound)) in &rows {
                    tr { td { (name) } td .number { (jobs) } td .number { (words::length(*sound)) } td .number { (words::grouped(*credits)) } }
                } }
            } }
        }
    }
}
