//! An operator in the browser: grants, refunds, suspends, and looks after what the payment service told.

use super::{Shop, send, song};
use tributary_server::clock::{Clock, SystemClock};
use tributary_server::store::purchases::{EventFate, PaymentEvent};
use tributary_tests::chromium::{Chromium, Scripts, is_there};
use tributary_tests::wait;

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_grants_refunds_suspends_and_looks_after_events() {
    if !is_there() {
        return;
    }
    let shop = Shop::open().await;
    let (ann, olga) = (shop.browser(Scripts::On).await, shop.browser(Scripts::On).await);
    shop.sign_up(&ann, "ann@example.org", "Ann").await;
    shop.sign_up(&olga, "olga@example.org", "Olga").await;
    olga.open("/operator").await.unwrap();
    olga.shows("Not found").await;
    let store = &shop.stage.server.store;
    store.set_operator("olga@example.org", Some(SystemClock.now())).await.unwrap();

    // Ann has nothing: olga grants.
    let account = shop.account_of("ann@example.org").await;
    let page = format!("/operator/accounts/{}", account.account());
    olga.open(&page).await.unwrap();
    olga.fill("credits", "7").await.unwrap();
    olga.find("form[action$='/grant'] [name=reason]").await.send_keys("a gift").await.unwrap();
    olga.press("Grant").await.unwrap();
    olga.shows("The credits are granted.").await;
    let file = song(&shop.stage, 3);
    send(&ann, &file).await;
    ann.press("Start").await.unwrap();
    let job = ann.is_at("/jobs/0").await;
    ann.find(".badge.done").await;

    olga.open(&page).await.unwrap();
    let id = job.rsplit('/').next().unwrap();
    olga.shows(id).await;
    olga.fill("job", id).await.unwrap();
    olga.find("form[action$='/refund'] [name=reason]").await.send_keys("it clicked").await.unwrap();
    olga.press("Give back what it took").await.unwrap();
    olga.shows("The job's credits are back.").await;
    ann.open("/statement").await.unwrap();
    ann.shows("it clicked").await;
    olga.press("Suspend the account").await.unwrap();
    olga.shows("The account starts no new jobs.").await;
    send(&ann, &file).await;
    ann.press("Start").await.unwrap();
    ann.shows("This account starts no new jobs; write to the operator").await;
    olga.press("Let it start jobs again").await.unwrap();
    olga.shows("The account may start jobs again.").await;
    send(&ann, &file).await;
    ann.press("Start").await.unwrap();
    ann.find(".badge.done").await;

    check_events(&shop, &olga).await;
    shop.stage.audit().await.unwrap();
}

/// An event that was given up is shown, and tried again when asked for.
async fn check_events(shop: &Shop, olga: &Chromium) {
    let store = &shop.stage.server.store;
    let event = PaymentEvent {
        id: "evt_given_up".to_owned(),
        kind: "customer.updated".to_owned(),
        object: "customer".to_owned(),
        object_id: "cus_1".to_owned(),
        live: false,
        raw: b"{}".to_vec(),
    };
    // Not before the day that it is told: the cashier looks at what is due.
    let late = SystemClock.now().after(std::time::Duration::from_secs(86_400));
    store.keep_event(&event, late).await.unwrap();
    store.end_event(&event.id, &EventFate::Dead("the payment service was away".to_owned())).await.unwrap();
    olga.open("/operator").await.unwrap();
    let shown = olga.shows("evt_given_up").await;
    assert!(shown.contains("given up") && shown.contains("the payment service was away"), "{shown}");
    olga.press("Try again").await.unwrap();
    olga.shows("The event is looked at again.").await;
    wait::until("the event", async || {
        olga.open("/operator").await.ok()?;
        let words = olga.words().await.ok()?;
        (!words.contains("evt_given_up") && words.contains("None: everything that was told is in the books."))
            .then_some(())
    })
    .await;
}
