//! Clips: the way in, resumable at every packet.

use super::gate::tenant;
use super::{Answer, Edge, convert, status as to_status};
use crate::steps::Step;
use crate::tenant::Tenant;
use crate::upload::Upload;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use tonic::{Request, Response, Status, Streaming};
use tributary_protocol::packet::{Decoder, Encoding};
use tributary_protocol::v1;
use tributary_protocol::vocab::{ClipHeader, Sha256};

/// A writer that says nothing for this long is cut off; what came stays.
const IDLE: Duration = Duration::from_secs(60);

pub(super) struct Clips(pub(super) Arc<Edge>);

#[tonic::async_trait]
impl v1::clips_server::Clips for Clips {
    async fn write(
        &self,
        request: Request<Streaming<v1::WriteClipRequest>>,
    ) -> Answer<v1::WriteClipResponse> {
        let tenant = tenant(&request)?;
        let mut stream = request.into_inner();
        let Some(first) = next(&mut stream).await? else {
            // A connection that was cut looks the same: the client shall go on from what is stored.
            return Err(Status::unavailable(
                "the stream ended before its first message, which names the clip",
            ));
        };
        let sha256 = convert::sha256(&first.sha256)?;
        let Some(header) = convert::store(self.0.desk.store.awaited_clip(&tenant, sha256).await)? else {
            return status(&self.0, &tenant, sha256).await;
        };
        let (complete, committed_bytes) = self.0.take_clip(&tenant, header, first, &mut stream).await?;
        Ok(Response::new(v1::WriteClipResponse { committed_bytes, complete }))
    }

    async fn query_write_status(
        &self,
        request: Request<v1::QueryWriteStatusRequest>,
    ) -> Answer<v1::WriteClipResponse> {
        let tenant = tenant(&request)?;
        let sha256 = convert::sha256(&request.get_ref().sha256)?;
        status(&self.0, &tenant, sha256).await
    }
}

async fn next(stream: &mut Streaming<v1::WriteClipRequest>) -> Result<Option<v1::WriteClipRequest>, Status> {
    tokio::time::timeout(IDLE, stream.message())
        .await
        .map_err(|_| Status::aborted("nothing came for 60 s; continue where QueryWriteStatus says"))?
}

impl Edge {
    /// Packets to disk, one at a time: a slow disk slows the sender through HTTP/2's flow control.
    async fn take_clip(
        &self,
        tenant: &Tenant,
        header: ClipHeader,
        first: v1::WriteClipRequest,
        stream: &mut Streaming<v1::WriteClipRequest>,
    ) -> Result<(bool, u64), Status> {
        let upload = convert::desk(self.desk.begin_clip(tenant, header).await)?;
        let mut writer = ClipWriter { upload, decoder: Decoder::new(), bytes: Vec::new() };
        let mut told = Instant::now();
        let mut message = Some(first);
        while let Some(request) = message {
            if let Some(packet) = request.packet {
                writer = append(writer, packet).await?;
                self.desk.steps.reached(Step::PacketStored, None);
            }
            convert::desk(self.desk.still_arriving(tenant, header.sha256, &mut told).await)?;
            message = next(stream).await?;
        }
        convert::desk(self.desk.end_clip(tenant, writer.upload).await)
    }
}

/// How much of a clip is here.
async fn status(edge: &Edge, tenant: &Tenant, sha256: Sha256) -> Answer<v1::WriteClipResponse> {
    let (complete, committed_bytes) = convert::desk(edge.desk.clip_status(tenant, sha256).await)?;
    Ok(Response::new(v1::WriteClipResponse { committed_bytes, complete }))
}

/// One clip on its way to disk, with the memory its packets share.
struct ClipWriter {
    upload: Upload,
    decoder: Decoder,
    bytes: Vec<u8>,
}

async fn append(mut writer: ClipWriter, packet: v1::Packet) -> Result<ClipWriter, Status> {
    let decoded = move || {
        let Some(encoding) = Encoding::from_number(packet.encoding) else {
            return Err(Status::invalid_argument("the packet's encoding is unknown here; send F32_RAW"));
        };
        let (size, bytes) = (packet.canonical_bytes as usize, &mut writer.bytes);
        let decoded = writer.decoder.decode(encoding, size, &packet.payload, bytes);
        decoded.map_err(|error| to_status::of_packet(&error))?;
        writer.upload.append(packet.offset, bytes).map_err(|error| to_status::of_upload(&error))?;
        Ok(writer)
    };
    tokio::task::spawn_blocking(decoded).await.map_err(|error| to_status::internal(&error))?
}
