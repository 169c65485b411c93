//! What every answer says about itself, so that browsers do no more with it than is meant.

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};

/// Scripts and styles are files of ours; nothing is inline, nothing comes from elsewhere. Forms may end at the payment
/// service's page, where whoever buys is sent to.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; media-src 'self'; \
    connect-src 'self'; manifest-src 'self'; worker-src 'self'; form-action 'self' https://checkout.stripe.com; \
    base-uri 'none'; frame-ancestors 'none'";

/// Files that others made: nothing in them runs.
pub(super) const FILE_POLICY: &str = "default-src 'none'; sandbox; frame-ancestors 'none'";

/// Two years, as browsers' lists of such sites ask for.
const HSTS: &str = "max-age=63072000; includeSubDomains";

/// Adds what is missing.
pub(super) fn secure(headers: &mut HeaderMap, https: bool) {
    let policy = HeaderValue::from_static(POLICY);
    let mut add = |name: HeaderName, value: HeaderValue| {
        headers.entry(name).or_insert(value);
    };
    add(header::CONTENT_SECURITY_POLICY, policy);
    add(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    // Links in letters are secrets and stand in addresses: no other site is told them. Under `no-referrer` browsers would hide
    // the origin of our own forms, too, from ourselves.
    add(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    add(HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin"));
    add(
        HeaderName::from_static("permissions-policy"),
        HeaderValue::from_static("camera=(), microphone=(), geolocation=(), payment=()"),
    );
    add(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    add(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    if https {
        add(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static(HSTS));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy() -> (String, HeaderMap) {
        let mut headers = HeaderMap::new();
        secure(&mut headers, false);
        (headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap().to_owned(), headers)
    }

    #[test]
    fn nothing_inline_and_nothing_from_elsewhere() {
        let (policy, headers) = policy();
        assert!(
            policy.starts_with("default-src 'none'") && policy.contains("frame-ancestors 'none'"),
            "{policy}"
        );
        assert!(!policy.contains("unsafe") && !policy.contains('*') && !policy.contains("data:"), "{policy}");
        assert_eq!(headers[header::X_FRAME_OPTIONS], "DENY");
        assert_eq!(headers[header::REFERRER_POLICY], "same-origin");
        assert!(!headers.contains_key(header::STRICT_TRANSPORT_SECURITY));
    }

    #[test]
    fn by_https_a_browser_stays_there_and_what_a_file_says_of_itself_stays() {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(FILE_POLICY));
        secure(&mut headers, true);
        assert_eq!(headers[header::STRICT_TRANSPORT_SECURITY], HSTS);
        assert_eq!(headers[header::CONTENT_SECURITY_POLICY], FILE_POLICY);
    }
}
