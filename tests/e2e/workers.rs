//! Workers in processes of their own: edges take jobs, workers run them, on one PostgreSQL database.

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tokio::task::spawn_blocking;
use tributary_protocol::client::{Client, JobState, JobView, NewJob};
use tributary_protocol::vocab::{Credits, JobId};
use tributary_server::clock::{Clock, ManualClock, SystemClock};
use tributary_server::config::Config;
use tributary_server::ledger::Grant;
use tributary_server::role::Role;
use tributary_server::steps::Step;
use tributary_server::{Parts, Running, StartError, WorkerRunning, start_edges, start_worker};
use tributary_tests::books::Books;
use tributary_tests::child::ChildServer;
use tributary_tests::journal::Journal;
use tributary_tests::stage::{self, Take};
use tributary_tests::{command, database, http, wait};

/// A rate that makes clips small; the model has as much to do as with any other.
const RATE_HZ: u32 = 8_000;

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

    fn take(&self, seed: u32, seconds: u64) -> Take {
        stage::take(self.folder.path(), seed, seconds * u64::from(RATE_HZ), 1, RATE_HZ).unwrap()
    }

    /// One and the same for every process.
    fn config(&self) -> Config {
        Config { database: self.database.clone(), files: self.path("files"), ..stage::config() }
    }

    async fn edges(&self, name: &str) -> (Running, Client) {
        let server = start_edges(self.config(), &self.path(name), Default::default()).await.unwrap();
        let client = stage::connect(&server.address, &server.key).await.unwrap();
        (server, client)
    }

    async fn worker(&self, name: &str) -> (WorkerRunning, Arc<Journal>) {
        let (journal, parts) = Journal::new();
        (start_worker(self.config(), &self.path(name), parts).await.unwrap(), journal)
    }

    /// A worker that can be killed.
    async fn process(&self, name: &str) -> ChildServer {
        let (data, address, files) = (self.path(name), self.database.clone(), self.path("files"));
        let started =
            spawn_blocking(move || ChildServer::start_as(Role::Worker, &data, &address, &files, 3)).await;
        started.unwrap().unwrap()
    }

    async fn check_paid_once(&self, job: &JobView, credits: u64) {
        assert_eq!((job.state, job.captured), (JobState::Done, Credits(credits)), "{job:?}");
        let books = Books::of(database::open_postgres(&self.database).await.unwrap()).await.unwrap();
        assert_eq!(books.captures(job.id).await.unwrap().len(), 1);
        books.audit().await.unwrap();
    }
}

fn health(address: impl std::fmt::Display) -> Value {
    let (status, body) = http::get(&format!("http://{address}"), "/healthz").unwrap();
    assert_eq!(status, 200, "{body}");
    serde_json::from_str(&body).unwrap()
}

async fn ended(client: &Client, id: JobId) -> JobView {
    let mut watch = client.watch(id);
    let mut last = None;
    while let Some(job) = watch.next().await.unwrap() {
        last = Some(job);
    }
    last.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn edges_without_a_device_take_a_job_that_a_worker_elsewhere_runs() {
    let place = Place::new();
    let (edges, client) = place.edges("shared").await;
    let take = place.take(1, 4);
    let id = JobId::generate();
    client.create(&stage::wish(id, take.header)).await.unwrap();
    client.upload(&take.header, &take.file, |_| {}).await.unwrap();
    let waiting = client.job(id).await.unwrap();
    assert_eq!((waiting.state, waiting.held), (JobState::Queued, Credits(1)), "nobody runs it yet");
    let seen = health(edges.http);
    assert_eq!((&seen["role"], &seen["status"]), (&"edges".into(), &"serving".into()), "{seen}");
    assert!(seen.get("resident").is_none() && seen.get("device").is_none(), "no device: {seen}");
    assert!(seen["models"].as_array().unwrap().contains(&"mini".into()));

    // On one machine both may have one data folder, and so the same models and configuration.
    let (worker, did) = place.worker("shared").await;
    let job = ended(&client, id).await;
    place.check_paid_once(&job, 1).await;
    assert_eq!((did.count(Step::Claimed), did.count(Step::Settled)), (1, 1));
    for stem in &job.stems {
        let to = place.path(&stem.name);
        client.download(&job, &stem.name, &to, |_| {}).await.unwrap();
        assert_eq!(std::fs::metadata(to).unwrap().len(), stem.bytes);
    }
    let seen = health(worker.http);
    assert_eq!((&seen["role"], &seen["device"]), (&"worker".into(), &"ok".into()), "{seen}");
    assert_eq!(
        (&seen["resident"][0]["model"], &seen["differences"]),
        (&"mini".into(), &Value::Array(vec![]))
    );
    let page = http::get(&format!("http://{}", worker.http), "/metrics").unwrap().1;
    assert!(page.contains("tributary_chunk_seconds"), "{page}");
    worker.drain().await;
    edges.drain().await;
    assert_eq!(std::fs::read_dir(place.path("files/roster")).unwrap().count(), 0, "both have left");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_whose_worker_is_killed_is_finished_by_another_and_paid_once() {
    let place = Place::new();
    let (edges, client) = place.edges("edges").await;
    let mut first = place.process("first").await;
    let take = place.take(1, 240);
    let id = JobId::generate();
    client.create(&stage::wish(id, take.header)).await.unwrap();
    client.upload(&take.header, &take.file, |_| {}).await.unwrap();
    wait::until("chunks of the job", async || {
        let job = client.job(id).await.unwrap();
        assert!(!job.state.is_terminal(), "the clip is too short for this test: {job:?}");
        (job.state == JobState::Running && job.chunks_done > 0).then_some(())
    })
    .await;
    first.kill().unwrap();
    let _second = place.process("second").await;
    let job = ended(&client, id).await;
    assert_eq!(job.attempt, 2, "{job:?}");
    place.check_paid_once(&job, 4).await;
    edges.drain().await;
}

/// `mini` under another name, installed in one data folder.
fn install_twin(data: &Path) {
    install_twin_with(data, "bass");
}

/// The same, with another name for the stem of the bass.
fn install_twin_with(data: &Path, bass: &str) {
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models");
    let folder = data.join("models/twin");
    std::fs::create_dir_all(&folder).unwrap();
    let card = std::fs::read_to_string(models.join("catalog/mini.toml")).unwrap();
    let card = card.replace("name = \"mini\"", "name = \"twin\"");
    let card = card.replace("\"bass\"", &format!("\"{bass}\"")).replace("bass =", &format!("{bass} ="));
    std::fs::write(folder.join("card.toml"), card).unwrap();
    std::fs::copy(models.join("weights/mini.onnx"), folder.join("mini.onnx")).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_leaves_jobs_of_a_model_it_lacks_to_another_and_goes_on_with_the_next() {
    let place = Place::new();
    install_twin(&place.path("edges"));
    install_twin(&place.path("complete"));
    let (edges, client) = place.edges("edges").await;
    let take = place.take(1, 4);
    let twins: Vec<_> = (0..12).map(|_| JobId::generate()).collect();
    for twin in &twins {
        client.create(&NewJob::new(*twin, "twin", take.header, "a take")).await.unwrap();
    }
    let mini = JobId::generate();
    client.create(&stage::wish(mini, take.header)).await.unwrap();
    client.upload(&take.header, &take.file, |_| {}).await.unwrap();

    let (poor, poor_did) = place.worker("poor").await;
    let job = ended(&client, mini).await;
    place.check_paid_once(&job, 1).await;
    for twin in &twins {
        let waiting = client.job(*twin).await.unwrap();
        assert_eq!((waiting.state, waiting.attempt, waiting.held), (JobState::Queued, 0, Credits(1)));
    }
    assert_eq!(poor_did.count(Step::Claimed), 1, "it began one job only");
    wait::until("the edges to see that the worker differs", async || {
        let differences = health(edges.http)["differences"].to_string();
        (differences.contains("(worker) has no model `twin`")).then_some(())
    })
    .await;

    let (complete, _) = place.worker("complete").await;
    for twin in twins {
        let job = ended(&client, twin).await;
        assert_eq!(job.attempt, 1, "{job:?}");
        place.check_paid_once(&job, 1).await;
    }
    poor.drain().await;
    complete.drain().await;
    edges.drain().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_gives_back_a_job_that_its_version_of_the_model_cannot_run() {
    let place = Place::new();
    install_twin(&place.path("edges"));
    install_twin(&place.path("complete"));
    install_twin_with(&place.path("old"), "low");
    let (edges, client) = place.edges("edges").await;
    let (old, old_did) = place.worker("old").await;
    let (id, take) = (JobId::generate(), place.take(1, 4));
    let wish = NewJob { stems: vec!["bass".into()], ..NewJob::new(id, "twin", take.header, "a take") };
    client.create(&wish).await.unwrap();
    client.upload(&take.header, &take.file, |_| {}).await.unwrap();
    let waiting = wait::until("the job to be given back", async || {
        Some(client.job(id).await.unwrap()).filter(|job| job.state == JobState::Queued && job.attempt > 0)
    })
    .await;
    assert_eq!(waiting.held, Credits(1), "{waiting:?}");

    let (complete, _) = place.worker("complete").await;
    let job = ended(&client, id).await;
    assert!(job.attempt < 20, "left alone between the looks: {job:?}");
    place.check_paid_once(&job, 1).await;
    assert_eq!(old_did.count(Step::Claimed), 0, "it began none");
    old.drain().await;
    complete.drain().await;
    edges.drain().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_no_worker_could_run_for_a_day_fails_and_gives_its_credits_back() {
    let place = Place::new();
    install_twin(&place.path("edges"));
    let (edges, client) = place.edges("edges").await;
    let id = JobId::generate();
    let take = place.take(1, 4);
    client.create(&NewJob::new(id, "twin", take.header, "a take")).await.unwrap();
    client.upload(&take.header, &take.file, |_| {}).await.unwrap();
    // Its clock stands a day and an hour after now.
    let clock = Arc::new(ManualClock::new(SystemClock.now().after(Duration::from_secs(25 * 3600))));
    let parts = Parts { clock, ..Parts::default() };
    let worker = start_worker(place.config(), &place.path("late"), parts).await.unwrap();
    let job = ended(&client, id).await;
    assert_eq!((job.state, job.captured, job.released), (JobState::Failed, Credits(0), job.held), "{job:?}");
    assert!(job.failure.as_ref().unwrap().contains("no model `twin`"), "{job:?}");
    worker.drain().await;
    edges.drain().await;
}

/// What one process alone does has its rounds where the cashier and the courier are: with the edges.
#[tokio::test(flavor = "multi_thread")]
async fn a_worker_does_not_lead_its_database() {
    let place = Place::new();
    let (edges, client) = place.edges("edges").await;
    let ids = [JobId::generate(), JobId::generate()];
    for (id, seed) in ids.iter().zip(1..) {
        client.create(&stage::wish(*id, place.take(seed, 1).header)).await.unwrap();
    }
    edges.drain().await;
    let books = Books::of(database::open_postgres(&place.database).await.unwrap()).await.unwrap();
    let clock = Arc::new(ManualClock::new(SystemClock.now()));
    let day = Duration::from_secs(86_400);
    let (payment_id, note) = ("promotion".to_owned(), String::new());
    let ends = Grant { amount: Credits(7), payment_id, note, expires_at: Some(clock.now().after(day / 2)) };
    books.store.grant(&books.local, &ends, clock.now()).await.unwrap();

    let parts = || Parts { clock: Arc::clone(&clock) as Arc<dyn Clock>, ..Parts::default() };
    let worker = start_worker(place.config(), &place.path("worker"), parts()).await.unwrap();
    // The second of them ends in a later round, when the first one's is over.
    let second = books.job(ids[1]).await.unwrap().clip.sha256;
    books.store.still_uploading(&books.local, second, clock.now().after(day * 3 / 2)).await.unwrap();
    for id in &ids {
        clock.advance(day);
        wait::until("an abandoned upload is given up", async || {
            let job = books.job(*id).await.unwrap();
            (job.state == tributary_server::job::JobState::Expired).then_some(())
        })
        .await;
    }
    assert_eq!(books.store.lots(&books.local).await.unwrap().len(), 1, "a worker ends nothing else");
    let edges = start_edges(place.config(), &place.path("edges"), parts()).await.unwrap();
    wait::until("who has edges ends the credits whose time is over", async || {
        books.store.lots(&books.local).await.unwrap().is_empty().then_some(())
    })
    .await;
    worker.drain().await;
    edges.drain().await;
    books.audit().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_sqlites_has_one_server() {
    let folder = tempfile::tempdir().unwrap();
    let alone = |config: &Config| config.database.is_empty();
    let config = stage::config();
    assert!(alone(&config));
    for refused in [
        start_edges(config.clone(), folder.path(), Default::default()).await.err(),
        start_worker(config, folder.path(), Default::default()).await.err(),
    ] {
        assert!(matches!(refused, Some(StartError::OneServer)), "{refused:?}");
    }
    let ran = command::tributary(folder.path())
        .unwrap()
        .args(["worker", "--listen-http", "127.0.0.1:0"])
        .env_remove(database::CONFIGURED)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ran.stderr).into_owned();
    assert!(!ran.status.success() && said.contains("SQLite's file has one server"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_terminated_worker_gives_its_job_back_and_ends() {
    let place = Place::new();
    let (edges, client) = place.edges("edges").await;
    let data = place.path("worker");
    let mut process = command::tributary(&data)
        .unwrap()
        .args(["worker", "--listen-http", "127.0.0.1:0", "--announce", "json"])
        .env(database::CONFIGURED, &place.database)
        .env("TRIBUTARY_SERVE_FILES", place.path("files"))
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let take = place.take(1, 240);
    let id = JobId::generate();
    client.create(&stage::wish(id, take.header)).await.unwrap();
    client.upload(&take.header, &take.file, |_| {}).await.unwrap();
    wait::until("chunks of the job", async || {
        let job = client.job(id).await.unwrap();
        assert!(!job.state.is_terminal(), "the clip is too short for this test: {job:?}");
        (job.state == JobState::Running && job.chunks_done > 0).then_some(())
    })
    .await;
    command::signal(process.id(), "TERM").unwrap();
    let ended =
        tokio::time::timeout(Duration::from_secs(30), spawn_blocking(move || process.wait().unwrap()));
    assert_eq!(ended.await.unwrap().unwrap().code(), Some(0));
    let job = client.job(id).await.unwrap();
    assert_eq!((job.state, job.captured), (JobState::Queued, Credits(0)), "{job:?}");
    client.cancel(id).await.unwrap();
    edges.drain().await;
}
