//! Sends a clip's file from where the server has got to, until the server has it whole. Reads and packs a few
//! packets ahead on a blocking thread; never holds more than those in memory.

use super::connect::Wire;
use super::retry::{Failure, Line};
use super::{ClientError, convert};
use crate::limits::PACKET_CANONICAL_BYTES_MAX;
use crate::packet::{Encoder, Encoding};
use crate::v1;
use crate::vocab::ClipHeader;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::pin::pin;
use tokio::sync::{mpsc, watch};
use tokio::time::sleep;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Response, Status};

/// Packets packed ahead of the network: 2 MiB of samples.
const PACKETS_AHEAD_MAX: usize = 8;

/// See [`super::Client::upload`].
pub(super) async fn run(
    wire: &Wire,
    line: &Line,
    clip: &ClipHeader,
    file: &Path,
    progress: &mut (dyn FnMut(u64) + Send),
) -> Result<(), ClientError> {
    let clip_file = ClipFile::new(clip, file)?;
    clip_file.check_length().await?;
    let request = v1::QueryWriteStatusRequest { sha256: convert::hash(clip.sha256) };
    let status = |request| {
        let mut clips = wire.clips();
        async move { clips.query_write_status(request).await }
    };
    let mut backoff = line.backoff();
    let (mut best, mut known) = (0, None);
    loop {
        let stored = match known.take() {
            Some(stored) => stored,
            None => line.call(request.clone(), status).await?,
        };
        if stored.complete {
            progress(clip_file.bytes);
            return Ok(());
        }
        if stored.committed_bytes > clip_file.bytes || stored.committed_bytes % clip.frame_bytes() != 0 {
            return Err(ClientError::protocol(format!("{} clip bytes stored", stored.committed_bytes)));
        }
        if stored.committed_bytes > best {
            best = stored.committed_bytes;
            backoff.succeeded();
        }
        progress(stored.committed_bytes);
        let failure = match clip_file.send(wire, line, stored.committed_bytes, progress).await {
            Ok(answer) if answer.complete => return Ok(()),
            Ok(_) => Failure::passing(ClientError::protocol("the server took the clip's end for its middle")),
            Err(failure) => failure,
        };
        // Told when to come again: asking first where the clip goes on would use up the very call that was waited for. Where
        // it goes on elsewhere by now, the server says so.
        let is_told = matches!(failure.error, ClientError::Busy { retry_after: Some(_), .. });
        known = is_told.then_some(stored);
        backoff.again(failure).await?;
    }
}

/// The file behind a clip.
#[derive(Clone)]
struct ClipFile {
    path: PathBuf,
    clip: ClipHeader,
    /// Canonical bytes in all.
    bytes: u64,
    /// Canonical bytes of all packets but the last.
    packet_bytes: usize,
}

impl ClipFile {
    fn new(clip: &ClipHeader, path: &Path) -> Result<Self, ClientError> {
        let refused = |reason: &str| ClientError::Refused { reason: reason.to_owned() };
        let bytes =
            clip.canonical_bytes().ok_or_else(|| refused("the clip is longer than any clip may be"))?;
        let frame_bytes = usize::try_from(clip.frame_bytes()).unwrap_or(usize::MAX);
        if frame_bytes == 0 || frame_bytes > PACKET_CANONICAL_BYTES_MAX {
            return Err(refused("a clip has 1 to 8 channels"));
        }
        let packet_bytes = PACKET_CANONICAL_BYTES_MAX / frame_bytes * frame_bytes;
        Ok(Self { path: path.to_owned(), clip: *clip, bytes, packet_bytes })
    }

    async fn check_length(&self) -> Result<(), ClientError> {
        let found = tokio::fs::metadata(&self.path).await.map_err(|cause| self.disk(cause))?.len();
        if found == self.bytes {
            return Ok(());
        }
        Err(ClientError::Corrupt {
            what: format!("the clip in `{}` ({found} bytes, expected {})", self.path.display(), self.bytes),
        })
    }

    fn disk(&self, cause: io::Error) -> ClientError {
        ClientError::disk(&self.path, cause)
    }

    /// One stream, from `from` to the end or to its first failure.
    async fn send(
        &self,
        wire: &Wire,
        line: &Line,
        from: u64,
        progress: &mut (dyn FnMut(u64) + Send),
    ) -> Result<v1::WriteClipResponse, Failure> {
        let (packed, packets) = mpsc::channel(PACKETS_AHEAD_MAX);
        let this = self.clone();
        let packing = tokio::task::spawn_blocking(move || this.pack(from, &packed));
        let (sent, mut seen) = watch::channel(from);
        let packets = ReceiverStream::new(packets).map(move |request: v1::WriteClipRequest| {
            if let Some(packet) = &request.packet {
                sent.send_replace(packet.offset + u64::from(packet.canonical_bytes));
            }
            request
        });
        let answer = {
            let mut clips = wire.clips();
            let mut call = pin!(clips.write(packets));
            let mut sending = true;
            loop {
                tokio::select! {
                    answer = &mut call => break judge(line, answer),
                    moved = seen.changed(), if sending => match moved {
                        Ok(()) => {
                            // Let go before the caller is told: while it is lent, the packets' thread waits.
                            let at = *seen.borrow_and_update();
                            progress(at);
                        }
                        Err(_) => sending = false,
                    },
                    () = sleep(line.patience().stream_idle) => break Err(line.silence("nothing moves")),
                }
            }
        };
        // Whatever the server made of a stream that ended early, a file that cannot be read is the reason.
        match packing.await {
            Ok(Ok(())) => answer,
            Ok(Err(cause)) => Err(Failure::last(self.disk(cause))),
            Err(stopped) => Err(Failure::last(self.disk(io::Error::other(stopped)))),
        }
    }

    /// Blocking thread. Reads, packs and queues packets until the end, or until nobody wants them any more.
    fn pack(&self, from: u64, packed: &mpsc::Sender<v1::WriteClipRequest>) -> io::Result<()> {
        let mut file = File::open(&self.path)?;
        file.seek(SeekFrom::Start(from))?;
        let mut encoder = Encoder::new();
        let mut canonical = vec![0; self.packet_bytes];
        let mut offset = from;
        if from == self.bytes {
            // The server has all of it and died before it looked: it takes the clip up where it is named.
            let named = v1::WriteClipRequest { sha256: convert::hash(self.clip.sha256), packet: None };
            // Nobody to send it to has given up already.
            let _ = packed.blocking_send(named);
        }
        while offset < self.bytes {
            let left = usize::try_from(self.bytes - offset).unwrap_or(usize::MAX);
            let canonical = &mut canonical[..self.packet_bytes.min(left)];
            file.read_exact(canonical)?;
            let (encoding, payload) =
                encoder.encode(Encoding::F32SplitZstd, canonical).map_err(io::Error::other)?;
            let packet = v1::Packet {
                offset,
                encoding: encoding.number(),
                canonical_bytes: u32::try_from(canonical.len()).map_err(io::Error::other)?,
                payload: payload.into(),
            };
            let sha256 = if offset == from { convert::hash(self.clip.sha256) } else { bytes::Bytes::new() };
            offset += canonical.len() as u64;
            if packed.blocking_send(v1::WriteClipRequest { sha256, packet: Some(packet) }).is_err() {
                return Ok(());
            }
        }
        Ok(())
    }
}

fn judge(
    line: &Line,
    answer: Result<Response<v1::WriteClipResponse>, Status>,
) -> Result<v1::WriteClipResponse, Failure> {
    answer.map(Response::into_inner).map_err(|status| line.judge(status))
}
