//! A bank takes a payment back.

use crate::scene::{PRICE, Scene, euros, key};
use tributary_stripe::dispute::DisputeState;
use tributary_stripe::{NewRefund, StripeError};
use tributary_stripe_double::Way;

#[tokio::test]
async fn a_dispute_is_open_until_the_bank_decides() {
    for won in [true, false] {
        let scene = Scene::new().await;
        let opened = scene.open("p1").await;
        scene.double.pay(&opened.id, Way::Card).unwrap();
        let payment = scene.stripe.checkout(&opened.id).await.unwrap().payment.unwrap();
        scene.double.refund(&payment, Some(99)).unwrap();
        let id = scene.double.dispute(&payment).unwrap();

        let dispute = scene.stripe.dispute(&id).await.unwrap();
        assert_eq!((&dispute.state, dispute.amount), (&DisputeState::WantsAnswer, euros(PRICE - 99)));
        assert_eq!(dispute.payment.as_deref(), Some(payment.as_str()));
        assert_eq!(dispute.reason, "fraudulent");
        assert!(scene.stripe.payment(&payment).await.unwrap().is_disputed);
        let refund = NewRefund { payment: payment.clone(), amount_minor: 1 };
        match scene.stripe.refund(&refund, &key("r")).await {
            Err(StripeError::Refused { code, .. }) => assert_eq!(code, "charge_disputed"),
            other => panic!("{other:?}"),
        }

        scene.double.close_dispute(&id, won).unwrap();
        let state = if won { DisputeState::Won } else { DisputeState::Lost };
        assert_eq!(scene.stripe.dispute(&id).await.unwrap().state, state);
        let told = scene.told();
        assert!(told.iter().any(|kind| kind == "charge.dispute.created"));
        assert!(told.iter().any(|kind| kind == "charge.dispute.closed"));
        assert_eq!(told.iter().any(|kind| kind == "charge.dispute.funds_reinstated"), won);
        assert!(scene.double.close_dispute(&id, won).is_err());
    }
}
