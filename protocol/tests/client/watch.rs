//! Whatever happens to the stream, the last state arrives, once, and no older one after it.

use crate::cutting_proxy::Cut;
use crate::double::{Double, News};
use crate::{PATIENCE, client_of, client_through, done_job, header};
use bytes::Bytes;
use std::time::Duration;
use tonic::Status;
use tributary_protocol::client::{Client, ClientError, JobState, Patience};
use tributary_protocol::v1;
use tributary_protocol::vocab::JobId;

fn job(id: JobId, seq: u64, state: v1::JobState) -> v1::Job {
    let clip = header(&[0; 8]);
    v1::Job {
        job_id: Bytes::copy_from_slice(id.as_bytes()),
        seq,
        state: state.into(),
        clip: Some(v1::ClipHeader {
            sha256: Bytes::copy_from_slice(&clip.sha256.0),
            frames: 1,
            channels: 2,
            rate_hz: 44_100,
        }),
        ..v1::Job::default()
    }
}

async fn seen(client: &Client, id: JobId) -> Result<Vec<(u64, JobState)>, ClientError> {
    let mut watch = client.watch(id);
    let mut seen = Vec::new();
    while let Some(job) = watch.next().await? {
        seen.push((job.seq, job.state));
    }
    assert!(watch.next().await?.is_none(), "an ended watch stays ended");
    Ok(seen)
}

#[tokio::test]
async fn a_watch_survives_ended_and_refused_streams() {
    let id = JobId::generate();
    let double = Double::with_news([
        News::Refusal(Status::unavailable("starting")),
        News::Jobs(vec![job(id, 1, v1::JobState::Queued), job(id, 2, v1::JobState::Running)]),
        News::Refusal(Status::unavailable("stopping")),
        News::Jobs(vec![job(id, 2, v1::JobState::Running)]),
        News::Jobs(vec![job(id, 1, v1::JobState::Queued), job(id, 5, v1::JobState::Done)]),
    ]);
    let seen = seen(&client_of(&double).await, id).await.unwrap();
    assert_eq!(seen, [(1, JobState::Queued), (2, JobState::Running), (5, JobState::Done)]);
    assert_eq!(double.state().watched_after, [0, 0, 2, 2, 2]);
}

#[tokio::test]
async fn a_cut_connection_does_not_end_a_watch() {
    let id = JobId::generate();
    // More last words than there are connections to lose them.
    let last = || News::Jobs(vec![job(id, 3, v1::JobState::Failed)]);
    let double = Double::with_news([News::Silence, News::Silence, last(), last(), last()]);
    // The first two connections die young; a later one brings the news.
    let (client, proxy) = client_through(&double, &[Cut::AfterReceived(60), Cut::AfterSent(200)]).await;
    let patience = Patience { stream_idle: Duration::from_millis(200), ..PATIENCE };
    let seen = seen(&client.with_patience(patience), id).await.unwrap();
    assert_eq!(seen, [(3, JobState::Failed)]);
    assert!(proxy.has_cut_all());
}

#[tokio::test]
async fn a_quiet_stream_is_opened_again() {
    let id = JobId::generate();
    let double = Double::with_news([News::Silence, News::Jobs(vec![job(id, 3, v1::JobState::Cancelled)])]);
    let patience = Patience { stream_idle: Duration::from_millis(20), ..PATIENCE };
    let client = client_of(&double).await.with_patience(patience);
    assert_eq!(seen(&client, id).await.unwrap(), [(3, JobState::Cancelled)]);
}

#[tokio::test]
async fn a_new_place_in_the_queue_is_news_without_a_new_seq() {
    let id = JobId::generate();
    let queued = |queue_position| v1::Job { queue_position, ..job(id, 1, v1::JobState::Queued) };
    let double =
        Double::with_news([News::Jobs(vec![queued(2), queued(1), job(id, 2, v1::JobState::Expired)])]);
    assert_eq!(seen(&client_of(&double).await, id).await.unwrap().len(), 3);
}

#[tokio::test]
async fn an_unknown_job_ends_a_watch_with_an_error() {
    let double = Double::default();
    let seen = seen(&client_of(&double).await, done_job(&[0; 8]).id).await;
    assert!(matches!(seen, Err(ClientError::UnknownJob { .. })), "{seen:?}");
}

#[tokio::test]
async fn news_of_another_job_are_not_believed() {
    let double = Double::with_news([News::Jobs(vec![job(JobId::generate(), 1, v1::JobState::Done)])]);
    let seen = seen(&client_of(&double).await, JobId::generate()).await;
    assert!(matches!(seen, Err(ClientError::Protocol { .. })), "{seen:?}");
}
