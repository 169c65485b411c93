//! Laws of purchases, payers and the payment service's events.

use super::{Bed, at};
use crate::billing::{Bought, Dispute, NewPurchase, Payer, PurchaseKind, PurchaseState, TopUp};
use crate::clock::Timestamp;
use crate::store::Store;
use crate::store::purchases::{
    Begun, DisputeStep, EventFate, OpenEvent, PaymentEvent, PurchaseStep, TroubledEvent,
};
use crate::store::terms::TakenBack;
use crate::tenant::Tenant;
use tributary_protocol::vocab::{Credits, PurchaseId};

pub(super) fn agreed(kind: PurchaseKind) -> NewPurchase {
    NewPurchase {
        id: PurchaseId::generate(),
        kind,
        person: None,
        pack: "small".into(),
        credits: Credits(100),
        amount_minor: 900,
        currency: "EUR".into(),
        live: false,
    }
}

fn bought(payment: &str) -> Bought {
    Bought {
        payment: Some(payment.to_owned()),
        customer: Some("cus_1".into()),
        method: Some("pm_1".into()),
        receipt_url: Some("https://pay.example.org/receipt".into()),
        note: "Small pack".into(),
    }
}

/// A paid purchase and its payer: rows in every table, for tests of other things.
pub(in crate::store) async fn fill(bed: &Bed, tenant: &Tenant) {
    let new = agreed(PurchaseKind::Checkout);
    bed.store.begin_purchase(tenant, &new, at(1)).await.unwrap();
    bed.store.pay(tenant, new.id, &bought(&format!("pi_{}", new.id)), at(2)).await.unwrap();
    let raw = b"{}".to_vec();
    let (id, kind, object, object_id) = (new.id.to_string(), "a".into(), "b".into(), "c".into());
    bed.store
        .keep_event(&PaymentEvent { id, kind, object, object_id, live: false, raw }, at(3))
        .await
        .unwrap();
}

pub(in crate::store) async fn a_purchase_is_agreed_once_and_paid_once(bed: &Bed) {
    let (tenant, other) = (bed.account(0).await, bed.account(0).await);
    let store = &bed.store;
    let new = agreed(PurchaseKind::Checkout);
    let Begun::Yes(first) = store.begin_purchase(&tenant, &new, at(1)).await.unwrap() else {
        panic!("begun")
    };
    assert_eq!((first.state, &first.agreed, first.created_at), (PurchaseState::Created, &new, at(1)));
    assert_eq!(store.begin_purchase(&tenant, &new, at(2)).await.unwrap(), Begun::Yes(first.clone()));
    let dearer = NewPurchase { amount_minor: 901, ..new.clone() };
    assert_eq!(store.begin_purchase(&tenant, &dearer, at(2)).await.unwrap(), Begun::Conflict);
    assert_eq!(store.purchase(&other, new.id).await.unwrap(), None, "another account's");

    let open = PurchaseStep::Opened { session: "cs_1".into(), url: "https://pay.example.org/1".into() };
    assert!(store.step_purchase(&tenant, new.id, &open, at(3)).await.unwrap());
    let found = store.purchase_of("cs_1").await.unwrap().unwrap();
    assert_eq!((found.account, found.state), (tenant.account(), PurchaseState::Open));
    assert_eq!(found.url.as_deref(), Some("https://pay.example.org/1"));
    let processing = PurchaseStep::Processing(Some("pi_1".into()));
    assert!(store.step_purchase(&tenant, new.id, &processing, at(4)).await.unwrap());
    assert!(store.step_purchase(&tenant, new.id, &open, at(5)).await.unwrap());
    let found = store.purchase_of("pi_1").await.unwrap().unwrap();
    assert_eq!(found.state, PurchaseState::Processing, "an old answer changes nothing");

    for _ in 0..3 {
        let balance = store.pay(&tenant, new.id, &bought("pi_1"), at(6)).await.unwrap();
        assert_eq!(balance.posted, Credits(100));
    }
    let paid = store.purchase(&tenant, new.id).await.unwrap().unwrap();
    assert_eq!(paid.state, PurchaseState::Paid);
    assert_eq!(paid.receipt_url.as_deref(), Some("https://pay.example.org/receipt"));
    assert_eq!(store.purchases(&tenant, 10).await.unwrap(), [paid]);
    assert_eq!(store.purchases(&other, 10).await.unwrap(), []);
    let lines = store.history(&tenant, None, 10).await.unwrap();
    assert_eq!(lines.iter().map(|line| line.note.as_str()).collect::<Vec<_>>(), ["Small pack"]);
}

pub(in crate::store) async fn what_has_ended_is_not_changed_but_by_money(bed: &Bed) {
    let tenant = bed.account(0).await;
    let store = &bed.store;
    for (end, state) in [
        (PurchaseStep::Failed("declined".into()), PurchaseState::Failed),
        (PurchaseStep::Expired, PurchaseState::Expired),
    ] {
        let new = agreed(PurchaseKind::Checkout);
        store.begin_purchase(&tenant, &new, at(1)).await.unwrap();
        assert!(store.step_purchase(&tenant, new.id, &end, at(2)).await.unwrap());
        let late = PurchaseStep::Processing(None);
        assert!(!store.step_purchase(&tenant, new.id, &late, at(3)).await.unwrap());
        assert_eq!(store.purchase(&tenant, new.id).await.unwrap().unwrap().state, state);
        let before = bed.balance(&tenant).await.0;
        store.pay(&tenant, new.id, &bought(&format!("pi_{}", new.id)), at(4)).await.unwrap();
        assert_eq!(bed.balance(&tenant).await.0, before + 100, "money that came late is money");
    }
    let new = agreed(PurchaseKind::Checkout);
    store.begin_purchase(&tenant, &new, at(1)).await.unwrap();
    let other = PurchaseStep::Mismatch("1.00 EUR came".into());
    store.step_purchase(&tenant, new.id, &other, at(2)).await.unwrap();
    store.pay(&tenant, new.id, &bought("pi_m"), at(3)).await.unwrap();
    let left = store.purchase(&tenant, new.id).await.unwrap().unwrap();
    assert_eq!((left.state, left.failure.as_deref()), (PurchaseState::Mismatch, Some("1.00 EUR came")));
    assert_eq!(bed.balance(&tenant).await.0, 200, "an operator decides");
}

pub(in crate::store) async fn money_that_goes_back_is_on_record(bed: &Bed) {
    let tenant = bed.account(0).await;
    let store = &bed.store;
    let new = agreed(PurchaseKind::Checkout);
    store.begin_purchase(&tenant, &new, at(1)).await.unwrap();
    store.pay(&tenant, new.id, &bought("pi_1"), at(2)).await.unwrap();
    for _ in 0..2 {
        store.return_money(&tenant, new.id, 300, Credits(5)).await.unwrap();
    }
    store.return_money(&tenant, new.id, 200, Credits(1)).await.unwrap();
    assert!(store.is_in_debt(&tenant).await.unwrap());
    let found = async || store.purchase(&tenant, new.id).await.unwrap().unwrap();
    assert_eq!((found().await.returned_minor, found().await.owed), (300, Credits(5)));
    let opened = DisputeStep::Opened(TakenBack { taken: Credits(40), missing: Credits(20) });
    for _ in 0..2 {
        store.dispute_money(&tenant, new.id, opened).await.unwrap();
    }
    let disputed = found().await;
    assert_eq!(
        (disputed.dispute, disputed.dispute_taken, disputed.owed),
        (Some(Dispute::Open), Credits(40), Credits(25))
    );
    for step in [DisputeStep::Won { missing: Credits(20) }, DisputeStep::Lost, opened] {
        store.dispute_money(&tenant, new.id, step).await.unwrap();
    }
    let found = found().await;
    assert_eq!(
        (found.dispute, found.dispute_taken, found.owed),
        (Some(Dispute::Won), Credits(0), Credits(5))
    );
    let shares: Vec<_> = [0, 1, 300, 899, 900, 5000].map(|minor| found.credits_of(minor).0).into();
    assert_eq!(shares, [0, 0, 33, 99, 100, 100]);
}

pub(in crate::store) async fn an_account_is_topped_up_one_payment_at_a_time(bed: &Bed) {
    let (tenant, other) = (bed.account(0).await, bed.account(0).await);
    let store = &bed.store;
    let top_up = TopUp { pack: "small".into(), below: Credits(50), month_max_minor: 2000 };
    assert!(!store.set_top_up(&tenant, false, Some(&top_up), None).await.unwrap(), "nobody pays");
    assert_eq!(store.payer(&tenant, false).await.unwrap(), None);
    for tenant in [&tenant, &other] {
        fill(bed, tenant).await;
    }
    assert!(store.set_top_up(&tenant, false, Some(&top_up), None).await.unwrap());
    let payer = Payer {
        customer: "cus_1".into(),
        method: Some("pm_1".into()),
        top_up: Some(top_up.clone()),
        failure: None,
    };
    assert_eq!(store.payer(&tenant, false).await.unwrap(), Some(payer));
    assert_eq!(store.payer(&tenant, true).await.unwrap(), None, "test and live are two");
    assert_eq!(store.low_accounts(false, 10).await.unwrap(), [], "100 credits are enough");
    bed.store.take_back(&tenant, "refund", Credits(51), "", at(5)).await.unwrap();
    assert_eq!(store.low_accounts(false, 10).await.unwrap(), [tenant.account()]);
    assert_eq!(store.low_accounts(true, 10).await.unwrap(), []);

    let first = agreed(PurchaseKind::TopUp);
    store.begin_purchase(&tenant, &first, at(10)).await.unwrap();
    assert_eq!(store.low_accounts(false, 10).await.unwrap(), [], "one is under way");
    let second = agreed(PurchaseKind::TopUp);
    assert_eq!(store.begin_purchase(&tenant, &second, at(11)).await.unwrap(), Begun::UnderWay);
    assert_eq!(store.topped_up(&tenant, false, at(10)).await.unwrap(), 900);
    let declined = PurchaseStep::Failed("declined".into());
    store.step_purchase(&tenant, first.id, &declined, at(12)).await.unwrap();
    assert_eq!(store.topped_up(&tenant, false, at(10)).await.unwrap(), 0, "no money went");
    store.begin_purchase(&tenant, &second, at(13)).await.unwrap();
    store.pay(&tenant, second.id, &bought("pi_2"), at(14)).await.unwrap();
    assert_eq!(store.topped_up(&tenant, false, at(10)).await.unwrap(), 900);
    assert_eq!(store.topped_up(&tenant, false, at(14)).await.unwrap(), 0, "before this month");
    store.set_top_up(&tenant, false, None, Some("declined")).await.unwrap();
    let payer = store.payer(&tenant, false).await.unwrap().unwrap();
    assert_eq!((payer.top_up, payer.failure.as_deref()), (None, Some("declined")));
}

/// `evt_1` is to be looked at again at `due`; given up, it is still shown, and only an operator wakes it.
async fn check_troubled(store: &dyn Store, due: Timestamp) {
    let troubled = async || store.troubled_events(10).await.unwrap();
    let found = troubled().await;
    assert_eq!(found.len(), 1, "what was ignored troubles nobody: {found:?}");
    let said = |each: &TroubledEvent| (each.event.tries, each.is_dead, each.error.clone(), each.next_try_at);
    assert_eq!((found[0].event.id.as_str(), said(&found[0])), ("evt_1", (1, false, "away".into(), due)));
    store.end_event("evt_1", &EventFate::Dead("still away".into())).await.unwrap();
    assert_eq!(said(&troubled().await[0]), (2, true, "still away".into(), due));
    assert!(store.open_events(at(10_000), 10).await.unwrap().is_empty(), "nobody looks at it by itself");
    assert!(store.retry_event("evt_1", at(90)).await.unwrap());
    assert_eq!(said(&troubled().await[0]), (2, false, "still away".into(), at(90)));
    assert_eq!(store.open_events(at(90), 10).await.unwrap().len(), 1);
    for none in ["evt_2", "evt_3"] {
        assert!(!store.retry_event(none, at(90)).await.unwrap(), "{none}");
    }
    assert!(store.troubled_events(0).await.unwrap().is_empty());
}

pub(in crate::store) async fn an_event_is_one_however_often_it_comes(bed: &Bed) {
    let store = &bed.store;
    let event = |id: &str| PaymentEvent {
        id: id.into(),
        kind: "checkout.session.completed".into(),
        object: "checkout.session".into(),
        object_id: "cs_1".into(),
        live: false,
        raw: b"{\"id\":1}".to_vec(),
    };
    assert!(store.keep_event(&event("evt_1"), at(1)).await.unwrap());
    assert!(!store.keep_event(&event("evt_1"), at(2)).await.unwrap());
    assert!(store.keep_event(&event("evt_2"), at(3)).await.unwrap());
    let ids = async |now| -> Vec<String> {
        let open = store.open_events(at(now), 10).await.unwrap();
        open.into_iter().map(|event: OpenEvent| event.id).collect()
    };
    assert_eq!(ids(3).await, ["evt_1", "evt_2"]);
    store.end_event("evt_1", &EventFate::Again(at(60), "away".into())).await.unwrap();
    assert_eq!(ids(59).await, ["evt_2"]);
    assert_eq!(store.open_events(at(60), 10).await.unwrap()[1].tries, 1);
    store.end_event("evt_2", &EventFate::Ignored("nothing of ours".into())).await.unwrap();
    check_troubled(store.as_ref(), at(60)).await;
    store.end_event("evt_1", &EventFate::Done).await.unwrap();
    assert_eq!(ids(100).await, [""; 0]);
    assert!(!store.keep_event(&event("evt_1"), at(101)).await.unwrap(), "late copies change nothing");
    assert_eq!(ids(102).await, [""; 0]);
}

pub(in crate::store) async fn purchases_that_nobody_told_about_are_looked_at_in_turn(bed: &Bed) {
    let tenant = bed.account(0).await;
    let store = &bed.store;
    let (old, new) = (agreed(PurchaseKind::Checkout), agreed(PurchaseKind::Checkout));
    store.begin_purchase(&tenant, &old, at(1)).await.unwrap();
    store.begin_purchase(&tenant, &new, at(50)).await.unwrap();
    let look = async |before, now| -> Vec<PurchaseId> {
        let found = store.unchecked_purchases(false, at(before), 10, at(now)).await.unwrap();
        found.into_iter().map(|purchase| purchase.agreed.id).collect()
    };
    assert_eq!(look(40, 100).await, [old.id]);
    assert_eq!(look(100, 101).await, [new.id], "the other was looked at");
    assert_eq!(store.unchecked_purchases(true, at(999), 10, at(102)).await.unwrap(), [], "real money");
    assert_eq!(look(200, 201).await, [old.id, new.id]);
    store.step_purchase(&tenant, old.id, &PurchaseStep::Expired, at(202)).await.unwrap();
    assert_eq!(look(300, 301).await, [new.id]);
}
