//! Account: credits, history, and what the key's person is in it.

use super::problem::Problem;
use super::{Edge, request, words};
use crate::auth::Pass;
use crate::people::Right;
use axum::extract::{Extension, RawQuery, State};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use tributary_protocol::limits::HISTORY_PAGE_MAX;

/// Lines in a page when the client does not say.
const PAGE: u32 = 100;

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
    let expiring = lots.iter().map(|lot| json!({ "credits": lot.left.0, "at": words::time(lot.expires_at) }));
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
    }))
    .into_response())
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
