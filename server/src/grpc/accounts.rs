//! Account: balance, history, and what the key's person is in it.

use super::gate::{principal, tenant};
use super::{Answer, Edge, convert};
use crate::people::Right;
use crate::tenant::Principal;
use std::sync::Arc;
use tonic::{Request, Response, Status};
use tributary_protocol::limits::HISTORY_PAGE_MAX;
use tributary_protocol::v1;

/// Lines in a page when the client does not say.
const PAGE: u32 = 100;

pub(super) struct Accounts(pub(super) Arc<Edge>);

#[tonic::async_trait]
impl v1::account_server::Account for Accounts {
    async fn get(&self, request: Request<v1::GetAccountRequest>) -> Answer<v1::GetAccountResponse> {
        let principal = principal(&request)?;
        let store = &self.0.desk.store;
        let account = convert::store(store.account(&principal.tenant).await)?;
        let lots = convert::store(store.lots(&principal.tenant).await)?;
        let answer = v1::GetAccountResponse {
            name: if account.title.is_empty() { account.name } else { account.title },
            posted: account.balance.posted.0,
            held: account.balance.held.0,
            buy_url: self.0.desk.buy_url.clone(),
            rights: rights(&principal),
            expiring: lots
                .into_iter()
                .map(|lot| v1::ExpiringCredits { credits: lot.left.0, expires_at_us: lot.expires_at.0 })
                .collect(),
            suspended: account.suspended_at.is_some(),
            kept_bytes: convert::store(store.kept_bytes(&principal.tenant).await)?,
            kept_bytes_max: self.0.desk.limits.storage_bytes(),
            keep_days: self.0.desk.limits.keep_days,
            ..self.person(&principal).await?
        };
        Ok(Response::new(answer))
    }

    async fn history(&self, request: Request<v1::HistoryRequest>) -> Answer<v1::HistoryResponse> {
        let tenant = tenant(&request)?;
        let wish = request.into_inner();
        let before = (wish.before_line > 0).then_some(wish.before_line);
        let limit = convert::page(wish.limit, PAGE, HISTORY_PAGE_MAX);
        let lines = convert::store(self.0.desk.store.history(&tenant, before, limit).await)?;
        Ok(Response::new(v1::HistoryResponse { lines: lines.into_iter().map(convert::line).collect() }))
    }
}

impl Accounts {
    /// Who the key is, in an answer that says nothing else.
    async fn person(&self, principal: &Principal) -> Result<v1::GetAccountResponse, Status> {
        let Some(member) = convert::desk(self.0.desk.member(principal).await)? else {
            return Ok(v1::GetAccountResponse::default());
        };
        Ok(v1::GetAccountResponse {
            person: member.email,
            role: member.role.word().to_owned(),
            month_limit: member.month_limit.map(|limit| limit.0),
            month_spent: member.month_spent.0,
            ..v1::GetAccountResponse::default()
        })
    }
}

fn rights(principal: &Principal) -> Vec<String> {
    let rights = Right::ALL.into_iter().filter(|right| principal.rights.has(*right));
    rights.map(|right| right.word().to_owned()).collect()
}
