//! Models on offer, and what a clip would cost.

use super::problem::Problem;
use super::words::SettingWords;
use super::{Edge, request, words};
use crate::auth::Pass;
use axum::body::Body;
use axum::extract::{Extension, State};
use axum::response::Response;
use serde::Deserialize;
use serde_json::json;
use std::collections::BTreeMap;
use tributary_audio::ClipShape;
use tributary_protocol::limits::{CHANNELS_MAX, RATE_HZ_MAX, RATE_HZ_MIN};

pub(super) async fn list(State(edge): State<Edge>) -> Response {
    let models = edge.desk.admissions.offers.all().map(words::model).collect::<Vec<_>>();
    super::answer(&json!({
        "models": models,
        "limits": {
            "clip_seconds_max": edge.desk.limits.clip_seconds_max,
            "channels_max": CHANNELS_MAX,
            "rate_hz_min": RATE_HZ_MIN,
            "rate_hz_max": RATE_HZ_MAX,
            "jobs_open_max": edge.desk.limits.jobs_open_max,
        },
    }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct QuoteWish {
    model: String,
    frames: u64,
    channels: u16,
    rate_hz: u32,
    #[serde(default)]
    settings: BTreeMap<String, SettingWords>,
}

pub(super) async fn quote(
    State(edge): State<Edge>,
    Extension(pass): Extension<Pass>,
    body: Body,
) -> Result<Response, Problem> {
    let wish: QuoteWish = request::json(body).await?;
    let clip = ClipShape { channels: wish.channels, frames: wish.frames, rate_hz: wish.rate_hz };
    let quote = edge.desk.admissions.quote(&wish.model, clip, &words::settings(wish.settings)?)?;
    let balance = edge.desk.store.account(&pass.principal.tenant).await?.balance;
    Ok(super::answer(&json!({
        "credits": quote.credits.0,
        "available": balance.available().0,
        "reason": quote.price.reason(),
    })))
}
