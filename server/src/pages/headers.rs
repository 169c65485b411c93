//! What every answer says about itself, so that browsers do no more with it than is meant.

use crate::widget::Origin;
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

/// The same for a widget's pages, which lead nowhere else; who may show them in a frame comes behind it.
const WIDGET_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; media-src 'self'; \
    connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors";

/// Adds what is missing. In a frame the answer may be shown on pages of `framed_by`; nowhere where there are none.
pub(super) fn secure(headers: &mut HeaderMap, https: bool, framed_by: &[Origin]) {
    let policy = match framed_by {
        [] => HeaderValue::from_static(POLICY),
        _ => {
            let policy = framed_by
                .iter()
                .fold(WIDGET_POLICY.to_owned(), |policy, origin| format!("{policy} {origin}"));
            HeaderValue::from_str(&policy).expect("an origin is letters, digits, dots, colons and dashes")
        }
    };
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
    // It knows no list, and browsers that know the policy would obey both.
    if framed_by.is_empty() {
        add(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    }
    if https {
        add(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static(HSTS));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy() -> (String, HeaderMap) {
        let mut headers = HeaderMap::new();
        secure(&mut headers, false, &[]);
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
        secure(&mut headers, true, &[]);
        assert_eq!(headers[header::STRICT_TRANSPORT_SECURITY], HSTS);
        assert_eq!(headers[header::CONTENT_SECURITY_POLICY], FILE_POLICY);
    }
    #[test]
    fn a_widgets_page_is_framed_where_it_says_and_nowhere_else() {
        let origins =
            ["https://band.example", "http://localhost:8080"].map(|text| Origin::parse(text).unwrap());
        let mut headers = HeaderMap::new();
        secure(&mut headers, false, &origins);
        let policy = headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(
            policy.ends_with("base-uri 'none'; frame-ancestors https://band.example http://localhost:8080"),
            "{policy}"
        );
        assert!(policy.starts_with("default-src 'none'; script-src 'self'; ") && !policy.contains("unsafe"));
        assert!(!headers.contains_key(header::X_FRAME_OPTIONS));
        // A file of a widget's job is shown in no frame, as any file.
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(FILE_POLICY));
        secure(&mut headers, false, &origins);
        assert_eq!(headers[header::CONTENT_SECURITY_POLICY], FILE_POLICY);
    }
}
