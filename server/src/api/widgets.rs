//! What an account shows on pages of others: made, looked at, revoked. Where a server has no widgets there are none here either.

use super::problem::Problem;
use super::words::SettingWords;
use super::{Edge, request, words};
use crate::auth::Pass;
use crate::clock::Timestamp;
use crate::embed::{WidgetWish, Widgets};
use crate::store::StoreError;
use crate::widget::{Fixed, Widget};
use axum::body::Body;
use axum::extract::{Extension, Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use tributary_protocol::vocab::WidgetId;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WidgetWords {
    name: String,
    model: String,
    #[serde(default)]
    settings: BTreeMap<String, SettingWords>,
    #[serde(default)]
    stems: Vec<String>,
    origins: Vec<String>,
    month_limit: u64,
}

fn of(edge: &Edge) -> Result<&Widgets, Problem> {
    edge.widgets.as_ref().ok_or_else(|| Problem::not_found("this server has no widgets"))
}

/// For a revoked one, one of another account, and none.
fn none() -> Problem {
    Problem::not_found("there is no such widget")
}

fn widget_id(text: &str) -> Result<WidgetId, Problem> {
    request::id(text, "widget")
}

async fn shown(widgets: &Widgets, widget: &Widget) -> Result<Value, StoreError> {
    let spent = widgets.spent(widget).await?;
    Ok(json!({
        "id": widget.id.to_string(),
        "name": widget.name,
        "model": widget.model,
        "settings": words::values(&widget.fixed.settings),
        "stems": widget.fixed.stems,
        "origins": widget.origins.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "month_limit": widget.month_limit.0,
        "month_spent": spent.0,
        "works": widget.revoked_at.is_none() && widgets.quote(widget).is_ok(),
        "url": widgets.address(widget),
        "html": widgets.lines(widget),
        "created_at": widget.created_at.rfc3339(),
        "revoked_at": widget.revoked_at.map(Timestamp::rfc3339),
    }))
}

pub(super) async fn list(
    State(edge): State<Edge>,
    Extension(pass): Extension<Pass>,
) -> Result<Response, Problem> {
    let (widgets, mut living) = (of(&edge)?, Vec::new());
    for widget in edge.desk.store.widgets(&pass.principal.tenant).await? {
        if widget.revoked_at.is_none() {
            living.push(shown(widgets, &widget).await?);
        }
    }
    Ok(super::answer(&json!({ "widgets": living })))
}

pub(super) async fn create(
    State(edge): State<Edge>,
    Extension(pass): Extension<Pass>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let (widgets, principal) = (of(&edge)?, &pass.principal);
    let words: WidgetWords = request::json(body).await?;
    let id = request::id_of_new_widget(principal.tenant.account(), &headers)?;
    let wish = WidgetWish {
        name: words.name,
        model: words.model,
        fixed: Fixed { settings: words::settings(words.settings)?, stems: words.stems },
        origins: words.origins.join("\n"),
        month_limit: Some(words.month_limit),
    };
    let made = widgets.add(principal, id, &wish).await?;
    Ok(super::answer(&shown(widgets, &made).await?))
}

pub(super) async fn get(
    State(edge): State<Edge>,
    Extension(pass): Extension<Pass>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let widgets = of(&edge)?;
    let widget = edge.desk.store.widget(&pass.principal.tenant, widget_id(&id)?).await?.ok_or_else(none)?;
    Ok(super::answer(&shown(widgets, &widget).await?))
}

pub(super) async fn revoke(
    State(edge): State<Edge>,
    Extension(pass): Extension<Pass>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let (widgets, store, tenant) = (of(&edge)?, &edge.desk.store, &pass.principal.tenant);
    let id = widget_id(&id)?;
    if !store.revoke_widget(tenant, id, edge.desk.clock.now()).await? {
        return Err(none());
    }
    let widget = store.widget(tenant, id).await?.ok_or_else(none)?;
    Ok(super::answer(&shown(widgets, &widget).await?))
}
