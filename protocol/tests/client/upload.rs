//! A clip arrives whole and once, or the caller learns why it cannot.

use crate::cutting_proxy::Cut;
use crate::double::Double;
use crate::{PATIENCE, client_of, client_through, header, noise};
use std::io::Write;
use std::time::Duration;
use tempfile::NamedTempFile;
use tonic::Status;
use tributary_protocol::client::{ClientError, Patience};

fn clip_file(canonical: &[u8]) -> NamedTempFile {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(canonical).unwrap();
    file
}

#[tokio::test]
async fn a_clip_arrives_whole_through_connections_that_are_cut() {
    let canonical = noise(700_000);
    let double = Double::waiting_for(canonical.len());
    let cuts = [Cut::AfterSent(900_000), Cut::AfterSent(10), Cut::AfterSent(1_500_000)];
    let (client, proxy) = client_through(&double, &cuts).await;
    let file = clip_file(&canonical);
    let mut told = Vec::new();
    client.upload(&header(&canonical), file.path(), |bytes| told.push(bytes)).await.unwrap();
    assert!(double.state().clip == canonical);
    assert!(proxy.has_cut_all());
    assert!(double.state().write_offsets.iter().any(|offset| *offset > 0), "it began in the middle");
    assert_eq!(told.last(), Some(&(canonical.len() as u64)));
}

#[tokio::test]
async fn a_clip_that_is_there_already_is_not_sent() {
    let canonical = noise(1000);
    let double = Double::waiting_for(canonical.len());
    double.state().clip.clone_from(&canonical);
    let file = clip_file(&canonical);
    client_of(&double).await.upload(&header(&canonical), file.path(), |_| {}).await.unwrap();
    assert!(double.state().write_offsets.is_empty());
}

#[tokio::test]
async fn an_upload_that_was_dropped_goes_on_where_it_was() {
    let canonical = noise(700_000);
    let double = Double::waiting_for(canonical.len());
    let (client, file) = (client_of(&double).await, clip_file(&canonical));
    let header = header(&canonical);
    let (moved, has_moved) = tokio::sync::oneshot::channel();
    let mut moved = Some(moved);
    let on_progress = |bytes| {
        if bytes > 1_000_000 {
            moved.take().map(|moved| moved.send(()));
        }
    };
    tokio::select! {
        sent = client.upload(&header, file.path(), on_progress) => panic!("not dropped: {sent:?}"),
        _ = has_moved => {}
    }
    client.upload(&header, file.path(), |_| {}).await.unwrap();
    assert!(double.state().clip == canonical);
}

#[tokio::test]
async fn a_busy_server_is_asked_again() {
    let canonical = noise(100_000);
    let double = Double::waiting_for(canonical.len());
    double.state().refusals.extend([Status::unavailable("starting"), Status::aborted("busy")]);
    let refusals = [Status::aborted("another stream"), Status::unavailable("stopping")];
    double.state().write_refusals.extend(refusals);
    let file = clip_file(&canonical);
    client_of(&double).await.upload(&header(&canonical), file.path(), |_| {}).await.unwrap();
    assert!(double.state().clip == canonical);
    assert_eq!(double.state().write_offsets.len(), 3);
}

#[tokio::test]
async fn a_server_that_never_stores_anything_is_given_up() {
    let canonical = noise(10);
    let double = Double::waiting_for(canonical.len());
    double.state().stores_nothing = true;
    let patience = Patience { without_success: Duration::from_millis(100), ..PATIENCE };
    let client = client_of(&double).await.with_patience(patience);
    let file = clip_file(&canonical);
    let sent = client.upload(&header(&canonical), file.path(), |_| {}).await;
    assert!(matches!(sent, Err(ClientError::Busy { .. })), "{sent:?}");
    assert!(double.state().write_offsets.len() > 1, "it was tried again before");
}

#[tokio::test]
async fn a_clip_with_another_hash_is_refused_once_and_for_all() {
    let canonical = noise(1000);
    let double = Double::waiting_for(canonical.len());
    let file = clip_file(&canonical);
    let header = header(&noise(1001)[8..]);
    let sent = client_of(&double).await.upload(&header, file.path(), |_| {}).await;
    assert!(matches!(sent, Err(ClientError::Corrupt { .. })), "{sent:?}");
    assert_eq!(double.state().write_offsets, [0]);
}

#[tokio::test]
async fn a_file_of_another_length_than_its_header_is_not_sent() {
    let canonical = noise(1000);
    let double = Double::waiting_for(canonical.len());
    let file = clip_file(&canonical[..canonical.len() - 1]);
    let sent = client_of(&double).await.upload(&header(&canonical), file.path(), |_| {}).await;
    assert!(matches!(sent, Err(ClientError::Corrupt { .. })), "{sent:?}");
    assert_eq!(double.state().calls, 0);
}

#[tokio::test]
async fn a_file_that_is_not_there_is_named() {
    let double = Double::waiting_for(8);
    let folder = tempfile::tempdir().unwrap();
    let sent =
        client_of(&double).await.upload(&header(&[0; 8]), &folder.path().join("gone.f32"), |_| {}).await;
    assert!(sent.is_err_and(|error| error.to_string().contains("gone.f32")));
}
