//! Stems: the way out, from any packet on.

use super::gate::tenant;
use super::{Answer, AnswerStream, Edge, convert, status};
use crate::artifacts::{ArtifactReader, Key};
use crate::desk::ResultKind;
use std::io::{Read, SeekFrom};
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status};
use tributary_protocol::limits::PACKET_CANONICAL_BYTES_MAX;
use tributary_protocol::packet::{Encoder, Encoding};
use tributary_protocol::v1;

/// Packets encoded ahead of the network.
const AHEAD: usize = 4;

pub(super) struct Stems(pub(super) Arc<Edge>);

#[tonic::async_trait]
impl v1::stems_server::Stems for Stems {
    type ReadStream = AnswerStream<v1::Packet>;

    async fn read(&self, request: Request<v1::ReadStemRequest>) -> Answer<Self::ReadStream> {
        let tenant = tenant(&request)?;
        let wish = request.into_inner();
        let id = convert::job_id(&wish.job_id)?;
        let found = self.0.desk.result(&tenant, id, ResultKind::Stem, &wish.stem).await;
        let stored = convert::desk(found)?;
        let frame_bytes = stored.job.clip.frame_bytes();
        if !wish.offset.is_multiple_of(frame_bytes) || wish.offset > stored.made.bytes {
            return Err(Status::invalid_argument(format!(
                "the offset must be a multiple of {frame_bytes} and at most {}",
                stored.made.bytes
            )));
        }
        let (artifacts, key) = (Arc::clone(&self.0.desk.artifacts), Key::new(&tenant, stored.made.sha256));
        let (sender, receiver) = mpsc::channel(AHEAD);
        tokio::task::spawn_blocking(move || {
            let opened = artifacts.open(&key).map_err(|error| status::of_artifact(&error));
            let sent = opened.and_then(|reader| send(reader, wish.offset, frame_bytes, &sender));
            if let Err(status) = sent {
                let _ = sender.blocking_send(Err(status));
            }
        });
        Ok(Response::new(Box::pin(ReceiverStream::new(receiver))))
    }
}

/// Packets from `offset` to the end. Ends quietly when nobody listens any more.
fn send(
    mut reader: Box<dyn ArtifactReader>,
    offset: u64,
    frame_bytes: u64,
    sender: &mpsc::Sender<Result<v1::Packet, Status>>,
) -> Result<(), Status> {
    reader.seek(SeekFrom::Start(offset)).map_err(|error| status::internal(&error))?;
    let packet_bytes = PACKET_CANONICAL_BYTES_MAX as u64 / frame_bytes * frame_bytes;
    let (mut offset, mut bytes, mut encoder) = (offset, Vec::new(), Encoder::new());
    loop {
        bytes.clear();
        let read = (&mut reader).take(packet_bytes).read_to_end(&mut bytes);
        let read = read.map_err(|error| status::internal(&error))? as u64;
        if read == 0 {
            return Ok(());
        }
        let encoded = encoder.encode(Encoding::F32SplitZstd, &bytes);
        let (encoding, payload) = encoded.map_err(|error| status::of_packet(&error))?;
        let canonical_bytes = u32::try_from(read).expect("a packet is small");
        let packet =
            v1::Packet { offset, encoding: encoding.number(), canonical_bytes, payload: payload.into() };
        if sender.blocking_send(Ok(packet)).is_err() {
            return Ok(());
        }
        offset += read;
    }
}
