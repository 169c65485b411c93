//! Parameters of addresses, queries and headers: what each is for, and which values it may have.

use super::request::KEY_CHARS_MAX;
use super::schema::Schema;
use crate::ledger::LineKind;
use serde_json::json;

/// One of them.
pub(super) struct Parameter {
    /// As OpenAPI says it: `query` or `header`.
    pub(super) place: &'static str,
    pub(super) name: &'static str,
    /// For people.
    pub(super) help: &'static str,
    pub(super) schema: fn() -> Schema,
}

/// One of the query; may be left out.
pub(super) const fn query(name: &'static str, help: &'static str, schema: fn() -> Schema) -> Parameter {
    Parameter { place: "query", name, help, schema }
}

/// A header; may be left out.
pub(super) const fn header(name: &'static str, help: &'static str, schema: fn() -> Schema) -> Parameter {
    Parameter { place: "header", name, help, schema }
}

/// How long a page is, at most `MAX`.
pub(super) const fn limit<const MAX: u32>() -> Parameter {
    query("limit", "How many at most.", || json!({ "type": "integer", "minimum": 1, "maximum": MAX }))
}

pub(super) const RANGE: Parameter =
    header("Range", "One range of bytes, `bytes=FIRST-LAST`; `If-Range` takes the ETag.", text);

pub(super) const IDEMPOTENCY: Parameter =
    header("Idempotency-Key", "Names it in the place of `id`; ASCII alone.", idempotency_key);

/// Of what has no other name that a client could choose.
pub(super) const IDEMPOTENCY_KEY: Parameter =
    header("Idempotency-Key", "Names what is asked for; ASCII alone.", idempotency_key);

fn idempotency_key() -> Schema {
    json!({ "type": "string", "minLength": 1, "maxLength": KEY_CHARS_MAX })
}

/// What the value in an address is, by its name there.
pub(super) fn of_path(name: &str) -> Schema {
    match name {
        "sha256" => json!({ "type": "string", "pattern": "^[0-9a-fA-F]{64}$" }),
        "sheet" | "stem" => json!({ "type": "string", "minLength": 1 }),
        _ => uuid(),
    }
}

pub(super) fn text() -> Schema {
    json!({ "type": "string" })
}

pub(super) fn uuid() -> Schema {
    json!({ "type": "string", "format": "uuid" })
}

pub(super) fn number() -> Schema {
    json!({ "type": "integer", "minimum": 0 })
}

pub(super) fn day() -> Schema {
    json!({ "type": "string", "format": "date" })
}

pub(super) fn line_kind() -> Schema {
    json!({ "type": "string", "enum": LineKind::ALL.map(LineKind::word) })
}

pub(super) fn stem_format() -> Schema {
    json!({ "type": "string", "enum": ["wav", "f32"] })
}
