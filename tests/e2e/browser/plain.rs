//! Scripts switched off: everything works but to see progress without loading the page again.

use super::{PASSWORD, Shop, send, song};
use tributary_tests::chromium::{PHONE, Scripts, is_there};
use tributary_tests::wait;

#[tokio::test(flavor = "multi_thread")]
async fn without_scripts_one_signs_in_buys_sends_and_hears() {
    if !is_there() {
        return;
    }
    let shop = Shop::open().await;
    let ann = shop.browser(Scripts::Off).await;
    ann.resize(PHONE).await.unwrap();
    shop.sign_up(&ann, "ann@example.org", "Ann").await;
    ann.open("/account").await.unwrap();
    ann.press("Sign out").await.unwrap();
    ann.shows("You are signed out.").await;
    ann.fill("email", "ann@example.org").await.unwrap();
    ann.fill("password", PASSWORD).await.unwrap();
    ann.find("main form button").await.click().await.unwrap();
    ann.shows("Newest jobs").await;
    shop.buy(&ann, "90.00 EUR").await;
    send(&ann, &song(&shop.stage, 3)).await;
    ann.press("Start").await.unwrap();
    ann.is_at("/jobs/0").await;
    wait::until("the result", async || {
        if ann.all(".badge.done").await.ok()?.is_empty() {
            ann.press("Load again").await.ok()?;
            return None;
        }
        Some(())
    })
    .await;
    // The browser's own players, a picture each, a file each; nothing that only a script could do.
    assert_eq!(ann.all("audio[controls]").await.unwrap().len(), 4);
    assert_eq!(ann.all("a[download]").await.unwrap().len(), 4);
    for only_by_script in ["[data-play]", "[data-solo]", "[data-mute]", "[data-seek]"] {
        for each in ann.all(only_by_script).await.unwrap() {
            assert!(!each.is_displayed().await.unwrap(), "{only_by_script}");
        }
    }
    ann.open("/").await.unwrap();
    ann.shows("1,199 available").await;
    // Keys, too: made, seen once, dead again.
    ann.open("/keys").await.unwrap();
    ann.fill("label", "my studio").await.unwrap();
    ann.press("Make the key").await.unwrap();
    ann.shows("It is shown this once").await;
    ann.press("I have copied it").await.unwrap();
    ann.press("Revoke").await.unwrap();
    ann.shows("The key is dead from now on.").await;
    shop.stage.audit().await.unwrap();
}
