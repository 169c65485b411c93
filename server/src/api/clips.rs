//! Clips: canonical bytes, resumable at every piece, or a whole audio file that is decoded here. To disk as they come: a
//! slow disk slows the sender.

use super::problem::Problem;
use super::{Edge, request, words};
use crate::auth::Pass;
use crate::desk::DeskError;
use crate::upload::Upload;
use axum::body::{Body, BodyDataStream};
use axum::extract::{Extension, Path, State};
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_LENGTH, CONTENT_RANGE};
use axum::response::Response;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::Instant;
use tokio_stream::StreamExt;

/// A sender that says nothing for this long is cut off; what came of canonical bytes stays.
const IDLE: Duration = Duration::from_secs(60);
/// The largest file that is decoded here.
pub(super) const FILE_BYTES_MAX: u64 = 2 << 30;

fn state((complete, committed_bytes): (bool, u64)) -> Value {
    json!({ "committed_bytes": committed_bytes, "complete": complete })
}

pub(super) async fn status(
    State(edge): State<Edge>,
    Extension(pass): Extension<Pass>,
    Path(clip): Path<String>,
) -> Result<Response, Problem> {
    let clip = request::sha256(&clip)?;
    Ok(super::answer(&state(edge.desk.clip_status(&pass.principal.tenant, clip).await?)))
}

pub(super) async fn put(
    State(edge): State<Edge>,
    Extension(pass): Extension<Pass>,
    Path(clip): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let (tenant, desk) = (&pass.principal.tenant, &edge.desk);
    let clip = request::sha256(&clip)?;
    let Some(header) = desk.store.awaited_clip(tenant, clip).await? else {
        return Ok(super::answer(&state(desk.clip_status(tenant, clip).await?)));
    };
    let mut upload = desk.begin_clip(tenant, header).await?;
    let mut offset = first_byte(&headers, upload.declared_bytes())?;
    let (mut stream, mut told, mut rest) = (body.into_data_stream(), Instant::now(), Vec::new());
    while let Some(bytes) = next(&mut stream).await? {
        rest.extend_from_slice(&bytes);
        let frame_bytes = usize::try_from(header.frame_bytes()).unwrap_or(1);
        let whole = rest.len() / frame_bytes * frame_bytes;
        let tail = rest.split_off(whole);
        (upload, offset) = append(upload, offset, std::mem::replace(&mut rest, tail)).await?;
        desk.still_arriving(tenant, clip, &mut told).await?;
    }
    if !rest.is_empty() {
        return Err(Problem::invalid("the body ended within a frame; whole frames before it are kept"));
    }
    if offset != upload.committed_bytes() {
        (upload, _) = append(upload, offset, Vec::new()).await?;
    }
    Ok(super::answer(&state(desk.end_clip(tenant, upload).await?)))
}

async fn append(mut upload: Upload, mut offset: u64, bytes: Vec<u8>) -> Result<(Upload, u64), Problem> {
    let work = move || {
        // An empty piece still compares the offset.
        offset = upload.append(offset, &bytes)?;
        Ok((upload, offset))
    };
    let done = tokio::task::spawn_blocking(work).await.map_err(DeskError::from)?;
    done.map_err(|error| DeskError::Upload(error).into())
}

async fn next(stream: &mut BodyDataStream) -> Result<Option<axum::body::Bytes>, Problem> {
    match tokio::time::timeout(IDLE, stream.next()).await {
        Err(_) => Err(Problem::busy("nothing came for 60 s; go on where the clip's address says")),
        Ok(None) => Ok(None),
        Ok(Some(bytes)) => {
            bytes.map(Some).map_err(|_| Problem::invalid("the body broke off; what came is kept"))
        }
    }
}

/// Where the body begins: `Content-Range: bytes FIRST-LAST/ALL`, else at 0.
fn first_byte(headers: &HeaderMap, declared: u64) -> Result<u64, Problem> {
    let Some(range) = headers.get(CONTENT_RANGE) else { return Ok(0) };
    let parsed = range.to_str().ok().and_then(|text| {
        let (range, all) = text.strip_prefix("bytes ")?.split_once('/')?;
        let (first, _last) = range.split_once('-')?;
        (all == "*" || all.parse() == Ok(declared)).then_some(first.parse().ok()?)
    });
    parsed.ok_or_else(|| {
        Problem::invalid(format!(
            "Content-Range must be like `bytes 0-{}/{declared}`",
            declared.saturating_sub(1)
        ))
    })
}

pub(super) async fn decode(
    State(edge): State<Edge>,
    Extension(pass): Extension<Pass>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let declared = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    let mut file = edge.desk.receive(declared.unwrap_or(0), FILE_BYTES_MAX).await?;
    let mut stream = body.into_data_stream();
    while let Some(bytes) = next(&mut stream).await? {
        file.write(&bytes).await?;
    }
    Ok(super::answer(&words::clip(&file.decode(&pass.principal.tenant).await?.clip)))
}
