//! What every test of the cashier begins with: a stand-in of Stripe, servers beside it, and what people do there.

use super::super::*;
use crate::billing::PurchaseState;
use crate::clock::{ManualClock, SystemClock};
use crate::job::StemArtifact;
use crate::ledger::Audit;
use crate::store::sqlite::SqliteStore;
use crate::store::{Admission, ClaimLimits, NewJob};
use crate::tenant::Principal;
use tributary_protocol::settings::Settings as JobSettings;
use tributary_protocol::vocab::{AccountId, ClipHeader, Credits, JobId, PurchaseId, Sha256};
use tributary_stripe_double::{Double, Event, Post, Settings, TEST_KEY, Way, sign};

pub(super) const SECRET: &str = "whsec_first";
pub(super) const DAY: Duration = Duration::from_secs(86_400);

pub(super) fn packs() -> Vec<Pack> {
    let pack = |name: &str, credits, amount_minor| Pack {
        name: name.into(),
        title: format!("{name} pack"),
        credits,
        amount_minor,
        currency: "EUR".into(),
        from: String::new(),
        until: String::new(),
    };
    vec![pack("small", 100, 900), pack("large", 1000, 7900)]
}

/// A stand-in of Stripe, and a clock that both sides read.
pub(super) struct Street {
    pub(super) stripe: Double,
    pub(super) clock: Arc<ManualClock>,
}

/// A server of one account on that street.
pub(super) struct Shop {
    pub(super) cashier: Cashier,
    pub(super) buyer: Principal,
}

impl Street {
    pub(super) async fn new() -> Self {
        let clock = Arc::new(ManualClock::new(SystemClock.now()));
        let read = Arc::clone(&clock);
        let seconds = move || read.now().0 / 1_000_000;
        let secrets = vec![SECRET.to_owned()];
        let settings = Settings { clock: Arc::new(seconds), secrets, post: Post::Kept };
        Self { stripe: Double::start(settings).await.unwrap(), clock }
    }

    pub(super) async fn shop(&self, account: AccountId) -> Shop {
        let store = Arc::new(SqliteStore::open_in_memory().await.unwrap());
        store.create_account(account, "band", 100, self.clock.now()).await.unwrap();
        let cashier = Cashier {
            stripe: Stripe::new(TEST_KEY, Some(self.stripe.url())).unwrap(),
            packs: packs(),
            webhook_secrets: vec![SECRET.to_owned()],
            pages: "http://127.0.0.1:7703".to_owned(),
            store,
            clock: Arc::clone(&self.clock) as Arc<dyn Clock>,
            bell: Notify::new(),
        };
        Shop { cashier, buyer: Principal::operator_for(Tenant::acting_for(account)) }
    }

    pub(super) async fn tell(&self, shop: &Shop, event: &Event) {
        let body = event.body();
        let signature = sign(&body, &[SECRET.to_owned()], self.clock.now().0 / 1_000_000);
        shop.cashier.take_in(&body, &signature).await.unwrap();
    }

    /// Brings everything that happened, three times each.
    pub(super) async fn tell_all(&self, shop: &Shop) {
        for event in self.stripe.events() {
            for _ in 0..3 {
                self.tell(shop, &event).await;
            }
        }
        shop.round().await;
    }

    /// The payment that was tried last.
    pub(super) fn payment(&self) -> String {
        let events = self.stripe.events();
        let mut ids = events.iter().rev().filter_map(|event| event.object["payment_intent"].as_str());
        ids.next().unwrap().to_owned()
    }
}

impl Shop {
    pub(super) async fn buy(&self, id: PurchaseId) -> Result<Purchase, BuyError> {
        self.cashier.buy(&self.buyer, id, "small", true, "ann@example.org").await
    }

    pub(super) async fn opened(&self) -> Purchase {
        let purchase = self.buy(PurchaseId::generate()).await.unwrap();
        assert_eq!(purchase.state, PurchaseState::Open);
        purchase
    }

    pub(super) async fn round(&self) {
        self.cashier.round().await.unwrap();
    }

    pub(super) async fn purchase(&self, id: PurchaseId) -> Purchase {
        self.cashier.store.purchase(&self.buyer.tenant, id).await.unwrap().unwrap()
    }

    pub(super) async fn posted(&self) -> u64 {
        self.cashier.store.account(&self.buyer.tenant).await.unwrap().balance.posted.0
    }

    pub(super) async fn is_suspended(&self) -> bool {
        self.cashier.store.account(&self.buyer.tenant).await.unwrap().suspended_at.is_some()
    }

    /// A job that takes so many credits.
    pub(super) async fn spend(&self, credits: u64) {
        let (store, tenant, now) = (&self.cashier.store, &self.buyer.tenant, self.cashier.clock.now());
        let new = NewJob {
            id: JobId::generate(),
            model: "mini".into(),
            stems: vec!["vocals".into()],
            title: "Take 1".into(),
            clip: ClipHeader { sha256: Sha256([1; 32]), frames: 44_100, channels: 2, rate_hz: 44_100 },
            settings: JobSettings::default(),
            references: Vec::new(),
            chunks: 1,
            quote: Credits(credits),
            clip_is_stored: true,
            upload_until: now,
            open_max: 10,
            person: None,
            visitor: None,
            spend_limit: None,
            storage_limit: None,
        };
        assert!(matches!(store.admit(tenant, &new, now).await.unwrap(), Admission::Admitted(_)));
        let limits = ClaimLimits { per_account: 9, attempts: 9, models: None };
        let claim = store.claim("w", limits, now, now.after(DAY)).await.unwrap().unwrap();
        let stem = StemArtifact { name: "vocals".into(), sha256: Sha256([2; 32]), bytes: 8 };
        store.finish(&claim, &[stem], now).await.unwrap();
    }

    pub(super) async fn ends_well(&self) {
        assert_eq!(self.cashier.store.audit().await.unwrap(), Audit::default());
    }
}

pub(super) fn session(purchase: &Purchase) -> &str {
    purchase.session.as_deref().unwrap()
}

/// A shop whose account bought one pack.
pub(super) async fn bought(street: &Street) -> (Shop, Purchase) {
    let shop = street.shop(AccountId::generate()).await;
    let purchase = shop.opened().await;
    assert!(street.stripe.pay(session(&purchase), Way::Card).unwrap());
    street.tell_all(&shop).await;
    let purchase = shop.purchase(purchase.agreed.id).await;
    assert_eq!((purchase.state, shop.posted().await), (PurchaseState::Paid, 100));
    (shop, purchase)
}
