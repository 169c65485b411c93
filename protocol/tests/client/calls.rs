//! Short calls: who may ask, what is asked again, what the answers become.

use crate::double::{self, Double};
use crate::{PATIENCE, client_at, client_of, header};
use std::time::Duration;
use tonic::Status;
use tributary_protocol::client::{ClientError, JobState, JobsPage, NewJob, Patience, QuoteAsk};
use tributary_protocol::settings::Settings;
use tributary_protocol::vocab::{Credits, JobId};

#[tokio::test]
async fn a_call_is_repeated_until_the_server_has_time() {
    let double = Double::default();
    double.state().refusals.extend([Status::unavailable("starting"), Status::cancelled("Timeout expired")]);
    let account = client_of(&double).await.account().await.unwrap();
    assert_eq!((account.posted, account.available()), (Credits(600), Credits(500)));
    assert_eq!(double.state().calls, 3);
}

#[tokio::test]
async fn an_unknown_key_is_not_tried_twice() {
    let double = Double::default();
    let client = client_at(double.serve().await, "tk_unknown").await;
    let asked = client.account().await;
    assert!(matches!(asked, Err(ClientError::SignIn)), "{asked:?}");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unreachable_and_named() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let patience = Patience { first_contact: Duration::from_millis(50), ..PATIENCE };
    let client = client_at(address.clone(), double::KEY).await.with_patience(patience);
    let error = client.account().await.unwrap_err();
    assert!(matches!(&error, ClientError::Unreachable { .. }), "{error:?}");
    assert!(error.to_string().contains(&address));
}

#[tokio::test]
async fn a_created_job_comes_back_as_it_was_asked_for() {
    let double = Double::default();
    let (id, clip) = (JobId::generate(), header(&[0; 80]));
    let wanted = NewJob::new(id, "mini", clip, "Song");
    let job = client_of(&double).await.create(&wanted).await.unwrap();
    assert_eq!((job.id, job.state, job.clip), (id, JobState::Uploading, clip));
    assert_eq!((job.failure, job.started_at_us), (None, None));
}

#[tokio::test]
async fn what_is_missing_is_a_job_or_a_wrong_request() {
    let client = client_of(&Double::default()).await;
    let id = JobId::generate();
    assert!(matches!(client.job(id).await, Err(ClientError::UnknownJob { .. })));
    assert!(matches!(client.cancel(id).await, Err(ClientError::UnknownJob { .. })));
    let ask =
        QuoteAsk { model: "none".into(), frames: 1, channels: 1, rate_hz: 44_100, settings: Settings::new() };
    assert!(matches!(client.quote(&ask).await, Err(ClientError::Refused { .. })));
}

#[tokio::test]
async fn an_answer_that_makes_no_sense_is_not_believed() {
    let listed = client_of(&Double::default()).await.jobs(JobsPage::default()).await;
    assert!(matches!(listed, Err(ClientError::Protocol { .. })), "{listed:?}");
}

#[tokio::test]
async fn every_call_can_be_moved_to_another_thread() {
    let client = client_of(&Double::default()).await;
    let asked = tokio::spawn(async move {
        let folder = tempfile::tempdir().unwrap();
        let gone = folder.path().join("gone");
        let _ = client.upload(&header(&[0; 8]), &gone, |_| {}).await;
        let _ = client.download(&crate::done_job(&[0; 8]), "none", &gone, |_| {}).await;
        let _ = client.watch(JobId::generate()).next().await;
        client.history(tributary_protocol::client::HistoryPage::default()).await
    });
    assert!(asked.await.unwrap().unwrap().is_empty());
}

#[tokio::test]
async fn only_a_web_page_is_taken_for_the_page_that_sells_credits() {
    for (told, taken) in [("https://h/buy", Some("https://h/buy")), ("", None), ("file:///etc/passwd", None)]
    {
        let double = Double::default();
        told.clone_into(&mut double.state().buy_url);
        let account = client_of(&double).await.account().await.unwrap();
        assert_eq!(account.buy_url.as_deref(), taken, "{told}");
    }
}
