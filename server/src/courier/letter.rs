//! What is said, and how it is signed: a small JSON body, the same at every try, and HMAC-SHA256 over time and body in the
//! form that Stripe made usual.

use crate::clock::Timestamp;
use crate::job::Job;
use crate::webhook::{Parcel, Secret};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::json;
use sha2::Sha256;
use std::fmt::Write;

/// `t=SECONDS,v1=HEX`, with one more `v1` while another secret replaces one.
pub const SIGNATURE: &str = "tributary-signature";

/// The body. Small: what else there is of the job is fetched with a key.
#[must_use]
pub fn body(parcel: &Parcel, job: Option<&Job>) -> Vec<u8> {
    let job = job.map(|job| {
        json!({
            "id": job.id.to_string(),
            "state": job.state.word(),
            "model": job.model,
            "title": job.title,
            "credits": { "held": job.held.0, "captured": job.captured.0, "released": job.released().0 },
            "failure": job.failure,
            "created_at": job.created_at.rfc3339(),
            "ended_at": job.ended_at.map(Timestamp::rfc3339),
            "url": format!("/api/v1/jobs/{}", job.id),
        })
    });
    let letter = json!({
        "id": parcel.event_id.to_string(),
        "type": parcel.event.word(),
        "created_at": parcel.created_at.rfc3339(),
        "job": job,
    });
    letter.to_string().into_bytes()
}

/// Headers of a letter.
#[must_use]
pub fn headers(parcel: &Parcel, signature: String) -> Vec<(&'static str, String)> {
    vec![
        ("content-type", "application/json".to_owned()),
        ("user-agent", format!("Tributary/{}", env!("CARGO_PKG_VERSION"))),
        ("tributary-event", parcel.event.word().to_owned()),
        ("tributary-delivery", parcel.event_id.to_string()),
        (SIGNATURE, signature),
    ]
}

/// The signature of `body` by each secret, made at `now`.
#[must_use]
pub fn signature(secrets: &[Secret], body: &[u8], now: Timestamp) -> String {
    let seconds = now.0.div_euclid(1_000_000);
    let mut text = format!("t={seconds}");
    for secret in secrets {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(secret.reveal().as_bytes()).expect("a key of any length");
        mac.update(format!("{seconds}.").as_bytes());
        mac.update(body);
        text.push_str(",v1=");
        for byte in mac.finalize().into_bytes() {
            let _ = write!(text, "{byte:02x}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The value was computed with Python's `hmac.new(b"whsec_a", b"1700000000.{}", "sha256").hexdigest()`.
    #[test]
    fn a_signature_is_of_time_dot_body_and_one_for_each_secret() {
        let secrets = [Secret::new("a"), Secret::new("b")];
        let now = Timestamp(1_700_000_000_999_999);
        let one = signature(&secrets[..1], b"{}", now);
        assert_eq!(one, format!("t=1700000000,v1={A}"));
        assert!(signature(&secrets, b"{}", now).starts_with(&format!("{one},v1=")));
    }

    const A: &str = "04339dc4f01d6541e8d3b7e4bd93cd2d4f680ccb28592270900b08e49cc09e57";
}
