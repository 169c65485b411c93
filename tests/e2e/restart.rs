//! Kills the server at every step of a job's way: everything ends settled, once.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tempfile::TempDir;
use tokio::task::{JoinSet, LocalSet, spawn_blocking};
use tributary_protocol::client::{Client, ClientError, JobState, JobView, Patience};
use tributary_protocol::limits::PACKET_CANONICAL_BYTES_MAX;
use tributary_protocol::vocab::{Credits, JobId, Sha256};
use tributary_server::job::JobState as StoredState;
use tributary_server::steps::Step;
use tributary_tests::books::Books;
use tributary_tests::child::{self, ChildServer, DieAt};
use tributary_tests::journal::Journal;
use tributary_tests::stage::{self, Take};
use tributary_tests::{Stage, wait};

/// A rate that makes clips small; the model has as much to do as with any other.
const RATE_HZ: u32 = 8_000;

/// Not a test by itself: the process that the others kill.
#[tokio::test(flavor = "multi_thread")]
async fn the_server_that_is_killed() {
    child::serve_if_child().await.unwrap();
}

/// A data folder whose servers come and go.
struct Place {
    folder: TempDir,
    attempts: u32,
}

impl Place {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), attempts: 3 }
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn take(&self, seed: u32, seconds: u64) -> Arc<Take> {
        let frames = seconds * u64::from(RATE_HZ);
        Arc::new(stage::take(self.folder.path(), seed, frames, 1, RATE_HZ).unwrap())
    }

    /// Another server on the same folder, on another port.
    async fn serve(&self, die_at: Option<DieAt>) -> (ChildServer, Client) {
        let (data, attempts) = (self.data(), self.attempts);
        let started = spawn_blocking(move || ChildServer::start_with(&data, die_at, attempts)).await;
        let server = started.unwrap().unwrap();
        let client = stage::connect(&server.address, &server.key).await.unwrap();
        (server, client)
    }

    /// A client on its way with a take, until the server dies at that step.
    async fn die(&self, take: &Arc<Take>, id: JobId, at: DieAt) {
        let (mut server, client) = self.serve(Some(at)).await;
        let take = Arc::clone(take);
        let way = tokio::spawn(async move { stage::run(&client, &take, id).await });
        wait::until(&format!("the server's death at {at:?}"), async || {
            server.is_dead().unwrap().then_some(())
        })
        .await;
        way.abort();
    }
}

fn sha256_of(file: &Path) -> Sha256 {
    use sha2::Digest;
    Sha256(sha2::Sha256::digest(std::fs::read(file).unwrap()).into())
}

/// The job is done, was paid once, and the books are right.
async fn check_paid_once(data: &Path, jobs: &[&JobView]) {
    let books = Books::open(data).await.unwrap();
    for job in jobs {
        assert_eq!(job.state, JobState::Done, "{job:?}");
        assert_eq!((job.held, job.captured, job.released), (Credits(1), Credits(1), Credits(0)), "{job:?}");
        assert_eq!(books.captures(job.id).await.unwrap().len(), 1, "{} was paid once", job.id);
    }
    let balance = books.balance().await.unwrap();
    assert_eq!((balance.posted, balance.held), (Credits(600 - jobs.len() as u64), Credits(0)));
    books.audit().await.unwrap();
}

/// Where the server dies, and how many attempts the job needs in all.
async fn check_death(at: DieAt, attempts: u32) {
    let place = Place::new();
    let (take, id) = (place.take(at.time, 35), JobId::generate());
    place.die(&take, id, at).await;
    Books::open(&place.data()).await.unwrap().audit().await.unwrap();

    let (server, client) = place.serve(None).await;
    let job = stage::run(&client, &take, id).await.unwrap();
    assert_eq!(job.attempt, attempts, "{at:?}: {job:?}");
    let stem = place.folder.path().join("bass.f32");
    client.download(&job, "bass", &stem, |_| {}).await.unwrap();
    assert_eq!(sha256_of(&stem), job.stems[2].sha256);
    drop(server);
    check_paid_once(&place.data(), &[&job]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_killed_at_any_step_leaves_a_job_that_ends_once_and_is_paid_once() {
    let mut deaths: Vec<_> = Step::ALL.map(|step| DieAt { step, time: 1 }).into();
    deaths.push(DieAt { step: Step::PacketStored, time: 3 });
    deaths.push(DieAt { step: Step::ChunkDone, time: 2 });
    let (thread, mut checks) = (LocalSet::new(), JoinSet::new());
    for at in deaths {
        // A dead worker's attempt is lost; a job that was not yet claimed, or is settled already, has lost nothing.
        let lost = matches!(at.step, Step::Claimed | Step::ChunkDone | Step::StemsStored);
        checks.spawn_local_on(check_death(at, if lost { 2 } else { 1 }), &thread);
    }
    thread.run_until(checks.join_all()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_whose_server_dies_every_time_fails_in_the_end_and_costs_nothing() {
    let place = Place::new();
    let (take, id) = (place.take(1, 5), JobId::generate());
    for _ in 0..place.attempts {
        place.die(&take, id, DieAt { step: Step::Claimed, time: 1 }).await;
    }
    let (_server, client) = place.serve(None).await;
    let job = stage::run(&client, &take, id).await.unwrap();
    assert_eq!((job.state, job.attempt), (JobState::Failed, place.attempts), "{job:?}");
    assert_eq!((job.held, job.captured, job.released), (Credits(1), Credits(0), Credits(1)));
    assert!(job.failure.unwrap().contains("nothing was charged"));
    let account = client.account().await.unwrap();
    assert_eq!((account.posted, account.held), (Credits(600), Credits(0)));
    Books::open(&place.data()).await.unwrap().audit().await.unwrap();
}

/// All jobs from wherever they are to their end.
async fn run_all(client: &Client, jobs: &[(JobId, Arc<Take>)]) -> Vec<JobView> {
    let mut ways = JoinSet::new();
    for (id, take) in jobs {
        let (client, id, take) = (client.clone(), *id, Arc::clone(take));
        ways.spawn(async move { stage::run(&client, &take, id).await.unwrap() });
    }
    ways.join_all().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_killed_at_random_moments_loses_no_job_and_charges_each_once() {
    const KILLS: u32 = 15;
    let place = Place { attempts: 100, ..Place::new() };
    let mut random = 0x5eed_u32;
    let mut jobs = Vec::new();
    for kill in 0..KILLS {
        jobs.push((JobId::generate(), place.take(kill, 4)));
        let (mut server, client) = place.serve(None).await;
        random ^= random << 13;
        random ^= random >> 17;
        random ^= random << 5;
        let moment = Duration::from_millis(u64::from(random % 1_000));
        // Whichever comes first: all is done, or the moment.
        drop(tokio::time::timeout(moment, run_all(&client, &jobs)).await);
        server.kill().unwrap();
        Books::open(&place.data()).await.unwrap().audit().await.unwrap();
    }
    let (server, client) = place.serve(None).await;
    let ended = run_all(&client, &jobs).await;
    drop(server);
    check_paid_once(&place.data(), &ended.iter().collect::<Vec<_>>()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drained_server_gives_its_job_back_and_the_next_one_finishes_it() {
    let stage = Stage::new().await.unwrap();
    let take = stage::take(stage.folder.path(), 1, 60 * u64::from(RATE_HZ), 1, RATE_HZ).unwrap();
    let id = JobId::generate();
    stage.client.create(&stage::wish(id, take.header)).await.unwrap();
    stage.client.upload(&take.header, &take.file, |_| {}).await.unwrap();
    let mut watch = stage.client.watch(id);
    while watch.next().await.unwrap().unwrap().chunks_done == 0 {}
    drop(watch);
    let folder = stage.stop().await;

    let books = Books::open(&folder.path().join("data")).await.unwrap();
    let job = books.job(id).await.unwrap();
    assert_eq!((job.state, job.attempt, job.chunks_done), (StoredState::Queued, 1, 0), "{job:?}");
    assert_eq!(books.balance().await.unwrap().held, Credits(1), "the hold stays");
    books.audit().await.unwrap();

    let stage = Stage::on(folder, stage::config(), Default::default()).await.unwrap();
    let job = stage::run(&stage.client, &take, id).await.unwrap();
    assert_eq!((job.state, job.attempt), (JobState::Done, 2));
    let data = stage.folder.path().join("data");
    check_paid_once(&data, &[&job]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_goes_on_where_the_killed_server_stopped() {
    let place = Place::new();
    // 60 s of mono float at 8 kHz: 7.3 packets.
    let (take, id) = (place.take(1, 60), JobId::generate());
    place.die(&take, id, DieAt { step: Step::PacketStored, time: 3 }).await;

    let (journal, parts) = Journal::new();
    let stage = Stage::on(place.folder, stage::config(), parts).await.unwrap();
    let before = stage.client.job(id).await.unwrap();
    assert_eq!(before.state, JobState::Uploading);
    assert_eq!(before.uploaded_bytes, 3 * PACKET_CANONICAL_BYTES_MAX as u64, "three packets were stored");
    let sent = Mutex::new(Vec::new());
    stage.client.upload(&take.header, &take.file, |bytes| sent.lock().unwrap().push(bytes)).await.unwrap();
    assert_eq!(sent.lock().unwrap()[0], before.uploaded_bytes, "sending began where the server was");
    assert_eq!(journal.count(Step::PacketStored), 5, "only the rest was sent");
    let job = stage::run(&stage.client, &take, id).await.unwrap();
    check_paid_once(&stage.folder.path().join("data"), &[&job]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clip_of_which_a_killed_server_had_the_last_packet_is_taken_without_another() {
    let place = Place::new();
    let (take, id) = (place.take(1, 60), JobId::generate());
    place.die(&take, id, DieAt { step: Step::PacketStored, time: 8 }).await;

    let (journal, parts) = Journal::new();
    let stage = Stage::on(place.folder, stage::config(), parts).await.unwrap();
    let before = stage.client.job(id).await.unwrap();
    assert_eq!(before.state, JobState::Uploading);
    assert_eq!(Some(before.uploaded_bytes), take.header.canonical_bytes(), "all of it was stored");
    let job = stage::run(&stage.client, &take, id).await.unwrap();
    assert_eq!(journal.count(Step::PacketStored), 0, "nothing was sent again");
    check_paid_once(&stage.folder.path().join("data"), &[&job]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_download_goes_on_where_the_killed_server_stopped() {
    let place = Place::new();
    let (mut server, client) = place.serve(None).await;
    // 8 MiB a stem: far more than the packets that are under way when the server dies.
    let take = Arc::new(stage::take(place.folder.path(), 1, 44_100 * 24, 2, 44_100).unwrap());
    let job = stage::run(&client, &take, JobId::generate()).await.unwrap();
    let to = place.folder.path().join("drums.f32");
    let hasty = Patience { without_success: Duration::from_millis(500), ..Patience::default() };
    let kill = |bytes| {
        if bytes > 0 && !server.is_dead().unwrap() {
            server.kill().unwrap();
        }
    };
    let cut = client.with_patience(hasty).download(&job, "drums", &to, kill).await.unwrap_err();
    assert!(matches!(cut, ClientError::Unreachable { .. }), "{cut}");
    assert!(!to.exists(), "nothing is there under the stem's name before it is whole");

    let (_server, client) = place.serve(None).await;
    let mut seen = Vec::new();
    client.download(&job, "drums", &to, |bytes| seen.push(bytes)).await.unwrap();
    assert!(seen[0] > 0 && seen[0] < job.stems[1].bytes, "went on at {} of {}", seen[0], job.stems[1].bytes);
    assert_eq!(sha256_of(&to), job.stems[1].sha256);
    check_paid_once(&place.data(), &[&job]).await;
}
