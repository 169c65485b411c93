//! The one table of routes: what is served, what it needs, and what is written about it.

use super::parameter::{self, IDEMPOTENCY, IDEMPOTENCY_KEY, Parameter, RANGE, header, limit, query};
use super::schema::{self, Schema};
use super::{Edge, account, clips, events, jobs, models, openapi, reference, results, shop};
use crate::people::Right;
use axum::routing::{MethodFilter, MethodRouter, on};
use tributary_protocol::limits::{HISTORY_PAGE_MAX, JOBS_PAGE_MAX};

/// What every address begins with.
pub(super) const BASE: &str = "/api/v1";

/// HTTP's, as far as they are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    Get,
    Post,
    Put,
    Patch,
    Delete,
}

/// What a request brings, or an answer.
#[derive(Clone, Copy)]
pub(super) enum Content {
    Nothing,
    Json(fn() -> Schema),
    /// Bytes of one of these media types.
    Bytes(&'static [&'static str]),
    /// Server-sent events whose data is this.
    Events(fn() -> Schema),
}

/// One address with one method.
pub(super) struct Route {
    pub(super) method: Method,
    /// Behind [`BASE`]; `{name}` is a value.
    pub(super) path: &'static str,
    /// None: anybody may.
    pub(super) needs: Option<Right>,
    /// Its name in the document.
    pub(super) name: &'static str,
    pub(super) help: &'static str,
    /// Of the query and of headers.
    pub(super) parameters: &'static [Parameter],
    pub(super) takes: Content,
    pub(super) gives: Content,
    pub(super) serve: fn(MethodFilter) -> MethodRouter<Edge>,
}

impl Method {
    pub(super) fn filter(self) -> MethodFilter {
        match self {
            Self::Get => MethodFilter::GET,
            Self::Post => MethodFilter::POST,
            Self::Put => MethodFilter::PUT,
            Self::Patch => MethodFilter::PATCH,
            Self::Delete => MethodFilter::DELETE,
        }
    }

    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

/// The whole address.
pub(super) fn full(path: &str) -> String {
    format!("{BASE}{path}")
}

/// A row of the table.
macro_rules! route {
    ($method:expr, $path:expr, $needs:expr, $name:expr, $help:expr, $parameters:expr, $takes:expr, $gives:expr, $serve:expr) => {
        Route {
            method: $method,
            path: $path,
            needs: $needs,
            name: $name,
            help: $help,
            parameters: const { $parameters },
            takes: $takes,
            gives: $gives,
            serve: $serve,
        }
    };
}

mod people;
mod webhooks;
mod widgets;

/// All of them; what deletes something comes after what reads it.
pub(super) fn table() -> Vec<Route> {
    let parts = [
        of_the_server(),
        of_the_account(),
        people::of_members(),
        people::of_invitations(),
        of_the_shop(),
        of_clips(),
        of_jobs(),
        of_results(),
        webhooks::of_webhooks(),
        webhooks::of_one(),
        webhooks::of_deliveries(),
        widgets::of_widgets(),
    ];
    parts.into_iter().flatten().collect()
}

/// What is here, and what it costs.
fn of_the_server() -> Vec<Route> {
    use Content::{Bytes, Json, Nothing};
    use Method::{Get, Post};
    use Right::Read;
    vec![
        route!(Get, "/", None, "reference", "This page.", &[], Nothing, Bytes(&["text/html"]), |method| on(
            method,
            reference::page
        )),
        route!(
            Get,
            "/openapi.json",
            None,
            "openapi",
            "This description for programs, OpenAPI 3.1.",
            &[],
            Nothing,
            Bytes(&["application/json"]),
            |method| on(method, openapi::document)
        ),
        route!(
            Get,
            "/models",
            Some(Read),
            "listModels",
            "Models on offer, what each can be told, and the limits.",
            &[],
            Nothing,
            Json(schema::models),
            |method| on(method, models::list)
        ),
        route!(
            Post,
            "/quotes",
            Some(Read),
            "quote",
            "What a clip would cost. Holds nothing.",
            &[],
            Json(schema::quote_wish),
            Json(schema::quote),
            |method| on(method, models::quote)
        ),
    ]
}

/// Credits, and how they came and went.
fn of_the_account() -> Vec<Route> {
    use Content::{Bytes, Json, Nothing};
    use Method::Get;
    use Right::Read;
    vec![
        route!(
            Get,
            "/account",
            Some(Read),
            "getAccount",
            "Credits, what the key may do, and who it belongs to.",
            &[],
            Nothing,
            Json(schema::account),
            |method| on(method, account::get)
        ),
        route!(
            Get,
            "/account/history",
            Some(Read),
            "getHistory",
            "Every line that made the credits what they are, newest first.",
            &[
                limit::<HISTORY_PAGE_MAX>(),
                query(
                    "before_line",
                    "Only lines older than this one: `next_before_line` of the page before.",
                    parameter::number
                )
            ],
            Nothing,
            Json(schema::history),
            |method| on(method, account::history)
        ),
        route!(
            Get,
            "/account/statement.csv",
            Some(Read),
            "getStatement",
            "The same lines as CSV (RFC 4180) for spreadsheets.",
            &[
                query("kind", "Only lines of this kind, as `getHistory` names them.", parameter::line_kind),
                query("since", "A day like 2026-11-28, UTC: only lines from then on.", parameter::day),
                query("until", "A day: only lines up to its end.", parameter::day)
            ],
            Nothing,
            Bytes(&["text/csv"]),
            |method| on(method, account::statement)
        ),
    ]
}

/// Credits for money.
fn of_the_shop() -> Vec<Route> {
    use Content::{Json, Nothing};
    use Method::{Get, Post};
    use Right::{Buy, Read};
    vec![
        route!(
            Get,
            "/packs",
            Some(Read),
            "listPacks",
            "Packs of credits on offer; none where the operator grants credits.",
            &[],
            Nothing,
            Json(schema::packs),
            |method| on(method, shop::packs)
        ),
        route!(
            Post,
            "/purchases",
            Some(Buy),
            "buyPack",
            "Agrees on a purchase and opens the page where a person pays it. Asking again with the same id or \
             Idempotency-Key answers with the same purchase.",
            &[IDEMPOTENCY],
            Json(schema::purchase_wish),
            Json(schema::purchase),
            |method| on(method, shop::buy)
        ),
        route!(
            Get,
            "/purchases/{purchase}",
            Some(Read),
            "getPurchase",
            "A purchase as it is now.",
            &[],
            Nothing,
            Json(schema::purchase),
            |method| on(method, shop::get)
        ),
    ]
}

/// The way in.
fn of_clips() -> Vec<Route> {
    use Content::{Bytes, Json, Nothing};
    use Method::{Get, Post, Put};
    use Right::Run;
    vec![
        route!(
            Post,
            "/clips",
            Some(Run),
            "decodeClip",
            "Takes a whole audio file (WAV, FLAC, MP3, AAC, Ogg Vorbis, AIFF) and answers with the clip it is. A job that \
             names it within the hour begins at once.",
            &[],
            Bytes(&["application/octet-stream"]),
            Json(schema::clip),
            |method| on(method, clips::decode)
        ),
        route!(
            Get,
            "/clips/{sha256}",
            Some(Run),
            "getClip",
            "How much of a clip that a job waits for is here: where to go on.",
            &[],
            Nothing,
            Json(schema::clip_state),
            |method| on(method, clips::status)
        ),
        route!(
            Put,
            "/clips/{sha256}",
            Some(Run),
            "putClip",
            "Canonical bytes (interleaved 32-bit little-endian float) of a clip that a job waits for. What came before a \
             connection broke is kept, in whole frames.",
            &[header(
                "Content-Range",
                "`bytes FIRST-LAST/ALL`, where FIRST is `committed_bytes`; without it, from 0.",
                parameter::text
            )],
            Bytes(&["application/octet-stream"]),
            Json(schema::clip_state),
            |method| on(method, clips::put)
        ),
    ]
}

/// Jobs.
fn of_jobs() -> Vec<Route> {
    use Content::{Events, Json, Nothing};
    use Method::{Get, Post};
    use Right::{Read, Run};
    vec![
        route!(
            Get,
            "/jobs",
            Some(Read),
            "listJobs",
            "Jobs, newest first.",
            &[
                limit::<JOBS_PAGE_MAX>(),
                query(
                    "before",
                    "Only jobs older than this one: `next_before` of the page before.",
                    parameter::uuid
                )
            ],
            Nothing,
            Json(schema::jobs),
            |method| on(method, jobs::list)
        ),
        route!(
            Post,
            "/jobs",
            Some(Run),
            "createJob",
            "Sets credits aside and admits a job. Asking again with the same id or Idempotency-Key and the same request \
             answers with the same job; with another request it is refused (409).",
            &[IDEMPOTENCY],
            Json(schema::job_wish),
            Json(schema::job),
            |method| on(method, jobs::create)
        ),
        route!(
            Get,
            "/jobs/{job}",
            Some(Read),
            "getJob",
            "A job as it is now.",
            &[],
            Nothing,
            Json(schema::job),
            |method| on(method, jobs::get)
        ),
        route!(
            Get,
            "/jobs/{job}/events",
            Some(Read),
            "watchJob",
            "The job now and after each change, as server-sent events, until it has ended or the key is dead.",
            &[header("Last-Event-ID", "The last `seq` seen.", parameter::number)],
            Nothing,
            Events(schema::job),
            |method| on(method, events::watch)
        ),
        route!(
            Post,
            "/jobs/{job}/cancel",
            Some(Run),
            "cancelJob",
            "Waiting jobs end at once and cost nothing; a running one ends within a chunk and pays for the chunks done.",
            &[],
            Nothing,
            Json(schema::job),
            |method| on(method, jobs::cancel)
        ),
    ]
}

/// The way out.
fn of_results() -> Vec<Route> {
    use Content::{Bytes, Json, Nothing};
    use Method::{Get, Post};
    use Right::{Read, Run};
    vec![
        route!(
            Get,
            "/jobs/{job}/stems/{stem}",
            Some(Read),
            "getStem",
            "A finished stem as a WAV file of 32-bit floats, as long as the clip.",
            &[query("format", "`wav` or `f32` (canonical bytes).", parameter::stem_format), RANGE],
            Nothing,
            Bytes(&["audio/wav", "application/octet-stream"]),
            |method| on(method, results::stem)
        ),
        route!(
            Get,
            "/jobs/{job}/sheets/{sheet}",
            Some(Read),
            "getSheet",
            "A finished file that is not sound: notes, subtitles, a report.",
            &[RANGE],
            Nothing,
            Bytes(results::SHEETS),
            |method| on(method, results::sheet)
        ),
        route!(
            Post,
            "/jobs/{job}/erase",
            Some(Run),
            "eraseJob",
            "Deletes the clip and the results of a job that has ended; what it cost stays on record.",
            &[],
            Nothing,
            Json(schema::job),
            |method| on(method, jobs::erase)
        ),
    ]
}
