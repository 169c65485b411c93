//! Answers that are lost, events that never come, and servers that die between two steps.

use super::super::*;
use super::street::{DAY, Shop, Street, session};
use crate::billing::PurchaseState;
use tributary_protocol::vocab::{AccountId, PurchaseId};
use tributary_stripe_double::{Fault, Way, When};

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
