//! Domain errors -> problem details (RFC 9457). The only place. What went wrong inside is logged, not sent.

use crate::admission::Refusal;
use crate::artifacts::ArtifactError;
use crate::auth::AuthError;
use crate::cashier::BuyError;
use crate::courier::endpoints::EndpointError;
use crate::desk::DeskError;
use crate::embed::NotMade;
use crate::store::StoreError;
use crate::team::Unchanged;
use crate::tenant::Forbidden;
use crate::upload::UploadError;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};
use tributary_protocol::reason;

/// Media type of a problem.
const TYPE: &str = "application/problem+json";
/// Seconds until a busy server is asked again, and one whose queue is full; as over gRPC.
const BUSY_SECONDS: u64 = 2;
const QUEUE_FULL_SECONDS: u64 = 10;
/// An answer that is not ours is read up to here for its words.
const WORDS_BYTES_MAX: usize = 4096;

/// Every kind: its word (the end of `type`, and its place on the reference page), its title.
pub(super) const KINDS: [(&str, &str); 19] = [
    ("invalid-request", "The request is not one that can be done"),
    ("no-key", "No valid API key came with the request"),
    ("forbidden", "This key may not do that"),
    ("not-enough-credits", "The account cannot pay for the job"),
    ("over-limit", "The member's limit for this month would be passed"),
    ("suspended", "The account starts no new jobs"),
    ("dearer", "The job costs more than was seen"),
    ("over-storage", "The account would keep more than it may"),
    ("too-many-jobs", "Too many jobs of this account are open"),
    ("not-found", "There is no such thing, or it is not yours"),
    ("wrong-method", "This address does not know that method"),
    ("conflict", "It was said differently before, or something else stands in its way"),
    ("not-ended", "The job is still open"),
    ("not-done", "The job has not ended well yet"),
    ("wrong-offset", "The clip goes on elsewhere"),
    ("too-large", "More than is taken at once"),
    ("too-often", "Too many calls"),
    ("busy", "Not now: come again"),
    ("failed", "The server failed"),
];

/// An answer that says what went wrong and what to do.
#[derive(Debug)]
pub(super) struct Problem {
    status: StatusCode,
    kind: &'static str,
    detail: String,
    more: Map<String, Value>,
    again_seconds: Option<u64>,
}

impl Problem {
    fn new(status: StatusCode, kind: &'static str, detail: impl Into<String>) -> Self {
        Self { status, kind, detail: detail.into(), more: Map::new(), again_seconds: None }
    }

    fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.more.insert(name.to_owned(), value.into());
        self
    }

    fn again(mut self, seconds: u64) -> Self {
        self.again_seconds = Some(seconds);
        self
    }

    /// The request itself is wrong.
    pub(super) fn invalid(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid-request", detail)
    }

    pub(super) fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", detail)
    }

    pub(super) fn conflict(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "conflict", detail)
    }

    pub(super) fn too_large(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", detail)
    }

    pub(super) fn unsatisfiable(bytes: u64) -> Self {
        Self::new(
            StatusCode::RANGE_NOT_SATISFIABLE,
            "invalid-request",
            format!("it has {bytes} bytes; the range begins behind them"),
        )
    }

    pub(super) fn busy(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "busy", detail).again(BUSY_SECONDS)
    }

    fn reason(self, reason: &str) -> Self {
        self.with("reason", reason)
    }

    pub(super) fn of_auth(error: &AuthError) -> Self {
        match error {
            AuthError::Store(error) => Self::of_store(error),
            AuthError::NoKey => Self::new(
                StatusCode::UNAUTHORIZED,
                "no-key",
                "send your key in a header: `Authorization: Bearer trb_...`",
            ),
            AuthError::WrongKey => Self::new(StatusCode::UNAUTHORIZED, "no-key", error.to_string()),
        }
    }

    pub(super) fn of_forbidden(error: &Forbidden) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", error.to_string())
    }

    pub(super) fn of_store(error: &StoreError) -> Self {
        match error {
            StoreError::DiskFull => Self::busy("the server's disk is full; nothing was changed"),
            StoreError::Away(_) => {
                tracing::error!(error = error as &dyn std::error::Error, "the database does not answer");
                Self::busy("the server's database does not answer now; try again in a moment")
            }
            StoreError::TooLarge(_) => Self::invalid(error.to_string()),
            StoreError::Closed => Self::conflict(error.to_string()),
            _ => Self::inside(error),
        }
    }

    fn of_refusal(refusal: &Refusal) -> Self {
        let text = refusal.to_string();
        let payment = |kind| Self::new(StatusCode::PAYMENT_REQUIRED, kind, text.clone());
        match refusal {
            Refusal::Limit { .. } | Refusal::Text { .. } | Refusal::Model(_) => Self::invalid(text),
            Refusal::Conflict => Self::conflict("this id or Idempotency-Key was used for another request"),
            Refusal::NotEnoughCredits { needed, available } => payment("not-enough-credits")
                .reason(reason::NOT_ENOUGH_CREDITS)
                .with(reason::NEEDED, needed.0)
                .with(reason::AVAILABLE, available.0),
            Refusal::OverLimit { .. } => payment("over-limit").reason(reason::OVER_LIMIT),
            Refusal::Suspended => {
                Self::new(StatusCode::FORBIDDEN, "suspended", text).reason(reason::SUSPENDED)
            }
            // Without a time to come again, so that people hear of it at once.
            Refusal::TooMany { .. } => Self::new(StatusCode::TOO_MANY_REQUESTS, "too-many-jobs", text),
            Refusal::QueueFull { .. } => Self::busy(text).again(QUEUE_FULL_SECONDS),
            Refusal::OverStorage { .. } => Self::new(StatusCode::INSUFFICIENT_STORAGE, "over-storage", text),
            Refusal::Dearer { quote, .. } => {
                Self::new(StatusCode::CONFLICT, "dearer", text).with(reason::NEEDED, quote.0)
            }
            Refusal::DiskFull | Refusal::Draining => Self::busy(text),
            Refusal::Store(error) => Self::of_store(error),
            Refusal::Artifact(error) => Self::of_artifact(error),
        }
    }

    fn of_artifact(error: &ArtifactError) -> Self {
        match error {
            ArtifactError::Missing => Self::not_found("it is no longer stored; send the clip again"),
            ArtifactError::DiskFull => Self::busy(error.to_string()),
            _ => Self::inside(error),
        }
    }

    fn of_upload(error: &UploadError) -> Self {
        let text = error.to_string();
        match error {
            UploadError::Offset { committed, .. } => {
                Self::new(StatusCode::CONFLICT, "wrong-offset", text).with("committed_bytes", *committed)
            }
            UploadError::Busy => Self::conflict(text),
            UploadError::Artifact(error) => Self::of_artifact(error),
            _ => Self::invalid(text),
        }
    }

    fn inside(error: &(dyn std::error::Error + 'static)) -> Self {
        tracing::error!(error, "a request failed inside");
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "failed",
            "the server failed; nothing was charged. It was logged: tell its operator if it happens again",
        )
    }
}

impl From<DeskError> for Problem {
    fn from(error: DeskError) -> Self {
        let text = error.to_string();
        match &error {
            DeskError::Refused(refusal) => Self::of_refusal(refusal),
            DeskError::Store(error) => Self::of_store(error),
            DeskError::Artifact(error) => Self::of_artifact(error),
            DeskError::Upload(error) => Self::of_upload(error),
            DeskError::NoJob | DeskError::NoClip | DeskError::NoResult { .. } => Self::not_found(text),
            DeskError::NotEnded => Self::new(StatusCode::CONFLICT, "not-ended", text),
            DeskError::NotDone { .. } => Self::new(StatusCode::CONFLICT, "not-done", text),
            DeskError::Audio(_) => Self::invalid(text),
            DeskError::TooMuchStaged { .. } | DeskError::TooLarge { .. } => Self::too_large(text),
            DeskError::Key(error) => Self::of_auth(error),
            DeskError::Forbidden(error) => Self::of_forbidden(error),
            DeskError::Busy | DeskError::Draining => Self::busy(text),
            DeskError::Lost(_) | DeskError::Io { .. } => Self::inside(&error),
        }
    }
}

impl From<BuyError> for Problem {
    fn from(error: BuyError) -> Self {
        let text = error.to_string();
        match &error {
            BuyError::Forbidden(forbidden) => Self::of_forbidden(forbidden),
            BuyError::NotOffered(_) => Self::invalid(text),
            BuyError::Conflict | BuyError::UnderWay | BuyError::Refused(_) => Self::conflict(text),
            BuyError::Away => Self::busy(text),
            BuyError::Store(error) => Self::of_store(error),
        }
    }
}

impl From<EndpointError> for Problem {
    fn from(error: EndpointError) -> Self {
        let text = error.to_string();
        match &error {
            EndpointError::Address(_) | EndpointError::NoEvent | EndpointError::UnknownEvent(_) => {
                Self::invalid(text)
            }
            EndpointError::TooMany | EndpointError::Conflict | EndpointError::SecretShown => {
                Self::conflict(text)
            }
            EndpointError::NoWebhook | EndpointError::NoDelivery => Self::not_found(text),
            EndpointError::Store(error) => Self::of_store(error),
        }
    }
}

impl From<NotMade> for Problem {
    fn from(error: NotMade) -> Self {
        match &error {
            NotMade::TooMany | NotMade::Conflict => Self::conflict(error.to_string()),
            NotMade::Store(error) => Self::of_store(error),
            _ => Self::invalid(error.to_string()),
        }
    }
}

impl From<Unchanged> for Problem {
    fn from(error: Unchanged) -> Self {
        let text = error.to_string();
        match &error {
            Unchanged::Forbidden(forbidden) => Self::of_forbidden(forbidden),
            Unchanged::Role(_) | Unchanged::Nobody => Self::new(StatusCode::FORBIDDEN, "forbidden", text),
            Unchanged::Email | Unchanged::Label | Unchanged::Rights => Self::invalid(text),
            Unchanged::Unknown => Self::not_found(text),
            Unchanged::LastOwner | Unchanged::TooMany(_) | Unchanged::Named => Self::conflict(text),
            Unchanged::Letter => Self::busy(text),
            Unchanged::Store(error) => Self::of_store(error),
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        Self::of_store(&error)
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        Self::of_refusal(&refusal)
    }
}

impl Problem {
    /// As it is sent.
    pub(super) fn body(&self) -> Value {
        let title = KINDS.iter().find(|(kind, _)| *kind == self.kind).map_or("", |(_, title)| title);
        let mut body = json!({
            "type": format!("/api/v1/#{}", self.kind),
            "title": title,
            "status": self.status.as_u16(),
            "detail": self.detail,
        });
        if let Some(fields) = body.as_object_mut() {
            fields.extend(self.more.clone());
        }
        body
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = self.body().to_string();
        let mut response = (self.status, [(CONTENT_TYPE, TYPE)], body).into_response();
        if let Some(seconds) = self.again_seconds {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

pub(super) fn no_route() -> Problem {
    Problem::not_found("there is no such address here; /api/v1/ lists all of them")
}

pub(super) fn no_method() -> Problem {
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "wrong-method", "/api/v1/ lists what each address knows")
}

/// A layer around everything: an error of the framework or of the limits becomes a problem, its words the detail.
pub(super) async fn dress(request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    let status = response.status();
    let is_json = response.headers().get(CONTENT_TYPE).is_some_and(|kind| kind == TYPE);
    if is_json || !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let words = to_bytes(body, WORDS_BYTES_MAX).await.unwrap_or_default();
    let kind = match status {
        StatusCode::TOO_MANY_REQUESTS => "too-often",
        StatusCode::NOT_FOUND => "not-found",
        StatusCode::PAYLOAD_TOO_LARGE => "too-large",
        _ if status.is_server_error() => "failed",
        _ => "invalid-request",
    };
    let problem = Problem::new(status, kind, String::from_utf8_lossy(&words).into_owned());
    parts.headers.remove(CONTENT_LENGTH);
    parts.headers.insert(CONTENT_TYPE, HeaderValue::from_static(TYPE));
    Response::from_parts(parts, Body::from(problem.body().to_string()))
}
