//! Credits: what is refused, what is held, what is spent, and what comes back.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::{JoinSet, spawn_blocking};
use tributary_protocol::client::{Client, ClientError, HistoryPage, JobState, JobsPage, LedgerKind};
use tributary_protocol::vocab::{ClipHeader, Credits, JobId, Sha256};
use tributary_server::Parts;
use tributary_server::auth::api_key::ApiKey;
use tributary_server::clock::{Clock, ManualClock, SystemClock};
use tributary_server::steps::{Step, Steps};
use tributary_tests::command::{self, Serve};
use tributary_tests::stage::{self, Take};
use tributary_tests::{Stage, wait};

/// A rate that makes clips small; the model has as much to do as with any other.
const RATE_HZ: u32 = 8_000;

fn take(stage: &Stage, seed: u32, seconds: u64) -> Take {
    stage::take(stage.folder.path(), seed, seconds * u64::from(RATE_HZ), 1, RATE_HZ).unwrap()
}

/// A clip that will never be sent.
fn announced(seconds: u64) -> ClipHeader {
    ClipHeader {
        sha256: Sha256([7; 32]),
        frames: seconds * u64::from(RATE_HZ),
        channels: 1,
        rate_hz: RATE_HZ,
    }
}

async fn balance(client: &Client) -> (u64, u64) {
    let account = client.account().await.unwrap();
    (account.posted.0, account.held.0)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_beyond_the_balance_names_needed_and_available_and_holds_nothing() {
    let stage = Stage::new().await.unwrap();
    let (_, client) = stage.account("poor", 5).await.unwrap();
    client.create(&stage::wish(JobId::generate(), announced(61))).await.unwrap();
    assert_eq!(balance(&client).await, (5, 2));
    let id = JobId::generate();
    let refused = client.create(&stage::wish(id, announced(181))).await.unwrap_err();
    let ClientError::NotEnoughCredits { needed, available } = refused else { panic!("{refused:?}") };
    assert_eq!((needed, available), (Credits(4), Credits(3)));
    assert_eq!(balance(&client).await, (5, 2));
    assert_eq!(client.jobs(JobsPage::default()).await.unwrap().len(), 1, "no job was made");
    assert!(matches!(client.job(id).await, Err(ClientError::UnknownJob { .. })));
    client.create(&stage::wish(id, announced(180))).await.unwrap();
    assert_eq!(balance(&client).await, (5, 5), "all that is there can be held, and the id is still free");
    stage.audit().await.unwrap();
}

/// As many jobs as are tried, one after the other; answers those that were admitted.
async fn spend(client: Client, clip: ClipHeader, tries: u32) -> Vec<JobId> {
    let mut admitted = Vec::new();
    for _ in 0..tries {
        let mut wish = stage::wish(JobId::generate(), clip);
        wish.stems = vec!["bass".to_owned()];
        match client.create(&wish).await {
            Ok(job) => admitted.push(job.id),
            Err(ClientError::NotEnoughCredits { needed: Credits(1), available: Credits(0) }) => {}
            Err(other) => panic!("{other:?}"),
        }
    }
    admitted
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_four_clients_of_one_account_spend_exactly_its_thousand_credits() {
    const CLIENTS: u32 = 64;
    const TRIES: u32 = 20;
    let mut config = stage::config();
    config.limits.jobs_open_max = 10_000;
    let stage = Stage::with(config, Parts::default()).await.unwrap();
    let (tenant, first) = stage.account("crowd", 1_001).await.unwrap();
    // The clip is there already, so that jobs are run and paid while others are still being admitted.
    let clip = stage::take(stage.folder.path(), 1, 1, 1, RATE_HZ).unwrap();
    assert_eq!(stage::run(&first, &clip, JobId::generate()).await.unwrap().state, JobState::Done);
    let key = ApiKey::generate();
    stage
        .server
        .store
        .add_key(&tenant, &key.row(tenant.account(), "crowd"), SystemClock.now())
        .await
        .unwrap();

    let mut clients = JoinSet::new();
    for _ in 0..CLIENTS {
        let client = stage::connect(&stage.server.address, &key.reveal()).await.unwrap();
        clients.spawn(spend(client, clip.header, TRIES));
    }
    let admitted: Vec<JobId> = clients.join_all().await.into_iter().flatten().collect();
    assert_eq!(admitted.len(), 1_000, "of {} tries", CLIENTS * TRIES);
    wait::until("all jobs to be paid", async || (balance(&first).await == (0, 0)).then_some(())).await;
    let lines = first.history(HistoryPage { limit: 500, before_line: None }).await.unwrap();
    assert!(lines.iter().all(|line| (line.kind, line.credits) == (LedgerKind::Capture, -1)));
    stage.audit().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn one_job_id_sent_many_times_is_one_job_with_one_hold() {
    let stage = Stage::new().await.unwrap();
    let wish = stage::wish(JobId::generate(), announced(100));
    let mut calls = JoinSet::new();
    for _ in 0..16 {
        let (client, wish) = (stage.client.clone(), wish.clone());
        calls.spawn(async move { client.create(&wish).await.unwrap() });
    }
    let jobs = calls.join_all().await;
    assert!(jobs.iter().all(|job| *job == jobs[0]), "{jobs:?}");
    assert_eq!(balance(&stage.client).await, (600, 2));
    assert_eq!(stage.client.jobs(JobsPage::default()).await.unwrap().len(), 1);
    stage.audit().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_id_with_another_request_is_a_conflict() {
    let stage = Stage::new().await.unwrap();
    let wish = stage::wish(JobId::generate(), announced(100));
    let first = stage.client.create(&wish).await.unwrap();
    let mut another_clip = wish.clone();
    another_clip.clip.sha256 = Sha256([8; 32]);
    let mut another_length = wish.clone();
    another_length.clip.frames += 1;
    let mut other_stems = wish.clone();
    other_stems.stems = vec!["bass".to_owned()];
    for other in [another_clip, another_length, other_stems] {
        let refused = stage.client.create(&other).await.unwrap_err();
        assert!(matches!(refused, ClientError::Conflict), "{refused:?}");
    }
    assert_eq!(stage.client.job(first.id).await.unwrap(), first);
    assert_eq!(balance(&stage.client).await, (600, 2));
    stage.audit().await.unwrap();
}

/// Spoils every stored clip in the moment a worker takes a job.
struct Spoil {
    artifacts: PathBuf,
    how: fn(&Path) -> std::io::Result<()>,
}

fn spoil_below(folder: &Path, how: fn(&Path) -> std::io::Result<()>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { spoil_below(&path, how) } else { how(&path).unwrap() }
    }
}

impl Steps for Spoil {
    fn reached(&self, step: Step, _job: Option<JobId>) {
        if step == Step::Claimed {
            spoil_below(&self.artifacts, self.how);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_fails_costs_nothing_and_says_why() {
    let cut: fn(&Path) -> std::io::Result<()> =
        |path| std::fs::File::options().write(true).open(path)?.set_len(1_000);
    let gone: fn(&Path) -> std::io::Result<()> = |path| std::fs::remove_file(path);
    for (how, why) in [(gone, "there is no such artifact"), (cut, "damaged")] {
        let folder = tempfile::tempdir().unwrap();
        let artifacts = folder.path().join("data").join("artifacts");
        let parts = Parts { steps: Arc::new(Spoil { artifacts, how }), ..Parts::default() };
        let stage = Stage::on(folder, stage::config(), parts).await.unwrap();
        let job = stage.separate(&take(&stage, 1, 30)).await.unwrap();
        assert_eq!(job.state, JobState::Failed, "{job:?}");
        assert_eq!((job.held, job.captured, job.released), (Credits(1), Credits(0), Credits(1)));
        let failure = job.failure.unwrap();
        assert!(failure.contains(why), "{failure}");
        assert_eq!(balance(&stage.client).await, (600, 0));
        stage.audit().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_never_comes_expires_and_gives_everything_back() {
    let clock = Arc::new(ManualClock::new(SystemClock.now()));
    let parts = Parts { clock: Arc::clone(&clock) as Arc<dyn Clock>, ..Parts::default() };
    let stage = Stage::with(stage::config(), parts).await.unwrap();
    let (take, id) = (take(&stage, 1, 5), JobId::generate());
    let first = stage.client.create(&stage::wish(id, take.header)).await.unwrap();
    clock.advance(Duration::from_secs(3_500));
    let second = stage.client.create(&stage::wish(JobId::generate(), announced(100))).await.unwrap();
    clock.advance(Duration::from_secs(101));
    let ended = wait::until("the first upload to expire", async || {
        let job = stage.client.job(id).await.unwrap();
        job.state.is_terminal().then_some(job)
    })
    .await;
    assert_eq!((ended.state, ended.captured, ended.released), (JobState::Expired, Credits(0), first.held));
    assert_eq!(stage.client.job(second.id).await.unwrap().state, JobState::Uploading, "it has its own hour");
    assert_eq!(balance(&stage.client).await, (600, 2));
    let late = stage.client.upload(&take.header, &take.file, |_| {}).await.unwrap_err();
    assert!(matches!(late, ClientError::UnknownJob { .. }), "{late}");
    assert_eq!(stage.client.create(&stage::wish(id, take.header)).await.unwrap().state, JobState::Expired);
    stage.audit().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn credits_granted_by_the_operator_appear_while_the_server_runs() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    spawn_blocking(move || {
        let _server = Serve::start(&data).unwrap();
        let run = |args: &[&str]| {
            let ran = command::run(&data, args).unwrap();
            assert_eq!(ran.code, Some(0), "{ran:?}");
            ran.out
        };
        let posted = || {
            serde_json::from_str::<serde_json::Value>(&run(&["balance", "--json"])).unwrap()["posted"].clone()
        };
        assert_eq!(posted(), 600);
        run(&["credits", "grant", "50", "--note", "for the album", "--payment", "invoice 7"]);
        assert_eq!(posted(), 650);
        run(&["credits", "grant", "50", "--note", "for the album", "--payment", "invoice 7"]);
        assert_eq!(posted(), 650, "one payment grants once");
        run(&["credits", "grant", "1"]);
        assert_eq!(posted(), 651);
        let history = run(&["history", "--json"]);
        assert_eq!(history.lines().filter(|line| line.contains("for the album")).count(), 1, "{history}");
        assert!(run(&["credits", "audit"]).contains("the books are right"));
    })
    .await
    .unwrap();
}
