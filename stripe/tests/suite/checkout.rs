//! A pack is paid for on a page, in every way there is.

use crate::browser::{get, post};
use crate::scene::{BEGIN, PRICE, Scene, euros, key};
use tributary_stripe::checkout::{CheckoutStatus, PAGES_MAX, PaymentStatus};
use tributary_stripe::payment::PaymentState;
use tributary_stripe::{Buyer, NewCheckout, NewCustomer, StripeError};
use tributary_stripe_double::Way;

#[tokio::test]
async fn an_open_checkout_says_what_was_asked_for() {
    let scene = Scene::new().await;
    let checkout = scene.open("p1").await;
    assert!(checkout.id.starts_with("cs_test_"));
    assert_eq!(checkout.status, CheckoutStatus::Open);
    assert_eq!(checkout.payment_status, PaymentStatus::Unpaid);
    assert_eq!(checkout.total, Some(euros(PRICE)));
    assert_eq!(checkout.purchase.as_deref(), Some("p1"));
    assert_eq!((checkout.created_at_seconds, checkout.expires_at_seconds), (BEGIN, BEGIN + 3600));
    assert!(!checkout.livemode && checkout.url.is_some());
    assert_eq!((&checkout.payment, &checkout.customer, &checkout.invoice), (&None, &None, &None));
    assert_eq!(scene.stripe.checkout(&checkout.id).await.unwrap(), checkout);
}

#[tokio::test]
async fn a_buyer_pays_on_the_page_and_everything_is_there() {
    let scene = Scene::new().await;
    let opened = scene.open("p1").await;
    let url = opened.url.unwrap();
    let page = get(&url).await;
    for word in ["1000 credits &amp; &lt;more&gt;", "19.99 eur", "value=pay>Pay<", "value=cancel>Cancel<"] {
        assert!(page.body.contains(word), "{word}: {}", page.body);
    }
    let paid = post(&url, "method=card&button=pay").await;
    assert_eq!(paid.status, 303);
    let success = format!("https://studio.example/paid?checkout={}", opened.id);
    assert_eq!(paid.location(), Some(success.as_str()));

    let checkout = scene.stripe.checkout(&opened.id).await.unwrap();
    assert_eq!((checkout.status, checkout.payment_status), (CheckoutStatus::Complete, PaymentStatus::Paid));
    assert_eq!(checkout.url, None);
    let payment = scene.stripe.payment(&checkout.payment.unwrap()).await.unwrap();
    assert_eq!(payment.state, PaymentState::Succeeded);
    assert_eq!((payment.amount_minor, payment.received_minor, payment.refunded_minor), (PRICE, PRICE, 0));
    assert_eq!(payment.purchase.as_deref(), Some("p1"));
    assert_eq!(payment.currency, euros(0).currency);
    assert!(!payment.is_disputed && payment.receipt_url.is_some() && payment.charge.is_some());
    assert_eq!(payment.customer, checkout.customer);
    assert!(payment.customer.is_some() && payment.method.is_some());
    let invoice = scene.stripe.invoice(&checkout.invoice.unwrap()).await.unwrap();
    assert!(invoice.page_url.is_some() && invoice.pdf_url.unwrap().ends_with("/pdf"));
    assert_eq!(scene.told().last().unwrap(), "checkout.session.completed");
    assert!(get(&url).await.body.contains("closed"));
}

#[tokio::test]
async fn a_buyer_who_turns_back_can_pay_later() {
    let scene = Scene::new().await;
    let opened = scene.open("p1").await;
    let url = opened.url.clone().unwrap();
    let back = post(&url, "method=card&button=cancel").await;
    assert_eq!(back.location(), Some("https://studio.example/back"));
    assert_eq!(scene.stripe.checkout(&opened.id).await.unwrap(), opened);
    assert_eq!(post(&url, "method=card&button=pay").await.status, 303);
}

#[tokio::test]
async fn a_declined_card_leaves_the_checkout_open_for_another() {
    let scene = Scene::new().await;
    let opened = scene.open("p1").await;
    let url = opened.url.unwrap();
    assert!(post(&url, "method=declined_card&button=pay").await.body.contains("declined"));
    let checkout = scene.stripe.checkout(&opened.id).await.unwrap();
    assert_eq!((checkout.status, checkout.payment_status), (CheckoutStatus::Open, PaymentStatus::Unpaid));
    let tried = scene.stripe.payment(&checkout.payment.unwrap()).await.unwrap();
    assert_eq!(tried.state, PaymentState::WantsMethod);
    assert_eq!(tried.failure.as_deref(), Some("insufficient_funds"));
    assert!(scene.double.pay(&opened.id, Way::CardOfHolder).unwrap());
    let paid = scene.stripe.payment(&tried.id).await.unwrap();
    assert_eq!((paid.state, paid.failure), (PaymentState::Succeeded, None));
}

#[tokio::test]
async fn money_that_comes_days_later_is_unpaid_until_then() {
    for came in [true, false] {
        let scene = Scene::new().await;
        let opened = scene.open("p1").await;
        assert!(scene.double.pay(&opened.id, Way::SepaDebit).unwrap());
        let checkout = scene.stripe.checkout(&opened.id).await.unwrap();
        assert_eq!(
            (checkout.status, checkout.payment_status),
            (CheckoutStatus::Complete, PaymentStatus::Unpaid)
        );
        assert_eq!(checkout.invoice, None);
        let payment = checkout.payment.unwrap();
        assert_eq!(scene.stripe.payment(&payment).await.unwrap().state, PaymentState::Processing);

        scene.double.settle(&payment, came).unwrap();
        let (status, state, word) = if came {
            (PaymentStatus::Paid, PaymentState::Succeeded, "checkout.session.async_payment_succeeded")
        } else {
            (PaymentStatus::Unpaid, PaymentState::WantsMethod, "checkout.session.async_payment_failed")
        };
        let checkout = scene.stripe.checkout(&opened.id).await.unwrap();
        assert_eq!((checkout.status, checkout.payment_status), (CheckoutStatus::Complete, status));
        assert_eq!(checkout.invoice.is_some(), came);
        assert_eq!(scene.stripe.payment(&payment).await.unwrap().state, state);
        assert_eq!(scene.told().last().unwrap(), word);
    }
}

#[tokio::test]
async fn a_closed_checkout_is_not_paid_and_not_closed_again() {
    let scene = Scene::new().await;
    let opened = scene.open("p1").await;
    let closed = scene.stripe.expire(&opened.id, &key("close")).await.unwrap();
    assert_eq!((&closed.status, &closed.url), (&CheckoutStatus::Expired, &None));
    assert_eq!(scene.stripe.expire(&opened.id, &key("close")).await.unwrap(), closed);
    let again = scene.stripe.expire(&opened.id, &key("close:again")).await;
    assert!(again.is_err());
    assert!(scene.double.pay(&opened.id, Way::Card).is_err());
    assert_eq!(scene.told(), ["checkout.session.expired"]);
}

#[tokio::test]
async fn a_checkout_closes_when_its_time_is_over() {
    let scene = Scene::new().await;
    let opened = scene.open("p1").await;
    scene.pass(3599);
    assert_eq!(scene.stripe.checkout(&opened.id).await.unwrap().status, CheckoutStatus::Open);
    scene.pass(1);
    assert_eq!(scene.stripe.checkout(&opened.id).await.unwrap().status, CheckoutStatus::Expired);
}

#[tokio::test]
async fn a_known_customer_pays_as_that_customer() {
    let scene = Scene::new().await;
    let new = NewCustomer { email: "a+b@example.org".to_owned() };
    let customer = scene.stripe.customer(&new, &key("c")).await.unwrap();
    assert_eq!(scene.stripe.customer(&new, &key("c")).await.unwrap(), customer);
    let new = NewCheckout { buyer: Buyer::Customer(customer.clone()), ..scene.new_checkout("p1") };
    let opened = scene.stripe.open(&new, &key("p1")).await.unwrap();
    scene.double.pay(&opened.id, Way::Card).unwrap();
    let checkout = scene.stripe.checkout(&opened.id).await.unwrap();
    assert_eq!(checkout.customer, Some(customer));
}

#[tokio::test]
async fn what_stripe_does_not_take_is_refused_with_its_word() {
    let scene = Scene::new().await;
    let new = scene.new_checkout("p1");
    let email = |text: &str| Buyer::Email(text.to_owned());
    for (new, code) in [
        (NewCheckout { price: euros(0), ..new.clone() }, "parameter_invalid"),
        (NewCheckout { price: euros(u64::MAX), ..new.clone() }, "amount_too_large"),
        (NewCheckout { expires_at_seconds: scene.now() + 60, ..new.clone() }, "parameter_invalid"),
        (NewCheckout { expires_at_seconds: scene.now() + 90_000, ..new.clone() }, "parameter_invalid"),
        (NewCheckout { buyer: Buyer::Customer("cus_none".to_owned()), ..new.clone() }, "resource_missing"),
        (NewCheckout { buyer: email("nobody"), ..new.clone() }, "email_invalid"),
    ] {
        match scene.stripe.open(&new, &key("p1")).await {
            Err(StripeError::Refused { code: found, message }) => {
                assert_eq!(found, code);
                assert!(!message.is_empty());
            }
            other => panic!("{new:?}: {other:?}"),
        }
    }
    // A refused request leaves its key free.
    assert!(scene.stripe.open(&new, &key("p1")).await.is_ok());
}

#[tokio::test]
async fn one_key_opens_one_checkout() {
    let scene = Scene::new().await;
    let first = scene.open("p1").await;
    assert_eq!(scene.open("p1").await, first);
    assert_eq!(scene.double.counts()[0], 1);
    let other = NewCheckout { price: euros(1), ..scene.new_checkout("p1") };
    let reused = scene.stripe.open(&other, &key("p1")).await;
    assert!(matches!(reused, Err(StripeError::KeyReused)), "{reused:?}");
    assert_ne!(scene.open("p2").await.id, first.id);
}

#[tokio::test]
async fn checkouts_are_found_by_time_over_many_pages() {
    let scene = Scene::new().await;
    scene.open("early").await;
    scene.pass(10);
    for number in 0..201 {
        scene.open(&format!("p{number}")).await;
    }
    let found = scene.stripe.checkouts_since(BEGIN + 10).await.unwrap();
    assert!(found.is_whole);
    let purchases: Vec<_> = found.checkouts.iter().filter_map(|checkout| checkout.purchase.clone()).collect();
    let expected: Vec<_> = (0..201).rev().map(|number| format!("p{number}")).collect();
    assert_eq!(purchases, expected);
    assert_eq!(scene.stripe.checkouts_since(BEGIN).await.unwrap().checkouts.len(), 202);
    assert!(scene.stripe.checkouts_since(BEGIN + 11).await.unwrap().checkouts.is_empty());
}

#[tokio::test]
async fn a_list_without_end_is_cut_and_says_so() {
    let scene = Scene::new().await;
    for number in 0..=PAGES_MAX * 100 {
        scene.open(&format!("p{number}")).await;
    }
    let found = scene.stripe.checkouts_since(BEGIN).await.unwrap();
    assert!(!found.is_whole);
    assert_eq!(found.checkouts.len(), PAGES_MAX * 100);
}
