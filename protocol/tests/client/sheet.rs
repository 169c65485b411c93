//! A sheet's file is whole and true, or it is not there.

use crate::double::Double;
use crate::{client_of, done_job, noise, sha256};
use std::fs;
use tonic::Status;
use tributary_protocol::client::{ClientError, JobView, SheetView};

fn job_with(sheet: &[u8]) -> JobView {
    let view = SheetView { name: "notes.mid".into(), sha256: sha256(sheet), bytes: sheet.len() as u64 };
    JobView { sheets: vec![view], ..done_job(&[0; 8]) }
}

#[tokio::test]
async fn a_sheet_comes_in_pieces_and_goes_on_after_a_cut() {
    let (folder, double, sheet) = (tempfile::tempdir().unwrap(), Double::default(), noise(130));
    let pieces = |sheet: &[u8]| sheet.chunks(300).map(|piece| Ok(piece.to_vec())).collect::<Vec<_>>();
    let mut cut = pieces(&sheet);
    cut[2] = Err(Status::unavailable("gone"));
    double.state().sheets.extend([cut, pieces(&sheet)]);
    let to = folder.path().join("notes.mid");
    client_of(&double).await.download_sheet(&job_with(&sheet), "notes.mid", &to).await.unwrap();
    assert_eq!(fs::read(&to).unwrap(), sheet);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[tokio::test]
async fn wrong_bytes_are_fetched_once_more_and_then_called_damaged() {
    let (folder, double, sheet) = (tempfile::tempdir().unwrap(), Double::default(), noise(130));
    let (wrong, long) = (vec![Ok(vec![7; 1040])], vec![Ok(noise(600)), Ok(noise(600))]);
    double.state().sheets.extend([wrong.clone(), vec![Ok(sheet.clone())], wrong, long]);
    let (client, job) = (client_of(&double).await, job_with(&sheet));
    let to = folder.path().join("notes.mid");
    client.download_sheet(&job, "notes.mid", &to).await.unwrap();
    let damaged = client.download_sheet(&job, "notes.mid", &folder.path().join("again.mid")).await;
    assert!(matches!(damaged, Err(ClientError::Corrupt { .. })), "{damaged:?}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    let unknown = client.download_sheet(&job, "score.musicxml", &to).await;
    assert!(matches!(unknown, Err(ClientError::Refused { .. })), "{unknown:?}");
}
