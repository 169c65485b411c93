//! A job's files as browsers take them: stems as WAV, in ranges, streamed; sheets as they are; waveforms as SVG.

use super::fault::{Answer, Fault, broken};
use super::headers::FILE_POLICY;
use super::visit::Visit;
use super::{Edge, job};
use crate::artifacts::{ArtifactReader, Key};
use crate::job::{Job, StemArtifact};
use crate::report::waveform;
use crate::tenant::Tenant;
use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use std::io::{self, BufReader, Read, SeekFrom};
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_stream::wrappers::ReceiverStream;
use tributary_audio::pcm::PcmReader;
use tributary_audio::wav::{WavFormat, WavWriter};
use tributary_audio::{ClipShape, Peaks};

/// Bytes on their way at once, four times.
const BLOCK_BYTES: u64 = 256 << 10;
const AHEAD: usize = 4;
/// Colours of waveforms, as in the plugin.
const COLOURS: [(&str, &str); 6] = [
    ("vocals", "#78c6f6"),
    ("drums", "#eea51c"),
    ("bass", "#d07fc8"),
    ("other", "#1fae7a"),
    ("guitar", "#f3e658"),
    ("piano", "#ec6f3c"),
];

fn shape(job: &Job) -> ClipShape {
    let clip = &job.clip;
    ClipShape { channels: clip.channels, frames: clip.frames, rate_hz: clip.rate_hz }
}

fn stem<'a>(job: &'a Job, name: &str) -> Result<&'a StemArtifact, Fault> {
    job.artifacts.iter().find(|each| each.name == name && !each.is_sheet()).ok_or(Fault::Missing)
}

pub(super) async fn file(
    State(edge): State<Edge>,
    visit: Visit,
    Path((id, name)): Path<(String, String)>,
    headers: HeaderMap,
) -> Answer {
    let job = job::find(&edge, &visit, &id).await?;
    let saves = visit.query.get("save") == "1";
    let tenant = visit.tenant()?;
    served(&edge, job, Asked { tenant, name, headers, saves, place: place(&edge.bounds.downloads)? }).await
}

/// A file of a job, as it is asked for.
pub(super) struct Asked {
    /// Whose job it is.
    pub(super) tenant: Tenant,
    pub(super) name: String,
    pub(super) headers: HeaderMap,
    /// To be kept, not to be heard.
    pub(super) saves: bool,
    pub(super) place: OwnedSemaphorePermit,
}

/// A place for one more download.
pub(super) fn place(places: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit, Fault> {
    super::place(places, "too many downloads run")
}

/// A file of a job that whoever asks may have.
pub(super) async fn served(edge: &Edge, job: Job, asked: Asked) -> Answer {
    let Asked { tenant, name, headers, saves, place } = asked;
    let sheet = job.artifacts.iter().find(|each| each.name == name && each.is_sheet());
    let (artifact, head, kind) = match sheet {
        Some(sheet) => (sheet, Vec::new(), "application/octet-stream"),
        None => {
            let stem = stem(&job, name.strip_suffix(".wav").ok_or(Fault::Missing)?)?;
            (stem, wav_head(shape(&job)).map_err(|error| broken(&error))?, "audio/wav")
        }
    };
    let total = head.len() as u64 + artifact.bytes;
    let range = headers.get(header::RANGE).and_then(|range| range.to_str().ok());
    let Some((first, last)) = range_of(range, total) else {
        let whole = [(header::CONTENT_RANGE, format!("bytes */{total}"))];
        return Ok((StatusCode::RANGE_NOT_SATISFIABLE, whole).into_response());
    };
    let (artifacts, key) = (Arc::clone(&edge.desk.artifacts), Key::new(&tenant, artifact.sha256));
    let opened =
        tokio::task::spawn_blocking(move || artifacts.open(&key)).await.map_err(|error| broken(&error))?;
    let body = streamed(head, opened?, first, last, place);
    let saves = sheet.is_some() || saves;
    let mut response = Response::new(body);
    if range.is_some() {
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
        insert(&mut response, header::CONTENT_RANGE, &format!("bytes {first}-{last}/{total}"));
    }
    insert(&mut response, header::CONTENT_LENGTH, &(last + 1 - first).to_string());
    insert(&mut response, header::ACCEPT_RANGES, "bytes");
    insert(&mut response, header::CONTENT_TYPE, kind);
    insert(&mut response, header::CONTENT_SECURITY_POLICY, FILE_POLICY);
    insert(&mut response, header::CACHE_CONTROL, "private, max-age=3600");
    if saves {
        insert(
            &mut response,
            header::CONTENT_DISPOSITION,
            &format!("attachment; filename=\"{}\"", plain(&name)),
        );
    }
    Ok(response)
}

fn insert(response: &mut Response, name: header::HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}

/// A name that needs no quoting in a header.
fn plain(name: &str) -> String {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    name.chars().map(|c| if fits(c) { c } else { '_' }).collect()
}

/// The bytes of a WAV file before its samples, which are canonical bytes as they are.
fn wav_head(shape: ClipShape) -> Result<Vec<u8>, tributary_audio::AudioError> {
    let mut head = Vec::new();
    WavWriter::new(&mut head, shape, WavFormat::Float32)?;
    Ok(head)
}

/// First and last byte of one range (RFC 9110); the whole for none, or for several. None where it lies outside.
fn range_of(range: Option<&str>, total: u64) -> Option<(u64, u64)> {
    let whole = total.checked_sub(1).map(|last| (0, last));
    let Some((first, last)) = range.and_then(|range| range.strip_prefix("bytes=")?.split_once('-')) else {
        return whole;
    };
    let end = whole?.1;
    match (first.parse::<u64>(), last.parse::<u64>()) {
        (Ok(first), Ok(last)) if first <= last && first <= end => Some((first, last.min(end))),
        (Ok(first), Err(_)) if last.is_empty() && first <= end => Some((first, end)),
        (Err(_), Ok(count)) if first.is_empty() && count > 0 => Some((total.saturating_sub(count), end)),
        (Ok(_), _) | (_, Ok(_)) => None,
        _ => whole,
    }
}

/// Bytes `first` to `last` of head and artifact together, read by a thread that may wait, no faster than the browser takes.
fn streamed(
    head: Vec<u8>,
    mut reader: Box<dyn ArtifactReader>,
    first: u64,
    last: u64,
    place: OwnedSemaphorePermit,
) -> Body {
    let (sender, receiver) = mpsc::channel::<io::Result<Bytes>>(AHEAD);
    tokio::task::spawn_blocking(move || {
        let _held = place;
        let head_bytes = head.len() as u64;
        let begin = usize::try_from(first.min(head_bytes)).unwrap_or(0);
        let end = usize::try_from((last + 1).min(head_bytes)).unwrap_or(0);
        let mut left = last + 1 - first - (end - begin) as u64;
        if end > begin && sender.blocking_send(Ok(Bytes::copy_from_slice(&head[begin..end]))).is_err() {
            return;
        }
        let mut failed = reader.seek(SeekFrom::Start(first.saturating_sub(head_bytes))).err();
        while left > 0 && failed.is_none() {
            let mut block = Vec::new();
            match (&mut reader).take(left.min(BLOCK_BYTES)).read_to_end(&mut block) {
                Ok(0) => failed = Some(io::ErrorKind::UnexpectedEof.into()),
                Ok(read) => {
                    left -= read as u64;
                    if sender.blocking_send(Ok(block.into())).is_err() {
                        return;
                    }
                }
                Err(error) => failed = Some(error),
            }
        }
        if let Some(error) = failed {
            let _ = sender.blocking_send(Err(error));
        }
    });
    Body::from_stream(ReceiverStream::new(receiver))
}

pub(super) async fn peaks(
    State(edge): State<Edge>,
    visit: Visit,
    Path((id, name)): Path<(String, String)>,
) -> Answer {
    let job = job::find(&edge, &visit, &id).await?;
    outlined(&edge, &visit.tenant()?, &job, &name).await
}

/// The waveform of a stem that whoever asks may hear.
pub(super) async fn outlined(edge: &Edge, tenant: &Tenant, job: &Job, name: &str) -> Answer {
    let key = Key::new(tenant, stem(job, name)?.sha256);
    let (artifacts, shape) = (Arc::clone(&edge.desk.artifacts), shape(job));
    let _place = edge.bounds.drawings.acquire().await.map_err(|error| broken(&error))?;
    let draw = move || -> Result<Peaks, Fault> {
        let reader = BufReader::new(artifacts.open(&key)?);
        let mut frames = PcmReader::new(reader, shape).map_err(|error| broken(&error))?;
        Peaks::of(&mut frames, waveform::WIDTH).map_err(|error| broken(&error))
    };
    let peaks = tokio::task::spawn_blocking(draw).await.map_err(|error| broken(&error))??;
    let colour = COLOURS.iter().find(|(stem, _)| *stem == name).map_or("#b9c0cb", |(_, colour)| colour);
    let path = waveform::outline(&peaks, waveform::highest(&peaks));
    let (width, height) = (waveform::WIDTH, waveform::HEIGHT);
    let svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" preserveAspectRatio=\"none\">\
         <path fill=\"{colour}\" d=\"{path}\"/></svg>"
    );
    let headers = [
        (header::CONTENT_TYPE, "image/svg+xml"),
        (header::CACHE_CONTROL, "private, max-age=86400"),
        (header::CONTENT_SECURITY_POLICY, FILE_POLICY),
    ];
    Ok((headers, svg).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_lies_within_the_file_or_is_refused() {
        for (range, found) in [
            (None, Some((0, 99))),
            (Some("bytes=0-"), Some((0, 99))),
            (Some("bytes=10-19"), Some((10, 19))),
            (Some("bytes=90-200"), Some((90, 99))),
            (Some("bytes=-10"), Some((90, 99))),
            (Some("bytes=-200"), Some((0, 99))),
            (Some("bytes=100-"), None),
            (Some("bytes=5-4"), None),
            (Some("bytes=-0"), None),
            (Some("lines=1-2"), Some((0, 99))),
            (Some("bytes=0-1,5-6"), None),
        ] {
            assert_eq!(range_of(range, 100), found, "{range:?}");
        }
        assert_eq!(range_of(None, 0), None);
    }

    #[test]
    fn a_header_takes_no_odd_name() {
        assert_eq!(plain("a\"\r\n/b c.mid"), "a____b_c.mid");
    }
}
