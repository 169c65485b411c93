//! An answer, and what is left of it when something goes wrong on its way.

use crate::fault::Fault;
use crate::refusal::Refusal;
use axum::body::{Body, HttpBody};
use axum::http::{HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hyper::body::{Bytes, Frame};
use serde_json::{Value, json};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");
/// How much of an answer that goes on and on there is, in bytes, and in pieces of which size: as no asker should take.
const ENDLESS: (usize, usize) = (64 << 20, 64 << 10);

#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(super) status: u16,
    body: Value,
    is_replayed: bool,
}

impl Answer {
    pub(super) fn of(object: Value) -> Self {
        Self { status: 200, body: object, is_replayed: false }
    }

    /// Of a call that was not carried out.
    pub(super) fn nothing() -> Self {
        Self::of(json!({}))
    }

    pub(super) fn refusal(refusal: &Refusal) -> Self {
        Self { status: refusal.status, body: refusal.body(), is_replayed: false }
    }

    pub(super) fn replayed(mut self) -> Self {
        self.is_replayed = true;
        self
    }

    pub(super) fn response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let json = [(header::CONTENT_TYPE, "application/json")];
        let mut response = (status, json, self.body.to_string()).into_response();
        if self.is_replayed {
            response.headers_mut().insert(REPLAYED, header::HeaderValue::from_static("true"));
        }
        response
    }
}

pub(super) async fn spoiled(fault: Fault, mut answer: Answer) -> Response {
    match fault {
        Fault::Status(status) => Answer::refusal(&Refusal::broken(status)).response(),
        Fault::Page(status) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
            (status, axum::response::Html("<h1>Bad Gateway</h1>")).into_response()
        }
        Fault::HangUp => Response::new(Body::new(Broken { left: 0 })),
        Fault::Endless => Response::new(Body::new(Broken { left: ENDLESS.0 })),
        Fault::Silence => std::future::pending().await,
        Fault::Drifted => {
            answer.body = json!({ "object": answer.body["object"], "reference": answer.body["id"] });
            answer.response()
        }
        Fault::Grown => {
            for name in
                ["payment_method_options", "custom_text", "automatic_tax", "billing_details", "evidence"]
            {
                if let Some(field) = answer.body.get_mut(name) {
                    *field = json!([{ "of": { "another": "form" } }]);
                }
            }
            answer.body["a_field_of_tomorrow"] = json!({ "deep": [null, 1.5, "x"] });
            answer.response()
        }
    }
}

/// A body that ends in the middle.
struct Broken {
    /// Bytes that still come.
    left: usize,
}

impl HttpBody for Broken {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if self.left == 0 {
            return Poll::Ready(Some(Err(io::ErrorKind::ConnectionAborted.into())));
        }
        self.left = self.left.saturating_sub(ENDLESS.1);
        Poll::Ready(Some(Ok(Frame::data(Bytes::from(vec![b' '; ENDLESS.1])))))
    }
}
