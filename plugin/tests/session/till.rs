//! The double's pages and its shop: a device waits until a test lets it in, and a purchase until a test pays it.

use crate::studio::{KEY, Studio};
use tonic::{Request, Response, Status};
use tributary_protocol::v1;

/// What the device asks with.
const SECRET: &str = "secret of the device";

/// What happened at the pages.
#[derive(Default)]
pub(crate) struct Till {
    /// There are no pages.
    pub(crate) has_no_pages: bool,
    /// What was said of the device that waits.
    pub(crate) said: v1::SignInState,
    /// What the last device called itself.
    pub(crate) device: String,
    /// Purchases by id, in order.
    pub(crate) purchases: Vec<v1::Purchase>,
}

type Answer<T> = Result<Response<T>, Status>;

fn pack() -> v1::Pack {
    let (name, title, currency) = ("small".into(), "Small".into(), "EUR".into());
    v1::Pack { name, title, credits: 100, amount_minor: 900, currency }
}

#[tonic::async_trait]
impl v1::sign_in_server::SignIn for Studio {
    async fn begin(&self, request: Request<v1::BeginSignInRequest>) -> Answer<v1::BeginSignInResponse> {
        assert!(request.metadata().get("authorization").is_none(), "nobody is known yet");
        let mut state = self.state();
        state.till.device = request.into_inner().device;
        if state.till.has_no_pages {
            return Err(Status::failed_precondition("this server has no pages"));
        }
        state.till.said = v1::SignInState::Waiting;
        Ok(Response::new(v1::BeginSignInResponse {
            device_secret: SECRET.into(),
            code: "WDJB-MJHT".into(),
            page: "https://stems.example.org/device".into(),
            page_with_code: "https://stems.example.org/device?code=WDJB-MJHT".into(),
            interval_seconds: 1,
            until_us: i64::MAX,
        }))
    }

    async fn poll(&self, request: Request<v1::PollSignInRequest>) -> Answer<v1::PollSignInResponse> {
        assert_eq!(request.get_ref().device_secret, SECRET);
        let mut state = self.state();
        state.calls.push("poll");
        let said = state.till.said;
        let key = if said == v1::SignInState::LetIn { KEY.to_owned() } else { String::new() };
        Ok(Response::new(v1::PollSignInResponse { state: said.into(), key }))
    }
}

#[tonic::async_trait]
impl v1::shop_server::Shop for Studio {
    async fn packs(&self, _: Request<v1::PacksRequest>) -> Answer<v1::PacksResponse> {
        Ok(Response::new(v1::PacksResponse { packs: vec![pack()], test: true }))
    }

    async fn buy(&self, request: Request<v1::BuyRequest>) -> Answer<v1::Purchase> {
        let look = self.state().on_buy.clone();
        let id = request.into_inner().purchase_id;
        if let Some(look) = look {
            look(uuid::Uuid::from_slice(&id).unwrap());
        }
        let purchase = v1::Purchase {
            purchase_id: id,
            state: v1::PurchaseState::Open.into(),
            pack: Some(pack()),
            url: "https://pay.example.org/1".into(),
            ..v1::Purchase::default()
        };
        self.state().till.purchases.push(purchase.clone());
        Ok(Response::new(purchase))
    }

    async fn get(&self, request: Request<v1::GetPurchaseRequest>) -> Answer<v1::Purchase> {
        let id = request.into_inner().purchase_id;
        let state = self.state();
        let found = state.till.purchases.iter().find(|purchase| purchase.purchase_id == id);
        Ok(Response::new(found.cloned().ok_or_else(|| Status::not_found("there is no such purchase"))?))
    }
}

impl Studio {
    /// What became of every purchase.
    pub(crate) fn settle(&self, now: v1::PurchaseState) {
        for purchase in &mut self.state().till.purchases {
            purchase.state = now.into();
            purchase.url.clear();
        }
    }
}
