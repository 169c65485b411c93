//! Who calls too often, or comes when the queue is full, is told when to come again, before anything is done.

use std::time::{Duration, Instant};
use tonic::{Code, Status};
use tonic_types::StatusExt;
use tributary_protocol::client::JobState;
use tributary_protocol::v1;
use tributary_protocol::vocab::{Credits, JobId};
use tributary_server::Parts;
use tributary_server::config::Config;
use tributary_tests::raw::{self, Raw};
use tributary_tests::stage::{self, Stage};
use tributary_tests::{http, wait};

async fn stage(change: impl FnOnce(&mut Config)) -> Stage {
    let mut config = stage::config();
    change(&mut config);
    Stage::with(config, Parts::default()).await.unwrap()
}

/// The time a refusal says to wait.
fn told(refused: &Status, words: &str) -> Duration {
    assert_eq!(refused.code(), Code::ResourceExhausted, "{refused:?}");
    assert!(refused.message().contains(words), "{refused:?}");
    refused.get_details_retry_info().unwrap().retry_delay.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_calls_too_often_waits_as_it_is_told_and_goes_on() {
    // Twenty at once, and two more each second.
    let stage = stage(|config| config.rates.key_calls_per_minute = 120).await;
    let (_, other) = stage.account("other", 0).await.unwrap();
    let raw = Raw::connect(&stage.server.address, &stage.server.key).await.unwrap();
    let began = Instant::now();
    let refused = loop {
        if let Err(refused) = raw.account().get(v1::GetAccountRequest {}).await {
            break refused;
        }
        assert!(began.elapsed() < Duration::from_secs(20), "never refused");
    };
    let wait = told(&refused, "too many calls of this key: 120 a minute");
    assert!(wait <= Duration::from_millis(500), "{wait:?}");
    other.account().await.unwrap();
    let began = Instant::now();
    for _ in 0..5 {
        stage.client.account().await.unwrap();
    }
    assert!(began.elapsed() >= Duration::from_millis(1_900), "no faster than allowed: {:?}", began.elapsed());
    let job = stage.separate(&stage.take(1, 44_100).unwrap()).await.unwrap();
    assert_eq!(job.state, JobState::Done, "a whole job under the limit: {job:?}");
    stage.audit().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_keys_use_up_their_address_but_neither_health_nor_metrics() {
    let stage = stage(|config| {
        config.rates.address_calls_per_minute = 600;
        config.rates.failed_sign_in_costs = 30;
    })
    .await;
    let wrong = Raw::connect(&stage.server.address, "trb_nobody").await.unwrap();
    let mut answers = Vec::new();
    for _ in 0..8 {
        answers.push(wrong.account().get(v1::GetAccountRequest {}).await.unwrap_err());
    }
    assert_eq!(answers[0].code(), Code::Unauthenticated);
    told(answers.last().unwrap(), "too many calls of this address: 600 a minute");
    let web = format!("http://{}", stage.server.http);
    let page = http::page(&web, "/favicon.ico").unwrap();
    let wait: u64 = page.headers["retry-after"].parse().unwrap();
    assert!((1..=60).contains(&wait), "{wait}");
    let standing = format!("\"address\";r=0;t={wait}");
    assert_eq!((page.status, &page.headers["ratelimit"]), (429, &standing), "{:?}", page.headers);
    assert_eq!(&*page.headers["ratelimit-policy"], "\"address\";q=100;w=10");
    for open in ["/healthz", "/metrics"] {
        let page = http::page(&web, open).unwrap();
        assert_eq!((page.status, page.headers.get("ratelimit")), (200, None), "{open}");
    }
    let page = http::get(&web, "/metrics").unwrap().1;
    assert!(http::metric(&page, r#"tributary_limited_total{by="address"}"#).unwrap() > 0.0);
    // A right key from the same address waits like everybody there, and is let in.
    stage.client.account().await.unwrap();
    let page = http::page(&web, "/favicon.ico").unwrap();
    assert_eq!(page.status, if page.headers.contains_key("retry-after") { 429 } else { 404 });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trusted_proxys_header_says_who_calls() {
    let stage = stage(|config| {
        config.rates.address_calls_per_minute = 6;
        config.proxy.trusted = vec!["127.0.0.0/8".to_owned()];
    })
    .await;
    let web = format!("http://{}", stage.server.http);
    let ask = |from: &str| http::page_with(&web, "/", &[("X-Forwarded-For", from)]).unwrap().status;
    assert_eq!([ask("10.0.0.1"), ask("10.0.0.1"), ask("10.0.0.2")], [404, 429, 404]);
    assert_eq!(ask("10.0.0.3, 10.0.0.1"), 429, "what stands before was written by whoever called");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_queue_refuses_before_anything_is_held_and_takes_the_job_when_there_is_room() {
    let stage = stage(|config| {
        config.limits.jobs_queued_max = 1;
        config.worker.jobs = 1;
    })
    .await;
    let long = stage.take(1, 44_100 * 600).unwrap();
    let queued = async |id| {
        stage.client.create(&stage::wish(id, long.header)).await.unwrap();
        stage.client.upload(&long.header, &long.file, |_| {}).await.unwrap();
    };
    let (runs, waits, late) = (JobId::generate(), JobId::generate(), JobId::generate());
    queued(runs).await;
    wait::until("a running job", async || {
        (stage.client.job(runs).await.unwrap().state == JobState::Running).then_some(())
    })
    .await;
    stage.client.create(&stage::wish(waits, long.header)).await.unwrap();
    let held = stage.client.account().await.unwrap().held;
    let raw = Raw::connect(&stage.server.address, &stage.server.key).await.unwrap();
    let refused = raw.jobs().create(raw::create(long.header)).await.unwrap_err();
    assert_eq!(told(&refused, "the server's queue is full: 1 jobs wait"), Duration::from_secs(10));
    assert_eq!(stage.client.account().await.unwrap().held, held, "nothing was held");
    let known = stage.client.create(&stage::wish(waits, long.header)).await.unwrap();
    assert_eq!(known.state, JobState::Queued, "a job that was admitted is answered");

    let client = stage.client.clone();
    let header = long.header;
    let began = Instant::now();
    let created = tokio::spawn(async move { client.create(&stage::wish(late, header)).await });
    stage.client.cancel(waits).await.unwrap();
    let job = created.await.unwrap().unwrap();
    assert!(!job.state.is_terminal(), "{job:?}");
    println!("the client came again after {:.1} s", began.elapsed().as_secs_f64());
    for id in [runs, late] {
        stage.client.cancel(id).await.unwrap();
    }
    wait::until("the end of all jobs", async || {
        (stage.client.account().await.unwrap().held == Credits(0)).then_some(())
    })
    .await;
    stage.audit().await.unwrap();
}
