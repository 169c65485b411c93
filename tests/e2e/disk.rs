//! A disk that fills up: jobs are refused or fail for nothing, say so, and go on as soon as there is room.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tempfile::TempDir;
use tributary_protocol::client::{Client, ClientError, JobState, Patience};
use tributary_protocol::vocab::{Credits, JobId};
use tributary_server::Parts;
use tributary_server::steps::{Step, Steps};
use tributary_tests::stage::{Stage, config, take, wish};
use tributary_tests::{http, wait};

const MIB: u64 = 1 << 20;
/// Ten seconds of stereo: 3.4 MiB, and as much again for each of four stems.
const FRAMES: u64 = 441_000;

/// A file system of 64 MiB in memory; goes when dropped.
struct SmallDisk(PathBuf, #[expect(dead_code, reason = "removes the folder when dropped")] TempDir);

impl SmallDisk {
    /// None, with a line, where this user may not mount.
    #[expect(clippy::print_stdout, reason = "a test says what it left out")]
    fn mount() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("disk");
        fs::create_dir(&path).unwrap();
        let mounted =
            Command::new("mount").args(["-t", "tmpfs", "-o", "size=64m", "tmpfs"]).arg(&path).output();
        if mounted.is_ok_and(|output| output.status.success()) {
            return Some(Self(path, folder));
        }
        println!("left out: the tests of a full disk (mounting a small one needs root)");
        None
    }

    fn folder(&self) -> TempDir {
        tempfile::tempdir_in(&self.0).unwrap()
    }

    /// Takes everything but `left_bytes`.
    fn fill(&self, left_bytes: u64) -> Ballast {
        Ballast::new(&self.0, left_bytes)
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: a server that is still closing must not keep it.
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

/// What a disk is full of; gone when dropped.
struct Ballast(PathBuf);

impl Ballast {
    fn new(disk: &Path, left_bytes: u64) -> Self {
        let path = disk.join("ballast");
        let mut file = File::create(&path).unwrap();
        // Until the system says that it is full, since free space is counted in whole pages.
        while file.write(&[0; 65_536]).is_ok_and(|written| written > 0) {}
        file.set_len(file.metadata().unwrap().len().saturating_sub(left_bytes)).unwrap();
        Self(path)
    }
}

impl Drop for Ballast {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// The client, which gives up at the first "try again".
fn impatient(client: &Client) -> Client {
    client.clone().with_patience(Patience {
        first_contact: Duration::ZERO,
        without_success: Duration::ZERO,
        ..Patience::default()
    })
}

fn check_busy(error: &ClientError) {
    let words = error.to_string();
    assert!(matches!(error, ClientError::Busy { retry_after: Some(_), .. }), "{error:?}");
    assert!(words.contains("disk") && words.contains("full") && words.contains("try again in"), "{words}");
}

async fn end(client: &Client, id: JobId) -> tributary_protocol::client::JobView {
    let mut watch = client.watch(id);
    let mut last = None;
    while let Some(job) = watch.next().await.unwrap() {
        last = Some(job);
    }
    last.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_job_is_admitted_that_the_disk_has_no_room_for_and_room_is_noticed() {
    let Some(disk) = SmallDisk::mount() else { return };
    let stage = Stage::on(disk.folder(), config(), Parts::default()).await.unwrap();
    let clips = tempfile::tempdir().unwrap();
    let take = take(clips.path(), 1, FRAMES, 2, 44_100).unwrap();
    let id = JobId::generate();
    // The clip would fit, with its four stems it does not.
    let ballast = disk.fill(12 * MIB);
    check_busy(&impatient(&stage.client).create(&wish(id, take.header)).await.unwrap_err());
    assert_eq!(stage.client.account().await.unwrap().held, Credits(0));
    drop(ballast);
    let job = tributary_tests::stage::run(&stage.client, &take, id).await.unwrap();
    assert_eq!((job.state, job.captured), (JobState::Done, Credits(1)));
    stage.audit().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_meets_a_full_disk_goes_on_when_there_is_room() {
    let Some(disk) = SmallDisk::mount() else { return };
    let stage = Stage::on(disk.folder(), config(), Parts::default()).await.unwrap();
    let clips = tempfile::tempdir().unwrap();
    let take = take(clips.path(), 2, FRAMES, 2, 44_100).unwrap();
    let job = stage.client.create(&wish(JobId::generate(), take.header)).await.unwrap();
    let ballast = disk.fill(2 * MIB);
    let full = impatient(&stage.client).upload(&take.header, &take.file, |_| {}).await.unwrap_err();
    check_busy(&full);
    let health = format!("http://{}", stage.server.http);
    let (status, body) = http::get(&health, "/healthz").unwrap();
    assert!(status == 503 && body.contains("almost full"), "{status} {body}");
    let (client, header, file) = (stage.client.clone(), take.header, take.file.clone());
    let patient = tokio::spawn(async move { client.upload(&header, &file, |_| {}).await });
    drop(ballast);
    patient.await.unwrap().unwrap();
    assert_eq!(http::get(&health, "/healthz").unwrap().0, 200);
    let job = end(&stage.client, job.id).await;
    assert_eq!((job.state, job.captured), (JobState::Done, Credits(1)));
    stage.audit().await.unwrap();
}

/// Fills the disk when a job is claimed.
struct FillAtClaim {
    disk: PathBuf,
    left_bytes: u64,
    ballast: Mutex<Option<Ballast>>,
    /// Only the first claim meets it.
    armed: Mutex<bool>,
}

impl Steps for FillAtClaim {
    fn reached(&self, step: Step, _job: Option<JobId>) {
        if step == Step::Claimed && std::mem::take(&mut *self.armed.lock().unwrap()) {
            *self.ballast.lock().unwrap() = Some(Ballast::new(&self.disk, self.left_bytes));
        }
    }
}

async fn filled_at_claim(disk: &SmallDisk, left_bytes: u64) -> (Stage, Arc<FillAtClaim>) {
    let (ballast, armed) = (Mutex::new(None), Mutex::new(true));
    let steps = Arc::new(FillAtClaim { disk: disk.0.clone(), left_bytes, ballast, armed });
    let parts = Parts { steps: Arc::<FillAtClaim>::clone(&steps), ..Parts::default() };
    let mut config = config();
    config.worker.lease_seconds = 2;
    (Stage::on(disk.folder(), config, parts).await.unwrap(), steps)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_whose_stems_find_no_room_fails_for_nothing_and_the_next_one_is_done() {
    let Some(disk) = SmallDisk::mount() else { return };
    let (stage, steps) = filled_at_claim(&disk, 2 * MIB).await;
    let clips = tempfile::tempdir().unwrap();
    let take = take(clips.path(), 3, FRAMES, 2, 44_100).unwrap();
    let job = tributary_tests::stage::run(&stage.client, &take, JobId::generate()).await.unwrap();
    assert_eq!(
        (job.state, job.captured, job.released),
        (JobState::Failed, Credits(0), Credits(1)),
        "{job:?}"
    );
    assert!(
        job.failure.as_deref().unwrap_or_default().contains("disk for clips and stems is full"),
        "{job:?}"
    );
    assert_eq!(stage.client.account().await.unwrap().posted, Credits(600));
    stage.audit().await.unwrap();
    let unfinished = fs::read_dir(stage.folder.path().join("data/artifacts/incoming")).unwrap().count();
    assert_eq!(unfinished, 0, "half a stem takes no room");

    *steps.ballast.lock().unwrap() = None;
    assert_eq!(stage.separate(&take).await.unwrap().state, JobState::Done);
    assert_eq!(stage.client.account().await.unwrap().posted, Credits(599));
    stage.audit().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_without_one_free_byte_loses_no_credit_and_the_job_ends_when_there_is_room() {
    let Some(disk) = SmallDisk::mount() else { return };
    let (stage, steps) = filled_at_claim(&disk, 0).await;
    let clips = tempfile::tempdir().unwrap();
    let first = take(clips.path(), 4, FRAMES, 2, 44_100).unwrap();
    let second = take(clips.path(), 5, 9_000, 2, 44_100).unwrap();
    let job = stage.client.create(&wish(JobId::generate(), first.header)).await.unwrap();
    stage.client.upload(&first.header, &first.file, |_| {}).await.unwrap();
    wait::until("a full disk", async || steps.ballast.lock().unwrap().as_ref().map(|_| ())).await;
    check_busy(&impatient(&stage.client).create(&wish(JobId::generate(), second.header)).await.unwrap_err());
    assert_eq!(stage.client.account().await.unwrap().posted, Credits(600), "the books can be read");
    *steps.ballast.lock().unwrap() = None;
    let job = end(&stage.client, job.id).await;
    match job.state {
        // It may be tried again when its worker's lease ran out before the failure could be written.
        JobState::Done => assert_eq!(job.captured, Credits(1)),
        JobState::Failed => assert_eq!((job.captured, job.released), (Credits(0), Credits(1))),
        _ => panic!("{job:?}"),
    }
    assert_eq!(stage.separate(&second).await.unwrap().state, JobState::Done);
    let account = stage.client.account().await.unwrap();
    assert_eq!((account.posted, account.held), (Credits(599 - job.captured.0), Credits(0)));
    stage.audit().await.unwrap();
}
