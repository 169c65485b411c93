//! Before every page of a widget: which widget it is, and whether its own page sent the form. Reads no cookie and sets none:
//! visitors are nobody, wherever else they are signed in.

use super::super::Edge;
use super::super::fault::Fault;
use super::super::gate::{Seen, is_from_here, visit_of};
use super::super::visit::Visit;
use crate::widget::Widget;
use axum::extract::Request;
use axum::http::header;
use std::sync::Arc;

/// Where in a path the token stands: `/widget/TOKEN/...`.
const TOKEN_AT: usize = 2;

/// The visit, with the widget; or why not. An unknown token, a revoked one and a server without widgets look the same.
pub(in super::super) async fn seen(
    edge: &Edge,
    request: Request,
) -> Result<Seen, (Fault, Option<Box<Visit>>)> {
    let mut visit = visit_of(edge, &request, None, String::new());
    visit.said = None;
    let token = request.uri().path().split('/').nth(TOKEN_AT).unwrap_or_default().to_owned();
    let widget = match find(edge, &token).await {
        Ok(widget) => visit.widget.insert(widget),
        Err(fault) => return Err((fault, Some(Box::new(visit)))),
    };
    let often = edge.door.throttle.visits(widget.id).map_err(Fault::from);
    match often.and_then(|()| is_ours(edge, &request)) {
        Ok(()) => Ok((Arc::new(visit), None, request)),
        Err(fault) => Err((fault, Some(Box::new(visit)))),
    }
}

async fn find(edge: &Edge, token: &str) -> Result<Widget, Fault> {
    if !edge.config.widgets {
        return Err(Fault::Missing);
    }
    edge.widgets().find(token).await?.ok_or(Fault::Missing)
}

/// There is no cookie that another site could use. That a form is a page's of ours still keeps strangers' pages from sending
/// files in their visitors' names, so who does not say where a form comes from is refused, too.
fn is_ours(edge: &Edge, request: &Request) -> Result<(), Fault> {
    let says_where = request.headers().contains_key(header::ORIGIN);
    let is_ours = request.method().is_safe() || (says_where && is_from_here(edge, request.headers()));
    if is_ours { Ok(()) } else { Err(Fault::Form) }
}
