//! Stems and sheets: the way out, any range of their bytes. A stem comes as a WAV file of 32-bit floats, or as canonical
//! bytes with `?format=f32`.

use super::problem::Problem;
use super::{Edge, request};
use crate::artifacts::ArtifactReader;
use crate::auth::Pass;
use crate::desk::{DeskError, ResultKind, Stored};
use axum::body::{Body, Bytes};
use axum::extract::{Extension, Path, RawQuery, State};
use axum::http::header::{ACCEPT_RANGES, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, IF_RANGE, RANGE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use std::io::{Read, Seek, SeekFrom};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tributary_audio::ClipShape;
use tributary_audio::wav::{WavFormat, WavWriter};

/// Bytes read at once.
const PIECE_BYTES: u64 = 256 * 1024;
/// A reader that takes nothing for so long is given up.
const SEND_PATIENCE: Duration = Duration::from_secs(60);

/// Ends of sheets' names, and what such a sheet is.
const SHEET_KINDS: [(&[&str], &str); 6] = [
    (&["json"], "application/json"),
    (&["mid"], "audio/midi"),
    (&["csv"], "text/csv"),
    (&["txt", "srt"], "text/plain; charset=utf-8"),
    (&["vtt"], "text/vtt"),
    (&["musicxml"], "application/vnd.recordare.musicxml+xml"),
];
/// Of whatever else.
const BYTES: &str = "application/octet-stream";
/// All of these without their parameters, for the document.
pub(super) const SHEETS: &[&str] = &[
    "application/json",
    "audio/midi",
    "text/csv",
    "text/plain",
    "text/vtt",
    "application/vnd.recordare.musicxml+xml",
    BYTES,
];

pub(super) async fn stem(
    State(edge): State<Edge>,
    Extension(pass): Extension<Pass>,
    Path((job, stem)): Path<(String, String)>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let id = request::job_id(&job)?;
    let stored = edge.desk.result(&pass.principal.tenant, id, ResultKind::Stem, &stem).await?;
    let clip = &stored.job.clip;
    let shape = ClipShape { channels: clip.channels, frames: clip.frames, rate_hz: clip.rate_hz };
    let (head, kind) = match request::query(query.as_deref(), "format").unwrap_or("wav") {
        "wav" => (wav_head(shape)?, "audio/wav"),
        "f32" => (Vec::new(), BYTES),
        _ => return Err(Problem::invalid("`format` must be wav or f32")),
    };
    send(&edge, stored, head, kind, &headers).await
}

pub(super) async fn sheet(
    State(edge): State<Edge>,
    Extension(pass): Extension<Pass>,
    Path((job, sheet)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let id = request::job_id(&job)?;
    let stored = edge.desk.result(&pass.principal.tenant, id, ResultKind::Sheet, &sheet).await?;
    let end = sheet.rsplit('.').next().unwrap_or_default();
    let kind = SHEET_KINDS.iter().find(|(ends, _)| ends.contains(&end)).map_or(BYTES, |(_, kind)| kind);
    send(&edge, stored, Vec::new(), kind, &headers).await
}

/// What stands before the samples in a WAV file of 32-bit floats: behind it, canonical bytes are the file's own.
fn wav_head(shape: ClipShape) -> Result<Vec<u8>, Problem> {
    let writer = WavWriter::new(Vec::new(), shape, WavFormat::Float32);
    Ok(writer.map_err(|error| Problem::from(DeskError::Audio(error)))?.into_inner())
}

/// `head`, then the stored bytes, or the range of both that is asked for.
async fn send(
    edge: &Edge,
    stored: Stored,
    head: Vec<u8>,
    kind: &'static str,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    let all = head.len() as u64 + stored.made.bytes;
    let tag = format!("\"{}{}\"", stored.made.sha256, if head.is_empty() { "" } else { "-wav" });
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let unchanged = text(IF_RANGE).is_none_or(|known| known == tag);
    let asked = text(RANGE).filter(|_| unchanged).and_then(|range| range_of(range, all));
    let (status, first, end) = match asked {
        None => (StatusCode::OK, 0, all),
        Some(Err(())) => return Err(Problem::unsatisfiable(all)),
        Some(Ok((first, end))) => (StatusCode::PARTIAL_CONTENT, first, end),
    };
    let reader = edge.desk.open(&stored).await?;
    let (sender, receiver) = mpsc::channel(2);
    tokio::spawn(async move {
        let _ = pieces(reader, head, first, end, &sender).await;
    });
    let body = Body::from_stream(ReceiverStream::new(receiver));
    let headers = [
        (CONTENT_TYPE, kind.to_owned()),
        (CONTENT_LENGTH, (end - first).to_string()),
        (ACCEPT_RANGES, "bytes".to_owned()),
        (ETAG, tag),
    ];
    let mut response = (status, headers, body).into_response();
    if status == StatusCode::PARTIAL_CONTENT {
        let range = format!("bytes {first}-{}/{all}", end - 1);
        response.headers_mut().insert(CONTENT_RANGE, range.parse().expect("digits are a header"));
    }
    Ok(response)
}

/// One range of RFC 9110: its first byte and the one behind its last. None where it is not understood or there are
/// several: then the whole is sent. `Err` where it begins behind the end.
fn range_of(text: &str, all: u64) -> Option<Result<(u64, u64), ()>> {
    let (first, last) = text.strip_prefix("bytes=")?.split_once('-')?;
    if first.is_empty() {
        let suffix: u64 = last.parse().ok()?;
        return Some(if suffix == 0 || all == 0 { Err(()) } else { Ok((all.saturating_sub(suffix), all)) });
    }
    let first: u64 = first.parse().ok()?;
    let last: u64 = if last.is_empty() { u64::MAX } else { last.parse().ok()? };
    if last < first {
        return None;
    }
    Some(if first < all { Ok((first, last.saturating_add(1).min(all))) } else { Err(()) })
}

/// Sends bytes `first..end` of `head` and what follows it. No thread waits for a slow client: each piece is read when there
/// is room for it. Ends where nobody listens.
async fn pieces(
    mut reader: Box<dyn ArtifactReader>,
    head: Vec<u8>,
    mut first: u64,
    end: u64,
    sender: &mpsc::Sender<Result<Bytes, DeskError>>,
) -> Result<(), ()> {
    let head_bytes = head.len() as u64;
    while first < end {
        let piece = if first < head_bytes {
            let at = |place: u64| usize::try_from(place).unwrap_or(head.len());
            Ok(Bytes::copy_from_slice(&head[at(first)..at(end.min(head_bytes))]))
        } else {
            let (from, bytes) = (first - head_bytes, PIECE_BYTES.min(end - first));
            let read = tokio::task::spawn_blocking(move || {
                let mut piece = Vec::new();
                let read = reader
                    .seek(SeekFrom::Start(from))
                    .and_then(|_| (&mut reader).take(bytes).read_to_end(&mut piece));
                (reader, read.map(|_| piece))
            })
            .await;
            let (back, read) = read.map_err(|_| ())?;
            reader = back;
            read.map(Bytes::from).map_err(|cause| DeskError::Io { action: "read a result", cause })
        };
        let (length, failed) = (piece.as_ref().map_or(0, |piece| piece.len() as u64), piece.is_err());
        sender.send_timeout(piece, SEND_PATIENCE).await.map_err(|_| ())?;
        if failed || length == 0 {
            return Err(());
        }
        first += length;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_those_of_rfc_9110() {
        for (text, expected) in [
            ("bytes=0-0", Some(Ok((0, 1)))),
            ("bytes=5-", Some(Ok((5, 10)))),
            ("bytes=5-99", Some(Ok((5, 10)))),
            ("bytes=-3", Some(Ok((7, 10)))),
            ("bytes=-30", Some(Ok((0, 10)))),
            ("bytes=-0", Some(Err(()))),
            ("bytes=10-", Some(Err(()))),
            ("bytes=5-4", None),
            ("bytes=0-1,3-4", None),
            ("frames=0-1", None),
            ("bytes=", None),
        ] {
            assert_eq!(range_of(text, 10), expected, "{text}");
        }
    }
}
