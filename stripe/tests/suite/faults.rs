//! Everything that goes wrong on the way, and what a caller is told about it.

use crate::browser::call;
use crate::scene::{BEGIN, Scene, key};
use tributary_stripe::{Away, Checkout, NewRefund, Stripe, StripeError};
use tributary_stripe_double::{Fault, LIVE_KEY, Way, When};

/// The caller's loop: the same call with the same key until Stripe is there.
async fn insist(scene: &Scene, calls_max: usize) -> Checkout {
    for _ in 0..calls_max {
        match scene.stripe.open(&scene.new_checkout("p1"), &key("p1")).await {
            Ok(checkout) => return checkout,
            Err(StripeError::Away(_)) => {}
            Err(other) => panic!("{other:?}"),
        }
    }
    panic!("Stripe stayed away")
}

#[tokio::test]
async fn whatever_broke_the_call_asking_again_makes_one_checkout() {
    let faults = [
        Fault::Status(500),
        Fault::Status(503),
        Fault::Status(429),
        Fault::Status(409),
        Fault::Status(424),
        Fault::Page(502),
        Fault::HangUp,
    ];
    for fault in faults {
        for when in [When::Before, When::After] {
            let scene = Scene::new().await;
            scene.double.fail(fault, when, 3);
            let checkout = insist(&scene, 4).await;
            assert_eq!(scene.double.counts()[0], 1, "{fault:?} {when:?}");
            assert_eq!(scene.stripe.checkout(&checkout.id).await.unwrap(), checkout);
        }
    }
}

#[tokio::test]
async fn each_way_of_being_away_has_its_name() {
    let scene = Scene::new().await;
    let ask = || scene.stripe.checkout("cs_test_1");
    scene.double.fail(Fault::Page(502), When::Before, 1);
    let away = ask().await;
    assert!(matches!(away, Err(StripeError::Away(Away::Status { status: 502, kept: false }))), "{away:?}");
    scene.double.fail(Fault::HangUp, When::Before, 1);
    let away = ask().await;
    assert!(matches!(away, Err(StripeError::Away(Away::Network(_)))), "{away:?}");
    let nobody = Stripe::new("sk_test_1", Some("http://127.0.0.1:1")).unwrap();
    let away = nobody.checkout("cs_test_1").await;
    assert!(matches!(away, Err(StripeError::Away(Away::Network(_)))), "{away:?}");
}

/// As servers need it, whose tasks move between threads.
#[tokio::test]
async fn a_call_can_move_between_threads() {
    fn moves<T: Send>(call: T) -> T {
        call
    }
    let scene = Scene::new().await;
    let (new, name) = (scene.new_checkout("p1"), key("p1"));
    let opened = moves(scene.stripe.open(&new, &name)).await.unwrap();
    let list = moves(scene.stripe.checkouts_since(BEGIN)).await.unwrap();
    assert_eq!(list.checkouts, [opened]);
}

/// The clock of the test runs by itself while everybody waits.
#[tokio::test(start_paused = true)]
async fn who_says_nothing_is_away_when_the_time_is_over() {
    let scene = Scene::new().await;
    scene.double.fail(Fault::Silence, When::After, 1);
    let away = scene.stripe.open(&scene.new_checkout("p1"), &key("p1")).await;
    assert!(matches!(away, Err(StripeError::Away(Away::Timeout))), "{away:?}");
}

#[tokio::test]
async fn a_failure_that_stripe_kept_says_so_until_its_key_is_forgotten() {
    let scene = Scene::new().await;
    scene.double.fail(Fault::Status(500), When::Kept, 1);
    let ask = async |name: &str| scene.stripe.open(&scene.new_checkout("p1"), &key(name)).await;
    let first = ask("p1").await;
    assert!(matches!(first, Err(StripeError::Away(Away::Status { status: 500, kept: false }))), "{first:?}");
    for _ in 0..3 {
        let again = ask("p1").await;
        assert!(
            matches!(again, Err(StripeError::Away(Away::Status { status: 500, kept: true }))),
            "{again:?}"
        );
    }
    // Nothing came of it, so another key does no harm.
    assert!(scene.stripe.checkouts_since(BEGIN).await.unwrap().checkouts.is_empty());
    assert!(ask("p1:2").await.is_ok());
}

#[tokio::test]
async fn after_a_day_the_checkout_of_a_lost_answer_is_found_by_its_purchase() {
    let scene = Scene::new().await;
    scene.double.fail(Fault::HangUp, When::After, 1);
    let lost = scene.stripe.open(&scene.new_checkout("p1"), &key("p1")).await;
    assert!(matches!(lost, Err(StripeError::Away(_))));
    scene.pass(2 * 24 * 60 * 60);
    scene.double.forget_keys();
    let found = scene.stripe.checkouts_since(BEGIN).await.unwrap();
    assert!(found.is_whole);
    let purchases: Vec<_> = found.checkouts.iter().map(|checkout| checkout.purchase.as_deref()).collect();
    assert_eq!(purchases, [Some("p1")]);
}

#[tokio::test]
async fn an_answer_that_cannot_be_read_is_told_from_one_that_did_not_come() {
    let scene = Scene::new().await;
    for fault in [Fault::Drifted, Fault::Endless] {
        scene.double.fail(fault, When::After, 1);
        let unreadable = scene.stripe.open(&scene.new_checkout("p1"), &key("p1")).await;
        assert!(matches!(unreadable, Err(StripeError::Unparsed { .. })), "{unreadable:?}");
    }
    // The work was done all the same.
    scene.open("p1").await;
    assert_eq!(scene.double.counts()[0], 1);
}

#[tokio::test]
async fn what_nobody_relies_on_may_change() {
    let scene = Scene::new().await;
    scene.double.fail(Fault::Grown, When::After, 1);
    let opened = scene.open("p1").await;
    scene.double.pay(&opened.id, Way::Card).unwrap();
    scene.double.fail(Fault::Grown, When::After, 6);
    let checkout = scene.stripe.checkout(&opened.id).await.unwrap();
    let payment = scene.stripe.payment(checkout.payment.as_ref().unwrap()).await.unwrap();
    let refund = NewRefund { payment: payment.id.clone(), amount_minor: 1 };
    let refund = scene.stripe.refund(&refund, &key("r")).await.unwrap();
    scene.stripe.refund_state(&refund.id).await.unwrap();
    scene.stripe.invoice(&checkout.invoice.unwrap()).await.unwrap();
    let dispute = scene.double.dispute(&payment.id).unwrap();
    scene.stripe.dispute(&dispute).await.unwrap();
    // All of them were grown, and none was left for this one.
    assert_eq!(scene.stripe.checkout(&opened.id).await.unwrap().id, opened.id);
}

#[tokio::test]
async fn what_is_not_there_is_not_found_and_what_is_no_id_is_not_asked_for() {
    let scene = Scene::new().await;
    let id =
        |error: Result<(), StripeError>| assert!(matches!(error, Err(StripeError::NotFound)), "{error:?}");
    for name in ["cs_test_none", "../customers", "", "a/b?c"] {
        id(scene.stripe.checkout(name).await.map(drop));
        id(scene.stripe.payment(name).await.map(drop));
        id(scene.stripe.refund_state(name).await.map(drop));
        id(scene.stripe.dispute(name).await.map(drop));
        id(scene.stripe.invoice(name).await.map(drop));
        id(scene.stripe.expire(name, &key("e")).await.map(drop));
    }
}

#[tokio::test]
async fn a_key_that_stripe_does_not_know_is_refused() {
    let scene = Scene::new().await;
    let stranger = Stripe::new("sk_test_stranger", Some(scene.double.url())).unwrap();
    let refused = stranger.checkout("cs_test_1").await;
    assert!(matches!(refused, Err(StripeError::Refused { .. })), "{refused:?}");
    assert!(!format!("{refused:?}").contains("stranger"));
}

#[tokio::test]
async fn a_key_of_real_money_is_not_sent_in_the_open() {
    let scene = Scene::new().await;
    assert!(Stripe::new(LIVE_KEY, Some(scene.double.url())).is_err());
    let live = Stripe::new(LIVE_KEY, None).unwrap();
    assert!(live.mode().is_live() && !scene.stripe.mode().is_live());
}

/// By another program: the adapter would not send it.
#[tokio::test]
async fn a_key_of_real_money_finds_nothing_of_the_test_mode() {
    let scene = Scene::new().await;
    let opened = scene.open("p1").await;
    let sessions = format!("{}/v1/checkout/sessions", scene.double.url());
    let found = call(&format!("{sessions}/{}", opened.id), LIVE_KEY, "").await;
    assert!(found.status == 404 && found.body.contains("test mode"), "{}", found.body);
    let made = call(&sessions, LIVE_KEY, "mode=payment").await;
    assert!(made.status == 403 && made.body.contains("testmode_charges_only"), "{}", made.body);
}
