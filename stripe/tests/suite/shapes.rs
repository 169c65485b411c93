//! The stand-in's objects against types that were generated from Stripe's own description of its API: whatever it says
//! is always there must be there, with the type it says.

use crate::scene::Scene;
use miniserde::Deserialize;
use std::collections::BTreeMap;
use tributary_stripe_double::{Event, Way};

/// Every kind of event that the stand-in makes.
async fn events() -> Vec<Event> {
    let scene = Scene::new().await;
    for (purchase, way) in
        [("a", Way::Card), ("b", Way::DeclinedCard), ("c", Way::SepaDebit), ("d", Way::SepaDebit)]
    {
        let opened = scene.open(purchase).await;
        scene.double.pay(&opened.id, way).unwrap();
        let payment = scene.stripe.checkout(&opened.id).await.unwrap().payment.unwrap();
        match purchase {
            "a" => {
                let refund = scene.double.refund(&payment, Some(1)).unwrap();
                scene.double.fail_refund(&refund).unwrap();
                let dispute = scene.double.dispute(&payment).unwrap();
                scene.double.close_dispute(&dispute, true).unwrap();
            }
            "b" => scene.double.expire(&opened.id).unwrap(),
            _ => scene.double.settle(&payment, purchase == "c").unwrap(),
        }
    }
    scene.double.events()
}

fn is<T: Deserialize>(json: &str) -> bool {
    miniserde::json::from_str::<T>(json).is_ok()
}

#[tokio::test]
async fn every_object_is_of_the_described_type() {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for event in events().await {
        let json = event.object.to_string();
        let kind = event.object["object"].as_str().unwrap();
        let is_right = match kind {
            "checkout.session" => is::<stripe_shared::CheckoutSession>(&json),
            "payment_intent" => is::<stripe_shared::PaymentIntent>(&json),
            "charge" => is::<stripe_shared::Charge>(&json),
            "refund" => is::<stripe_shared::Refund>(&json),
            "dispute" => is::<stripe_shared::Dispute>(&json),
            "customer" => is::<stripe_shared::Customer>(&json),
            "invoice" => is::<stripe_shared::Invoice>(&json),
            other => panic!("{other}"),
        };
        assert!(is_right, "{}: {json}", event.kind);
        let body = String::from_utf8(event.body()).unwrap();
        assert!(is::<stripe_shared::Event>(&body), "{body}");
        *seen.entry(kind.to_owned()).or_default() += 1;
    }
    assert_eq!(seen.len(), 7, "{seen:?}");
}

#[tokio::test]
async fn the_comparison_sees_what_is_missing() {
    for event in events().await.into_iter().filter(|event| event.kind == "checkout.session.expired") {
        for field in ["id", "automatic_tax", "payment_status", "shipping_options"] {
            let mut object = event.object.clone();
            object.as_object_mut().unwrap().remove(field);
            assert!(!is::<stripe_shared::CheckoutSession>(&object.to_string()), "{field}");
        }
    }
}
