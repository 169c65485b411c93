//! Which server, known by what, and what it says of the account.

use crate::rig::{Machine, Rig};
use crate::studio::{CREDITS, KEY, Pace, Studio, Wire};
use rcgen::CertifiedKey;
use tonic::transport::Identity;
use tributary_plugin::command::Command;
use tributary_plugin::project::Project;
use tributary_plugin::session::Places;
use tributary_plugin::view::{Connection, Quote};

#[test]
fn the_server_on_this_machine_is_found_and_its_account_shown() {
    let machine = Machine::new(Pace::Works);
    let rig = machine.open();
    rig.connected();
    let view = rig.session.view();
    assert!(matches!(view.connection, Connection::Connected { is_local: true, .. }));
    let account = view.account.as_ref().unwrap();
    assert_eq!((account.available, account.held), (CREDITS, 0));
    assert_eq!(account.buy_url.as_deref(), Some("https://stems.example.org/buy"));
    rig.until("offered", |view| view.choice.model == "mini");
}

#[test]
fn a_server_that_starts_later_is_found_and_none_is_no_loss() {
    let machine = Machine::new(Pace::Works);
    std::fs::remove_file(machine.places().server.join("local.json")).unwrap();
    let rig = machine.open();
    rig.session.set_window_open(true);
    rig.until("looked", |view| view.connection == Connection::NoServer);
    machine.leave_local_file();
    rig.connected();
}

#[test]
fn a_wrong_key_is_told_and_the_right_one_is_kept_for_the_next_time() {
    let machine = Machine::new(Pace::Works);
    let address = format!("http://{}", machine.wire.address);
    std::fs::remove_file(machine.places().server.join("local.json")).unwrap();
    let rig = machine.open();
    rig.send(Command::Connect { address: address.clone(), key: "tk_wrong".into() });
    rig.until("refused", |view| matches!(view.connection, Connection::SignedOut { .. }));
    rig.send(Command::Connect { address: address.clone(), key: KEY.into() });
    rig.connected();
    drop(rig);
    let rig = machine.open();
    rig.connected();
    assert!(!rig.saved().contains(KEY));
    rig.send(Command::SignOut);
    rig.until("signed out", |view| view.connection == Connection::NoServer);
    let settings = std::fs::read_to_string(machine.places().settings).unwrap();
    assert!(!settings.contains(KEY), "{settings}");
}

#[test]
fn what_can_be_no_key_or_address_is_told_without_asking() {
    let machine = Machine::new(Pace::Works);
    let rig = machine.open();
    rig.connected();
    rig.send(Command::Connect { address: "http://10.0.0.1:7700".into(), key: KEY.into() });
    rig.until(
        "insecure",
        |view| matches!(&view.connection, Connection::Lost { reason, .. } if reason.contains("unprotected")),
    );
    rig.send(Command::Connect { address: "nowhere at all".into(), key: "two words".into() });
    rig.until("no key", |view| {
        matches!(
            view.connection,
            Connection::SignedOut { .. } | Connection::Lost { .. } | Connection::NoServer
        )
    });
}

/// A server with a certificate that nobody vouches for.
async fn private_server(studio: &Studio) -> (Wire, String) {
    let CertifiedKey { cert, signing_key } =
        rcgen::generate_simple_self_signed(["localhost".to_owned(), "tributary".to_owned()]).unwrap();
    let identity = Identity::from_pem(cert.pem(), signing_key.serialize_pem());
    (Wire::to(studio.serve(Some(identity)).await).await, cert.pem())
}

fn fingerprint_of(rig: &Rig) -> (String, Option<String>) {
    rig.wait("a fingerprint", |view| match &view.connection {
        Connection::Unknown { fingerprint, accepted_before, .. } => {
            Some((fingerprint.clone(), accepted_before.clone()))
        }
        _ => None,
    })
}

#[test]
fn a_certificate_of_its_own_is_shown_accepted_once_and_noticed_when_it_changes() {
    let network = tokio::runtime::Runtime::new().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let places =
        Places { library: root.join("l"), settings: root.join("plugin.toml"), server: root.join("none") };
    let studio = Studio::new(Pace::Works);
    let (wire, _) = network.block_on(private_server(&studio));
    let address = format!("https://{}", wire.address);
    let rig = Rig::open(Project::new(), places.clone());
    rig.send(Command::Connect { address: address.clone(), key: KEY.into() });
    let (fingerprint, before) = fingerprint_of(&rig);
    assert_eq!((fingerprint.len(), before), (95, None));
    assert!(studio.state().calls.is_empty());
    rig.send(Command::Accept { fingerprint: "AA".into() });
    rig.send(Command::Accept { fingerprint: fingerprint.clone() });
    rig.connected();
    drop(rig);

    // Somebody else answers at the same place.
    let settings = std::fs::read_to_string(&places.settings).unwrap();
    let impostor = Studio::new(Pace::Works);
    let (other, _) = network.block_on(private_server(&impostor));
    let moved = settings.replace(&wire.address.to_string(), &other.address.to_string());
    std::fs::write(&places.settings, moved).unwrap();
    let rig = Rig::open(Project::new(), places);
    let (changed, before) = fingerprint_of(&rig);
    assert_eq!(before, Some(fingerprint.clone()));
    assert_ne!(changed, fingerprint);
    assert!(impostor.state().calls.is_empty());
}

#[test]
fn a_price_follows_the_take_and_is_nothing_without_one() {
    let machine = Machine::new(Pace::Works);
    let rig = machine.open();
    rig.connected();
    assert_eq!(rig.session.view().choice.quote, Quote::Nothing);
    rig.import(machine.sound_file("Song.wav", 48_000));
    let asked = machine.studio.count("quote");
    rig.send(Command::Trim(Some((0, 24_000))));
    rig.until("asked", |view| view.choice.quote == Quote::Asked);
    rig.priced();
    assert_eq!(machine.studio.count("quote"), asked + 1);
    rig.send(Command::WantStem("half".into(), false));
    rig.until("unwanted", |view| view.choice.stems == [("half".into(), false), ("other".into(), true)]);
}

#[test]
fn damaged_settings_are_told_and_do_not_stand_in_the_way() {
    let machine = Machine::new(Pace::Works);
    let path = machine.places().settings;
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    for content in [&b"no toml"[..], &[0xFF; 100], b"server = 7\nknown = [7]"] {
        std::fs::write(&path, content).unwrap();
        let rig = machine.open();
        rig.connected();
        rig.until("told", |view| view.notices.iter().any(|notice| notice.text.contains("damaged")));
    }
}
