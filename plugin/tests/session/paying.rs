//! Being let in by the browser, and buying credits.

use crate::rig::{Machine, Rig};
use crate::studio::{KEY, Pace};
use std::sync::{Arc, Mutex};
use tributary_plugin::command::Command;
use tributary_plugin::view::{Connection, PurchaseStage, SignIn, View};
use tributary_protocol::v1;

/// A machine whose server has to be entered, and its address.
fn stranger() -> (Machine, String) {
    let machine = Machine::new(Pace::Works);
    std::fs::remove_file(machine.places().server.join("local.json")).unwrap();
    let address = format!("http://{}", machine.wire.address);
    (machine, address)
}

fn is_waiting(view: &View) -> bool {
    matches!(&view.sign_in, SignIn::Waiting { code, .. } if code == "WDJB-MJHT")
}

fn stage(rig: &Rig, what: &str, is_so: impl Fn(&PurchaseStage) -> bool) {
    rig.until(what, |view| view.purchase.as_ref().is_some_and(|purchase| is_so(&purchase.stage)));
}

#[test]
fn who_confirms_the_code_is_connected_and_stays_so() {
    let (machine, address) = stranger();
    let rig = machine.open();
    rig.send(Command::SignIn { address: address.clone() });
    rig.until("a code", is_waiting);
    rig.until("signed out", |view| matches!(view.connection, Connection::SignedOut { .. }));
    assert!(machine.studio.state().till.device.starts_with("Tributary"));
    // The window is opened and closed meanwhile, and the line is cut.
    rig.session.set_window_open(true);
    rig.session.set_window_open(false);
    machine.wire.cut();
    machine.wire.mend();
    assert!(is_waiting(&rig.session.view()));
    machine.studio.state().till.said = v1::SignInState::LetIn;
    rig.connected();
    rig.until("done", |view| view.sign_in == SignIn::Nothing);
    assert!(std::fs::read_to_string(machine.places().settings).unwrap().contains(KEY));
    assert!(!rig.saved().contains(KEY) && !format!("{:?}", rig.session.view()).contains(KEY));
    drop(rig);
    machine.open().connected();
}

#[test]
fn a_refusal_and_a_late_answer_are_told_and_it_can_be_tried_again() {
    let (machine, address) = stranger();
    let rig = machine.open();
    for (said, shown) in [(v1::SignInState::Denied, SignIn::Denied), (v1::SignInState::Gone, SignIn::TooLate)]
    {
        rig.send(Command::SignIn { address: address.clone() });
        rig.until("a code", is_waiting);
        machine.studio.state().till.said = said;
        rig.until("an end", |view| view.sign_in == shown);
    }
    rig.send(Command::SignIn { address });
    rig.until("a code", is_waiting);
    rig.send(Command::CancelSignIn);
    rig.until("cancelled", |view| view.sign_in == SignIn::Nothing);
}

#[test]
fn a_server_without_pages_says_what_to_do() {
    let (machine, address) = stranger();
    machine.studio.state().till.has_no_pages = true;
    let rig = machine.open();
    rig.send(Command::SignIn { address });
    rig.until(
        "told",
        |view| matches!(&view.sign_in, SignIn::Failed(why) if why.contains("paste a key from its operator")),
    );
}

#[test]
fn a_purchase_is_on_disk_before_it_is_sent_and_is_seen_to_its_end_by_the_next_instance() {
    let machine = Machine::new(Pace::Works);
    let settings = machine.places().settings;
    let (seen, saw) = (Arc::new(Mutex::new(false)), settings.clone());
    let looked = Arc::clone(&seen);
    machine.studio.state().on_buy = Some(Arc::new(move |id| {
        *looked.lock().unwrap() = std::fs::read_to_string(&saw).unwrap().contains(&id.to_string());
    }));
    let rig = machine.open();
    rig.connected();
    let packs = rig.session.view().account.as_ref().unwrap().packs.clone();
    assert!(packs.test && packs.packs[0].price() == "\u{20ac}9.00");
    rig.send(Command::Buy("small".into()));
    stage(&rig, "open", |stage| {
        *stage == PurchaseStage::Open { url: "https://pay.example.org/1".to_owned() }
    });
    assert!(*seen.lock().unwrap());
    drop(rig);
    let rig = machine.open();
    stage(&rig, "found again", |stage| matches!(stage, PurchaseStage::Open { .. }));
    machine.studio.settle(v1::PurchaseState::Paid);
    let asked = machine.studio.count("account");
    stage(&rig, "paid", |stage| *stage == PurchaseStage::Paid);
    rig.until("asked for the balance", |_| machine.studio.count("account") > asked);
    assert!(!std::fs::read_to_string(settings).unwrap().contains("purchase"));
    rig.send(Command::LeavePurchase);
    rig.until("left", |view| view.purchase.is_none());
    assert_eq!(machine.studio.state().till.purchases.len(), 1);
}

#[test]
fn what_nobody_paid_is_told_and_what_is_not_sold_is_not_bought() {
    let machine = Machine::new(Pace::Works);
    let rig = machine.open();
    rig.connected();
    rig.send(Command::Buy("everything".into()));
    rig.until("told", |view| view.notices.iter().any(|notice| notice.text.contains("cannot be bought")));
    rig.send(Command::Buy("small".into()));
    stage(&rig, "open", |stage| matches!(stage, PurchaseStage::Open { .. }));
    machine.studio.settle(v1::PurchaseState::Expired);
    stage(&rig, "expired", |stage| *stage == PurchaseStage::Expired);
    // Buying left the connection as it was.
    assert!(matches!(rig.session.view().connection, Connection::Connected { .. }));
}
