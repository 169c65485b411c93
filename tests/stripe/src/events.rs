//! Events: what happened, signed as Stripe signs, brought to whoever listens as often as asked for.

mod courier;

use crate::shape::API_VERSION;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use std::fmt::Write;

pub use courier::Delivery;
pub(crate) use courier::{Courier, Parcel, bring};

/// What becomes of events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Post {
    /// They are only kept; the test brings them, in the order it likes.
    Kept,
    /// Each is brought at once, this many times, to an address like `http://127.0.0.1:8080/stripe`.
    To {
        /// Where.
        url: String,
        /// How often.
        times: usize,
    },
}

/// One event.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Stripe's id.
    pub id: String,
    /// What happened: `checkout.session.completed`.
    pub kind: String,
    /// When, in seconds since 1970.
    pub created: i64,
    /// The object as it was then.
    pub object: Value,
}

impl Event {
    pub(crate) fn new(id: String, kind: &str, created: i64, object: Value) -> Self {
        Self { id, kind: kind.to_owned(), created, object }
    }

    /// As it is sent.
    #[must_use]
    pub fn body(&self) -> Vec<u8> {
        let event = json!({
            "id": self.id,
            "object": "event",
            "api_version": API_VERSION,
            "created": self.created,
            "data": { "object": self.object },
            "livemode": false,
            "pending_webhooks": 1,
            "request": { "id": null, "idempotency_key": null },
            "type": self.kind,
        });
        event.to_string().into_bytes()
    }

    /// The same event in a later version of Stripe, which writes the object another way.
    #[must_use]
    pub fn drifted(&self) -> Self {
        let object =
            json!({ "id": self.object["id"], "object": self.object["object"], "status": { "now": [1, 2] } });
        Self { object, ..self.clone() }
    }
}

/// The value of `Stripe-Signature` for a body that is sent at `seconds` since 1970: one signature for each secret, and
/// one of a scheme that nobody should take.
#[must_use]
pub fn sign(body: &[u8], secrets: &[String], seconds: i64) -> String {
    let mut header = format!("t={seconds}");
    for secret in secrets {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes keys of any length");
        mac.update(format!("{seconds}.").as_bytes());
        mac.update(body);
        header.push_str(",v1=");
        for byte in mac.finalize().into_bytes() {
            let _ = write!(header, "{byte:02x}");
        }
    }
    header.push_str(",v0=6ffbb59b2300aae63f272406069a9788598b792a944a07aba816edb039989a39");
    header
}
