//! What requests say, read with limits: query, JSON bodies, names in addresses, ids.

use super::problem::Problem;
use crate::clock::Timestamp;
use axum::body::{Body, to_bytes};
use axum::http::HeaderMap;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256 as Hasher};
use std::str::FromStr;
use tributary_protocol::vocab::{AccountId, InvitationId, JobId, PurchaseId, Sha256, WebhookId, WidgetId};

/// A JSON body: many settings and references fit.
const JSON_BYTES_MAX: usize = 64 * 1024;
/// Characters of an `Idempotency-Key`.
pub(super) const KEY_CHARS_MAX: usize = 255;

/// A JSON body of a known form.
pub(super) async fn json<T: DeserializeOwned>(body: Body) -> Result<T, Problem> {
    let bytes = to_bytes(body, JSON_BYTES_MAX).await;
    let bytes = bytes.map_err(|_| {
        Problem::too_large(format!("the body must come whole and have at most {JSON_BYTES_MAX} bytes"))
    })?;
    serde_json::from_slice(&bytes).map_err(|error| Problem::invalid(format!("the body: {error}")))
}

/// A value of the query, as it stands there: none of ours needs escapes.
pub(super) fn query<'a>(query: Option<&'a str>, name: &str) -> Option<&'a str> {
    let pairs = query?.split('&').filter_map(|pair| pair.split_once('='));
    pairs.into_iter().find(|(key, _)| *key == name).map(|(_, value)| value)
}

/// A whole number of the query; `default` where it says nothing.
pub(super) fn number(text: Option<&str>, name: &str, default: u64) -> Result<u64, Problem> {
    let Some(text) = query(text, name) else { return Ok(default) };
    text.parse().map_err(|_| Problem::invalid(format!("`{name}` must be a whole number")))
}

/// A day of the query, `2026-11-28`: its first moment.
pub(super) fn day(text: Option<&str>, name: &str) -> Result<Option<Timestamp>, Problem> {
    let Some(text) = query(text, name) else { return Ok(None) };
    let is_day = text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    let mut parts = text.split('-').map(str::parse::<u16>);
    let day = match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(Ok(year)), Some(Ok(month)), Some(Ok(day)), None) if is_day => {
            Timestamp::of_date(year, month, day)
        }
        _ => None,
    };
    day.map(Some).ok_or_else(|| Problem::invalid(format!("`{name}` must be a day like 2026-11-28")))
}

/// The size of a page: 1 to `max`.
pub(super) fn page(text: Option<&str>, default: u32, max: u32) -> Result<u32, Problem> {
    let limit = number(text, "limit", default.into())?;
    let fits = u32::try_from(limit).ok().filter(|limit| (1..=max).contains(limit));
    fits.ok_or_else(|| Problem::invalid(format!("`limit` must be 1 to {max}")))
}

pub(super) fn job_id(text: &str) -> Result<JobId, Problem> {
    id(text, "job")
}

/// The id of a `kind` of thing.
pub(super) fn id<T: FromStr>(text: &str, kind: &str) -> Result<T, Problem> {
    text.parse().map_err(|_| Problem::invalid(format!("the id of this {kind} must be a UUID")))
}

pub(super) fn sha256(text: &str) -> Result<Sha256, Problem> {
    Sha256::from_hex(text).ok_or_else(|| Problem::invalid("a SHA-256 is written as 64 hex digits"))
}

pub(super) fn id_of_new_job(
    account: AccountId,
    said: Option<&str>,
    headers: &HeaderMap,
) -> Result<JobId, Problem> {
    id_of_new(account, "job", said, headers, JobId::from_slice)
}

pub(super) fn id_of_new_purchase(
    account: AccountId,
    said: Option<&str>,
    headers: &HeaderMap,
) -> Result<PurchaseId, Problem> {
    id_of_new(account, "purchase", said, headers, PurchaseId::from_slice)
}

/// The id of an endpoint that is made. It costs nothing, so one without a name is one more.
pub(super) fn id_of_new_webhook(
    account: AccountId,
    said: Option<&str>,
    headers: &HeaderMap,
) -> Result<WebhookId, Problem> {
    if is_unnamed(said, headers) {
        return Ok(WebhookId::generate());
    }
    id_of_new(account, "webhook", said, headers, WebhookId::from_slice)
}

/// The id of an invitation; one without a name is a new one in the place of an open one.
pub(super) fn id_of_new_invitation(
    account: AccountId,
    said: Option<&str>,
    headers: &HeaderMap,
) -> Result<InvitationId, Problem> {
    if is_unnamed(said, headers) {
        return Ok(InvitationId::generate());
    }
    id_of_new(account, "invitation", said, headers, InvitationId::from_slice)
}

/// The id of a widget; without a key it is one more. It is unique among all accounts' widgets, so that nobody names one of
/// their own choice: they would hear whether another account has it.
pub(super) fn id_of_new_widget(account: AccountId, headers: &HeaderMap) -> Result<WidgetId, Problem> {
    if is_unnamed(None, headers) {
        return Ok(WidgetId::generate());
    }
    id_of_new(account, "widget", None, headers, WidgetId::from_slice)
}

fn is_unnamed(said: Option<&str>, headers: &HeaderMap) -> bool {
    said.is_none() && !headers.contains_key("idempotency-key")
}

/// The id of what is made: the body's, or one made of the `Idempotency-Key`. One of them must be there: else whoever asks
/// again after a lost answer would pay twice.
fn id_of_new<T: FromStr>(
    account: AccountId,
    kind: &str,
    said: Option<&str>,
    headers: &HeaderMap,
    read: fn(&[u8]) -> Option<T>,
) -> Result<T, Problem> {
    let key = headers.get("idempotency-key").map(|value| value.to_str().unwrap_or_default());
    match (said, key) {
        (Some(said), None) => id(said, kind),
        (None, Some(key)) if (1..=KEY_CHARS_MAX).contains(&key.len()) => {
            Ok(read(&id_of_key(account, kind, key)).expect("16 bytes are an id"))
        }
        (None, Some(_)) => {
            Err(Problem::invalid(format!("an Idempotency-Key has 1 to {KEY_CHARS_MAX} ASCII characters")))
        }
        (Some(_), Some(_)) => Err(Problem::invalid("send `id` or an Idempotency-Key, not both")),
        (None, None) => Err(Problem::invalid(
            "send `id`, a UUID of your own, or an Idempotency-Key: asking again with it never pays twice",
        )),
    }
}

/// A UUID of version 8 (RFC 9562, 5.8): SHA-256 of what it names, account and key.
fn id_of_key(account: AccountId, kind: &str, key: &str) -> [u8; 16] {
    let hash = Hasher::new()
        .chain_update(format!("tributary {kind}\0"))
        .chain_update(account.as_bytes())
        .chain_update(key)
        .finalize();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash[..16]);
    bytes[6] = bytes[6] & 0x0f | 0x80;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_names_one_thing_of_one_account() {
        let [a, b] = [AccountId::generate(), AccountId::generate()];
        let ids = [(a, "job", "x"), (a, "job", "y"), (b, "job", "x"), (a, "purchase", "x")]
            .map(|(account, kind, key)| id_of_key(account, kind, key));
        assert_eq!(ids[0], id_of_key(a, "job", "x"));
        assert!(!ids[1..].contains(&ids[0]));
        assert_eq!(&JobId::from_slice(&ids[0]).unwrap().to_string()[14..15], "8");
    }

    #[test]
    fn a_day_is_one_of_the_calendar() {
        let day = |text: &str| day(Some(&format!("since={text}")), "since");
        assert_eq!(day("1970-01-02").unwrap(), Some(Timestamp(86_400_000_000)));
        assert_eq!(day("2024-02-29").unwrap().unwrap().date(), (2024, 2, 29));
        for wrong in
            ["2023-02-29", "2026-13-01", "2026-00-10", "2026-1-1", "x", "+026-01-01", "-026-01-01", ""]
        {
            assert!(day(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_hash_is_64_hex_digits_and_nothing_else() {
        assert_eq!(sha256(&"0f".repeat(32)).unwrap(), Sha256([15; 32]));
        for wrong in ["", "0f", &"0g".repeat(32), &"0f".repeat(33), &"é".repeat(32)] {
            assert!(sha256(wrong).is_err(), "{wrong}");
        }
    }
}
