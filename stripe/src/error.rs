//! Why a call was not answered as asked, one variant for each thing a caller can do about it. Reads Stripe's error
//! objects field by field, so that a new field or a drifted object inside takes nothing away.

use serde_json::Value;
use std::error::Error;

/// The most of Stripe's words that is kept, in characters.
pub const WORDS_CHARS_MAX: usize = 500;

/// Why a call has no result.
#[derive(Debug, thiserror::Error)]
pub enum StripeError {
    /// Try again later with the same key. The call may have had its effect.
    #[error("Stripe is away")]
    Away(#[source] Away),
    /// Stripe will not do it, now or later: the request, the card or our key is wrong.
    #[error("Stripe refused ({code}): {message}")]
    Refused {
        /// Stripe's word for it: of a card that was declined, why; else the error's code; else its type.
        code: String,
        /// In English, for the log; of a card that was declined, fit to be shown.
        message: String,
    },
    /// Stripe answered something that this version cannot read. The call may have had its effect: look with a later version.
    #[error("Stripe's answer cannot be read: {what}")]
    Unparsed {
        /// What was not as expected.
        what: String,
    },
    /// The key was used for another call: a mistake of the caller's.
    #[error("the idempotency key belongs to another call")]
    KeyReused,
    /// Stripe has no such object, or has it in the other mode.
    #[error("Stripe has no such object")]
    NotFound,
}

/// In what way Stripe is away.
#[derive(Debug, thiserror::Error)]
pub enum Away {
    /// No connection, or it broke.
    #[error("the connection to Stripe failed")]
    Network(#[source] Box<dyn Error + Send + Sync>),
    /// No whole answer in time.
    #[error("no answer within the time limit")]
    Timeout,
    /// Stripe, or what stands before it, answered that it cannot now: 409, 424, 429 and all from 500.
    #[error("status {status}")]
    Status {
        /// Of HTTP.
        status: u16,
        /// The failure was kept under this key and will be answered until the key is forgotten. Look whether the call
        /// had its effect, then use a new key.
        kept: bool,
    },
}

/// An answer that is no success, before anybody has judged it.
#[derive(Debug)]
pub(crate) struct Refusal {
    status: u16,
    kept: bool,
    kind: String,
    code: Option<String>,
    decline_code: Option<String>,
    message: String,
    payment: Option<String>,
}

impl Refusal {
    /// `kept`: whether Stripe said that it repeats an earlier answer. A body that is not Stripe's tells nothing more
    /// than its status does.
    pub(crate) fn read(status: u16, kept: bool, body: &[u8]) -> Self {
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let error = &body["error"];
        let text = |value: &Value| {
            let text = value.as_str().filter(|text| !text.is_empty())?;
            Some(text.chars().take(WORDS_CHARS_MAX).collect::<String>())
        };
        Self {
            status,
            kept,
            kind: text(&error["type"]).unwrap_or_else(|| format!("status {status}")),
            code: text(&error["code"]),
            decline_code: text(&error["decline_code"]),
            // Stripe repeats a part of a key it does not know.
            message: match status {
                401 => "the key is not valid".to_owned(),
                _ => text(&error["message"]).unwrap_or_default(),
            },
            payment: text(&error["payment_intent"]["id"]),
        }
    }

    /// Nothing is wrong with the request: the card, or whatever else was to pay, was declined.
    pub(crate) fn is_a_decline(&self) -> bool {
        self.status == 402 || (self.status == 400 && self.kind == "card_error")
    }

    /// The bank wants the card's holder to take part.
    pub(crate) fn wants_the_holder(&self) -> bool {
        let wants = |code: &Option<String>| code.as_deref() == Some("authentication_required");
        wants(&self.code) || wants(&self.decline_code)
    }

    /// The id of the payment that failed.
    pub(crate) fn payment(&self) -> Option<String> {
        self.payment.clone()
    }

    /// Stripe's word for it and its sentence.
    pub(crate) fn words(self) -> (String, String) {
        (self.decline_code.or(self.code).unwrap_or(self.kind), self.message)
    }
}

/// The statuses of <https://docs.stripe.com/error-low-level>. 409: another call with this key is at work.
impl From<Refusal> for StripeError {
    fn from(refusal: Refusal) -> Self {
        match refusal.status {
            404 => Self::NotFound,
            409 | 424 | 429 | 500.. => {
                Self::Away(Away::Status { status: refusal.status, kept: refusal.kept })
            }
            400..=499 if refusal.kind == "idempotency_error" => Self::KeyReused,
            400..=499 => {
                let (code, message) = refusal.words();
                Self::Refused { code, message }
            }
            status => Self::Unparsed { what: format!("status {status}") },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_words_are_cut() {
        let body = format!(r#"{{"error":{{"message":"{}"}}}}"#, "ä".repeat(10_000));
        let (_, message) = Refusal::read(400, false, body.as_bytes()).words();
        assert_eq!(message, "ä".repeat(WORDS_CHARS_MAX));
    }

    #[test]
    fn whatever_a_bank_says_no_to_is_a_decline() {
        for (status, body, is_one) in [
            (402, "", true),
            (402, r#"{"error":{"type":"invalid_request_error"}}"#, true),
            (400, r#"{"error":{"type":"card_error"}}"#, true),
            (400, r#"{"error":{"type":"invalid_request_error"}}"#, false),
            (500, r#"{"error":{"type":"card_error"}}"#, false),
            (429, r#"{"error":{"type":"card_error"}}"#, false),
        ] {
            assert_eq!(
                Refusal::read(status, false, body.as_bytes()).is_a_decline(),
                is_one,
                "{status} {body}"
            );
        }
    }

    fn judged(status: u16, body: &str) -> String {
        format!("{:?}", StripeError::from(Refusal::read(status, false, body.as_bytes())))
    }

    #[test]
    fn a_status_decides_who_can_do_something() {
        for (status, body, variant) in [
            (500, "", "Away(Status { status: 500, kept: false })"),
            (503, "<html>", "Away(Status { status: 503, kept: false })"),
            (429, r#"{"error":{"code":"rate_limit"}}"#, "Away(Status { status: 429, kept: false })"),
            (
                409,
                r#"{"error":{"type":"idempotency_error","code":"idempotency_key_in_use"}}"#,
                "Away(Status { status: 409, kept: false })",
            ),
            (400, r#"{"error":{"type":"idempotency_error"}}"#, "KeyReused"),
            (404, "", "NotFound"),
            (302, "", "Unparsed { what: \"status 302\" }"),
            (
                401,
                r#"{"error":{"type":"invalid_request_error","message":"no"}}"#,
                "Refused { code: \"invalid_request_error\", message: \"the key is not valid\" }",
            ),
            (403, "[1, 2", "Refused { code: \"status 403\", message: \"\" }"),
            (
                402,
                r#"{"error":{"type":"card_error","code":"card_declined","decline_code":"lost_card","message":"m"}}"#,
                "Refused { code: \"lost_card\", message: \"m\" }",
            ),
        ] {
            assert_eq!(judged(status, body), variant);
        }
    }
}
