//! Sheets: the way out, whole.

use super::gate::tenant;
use super::{Answer, AnswerStream, Edge, convert, status};
use crate::artifacts::{ArtifactReader, Key};
use crate::desk::ResultKind;
use std::io::Read;
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status};
use tributary_protocol::limits::SHEET_PIECE_BYTES_MAX;
use tributary_protocol::v1;

/// Pieces read ahead of the network.
const AHEAD: usize = 4;

pub(super) struct Sheets(pub(super) Arc<Edge>);

#[tonic::async_trait]
impl v1::sheets_server::Sheets for Sheets {
    type ReadStream = AnswerStream<v1::SheetPiece>;

    async fn read(&self, request: Request<v1::ReadSheetRequest>) -> Answer<Self::ReadStream> {
        let tenant = tenant(&request)?;
        let wish = request.into_inner();
        let id = convert::job_id(&wish.job_id)?;
        let found = self.0.desk.result(&tenant, id, ResultKind::Sheet, &wish.sheet).await;
        let stored = convert::desk(found)?;
        let (artifacts, key) = (Arc::clone(&self.0.desk.artifacts), Key::new(&tenant, stored.made.sha256));
        let (sender, receiver) = mpsc::channel(AHEAD);
        tokio::task::spawn_blocking(move || {
            let opened = artifacts.open(&key).map_err(|error| status::of_artifact(&error));
            if let Err(status) = opened.and_then(|reader| send(reader, &sender)) {
                let _ = sender.blocking_send(Err(status));
            }
        });
        Ok(Response::new(Box::pin(ReceiverStream::new(receiver))))
    }
}

/// Pieces to the end. Ends quietly when nobody listens any more.
fn send(
    mut reader: Box<dyn ArtifactReader>,
    sender: &mpsc::Sender<Result<v1::SheetPiece, Status>>,
) -> Result<(), Status> {
    loop {
        let mut bytes = Vec::new();
        let read = (&mut reader).take(SHEET_PIECE_BYTES_MAX as u64).read_to_end(&mut bytes);
        if read.map_err(|error| status::internal(&error))? == 0 {
            return Ok(());
        }
        if sender.blocking_send(Ok(v1::SheetPiece { bytes: bytes.into() })).is_err() {
            return Ok(());
        }
    }
}
