//! Asks a web server for bytes, from some byte on. The only place that names the HTTP client.

use super::ShelfError;
use super::source::is_local;
use std::io::Read;
use std::time::Duration;
use ureq::Agent;
use ureq::tls::{Certificate, RootCerts, TlsConfig};

/// A server that says nothing for so long says nothing more.
const SILENCE_MAX: Duration = Duration::from_secs(30);
const CONNECT_MAX: Duration = Duration::from_secs(15);
/// From one address to the next.
const REDIRECTS_MAX: u32 = 8;

/// Keeps connections between questions.
pub(super) struct Web {
    secure: Agent,
    local: Agent,
}

/// What a server answered.
pub(super) struct Answer {
    pub(super) status: u16,
    /// `Content-Length`.
    pub(super) length_bytes: Option<u64>,
    /// First byte and whole size of `Content-Range`; `*` is none.
    pub(super) range: (Option<u64>, Option<u64>),
    /// `ETag`, where it stands for every byte.
    pub(super) tag: Option<String>,
    pub(super) body: Box<dyn Read>,
}

impl Web {
    pub(super) fn new() -> Self {
        let config = || {
            Agent::config_builder()
                .http_status_as_error(false)
                .max_redirects(REDIRECTS_MAX)
                .timeout_connect(Some(CONNECT_MAX))
                .timeout_recv_response(Some(SILENCE_MAX))
                .timeout_per_read(Some(SILENCE_MAX))
                .user_agent(concat!("tributary/", env!("CARGO_PKG_VERSION")))
        };
        let tls = TlsConfig::builder().root_certs(authorities()).build();
        // A redirect must not lead out of TLS, and a proxy must not be asked for this machine.
        Self {
            secure: config().https_only(true).tls_config(tls).build().into(),
            local: config().proxy(None).build().into(),
        }
    }

    /// All of it.
    pub(super) fn get(&self, url: &str, accept: &str) -> Result<Answer, ShelfError> {
        self.get_from(url, 0, None, accept)
    }

    /// From a byte on, 0 for everything; everything, too, where the server has another file by now than that of `tag`.
    pub(super) fn get_from(
        &self,
        url: &str,
        from_byte: u64,
        tag: Option<&str>,
        accept: &str,
    ) -> Result<Answer, ShelfError> {
        let agent = if is_local(url) { &self.local } else { &self.secure };
        let mut request = agent.get(url).header("Accept", accept);
        if from_byte > 0 {
            request = request.header("Range", format!("bytes={from_byte}-"));
            if let Some(tag) = tag {
                request = request.header("If-Range", tag);
            }
        }
        let response = request
            .call()
            .map_err(|error| ShelfError::Unreachable { url: url.to_owned(), reason: error.to_string() })?;
        let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok());
        let length_bytes = header("content-length").and_then(|length| length.trim().parse().ok());
        let range = header("content-range").map_or((None, None), content_range);
        // A weak one (RFC 9110, 8.8.1) may stand for other bytes of the same meaning.
        let tag = header("etag").filter(|tag| tag.starts_with('"')).map(str::to_owned);
        let status = response.status().as_u16();
        Ok(Answer { status, length_bytes, range, tag, body: Box::new(response.into_body().into_reader()) })
    }
}

/// Whom this machine trusts, which may be a studio's own proxy (`SSL_CERT_FILE` is heard); the public authorities that
/// are built in where it names none, as a bare container does.
fn authorities() -> RootCerts {
    let found = rustls_native_certs::load_native_certs();
    if found.certs.is_empty() {
        return RootCerts::WebPki;
    }
    found
        .certs
        .iter()
        .map(|certificate| Certificate::from_der(certificate).to_owned())
        .collect::<Vec<_>>()
        .into()
}

/// `bytes 10-99/100` is (10, 100), `bytes */100` is (none, 100).
fn content_range(text: &str) -> (Option<u64>, Option<u64>) {
    let Some((range, size)) = text.trim().strip_prefix("bytes").and_then(|rest| rest.split_once('/')) else {
        return (None, None);
    };
    let first = range.trim().split('-').next().and_then(|first| first.parse().ok());
    (first, size.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::content_range;

    #[test]
    fn ranges_are_read_as_the_standard_writes_them() {
        // RFC 9110, 14.4.
        assert_eq!(content_range("bytes 42-1233/1234"), (Some(42), Some(1234)));
        assert_eq!(content_range("bytes 42-1233/*"), (Some(42), None));
        assert_eq!(content_range("bytes */1234"), (None, Some(1234)));
        assert_eq!(content_range("lines 1-2/3"), (None, None));
        assert_eq!(content_range(""), (None, None));
    }
}
