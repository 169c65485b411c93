//! A whole server on a device that is too small, and on one that is not there.

use super::*;
use crate::{Running, start};
use sha2::{Digest, Sha256 as Hasher};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use tributary_audio::ClipShape;
use tributary_models::{Ask, Chunk, ChunkAnswer, Clips, Device as Kind, Ends, ModelError, Plan, Session};
use tributary_protocol::client::{ApiKey, Client, Endpoint, JobState, JobView, NewJob, Tls};
use tributary_protocol::vocab::{ClipHeader, Credits, JobId, Sha256};

/// A pipeline on a device that can be filled up by somebody else.
struct Crowded {
    bare: Arc<dyn Pipeline>,
    is_full: Arc<AtomicBool>,
}

impl Pipeline for Crowded {
    fn plan(&self, clip: ClipShape, ask: &Ask) -> Result<Plan, ModelError> {
        self.bare.plan(clip, ask)
    }

    fn begin(&self, plan: &Plan, clips: Clips, in_flight_max: usize) -> Result<Ends, ModelError> {
        self.bare.begin(plan, clips, in_flight_max)
    }

    fn load(&self) -> Result<Session, ModelError> {
        self.bare.load()
    }

    fn infer(&self, session: &mut Session, batch: &[Chunk]) -> Result<Vec<ChunkAnswer>, ModelError> {
        if self.is_full.load(SeqCst) {
            let reason = "Failed to allocate memory".to_owned();
            return Err(ModelError::OutOfMemory { model: "mini".to_owned(), reason });
        }
        self.bare.infer(session, batch)
    }
}

fn config() -> Config {
    let mut config = Config::default();
    config.listen.set_port(0);
    config.listen_http.set_port(0);
    config.pages.listen.set_port(0);
    config.limits.disk_free_min_mb = 1;
    config
}

/// A second and a half of a ramp, and its header.
fn clip(folder: &Path) -> (PathBuf, ClipHeader) {
    let frames = 66_150_u64;
    let samples = (0..frames * 2).map(|n| (n % 997) as f32 / 997.0 - 0.5);
    let bytes: Vec<u8> = samples.flat_map(f32::to_le_bytes).collect();
    let file = folder.join("clip.f32");
    std::fs::write(&file, &bytes).unwrap();
    let sha256 = Sha256(Hasher::digest(&bytes).into());
    (file, ClipHeader { sha256, frames, channels: 2, rate_hz: 44_100 })
}

async fn separated(client: &Client, (file, header): &(PathBuf, ClipHeader)) -> JobView {
    let id = JobId::generate();
    let mut job = client.create(&NewJob::new(id, "mini", *header, "a take")).await.unwrap();
    if job.state == JobState::Uploading {
        client.upload(header, file, |_| {}).await.unwrap();
    }
    let mut watch = client.watch(id);
    while let Some(next) = watch.next().await.unwrap() {
        job = next;
    }
    job
}

async fn connect(server: &Running) -> Client {
    let (address, key) = (server.address.clone(), ApiKey::new(&server.key).unwrap());
    Client::connect(Endpoint { address, key, tls: Tls::PublicRoots }).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_does_not_fit_the_device_fails_says_so_and_gives_its_credits_back() {
    let (folder, is_full) = (tempfile::tempdir().unwrap(), Arc::new(AtomicBool::new(true)));
    let around: Around = {
        let is_full = Arc::clone(&is_full);
        Arc::new(move |bare| Arc::new(Crowded { bare, is_full: Arc::clone(&is_full) }))
    };
    let parts = Parts { around, ..Parts::default() };
    let server = start(config(), &folder.path().join("data"), parts).await.unwrap();
    let client = connect(&server).await;
    let clip = clip(folder.path());
    let job = separated(&client, &clip).await;
    assert_eq!((job.state, job.captured, job.released), (JobState::Failed, Credits(0), job.held), "{job:?}");
    let failure = job.failure.unwrap();
    assert!(failure.contains("ran out of memory") && failure.contains("choose a smaller model"), "{failure}");
    let account = client.account().await.unwrap();
    assert_eq!((account.posted, account.available()), (Credits(600), Credits(600)));
    is_full.store(false, SeqCst);
    let job = separated(&client, &clip).await;
    assert_eq!((job.state, job.captured), (JobState::Done, Credits(1)), "the next one runs: {job:?}");
    assert!(server.store.audit().await.unwrap().is_clean());
    server.drain().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_does_not_start_on_an_accelerator_that_is_not_there() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = config();
    config.device.kind = Kind::Cuda;
    match start(config, folder.path(), Parts::default()).await {
        // This process has no library of ONNX Runtime, so no accelerator whatever the machine has.
        Err(StartError::Engine(cause)) => {
            assert!(cause.to_string().starts_with("ONNX Runtime on CUDA cannot be used"), "{cause}");
        }
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("it started"),
    }
}
