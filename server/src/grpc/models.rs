//! Models: what is on offer, at what price, within which limits.

use super::gate::tenant;
use super::{Answer, Edge, convert};
use crate::offer::Offer;
use std::sync::Arc;
use tonic::{Request, Response};
use tributary_protocol::limits::{CHANNELS_MAX, RATE_HZ_MAX, RATE_HZ_MIN};
use tributary_protocol::v1;

pub(super) struct Models(pub(super) Arc<Edge>);

#[tonic::async_trait]
impl v1::models_server::Models for Models {
    async fn list(&self, request: Request<v1::ListModelsRequest>) -> Answer<v1::ListModelsResponse> {
        tenant(&request)?;
        let limits = v1::Limits {
            clip_seconds_max: self.0.desk.limits.clip_seconds_max,
            channels_max: CHANNELS_MAX.into(),
            rate_hz_min: RATE_HZ_MIN,
            rate_hz_max: RATE_HZ_MAX,
            jobs_open_max: self.0.desk.limits.jobs_open_max,
        };
        let models = self.0.desk.admissions.offers.all().map(model).collect();
        Ok(Response::new(v1::ListModelsResponse { models, limits: Some(limits) }))
    }
}

fn model(offer: &Offer) -> v1::Model {
    let card = &offer.card;
    v1::Model {
        name: card.name.clone(),
        title: card.title.clone(),
        task: offer.task_word().to_owned(),
        grade: offer.grade_word().to_owned(),
        stems: card.stems.clone(),
        description: card.description.clone(),
        licence: card.licence.clone(),
        quality: offer.quality_in_words(),
        credits_per_minute: offer.credits_per_minute,
        version: offer.version.clone(),
        controls: offer.controls.iter().map(convert::control).collect(),
        references_max: u32::try_from(offer.pipeline.references_max()).unwrap_or(u32::MAX),
        sheets: offer.sheets.clone(),
        commercial_use: offer.commercial_word().to_owned(),
    }
}
