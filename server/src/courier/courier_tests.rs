//! The courier against real receivers on this machine: those that fail, that say nothing, that lead elsewhere, and those
//! that die at the wrong moment.

use super::*;
use crate::clock::{ManualClock, SystemClock};
use crate::config::WebhooksConfig;
use crate::mail::post::Post;
use crate::mail::{Letter, Mail, MailError};
use crate::people::{Person, Role};
use crate::store::people::{MemberWish, NewInvitation, NewPerson};
use crate::store::sqlite::SqliteStore;
use crate::store::webhooks::{AddedWebhook, NewWebhook};
use crate::webhook::{Delivery, DeliveryState, FAILING_DAYS_MAX, PATIENCE, Secret};
use async_trait::async_trait;
use std::net::SocketAddr;
use std::sync::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};
use tributary_protocol::vocab::{AccountId, EventId, InvitationId, PersonId, Sha256, WebhookId};
use wire::{Names, SystemNames};

const DEVELOPMENT: WebhooksConfig = WebhooksConfig { development: true, high_ports: false };
const STRICT: WebhooksConfig = WebhooksConfig { development: false, high_ports: true };

/// A receiver that gives one answer after the other, the last for ever; what came, head and body.
struct Receiver {
    address: SocketAddr,
    came: Arc<Mutex<Vec<String>>>,
}

impl Receiver {
    async fn new(answers: &'static [&'static str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, came) = (listener.local_addr().unwrap(), Arc::new(Mutex::new(Vec::new())));
        let kept = Arc::clone(&came);
        tokio::spawn(async move {
            for turn in 0.. {
                let (mut stream, _) = listener.accept().await.unwrap();
                let request = read_request(&mut stream).await;
                kept.lock().unwrap().push(request);
                let answer = answers[turn.min(answers.len() - 1)];
                if answer.is_empty() {
                    // Says nothing and keeps the connection.
                    tokio::spawn(async move { stream.read_u8().await });
                } else {
                    stream.write_all(answer.as_bytes()).await.unwrap();
                }
            }
        });
        Self { address, came }
    }

    fn came(&self) -> Vec<String> {
        self.came.lock().unwrap().clone()
    }
}

async fn read_request(stream: &mut (impl AsyncReadExt + Unpin)) -> String {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
            if body.len() >= length.parse::<usize>().unwrap() {
                return text;
            }
        }
        assert_ne!(stream.read_buf(&mut bytes).await.unwrap(), 0, "a whole request: {text}");
    }
}

/// Keeps letters for a test to read.
#[derive(Default)]
struct Pigeonhole(Mutex<Vec<Letter>>);

#[async_trait]
impl Mail for Pigeonhole {
    async fn send(&self, letter: &Letter) -> Result<(), MailError> {
        self.0.lock().unwrap().push(letter.clone());
        Ok(())
    }
}

struct Street {
    courier: Arc<Courier>,
    clock: Arc<ManualClock>,
    tenant: Tenant,
    letters: Arc<Pigeonhole>,
    /// The account's only owner.
    owner: PersonId,
}

impl Street {
    async fn new(wire: Wire) -> Self {
        let clock = Arc::new(ManualClock::new(SystemClock.now()));
        let store = Arc::new(SqliteStore::open_in_memory().await.unwrap());
        let account = AccountId::generate();
        let owner = somebody(&*store, account, "owner@example.org", clock.now()).await;
        let letters = Arc::<Pigeonhole>::default();
        let post = Post::new(Arc::clone(&letters) as Arc<dyn Mail>);
        let alarm = Alarm { post, url: "https://band.example".to_owned(), brand: "Band".to_owned() };
        let courier = Courier { store, clock: Arc::clone(&clock) as Arc<dyn Clock>, wire, alarm };
        Self { courier: Arc::new(courier), clock, tenant: Tenant::acting_for(account), letters, owner }
    }

    async fn with(config: WebhooksConfig) -> Self {
        let patience = Duration::from_millis(300);
        Self::new(Wire::with(config, Arc::new(SystemNames), RootCertStore::empty(), patience)).await
    }

    /// An endpoint that has something to hear.
    async fn told(&self, url: &str) -> WebhookId {
        self.told_by(url, None).await
    }

    async fn told_by(&self, url: &str, made_by: Option<PersonId>) -> WebhookId {
        let id = WebhookId::generate();
        let (events, secret) = (Event::CHOICES.to_vec(), Secret::new(&"s".repeat(43)));
        let new = NewWebhook { id, url: url.to_owned(), events, secret, made_by };
        let added = self.courier.store.add_webhook(&self.tenant, &new, self.clock.now()).await.unwrap();
        assert!(matches!(added, AddedWebhook::Yes(_)));
        let event = EventId::generate();
        assert!(self.courier.store.test_webhook(&self.tenant, id, event, self.clock.now()).await.unwrap());
        id
    }

    /// Everything that is due now is sent.
    async fn round(&self) -> usize {
        let parcels = self.courier.take(100).await.unwrap();
        for parcel in &parcels {
            self.courier.send_and_note(parcel).await.unwrap();
        }
        parcels.len()
    }

    async fn delivery(&self, id: WebhookId) -> Delivery {
        self.courier.store.deliveries(&self.tenant, id, 1).await.unwrap().remove(0)
    }
}

/// Somebody whose own account this is.
async fn somebody(store: &dyn Store, account: AccountId, email: &str, now: Timestamp) -> PersonId {
    let person = Person {
        id: PersonId::generate(),
        email: email.to_owned(),
        name: String::new(),
        password: "-".to_owned(),
        verified_at: Some(now),
        operates_since: None,
    };
    let id = person.id;
    assert!(store.sign_up(&NewPerson { person, account }, now).await.unwrap());
    id
}

fn header<'a>(request: &'a str, name: &str) -> &'a str {
    let mut lines = request.lines();
    lines
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
        .unwrap_or_else(|| panic!("{name}: {request}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn who_fails_twice_is_told_again_with_growing_waits_and_the_same_body() {
    let answers = &["HTTP/1.1 500 No\r\n\r\n", "HTTP/1.1 500 No\r\n\r\n", "HTTP/1.1 200 Yes\r\n\r\n"];
    let receiver = Receiver::new(answers).await;
    let street = Street::with(DEVELOPMENT).await;
    let id = street.told(&format!("http://{}/hook?a=b", receiver.address)).await;
    for (wait, state) in
        [(10, DeliveryState::Waiting), (20, DeliveryState::Waiting), (0, DeliveryState::Delivered)]
    {
        assert_eq!(street.round().await, 1);
        assert_eq!(street.round().await, 0, "not before its time");
        assert_eq!(street.delivery(id).await.state, state);
        street.clock.advance(Duration::from_secs(wait));
    }
    let delivery = street.delivery(id).await;
    assert_eq!((delivery.tries, delivery.last_status, delivery.last_error), (3, Some(200), None));
    let came = receiver.came();
    let bodies: Vec<_> = came.iter().map(|request| request.split_once("\r\n\r\n").unwrap().1).collect();
    assert!(bodies.len() == 3 && bodies.iter().all(|body| *body == bodies[0]), "{came:#?}");
    assert!(came[0].starts_with("POST /hook?a=b HTTP/1.1\r\n"), "{}", came[0]);
    assert_eq!(header(&came[0], "host"), receiver.address.to_string());
    assert_eq!(header(&came[0], "tributary-delivery"), delivery.event_id.to_string());
    let body: serde_json::Value = serde_json::from_str(bodies[0]).unwrap();
    assert_eq!((&body["id"], &body["type"]), (&delivery.event_id.to_string().into(), &"test".into()));
    assert_ne!(
        header(&came[0], "tributary-signature"),
        header(&came[2], "tributary-signature"),
        "of its time"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_dies_between_sending_and_noting_is_followed_by_one_who_sends_the_same_again() {
    let receiver = Receiver::new(&["HTTP/1.1 204 Yes\r\n\r\n"]).await;
    let street = Street::with(DEVELOPMENT).await;
    let id = street.told(&format!("http://{}/", receiver.address)).await;
    let parcels = street.courier.take(10).await.unwrap();
    assert_eq!(street.courier.send(&parcels[0]).await.unwrap(), Ok(204));
    // Here it died: nothing was noted.
    assert_eq!(street.round().await, 0, "its lease still runs");
    street.clock.advance(LEASE);
    assert_eq!(street.round().await, 1);
    let ids: Vec<_> =
        receiver.came().iter().map(|request| header(request, "tributary-delivery").to_owned()).collect();
    assert_eq!(ids, [parcels[0].event_id.to_string(), parcels[0].event_id.to_string()]);
    assert_eq!(street.delivery(id).await.state, DeliveryState::Delivered);
    street.clock.advance(LEASE);
    assert_eq!(street.round().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_never_takes_it_is_given_up_after_a_day_and_what_went_wrong_is_shown() {
    let silent = Receiver::new(&[""]).await;
    let away = Receiver::new(&["HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\n\r\n"]).await;
    let rude = Receiver::new(&["SSH-2.0-OpenSSH\r\n"]).await;
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let street = Street::with(DEVELOPMENT).await;
    let mut told = Vec::new();
    for (address, status, reason) in [
        (silent.address, None, "it did not answer in 0.3 s"),
        (away.address, Some(302), "redirects are not followed"),
        (rude.address, None, "the connection broke"),
        (closed, None, "no connection: connection refused"),
    ] {
        told.push((street.told(&format!("http://{address}/")).await, status, reason));
    }
    street.round().await;
    for (id, status, reason) in &told {
        let delivery = street.delivery(*id).await;
        assert_eq!((delivery.state, delivery.last_status), (DeliveryState::Waiting, *status), "{delivery:?}");
        assert!(delivery.last_error.unwrap().contains(reason), "{reason}");
    }
    let begin = street.clock.now();
    let times = tries_of(begin, begin.after(PATIENCE));
    assert!((14..=20).contains(&times.len()), "{}", times.len());
    // As often as is written, and no more.
    let mut tries = 1;
    for _ in 0..(PATIENCE.as_secs() / 600 + 30) {
        street.clock.advance(Duration::from_secs(600));
        tries += usize::from(street.round().await > 0);
    }
    let delivery = street.delivery(told[3].0).await;
    assert_eq!(delivery.state, DeliveryState::Dead);
    assert!(delivery.ended_at.unwrap() <= begin.after(PATIENCE), "{delivery:?}");
    assert!(tries <= times.len() && u32::try_from(tries).unwrap() >= delivery.tries, "{tries}");
    assert_eq!(silent.came().len(), usize::try_from(street.delivery(told[0].0).await.tries).unwrap());
}

/// Leads every name to the machines it is told.
struct Lying(Vec<SocketAddr>);

#[async_trait]
impl Names for Lying {
    async fn resolve(&self, _host: &str, _port: u16) -> std::io::Result<Vec<SocketAddr>> {
        Ok(self.0.clone())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_leads_inside_is_not_connected_to_whatever_it_is_called() {
    let inside = Receiver::new(&["HTTP/1.1 200 Yes\r\n\r\n"]).await;
    let mapped: SocketAddr = format!("[::ffff:127.0.0.1]:{}", inside.address.port()).parse().unwrap();
    for machines in [vec![inside.address], vec![mapped], vec![mapped, inside.address]] {
        let names = Arc::new(Lying(machines));
        let street =
            Street::new(Wire::with(STRICT, names, RootCertStore::empty(), Duration::from_secs(2))).await;
        let id = street.told(&format!("https://hooks.example.org:{}/", inside.address.port())).await;
        street.round().await;
        let error = street.delivery(id).await.last_error.unwrap();
        assert!(error.contains("not of the internet"), "{error}");
    }
    // Nor is an address that was let in while the configuration was another.
    let street = Street::with(STRICT).await;
    let id = street.told(&format!("http://{}/", inside.address)).await;
    street.round().await;
    assert!(street.delivery(id).await.last_error.unwrap().contains("https"));
    assert_eq!(inside.came(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn over_tls_only_a_certificate_that_is_trusted_and_has_the_name_is_talked_to() {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_no_client_auth().with_single_cert(vec![made.cert.der().clone()], key).unwrap();
    let (acceptor, listener) =
        (TlsAcceptor::from(Arc::new(config)), TcpListener::bind("127.0.0.1:0").await.unwrap());
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            read_request(&mut stream).await;
            stream.write_all(b"HTTP/1.1 200 Yes\r\n\r\n").await.unwrap();
        }
    });
    let mut trusted = RootCertStore::empty();
    trusted.add(made.cert.der().clone()).unwrap();
    let here = Arc::new(Lying(vec![SocketAddr::from(([127, 0, 0, 1], port))]));
    for (roots, host, taken) in [
        (trusted.clone(), "localhost", true),
        (trusted, "other.example.org", false),
        (RootCertStore::empty(), "localhost", false),
    ] {
        let names: Arc<dyn Names> = Arc::clone(&here) as Arc<dyn Names>;
        let street = Street::new(Wire::with(DEVELOPMENT, names, roots, Duration::from_secs(5))).await;
        let id = street.told(&format!("https://{host}:{port}/")).await;
        street.round().await;
        let delivery = street.delivery(id).await;
        assert_eq!(delivery.state == DeliveryState::Delivered, taken, "{host}: {delivery:?}");
        assert!(taken || delivery.last_error.unwrap().contains("no TLS with it"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_made_an_endpoint_or_else_the_owners_hear_that_it_was_switched_off() {
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let street = Street::with(DEVELOPMENT).await;
    let (store, tenant, clock) = (&street.courier.store, &street.tenant, &street.clock);
    let maker = somebody(&**store, AccountId::generate(), "maker@example.org", clock.now()).await;
    let asked = NewInvitation {
        id: InvitationId::generate(),
        secret_sha256: Sha256([5; 32]),
        email: "maker@example.org".to_owned(),
        role: Role::Admin,
        month_limit: None,
        invited_by: street.owner,
        until: clock.now().after(PATIENCE),
    };
    store.invite(tenant, &asked, clock.now()).await.unwrap();
    store.accept(asked.secret_sha256, maker, clock.now()).await.unwrap();
    for (leaves, recipient) in [(false, "maker@example.org"), (true, "owner@example.org")] {
        let id = street.told_by(&format!("http://{closed}/hook"), Some(maker)).await;
        if leaves {
            store.change_member(tenant, maker, MemberWish::Leave, clock.now()).await.unwrap();
        }
        for day in 0..=FAILING_DAYS_MAX {
            assert!(street.letters.0.lock().unwrap().is_empty(), "day {day}");
            // Of every day one event, tried until it is given up.
            store.test_webhook(tenant, id, EventId::generate(), clock.now()).await.unwrap();
            for _ in 0..PATIENCE.as_secs() / 3600 {
                street.round().await;
                clock.advance(Duration::from_secs(3600));
            }
        }
        let disabled = store.webhook(tenant, id).await.unwrap().unwrap().disabled.expect("switched off");
        assert!(disabled.reason.contains("refused"), "{disabled:?}");
        // Letters leave by and by; one and no more.
        street.courier.alarm.post.drain().await;
        let letters = std::mem::take(&mut *street.letters.0.lock().unwrap());
        assert_eq!(letters.len(), 1, "{letters:?}");
        assert_eq!((letters[0].to(), letters[0].subject()), (recipient, "Band: a webhook was switched off"));
        assert!(letters[0].text().contains(&format!("http://{closed}/hook")), "{}", letters[0].text());
        assert!(letters[0].text().contains("https://band.example/webhooks"));
    }
}
