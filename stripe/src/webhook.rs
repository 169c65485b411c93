//! Whether Stripe sent what arrived, and what it is about. Reads of an event only what says which object to ask for: what
//! is true of the object is asked of Stripe.
//!
//! The signature is <https://docs.stripe.com/webhooks#verify-manually>: HMAC-SHA256 of time, dot and body.

use hmac::{Hmac, KeyInit, Mac};
use serde::Deserialize;
use sha2::Sha256;

/// The longest event that is looked at; an edge stops reading there. Stripe's are a few kilobytes.
pub const BODY_BYTES_MAX: usize = 1 << 20;
/// The longest signature header that is looked at: many times that of three secrets.
pub const HEADER_BYTES_MAX: usize = 4096;
/// How far the time of a signature may be from ours, in seconds, either way. Stripe's own default.
pub const TOLERANCE_SECONDS: i64 = 300;
/// HMAC-SHA256.
const SIGNATURE_BYTES: usize = 32;

/// What an event is about. The rest of it is not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// Stripe's id: `evt_...`. The same event may come many times, always with this id.
    pub id: String,
    /// What happened: `checkout.session.completed`.
    pub kind: String,
    /// When, in seconds since 1970. Events come in any order.
    pub created_at_seconds: i64,
    /// Whether money moves.
    pub livemode: bool,
    /// The object's kind: `checkout.session`.
    pub object_kind: Option<String>,
    /// The object's id: what to ask for.
    pub object: Option<String>,
}

/// Why what arrived is no event to act on.
#[derive(Debug, thiserror::Error)]
pub enum SignatureError {
    /// Longer than [`BODY_BYTES_MAX`]; nothing was computed.
    #[error("the event has {bytes} bytes, more than {BODY_BYTES_MAX}")]
    TooLong {
        /// How long it is.
        bytes: usize,
    },
    /// The header is not Stripe's.
    #[error("the signature header is not of the form t=..,v1=..")]
    Header,
    /// No secret of ours made any of the signatures. Somebody else sent it, or a secret of Stripe's is missing here.
    #[error("no secret matches the signature")]
    Mismatch,
    /// Signed by Stripe, but not now: a recording that is played again, or a clock that is wrong.
    #[error("the signature is {age_seconds} s old; {TOLERANCE_SECONDS} s either way are taken")]
    TooOld {
        /// Below zero: from the future.
        age_seconds: i64,
    },
    /// Signed by Stripe, but no event.
    #[error("the signed body is no event")]
    NotAnEvent(#[source] serde_json::Error),
}

/// Verifies an event. `body`: exactly as it arrived. `signature_header`: the value of `Stripe-Signature`. `secrets`: all
/// that are in force, so that one can be replaced while the other still signs. `now_seconds`: since 1970.
///
/// # Errors
/// See [`SignatureError`]. The first two and a mismatch are answered with 400; for the others Stripe is right and we are
/// not, so an edge answers 500 and Stripe tries again.
pub fn verify(
    body: &[u8],
    signature_header: &str,
    secrets: &[String],
    now_seconds: i64,
) -> Result<Envelope, SignatureError> {
    if body.len() > BODY_BYTES_MAX {
        return Err(SignatureError::TooLong { bytes: body.len() });
    }
    let header = Header::read(signature_header).ok_or(SignatureError::Header)?;
    if !secrets.iter().any(|secret| header.is_by(secret, body)) {
        return Err(SignatureError::Mismatch);
    }
    let age_seconds = now_seconds.saturating_sub(header.seconds);
    if !(-TOLERANCE_SECONDS..=TOLERANCE_SECONDS).contains(&age_seconds) {
        return Err(SignatureError::TooOld { age_seconds });
    }
    let event: Event = serde_json::from_slice(body).map_err(SignatureError::NotAnEvent)?;
    Ok(event.envelope())
}

/// `t=1700000000,v1=<hex>,v1=<hex>,v0=<hex>`
struct Header<'a> {
    /// As it was signed.
    time: &'a str,
    seconds: i64,
    signatures: Vec<[u8; SIGNATURE_BYTES]>,
}

impl<'a> Header<'a> {
    /// Other schemes and signatures of another length are not ours to judge.
    fn read(text: &'a str) -> Option<Self> {
        if text.len() > HEADER_BYTES_MAX {
            return None;
        }
        let fields = || text.split(',').filter_map(|field| field.trim().split_once('='));
        let (_, time) = fields().find(|(name, _)| *name == "t")?;
        let signatures =
            fields().filter(|(name, _)| *name == "v1").filter_map(|(_, hex)| bytes(hex)).collect();
        Some(Self { time, seconds: time.parse().ok()?, signatures })
    }

    /// Compares in constant time. An empty secret, which anybody knows, signs nothing.
    fn is_by(&self, secret: &str, body: &[u8]) -> bool {
        if secret.is_empty() {
            return false;
        }
        let mut mac =
            Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes keys of any length");
        mac.update(self.time.as_bytes());
        mac.update(b".");
        mac.update(body);
        self.signatures.iter().any(|signature| mac.clone().verify_slice(signature).is_ok())
    }
}

fn bytes(hex: &str) -> Option<[u8; SIGNATURE_BYTES]> {
    if hex.len() != 2 * SIGNATURE_BYTES || !hex.is_ascii() {
        return None;
    }
    let mut out = [0; SIGNATURE_BYTES];
    for (byte, pair) in out.iter_mut().zip(hex.as_bytes().chunks_exact(2)) {
        let digit = |letter: u8| char::from(letter).to_digit(16);
        *byte = u8::try_from(digit(pair[0])? << 4 | digit(pair[1])?).ok()?;
    }
    Some(out)
}

#[derive(Deserialize)]
struct Event {
    id: String,
    #[serde(rename = "type")]
    kind: String,
    created: i64,
    livemode: bool,
    #[serde(default)]
    data: serde_json::Value,
}

impl Event {
    fn envelope(self) -> Envelope {
        let word = |name: &str| self.data["object"][name].as_str().map(str::to_owned);
        Envelope {
            object_kind: word("object"),
            object: word("id"),
            id: self.id,
            kind: self.kind,
            created_at_seconds: self.created,
            livemode: self.livemode,
        }
    }
}
