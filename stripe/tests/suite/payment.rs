//! A payment without the buyer, by a way that was kept.

use crate::scene::{PRICE, Scene, euros, key};
use tributary_stripe::payment::PaymentState;
use tributary_stripe::{Charged, NewCharge, NewCheckout, NewCustomer, StripeError};
use tributary_stripe_double::Way;

async fn customer(scene: &Scene) -> String {
    let new = NewCustomer { email: "buyer@example.org".to_owned() };
    scene.stripe.customer(&new, &key("customer")).await.unwrap()
}

fn charge(customer: &str, method: &str) -> NewCharge {
    let (customer, method) = (customer.to_owned(), method.to_owned());
    NewCharge { purchase: "p9".to_owned(), customer, method, price: euros(PRICE) }
}

#[tokio::test]
async fn a_way_that_was_kept_pays_again_and_one_that_was_not_does_not() {
    for is_kept in [true, false] {
        let scene = Scene::new().await;
        let new = NewCheckout { is_kept, ..scene.new_checkout("p1") };
        let opened = scene.stripe.open(&new, &key("p1")).await.unwrap();
        scene.double.pay(&opened.id, Way::Card).unwrap();
        let checkout = scene.stripe.checkout(&opened.id).await.unwrap();
        let first = scene.stripe.payment(&checkout.payment.unwrap()).await.unwrap();
        let new = charge(&checkout.customer.unwrap(), &first.method.unwrap());
        match scene.stripe.charge_again(&new, &key("again")).await {
            Ok(Charged::Succeeded(payment)) if is_kept => {
                assert_eq!((payment.received_minor, payment.purchase.as_deref()), (PRICE, Some("p9")));
                assert_ne!(payment.id, first.id);
                assert_eq!(scene.stripe.payment(&payment.id).await.unwrap(), payment);
            }
            Err(StripeError::Refused { .. }) if !is_kept => {}
            other => panic!("{is_kept}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn a_declined_card_is_an_answer_that_stays() {
    let scene = Scene::new().await;
    let customer = customer(&scene).await;
    let new = charge(&customer, &scene.double.keep(&customer, Way::DeclinedCard));
    let first = scene.stripe.charge_again(&new, &key("again")).await.unwrap();
    let Charged::Declined { code, message, payment } = &first else { panic!("{first:?}") };
    assert_eq!(code, "insufficient_funds");
    assert_eq!(message, "Your card has insufficient funds.");
    let payment = scene.stripe.payment(payment.as_ref().unwrap()).await.unwrap();
    assert_eq!(payment.state, PaymentState::WantsMethod);
    assert_eq!(scene.stripe.charge_again(&new, &key("again")).await.unwrap(), first);
    assert_eq!(scene.double.counts()[1], 1);
}

#[tokio::test]
async fn a_card_that_wants_its_holder_asks_for_a_checkout() {
    let scene = Scene::new().await;
    let customer = customer(&scene).await;
    let new = charge(&customer, &scene.double.keep(&customer, Way::CardOfHolder));
    let outcome = scene.stripe.charge_again(&new, &key("again")).await.unwrap();
    assert!(matches!(outcome, Charged::WantsBuyer { payment: Some(_) }), "{outcome:?}");
}

#[tokio::test]
async fn a_debit_is_processing_until_the_money_comes() {
    let scene = Scene::new().await;
    let customer = customer(&scene).await;
    let new = charge(&customer, &scene.double.keep(&customer, Way::SepaDebit));
    let outcome = scene.stripe.charge_again(&new, &key("again")).await.unwrap();
    let Charged::Processing(payment) = outcome else { panic!("{outcome:?}") };
    assert_eq!((payment.amount_minor, payment.received_minor), (PRICE, 0));
    scene.double.settle(&payment.id, true).unwrap();
    assert_eq!(scene.stripe.payment(&payment.id).await.unwrap().received_minor, PRICE);
    assert_eq!(scene.told().last().unwrap(), "payment_intent.succeeded");
}

#[tokio::test]
async fn anothers_way_and_one_that_is_not_there_are_refused() {
    let scene = Scene::new().await;
    let customer = customer(&scene).await;
    let foreign = scene.double.keep("cus_another", Way::Card);
    for (method, word) in
        [(foreign.as_str(), "payment_method_customer_mismatch"), ("pm_none", "resource_missing")]
    {
        match scene.stripe.charge_again(&charge(&customer, method), &key(method)).await {
            Err(StripeError::Refused { code, .. }) => assert_eq!(code, word),
            other => panic!("{method}: {other:?}"),
        }
    }
    assert_eq!(scene.double.counts()[1], 0);
}
