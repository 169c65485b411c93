//! Stripe's error object, and the errors that the calls here can end with.

use serde_json::{Value, json};

/// Why a call was not carried out, as Stripe says it.
#[derive(Debug, Clone)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    error: Value,
}

impl Refusal {
    fn new(status: u16, kind: &str, code: Option<&str>, message: &str) -> Self {
        let mut error = json!({ "type": kind, "message": message });
        if let Some(code) = code {
            error["code"] = code.into();
            error["doc_url"] =
                format!("https://stripe.com/docs/error-codes/{}", code.replace('_', "-")).into();
        }
        Self { status, error }
    }

    /// A request that cannot be carried out as it is.
    pub(crate) fn request(code: &str, message: &str, parameter: &str) -> Self {
        let mut refusal = Self::new(400, "invalid_request_error", Some(code), message);
        refusal.error["param"] = parameter.into();
        refusal
    }

    pub(crate) fn missing(parameter: &str) -> Self {
        Self::request("parameter_missing", &format!("Missing required param: {parameter}."), parameter)
    }

    pub(crate) fn invalid(parameter: &str) -> Self {
        Self::request("parameter_invalid", &format!("Invalid {parameter}."), parameter)
    }

    /// An object that a parameter names.
    pub(crate) fn no_such(kind: &str, id: &str, parameter: &str) -> Self {
        Self::request("resource_missing", &format!("No such {kind}: '{id}'"), parameter)
    }

    /// The object that the path names.
    pub(crate) fn not_found(kind: &str, id: &str) -> Self {
        Self { status: 404, ..Self::no_such(kind, id, "id") }
    }

    pub(crate) fn no_route(path: &str) -> Self {
        Self::new(404, "invalid_request_error", None, &format!("Unrecognized request URL ({path})."))
    }

    pub(crate) fn unauthorized() -> Self {
        Self::new(401, "invalid_request_error", None, "Invalid API Key provided.")
    }

    /// A key of the other mode.
    pub(crate) fn other_mode(id: &str) -> Self {
        let message = format!(
            "No such object: '{id}'; a similar object exists in test mode, but a live mode key was used."
        );
        Self { status: 404, ..Self::request("resource_missing", &message, "id") }
    }

    /// A key of the other mode wants to make something.
    pub(crate) fn test_only() -> Self {
        let message = "Your account cannot currently make live charges.";
        Self::new(403, "invalid_request_error", Some("testmode_charges_only"), message)
    }

    pub(crate) fn key_reused() -> Self {
        let message = "Keys for idempotent requests can only be used with the same parameters they were first used with.";
        Self::new(400, "idempotency_error", None, message)
    }

    pub(crate) fn broken(status: u16) -> Self {
        let (kind, code) =
            if status == 429 { ("invalid_request_error", Some("rate_limit")) } else { ("api_error", None) };
        Self::new(status, kind, code, "An error occurred on our side.")
    }

    /// A card or an account that its bank declines. `payment`: the payment intent, as an object.
    pub(crate) fn declined(decline: &crate::world::Decline, payment: Value) -> Self {
        let mut refusal = Self::new(402, "card_error", Some(decline.code), decline.message);
        refusal.error["decline_code"] = decline.reason.into();
        refusal.error["payment_intent"] = payment;
        refusal
    }

    pub(crate) fn body(&self) -> Value {
        json!({ "error": self.error })
    }
}
