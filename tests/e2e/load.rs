//! Many at once: a thousand watchers and sixty-four uploads in bounded memory.

use std::path::Path;
use std::sync::Arc;
use tokio::task::{JoinSet, spawn_blocking};
use tributary_protocol::client::{Client, JobState};
use tributary_protocol::v1;
use tributary_protocol::vocab::{AccountId, Credits, JobId};
use tributary_server::auth::api_key::ApiKey;
use tributary_server::clock::{Clock, SystemClock};
use tributary_server::ledger::Grant;
use tributary_server::tenant::Tenant;
use tributary_tests::books::Books;
use tributary_tests::command::{Serve, local_key, peak_memory_bytes};
use tributary_tests::raw::Raw;
use tributary_tests::stage::{self, Take};
use tributary_tests::{measured, wait};

const WATCHERS: usize = 1_000;
/// Watches of one connection; a server takes 64.
const WATCHERS_OF_ONE: usize = 50;
/// Users who send a clip at once, each by a connection and an account of their own.
const UPLOADS: usize = 64;
/// Seconds of a clip: all together are more than the memory.
const CLIP_SECONDS: u64 = 30;
const PEAK_BYTES_MAX: u64 = 512 << 20;
/// All tests knock from one address.
const UNTHROTTLED: [(&str, &str); 2] = [
    ("TRIBUTARY_SERVE_RATES__ADDRESS_CALLS_PER_MINUTE", "0"),
    ("TRIBUTARY_SERVE_RATES__KEY_CALLS_PER_MINUTE", "0"),
];

async fn serve(data: &Path) -> Serve {
    let data = data.to_owned();
    spawn_blocking(move || Serve::start_with(&data, &[], &UNTHROTTLED)).await.unwrap().unwrap()
}

/// Another account of the server with some credits, and its client.
async fn user(books: &Books, address: &str, number: usize) -> Client {
    let (id, now, key) = (AccountId::generate(), SystemClock.now(), ApiKey::generate());
    let tenant = Tenant::acting_for(id);
    books.store.create_account(id, &format!("user {number}"), 100, now).await.unwrap();
    let (payment_id, note) = (format!("user {number}"), "test".to_owned());
    let grant = Grant { amount: Credits(10), payment_id, note, expires_at: None };
    books.store.grant(&tenant, &grant, now).await.unwrap();
    books.store.add_key(&tenant, &key.row(id, "test"), now).await.unwrap();
    stage::connect(address, &key.reveal()).await.unwrap()
}

/// Watches the job on one connection, many times, and hears how it ends each time.
async fn watch(address: String, key: String, job: JobId, seen: Arc<tokio::sync::Semaphore>) -> usize {
    let raw = Raw::connect(&address, &key).await.unwrap();
    let mut watches = JoinSet::new();
    for _ in 0..WATCHERS_OF_ONE {
        let (mut jobs, seen) = (raw.jobs(), Arc::clone(&seen));
        watches.spawn(async move {
            let request = v1::WatchJobRequest { job_id: job.as_bytes().to_vec().into(), after_seq: 0 };
            let mut news = jobs.watch(request).await.unwrap().into_inner();
            let first = news.message().await.unwrap().unwrap();
            assert_eq!(first.state(), v1::JobState::Uploading);
            seen.add_permits(1);
            let mut last = first;
            while let Some(next) = news.message().await.unwrap() {
                last = next;
            }
            last.state()
        });
    }
    watches.join_all().await.into_iter().filter(|state| *state == v1::JobState::Cancelled).count()
}

/// Sends a clip and stops the job: what is measured is the way in.
async fn send(client: Client, take: Arc<Take>) {
    let id = JobId::generate();
    client.create(&stage::wish(id, take.header)).await.unwrap();
    client.upload(&take.header, &take.file, |_| {}).await.unwrap();
    assert_ne!(client.cancel(id).await.unwrap().state, JobState::Uploading, "its clip had come");
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_watchers_and_sixty_four_uploads_fit_into_half_a_gigabyte() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let server = serve(&data).await;
    let (key, books) = (local_key(&data).unwrap(), Books::open(&data).await.unwrap());
    let local = stage::connect(&server.grpc, &key).await.unwrap();
    let take = Arc::new(stage::take(folder.path(), 1, CLIP_SECONDS * 44_100, 2, 44_100).unwrap());
    let idle = JobId::generate();
    local.create(&stage::wish(idle, take.header)).await.unwrap();
    let before = peak_memory_bytes(server.id()).unwrap();

    let seen = Arc::new(tokio::sync::Semaphore::new(0));
    let mut watchers = JoinSet::new();
    for _ in 0..WATCHERS / WATCHERS_OF_ONE {
        watchers.spawn(watch(server.grpc.clone(), key.clone(), idle, Arc::clone(&seen)));
    }
    wait::until("every watcher sees the job", async || (seen.available_permits() == WATCHERS).then_some(()))
        .await;
    let watched = peak_memory_bytes(server.id()).unwrap();

    let mut users = Vec::new();
    for number in 0..UPLOADS {
        users.push(user(&books, &server.grpc, number).await);
    }
    let sending: JoinSet<()> = users.into_iter().map(|client| send(client, Arc::clone(&take))).collect();
    sending.join_all().await;
    local.cancel(idle).await.unwrap();
    let heard: usize = watchers.join_all().await.into_iter().sum();
    assert_eq!(heard, WATCHERS, "every watcher hears of the end");

    let peak = peak_memory_bytes(server.id()).unwrap();
    let [before, watched, most] = [before, watched, peak].map(|bytes| bytes >> 20);
    measured(&format!(
        "resident MiB at most: {before} idle, {watched} with {WATCHERS} watchers, {most} with {UPLOADS} uploads"
    ));
    assert!(peak < PEAK_BYTES_MAX, "{most} MiB");
    assert!(books.store.audit().await.unwrap().is_clean());
}
