//! Credits that are bought again when few are left.

use super::super::*;
use super::street::{DAY, Shop, Street, bought};
use crate::billing::{Bought, PurchaseState, TopUp};
use crate::clock::Timestamp;
use tributary_protocol::vocab::Credits;
use tributary_stripe_double::{Fault, Way, When};

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
