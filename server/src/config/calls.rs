//! How often one may call, and whose call it is behind proxies.

use super::{ConfigError, Network};
use serde::{Deserialize, Serialize};

/// How often one may call, 0 for as often as one likes. A sixth of a minute's calls may come at once; an upload, a download
/// or a watch is one call. Health and metrics are not counted.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RatesConfig {
    /// Calls a minute from one address (of IPv6: one /64), before it is known who calls.
    pub address_calls_per_minute: u32,
    /// Calls a minute with one API key.
    pub key_calls_per_minute: u32,
    /// Calls a minute of one account, with all its keys.
    pub account_calls_per_minute: u32,
    /// Calls a minute of one widget, with all its visitors; they are not the account's.
    pub widget_calls_per_minute: u32,
    /// Files a minute that one address sends by one widget.
    pub visitor_files_per_minute: u32,
    /// Calls that a wrong key or password counts as, for its address.
    pub failed_sign_in_costs: u32,
}

/// Proxies before this server.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ProxyConfig {
    /// Addresses or networks (`10.0.0.0/8`) whose `header` says who calls; from others it is not read.
    pub trusted: Vec<String>,
    /// The header: addresses with commas, the last one added by the proxy itself.
    pub header: String,
}

impl Default for RatesConfig {
    fn default() -> Self {
        Self {
            address_calls_per_minute: 6_000,
            key_calls_per_minute: 3_000,
            account_calls_per_minute: 6_000,
            widget_calls_per_minute: 3_000,
            visitor_files_per_minute: 12,
            failed_sign_in_costs: 20,
        }
    }
}

impl Default for ProxyConfig {
    fn default() -> Self {
        Self { trusted: Vec::new(), header: "x-forwarded-for".to_owned() }
    }
}

impl RatesConfig {
    pub(super) fn check(
        &self,
        range: impl Fn(&'static str, u64, u64, u64) -> Result<(), ConfigError>,
    ) -> Result<(), ConfigError> {
        const MAX: u64 = 10_000_000;
        range("rates.address_calls_per_minute", self.address_calls_per_minute.into(), 0, MAX)?;
        range("rates.key_calls_per_minute", self.key_calls_per_minute.into(), 0, MAX)?;
        range("rates.account_calls_per_minute", self.account_calls_per_minute.into(), 0, MAX)?;
        range("rates.widget_calls_per_minute", self.widget_calls_per_minute.into(), 0, MAX)?;
        range("rates.visitor_files_per_minute", self.visitor_files_per_minute.into(), 0, MAX)?;
        range("rates.failed_sign_in_costs", self.failed_sign_in_costs.into(), 1, 1_000)
    }
}

impl ProxyConfig {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        if let Some(value) = self.trusted.iter().find(|text| Network::parse(text).is_none()) {
            return Err(ConfigError::NoNetwork { key: "proxy.trusted", value: value.clone() });
        }
        let is_token = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        if self.header.is_empty() || !self.header.bytes().all(is_token) {
            return Err(ConfigError::NoHeader { key: "proxy.header", value: self.header.clone() });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proxies_are_networks_and_their_header_has_a_name() {
        let check = |trusted: &str, header: &str| {
            ProxyConfig { trusted: vec![trusted.to_owned()], header: header.to_owned() }.check()
        };
        check("10.0.0.0/8", "X-Real-IP").unwrap();
        let error = check("proxy.example.org", "x-forwarded-for").unwrap_err().to_string();
        assert!(error.contains("`proxy.trusted` names `proxy.example.org`"), "{error}");
        for header in ["", "a b", "a\r\nb", "\u{e4}"] {
            assert!(matches!(check("10.0.0.1", header), Err(ConfigError::NoHeader { .. })), "{header:?}");
        }
    }
}
