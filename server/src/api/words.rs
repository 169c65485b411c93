//! The domain in JSON, and JSON in the domain's words. Schemas of all of it stand in `schema`.

use super::problem::Problem;
use super::request;
use crate::clock::Timestamp;
use crate::desk::View;
use crate::job::StemArtifact;
use crate::ledger::Line;
use crate::offer::Offer;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use tributary_protocol::settings::{ControlKind, Setting, Settings};
use tributary_protocol::vocab::ClipHeader;

/// A clip, as clients name it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ClipWords {
    sha256: String,
    frames: u64,
    channels: u16,
    rate_hz: u32,
}

/// A setting's value.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum SettingWords {
    On(bool),
    Number(f64),
    Choice(String),
}

impl ClipWords {
    pub(super) fn header(&self) -> Result<ClipHeader, Problem> {
        let Self { frames, channels, rate_hz, .. } = *self;
        Ok(ClipHeader { sha256: request::sha256(&self.sha256)?, frames, channels, rate_hz })
    }
}

pub(super) fn settings(words: BTreeMap<String, SettingWords>) -> Result<Settings, Problem> {
    let read = |value| match value {
        SettingWords::On(on) => Some(Setting::Switch(on)),
        SettingWords::Number(number) => Setting::number(number),
        SettingWords::Choice(word) => Some(Setting::Choice(word)),
    };
    let read = words.into_iter().map(|(name, value)| Some((name, read(value)?)));
    read.collect::<Option<_>>().ok_or_else(|| Problem::invalid("a setting's number must be finite"))
}

pub(super) fn clip(clip: &ClipHeader) -> Value {
    json!({
        "sha256": clip.sha256.to_string(),
        "frames": clip.frames,
        "channels": clip.channels,
        "rate_hz": clip.rate_hz,
    })
}

pub(super) fn job(view: &View) -> Value {
    let View { job, seq, chunks_done, queue_position, uploaded_bytes, kept_until } = view;
    let made = |kind: &str, made: &StemArtifact| {
        json!({
            "name": made.name,
            "sha256": made.sha256.to_string(),
            "bytes": made.bytes,
            "url": format!("/api/v1/jobs/{}/{kind}/{}", job.id, made.name),
        })
    };
    let (sheets, stems): (Vec<_>, Vec<_>) = job.artifacts.iter().partition(|made| made.is_sheet());
    json!({
        "id": job.id.to_string(),
        "state": job.state.word(),
        "ended": job.state.is_terminal(),
        "seq": seq,
        "model": job.model,
        "title": job.title,
        "clip": clip(&job.clip),
        "references": job.references.iter().map(clip).collect::<Vec<_>>(),
        "settings": values(&job.settings),
        "wanted_stems": job.stems,
        "uploaded_bytes": uploaded_bytes,
        "queue_position": queue_position,
        "chunks_done": chunks_done,
        "chunks": job.chunks,
        "attempt": job.attempt,
        "credits": {
            "held": job.held.0,
            "captured": job.captured.0,
            "released": job.released().0,
        },
        "failure": job.failure,
        "stems": stems.into_iter().map(|stem| made("stems", stem)).collect::<Vec<_>>(),
        "sheets": sheets.into_iter().map(|sheet| made("sheets", sheet)).collect::<Vec<_>>(),
        "created_at": job.created_at.rfc3339(),
        "started_at": job.started_at.map(Timestamp::rfc3339),
        "ended_at": job.ended_at.map(Timestamp::rfc3339),
        "kept_until": kept_until.map(Timestamp::rfc3339),
        "erased": job.erased,
    })
}

pub(super) fn values(settings: &Settings) -> Map<String, Value> {
    let value = |setting: &Setting| match setting {
        Setting::Number(number) => json!(number),
        Setting::Switch(on) => json!(on),
        Setting::Choice(word) => json!(word),
    };
    settings.iter().map(|(name, setting)| (name.clone(), value(setting))).collect()
}

pub(super) fn line(line: &Line) -> Value {
    let amount = i64::try_from(line.amount.0).unwrap_or(i64::MAX);
    json!({
        "line": line.line,
        "at": line.at.rfc3339(),
        "kind": line.kind.word(),
        "credits": if line.kind.comes() { amount } else { -amount },
        "credits_after": line.posted_after.0,
        "job": line.job.map(|job| job.to_string()),
        "note": line.note,
        "widget": line.widget.as_ref().map(|widget| &widget.name),
    })
}

pub(super) fn model(offer: &Offer) -> Value {
    let card = &offer.card;
    let controls = offer.controls.iter().map(|control| {
        let kind = match &control.kind {
            ControlKind::Number { min, max, step, default, unit } => json!({
                "type": "number", "min": min, "max": max, "step": step, "default": default, "unit": unit,
            }),
            ControlKind::Switch { default } => json!({ "type": "switch", "default": default }),
            ControlKind::Choice { options, default } => {
                let options = options.iter().map(|(word, title)| json!({ "word": word, "title": title }));
                json!({ "type": "choice", "options": options.collect::<Vec<_>>(), "default": default })
            }
        };
        json!({
            "name": control.name,
            "title": control.title,
            "help": control.help,
            "advanced": control.advanced,
            "values": kind,
        })
    });
    json!({
        "name": card.name,
        "title": card.title,
        "task": offer.task_word(),
        "grade": offer.grade_word(),
        "stems": card.stems,
        "sheets": offer.sheets,
        "description": card.description,
        "licence": card.licence,
        "commercial_use": offer.commercial_word(),
        "quality": offer.quality_in_words(),
        "version": offer.version,
        "credits_per_minute": offer.credits_per_minute,
        "references_max": offer.pipeline.references_max(),
        "controls": controls.collect::<Vec<_>>(),
    })
}
