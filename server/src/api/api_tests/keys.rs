//! Who is let in, to what, how often, and for how long.

use super::super::routes;
use super::world::World;
use crate::clock::{Clock, SystemClock};
use crate::people::Right;
use serde_json::json;
use std::time::{Duration, Instant};
use tributary_protocol::client::{ApiKey, Client, Endpoint, Patience, Tls};
use tributary_protocol::vocab::JobId;

fn filled(path: &str) -> String {
    path.replace("{job}", &JobId::generate().to_string())
        .replace("{sha256}", &"0".repeat(64))
        .replace(['{', '}'], "")
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_needs_a_key_with_its_right_and_no_other_address_is_there() {
    let world = World::new().await;
    let mut keys = Vec::new();
    for right in Right::ALL {
        keys.push((right, world.account(right.word(), 0, right.word()).await.1.reveal()));
    }
    for route in routes::table() {
        let (path, method) = (filled(route.path), route.method.word());
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
async fn a_foreign_job_is_the_same_as_none() {
    let world = World::new().await;
    let (job, clip) = world.done_job().await;
    let (_, other) = world.account("other", 5, "read run manage buy").await;
    let (id, key) = (job["id"].as_str().unwrap().to_owned(), other.reveal());
    let none = JobId::generate().to_string();
    for (method, path) in [
        ("GET", "/jobs/{}"),
        ("GET", "/jobs/{}/events"),
        ("POST", "/jobs/{}/cancel"),
        ("GET", "/jobs/{}/stems/vocals"),
        ("GET", "/jobs/{}/sheets/report.json"),
    ] {
        let mut answers = Vec::new();
        for id in [&id, &none] {
            let answer = world.ask_as(&key, method, &path.replace("{}", id), &[], &[]).await;
            assert_eq!(answer.status, 404, "{path}");
            answers.push(answer.text());
        }
        assert_eq!(answers[0], answers[1], "{path}");
    }
    let path = format!("/clips/{}", clip["sha256"].as_str().unwrap());
    assert_eq!(world.ask_as(&key, "GET", &path, &[], &[]).await.status, 404);
    assert_eq!(world.ask_as(&key, "GET", "/jobs", &[], &[]).await.json()["jobs"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_too_often_is_told_when_to_come_again() {
    let world = World::with(|config| config.rates.key_calls_per_minute = 60).await;
    let mut answers = Vec::new();
    for _ in 0..12 {
        answers.push(world.get("/account").await);
    }
    assert!(answers[0].headers.contains_key("ratelimit-remaining"), "{:?}", answers[0].headers);
    let refused = answers.iter().find(|answer| answer.status == 429).expect("ten at once are allowed");
    assert_eq!(refused.problem(), (429, "too-often".to_owned()));
    assert!(refused.json()["detail"].as_str().unwrap().contains("60 a minute"), "{}", refused.text());
    assert_eq!(refused.headers["retry-after"], "1");
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
        key: ApiKey::new(&key.reveal()).unwrap(),
        tls: Tls::PublicRoots,
    };
    let patience = Patience { without_success: Duration::from_millis(1), ..Patience::default() };
    let client = Client::connect(endpoint).await.unwrap().with_patience(patience);
    let mut watch = client.watch(id);
    watch.next().await.unwrap().unwrap();
    let (path, revealed) = (format!("/jobs/{id}/events"), key.reveal());
    let events = world.ask_as(&revealed, "GET", &path, &[], &[]);
    let revoked = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert!(world.server.store.revoke_key(&tenant, key.prefix(), SystemClock.now()).await.unwrap());
        let since = Instant::now();
        let error = watch.next().await.unwrap_err();
        (error.to_string(), since.elapsed())
    };
    let since = Instant::now();
    let (events, (error, over_grpc)) = tokio::join!(events, revoked);
    assert!(
        since.elapsed() < Duration::from_millis(5_300) && over_grpc < Duration::from_secs(5),
        "{over_grpc:?}"
    );
    assert!(
        events.text().contains("event: problem") && events.text().contains("#no-key"),
        "{}",
        events.text()
    );
    assert!(!error.is_empty());
}
