//! The client against a network and a server that misbehave: cut connections, busy answers, wrong bytes. The server
//! here is a double that keeps one clip, one job and one stem; the real one is tested end to end elsewhere.

#![expect(clippy::unwrap_used, reason = "a test fails where it unwraps")]

mod calls;
mod cutting_proxy;
mod double;
mod download;
mod sheet;
mod tls;
mod upload;
mod watch;

use cutting_proxy::{Cut, CuttingProxy};
use double::Double;
use sha2::Digest;
use std::time::Duration;
use tributary_protocol::client::{ApiKey, Client, Endpoint, JobState, JobView, Patience, StemView, Tls};
use tributary_protocol::settings::Settings;
use tributary_protocol::vocab::{ClipHeader, Credits, JobId, Sha256};

/// Waits of milliseconds: a test that tries again shall not take seconds.
const PATIENCE: Patience = Patience {
    first_wait: Duration::from_millis(2),
    longest_wait: Duration::from_millis(10),
    first_contact: Duration::from_secs(20),
    without_success: Duration::from_secs(20),
    unary: Duration::from_secs(20),
    stream_idle: Duration::from_secs(20),
};

async fn client_at(address: String, key: &str) -> Client {
    let endpoint = Endpoint { address, key: ApiKey::new(key).unwrap(), tls: Tls::PublicRoots };
    Client::connect(endpoint).await.unwrap().with_patience(PATIENCE)
}

/// A client that speaks to the double directly.
async fn client_of(double: &Double) -> Client {
    client_at(double.serve().await, double::KEY).await
}

/// A client whose connections are cut as told, one after the other; later ones live.
async fn client_through(double: &Double, cuts: &[Cut]) -> (Client, CuttingProxy) {
    let proxy = CuttingProxy::start(double.serve().await, cuts).await;
    (client_at(proxy.address(), double::KEY).await, proxy)
}

/// Bytes that hardly shrink, so that a cut after n bytes on the wire is one after about n bytes of samples.
fn noise(frames: usize) -> Vec<u8> {
    let mut state = 7_u64;
    std::iter::repeat_with(|| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state.to_be_bytes()[0]
    })
    .take(frames * 8)
    .collect()
}

fn sha256(bytes: &[u8]) -> Sha256 {
    Sha256(sha2::Sha256::digest(bytes).into())
}

/// The header of a stereo clip.
fn header(canonical: &[u8]) -> ClipHeader {
    let frames = canonical.len() as u64 / 8;
    ClipHeader { sha256: sha256(canonical), frames, channels: 2, rate_hz: 44_100 }
}

/// A job that is done, with one stem as long as its clip.
fn done_job(stem: &[u8]) -> JobView {
    JobView {
        id: JobId::generate(),
        state: JobState::Done,
        model: "mini".into(),
        title: "Song".into(),
        clip: header(stem),
        seq: 9,
        uploaded_bytes: 0,
        queue_position: 0,
        chunks_done: 1,
        chunks: 1,
        attempt: 1,
        held: Credits(1),
        captured: Credits(1),
        released: Credits::ZERO,
        failure: None,
        stem_names: vec!["vocals".into()],
        sheets: vec![],
        settings: Settings::new(),
        references: vec![],
        stems: vec![StemView { name: "vocals".into(), sha256: sha256(stem), bytes: stem.len() as u64 }],
        created_at_us: 1,
        started_at_us: Some(2),
        ended_at_us: Some(3),
        kept_until_us: Some(4),
        erased: false,
    }
}
