//! Who is let in, to what, how often, and for how long.

use super::super::routes;
use super::cases::Things;
use super::world::World;
use crate::clock::{Clock, SystemClock};
use crate::people::Right;
use serde_json::json;
use std::time::{Duration, Instant};
use tributary_protocol::client::{ApiKey, Client, Endpoint, Patience, Tls};
use tributary_protocol::vocab::JobId;

#[tokio::test(flavor = "multi_thread")]
async fn every_route_needs_a_key_with_its_right_and_no_other_address_is_there() {
    let world = World::new().await;
    let mut keys = Vec::new();
    for right in Right::ALL {
        keys.push((right, world.account(right.word(), 0, right.word()).await.1.reveal()));
    }
    let things = Things::of(&world, &world.server.key).await.nobodys();
    for route in routes::table() {
        let (path, method) = (things.path(&route), route.method.word());
        let Some(needs) = route.needs else {
            assert_eq!(world.ask_as("", method, &path, &[], &[]).await.status, 200, "{path}");
            continue;
        };
        for key in ["", "trb_nobody"] {
            let refused = world.ask_as(key, method, &path, &[], &[]).await;
            assert_eq!(refused.problem(), (401, "no-key".to_owned()), "{method} {path}");
        }
        for (right, key) in &keys {
            let answer = world.ask_as(key, method, &path, &[], &[]).await;
            assert_eq!(
                answer.status == 403,
                *right != needs,
                "{method} {path} with {right:?}: {}",
                answer.text()
            );
        }
    }
    assert_eq!(world.get("/nowhere").await.problem(), (404, "not-found".to_owned()));
    assert_eq!(world.ask("DELETE", "/account", &[], &[]).await.problem(), (405, "wrong-method".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_too_often_is_told_when_to_come_again() {
    let world = World::with(|config| config.rates.key_calls_per_minute = 60).await;
    let mut answers = Vec::new();
    for _ in 0..12 {
        answers.push(world.get("/account").await);
    }
    let first = &answers[0].headers;
    assert!(first["ratelimit-policy"].contains("\"key\";q=10;w=10"), "{first:?}");
    assert!(first["ratelimit"].contains("\"key\";r=9;t=1"), "{first:?}");
    assert!(first["ratelimit"].contains("\"address\";r="), "{first:?}");
    let refused = answers.iter().find(|answer| answer.status == 429).expect("ten at once are allowed");
    assert_eq!(refused.problem(), (429, "too-often".to_owned()));
    assert!(refused.json()["detail"].as_str().unwrap().contains("60 a minute"), "{}", refused.text());
    assert_eq!(refused.headers["retry-after"], "1");
    assert!(refused.headers["ratelimit"].contains("\"key\";r=0;t=1"), "{:?}", refused.headers);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_key_ends_what_it_watches_within_five_seconds_over_either_wire() {
    let world = World::new().await;
    let (tenant, key) = world.account("watcher", 5, "read run").await;
    let clip = json!({ "sha256": "1".repeat(64), "frames": 44_100, "channels": 2, "rate_hz": 44_100 });
    let id = JobId::generate();
    let wish = json!({ "id": id.to_string(), "model": "mini", "clip": clip }).to_string();
    let job = world.ask_as(&key.reveal(), "POST", "/jobs", &[], wish.as_bytes()).await;
    assert_eq!(job.json()["state"], "uploading", "{}", job.text());
    let endpoint = Endpoint {
        address: world.server.address.clone(),
        key: ApiKey::new(key.reveal()).unwrap(),
        tls: Tls::PublicRoots,
    };
    let patience = Patience { without_success: Duration::from_millis(1), ..Patience::default() };
    let client = Client::connect(endpoint).await.unwrap().with_patience(patience);
    let mut watch = client.watch(id);
    watch.next().await.unwrap().unwrap();
    let mut events = world.open(&key.reveal(), &format!("/jobs/{id}/events")).await;
    events.until("event: job").await;
    assert!(world.server.store.revoke_key(&tenant, key.prefix(), SystemClock.now()).await.unwrap());
    let since = Instant::now();
    let (events, error) = tokio::join!(events.rest(), async { watch.next().await.unwrap_err() });
    assert!(since.elapsed() < Duration::from_secs(5), "{:?}", since.elapsed());
    assert!(events.contains("event: problem") && events.contains("#no-key"), "{events}");
    assert!(error.to_string().contains("does not accept this API key"), "{error}");
}
