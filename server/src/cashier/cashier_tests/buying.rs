//! A purchase, from its page to its credits or to why there are none.

use super::super::*;
use super::street::{DAY, Street, packs, session};
use crate::billing::{PurchaseKind, PurchaseState};
use crate::people::Role;
use crate::store::purchases::Begun;
use crate::tenant::Principal;
use tributary_protocol::vocab::{AccountId, PurchaseId};
use tributary_stripe::{Buyer, Currency, Money, NewCheckout};
use tributary_stripe_double::Way;

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
