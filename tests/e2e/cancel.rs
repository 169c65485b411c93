//! Cancelling at every point of a job's way: what was not done is given back, and the device is free at once.

use std::io::{BufRead, BufReader, Read};
use std::process::Stdio;
use std::sync::{Arc, OnceLock};
use tokio::task::spawn_blocking;
use tributary_protocol::client::{Client, ClientError, JobState, JobView, JobsPage};
use tributary_protocol::vocab::{Credits, JobId};
use tributary_server::Parts;
use tributary_server::config::Config;
use tributary_server::data::DataFolder;
use tributary_server::steps::{SharedSteps, Step, Steps};
use tributary_tests::command::{self, Serve};
use tributary_tests::journal::Journal;
use tributary_tests::stage::{self, Take};
use tributary_tests::{Stage, signal};

/// A rate that makes clips small; the model has as much to do as with any other.
const RATE_HZ: u32 = 8_000;
/// So many credits a minute that shares of them can be told apart.
const PRICE: u64 = 1_000;

/// One job at a time, at a price that shows every chunk.
fn config() -> Config {
    let mut config = stage::config();
    config.worker.jobs = 1;
    config.prices.insert("mini".to_owned(), PRICE);
    config.first_credits = 100_000;
    config
}

fn take(stage: &Stage, seed: u32, seconds: u64) -> Take {
    stage::take(stage.folder.path(), seed, seconds * u64::from(RATE_HZ), 1, RATE_HZ).unwrap()
}

/// Everything that was held came back, and nothing was taken.
fn check_released(job: &JobView) {
    assert_eq!(job.state, JobState::Cancelled, "{job:?}");
    assert_eq!((job.captured, job.released), (Credits(0), job.held), "{job:?}");
}

async fn balance(stage: &Stage) -> (u64, u64) {
    let account = stage.client.account().await.unwrap();
    (account.posted.0, account.held.0)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_cancelled_before_its_clip_came_gives_everything_back_and_takes_no_clip() {
    let stage = Stage::with(config(), Default::default()).await.unwrap();
    let (take, id) = (take(&stage, 1, 5), JobId::generate());
    stage.client.create(&stage::wish(id, take.header)).await.unwrap();
    assert_eq!(balance(&stage).await, (100_000, PRICE));
    check_released(&stage.client.cancel(id).await.unwrap());
    assert_eq!(balance(&stage).await, (100_000, 0));
    let late = stage.client.upload(&take.header, &take.file, |_| {}).await.unwrap_err();
    assert!(matches!(late, ClientError::UnknownJob { .. }), "{late}");
    stage.audit().await.unwrap();
}

/// One thread drives every connection: were the upload to hold it while it tells its progress, nothing would move.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_job_cancelled_while_its_clip_is_under_way_stays_cancelled() {
    let (journal, parts) = Journal::new();
    let stage = Stage::with(config(), parts).await.unwrap();
    let (take, id) = (take(&stage, 1, 60), JobId::generate());
    stage.client.create(&stage::wish(id, take.header)).await.unwrap();
    let (client, canceller) = (stage.client.clone(), stage.client.clone());
    // Cancels from within the upload, which waits for it: the clip is neither there nor unknown.
    let mut cancelled = None;
    let under_way = |bytes| {
        if bytes > 0 && cancelled.is_none() {
            let cancel = || tokio::runtime::Handle::current().block_on(canceller.cancel(id));
            cancelled = Some(tokio::task::block_in_place(cancel).unwrap());
        }
    };
    // Whether the rest is still taken is up to the server; the job stays ended.
    drop(client.upload(&take.header, &take.file, under_way).await);
    check_released(&cancelled.unwrap());
    check_released(&stage.client.job(id).await.unwrap());
    assert_eq!(journal.chunks(id), 0);
    assert_eq!(balance(&stage).await, (100_000, 0));
    stage.audit().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_cancelled_in_the_queue_gives_everything_back_and_never_runs() {
    let (journal, parts) = Journal::new();
    let stage = Stage::with(config(), parts).await.unwrap();
    let (_, other) = stage.account("other", 10_000).await.unwrap();
    let long = (take(&stage, 1, 300), JobId::generate());
    other.create(&stage::wish(long.1, long.0.header)).await.unwrap();
    other.upload(&long.0.header, &long.0.file, |_| {}).await.unwrap();
    let mut watch = other.watch(long.1);
    while watch.next().await.unwrap().unwrap().state != JobState::Running {}

    let (take, id) = (take(&stage, 2, 5), JobId::generate());
    stage.client.create(&stage::wish(id, take.header)).await.unwrap();
    stage.client.upload(&take.header, &take.file, |_| {}).await.unwrap();
    assert_eq!(stage.client.job(id).await.unwrap().state, JobState::Queued, "the only slot is taken");
    let job = stage.client.cancel(id).await.unwrap();
    check_released(&job);
    assert_eq!((job.attempt, journal.chunks(id)), (0, 0), "no worker ever had it");
    assert_eq!(balance(&stage).await, (100_000, 0));
    other.cancel(long.1).await.unwrap();
    while watch.next().await.unwrap().is_some() {}
    stage.audit().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_job_cancelled_pays_for_its_chunks_and_frees_the_device_within_one() {
    let (journal, parts) = Journal::new();
    let stage = Stage::with(config(), parts).await.unwrap();
    let (long, id) = (take(&stage, 1, 300), JobId::generate());
    stage.client.create(&stage::wish(id, long.header)).await.unwrap();
    stage.client.upload(&long.header, &long.file, |_| {}).await.unwrap();
    let mut watch = stage.client.watch(id);
    while watch.next().await.unwrap().unwrap().chunks_done == 0 {}

    let mut job = stage.client.cancel(id).await.unwrap();
    let done = journal.chunks(id);
    while let Some(next) = watch.next().await.unwrap() {
        job = next;
    }
    assert_eq!(job.state, JobState::Cancelled, "{job:?}");
    assert!(job.chunks > 20 && job.chunks_done > 0, "{job:?}");
    assert!(
        job.chunks_done <= done + 1,
        "{} chunks when it was cancelled, {} at its end",
        done,
        job.chunks_done
    );
    assert_eq!(job.held, Credits(5 * PRICE));
    let share = job.held.0 * u64::from(job.chunks_done) / u64::from(job.chunks);
    assert_eq!((job.captured, job.released), (Credits(share), Credits(job.held.0 - share)));
    assert_eq!(balance(&stage).await, (100_000 - share, 0));

    // The one slot and the device are free for the next.
    let next = stage.separate(&take(&stage, 2, 5)).await.unwrap();
    assert_eq!(next.state, JobState::Done);
    assert_eq!(journal.chunks(id), job.chunks_done, "nothing more of the cancelled job was run");
    stage.audit().await.unwrap();
}

/// Cancels every job in the moment a worker takes it.
#[derive(Default)]
struct CancelAtClaim(OnceLock<Client>);

impl Steps for CancelAtClaim {
    fn reached(&self, step: Step, job: Option<JobId>) {
        if let (Step::Claimed, Some(job), Some(client)) = (step, job, self.0.get()) {
            let cancel = || tokio::runtime::Handle::current().block_on(client.cancel(job));
            tokio::task::block_in_place(cancel).unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_in_the_moment_of_the_claim_is_heard() {
    let steps = Arc::new(CancelAtClaim::default());
    let parts = Parts { steps: Arc::clone(&steps) as SharedSteps, ..Parts::default() };
    let stage = Stage::with(config(), parts).await.unwrap();
    steps.0.set(stage.client.clone()).unwrap();
    let job = stage.separate(&take(&stage, 1, 300)).await.unwrap();
    check_released(&job);
    assert_eq!((job.attempt, job.chunks_done), (1, 0), "{job:?}");
    assert_eq!(balance(&stage).await, (100_000, 0));
    stage.audit().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_after_the_end_changes_nothing() {
    let stage = Stage::with(config(), Default::default()).await.unwrap();
    let done = stage.separate(&take(&stage, 1, 5)).await.unwrap();
    assert_eq!(done.state, JobState::Done);
    assert_eq!(stage.client.cancel(done.id).await.unwrap(), done);
    assert_eq!(stage.client.cancel(done.id).await.unwrap(), done, "nor does another");
    assert_eq!(balance(&stage).await, (100_000 - PRICE, 0));

    let ended = JobId::generate();
    stage.client.create(&stage::wish(ended, take(&stage, 2, 5).header)).await.unwrap();
    let cancelled = stage.client.cancel(ended).await.unwrap();
    assert_eq!(stage.client.cancel(ended).await.unwrap(), cancelled);
    assert_eq!(balance(&stage).await, (100_000 - PRICE, 0));
    stage.audit().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_cancels_the_job_says_what_came_back_and_ends_with_code_1() {
    let folder = tempfile::tempdir().unwrap();
    let (data, song) = (folder.path().join("data"), folder.path().join("song.wav"));
    let samples = signal::song(1, 600 * u64::from(RATE_HZ), 1, RATE_HZ);
    signal::write_wav(&song, &samples, 1, RATE_HZ).unwrap();
    let server = Arc::new(Serve::start(&data).unwrap());
    let mut command = command::tributary(&data).unwrap();
    command.args(["separate", "--out"]).arg(folder.path().join("stems")).arg(&song);
    let (code, said) = spawn_blocking(move || {
        let mut process = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut words = BufReader::new(process.stderr.take().unwrap());
        let mut said = String::new();
        while !said.contains("separating 25 %") {
            assert!(words.read_line(&mut said).unwrap() > 0, "ended early: {said}");
        }
        command::signal(process.id(), "INT").unwrap();
        words.read_to_string(&mut said).unwrap();
        (process.wait().unwrap().code(), said)
    })
    .await
    .unwrap();
    assert_eq!(code, Some(1), "{said}");

    let key = DataFolder::open(&data).unwrap().local().unwrap().unwrap().key;
    let client = stage::connect(&server.grpc, &key).await.unwrap();
    let jobs = client.jobs(JobsPage::default()).await.unwrap();
    let job = &jobs[0];
    assert_eq!((jobs.len(), job.state, job.held), (1, JobState::Cancelled, Credits(10)), "{job:?}");
    let share = 10 * u64::from(job.chunks_done) / u64::from(job.chunks);
    assert!(share >= 2, "a quarter was done: {job:?}");
    assert_eq!((job.captured, job.released), (Credits(share), Credits(10 - share)));
    let account = client.account().await.unwrap();
    assert_eq!((account.posted, account.held), (Credits(600 - share), Credits(0)));
    let words = format!("cancelled; {} spent, {} released", job.captured, job.released);
    assert!(said.contains(&words), "expected `{words}` in: {said}");
}
