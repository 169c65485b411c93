//! Being let in and buying: every button yields its command, and pages are opened once.

use super::*;
use crate::scenes::buying;
use tributary_plugin::command::Command;
use tributary_plugin::view::{Account, PurchaseStage, SignIn};

const ADDRESS: &str = "https://studio.local:8443";

#[test]
fn the_page_is_opened_once_when_its_code_has_come() {
    let mut window = open(View { sign_in: SignIn::Nothing, ..buying::waiting(song()) });
    window.click("Settings");
    window.click("Sign in with the browser");
    assert_eq!(window.took(), [Command::SignIn { address: ADDRESS.to_owned() }]);
    window.view.sign_in = SignIn::Asked;
    window.rest();
    assert!(window.opened.is_empty());
    window.view.sign_in = buying::waiting(song()).sign_in;
    window.rest();
    assert_eq!(window.opened, ["https://studio.local:8443/device?code=WDJB-MJHT"]);
    window.click("Open the page again");
    assert_eq!(window.opened.len(), 2);
    window.click("Copy the address");
    assert_eq!(window.copied, ["https://studio.local:8443/device?code=WDJB-MJHT"]);
    window.click("Cancel");
    assert_eq!(window.took(), [Command::CancelSignIn]);
}

#[test]
fn a_window_that_is_opened_while_somebody_waits_opens_no_page_by_itself() {
    let mut window = open(buying::waiting(song()));
    window.click("Settings");
    assert!(window.text().contains("WDJB-MJHT") && window.opened.is_empty());
}

#[test]
fn what_was_denied_can_be_tried_again() {
    for sign_in in [SignIn::Denied, SignIn::TooLate, SignIn::Failed("No.".to_owned())] {
        let mut window = open(View { sign_in, ..buying::waiting(song()) });
        window.click("Settings");
        window.click("Try again");
        assert_eq!(window.took(), [Command::SignIn { address: ADDRESS.to_owned() }]);
    }
}

#[test]
fn a_click_on_a_pack_buys_it_and_opens_its_page_once() {
    let mut window = open(buying::member(song()));
    window.click("Buy credits");
    assert!(window.opened.is_empty(), "packs are shown first");
    window.click("Buy for \u{20ac}39.00");
    assert_eq!(window.took(), [Command::Buy("studio".to_owned())]);
    let url = "https://pay.example/1".to_owned();
    window.view.purchase = buying::bought(song(), PurchaseStage::Open { url: url.clone() }).purchase;
    window.rest();
    assert_eq!(window.opened, [url]);
    window.view.purchase = buying::bought(song(), PurchaseStage::Paid).purchase;
    window.rest();
    window.click("Dismiss purchase");
    assert_eq!(window.took(), [Command::LeavePurchase]);
}

#[test]
fn who_may_not_buy_and_whose_account_is_suspended_sends_nothing() {
    let mut view = buying::member(song());
    view.account = view.account.map(|account| Account { may_buy: false, is_suspended: true, ..account });
    let mut window = open(view);
    window.click("Separate");
    window.click("Buy credits");
    window.click("Buy for \u{20ac}39.00");
    assert_eq!(window.took(), []);
}

#[test]
fn where_no_packs_are_sold_the_servers_page_is_opened() {
    let mut window = open(ready());
    window.click("Buy credits");
    assert_eq!(window.opened, ["https://studio.local:8443/credits"]);
}
