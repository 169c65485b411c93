//! Two people in two browsers: one invites the other, who works until the month's limit says no.

use super::{PASSWORD, Shop, send, song};
use tributary_tests::chromium::{PHONE, Scripts, is_there};
use tributary_tests::letters::link;

#[tokio::test(flavor = "multi_thread")]
async fn an_invited_member_works_until_the_limit_of_the_month() {
    if !is_there() {
        return;
    }
    let shop = Shop::open().await;
    let (ann, bob) = (shop.browser(Scripts::On).await, shop.browser(Scripts::On).await);
    bob.resize(PHONE).await.unwrap();
    shop.sign_up(&ann, "ann@example.org", "Ann").await;
    ann.open("/account").await.unwrap();
    ann.fill("title", "Two Rivers").await.unwrap();
    ann.press("Make the team").await.unwrap();
    ann.shows("you are its owner").await;
    shop.buy(&ann, "9.00 EUR").await;
    ann.open("/members").await.unwrap();
    ann.find("form[action='/members/invite'] [name=email]").await.send_keys("bob@example.org").await.unwrap();
    ann.press("Send the invitation").await.unwrap();
    ann.shows("The invitation is on its way.").await;

    // The letter's link proves the address: no second letter comes.
    bob.open(&link(&shop.stage, "bob@example.org", "invitation").await).await.unwrap();
    bob.shows("Join Two Rivers").await;
    bob.press("Sign up").await.unwrap();
    bob.fill("password", PASSWORD).await.unwrap();
    bob.press("Sign up").await.unwrap();
    bob.is_at("/sign-in").await;
    bob.fill("email", "bob@example.org").await.unwrap();
    bob.fill("password", PASSWORD).await.unwrap();
    bob.find("main form button").await.click().await.unwrap();
    bob.press("Join").await.unwrap();
    bob.shows("You are a member of this account now.").await;
    let seen = bob.shows("100 available").await;
    assert!(seen.contains("Two Rivers"), "{seen}");

    ann.open("/members").await.unwrap();
    let own = "//tr[contains(., 'bob@example.org')]//form[@action='/members/change']";
    ann.find_path(&format!("{own}//input[@name='limit']")).await.send_keys("1").await.unwrap();
    ann.find_path(&format!("{own}//button")).await.click().await.unwrap();
    ann.shows("The member is changed.").await;

    let file = song(&shop.stage, 3);
    send(&bob, &file).await;
    bob.press("Start").await.unwrap();
    bob.is_at("/jobs/0").await;
    bob.find(".badge.done").await;
    send(&bob, &file).await;
    bob.press("Start").await.unwrap();
    bob.shows("This job costs 1 credit, and your limit this month is 1 credit, of which 1 is spent or held; ask an owner").await;
    // Nothing was held for it, and the owner sees who used what.
    ann.open("/usage").await.unwrap();
    ann.shows("bob@example.org").await;
    ann.open("/").await.unwrap();
    ann.shows("99 available").await;
    shop.stage.audit().await.unwrap();
}
