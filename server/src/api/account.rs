//! Account: credits, history, and what the key's person is in it.

use super::problem::Problem;
use super::{Edge, request, words};
use crate::auth::Pass;
use crate::ledger::LineKind;
use crate::people::Right;
use crate::statement::{CSV_HEAD, Filter, csv};
use axum::body::Body;
use axum::extract::{Extension, RawQuery, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use serde_json::json;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tributary_protocol::limits::HISTORY_PAGE_MAX;

/// Lines in a page when the client does not say.
const PAGE: u32 = 100;
const DAY: Duration = Duration::from_secs(86_400);

pub(super) async fn get(
    State(edge): State<Edge>,
    Extension(pass): Extension<Pass>,
) -> Result<Response, Problem> {
    let (principal, store) = (&pass.principal, &edge.desk.store);
    let account = store.account(&principal.tenant).await?;
    let lots = store.lots(&principal.tenant).await?;
    let member = edge.desk.member(principal).await?.map(|member| {
        json!({
            "email": member.email,
            "role": member.role.word(),
            "month_limit": member.month_limit.map(|limit| limit.0),
            "month_spent": member.month_spent.0,
        })
    });
    let rights = Right::ALL.into_iter().filter(|right| principal.rights.has(*right));
    let expiring = lots.iter().map(|lot| json!({ "credits": lot.left.0, "at": lot.expires_at.rfc3339() }));
    let buy_url = Some(&edge.desk.buy_url).filter(|url| !url.is_empty());
    Ok(super::answer(&json!({
        "name": if account.title.is_empty() { &account.name } else { &account.title },
        "credits": {
            "posted": account.balance.posted.0,
            "held": account.balance.held.0,
            "available": account.balance.available().0,
            "expiring": expiring.collect::<Vec<_>>(),
        },
        "suspended": account.suspended_at.is_some(),
        "rights": rights.map(Right::word).collect::<Vec<_>>(),
        "person": member,
        "buy_url": buy_url,
        "storage": {
            "kept_bytes": store.kept_bytes(&principal.tenant).await?,
            "kept_bytes_max": edge.desk.limits.storage_bytes(),
            "keep_days": edge.desk.limits.keep_days,
        },
    })))
}

/// The statement as CSV, newest first, of days and of a kind. Streams: it may be long, and no memory is taken for all of it.
pub(super) async fn statement(
    State(edge): State<Edge>,
    Extension(pass): Extension<Pass>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let query = query.as_deref();
    let kind = request::query(query, "kind").map(|word| LineKind::parse(word).ok_or(word)).transpose();
    let kind = kind.map_err(|_| Problem::invalid("`kind` must be one that a line has"))?;
    let until = request::day(query, "until")?.map(|day| day.after(DAY));
    let filter = Filter { kind, since: request::day(query, "since")?, until };
    let (sender, receiver) = mpsc::channel(2);
    tokio::spawn(async move {
        let (store, tenant) = (&edge.desk.store, &pass.principal.tenant);
        let (mut before, mut rows) = (None, CSV_HEAD.to_owned());
        loop {
            let found = match store.history(tenant, before, HISTORY_PAGE_MAX).await {
                Ok(found) => found,
                Err(error) => return drop(sender.send(Err(error)).await),
            };
            let taken = found.iter().filter(|line| filter.takes(line));
            rows.extend(taken.map(|line| csv(line, &line.at.rfc3339())));
            if sender.send(Ok(std::mem::take(&mut rows))).await.is_err() {
                return;
            }
            let Some(last) = found.last().filter(|last| filter.goes_on_after(last)) else { return };
            before = Some(last.line);
        }
    });
    let body = Body::from_stream(ReceiverStream::new(receiver));
    Ok(([(CONTENT_TYPE, "text/csv; charset=utf-8")], body).into_response())
}

pub(super) async fn history(
    State(edge): State<Edge>,
    Extension(pass): Extension<Pass>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let query = query.as_deref();
    let limit = request::page(query, PAGE, HISTORY_PAGE_MAX)?;
    let before = request::number(query, "before_line", 0)?;
    let before = (before > 0).then_some(before);
    let lines = edge.desk.store.history(&pass.principal.tenant, before, limit).await?;
    let next = lines.last().filter(|_| lines.len() == limit as usize).map(|line| line.line);
    let lines = lines.iter().map(words::line).collect::<Vec<_>>();
    Ok(super::answer(&json!({ "lines": lines, "next_before_line": next })))
}
