//! A person moves to another address by the pages.

use crate::pages::{PASSWORD, browser, letters, signed_up, world};
use tributary_tests::letters::link;
use tributary_tests::{Stage, wait};

const OLD: &str = "ann@example.org";
const NEW: &str = "ann@elsewhere.example";

fn can_sign_in(stage: &Stage, email: &str) -> bool {
    let fields = [("email", email), ("password", PASSWORD), ("next", "/")];
    browser(stage).submit("/sign-in", "/sign-in", &fields).unwrap().status == 303
}

async fn told(stage: &Stage, to: &str, words: &str) {
    wait::until("a letter", async || (letters(stage, to, words) == 1).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_moves_to_another_address_signs_in_with_it_alone() {
    let stage = world().await;
    let mut ann = signed_up(&stage, OLD).await;
    let confirmed = link(&stage, OLD, "confirm").await;
    let mut elsewhere = browser(&stage);
    let fields = [("email", OLD), ("password", PASSWORD), ("next", "/")];
    assert_eq!(elsewhere.submit("/sign-in", "/sign-in", &fields).unwrap().status, 303);

    for (email, password, words) in [
        ("nowhere", PASSWORD, "this is no e-mail address"),
        (OLD, PASSWORD, "that is your address already"),
        (NEW, "not this one", "the password is not right"),
    ] {
        let fields = [("email", email), ("password", password)];
        let refused = ann.submit("/account", "/account/address", &fields).unwrap();
        assert_eq!((refused.status, refused.text().contains(words)), (422, true), "{}", refused.text());
    }
    assert_eq!(
        ann.submit("/account", "/account/address", &[("email", NEW), ("password", PASSWORD)]).unwrap().status,
        303
    );
    let letter = link(&stage, NEW, "address").await;
    assert!(can_sign_in(&stage, OLD) && !can_sign_in(&stage, NEW), "nothing changed yet");

    // The letter is read on another machine, where nobody is signed in.
    let mut phone = browser(&stage);
    assert_eq!(phone.submit(&letter, &letter, &[]).unwrap().status, 303);
    assert!(!can_sign_in(&stage, OLD) && can_sign_in(&stage, NEW));
    told(&stage, OLD, "The address of your account is").await;
    let again = phone.submit(&letter, &letter, &[]).unwrap();
    assert_eq!((again.status, again.text().contains("this link is used up or too old")), (422, true));
    let page = ann.get("/account").unwrap().text();
    assert!(page.contains(NEW) && !page.contains(OLD), "{page}");

    // Whoever may sit at the other browsers does not any more.
    assert_eq!(ann.submit("/account", "/account/sessions/end-others", &[]).unwrap().status, 303);
    assert_eq!(ann.get("/account").unwrap().status, 200);
    assert_eq!(elsewhere.get("/account").unwrap().header("location"), "/sign-in?next=%2Faccount");

    // The old address is somebody's again, and has had its trial.
    let mut next = browser(&stage);
    let fields = [("email", OLD), ("name", ""), ("password", PASSWORD), ("invitation", "")];
    assert_eq!(next.submit("/sign-up", "/sign-up", &fields).unwrap().status, 200);
    let another = async || Some(link(&stage, OLD, "confirm").await).filter(|link| *link != confirmed);
    let confirm = wait::until("another letter", another).await;
    assert_eq!(next.submit(&confirm, &confirm, &[]).unwrap().status, 303);
    let page = next.get("/").unwrap().text();
    assert!(page.contains(r#"<p class="figure">0 <small>"#), "{page}");
    stage.audit().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_of_somebody_else_is_told_and_nothing_changes() {
    let stage = world().await;
    let mut ann = signed_up(&stage, OLD).await;
    signed_up(&stage, NEW).await;
    let asked =
        ann.submit("/account", "/account/address", &[("email", NEW), ("password", PASSWORD)]).unwrap();
    assert_eq!(asked.status, 303, "the page does not tell who is here");
    told(&stage, NEW, "It has an account already").await;
    assert!(can_sign_in(&stage, OLD) && can_sign_in(&stage, NEW));

    // An address that was free when it was asked for, and is not when the letter is read.
    let wanted = "both@example.org";
    let fields = [("email", wanted), ("password", PASSWORD)];
    ann.submit("/account", "/account/address", &fields).unwrap();
    let letter = link(&stage, wanted, "address").await;
    signed_up(&stage, wanted).await;
    let refused = ann.submit(&letter, &letter, &[]).unwrap();
    assert_eq!((refused.status, refused.text().contains("an account of its own by now")), (422, true));
    assert!(can_sign_in(&stage, OLD));
    stage.audit().await.unwrap();
}
