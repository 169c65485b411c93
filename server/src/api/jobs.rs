//! Jobs: create, look, list, cancel, erase.

use super::problem::Problem;
use super::words::{ClipWords, SettingWords};
use super::{Edge, request, words};
use crate::admission::JobRequest;
use crate::auth::Pass;
use crate::desk::View;
use crate::progress::News;
use axum::body::Body;
use axum::extract::{Extension, Path, RawQuery, State};
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Deserialize;
use serde_json::json;
use std::collections::BTreeMap;
use tributary_protocol::limits::{JOBS_PAGE_MAX, REFERENCES_MAX};
use tributary_protocol::vocab::Credits;

/// Jobs in a page when the client does not say.
const PAGE: u32 = 50;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct JobWish {
    id: Option<String>,
    model: String,
    clip: ClipWords,
    #[serde(default)]
    stems: Vec<String>,
    #[serde(default)]
    title: String,
    #[serde(default)]
    settings: BTreeMap<String, SettingWords>,
    #[serde(default)]
    references: Vec<ClipWords>,
    credits_max: Option<u64>,
}

pub(super) async fn create(
    State(edge): State<Edge>,
    Extension(pass): Extension<Pass>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let (principal, desk) = (&pass.principal, &edge.desk);
    let wish: JobWish = request::json(body).await?;
    if wish.references.len() > REFERENCES_MAX {
        return Err(Problem::invalid(format!("a job has at most {REFERENCES_MAX} references")));
    }
    let wish = JobRequest {
        id: request::id_of_new_job(principal.tenant.account(), wish.id.as_deref(), &headers)?,
        model: wish.model,
        stems: wish.stems,
        clip: wish.clip.header()?,
        title: wish.title,
        settings: words::settings(wish.settings)?,
        references: wish.references.iter().map(ClipWords::header).collect::<Result<_, _>>()?,
        credits_max: wish.credits_max.map(Credits),
    };
    let job = desk.create(principal, wish).await?;
    Ok(super::answer(&words::job(&desk.view(&principal.tenant, job, News::default()).await?)))
}

pub(super) async fn get(
    State(edge): State<Edge>,
    Extension(pass): Extension<Pass>,
    Path(job): Path<String>,
) -> Result<Response, Problem> {
    let (tenant, desk) = (&pass.principal.tenant, &edge.desk);
    let job = desk.job(tenant, request::job_id(&job)?).await?;
    Ok(super::answer(&words::job(&desk.view(tenant, job, News::default()).await?)))
}

pub(super) async fn list(
    State(edge): State<Edge>,
    Extension(pass): Extension<Pass>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let query = query.as_deref();
    let limit = request::page(query, PAGE, JOBS_PAGE_MAX)?;
    let before = request::query(query, "before").map(request::job_id).transpose()?;
    let jobs = edge.desk.store.jobs(&pass.principal.tenant, before, limit).await?;
    let next = jobs.last().filter(|_| jobs.len() == limit as usize).map(|job| job.id.to_string());
    let keep = edge.desk.limits.keep();
    let jobs = jobs.into_iter().map(|job| words::job(&View::listed(job, News::default(), keep)));
    Ok(super::answer(&json!({ "jobs": jobs.collect::<Vec<_>>(), "next_before": next })))
}

pub(super) async fn cancel(
    State(edge): State<Edge>,
    Extension(pass): Extension<Pass>,
    Path(job): Path<String>,
) -> Result<Response, Problem> {
    let (tenant, desk) = (&pass.principal.tenant, &edge.desk);
    let job = desk.cancel(tenant, request::job_id(&job)?).await?;
    Ok(super::answer(&words::job(&desk.view(tenant, job, News::default()).await?)))
}

pub(super) async fn erase(
    State(edge): State<Edge>,
    Extension(pass): Extension<Pass>,
    Path(job): Path<String>,
) -> Result<Response, Problem> {
    let (tenant, desk) = (&pass.principal.tenant, &edge.desk);
    let job = desk.erase(tenant, request::job_id(&job)?).await?;
    Ok(super::answer(&words::job(&desk.view(tenant, job, News::default()).await?)))
}
