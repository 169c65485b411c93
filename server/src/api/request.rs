//! What requests say, read with limits: query, JSON bodies, names in addresses, ids.

use super::problem::Problem;
use axum::body::{Body, to_bytes};
use axum::http::HeaderMap;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256 as Hasher};
use tributary_protocol::vocab::{AccountId, JobId, Sha256};

/// A JSON body: many settings and references fit.
const JSON_BYTES_MAX: usize = 64 * 1024;
/// Characters of an `Idempotency-Key`.
const KEY_CHARS_MAX: usize = 255;

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

/// The size of a page: 1 to `max`.
pub(super) fn page(text: Option<&str>, default: u32, max: u32) -> Result<u32, Problem> {
    let limit = number(text, "limit", default.into())?;
    let fits = u32::try_from(limit).ok().filter(|limit| (1..=max).contains(limit));
    fits.ok_or_else(|| Problem::invalid(format!("`limit` must be 1 to {max}")))
}

pub(super) fn job_id(text: &str) -> Result<JobId, Problem> {
    text.parse().map_err(|_| Problem::invalid("a job's id is a UUID"))
}

pub(super) fn sha256(text: &str) -> Result<Sha256, Problem> {
    let digits = text.as_bytes();
    let value = |digit: u8| char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
    let byte = |pair: &[u8]| Some(value(*pair.first()?)? << 4 | value(*pair.get(1)?)?);
    let bytes: Option<Vec<u8>> = if digits.len() == 64 { digits.chunks(2).map(byte).collect() } else { None };
    let hash = bytes.and_then(|bytes| Sha256::from_slice(&bytes));
    hash.ok_or_else(|| Problem::invalid("a SHA-256 is written as 64 hex digits"))
}

/// The job's id: the body's, or one made of the `Idempotency-Key`. One of them must be there: else whoever asks again after
/// a lost answer would pay twice.
pub(super) fn id_of_new_job(
    account: AccountId,
    said: Option<&str>,
    headers: &HeaderMap,
) -> Result<JobId, Problem> {
    let key = headers.get("idempotency-key").map(|value| value.to_str().unwrap_or_default());
    match (said, key) {
        (Some(id), None) => job_id(id),
        (None, Some(key)) if (1..=KEY_CHARS_MAX).contains(&key.len()) => Ok(id_of_key(account, key)),
        (None, Some(_)) => {
            Err(Problem::invalid(format!("an Idempotency-Key has 1 to {KEY_CHARS_MAX} ASCII characters")))
        }
        (Some(_), Some(_)) => Err(Problem::invalid("send `id` or an Idempotency-Key, not both")),
        (None, None) => Err(Problem::invalid(
            "send `id`, a UUID of your own, or an Idempotency-Key: asking again with it never pays twice",
        )),
    }
}

/// A UUID of version 8 (RFC 9562, 5.8): SHA-256 of account and key.
fn id_of_key(account: AccountId, key: &str) -> JobId {
    let hash =
        Hasher::new().chain_update("tributary job\0").chain_update(account.as_bytes()).chain_update(key);
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash.finalize()[..16]);
    bytes[6] = bytes[6] & 0x0f | 0x80;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    JobId::from_slice(&bytes).expect("16 bytes are an id")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_names_one_job_of_one_account() {
        let [a, b] = [AccountId::generate(), AccountId::generate()];
        let ids = [id_of_key(a, "x"), id_of_key(a, "y"), id_of_key(b, "x")];
        assert_eq!(ids[0], id_of_key(a, "x"));
        assert!(ids[0] != ids[1] && ids[0] != ids[2]);
        assert_eq!(&ids[0].to_string()[14..15], "8");
    }

    #[test]
    fn a_hash_is_64_hex_digits_and_nothing_else() {
        assert_eq!(sha256(&"0f".repeat(32)).unwrap(), Sha256([15; 32]));
        for wrong in ["", "0f", &"0g".repeat(32), &"0f".repeat(33), &"é".repeat(32)] {
            assert!(sha256(wrong).is_err(), "{wrong}");
        }
    }
}
