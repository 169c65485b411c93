//! Several servers on one PostgreSQL database: what one is asked another may do, and what one leaves another finishes.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tokio::task::{JoinSet, spawn_blocking};
use tributary_protocol::client::{Client, JobState, JobView, Patience};
use tributary_protocol::vocab::{Credits, JobId};
use tributary_server::config::Config;
use tributary_server::steps::Step;
use tributary_server::{Running, start};
use tributary_tests::books::Books;
use tributary_tests::child::ChildServer;
use tributary_tests::journal::Journal;
use tributary_tests::stage::{self, Take};
use tributary_tests::{database, wait};

/// A rate that makes clips small; the model has as much to do as with any other.
const RATE_HZ: u32 = 8_000;

/// One database, one folder of files, and a data folder for each server.
struct Place {
    folder: TempDir,
    database: String,
}

impl Place {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), database: database::postgres().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn take(&self, seed: u32, seconds: u64) -> Arc<Take> {
        let frames = seconds * u64::from(RATE_HZ);
        Arc::new(stage::take(self.folder.path(), seed, frames, 1, RATE_HZ).unwrap())
    }

    /// A server in a process of its own.
    async fn process(&self, name: &str) -> (ChildServer, Client) {
        let (data, address, files) = (self.path(name), self.database.clone(), self.path("files"));
        let started = spawn_blocking(move || ChildServer::start_among(&data, &address, &files, 100)).await;
        let server = started.unwrap().unwrap();
        let client = stage::connect(&server.address, &server.key).await.unwrap();
        (server, client)
    }

    /// A server in this process that writes a journal. Nothing of it is quick but what it is told.
    async fn server(&self, name: &str) -> (Running, Client, Arc<Journal>) {
        let (journal, parts) = Journal::new();
        let mut config =
            Config { database: self.database.clone(), files: self.path("files"), ..stage::config() };
        config.worker.reap_seconds = 3600;
        config.worker.lease_seconds = 3600;
        let server = start(config, &self.path(name), parts).await.unwrap();
        let client = stage::connect(&server.address, &server.key).await.unwrap();
        (server, client, journal)
    }

    async fn books(&self) -> Books {
        Books::of(database::open_postgres(&self.database).await.unwrap()).await.unwrap()
    }

    /// Every job is done and was paid once, and nothing else was.
    async fn check_paid_once(&self, jobs: &[JobView], credits_each: u64) {
        let books = self.books().await;
        for job in jobs {
            assert_eq!(job.state, JobState::Done, "{job:?}");
            assert_eq!((job.held, job.captured), (Credits(credits_each), Credits(credits_each)), "{job:?}");
            let captures = books.captures(job.id).await.unwrap();
            assert_eq!(captures.len(), 1, "{} was paid once", job.id);
        }
        let spent = jobs.len() as u64 * credits_each;
        let balance = books.balance().await.unwrap();
        assert_eq!((balance.posted, balance.held), (Credits(600 - spent), Credits(0)));
        books.audit().await.unwrap();
    }
}

async fn sent(client: &Client, take: &Take) -> JobId {
    let id = JobId::generate();
    client.create(&stage::wish(id, take.header)).await.unwrap();
    client.upload(&take.header, &take.file, |_| {}).await.unwrap();
    id
}

async fn at_work(client: &Client, id: JobId) {
    wait::until("chunks of the job", async || {
        let job = client.job(id).await.unwrap();
        assert!(!job.state.is_terminal(), "the clip is too short for this test: {job:?}");
        (job.state == JobState::Running && job.chunks_done > 0).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_whose_server_is_killed_is_finished_by_another_and_paid_once() {
    let place = Place::new();
    let (mut first, client) = place.process("first").await;
    let take = place.take(1, 300);
    let id = sent(&client, &take).await;
    at_work(&client, id).await;
    let (_second, other) = place.process("second").await;
    assert_eq!(other.job(id).await.unwrap().attempt, 1, "a running job is left to its server");
    first.kill().unwrap();

    let mut watch = other.watch(id);
    let mut job = None;
    while let Some(view) = watch.next().await.unwrap() {
        job = Some(view);
    }
    let job = job.unwrap();
    assert_eq!((job.state, job.attempt), (JobState::Done, 2), "{job:?}");
    for stem in &job.stems {
        let to = place.path(&stem.name);
        other.download(&job, &stem.name, &to, |_| {}).await.unwrap();
        assert_eq!(std::fs::metadata(to).unwrap().len(), stem.bytes);
    }
    place.check_paid_once(&[job], 5).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_killed_in_turn_at_random_moments_lose_no_job_and_charge_each_once() {
    const KILLS: u32 = 6;
    let place = Place::new();
    let (mut stays, mut client) = place.process("0").await;
    let mut random = 0x5eed_u32;
    let mut jobs = Vec::new();
    for kill in 1..=KILLS {
        let (next, next_client) = place.process(&kill.to_string()).await;
        for (seed, through) in [(2 * kill, &client), (2 * kill + 1, &next_client)] {
            let take = place.take(seed, 4);
            jobs.push((sent(through, &take).await, take));
        }
        random ^= random << 13;
        random ^= random >> 17;
        random ^= random << 5;
        let moment = Duration::from_millis(u64::from(random % 1_000));
        drop(tokio::time::timeout(moment, std::future::pending::<()>()).await);
        stays.kill().unwrap();
        place.books().await.audit().await.unwrap();
        (stays, client) = (next, next_client);
    }
    let mut ways = JoinSet::new();
    for (id, take) in jobs {
        let client = client.clone();
        ways.spawn(async move { stage::run(&client, &take, id).await.unwrap() });
    }
    let ended = ways.join_all().await;
    assert_eq!(ended.len(), 2 * KILLS as usize);
    place.check_paid_once(&ended, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_server_is_told_reaches_the_other_at_once() {
    let place = Place::new();
    let ((one, one_client, one_did), (two, two_client, two_did)) =
        tokio::join!(place.server("one"), place.server("two"));
    let take = place.take(1, 600);
    let id = sent(&one_client, &take).await;
    at_work(&two_client, id).await;
    // Whoever claimed it: the other one is told to stop it, and leases and reapers are an hour away.
    let one_works = one_did.count(Step::Claimed) == 1;
    assert!(one_works != (two_did.count(Step::Claimed) == 1), "one server claimed it");
    let idle = if one_works { &two_client } else { &one_client };
    idle.cancel(id).await.unwrap();
    let job = wait::until("the end of the job", async || {
        Some(idle.job(id).await.unwrap()).filter(|job| job.state.is_terminal())
    })
    .await;
    assert_eq!(job.state, JobState::Cancelled);
    assert!(job.captured < job.held && job.captured.0 + job.released.0 == job.held.0, "{job:?}");
    place.books().await.audit().await.unwrap();
    tokio::join!(one.drain(), two.drain());
}

/// A clip is begun through one server and ended through the other: it goes on at the byte where it was.
#[tokio::test(flavor = "multi_thread")]
async fn an_upload_goes_on_at_another_server_where_the_killed_one_was() {
    let place = Place::new();
    let (mut first, client) = place.process("first").await;
    let (_second, other) = place.process("second").await;
    let take = place.take(1, 900);
    let id = JobId::generate();
    client.create(&stage::wish(id, take.header)).await.unwrap();
    // Of 28 MB; what was said to be sent just now may not be there yet.
    let kill = |bytes| {
        if bytes > 8 << 20 && !first.is_dead().unwrap() {
            first.kill().unwrap();
        }
    };
    let hasty = Patience { without_success: Duration::from_millis(500), ..Patience::default() };
    client.with_patience(hasty).upload(&take.header, &take.file, kill).await.unwrap_err();
    let before = other.job(id).await.unwrap();
    assert!(before.uploaded_bytes > 0, "{before:?}");
    let mut sent = Vec::new();
    let sending = std::sync::Mutex::new(&mut sent);
    other.upload(&take.header, &take.file, |bytes| sending.lock().unwrap().push(bytes)).await.unwrap();
    assert!(sent[0] >= before.uploaded_bytes, "{} of {}", sent[0], before.uploaded_bytes);
    let job = other.job(id).await.unwrap();
    assert!(
        matches!(job.state, JobState::Queued | JobState::Running),
        "the clip was whole and right: {job:?}"
    );
    other.cancel(id).await.unwrap();
    let ended = wait::until("the end of the job", async || {
        Some(other.job(id).await.unwrap()).filter(|job| job.state.is_terminal())
    });
    assert_eq!(ended.await.state, JobState::Cancelled);
    place.books().await.audit().await.unwrap();
}
