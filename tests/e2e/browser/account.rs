//! A person's own things by the pages: keys that programs use, devices that are let in, buying without being asked again.

use super::Shop;
use tributary_protocol::client::SignInAnswer;
use tributary_protocol::vocab::Credits;
use tributary_server::webhook::Event;
use tributary_tests::chromium::{Scripts, is_there};
use tributary_tests::{stage, wait};

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_made_used_and_revoked() {
    if !is_there() {
        return;
    }
    let shop = Shop::with(|config| config.pages.trial_credits = 30).await;
    let ann = shop.browser(Scripts::On).await;
    shop.sign_up(&ann, "ann@example.org", "Ann").await;
    ann.open("/keys").await.unwrap();
    ann.fill("label", "my studio").await.unwrap();
    ann.press("Make the key").await.unwrap();
    let key = ann.find("code.secret").await.text().await.unwrap();
    let client = stage::connect(&shop.stage.server.address, &key).await.unwrap();
    assert_eq!(client.account().await.unwrap().posted, Credits(30));
    ann.press("I have copied it").await.unwrap();
    let shown = ann.shows("my studio").await;
    assert!(!shown.contains(&key), "it is shown once");
    ann.press("Revoke").await.unwrap();
    ann.shows("The key is dead from now on.").await;
    assert!(client.account().await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_hears_of_another_event_when_its_box_is_ticked_without_scripts_too() {
    if !is_there() {
        return;
    }
    let shop = Shop::with(|config| config.pages.trial_credits = 30).await;
    for scripts in [Scripts::On, Scripts::Off] {
        let ann = shop.browser(scripts).await;
        let email = format!("ann.{scripts:?}@example.org").to_lowercase();
        shop.sign_up(&ann, &email, "Ann").await;
        ann.open("/webhooks").await.unwrap();
        ann.fill("url", "https://hooks.example.org/x").await.unwrap();
        ann.find("form[action='/webhooks'] [value='job.expired']").await.click().await.unwrap();
        ann.press("Add it").await.unwrap();
        ann.press("I have copied it").await.unwrap();
        let account = shop.account_of(&email).await;
        let look = async || shop.stage.server.store.webhooks(&account).await.unwrap().remove(0).events;
        assert_eq!(look().await, [Event::JobDone, Event::JobFailed, Event::JobCancelled]);
        // The words beside a box are its label.
        let words = "//form[@action='/webhooks/change']//label[normalize-space()='job.expired']";
        ann.find_path(words).await.click().await.unwrap();
        ann.find("form[action='/webhooks/change'] [value='job.failed']").await.click().await.unwrap();
        ann.press("Save").await.unwrap();
        ann.shows("The webhook hears of what is ticked from now on.").await;
        assert_eq!(look().await, [Event::JobDone, Event::JobCancelled, Event::JobExpired]);
        let boxes = ann.all("form[action='/webhooks/change'] [name=event]:checked").await.unwrap();
        assert_eq!(boxes.len(), 3);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_is_let_in_by_the_code_it_shows() {
    if !is_there() {
        return;
    }
    let shop = Shop::with(|config| config.pages.trial_credits = 30).await;
    let ann = shop.browser(Scripts::On).await;
    shop.sign_up(&ann, "ann@example.org", "Ann").await;
    let device = shop.stage.client.begin_sign_in("plugin on a desk").await.unwrap();
    ann.open("/device").await.unwrap();
    ann.fill("code", "BBBB-BBBB").await.unwrap();
    ann.press("Go on").await.unwrap();
    ann.shows("No device waits with this code.").await;
    // As people type: small letters, and a space.
    ann.fill("code", &device.code.to_lowercase().replace('-', " ")).await.unwrap();
    ann.press("Go on").await.unwrap();
    ann.shows("plugin on a desk").await;
    ann.press("Let it in").await.unwrap();
    ann.shows("The device is let in.").await;
    let key = wait::until("the device's key", async || {
        match shop.stage.client.poll_sign_in(&device.secret).await.unwrap() {
            SignInAnswer::Key(key) => Some(key),
            _ => None,
        }
    })
    .await;
    let client = stage::connect(&shop.stage.server.address, &key).await.unwrap();
    assert_eq!(client.account().await.unwrap().posted, Credits(30));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_runs_low_buys_again_as_its_owner_asked() {
    if !is_there() {
        return;
    }
    let shop = Shop::open().await;
    let ann = shop.browser(Scripts::On).await;
    shop.sign_up(&ann, "ann@example.org", "Ann").await;
    ann.shows("Buy a pack once with “Keep the card”").await;
    ann.find("[name=keep]").await.click().await.unwrap();
    ann.press("9.00 EUR").await.unwrap();
    ann.press("Go on to the payment").await.unwrap();
    ann.press("Pay").await.unwrap();
    ann.shows("It is paid").await;
    ann.press("Back").await.unwrap();
    ann.fill("below", "150").await.unwrap();
    ann.fill("most", "5").await.unwrap();
    ann.press("Buy by itself").await.unwrap();
    ann.shows("less than one pack").await;
    ann.open("/").await.unwrap();
    ann.fill("below", "150").await.unwrap();
    ann.fill("most", "20").await.unwrap();
    ann.press("Buy by itself").await.unwrap();
    ann.shows("The account buys by itself from now on.").await;
    // Two packs of the second kind fit into the month: 100 credits became 200, and that is enough.
    wait::until("the credits", async || {
        ann.open("/").await.ok()?;
        ann.words().await.ok()?.contains("200 available").then_some(())
    })
    .await;
    ann.press("Stop it").await.unwrap();
    ann.shows("The account buys nothing by itself any more.").await;
    let account = shop.account_of("ann@example.org").await;
    let payer = shop.stage.server.store.payer(&account, false).await.unwrap().unwrap();
    assert_eq!((payer.top_up, payer.method.is_some()), (None, true));
    shop.stage.audit().await.unwrap();
}
