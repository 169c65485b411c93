//! What an account has: balance, credits that end, packs and purchases; its statement, also as CSV.

use super::fault::Answer;
use super::layout::page;
use super::visit::Visit;
use super::{Edge, buy, job, top_up, widgets, words};
use crate::clock::Timestamp;
use crate::ledger::{Line, LineKind, Lot};
use crate::people::Right;
use crate::statement::{self, Filter};
use crate::store::{AccountRow, StoreError};
use crate::tenant::Tenant;
use axum::body::Body;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use maud::{Markup, html};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tributary_protocol::limits::HISTORY_PAGE_MAX;

/// Jobs and purchases on the first page.
const NEWEST: u32 = 5;
/// Lines on a page of the statement.
const LINES: usize = 100;
/// Pages of lines that are looked through for one page with a filter.
const LOOKS_MAX: usize = 20;

pub(super) async fn show(State(edge): State<Edge>, visit: Visit) -> Answer {
    let tenant = visit.tenant()?;
    let account = edge.store.account(&tenant).await?;
    let lots = edge.store.lots(&tenant).await?;
    let jobs = edge.store.jobs(&tenant, None, NEWEST).await?;
    let names = widgets::names(&edge, &tenant, jobs.iter().map(|job| job.widget)).await?;
    let purchases = edge.store.purchases(&tenant, NEWEST).await?;
    let topped_up = top_up::card(&edge, &visit).await?;
    let body = html! {
        h1 { (visit.session()?.membership.title) }
        @if account.suspended_at.is_some() {
            p .wrong role="alert" { "This account starts no new jobs. Write to the operator." }
        }
        div .columns {
            (balance_card(&account, &lots))
            section .card {
                h2 { "More credits" }
                (buy::packs(&edge, &visit, &purchases))
            }
            (topped_up)
        }
        section .card {
            h2 { "Newest jobs" }
            @if jobs.is_empty() { p .dim { "No jobs yet." } } @else { div .scroll { (job::table(&jobs, &names)) } }
            @if visit.may(Right::Run) { p { a .button href="/jobs/new" { "New job" } } }
        }
    };
    Ok(page(&edge, &visit, "Home", &body))
}

fn balance_card(account: &AccountRow, lots: &[Lot]) -> Markup {
    html! {
        section .card {
            h2 { "Credits" }
            p .figure { (words::grouped(account.balance.available().0)) " " small { "available" } }
            @if account.balance.held.0 > 0 { p .dim { (words::grouped(account.balance.held.0)) " held for jobs that run or wait" } }
            @for lot in lots { p .dim { (words::credits(lot.left)) " end on " (words::day(lot.expires_at)) } }
            p { a href="/statement" { "Statement" } }
        }
    }
}

/// A day as browsers write it, `2026-11-28`; its first moment.
fn moment_of(day: &str) -> Option<Timestamp> {
    let mut parts = day.splitn(3, '-').map(|part| part.parse::<i64>().ok());
    let (year, month, day) = (parts.next()??, parts.next()??, parts.next()??);
    if !(1970..=9999).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    // Days from 0000-03-01 in the Gregorian calendar; years begin in March.
    let (y, m) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719_468;
    Some(Timestamp(days * 86_400_000_000))
}

fn filter(visit: &Visit) -> Filter {
    let day = |name| moment_of(visit.query.get(name));
    let until = day("until").map(|at| at.after(std::time::Duration::from_secs(86_400)));
    Filter { kind: LineKind::parse(visit.query.get("kind")), since: day("since"), until }
}

/// The newest `count` lines that a filter takes, older than `before`; whether there may be more.
async fn lines(
    edge: &Edge,
    tenant: &Tenant,
    filter: Filter,
    before: Option<u64>,
    count: usize,
) -> Result<(Vec<Line>, bool), StoreError> {
    let (mut taken, mut before) = (Vec::new(), before);
    for _ in 0..LOOKS_MAX {
        let found = edge.store.history(tenant, before, HISTORY_PAGE_MAX).await?;
        let Some(last) = found.last() else { return Ok((taken, false)) };
        let goes_on = filter.goes_on_after(last) && found.len() >= HISTORY_PAGE_MAX as usize;
        before = Some(last.line);
        taken.extend(found.into_iter().filter(|line| filter.takes(line)));
        if taken.len() > count {
            taken.truncate(count);
            return Ok((taken, true));
        }
        if !goes_on {
            return Ok((taken, false));
        }
    }
    Ok((taken, true))
}

pub(super) async fn statement(State(edge): State<Edge>, visit: Visit) -> Answer {
    let tenant = visit.tenant()?;
    let (lines, more) = lines(&edge, &tenant, filter(&visit), visit.query.number("before"), LINES).await?;
    let (kind, since, until) = (visit.query.get("kind"), visit.query.get("since"), visit.query.get("until"));
    let same = form_urlencoded::Serializer::new(String::new())
        .extend_pairs([("kind", kind), ("since", since), ("until", until)])
        .finish();
    let body = html! {
        h1 { "Statement" }
        form .row method="get" action="/statement" {
            label .slim { span { "What" } select name="kind" {
                option value="" { "everything" }
                @for each in LineKind::ALL { option value=(each.word()) selected[each.word() == kind] { (title(each)) } }
            } }
            label .slim { span { "From" } input type="date" name="since" value=(since); }
            label .slim { span { "To" } input type="date" name="until" value=(until); }
            button .quiet { "Show" }
            a .button .quiet href={ "/statement.csv?" (same) } { "Export as CSV" }
        }
        section .card { div .scroll { (table(&lines)) } }
        @if let (true, Some(last)) = (more, lines.last()) {
            p { a href={ "/statement?" (same) "&before=" (last.line) } { "Older lines" } }
        }
    };
    Ok(page(&edge, &visit, "Statement", &body))
}

fn title(kind: LineKind) -> &'static str {
    match kind {
        LineKind::Grant => "credits came",
        LineKind::Capture => "jobs",
        LineKind::Refund => "refunds",
        LineKind::Expiry => "credits that ended",
        LineKind::Takeback => "payments taken back",
    }
}

/// One line of a kind.
fn what(kind: LineKind) -> &'static str {
    match kind {
        LineKind::Grant => "Credits came",
        LineKind::Capture => "Job",
        LineKind::Refund => "Refund of a job",
        LineKind::Expiry => "Credits ended",
        LineKind::Takeback => "Payment taken back",
    }
}

fn table(lines: &[Line]) -> Markup {
    html! {
        table {
            thead { tr { th { "When" } th { "What" } th .number { "Credits" } th .number { "Balance" } } }
            tbody {
                @for line in lines {
                    tr {
                        td { (words::moment(line.at)) }
                        td {
                            @if let Some(job) = line.job { a href={ "/jobs/" (job) } { (what(line.kind)) } } @else { (what(line.kind)) }
                            (widgets::came_by(line.widget.as_ref().map(|widget| widget.name.as_str())))
                            @if !line.note.is_empty() { br; small .dim { (line.note) } }
                        }
                        td .number { (if line.kind.comes() { "+" } else { "\u{2212}" }) (words::grouped(line.amount.0)) }
                        td .number { (words::grouped(line.posted_after.0)) }
                    }
                }
            }
        }
        @if lines.is_empty() { p .dim { "No lines." } }
    }
}

/// Streams: a statement may be long, and memory is not taken for all of it.
pub(super) async fn csv(State(edge): State<Edge>, visit: Visit) -> Answer {
    let (tenant, filter) = (visit.tenant()?, filter(&visit));
    let (sender, receiver) = mpsc::channel::<Result<String, StoreError>>(2);
    tokio::spawn(async move {
        let mut before = None;
        let mut rows = statement::CSV_HEAD.to_owned();
        loop {
            let found = edge.store.history(&tenant, before, HISTORY_PAGE_MAX).await;
            let found = match found {
                Ok(found) => found,
                Err(error) => return drop(sender.send(Err(error)).await),
            };
            for line in found.iter().filter(|line| filter.takes(line)) {
                rows.push_str(&statement::csv(line, &words::moment(line.at)));
            }
            if sender.send(Ok(std::mem::take(&mut rows))).await.is_err() {
                return;
            }
            let Some(last) = found.last().filter(|last| filter.goes_on_after(last)) else { return };
            before = Some(last.line);
        }
    });
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"statement.csv\""),
    ];
    Ok((headers, Body::from_stream(ReceiverStream::new(receiver))).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_read_as_it_is_written() {
        for day in ["1970-01-01", "2000-02-29", "2026-11-28", "2100-03-01"] {
            assert_eq!(words::day(moment_of(day).unwrap()), day);
        }
        for text in ["", "2026", "2026-13-01", "2026-01-00", "x-1-1", "99999-01-01"] {
            assert_eq!(moment_of(text), None, "{text}");
        }
    }
}
