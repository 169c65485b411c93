//! Account: balance and history.

use super::gate::tenant;
use super::{Answer, Edge, convert};
use std::sync::Arc;
use tonic::{Request, Response};
use tributary_protocol::limits::HISTORY_PAGE_MAX;
use tributary_protocol::v1;

/// Lines in a page when the client does not say.
const PAGE: u32 = 100;

pub(super) struct Accounts(pub(super) Arc<Edge>);

#[tonic::async_trait]
impl v1::account_server::Account for Accounts {
    async fn get(&self, request: Request<v1::GetAccountRequest>) -> Answer<v1::GetAccountResponse> {
        let account = convert::store(self.0.store.account(&tenant(&request)?).await)?;
        let (posted, held) = (account.balance.posted.0, account.balance.held.0);
        let buy_url = self.0.buy_url.clone();
        Ok(Response::new(v1::GetAccountResponse { name: account.name, posted, held, buy_url }))
    }

    async fn history(&self, request: Request<v1::HistoryRequest>) -> Answer<v1::HistoryResponse> {
        let tenant = tenant(&request)?;
        let wish = request.into_inner();
        let before = (wish.before_line > 0).then_some(wish.before_line);
        let limit = convert::page(wish.limit, PAGE, HISTORY_PAGE_MAX);
        let lines = convert::store(self.0.store.history(&tenant, before, limit).await)?;
        Ok(Response::new(v1::HistoryResponse { lines: lines.into_iter().map(convert::line).collect() }))
    }
}
