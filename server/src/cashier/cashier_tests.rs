//! The cashier against a stand-in of Stripe that keeps Stripe's promises and breaks everything else: events come three
//! times, in any order or not at all; answers are lost before and after the work was done; secrets change. One purchase
//! books once, always, and the books are right after every test.

use super::*;
use crate::billing::{Bought, Dispute, PurchaseKind, PurchaseState, TopUp};
use crate::clock::{ManualClock, SystemClock, Timestamp};
use crate::job::StemArtifact;
use crate::ledger::Audit;
use crate::people::Role;
use crate::store::purchases::Begun;
use crate::store::sqlite::SqliteStore;
use crate::store::{Admission, ClaimLimits, NewJob};
use crate::tenant::Principal;
use tributary_protocol::settings::Settings as JobSettings;
use tributary_protocol::vocab::{AccountId, ClipHeader, Credits, JobId, PurchaseId, Sha256};
use tributary_stripe::{Buyer, Currency, Money, NewCheckout};
use tributary_stripe_double::{Double, Event, Fault, Post, Settings, TEST_KEY, Way, When, sign};

const SECRET: &str = "whsec_first";
const DAY: Duration = Duration::from_secs(86_400);

fn packs() -> Vec<Pack> {
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
struct Street {
    stripe: Double,
    clock: Arc<ManualClock>,
}

/// A server of one account on that street.
struct Shop {
    cashier: Cashier,
    buyer: Principal,
}

impl Street {
    async fn new() -> Self {
        let clock = Arc::new(ManualClock::new(SystemClock.now()));
        let read = Arc::clone(&clock);
        let seconds = move || read.now().0 / 1_000_000;
        let secrets = vec![SECRET.to_owned()];
        let settings = Settings { clock: Arc::new(seconds), secrets, post: Post::Kept };
        Self { stripe: Double::start(settings).await.unwrap(), clock }
    }

    async fn shop(&self, account: AccountId) -> Shop {
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

    async fn tell(&self, shop: &Shop, event: &Event) {
        let body = event.body();
        let signature = sign(&body, &[SECRET.to_owned()], self.clock.now().0 / 1_000_000);
        shop.cashier.take_in(&body, &signature).await.unwrap();
    }

    /// Brings everything that happened, three times each.
    async fn tell_all(&self, shop: &Shop) {
        for event in self.stripe.events() {
            for _ in 0..3 {
                self.tell(shop, &event).await;
            }
        }
        shop.round().await;
    }

    /// The payment that was tried last.
    fn payment(&self) -> String {
        let events = self.stripe.events();
        let mut ids = events.iter().rev().filter_map(|event| event.object["payment_intent"].as_str());
        ids.next().unwrap().to_owned()
    }
}

impl Shop {
    async fn buy(&self, id: PurchaseId) -> Result<Purchase, BuyError> {
        self.cashier.buy(&self.buyer, id, "small", true, "ann@example.org").await
    }

    async fn opened(&self) -> Purchase {
        let purchase = self.buy(PurchaseId::generate()).await.unwrap();
        assert_eq!(purchase.state, PurchaseState::Open);
        purchase
    }

    async fn round(&self) {
        self.cashier.round().await.unwrap();
    }

    async fn purchase(&self, id: PurchaseId) -> Purchase {
        self.cashier.store.purchase(&self.buyer.tenant, id).await.unwrap().unwrap()
    }

    async fn posted(&self) -> u64 {
        self.cashier.store.account(&self.buyer.tenant).await.unwrap().balance.posted.0
    }

    async fn is_suspended(&self) -> bool {
        self.cashier.store.account(&self.buyer.tenant).await.unwrap().suspended_at.is_some()
    }

    /// A job that takes so many credits.
    async fn spend(&self, credits: u64) {
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

    async fn ends_well(&self) {
        assert_eq!(self.cashier.store.audit().await.unwrap(), Audit::default());
    }
}

fn session(purchase: &Purchase) -> &str {
    purchase.session.as_deref().unwrap()
}

/// A shop whose account bought one pack.
async fn bought(street: &Street) -> (Shop, Purchase) {
    let shop = street.shop(AccountId::generate()).await;
    let purchase = shop.opened().await;
    assert!(street.stripe.pay(session(&purchase), Way::Card).unwrap());
    street.tell_all(&shop).await;
    let purchase = shop.purchase(purchase.agreed.id).await;
    assert_eq!((purchase.state, shop.posted().await), (PurchaseState::Paid, 100));
    (shop, purchase)
}

#[tokio::test]
async fn a_purchase_books_once_however_often_it_is_asked_for_and_told() {
    let street = Street::new().await;
    let shop = street.shop(AccountId::generate()).await;
    let id = PurchaseId::generate();
    let first = shop.buy(id).await.unwrap();
    assert_eq!(shop.buy(id).await.unwrap(), first, "one page");
    assert_eq!(street.stripe.counts()[0], 1);
    let other = shop.cashier.buy(&shop.buyer, id, "large", true, "ann@example.org").await;
    assert!(matches!(other, Err(BuyError::Conflict)));
    street.stripe.pay(session(&first), Way::Card).unwrap();
    for _ in 0..2 {
        street.tell_all(&shop).await;
    }
    let paid = shop.buy(id).await.unwrap();
    assert_eq!((paid.state, shop.posted().await), (PurchaseState::Paid, 100));
    assert!(paid.receipt_url.is_some());
    let line = &shop.cashier.store.history(&shop.buyer.tenant, None, 9).await.unwrap()[0];
    assert_eq!(line.note, "small pack: 100 credits");
    // The second time the customer is known.
    let second = shop.opened().await;
    street.stripe.pay(session(&second), Way::Card).unwrap();
    street.tell_all(&shop).await;
    assert_eq!(shop.posted().await, 200);
    shop.ends_well().await;
}

#[tokio::test]
async fn credits_come_when_nobody_tells_of_the_payment() {
    let street = Street::new().await;
    let shop = street.shop(AccountId::generate()).await;
    let purchase = shop.opened().await;
    street.stripe.pay(session(&purchase), Way::Card).unwrap();
    shop.round().await;
    assert_eq!(shop.posted().await, 0, "not looked at yet");
    street.clock.advance(CHECK_EVERY + Duration::from_secs(1));
    shop.round().await;
    assert_eq!(shop.posted().await, 100);
    shop.ends_well().await;
}

/// Every order of five events, each brought three times, ends in the same books.
#[tokio::test]
async fn the_order_of_events_does_not_matter() {
    let street = Street::new().await;
    let account = AccountId::generate();
    let first = street.shop(account).await;
    let purchase = first.opened().await;
    street.stripe.pay(session(&purchase), Way::SepaDebit).unwrap();
    let payment = street.payment();
    street.stripe.settle(&payment, true).unwrap();
    street.stripe.refund(&payment, Some(300)).unwrap();
    street.stripe.dispute(&payment).unwrap();
    let all = street.stripe.events();
    let wanted = [
        "checkout.session.completed",
        "checkout.session.async_payment_succeeded",
        "payment_intent.succeeded",
        "charge.refunded",
        "charge.dispute.created",
    ];
    let event = |kind: &str| {
        let kinds = || all.iter().map(|event| event.kind.as_str()).collect::<Vec<_>>();
        all.iter().find(|event| event.kind == kind).unwrap_or_else(|| panic!("{kind} of {:?}", kinds()))
    };
    let events = wanted.map(event);
    let orders = permutations(events.len());
    assert_eq!(orders.len(), 120);
    for order in orders {
        let shop = street.shop(account).await;
        let (store, tenant) = (&shop.cashier.store, &shop.buyer.tenant);
        // The same purchase as the first server agreed on.
        store.begin_purchase(tenant, &purchase.agreed, purchase.created_at).await.unwrap();
        for at in &order {
            for _ in 0..3 {
                street.tell(&shop, events[*at]).await;
            }
            shop.round().await;
        }
        let found = shop.purchase(purchase.agreed.id).await;
        assert_eq!(
            (found.state, found.returned_minor, found.dispute, shop.is_suspended().await),
            (PurchaseState::Paid, 300, Some(Dispute::Open), true),
            "{order:?}"
        );
        // 100 less 33 for 300 of 900 cents and 66 for the other 600: parts of a credit stay with the buyer.
        assert_eq!(shop.posted().await, 1, "{order:?}");
        shop.ends_well().await;
    }
}

fn permutations(count: usize) -> Vec<Vec<usize>> {
    if count == 0 {
        return vec![Vec::new()];
    }
    let with = |order: &Vec<usize>, at: usize| {
        let mut order = order.clone();
        order.insert(at, count - 1);
        order
    };
    permutations(count - 1).iter().flat_map(|order| (0..count).map(move |at| with(order, at))).collect()
}

/// Whatever answer is lost, before or after Stripe did its work: the buyer asks again, pays once and gets the credits once.
#[tokio::test]
async fn a_lost_answer_loses_nothing_and_buys_nothing_twice() {
    for fault in [Fault::Status(500), Fault::Page(502), Fault::HangUp, Fault::Drifted] {
        for when in [When::Before, When::After] {
            let street = Street::new().await;
            let shop = street.shop(AccountId::generate()).await;
            let id = PurchaseId::generate();
            street.stripe.fail(fault, when, 1);
            let lost = shop.buy(id).await;
            assert!(matches!(lost, Err(BuyError::Away)), "{fault:?} {when:?}: {lost:?}");
            let purchase = shop.buy(id).await.unwrap();
            let pages = street.stripe.counts()[0];
            assert_eq!((purchase.state, pages), (PurchaseState::Open, 1), "{fault:?} {when:?}");
            street.stripe.pay(session(&purchase), Way::Card).unwrap();
            // Each question about the page and about the payment is not answered once.
            street.stripe.fail(fault, when, 4);
            street.tell_all(&shop).await;
            for _ in 0..8 {
                street.clock.advance(Duration::from_secs(3600));
                shop.round().await;
            }
            assert_eq!(shop.posted().await, 100, "{fault:?} {when:?}");
            shop.ends_well().await;
        }
    }
}

/// A server that died after Stripe opened the page and before it noted that, and a buyer who paid all the same.
#[tokio::test]
async fn a_page_that_was_never_noted_is_found() {
    let street = Street::new().await;
    let shop = street.shop(AccountId::generate()).await;
    let id = PurchaseId::generate();
    street.stripe.fail(Fault::HangUp, When::After, 1);
    shop.buy(id).await.unwrap_err();
    let pages = shop.cashier.stripe.checkouts_since(0).await.unwrap().checkouts;
    street.stripe.pay(&pages[0].id, Way::Card).unwrap();
    street.clock.advance(CHECK_EVERY * 2);
    shop.round().await;
    assert_eq!((shop.purchase(id).await.state, shop.posted().await), (PurchaseState::Paid, 100));

    // One that never reached Stripe ends when nothing of it can come any more.
    let id = PurchaseId::generate();
    street.stripe.fail(Fault::HangUp, When::Before, 1);
    shop.buy(id).await.unwrap_err();
    for (wait, state) in [(CHECK_EVERY * 2, PurchaseState::Created), (DAY, PurchaseState::Failed)] {
        street.clock.advance(wait);
        shop.round().await;
        assert_eq!(shop.purchase(id).await.state, state);
    }
    shop.ends_well().await;
}

/// The same, and the server that comes back is reached elsewhere, calls the pack something else, or is told another address of
/// the buyer: Stripe refuses other words under a key that it knows, so they are another page. The first one was shown to nobody.
#[tokio::test]
async fn a_page_that_was_never_noted_keeps_nobody_from_buying_in_other_words() {
    type Change = fn(&mut Shop);
    let changes: [(&str, Change, &str); 3] = [
        ("pages", |shop| shop.cashier.pages = "https://stems.example".to_owned(), "ann@example.org"),
        ("title", |shop| shop.cashier.packs[0].title = "A hundred".to_owned(), "ann@example.org"),
        ("address", |_| (), "ann@elsewhere.example"),
    ];
    for (what, change, email) in changes {
        let street = Street::new().await;
        let mut shop = street.shop(AccountId::generate()).await;
        let id = PurchaseId::generate();
        street.stripe.fail(Fault::HangUp, When::After, 1);
        shop.buy(id).await.unwrap_err();
        change(&mut shop);
        let again = async || shop.cashier.buy(&shop.buyer, id, "small", true, email).await.unwrap();
        let purchase = again().await;
        assert_eq!((purchase.state, street.stripe.counts()[0]), (PurchaseState::Open, 2), "{what}");
        assert_eq!(session(&again().await), session(&purchase), "{what}: asked again, the same page");
        street.stripe.pay(session(&purchase), Way::Card).unwrap();
        street.tell_all(&shop).await;
        assert_eq!(
            (shop.purchase(id).await.state, shop.posted().await),
            (PurchaseState::Paid, 100),
            "{what}"
        );
        // The page that nobody saw ends by itself.
        street.clock.advance(DAY);
        street.tell_all(&shop).await;
        assert_eq!(
            (shop.purchase(id).await.state, shop.posted().await),
            (PurchaseState::Paid, 100),
            "{what}"
        );
        shop.ends_well().await;
    }
}

#[tokio::test]
async fn what_ends_unpaid_brings_nothing_and_says_why() {
    let street = Street::new().await;
    let shop = street.shop(AccountId::generate()).await;
    let (closed, declined, bounced) = (shop.opened().await, shop.opened().await, shop.opened().await);
    street.stripe.expire(session(&closed)).unwrap();
    assert!(!street.stripe.pay(session(&declined), Way::DeclinedCard).unwrap());
    street.tell_all(&shop).await;
    assert_eq!(shop.purchase(closed.agreed.id).await.state, PurchaseState::Expired);
    assert_eq!(shop.purchase(declined.agreed.id).await.state, PurchaseState::Open, "another card may do");
    street.stripe.pay(session(&bounced), Way::SepaDebit).unwrap();
    street.tell_all(&shop).await;
    assert_eq!(shop.purchase(bounced.agreed.id).await.state, PurchaseState::Processing);
    street.stripe.settle(&street.payment(), false).unwrap();
    street.tell_all(&shop).await;
    let found = shop.purchase(bounced.agreed.id).await;
    assert_eq!(found.state, PurchaseState::Failed);
    assert!(found.failure.is_some());
    assert_eq!(shop.posted().await, 0);
    street.stripe.pay(session(&declined), Way::Card).unwrap();
    street.tell_all(&shop).await;
    assert_eq!(shop.posted().await, 100);
    shop.ends_well().await;
}

#[tokio::test]
async fn what_was_not_agreed_brings_nothing() {
    let street = Street::new().await;
    let shop = street.shop(AccountId::generate()).await;
    let (id, kind) = (PurchaseId::generate(), PurchaseKind::Checkout);
    let mut dear = shop.cashier.purchase_of_pack(id, kind, &packs()[0], None);
    dear.amount_minor = 90_000;
    let begun =
        shop.cashier.store.begin_purchase(&shop.buyer.tenant, &dear, street.clock.now()).await.unwrap();
    let Begun::Yes(dear) = begun else { panic!("begun") };
    // Somebody opens a page for less under the purchase's name.
    let new = NewCheckout {
        purchase: dear.reference(),
        price: Money { amount_minor: 100, currency: Currency::new("EUR").unwrap() },
        product: "cheap".into(),
        buyer: Buyer::Email("eve@example.org".into()),
        success_url: "http://127.0.0.1/".into(),
        cancel_url: "http://127.0.0.1/".into(),
        expires_at_seconds: street.clock.now().after(DAY / 2).0 / 1_000_000,
        is_kept: false,
    };
    let page = shop.cashier.stripe.open(&new, &IdempotencyKey::new("eve").unwrap()).await.unwrap();
    street.stripe.pay(&page.id, Way::Card).unwrap();
    street.tell_all(&shop).await;
    let found = shop.purchase(dear.agreed.id).await;
    assert_eq!(found.state, PurchaseState::Mismatch);
    assert_eq!(found.failure.as_deref(), Some("100 eur was paid, 90000 EUR agreed"));
    assert_eq!(shop.posted().await, 0);
    shop.ends_well().await;
}

#[tokio::test]
async fn only_what_stripe_signed_in_this_mode_is_looked_at() {
    let street = Street::new().await;
    let mut shop = street.shop(AccountId::generate()).await;
    let purchase = shop.opened().await;
    street.stripe.pay(session(&purchase), Way::Card).unwrap();
    let events = street.stripe.events();
    let event = events.iter().find(|event| event.kind == "checkout.session.completed").unwrap();
    let (body, seconds) = (event.body(), street.clock.now().0 / 1_000_000);
    for secrets in [vec!["whsec_other".to_owned()], vec![String::new()], Vec::new()] {
        let wrong = shop.cashier.take_in(&body, &sign(&body, &secrets, seconds)).await;
        assert!(matches!(wrong, Err(IntakeError::Signature(_))));
    }
    let old = shop.cashier.take_in(&body, &sign(&body, &[SECRET.to_owned()], seconds - 301)).await;
    assert!(matches!(old, Err(IntakeError::Signature(_))));
    // An event of real money, correctly signed, on a server of the test mode.
    let live = String::from_utf8(body.clone()).unwrap();
    let live = live.replace("\"livemode\":false", "\"livemode\":true");
    let live = live.replacen(&event.id, "evt_live", 1).into_bytes();
    shop.cashier.take_in(&live, &sign(&live, &[SECRET.to_owned()], seconds)).await.unwrap();
    shop.round().await;
    assert_eq!(shop.posted().await, 0);
    // The secret is replaced: both are taken.
    shop.cashier.webhook_secrets = vec!["whsec_second".to_owned(), SECRET.to_owned()];
    shop.cashier.take_in(&body, &sign(&body, &["whsec_second".to_owned()], seconds)).await.unwrap();
    shop.round().await;
    assert_eq!(shop.posted().await, 100);
    // Written another way by a later version of Stripe, it still says what to look at.
    let drifted = event.drifted().body();
    shop.cashier.take_in(&drifted, &sign(&drifted, &[SECRET.to_owned()], seconds)).await.unwrap();
    shop.round().await;
    assert_eq!(shop.posted().await, 100);
    shop.ends_well().await;
}

#[tokio::test]
async fn refunds_take_their_share_of_what_is_there_and_the_rest_is_owed() {
    let street = Street::new().await;
    let (shop, purchase) = bought(&street).await;
    let payment = purchase.payment.clone().unwrap();
    street.stripe.refund(&payment, Some(300)).unwrap();
    street.tell_all(&shop).await;
    assert_eq!((shop.posted().await, shop.is_suspended().await), (67, false));
    shop.spend(60).await;
    street.stripe.refund(&payment, None).unwrap();
    for _ in 0..2 {
        street.tell_all(&shop).await;
    }
    let found = shop.purchase(purchase.agreed.id).await;
    assert_eq!((found.returned_minor, found.owed), (900, Credits(60)));
    assert_eq!((shop.posted().await, shop.is_suspended().await), (0, true));
    shop.ends_well().await;
}

#[tokio::test]
async fn what_an_operator_suspended_no_refund_lets_go() {
    let street = Street::new().await;
    let (shop, purchase) = bought(&street).await;
    let now = street.clock.now();
    shop.cashier.store.suspend(&shop.buyer.tenant, Some(now)).await.unwrap();
    street.stripe.refund(purchase.payment.as_deref().unwrap(), Some(300)).unwrap();
    street.tell_all(&shop).await;
    assert_eq!((shop.posted().await, shop.is_suspended().await), (67, true));
    shop.ends_well().await;
}

#[tokio::test]
async fn a_dispute_takes_credits_and_a_won_one_gives_them_back() {
    for won in [true, false] {
        let street = Street::new().await;
        let (shop, purchase) = bought(&street).await;
        shop.spend(30).await;
        let dispute = street.stripe.dispute(purchase.payment.as_deref().unwrap()).unwrap();
        street.tell_all(&shop).await;
        let found = shop.purchase(purchase.agreed.id).await;
        let taken = (found.dispute, found.dispute_taken, found.owed);
        assert_eq!(taken, (Some(Dispute::Open), Credits(70), Credits(30)));
        assert_eq!((shop.posted().await, shop.is_suspended().await), (0, true));
        street.stripe.close_dispute(&dispute, won).unwrap();
        for _ in 0..2 {
            street.tell_all(&shop).await;
        }
        let found = shop.purchase(purchase.agreed.id).await;
        let ended = (found.dispute, found.owed, shop.posted().await, shop.is_suspended().await);
        if won {
            assert_eq!(ended, (Some(Dispute::Won), Credits(0), 70, false));
        } else {
            assert_eq!(ended, (Some(Dispute::Lost), Credits(30), 0, true));
        }
        shop.ends_well().await;
    }
}

/// A shop whose account tops up by itself.
async fn topping_up(street: &Street, month_max_minor: u64) -> Shop {
    let (shop, _) = bought(street).await;
    let wish = TopUp { pack: "small".into(), below: Credits(50), month_max_minor };
    assert!(shop.cashier.store.set_top_up(&shop.buyer.tenant, false, Some(&wish), None).await.unwrap());
    shop
}

#[tokio::test]
async fn credits_that_run_low_are_topped_up_once_within_the_months_limit() {
    let street = Street::new().await;
    let shop = topping_up(&street, 1800).await;
    shop.round().await;
    assert_eq!(shop.posted().await, 100, "enough is there");
    for (spent, posted) in [(60, 140), (100, 140), (100, 40)] {
        shop.spend(spent).await;
        for _ in 0..3 {
            shop.round().await;
        }
        assert_eq!(shop.posted().await, posted, "after {spent}");
    }
    let payer = shop.cashier.store.payer(&shop.buyer.tenant, false).await.unwrap().unwrap();
    assert!(payer.failure.unwrap().contains("limit"));
    street.clock.advance(DAY * 31);
    shop.round().await;
    assert_eq!(shop.posted().await, 140, "another month");
    assert_eq!(street.stripe.counts()[1], 4, "one checkout and three top-ups");
    shop.ends_well().await;
}

#[tokio::test]
async fn a_top_up_whose_answer_is_lost_is_charged_once() {
    for when in [When::Before, When::After] {
        let street = Street::new().await;
        let shop = topping_up(&street, 9000).await;
        shop.spend(60).await;
        street.stripe.fail(Fault::HangUp, when, 1);
        shop.round().await;
        assert_eq!(shop.posted().await, 40);
        street.clock.advance(CHECK_EVERY * 2);
        shop.round().await;
        assert_eq!((shop.posted().await, street.stripe.counts()[1]), (140, 2), "{when:?}");
        shop.ends_well().await;
    }
}

#[tokio::test]
async fn a_card_that_is_declined_ends_the_top_up_and_says_why() {
    for way in [Way::DeclinedCard, Way::CardOfHolder] {
        let street = Street::new().await;
        let shop = topping_up(&street, 9000).await;
        let (store, tenant) = (&shop.cashier.store, &shop.buyer.tenant);
        let customer = store.payer(tenant, false).await.unwrap().unwrap().customer;
        let method = Some(street.stripe.keep(&customer, way));
        let kept = shop.opened().await;
        let note = String::new();
        let pays = Bought { payment: None, customer: Some(customer), method, receipt_url: None, note };
        store.pay(tenant, kept.agreed.id, &pays, Timestamp(1)).await.unwrap();
        shop.spend(160).await;
        for _ in 0..3 {
            shop.round().await;
        }
        assert_eq!(shop.posted().await, 40, "{way:?}");
        let payer = store.payer(tenant, false).await.unwrap().unwrap();
        assert_eq!(payer.top_up, None);
        assert!(payer.failure.is_some_and(|reason| !reason.is_empty()), "{way:?}");
        let tried = store.purchases(tenant, 1).await.unwrap();
        assert_eq!(tried[0].state, PurchaseState::Failed);
        shop.ends_well().await;
    }
}

#[tokio::test]
async fn nobody_buys_what_is_not_sold_or_without_the_right() {
    let street = Street::new().await;
    let shop = street.shop(AccountId::generate()).await;
    let id = PurchaseId::generate();
    let unknown = shop.cashier.buy(&shop.buyer, id, "huge", false, "a@example.org").await;
    assert!(matches!(unknown, Err(BuyError::NotOffered(pack)) if pack == "huge"));
    let viewer = Principal { rights: Role::Viewer.rights(), ..shop.buyer };
    let refused = shop.cashier.buy(&viewer, id, "small", false, "a@example.org").await;
    assert!(matches!(refused, Err(BuyError::Forbidden(_))));
    assert_eq!((shop.posted().await, street.stripe.counts()), (0, [0, 0, 0]));
}
