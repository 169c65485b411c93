//! Wire types to views and back. Believes nothing: what does not fit is [`ClientError::Protocol`].

use super::ClientError;
use super::view::{
    AccountView, HistoryPage, JobState, JobView, JobsPage, LedgerKind, LedgerLine, ModelView, NewJob, Offer,
    QuoteAsk, QuoteView, ServerLimits, StemView,
};
use crate::limits::is_web_page;
use crate::v1;
use crate::vocab::{ClipHeader, Credits, JobId, Sha256};
use bytes::Bytes;

pub(super) fn id(id: JobId) -> Bytes {
    Bytes::copy_from_slice(id.as_bytes())
}

pub(super) fn hash(sha256: Sha256) -> Bytes {
    Bytes::copy_from_slice(&sha256.0)
}

fn read_id(bytes: &Bytes) -> Result<JobId, ClientError> {
    JobId::from_slice(bytes).ok_or_else(|| ClientError::protocol("a job id that is not 16 bytes"))
}

fn read_hash(bytes: &Bytes) -> Result<Sha256, ClientError> {
    Sha256::from_slice(bytes).ok_or_else(|| ClientError::protocol("a hash that is not 32 bytes"))
}

/// Zero stands for "not yet" on the wire.
fn read_moment(at_us: i64) -> Option<i64> {
    (at_us != 0).then_some(at_us)
}

impl From<&QuoteAsk> for v1::QuoteRequest {
    fn from(ask: &QuoteAsk) -> Self {
        Self {
            model: ask.model.clone(),
            frames: ask.frames,
            channels: ask.channels.into(),
            rate_hz: ask.rate_hz,
        }
    }
}

impl From<v1::QuoteResponse> for QuoteView {
    fn from(wire: v1::QuoteResponse) -> Self {
        Self { credits: Credits(wire.credits), available: Credits(wire.available), reason: wire.reason }
    }
}

impl From<v1::GetAccountResponse> for AccountView {
    fn from(wire: v1::GetAccountResponse) -> Self {
        // It will be opened in a browser: only what a browser is for.
        let is_page = is_web_page(&wire.buy_url);
        Self {
            name: wire.name,
            posted: Credits(wire.posted),
            held: Credits(wire.held),
            buy_url: is_page.then_some(wire.buy_url),
        }
    }
}

impl From<HistoryPage> for v1::HistoryRequest {
    fn from(page: HistoryPage) -> Self {
        Self { limit: page.limit, before_line: page.before_line.unwrap_or(0) }
    }
}

impl TryFrom<v1::LedgerLine> for LedgerLine {
    type Error = ClientError;
    fn try_from(wire: v1::LedgerLine) -> Result<Self, ClientError> {
        let kind = match wire.kind() {
            v1::LedgerKind::Grant => LedgerKind::Grant,
            v1::LedgerKind::Capture => LedgerKind::Capture,
            v1::LedgerKind::Unspecified => {
                return Err(ClientError::protocol(format!("ledger line of kind {}", wire.kind)));
            }
        };
        Ok(Self {
            line: wire.line,
            at_us: wire.at_us,
            kind,
            credits: wire.credits,
            posted_after: Credits(wire.posted_after),
            job: if wire.job_id.is_empty() { None } else { Some(read_id(&wire.job_id)?) },
            note: wire.note,
        })
    }
}

impl TryFrom<v1::ListModelsResponse> for Offer {
    type Error = ClientError;
    fn try_from(wire: v1::ListModelsResponse) -> Result<Self, ClientError> {
        let limits = wire.limits.ok_or_else(|| ClientError::protocol("an offer without limits"))?;
        Ok(Self {
            models: wire.models.into_iter().map(ModelView::from).collect(),
            limits: ServerLimits {
                clip_seconds_max: limits.clip_seconds_max,
                channels_max: limits.channels_max,
                rate_hz_min: limits.rate_hz_min,
                rate_hz_max: limits.rate_hz_max,
                jobs_open_max: limits.jobs_open_max,
            },
        })
    }
}

impl From<v1::Model> for ModelView {
    fn from(wire: v1::Model) -> Self {
        Self {
            name: wire.name,
            title: wire.title,
            task: wire.task,
            grade: wire.grade,
            stems: wire.stems,
            description: wire.description,
            licence: wire.licence,
            quality: wire.quality,
            credits_per_minute: Credits(wire.credits_per_minute),
            version: wire.version,
        }
    }
}

impl From<JobsPage> for v1::ListJobsRequest {
    fn from(page: JobsPage) -> Self {
        Self { limit: page.limit, before_job_id: page.before.map(id).unwrap_or_default() }
    }
}

impl From<&NewJob> for v1::CreateJobRequest {
    fn from(job: &NewJob) -> Self {
        Self {
            job_id: id(job.id),
            model: job.model.clone(),
            stems: job.stems.clone(),
            clip: Some(v1::ClipHeader {
                sha256: hash(job.clip.sha256),
                frames: job.clip.frames,
                channels: job.clip.channels.into(),
                rate_hz: job.clip.rate_hz,
            }),
            title: job.title.clone(),
        }
    }
}

impl TryFrom<v1::ClipHeader> for ClipHeader {
    type Error = ClientError;
    fn try_from(wire: v1::ClipHeader) -> Result<Self, ClientError> {
        let channels = u16::try_from(wire.channels)
            .map_err(|_| ClientError::protocol(format!("a clip of {} channels", wire.channels)))?;
        Ok(Self { sha256: read_hash(&wire.sha256)?, frames: wire.frames, channels, rate_hz: wire.rate_hz })
    }
}

fn read_state(wire: &v1::Job) -> Result<JobState, ClientError> {
    Ok(match wire.state() {
        v1::JobState::Uploading => JobState::Uploading,
        v1::JobState::Queued => JobState::Queued,
        v1::JobState::Running => JobState::Running,
        v1::JobState::Done => JobState::Done,
        v1::JobState::Failed => JobState::Failed,
        v1::JobState::Cancelled => JobState::Cancelled,
        v1::JobState::Expired => JobState::Expired,
        v1::JobState::Unspecified => {
            return Err(ClientError::protocol(format!("job state {}", wire.state)));
        }
    })
}

impl TryFrom<v1::Job> for JobView {
    type Error = ClientError;
    fn try_from(wire: v1::Job) -> Result<Self, ClientError> {
        Ok(Self {
            id: read_id(&wire.job_id)?,
            state: read_state(&wire)?,
            clip: wire.clip.ok_or_else(|| ClientError::protocol("a job without its clip"))?.try_into()?,
            stems: wire.stems.into_iter().map(StemView::try_from).collect::<Result<_, _>>()?,
            model: wire.model,
            title: wire.title,
            seq: wire.seq,
            uploaded_bytes: wire.uploaded_bytes,
            queue_position: wire.queue_position,
            chunks_done: wire.chunks_done,
            chunks: wire.chunks,
            attempt: wire.attempt,
            held: Credits(wire.credits_held),
            captured: Credits(wire.credits_captured),
            released: Credits(wire.credits_released),
            failure: (!wire.failure.is_empty()).then_some(wire.failure),
            stem_names: wire.stem_names,
            created_at_us: wire.created_at_us,
            started_at_us: read_moment(wire.started_at_us),
            ended_at_us: read_moment(wire.ended_at_us),
        })
    }
}

impl TryFrom<v1::StemInfo> for StemView {
    type Error = ClientError;
    fn try_from(wire: v1::StemInfo) -> Result<Self, ClientError> {
        Ok(Self { sha256: read_hash(&wire.sha256)?, name: wire.name, bytes: wire.bytes })
    }
}
