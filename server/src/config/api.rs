//! The developer API.

use super::ConfigError;
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;

/// The developer API: JSON over HTTP.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ApiConfig {
    /// Where it listens, like `127.0.0.1:7704`; empty for nowhere. It has the certificate of `tls`; without one it speaks plain
    /// HTTP, beyond loopback only behind a proxy that has a certificate and is named in `proxy.trusted`.
    pub listen: String,
}

impl ApiConfig {
    /// Where it listens; none for nowhere.
    #[must_use]
    pub fn address(&self) -> Option<SocketAddr> {
        self.listen.parse().ok()
    }

    pub(super) fn check(&self, is_private: bool) -> Result<(), ConfigError> {
        let address = self.address();
        let fits = address.is_some_and(|address| address.ip().is_loopback() || is_private);
        if self.listen.is_empty() || fits {
            return Ok(());
        }
        Err(ConfigError::NoApiAddress { value: self.listen.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_never_travel_in_the_clear_beyond_this_machine_but_to_a_proxy() {
        let check = |listen: &str, is_private| ApiConfig { listen: listen.to_owned() }.check(is_private);
        for (listen, is_private, fits) in [
            ("", false, true),
            ("127.0.0.1:7704", false, true),
            ("[::1]:0", false, true),
            ("10.0.0.5:7704", false, false),
            ("10.0.0.5:7704", true, true),
            ("7704", true, false),
        ] {
            assert_eq!(check(listen, is_private).is_ok(), fits, "{listen}");
        }
    }
}
