//! Money that goes back, and the credits with it.

use super::street::{Street, bought};
use crate::billing::Dispute;
use crate::clock::Clock;
use tributary_protocol::vocab::Credits;

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
