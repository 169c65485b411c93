//! The developer API.

use super::ConfigError;
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;

/// The developer API: JSON over HTTP.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ApiConfig {
    /// Where it listens, like `127.0.0.1:7704`; empty for nowhere. It speaks plain HTTP: beyond loopback only behind a proxy
    /// that has the certificate and is named in `proxy.trusted`.
    pub listen: String,
}

impl ApiConfig {
    /// Where it listens; none for nowhere.
    #[must_use]
    pub fn address(&self) -> Option<SocketAddr> {
        self.listen.parse().ok()
    }

    pub(super) fn check(&self, has_proxy: bool) -> Result<(), ConfigError> {
        let address = self.address();
        let fits = address.is_some_and(|address| address.ip().is_loopback() || has_proxy);
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
        let check = |listen: &str, has_proxy| ApiConfig { listen: listen.to_owned() }.check(has_proxy);
        for (listen, has_proxy, fits) in [
            ("", false, true),
            ("127.0.0.1:7704", false, true),
            ("[::1]:0", false, true),
            ("10.0.0.5:7704", false, false),
            ("10.0.0.5:7704", true, true),
            ("7704", true, false),
        ] {
            assert_eq!(check(listen, has_proxy).is_ok(), fits, "{listen}");
        }
    }
}
