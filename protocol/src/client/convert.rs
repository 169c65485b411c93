//! Wire types to views and back. Believes nothing: what does not fit is [`ClientError::Protocol`].

use super::ClientError;
use super::view::{
    AccountView, ExpiringCredits, HistoryPage, JobState, JobView, JobsPage, LedgerKind, LedgerLine,
    ModelView, NewJob, Offer, QuoteAsk, QuoteView, ServerLimits, SheetView, StemView,
};
use crate::limits::{SHEET_BYTES_MAX, is_web_page};
use crate::settings::{Control, ControlKind, Setting, Settings};
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
            settings: ask.settings.iter().map(|(name, setting)| write_setting(name, setting)).collect(),
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
            person: (!wire.person.is_empty()).then_some(wire.person),
            role: (!wire.role.is_empty()).then_some(wire.role),
            rights: wire.rights,
            month_limit: wire.month_limit.map(Credits),
            month_spent: Credits(wire.month_spent),
            expiring: wire
                .expiring
                .into_iter()
                .map(|part| ExpiringCredits {
                    credits: Credits(part.credits),
                    expires_at_us: part.expires_at_us,
                })
                .collect(),
            suspended: wire.suspended,
            kept_bytes: wire.kept_bytes,
            kept_bytes_max: wire.kept_bytes_max,
            keep_days: wire.keep_days,
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
            v1::LedgerKind::Refund => LedgerKind::Refund,
            v1::LedgerKind::Expiry => LedgerKind::Expiry,
            v1::LedgerKind::Takeback => LedgerKind::Takeback,
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
            widget: (!wire.widget.is_empty()).then_some(wire.widget),
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
            // A control of a later kind is left out: the server knows its default.
            controls: wire.controls.into_iter().filter_map(read_control).collect(),
            references_max: wire.references_max,
            sheets: wire.sheets.into_iter().filter(|name| is_sheet_name(name)).collect(),
            commercial_use: wire.commercial_use,
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
            clip: Some(header(&job.clip)),
            title: job.title.clone(),
            settings: job.settings.iter().map(|(name, setting)| write_setting(name, setting)).collect(),
            references: job.references.iter().map(header).collect(),
            credits_max: job.credits_max.map(|credits| credits.0),
        }
    }
}

fn header(clip: &ClipHeader) -> v1::ClipHeader {
    v1::ClipHeader {
        sha256: hash(clip.sha256),
        frames: clip.frames,
        channels: clip.channels.into(),
        rate_hz: clip.rate_hz,
    }
}

fn write_setting(name: &str, setting: &Setting) -> v1::Setting {
    use v1::setting::Value;
    let value = match setting {
        Setting::Number(number) => Value::Number(*number),
        Setting::Switch(on) => Value::On(*on),
        Setting::Choice(word) => Value::Choice(word.clone()),
    };
    v1::Setting { name: name.to_owned(), value: Some(value) }
}

fn read_settings(wire: Vec<v1::Setting>) -> Result<Settings, ClientError> {
    use v1::setting::Value;
    let read = |setting: v1::Setting| {
        let value = match setting.value {
            Some(Value::Number(number)) => Setting::number(number),
            Some(Value::On(on)) => Some(Setting::Switch(on)),
            Some(Value::Choice(word)) => Some(Setting::Choice(word)),
            None => None,
        };
        let value = value.ok_or_else(|| ClientError::protocol(format!("setting `{}`", setting.name)))?;
        Ok((setting.name, value))
    };
    wire.into_iter().map(read).collect()
}

/// None for a kind that this version does not know, and for one that cannot be drawn.
fn read_control(wire: v1::Control) -> Option<Control> {
    use v1::control::Kind;
    let kind = match wire.kind? {
        Kind::Number(v1::NumberControl { min, max, step, default, unit }) => {
            let usable = [min, max, step, default].iter().all(|number| number.is_finite()) && min < max;
            usable.then_some(ControlKind::Number { min, max, step, default, unit })?
        }
        Kind::Switch(v1::SwitchControl { default }) => ControlKind::Switch { default },
        Kind::Choice(v1::ChoiceControl { options, default }) => {
            let options: Vec<_> = options.into_iter().map(|option| (option.word, option.title)).collect();
            (!options.is_empty()).then_some(ControlKind::Choice { options, default })?
        }
    };
    let v1::Control { name, title, help, advanced, .. } = wire;
    Some(Control { name, title, help, advanced, kind })
}

/// A sheet's name becomes a file's: plain letters, one dot, nothing that leads elsewhere.
fn is_sheet_name(name: &str) -> bool {
    let plain = |part: &str| {
        let mut bytes = part.bytes();
        (1..=32).contains(&part.len())
            && bytes.all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_')
    };
    name.split_once('.').is_some_and(|(stem, format)| plain(stem) && plain(format))
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
            sheets: wire.sheets.into_iter().map(SheetView::try_from).collect::<Result<_, _>>()?,
            settings: read_settings(wire.settings)?,
            references: wire.references.into_iter().map(ClipHeader::try_from).collect::<Result<_, _>>()?,
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
            kept_until_us: read_moment(wire.kept_until_us),
            erased: wire.erased,
        })
    }
}

impl TryFrom<v1::StemInfo> for StemView {
    type Error = ClientError;
    fn try_from(wire: v1::StemInfo) -> Result<Self, ClientError> {
        Ok(Self { sha256: read_hash(&wire.sha256)?, name: wire.name, bytes: wire.bytes })
    }
}

impl TryFrom<v1::SheetInfo> for SheetView {
    type Error = ClientError;
    fn try_from(wire: v1::SheetInfo) -> Result<Self, ClientError> {
        if !is_sheet_name(&wire.name) || wire.bytes > SHEET_BYTES_MAX {
            return Err(ClientError::protocol(format!("sheet `{}` of {} bytes", wire.name, wire.bytes)));
        }
        Ok(Self { sha256: read_hash(&wire.sha256)?, name: wire.name, bytes: wire.bytes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sheets_name_is_a_plain_file_name() {
        for name in ["notes.mid", "score.musicxml", "report.json", "bass-2.mid"] {
            assert!(is_sheet_name(name), "{name}");
        }
        for name in ["notes", ".mid", "a.", "../a.mid", "a/b.mid", "a.b.mid", "A.mid", "a b.mid", "a.mid\0"] {
            assert!(!is_sheet_name(name), "{name}");
        }
    }

    #[test]
    fn a_control_of_a_later_kind_or_that_cannot_be_drawn_is_left_out() {
        let number = |min, max| {
            Some(v1::control::Kind::Number(v1::NumberControl {
                min,
                max,
                step: 1.0,
                default: 0.0,
                unit: String::new(),
            }))
        };
        let control = |kind| read_control(v1::Control { name: "x".into(), kind, ..v1::Control::default() });
        assert!(control(number(0.0, 1.0)).is_some());
        for kind in [None, number(1.0, 0.0), number(f64::NAN, 1.0)] {
            assert_eq!(control(kind), None);
        }
        let empty = v1::control::Kind::Choice(v1::ChoiceControl::default());
        assert_eq!(control(Some(empty)), None);
    }
}
