//! What is told: in any order, three times, by others than Stripe, of real money.

use super::super::*;
use super::street::{SECRET, Street, session};
use crate::billing::{Dispute, PurchaseState};
use tributary_protocol::vocab::AccountId;
use tributary_stripe_double::{Way, sign};

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
