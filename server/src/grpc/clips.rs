//! Clips: the way in, resumable at every packet.

use super::gate::tenant;
use super::{Answer, Edge, convert, status};
use crate::artifacts::Key;
use crate::steps::Step;
use crate::tenant::Tenant;
use crate::upload::{Upload, UploadError};
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
        let Some(header) = convert::store(self.0.store.awaited_clip(&tenant, sha256).await)? else {
            return self.0.status(&tenant, sha256).await;
        };
        let (complete, committed_bytes) = self.0.take_clip(&tenant, header, first, &mut stream).await?;
        if complete {
            self.0.clip_stored(&tenant, sha256).await?;
        }
        Ok(Response::new(v1::WriteClipResponse { committed_bytes, complete }))
    }

    async fn query_write_status(
        &self,
        request: Request<v1::QueryWriteStatusRequest>,
    ) -> Answer<v1::WriteClipResponse> {
        let tenant = tenant(&request)?;
        let sha256 = convert::sha256(&request.get_ref().sha256)?;
        self.0.status(&tenant, sha256).await
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
        let (uploads, owner) = (Arc::clone(&self.uploads), *tenant);
        let upload = blocking(move || uploads.begin(&owner, &header)).await?;
        let mut writer = ClipWriter { upload, decoder: Decoder::new(), bytes: Vec::new() };
        let patience = self.limits.upload_idle();
        let mut told = Instant::now();
        let mut message = Some(first);
        while let Some(request) = message {
            if let Some(packet) = request.packet {
                writer = append(writer, packet).await?;
                self.steps.reached(Step::PacketStored, None);
            }
            if told.elapsed() > patience / 4 {
                told = Instant::now();
                let until = self.clock.now().after(patience);
                convert::store(self.store.still_uploading(tenant, header.sha256, until).await)?;
            }
            message = next(stream).await?;
        }
        let committed_bytes = writer.upload.committed_bytes();
        if Some(committed_bytes) != header.canonical_bytes() {
            return Ok((false, committed_bytes));
        }
        blocking(move || writer.upload.finish()).await?;
        self.steps.reached(Step::ClipStored, None);
        Ok((true, committed_bytes))
    }

    /// The clip is an artifact: the jobs that wait for it are queued.
    async fn clip_stored(&self, tenant: &Tenant, sha256: Sha256) -> Result<(), Status> {
        for job in convert::store(self.store.uploaded(tenant, sha256, self.clock.now()).await)? {
            self.steps.reached(Step::Queued, Some(job));
            self.queue.ring(job);
            self.progress.changed(tenant, job);
        }
        Ok(())
    }

    /// How much of a clip is here. A clip that was stored just before the server died is announced now.
    async fn status(&self, tenant: &Tenant, sha256: Sha256) -> Answer<v1::WriteClipResponse> {
        let (artifacts, key) = (Arc::clone(&self.artifacts), Key::new(tenant, sha256));
        let stored = tokio::task::spawn_blocking(move || artifacts.bytes(&key)).await;
        let stored = stored.map_err(|error| status::internal(&error))?;
        if let Some(committed_bytes) = stored.map_err(|error| status::of_artifact(&error))? {
            self.clip_stored(tenant, sha256).await?;
            return Ok(Response::new(v1::WriteClipResponse { committed_bytes, complete: true }));
        }
        let Some(header) = convert::store(self.store.awaited_clip(tenant, sha256).await)? else {
            return Err(Status::not_found("no job waits for this clip; create the job first"));
        };
        let committed_bytes = self.committed_bytes(tenant, header).await?;
        Ok(Response::new(v1::WriteClipResponse { committed_bytes, complete: false }))
    }

    pub(super) async fn committed_bytes(&self, tenant: &Tenant, header: ClipHeader) -> Result<u64, Status> {
        let (uploads, owner) = (Arc::clone(&self.uploads), *tenant);
        blocking(move || uploads.committed_bytes(&owner, &header)).await
    }
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
        decoded.map_err(|error| status::of_packet(&error))?;
        writer.upload.append(packet.offset, bytes).map_err(|error| status::of_upload(&error))?;
        Ok(writer)
    };
    tokio::task::spawn_blocking(decoded).await.map_err(|error| status::internal(&error))?
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, UploadError> + Send + 'static,
) -> Result<T, Status> {
    let done = tokio::task::spawn_blocking(work).await.map_err(|error| status::internal(&error))?;
    done.map_err(|error| status::of_upload(&error))
}
