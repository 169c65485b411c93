//! The one job of a visitor, found by what they alone know: how far it is, its results, cancelled, deleted.

use super::super::fault::{Answer, Fault};
use super::super::files::{self, Asked};
use super::super::live::{self, Watcher};
use super::super::visit::Visit;
use super::super::{Edge, job, layout, redirect, words};
use crate::auth::token::Token;
use crate::job::{Job, JobState};
use crate::tenant::Tenant;
use crate::widget::{Visitor, Widget};
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use maud::{Markup, html};

/// What stands in the address of a visitor's job, and the job.
struct Found<'a> {
    widget: &'a Widget,
    secret: Token,
    job: Job,
}

impl Found<'_> {
    fn tenant(&self) -> Tenant {
        self.widget.tenant()
    }

    fn base(&self) -> String {
        format!("/widget/{}/jobs/{}", self.widget.token, self.secret.reveal())
    }
}

/// The job behind a secret of this very widget; no other way leads to a job from here.
async fn find<'a>(edge: &Edge, visit: &'a Visit, secret: &str) -> Result<Found<'a>, Fault> {
    let widget = visit.widget()?;
    let secret = Token::parse(secret).map_err(|_| Fault::Missing)?;
    let visitor = Visitor { widget: widget.id, secret_sha256: secret.sha256() };
    let id = edge.store.visited(&widget.tenant(), &visitor).await?.ok_or(Fault::Missing)?;
    let job = edge.store.job(&widget.tenant(), id).await?.ok_or(Fault::Missing)?;
    Ok(Found { widget, secret, job })
}

/// Token and secret of a path.
type Address = Path<(String, String)>;
/// The same with a file's or a stem's name.
type FileAddress = Path<(String, String, String)>;

pub(in super::super) async fn show(
    State(edge): State<Edge>,
    visit: Visit,
    Path((_, secret)): Address,
) -> Answer {
    let found = find(&edge, &visit, &secret).await?;
    let (base, job) = (found.base(), &found.job);
    let position = edge.store.queue_position(&found.tenant(), job.id).await?;
    let until = job.kept_until(edge.desk.admissions.limits.keep());
    let body = html! {
        h1 { (job::title(job)) " " (job::badge(job.state)) }
        @if !job.state.is_terminal() {
            (job::running(&base, job, position, &html! {
                p .dim { "It goes on while you are away. " a href=(base) target="_blank" rel="noopener" { "Open it in a window of its own" } " to come back to it." }
                (job::cancelling(&visit, &base, job))
            }))
        }
        (ended(job))
        @if job.state == JobState::Done { (job::results(&base, job)) }
        @if let Some(until) = until {
            section .card {
                p .dim { "Your file and what was made of it are deleted on " (words::day(until)) "." }
                (layout::small_form(&visit, &format!("{base}/erase"), &[], "Delete them now"))
            }
        }
        p { a href={ "/widget/" (found.widget.token) } { "Send another file" } }
    };
    Ok(layout::framed(&edge, job::title(job), &body))
}

/// What became of a job that made nothing.
fn ended(job: &Job) -> Markup {
    html! {
        @match job.state {
            JobState::Failed => section .card { h2 { "It failed" } @if let Some(failure) = &job.failure { p { (failure) } } },
            JobState::Cancelled => section .card { p { "It was cancelled." } },
            JobState::Expired => section .card { p { "The file never came whole. Send it again." } },
            _ => {}
        }
    }
}

pub(in super::super) async fn live(
    State(edge): State<Edge>,
    visit: Visit,
    Path((token, secret)): Address,
) -> Answer {
    let place = live::place(&edge.bounds.guests.watchers)?;
    let found = find(&edge, &visit, &secret).await?;
    let (tenant, job) = (found.tenant(), found.job.id);
    Ok(live::stream(edge, tenant, job, Watcher::Visitor(token), place))
}

pub(in super::super) async fn cancel(
    State(edge): State<Edge>,
    visit: Visit,
    Path((_, secret)): Address,
) -> Answer {
    let found = find(&edge, &visit, &secret).await?;
    edge.desk.cancel(&found.tenant(), found.job.id).await?;
    Ok(redirect(&found.base()))
}

pub(in super::super) async fn erase(
    State(edge): State<Edge>,
    visit: Visit,
    Path((_, secret)): Address,
) -> Answer {
    let found = find(&edge, &visit, &secret).await?;
    edge.desk.erase(&found.tenant(), found.job.id).await?;
    Ok(redirect(&found.base()))
}

pub(in super::super) async fn file(
    State(edge): State<Edge>,
    visit: Visit,
    Path((_, secret, name)): FileAddress,
    headers: HeaderMap,
) -> Answer {
    let found = find(&edge, &visit, &secret).await?;
    let (tenant, saves) = (found.tenant(), visit.query.get("save") == "1");
    let place = files::place(&edge.bounds.guests.downloads)?;
    files::served(&edge, found.job, Asked { tenant, name, headers, saves, place }).await
}

pub(in super::super) async fn peaks(
    State(edge): State<Edge>,
    visit: Visit,
    Path((_, secret, name)): FileAddress,
) -> Answer {
    let found = find(&edge, &visit, &secret).await?;
    files::outlined(&edge, &found.tenant(), &found.job, &name).await
}
