//! Files that pages load: styles, two small scripts, the shell for when there is no network, icons.

use super::Edge;
use super::colour::Colour;
use super::fault::{Answer, Fault};
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde_json::json;

const STYLE: &str = include_str!("../../assets/style.css");
const LIVE: &str = include_str!("../../assets/live.js");
const PLAYER: &str = include_str!("../../assets/player.js");
const WORKER: &str = include_str!("../../assets/sw.js");
const START: &str = include_str!("../../assets/start.js");
const ICON: &str = include_str!("../../assets/icon.svg");

/// The same picture as dots, for systems that draw no SVG among their apps: two with round corners for manifests, one without
/// for those that round them by themselves.
const ICONS: [(&str, &[u8]); 3] = [
    ("192.png", include_bytes!("../../assets/icon-192.png")),
    ("512.png", include_bytes!("../../assets/icon-512.png")),
    ("180.png", include_bytes!("../../assets/icon-180.png")),
];

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

pub(super) async fn icon_of(Path(name): Path<String>) -> Answer {
    let (_, bytes) = ICONS.iter().find(|(known, _)| *known == name).ok_or(Fault::Missing)?;
    Ok(([(header::CONTENT_TYPE, "image/png"), (header::CACHE_CONTROL, KEEP)], *bytes).into_response())
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
        "icons": [
            { "src": "/icon.svg", "sizes": "any", "type": "image/svg+xml", "purpose": "any" },
            { "src": "/icons/192.png", "sizes": "192x192", "type": "image/png" },
            { "src": "/icons/512.png", "sizes": "512x512", "type": "image/png" },
        ],
    });
    let kind = (header::CONTENT_TYPE, "application/manifest+json");
    ([kind, (header::CACHE_CONTROL, KEEP)], text.to_string()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn icons_are_as_large_as_their_names_say() {
        for (name, bytes) in ICONS {
            // PNG, section 11.2.1: width and height are the first words of the first chunk.
            let word = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap());
            let side: u32 = name.trim_end_matches(".png").parse().unwrap();
            assert_eq!((&bytes[1..4], word(16), word(20)), (&b"PNG"[..], side, side), "{name}");
        }
    }
}
