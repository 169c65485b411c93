//! The web pages: where they are, who may sign up, how they look.

use super::ConfigError;
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::path::PathBuf;
use tributary_protocol::limits::is_web_page;

/// Who may become a person of this server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SignUp {
    /// Everybody with an e-mail address.
    Open,
    /// Whoever was invited to an account.
    Invited,
    /// Nobody but whom the operator adds.
    Closed,
}

/// The web pages.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PagesConfig {
    /// Where they listen; port 0 lets the system choose. Plain HTTP on loopback, for this machine and for a proxy on it that has
    /// a certificate, and wherever `proxy.trusted` names such a proxy; elsewhere TLS by the certificate of `tls`, or by one of
    /// the server's own, which browsers ask about once.
    pub listen: SocketAddr,
    /// Their address as browsers see it, `https://stems.example.org`; empty for where they listen, where that is one address.
    pub public_url: String,
    /// `open`, `invited` or `closed`.
    pub sign_up: SignUp,
    /// Credits for everybody who confirms an address, once.
    pub trial_credits: u64,
    /// Days after which what is left of them goes; 0 for never.
    pub trial_days: u32,
    /// Whether accounts may show a service on pages of others, in a frame.
    pub widgets: bool,
    /// The largest file that is taken.
    pub upload_mb_max: u64,
    /// What one credit brings in, in millionths of the currency; for the operator's margin.
    pub credit_value_micros: u64,
    /// What a second of the device costs, in millionths of the currency; for the operator's margin.
    pub device_second_micros: u64,
    /// The currency of both, for people.
    pub currency: String,
    /// How the pages look.
    pub brand: BrandConfig,
}

/// A name and a look of one's own.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BrandConfig {
    /// What the service is called, on every page and in letters.
    pub name: String,
    /// An SVG or PNG file shown beside the name; empty for none.
    pub logo: PathBuf,
    /// The colour of buttons and links, `#a394ff`. Links and what is written on buttons become as light or dark as they have to
    /// be to stay legible.
    pub accent: String,
    /// Links at the foot of every page: imprint, privacy, help.
    pub links: Vec<BrandLink>,
}

/// A link at the foot of every page.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BrandLink {
    /// What it says.
    pub title: String,
    /// Where it leads.
    pub url: String,
}

/// 64 GB: more is a mistake of units.
const UPLOAD_MB_MAX: u64 = 1 << 16;
/// Links at the foot.
const LINKS_MAX: usize = 12;
/// Characters of the name.
const NAME_CHARS_MAX: usize = 60;

impl Default for PagesConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 7703)),
            public_url: String::new(),
            sign_up: SignUp::Invited,
            trial_credits: 0,
            trial_days: 30,
            widgets: true,
            upload_mb_max: 2_048,
            credit_value_micros: 0,
            device_second_micros: 0,
            currency: "EUR".to_owned(),
            brand: BrandConfig::default(),
        }
    }
}

impl Default for BrandConfig {
    fn default() -> Self {
        Self {
            name: "Tributary".to_owned(),
            logo: PathBuf::new(),
            accent: "#a394ff".to_owned(),
            links: Vec::new(),
        }
    }
}

/// Scheme, host and port alone: what browsers call an origin.
#[must_use]
pub fn origin_of(url: &str) -> Option<&str> {
    let begin = url.find("://")? + 3;
    let end = url[begin..].find('/').map_or(url.len(), |at| begin + at);
    is_web_page(url).then(|| &url[..end])
}

impl PagesConfig {
    /// Their address as browsers see it, without a slash at its end. `listen`: where they listen, as the system chose it;
    /// `secured`: whether they speak TLS there.
    #[must_use]
    pub fn url(&self, listen: SocketAddr, secured: bool) -> String {
        let configured = self.public_url.trim_end_matches('/');
        let scheme = if secured { "https" } else { "http" };
        if configured.is_empty() { format!("{scheme}://{listen}") } else { configured.to_owned() }
    }

    /// The host in `public_url`: a name, or an address without brackets.
    #[must_use]
    pub fn public_host(&self) -> Option<&str> {
        let (_, place) = self.public_url.split_once("://")?;
        let place = place.split('/').next().unwrap_or_default();
        let host = match place.strip_prefix('[') {
            Some(rest) => rest.split(']').next()?,
            None => place.split(':').next()?,
        };
        (!host.is_empty()).then_some(host)
    }

    /// `secured`: whether they speak TLS themselves.
    pub(super) fn check(&self, secured: bool) -> Result<(), ConfigError> {
        let nowhere = self.public_url.is_empty() && self.listen.ip().is_unspecified();
        if nowhere || (secured && self.public_url.starts_with("http://")) {
            return Err(ConfigError::NoPublicUrl {
                listen: self.listen,
                scheme: if secured { "https" } else { "http" },
            });
        }
        let page = |key, value: &str| Err(ConfigError::NoPage { key, value: value.to_owned() });
        let whole = |url: &str| origin_of(url) == Some(url);
        if !self.public_url.is_empty() && !whole(&self.public_url) {
            return page("pages.public_url", &self.public_url);
        }
        if let Some(wrong) = self.brand.links.iter().find(|link| !is_web_page(&link.url)) {
            return page("pages.brand.links", &wrong.url);
        }
        let hex = self.brand.accent.strip_prefix('#').unwrap_or_default();
        if hex.len() != 6 || !hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(ConfigError::NoColour { value: self.brand.accent.clone() });
        }
        let range = |key, value: u64, low: u64, high: u64| {
            if (low..=high).contains(&value) {
                return Ok(());
            }
            Err(ConfigError::Range { key, value, allowed: format!("{low} to {high}") })
        };
        let name_chars = self.brand.name.chars().count() as u64;
        range("pages.brand.name (its characters)", name_chars, 1, NAME_CHARS_MAX as u64)?;
        range("pages.brand.links (how many)", self.brand.links.len() as u64, 0, LINKS_MAX as u64)?;
        range("pages.upload_mb_max", self.upload_mb_max, 1, UPLOAD_MB_MAX)?;
        range("pages.trial_credits", self.trial_credits, 0, 1 << 40)?;
        range("pages.trial_days", self.trial_days.into(), 0, 3_660)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_scheme_host_and_port() {
        for (url, origin) in [
            ("https://h.example:8443/a/b", Some("https://h.example:8443")),
            ("http://127.0.0.1:7703", Some("http://127.0.0.1:7703")),
            ("ftp://h", None),
            ("h", None),
        ] {
            assert_eq!(origin_of(url), origin, "{url}");
        }
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        let with = |change: fn(&mut PagesConfig)| {
            let mut pages = PagesConfig::default();
            change(&mut pages);
            pages.check(false).map_err(|error| error.to_string())
        };
        assert_eq!(with(|_| ()), Ok(()));
        let named = |change, word: &str| {
            let error = with(change).unwrap_err();
            assert!(error.contains(word), "{error}");
        };
        named(|pages| pages.public_url = "https://h/path".into(), "pages.public_url");
        named(|pages| pages.brand.accent = "red;}".into(), "pages.brand.accent");
        named(|pages| pages.upload_mb_max = 0, "pages.upload_mb_max");
        named(|pages| pages.listen = "[::]:7703".parse().unwrap(), "`pages.public_url`");
        let mut pages = PagesConfig { public_url: "http://studio.example".into(), ..PagesConfig::default() };
        assert!(
            pages.check(false).is_ok() && pages.check(true).is_err(),
            "they speak TLS, and links say they do not"
        );
        pages.public_url = "https://studio.example:7703".into();
        pages.listen = "0.0.0.0:7703".parse().unwrap();
        assert!(pages.check(true).is_ok());
    }
}
