//! Money goes back, by a call or in the dashboard.

use crate::scene::{PRICE, Scene, euros, key};
use tributary_stripe::refund::RefundState;
use tributary_stripe::{NewRefund, StripeError};
use tributary_stripe_double::Way;

async fn paid(scene: &Scene) -> String {
    let opened = scene.open("p1").await;
    scene.double.pay(&opened.id, Way::Card).unwrap();
    scene.stripe.checkout(&opened.id).await.unwrap().payment.unwrap()
}

fn part(payment: &str, amount_minor: u64) -> NewRefund {
    NewRefund { payment: payment.to_owned(), amount_minor }
}

#[tokio::test]
async fn a_payment_goes_back_in_parts_and_no_further() {
    let scene = Scene::new().await;
    let payment = paid(&scene).await;
    let first = scene.stripe.refund(&part(&payment, 500), &key("r1")).await.unwrap();
    assert_eq!((&first.state, first.amount), (&RefundState::Succeeded, euros(500)));
    assert_eq!(first.payment.as_deref(), Some(payment.as_str()));
    assert_eq!(scene.stripe.refund(&part(&payment, 500), &key("r1")).await.unwrap(), first);
    assert_eq!(scene.stripe.refund_state(&first.id).await.unwrap(), first);
    assert_eq!(scene.stripe.payment(&payment).await.unwrap().refunded_minor, 500);

    for (amount, word) in [(PRICE - 499, "amount_too_large"), (0, "parameter_invalid")] {
        match scene.stripe.refund(&part(&payment, amount), &key("too:much")).await {
            Err(StripeError::Refused { code, .. }) => assert_eq!(code, word),
            other => panic!("{other:?}"),
        }
    }
    scene.stripe.refund(&part(&payment, PRICE - 500), &key("r2")).await.unwrap();
    assert_eq!(scene.stripe.payment(&payment).await.unwrap().refunded_minor, PRICE);
    match scene.stripe.refund(&part(&payment, 1), &key("r3")).await {
        Err(StripeError::Refused { code, .. }) => assert_eq!(code, "charge_already_refunded"),
        other => panic!("{other:?}"),
    }
    assert_eq!(scene.double.counts()[2], 2);
}

#[tokio::test]
async fn a_refund_of_the_dashboard_is_seen_at_the_payment() {
    let scene = Scene::new().await;
    let payment = paid(&scene).await;
    let refund = scene.double.refund(&payment, Some(200)).unwrap();
    assert_eq!(scene.stripe.refund_state(&refund).await.unwrap().amount, euros(200));
    assert_eq!(scene.stripe.payment(&payment).await.unwrap().refunded_minor, 200);
    scene.double.refund(&payment, None).unwrap();
    assert_eq!(scene.stripe.payment(&payment).await.unwrap().refunded_minor, PRICE);
    assert_eq!(scene.told().iter().filter(|kind| *kind == "charge.refunded").count(), 2);
}

#[tokio::test]
async fn a_refund_that_the_bank_returns_has_failed() {
    let scene = Scene::new().await;
    let payment = paid(&scene).await;
    let refund = scene.double.refund(&payment, None).unwrap();
    scene.double.fail_refund(&refund).unwrap();
    let refund = scene.stripe.refund_state(&refund).await.unwrap();
    assert_eq!(refund.state, RefundState::Failed);
    assert_eq!(refund.failure.as_deref(), Some("lost_or_stolen_card"));
    assert_eq!(scene.stripe.payment(&payment).await.unwrap().refunded_minor, 0);
}

#[tokio::test]
async fn what_was_not_paid_does_not_go_back() {
    let scene = Scene::new().await;
    let opened = scene.open("p1").await;
    scene.double.pay(&opened.id, Way::SepaDebit).unwrap();
    let payment = scene.stripe.checkout(&opened.id).await.unwrap().payment.unwrap();
    for payment in [payment.as_str(), "pi_none"] {
        let refused = scene.stripe.refund(&part(payment, 1), &key(payment)).await;
        assert!(matches!(refused, Err(StripeError::Refused { .. })), "{refused:?}");
    }
}
