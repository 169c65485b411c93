//! Which addresses an account may name. Only their form is looked at here; where they lead is looked at as they are
//! connected to, by `guard`.

use super::guard::not_public;
use crate::config::WebhooksConfig;
use crate::webhook::URL_BYTES_MAX;
use hyper::Uri;
use std::net::IpAddr;

/// Ports that anybody serves the web on.
const PORTS: [u16; 2] = [443, 8443];
/// From here on ports are nobody's by themselves.
const HIGH_PORT: u16 = 1024;

/// What is told of what cannot be read at all.
const NO_URL: &str = "cannot be read as a URL; write it like https://hooks.example.org/path";
/// Of a port that is no number, or beyond TCP's.
const NO_PORT: &str = "has a port that does not exist; leave the port and its colon out, or name 443 or 8443";

/// Where something is posted to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Over TLS.
    pub is_secure: bool,
    /// A name, or an address without its brackets.
    pub host: String,
    /// TCP's.
    pub port: u16,
    /// Path and query, as they are asked for.
    pub path: String,
}

/// Why it may not.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the address {0}")]
pub struct NotATarget(String);

impl Target {
    /// Reads an address.
    ///
    /// # Errors
    /// Where it is no address, is not `https`, has a user in it, or names a port or a machine that nobody may name here.
    pub fn read(url: &str, config: &WebhooksConfig) -> Result<Self, NotATarget> {
        let wrong = |text: &str| NotATarget(text.to_owned());
        if url.len() > URL_BYTES_MAX {
            return Err(NotATarget(format!("is longer than {URL_BYTES_MAX} bytes; name a shorter one")));
        }
        if !url.bytes().all(|byte| byte.is_ascii_graphic()) || url.contains('#') {
            return Err(wrong("must have visible ASCII characters alone, and no `#`"));
        }
        let uri: Uri = url.parse().map_err(|_| wrong(NO_URL))?;
        let is_secure = match uri.scheme_str() {
            Some("https") => true,
            Some("http") if config.development => false,
            _ => return Err(wrong("must begin with https://")),
        };
        let authority = uri.authority().ok_or_else(|| wrong(NO_URL))?;
        if authority.as_str().contains('@') {
            return Err(wrong("must not have a user or a password in it"));
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase();
        if host.is_empty() {
            return Err(wrong(NO_URL));
        }
        let port = match authority.port() {
            // A port that is none: the framework would go on as if nothing was said.
            None if authority.as_str().len() > authority.host().len() => return Err(wrong(NO_PORT)),
            None if is_secure => 443,
            None => 80,
            Some(port) => port.as_str().parse().map_err(|_| wrong(NO_PORT))?,
        };
        let may = PORTS.contains(&port) || config.development || (config.high_ports && port >= HIGH_PORT);
        if !may {
            return Err(NotATarget(format!("names port {port}; 443 and 8443 are allowed here")));
        }
        if let (Ok(address), false) = (host.parse::<IpAddr>(), config.development)
            && let Some(whose) = not_public(address)
        {
            return Err(NotATarget(format!("leads to a network that is not of the internet: {whose}")));
        }
        let path = uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
        Ok(Self { is_secure, host, port, path })
    }

    /// As the header `Host` has it.
    #[must_use]
    pub fn authority(&self) -> String {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        match (self.is_secure, self.port) {
            (true, 443) | (false, 80) => host,
            (_, port) => format!("{host}:{port}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(development: bool, high_ports: bool) -> WebhooksConfig {
        WebhooksConfig { development, high_ports }
    }

    #[test]
    fn an_address_is_https_of_a_host_on_a_port_of_the_web() {
        let strict = config(false, false);
        let read = Target::read("https://Hooks.Example.org/a?b=c", &strict).unwrap();
        let Target { is_secure, host, port, path } = &read;
        assert_eq!((*is_secure, &**host, *port, &**path), (true, "hooks.example.org", 443, "/a?b=c"));
        assert_eq!(read.authority(), "hooks.example.org");
        let read = Target::read("https://[2606:4700::1111]:8443", &strict).unwrap();
        assert_eq!(
            (&*read.host, &*read.path, &*read.authority()),
            ("2606:4700::1111", "/", "[2606:4700::1111]:8443")
        );
        for wrong in [
            "",
            "x",
            "/a",
            "hooks.example.org",
            "http://hooks.example.org/",
            "ftp://hooks.example.org/",
            "file:///etc/passwd",
            "https://",
            "https:///a",
            "https://user@example.org/",
            "https://user:pass@example.org/",
            "https://example.org:80/",
            "https://example.org:22/",
            "https://example.org:9000/",
            "https://example.org:99999/",
            "https://example.org:0/",
            "https://127.0.0.1/",
            "https://[::1]/",
            "https://[::ffff:127.0.0.1]/",
            "https://169.254.169.254/latest/meta-data",
            "https://10.0.0.1/",
            "https://exämple.org/",
            "https://example.org/ a",
            "https://example.org/#a",
            "https://example.org/\r\nX: y",
            "javascript:alert(1)",
        ] {
            assert!(Target::read(wrong, &strict).is_err(), "{wrong:?}");
        }
        assert!(Target::read(&format!("https://example.org/{}", "a".repeat(2000)), &strict).is_err());
        // What is told says what to do.
        for (wrong, told) in [
            ("", "the address cannot be read as a URL; write it like https://hooks.example.org/path"),
            (
                "https:///a",
                "the address cannot be read as a URL; write it like https://hooks.example.org/path",
            ),
            ("hooks.example.org", "the address must begin with https://"),
            (
                "https://example.org:99999/",
                "the address has a port that does not exist; leave the port and its colon out, or name 443 or 8443",
            ),
            ("https://example.org:22/", "the address names port 22; 443 and 8443 are allowed here"),
        ] {
            assert_eq!(Target::read(wrong, &strict).unwrap_err().to_string(), told, "{wrong:?}");
        }
        let high = config(false, true);
        assert!(Target::read("https://example.org:9000/", &high).is_ok());
        for wrong in ["https://example.org:80/", "https://example.org:1023/", "https://127.0.0.1:9000/"] {
            assert!(Target::read(wrong, &high).is_err(), "{wrong}");
        }
        let development = config(true, false);
        for right in ["http://127.0.0.1:9000/", "http://localhost/", "https://localhost:9000/"] {
            assert!(Target::read(right, &development).is_ok(), "{right}");
        }
    }
}
