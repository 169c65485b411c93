//! The OpenAPI 3.1 document, made of the table of routes.

use super::parameter::Parameter;
use super::routes::{self, Content, Route};
use super::{parameter, schema};
use crate::people::Right;
use axum::response::Response;
use serde_json::{Map, Value, json};

pub(super) async fn document() -> Response {
    super::answer(&made())
}

/// The whole document.
pub(super) fn made() -> Value {
    let mut paths = Map::new();
    for route in routes::table() {
        let path = paths.entry(routes::full(route.path)).or_insert_with(|| json!({}));
        path[route.method.word().to_ascii_lowercase()] = operation(&route);
    }
    json!({
        "openapi": "3.1.0",
        "info": { "title": "Tributary", "version": "1", "description": "Audio inference with prepaid credits." },
        "paths": paths,
        "components": {
            "securitySchemes": { "key": { "type": "http", "scheme": "bearer", "description": "An API key, `trb_...`." } },
            "schemas": { "Problem": schema::problem() },
        },
    })
}

fn operation(route: &Route) -> Value {
    let named = route.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let of_path = named.map(
        |name| json!({ "in": "path", "name": name, "required": true, "schema": parameter::of_path(name) }),
    );
    let more = route.parameters.iter().map(|Parameter { place, name, help, schema }| {
        json!({ "in": place, "name": name, "description": help, "schema": schema() })
    });
    let problem = json!({
        "description": "What went wrong and what to do (RFC 9457).",
        "content": { "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } } },
    });
    let mut operation = json!({
        "operationId": route.name,
        "summary": route.help,
        "parameters": of_path.chain(more).collect::<Vec<_>>(),
        "responses": { "200": { "description": "Done.", "content": content(route.gives) }, "default": problem },
    });
    if !matches!(route.takes, Content::Nothing) {
        operation["requestBody"] = json!({ "required": true, "content": content(route.takes) });
    }
    if let Some(right) = route.needs {
        operation["security"] = json!([{ "key": [] }]);
        operation["x-right"] = json!(Right::word(right));
    }
    operation
}

fn content(content: Content) -> Value {
    match content {
        Content::Nothing => json!({}),
        Content::Json(schema) => json!({ "application/json": { "schema": schema() } }),
        Content::Events(schema) => json!({
            "text/event-stream": { "schema": { "type": "string" }, "x-data": schema() },
        }),
        Content::Bytes(kinds) => kinds.iter().map(|kind| ((*kind).to_owned(), json!({}))).collect(),
    }
}
