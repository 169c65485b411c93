//! Shop: packs, purchases, and where they are paid.

use super::gate::{principal, tenant};
use super::{Answer, Edge, convert, status};
use crate::billing::{Pack, Purchase, PurchaseState};
use crate::cashier::{BuyError, Cashier};
use std::sync::Arc;
use tonic::{Request, Response, Status};
use tributary_protocol::v1;
use tributary_protocol::vocab::PurchaseId;

pub(super) struct Shop(pub(super) Arc<Edge>);

#[tonic::async_trait]
impl v1::shop_server::Shop for Shop {
    async fn packs(&self, request: Request<v1::PacksRequest>) -> Answer<v1::PacksResponse> {
        tenant(&request)?;
        let answer = self.0.cashier.as_deref().map(|cashier| v1::PacksResponse {
            packs: cashier.offered().map(pack).collect(),
            test: !cashier.live(),
        });
        Ok(Response::new(answer.unwrap_or_default()))
    }

    async fn buy(&self, request: Request<v1::BuyRequest>) -> Answer<v1::Purchase> {
        let principal = principal(&request)?;
        let wish = request.into_inner();
        let id = purchase_id(&wish.purchase_id)?;
        let email = convert::desk(self.0.desk.email(&principal).await)?;
        let keep = wish.keep_payment_method;
        let bought = self.cashier()?.buy(&principal, id, &wish.pack, keep, &email).await;
        Ok(Response::new(view(&bought.map_err(|error| refused(&error))?, self.cashier()?)))
    }

    async fn get(&self, request: Request<v1::GetPurchaseRequest>) -> Answer<v1::Purchase> {
        let tenant = tenant(&request)?;
        let id = purchase_id(&request.get_ref().purchase_id)?;
        let purchase = convert::store(self.0.desk.store.purchase(&tenant, id).await)?;
        let purchase = purchase.ok_or_else(|| Status::not_found("there is no such purchase"))?;
        Ok(Response::new(view(&purchase, self.cashier()?)))
    }
}

impl Shop {
    fn cashier(&self) -> Result<&Cashier, Status> {
        let none = || Status::failed_precondition("this server sells no credits; its operator grants them");
        self.0.cashier.as_deref().ok_or_else(none)
    }
}

fn purchase_id(bytes: &[u8]) -> Result<PurchaseId, Status> {
    PurchaseId::from_slice(bytes).ok_or_else(|| Status::invalid_argument("a purchase id has 16 bytes"))
}

fn pack(pack: &Pack) -> v1::Pack {
    v1::Pack {
        name: pack.name.clone(),
        title: pack.title.clone(),
        credits: pack.credits,
        amount_minor: pack.amount_minor,
        currency: pack.currency.clone(),
    }
}

fn view(purchase: &Purchase, cashier: &Cashier) -> v1::Purchase {
    let state = match purchase.state {
        PurchaseState::Created => v1::PurchaseState::Created,
        PurchaseState::Open => v1::PurchaseState::Open,
        PurchaseState::Processing => v1::PurchaseState::Processing,
        PurchaseState::Paid => v1::PurchaseState::Paid,
        PurchaseState::Failed => v1::PurchaseState::Failed,
        PurchaseState::Expired => v1::PurchaseState::Expired,
        PurchaseState::Mismatch => v1::PurchaseState::Mismatch,
    };
    let agreed = &purchase.agreed;
    let sold = cashier.packs.iter().find(|pack| pack.name == agreed.pack);
    let payable = purchase.state == PurchaseState::Open;
    v1::Purchase {
        purchase_id: agreed.id.as_bytes().to_vec().into(),
        state: state.into(),
        // As it was agreed, whatever the pack costs now.
        pack: Some(v1::Pack {
            name: agreed.pack.clone(),
            title: sold.map_or_else(|| agreed.pack.clone(), |pack| pack.title.clone()),
            credits: agreed.credits.0,
            amount_minor: agreed.amount_minor,
            currency: agreed.currency.clone(),
        }),
        url: purchase.url.clone().filter(|_| payable).unwrap_or_default(),
        receipt_url: purchase.receipt_url.clone().unwrap_or_default(),
        failure: purchase.failure.clone().unwrap_or_default(),
    }
}

fn refused(error: &BuyError) -> Status {
    let text = error.to_string();
    match error {
        BuyError::Forbidden(forbidden) => status::of_forbidden(forbidden),
        BuyError::NotOffered(_) => Status::invalid_argument(text),
        BuyError::Conflict => Status::already_exists(text),
        BuyError::UnderWay | BuyError::Refused(_) => Status::failed_precondition(text),
        BuyError::Away => Status::unavailable(text),
        BuyError::Store(error) => status::of_store(error),
    }
}
