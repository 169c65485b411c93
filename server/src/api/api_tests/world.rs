//! A server on a folder of its own, and as much HTTP as its API needs.

use crate::auth::api_key::ApiKey;
use crate::billing::Pack;
use crate::clock::{Clock, SystemClock};
use crate::config::Config;
use crate::ledger::Grant;
use crate::people::{Person, Rights, Role};
use crate::store::people::{NewInvitation, NewPerson};
use crate::tenant::Tenant;
use crate::{Parts, Running, start};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tributary_audio::wav::{WavFormat, WavWriter};
use tributary_audio::{ClipShape, FrameSink};
use tributary_protocol::vocab::{AccountId, Credits, InvitationId, PersonId, Sha256};
use tributary_stripe_double::{Double, Post, Settings, TEST_KEY};

pub(super) struct World {
    pub(super) folder: TempDir,
    pub(super) server: Running,
    pub(super) api: SocketAddr,
    _stripe: Double,
}

/// An answer that is still coming.
pub(super) struct Opened {
    stream: TcpStream,
    came: Vec<u8>,
}

fn pack() -> Pack {
    Pack {
        name: "small".to_owned(),
        title: "A hundred".to_owned(),
        credits: 100,
        amount_minor: 900,
        currency: "EUR".to_owned(),
        from: String::new(),
        until: String::new(),
    }
}

/// An answer.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: BTreeMap<String, String>,
    pub(super) body: Vec<u8>,
}

impl Answer {
    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// A problem's status and kind; its form is that of all problems.
    pub(super) fn problem(&self) -> (u16, String) {
        assert_eq!(self.headers["content-type"], "application/problem+json", "{}", self.text());
        let body = self.json();
        assert_eq!(body["status"], self.status);
        (self.status, body["type"].as_str().unwrap().rsplit('#').next().unwrap().to_owned())
    }
}

impl World {
    pub(super) async fn new() -> Self {
        Self::with(|_| ()).await
    }

    pub(super) async fn with(change: impl FnOnce(&mut Config)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut config = Config::default();
        config.listen.set_port(0);
        config.listen_http.set_port(0);
        config.worker.reap_seconds = 1;
        config.limits.disk_free_min_mb = 1;
        config.rates.failed_sign_in_costs = 1;
        config.pages.listen.set_port(0);
        config.api.listen = "127.0.0.1:0".to_owned();
        config.prices.insert("beats".to_owned(), 1);
        config.webhooks.development = true;
        let (clock, post) = (Arc::new(|| SystemClock.now().0 / 1_000_000), Post::Kept);
        let stripe = Double::start(Settings { clock, secrets: Vec::new(), post }).await.unwrap();
        config.payments.stripe_key = TEST_KEY.to_owned();
        config.payments.stripe_url = stripe.url().to_owned();
        config.payments.packs = vec![pack()];
        change(&mut config);
        let server = start(config, &folder.path().join("data"), Parts::default()).await.unwrap();
        let api = server.api.unwrap();
        Self { folder, server, api, _stripe: stripe }
    }

    /// A key of an account of its own.
    pub(super) async fn account(&self, name: &str, credits: u64, rights: &str) -> (Tenant, ApiKey) {
        let (id, now, store) = (AccountId::generate(), SystemClock.now(), &self.server.store);
        store.create_account(id, name, 100, now).await.unwrap();
        let tenant = Tenant::acting_for(id);
        if credits > 0 {
            let (payment_id, note) = (name.to_owned(), String::new());
            let grant = Grant { amount: Credits(credits), payment_id, note, expires_at: None };
            store.grant(&tenant, &grant, now).await.unwrap();
        }
        let key = ApiKey::generate();
        let row = crate::store::KeyRow { rights: Rights::parse(rights).unwrap(), ..key.row(id, "test") };
        store.add_key(&tenant, &row, now).await.unwrap();
        (tenant, key)
    }

    /// A key of somebody whose own account it is, with so many credits.
    pub(super) async fn person(&self, name: &str, credits: u64, rights: &str) -> (Tenant, ApiKey) {
        let (account, now, store) = (AccountId::generate(), SystemClock.now(), &self.server.store);
        let person = self.signed_up(name, account).await;
        let (tenant, key) = (Tenant::acting_for(account), ApiKey::generate());
        if credits > 0 {
            let payment_id = format!("of {name}");
            let grant = Grant { amount: Credits(credits), payment_id, note: String::new(), expires_at: None };
            store.grant(&tenant, &grant, now).await.unwrap();
        }
        let rights = Rights::parse(rights).unwrap();
        let row = crate::store::KeyRow { rights, person: Some(person), ..key.row(account, "test") };
        store.add_key(&tenant, &row, now).await.unwrap();
        (tenant, key)
    }

    async fn signed_up(&self, name: &str, account: AccountId) -> PersonId {
        let (id, now) = (PersonId::generate(), SystemClock.now());
        let person = Person {
            id,
            email: format!("{name}@example.org"),
            name: name.to_owned(),
            password: "-".to_owned(),
            verified_at: Some(now),
            operates_since: None,
        };
        assert!(self.server.store.sign_up(&NewPerson { person, account }, now).await.unwrap());
        id
    }

    /// A new member of the account of a person's key, and somebody else who is asked; names of nobody for other keys.
    pub(super) async fn company_of(&self, key: &str) -> (String, String) {
        let (store, now) = (&self.server.store, SystemClock.now());
        let found = store.find_key(ApiKey::parse(key).unwrap().prefix()).await.unwrap().unwrap();
        let Some(owner) = found.key.person else {
            return (PersonId::generate().to_string(), InvitationId::generate().to_string());
        };
        let tenant = Tenant::acting_for(found.key.account);
        let friend = format!("friend-of-{owner}");
        let person = self.signed_up(&friend, AccountId::generate()).await;
        let asks = |name: &str, secret: PersonId| {
            let mut sha256 = [9; 32];
            sha256[..16].copy_from_slice(secret.as_bytes());
            NewInvitation {
                id: InvitationId::generate(),
                secret_sha256: Sha256(sha256),
                email: format!("{name}@example.org"),
                role: Role::Member,
                month_limit: Some(Credits(5)),
                invited_by: owner,
                until: now.after(Duration::from_secs(3600)),
            }
        };
        let (friends, open) = (asks(&friend, person), asks(&format!("guest-of-{owner}"), owner));
        store.invite(&tenant, &friends, now).await.unwrap();
        store.accept(friends.secret_sha256, person, now).await.unwrap();
        store.invite(&tenant, &open, now).await.unwrap();
        (person.to_string(), open.id.to_string())
    }

    /// A WAV file of a tone.
    pub(super) fn song(&self, seconds: u64) -> PathBuf {
        let shape = ClipShape { channels: 2, frames: seconds * 44_100, rate_hz: 44_100 };
        let tone = |hz: f32| {
            (0..shape.frames)
                .map(move |n| 0.2 * (n as f32 * hz * std::f32::consts::TAU / 44_100.0).sin())
                .collect()
        };
        let block: [Vec<f32>; 2] = [tone(220.0), tone(330.0)];
        let mut wav = WavWriter::new(Vec::new(), shape, WavFormat::Float32).unwrap();
        wav.write(&[&block[0], &block[1]]).unwrap();
        wav.finish().unwrap();
        let path = self.folder.path().join(format!("song-{seconds}.wav"));
        std::fs::write(&path, wav.into_inner()).unwrap();
        path
    }

    /// Asks as the local account.
    pub(super) async fn ask(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Answer {
        self.ask_as(&self.server.key, method, path, headers, body).await
    }

    pub(super) async fn ask_as(
        &self,
        key: &str,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Answer {
        let key = if key.is_empty() { String::new() } else { format!("Authorization: Bearer {key}\r\n") };
        let more: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let head = format!(
            "{method} /api/v1{path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: {}\r\n{key}{more}\r\n",
            body.len()
        );
        let (api, body) = (self.api, body.to_vec());
        tokio::task::spawn_blocking(move || exchange(api, head.as_bytes(), &body)).await.unwrap()
    }

    pub(super) async fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, &[], &[]).await
    }

    pub(super) async fn post(&self, path: &str, body: &Value) -> Answer {
        self.ask("POST", path, &[], body.to_string().as_bytes()).await
    }

    /// A job of a model that is done, and its clip.
    pub(super) async fn done_job_as(&self, key: &str, model: &str) -> (Value, Value) {
        let song = std::fs::read(self.song(2)).unwrap();
        let clip = self.ask_as(key, "POST", "/clips", &[], &song).await.json();
        let id = tributary_protocol::vocab::JobId::generate().to_string();
        let wish = serde_json::json!({ "id": id, "model": model, "clip": clip }).to_string();
        let job = self.ask_as(key, "POST", "/jobs", &[], wish.as_bytes()).await;
        assert_eq!(job.status, 200, "{}", job.text());
        assert_ne!(job.json()["state"], "uploading", "its clip is here: {}", job.text());
        let events = self.ask_as(key, "GET", &format!("/jobs/{id}/events"), &[], &[]).await;
        let text = events.text();
        let last = text.lines().rfind(|line| line.starts_with("data: ")).unwrap();
        let job: Value = serde_json::from_str(&last[6..]).unwrap();
        assert_eq!(job["state"], "done", "{job}");
        (job, clip)
    }
}

impl World {
    /// Asks, and does not wait for the end of the answer.
    pub(super) async fn open(&self, key: &str, path: &str) -> Opened {
        let head = format!(
            "GET /api/v1{path} HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer {key}\r\nConnection: close\r\n\r\n"
        );
        let mut stream = TcpStream::connect(self.api).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        Opened { stream, came: Vec::new() }
    }
}

impl Opened {
    /// Waits until `text` has come.
    pub(super) async fn until(&mut self, text: &str) {
        while !String::from_utf8_lossy(&self.came).contains(text) {
            assert_ne!(self.stream.read_buf(&mut self.came).await.unwrap(), 0, "it ended without {text}");
        }
    }

    /// All of it, once it has ended.
    pub(super) async fn rest(mut self) -> String {
        self.stream.read_to_end(&mut self.came).await.unwrap();
        String::from_utf8_lossy(&self.came).into_owned()
    }
}

fn exchange(api: SocketAddr, head: &[u8], body: &[u8]) -> Answer {
    let mut stream = std::net::TcpStream::connect(api).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    stream.write_all(head).unwrap();
    // A server that refuses does not read to the end.
    let _ = stream.write_all(body);
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes);
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").expect("an answer with headers");
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let header =
        |line: &str| line.split_once(": ").map(|(name, value)| (name.to_lowercase(), value.to_owned()));
    let mut headers = BTreeMap::<String, String>::new();
    for (name, value) in head.lines().filter_map(header) {
        // Several lines of one name are one list (RFC 9110, 5.3).
        headers.entry(name).and_modify(|all| *all = format!("{all}, {value}")).or_insert(value);
    }
    let rest = &bytes[end + 4..];
    let body = if headers.contains_key("transfer-encoding") { unchunked(rest) } else { rest.to_vec() };
    Answer { status, headers, body }
}

fn unchunked(mut bytes: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    while let Some(end) = bytes.windows(2).position(|two| two == b"\r\n") {
        let size = usize::from_str_radix(std::str::from_utf8(&bytes[..end]).unwrap(), 16).unwrap();
        if size == 0 {
            break;
        }
        body.extend_from_slice(&bytes[end + 2..end + 2 + size]);
        bytes = &bytes[end + 4 + size..];
    }
    body
}

/// The status that a head alone is answered with.
pub(super) async fn raw_status(api: SocketAddr, head: String) -> u16 {
    tokio::task::spawn_blocking(move || exchange(api, head.as_bytes(), &[])).await.unwrap().status
}
