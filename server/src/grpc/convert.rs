//! Wire <-> domain. The only place that builds or reads wire messages of jobs.

use super::status;
use crate::admission::JobRequest;
use crate::clock::Timestamp;
use crate::desk::{DeskError, View};
use crate::job::{JobState, StemArtifact};
use crate::ledger::{Line, LineKind};
use tonic::Status;
use tributary_protocol::limits::{NAME_CHARS_MAX, REFERENCES_MAX, SETTINGS_MAX};
use tributary_protocol::settings::{Control, ControlKind, Setting, Settings};
use tributary_protocol::v1;
use tributary_protocol::vocab::{ClipHeader, Credits, JobId, Sha256};

pub(super) fn job_id(bytes: &[u8]) -> Result<JobId, Status> {
    JobId::from_slice(bytes).ok_or_else(|| Status::invalid_argument("a job id has 16 bytes"))
}

pub(super) fn sha256(bytes: &[u8]) -> Result<Sha256, Status> {
    Sha256::from_slice(bytes).ok_or_else(|| Status::invalid_argument("a SHA-256 has 32 bytes"))
}

pub(super) fn job_request(request: v1::CreateJobRequest) -> Result<JobRequest, Status> {
    let clip = request.clip.ok_or_else(|| Status::invalid_argument("the clip's header is missing"))?;
    if request.references.len() > REFERENCES_MAX || request.settings.len() > SETTINGS_MAX {
        return Err(Status::invalid_argument(format!(
            "a job has at most {REFERENCES_MAX} references and {SETTINGS_MAX} settings"
        )));
    }
    Ok(JobRequest {
        id: job_id(&request.job_id)?,
        model: request.model,
        stems: request.stems,
        clip: clip_header(&clip)?,
        title: request.title,
        settings: settings(request.settings)?,
        references: request.references.iter().map(clip_header).collect::<Result<_, _>>()?,
        credits_max: request.credits_max.map(Credits),
    })
}

fn clip_header(wire: &v1::ClipHeader) -> Result<ClipHeader, Status> {
    Ok(ClipHeader {
        sha256: sha256(&wire.sha256)?,
        frames: wire.frames,
        channels: channels(wire.channels),
        rate_hz: wire.rate_hz,
    })
}

fn wire_header(clip: &ClipHeader) -> v1::ClipHeader {
    v1::ClipHeader {
        sha256: clip.sha256.0.to_vec().into(),
        frames: clip.frames,
        channels: clip.channels.into(),
        rate_hz: clip.rate_hz,
    }
}

pub(super) fn settings(wire: Vec<v1::Setting>) -> Result<Settings, Status> {
    use v1::setting::Value;
    let mut settings = Settings::new();
    for v1::Setting { name, value } in wire {
        let setting = match value {
            Some(Value::Number(number)) => Setting::number(number),
            Some(Value::On(on)) => Some(Setting::Switch(on)),
            Some(Value::Choice(word)) => Some(Setting::Choice(word)),
            None => None,
        };
        let short: String = name.chars().take(NAME_CHARS_MAX).filter(|c| !c.is_control()).collect();
        let wrong = |reason| Status::invalid_argument(format!("setting `{short}`: {reason}"));
        let setting = setting.ok_or_else(|| wrong("it has no value, or a number that is not finite"))?;
        if settings.insert(name, setting).is_some() {
            return Err(wrong("it is there twice"));
        }
    }
    Ok(settings)
}

fn wire_setting((name, setting): (&String, &Setting)) -> v1::Setting {
    use v1::setting::Value;
    let value = match setting {
        Setting::Number(number) => Value::Number(*number),
        Setting::Switch(on) => Value::On(*on),
        Setting::Choice(word) => Value::Choice(word.clone()),
    };
    v1::Setting { name: name.clone(), value: Some(value) }
}

pub(super) fn control(control: &Control) -> v1::Control {
    use v1::control::Kind;
    let kind = match control.kind.clone() {
        ControlKind::Number { min, max, step, default, unit } => {
            Kind::Number(v1::NumberControl { min, max, step, default, unit })
        }
        ControlKind::Switch { default } => Kind::Switch(v1::SwitchControl { default }),
        ControlKind::Choice { options, default } => {
            let option = |(word, title)| v1::ChoiceOption { word, title };
            Kind::Choice(v1::ChoiceControl { options: options.into_iter().map(option).collect(), default })
        }
    };
    v1::Control {
        name: control.name.clone(),
        title: control.title.clone(),
        help: control.help.clone(),
        advanced: control.advanced,
        kind: Some(kind),
    }
}

/// Beyond u16 is beyond every limit: the largest value is refused with its name.
pub(super) fn channels(channels: u32) -> u16 {
    u16::try_from(channels).unwrap_or(u16::MAX)
}

/// The job as it is seen.
pub(super) fn job(view: &View) -> v1::Job {
    let View { job, seq, chunks_done, queue_position, uploaded_bytes, kept_until } = view;
    v1::Job {
        job_id: job.id.as_bytes().to_vec().into(),
        state: state(job.state).into(),
        model: job.model.clone(),
        title: job.title.clone(),
        clip: Some(wire_header(&job.clip)),
        seq: *seq,
        uploaded_bytes: *uploaded_bytes,
        queue_position: *queue_position,
        chunks_done: *chunks_done,
        chunks: job.chunks,
        attempt: job.attempt,
        credits_held: job.held.0,
        credits_captured: job.captured.0,
        credits_released: job.released().0,
        failure: job.failure.clone().unwrap_or_default(),
        stems: job.artifacts.iter().filter(|made| !made.is_sheet()).map(stem).collect(),
        sheets: job.artifacts.iter().filter(|made| made.is_sheet()).map(sheet).collect(),
        settings: job.settings.iter().map(wire_setting).collect(),
        references: job.references.iter().map(wire_header).collect(),
        created_at_us: job.created_at.0,
        started_at_us: job.started_at.map_or(0, |Timestamp(us)| us),
        ended_at_us: job.ended_at.map_or(0, |Timestamp(us)| us),
        stem_names: job.stems.clone(),
        kept_until_us: kept_until.map_or(0, |Timestamp(us)| us),
        erased: job.erased,
    }
}

fn stem(made: &StemArtifact) -> v1::StemInfo {
    v1::StemInfo { name: made.name.clone(), sha256: made.sha256.0.to_vec().into(), bytes: made.bytes }
}

fn sheet(made: &StemArtifact) -> v1::SheetInfo {
    v1::SheetInfo { name: made.name.clone(), sha256: made.sha256.0.to_vec().into(), bytes: made.bytes }
}

fn state(state: JobState) -> v1::JobState {
    match state {
        JobState::Uploading => v1::JobState::Uploading,
        JobState::Queued => v1::JobState::Queued,
        JobState::Running => v1::JobState::Running,
        JobState::Done => v1::JobState::Done,
        JobState::Failed => v1::JobState::Failed,
        JobState::Cancelled => v1::JobState::Cancelled,
        JobState::Expired => v1::JobState::Expired,
    }
}

pub(super) fn line(line: Line) -> v1::LedgerLine {
    let amount = i64::try_from(line.amount.0).unwrap_or(i64::MAX);
    let kind = match line.kind {
        LineKind::Grant => v1::LedgerKind::Grant,
        LineKind::Capture => v1::LedgerKind::Capture,
        LineKind::Refund => v1::LedgerKind::Refund,
        LineKind::Expiry => v1::LedgerKind::Expiry,
        LineKind::Takeback => v1::LedgerKind::Takeback,
    };
    let credits = if line.kind.comes() { amount } else { -amount };
    v1::LedgerLine {
        line: line.line,
        at_us: line.at.0,
        kind: kind.into(),
        credits,
        posted_after: line.posted_after.0,
        job_id: line.job.map(|job| job.as_bytes().to_vec()).unwrap_or_default().into(),
        note: line.note,
        widget: line.widget.map(|widget| widget.name).unwrap_or_default(),
    }
}

/// A page's size: 0 means `default`, more than `max` is `max`.
pub(super) fn page(limit: u32, default: u32, max: u32) -> u32 {
    if limit == 0 { default } else { limit.min(max) }
}

pub(super) fn optional_job_id(bytes: &[u8]) -> Result<Option<JobId>, Status> {
    if bytes.is_empty() { Ok(None) } else { job_id(bytes).map(Some) }
}

pub(super) fn store<T>(result: Result<T, crate::store::StoreError>) -> Result<T, Status> {
    result.map_err(|error| status::of_store(&error))
}

pub(super) fn desk<T>(result: Result<T, DeskError>) -> Result<T, Status> {
    result.map_err(|error| status::of_desk(&error))
}
