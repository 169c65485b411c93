//! Packs on offer, and purchases: each is paid by a person on the payment service's page.

use super::problem::Problem;
use super::{Edge, request};
use crate::auth::Pass;
use crate::billing::{PACK_CHARS_MAX, Pack, Purchase, PurchaseState};
use crate::cashier::Cashier;
use axum::body::Body;
use axum::extract::{Extension, Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PurchaseWish {
    id: Option<String>,
    pack: String,
    #[serde(default)]
    keep_payment_method: bool,
}

fn cashier(edge: &Edge) -> Result<&Cashier, Problem> {
    let none = || Problem::conflict("this server sells no credits; its operator grants them");
    edge.cashier.as_deref().ok_or_else(none)
}

fn pack(pack: &Pack) -> Value {
    json!({
        "name": pack.name,
        "title": pack.title,
        "credits": pack.credits,
        "amount_minor": pack.amount_minor,
        "currency": pack.currency,
    })
}

fn purchase(purchase: &Purchase) -> Value {
    let agreed = &purchase.agreed;
    let payable = purchase.state == PurchaseState::Open;
    json!({
        "id": agreed.id.to_string(),
        "state": purchase.state.word(),
        "pack": agreed.pack,
        "credits": agreed.credits.0,
        "amount_minor": agreed.amount_minor,
        "currency": agreed.currency,
        "url": purchase.url.as_ref().filter(|_| payable),
        "receipt_url": purchase.receipt_url,
        "failure": purchase.failure,
        "created_at": purchase.created_at.rfc3339(),
    })
}

pub(super) async fn packs(State(edge): State<Edge>) -> Response {
    let cashier = edge.cashier.as_deref();
    let packs: Vec<_> = cashier.into_iter().flat_map(|cashier| cashier.offered().map(pack)).collect();
    super::answer(&json!({ "packs": packs, "test": cashier.is_some_and(|cashier| !cashier.live()) }))
}

pub(super) async fn buy(
    State(edge): State<Edge>,
    Extension(pass): Extension<Pass>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let principal = &pass.principal;
    let wish: PurchaseWish = request::json(body).await?;
    // Before anything repeats it.
    if !(1..=PACK_CHARS_MAX).contains(&wish.pack.chars().count()) {
        return Err(Problem::invalid(format!("a pack's name has 1 to {PACK_CHARS_MAX} characters")));
    }
    let id = request::id_of_new_purchase(principal.tenant.account(), wish.id.as_deref(), &headers)?;
    let cashier = cashier(&edge)?;
    let email = edge.desk.email(principal).await?;
    let bought = cashier.buy(principal, id, &wish.pack, wish.keep_payment_method, &email).await?;
    Ok(super::answer(&purchase(&bought)))
}

pub(super) async fn get(
    State(edge): State<Edge>,
    Extension(pass): Extension<Pass>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let id = request::id(&id, "purchase")?;
    let found = edge.desk.store.purchase(&pass.principal.tenant, id).await?;
    let found = found.ok_or_else(|| Problem::not_found("there is no such purchase"))?;
    Ok(super::answer(&purchase(&found)))
}
