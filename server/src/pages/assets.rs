//! Files that pages load: styles, two small scripts, the shell for when there is no network, icons.

use super::Edge;
use super::colour::Colour;
use super::fault::{Answer, Fault};
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde_json::json;

const STYLE: &str = include_str!("../../assets/style.css");
const LIVE: &str = include_str!("../../assets/live.js");
const PLAYER: &str = include_str!("../../assets/player.js");
const WORKER: &str = include_str!("../../assets/sw.js");
const START: &str = include_str!("../../assets/start.js");
const ICON: &str = include_str!("../../assets/icon.svg");

/// A server that was renewed shows its new files within an hour.
const KEEP: &str = "public, max-age=3600";

fn file(kind: &'static str, text: &'static str) -> Response {
    ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, KEEP)], text).into_response()
}

pub(super) async fn style() -> Response {
    file("text/css; charset=utf-8", STYLE)
}

pub(super) async fn live() -> Response {
    file("text/javascript; charset=utf-8", LIVE)
}

pub(super) async fn player() -> Response {
    file("text/javascript; charset=utf-8", PLAYER)
}

pub(super) async fn start() -> Response {
    file("text/javascript; charset=utf-8", START)
}

pub(super) async fn worker() -> Response {
    file("text/javascript; charset=utf-8", WORKER)
}

pub(super) async fn icon() -> Response {
    file("image/svg+xml", ICON)
}

/// The deployment's colour, which was checked when the configuration was read, and what follows from it.
pub(super) async fn brand(State(edge): State<Edge>) -> Response {
    let chosen = Colour::parse(&edge.config.brand.accent).map(|accent| {
        let (own, link, ink) = (accent.css(), accent.as_text().css(), accent.ink().css());
        format!(":root {{ --accent: {own}; --link: {link}; --ink: {ink}; }}\n")
    });
    let text = chosen.unwrap_or_default();
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8"), (header::CACHE_CONTROL, KEEP)], text).into_response()
}

pub(super) async fn logo(State(edge): State<Edge>) -> Answer {
    let (bytes, kind) = edge.logo.as_ref().ok_or(Fault::Missing)?;
    let policy = (header::CONTENT_SECURITY_POLICY, super::headers::FILE_POLICY);
    Ok(([(header::CONTENT_TYPE, *kind), (header::CACHE_CONTROL, KEEP), policy], bytes.clone())
        .into_response())
}

pub(super) async fn manifest(State(edge): State<Edge>) -> Response {
    let text = json!({
        "name": edge.config.brand.name,
        "short_name": edge.config.brand.name,
        "start_url": "/",
        "scope": "/",
        "display": "standalone",
        "background_color": "#17191d",
        "theme_color": "#17191d",
        "icons": [{ "src": "/icon.svg", "sizes": "any", "type": "image/svg+xml", "purpose": "any" }],
    });
    let kind = (header::CONTENT_TYPE, "application/manifest+json");
    ([kind, (header::CACHE_CONTROL, KEEP)], text.to_string()).into_response()
}
