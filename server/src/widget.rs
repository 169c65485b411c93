//! Widgets: one service of an account, shown on pages of others. Types and their laws; no SQL and no HTTP.

use crate::clock::Timestamp;
use crate::people::{Right, Rights};
use crate::tenant::{Principal, Tenant};
use std::fmt;
use tributary_protocol::settings::Settings;
use tributary_protocol::vocab::{AccountId, Credits, PersonId, Sha256, WidgetId};

/// Widgets of one account that are not revoked.
pub const WIDGETS_MAX: u32 = 20;
/// Origins that may show one widget.
pub const ORIGINS_MAX: usize = 8;
/// Characters of a widget's name.
pub const NAME_CHARS_MAX: usize = 100;
/// Bytes of an origin: a host's longest name (RFC 1035), scheme and port.
pub const ORIGIN_BYTES_MAX: usize = 270;
/// Bytes of a host's name, and of each part of it.
const HOST_BYTES_MAX: usize = 253;
const LABEL_BYTES_MAX: usize = 63;

/// A widget as it was made. Nothing of it changes but its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Widget {
    /// For ever.
    pub id: WidgetId,
    /// Whose credits its visitors spend.
    pub account: AccountId,
    /// For the account's lists.
    pub name: String,
    /// In its address, and so in the HTML of every page that shows it. No secret.
    pub token: String,
    /// The one service: a model's name.
    pub model: String,
    /// What visitors do not choose.
    pub fixed: Fixed,
    /// Where it may be shown; at least one.
    pub origins: Vec<Origin>,
    /// What its visitors' jobs may hold and take in one calendar month (UTC).
    pub month_limit: Credits,
    /// Since when.
    pub created_at: Timestamp,
    /// Who made it.
    pub created_by: Option<PersonId>,
    /// Dead since.
    pub revoked_at: Option<Timestamp>,
}

impl Widget {
    /// As whom a visitor of it acts: may start jobs, within the widget's limit, and is nobody.
    #[must_use]
    pub fn principal(&self, secret_sha256: Sha256) -> Principal {
        Principal {
            tenant: self.tenant(),
            person: None,
            rights: Rights::of(&[Right::Run]),
            month_limit: Some(self.month_limit),
            visitor: Some(Visitor { widget: self.id, secret_sha256 }),
        }
    }

    /// The account.
    #[must_use]
    pub fn tenant(&self) -> Tenant {
        Tenant::acting_for(self.account)
    }
}

/// What a widget's maker chose once for all visitors. What is not in here, they choose.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fixed {
    /// Values of the model's controls.
    pub settings: Settings,
    /// The stems that come out, in the model's order; empty where visitors choose them.
    pub stems: Vec<String>,
}

impl Fixed {
    /// Nothing is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.settings.is_empty() && self.stems.is_empty()
    }

    /// What a visitor's job is told: what they chose, and what is fixed in the place of it, whatever they sent.
    #[must_use]
    pub fn over(&self, chosen: Self) -> Self {
        let Self { mut settings, stems } = chosen;
        settings.extend(self.settings.clone());
        Self { settings, stems: if self.stems.is_empty() { stems } else { self.stems.clone() } }
    }
}

/// Somebody who uses a widget for one job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Visitor {
    /// By which widget.
    pub widget: WidgetId,
    /// The hash of what they alone know: the end of their job's address.
    pub secret_sha256: Sha256,
}

/// What browsers call an origin: `https://band.example` or `http://localhost:8080`. In lower case, without the scheme's own
/// port, and of letters that mean nothing in a header.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Origin(String);

/// Why a text is no origin.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no site's address: write https://band.example, without a path (http is for localhost alone, and other letters \
     than a to z are written as xn--)"
)]
pub struct NotAnOrigin(pub String);

impl Origin {
    /// Reads one as people type it: any case, with a slash at its end or none.
    ///
    /// # Errors
    /// `NotAnOrigin`.
    pub fn parse(text: &str) -> Result<Self, NotAnOrigin> {
        let wrong = || NotAnOrigin(text.chars().take(ORIGIN_BYTES_MAX).filter(|c| !c.is_control()).collect());
        if text.len() > ORIGIN_BYTES_MAX {
            return Err(wrong());
        }
        let lower = text.trim().to_ascii_lowercase();
        let (scheme, rest) = lower.split_once("://").ok_or_else(wrong)?;
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (host, port) = match rest.split_once(':') {
            Some((host, port)) => (host, Some(port_of(port).ok_or_else(wrong)?)),
            None => (rest, None),
        };
        let (fits, own_port) = match scheme {
            "https" => (is_host(host), 443),
            // Only a machine's own pages are as safe without TLS.
            "http" => (matches!(host, "localhost" | "127.0.0.1"), 80),
            _ => (false, 0),
        };
        let port = port.filter(|port| *port != own_port).map(|port| format!(":{port}"));
        if fits { Ok(Self(format!("{scheme}://{host}{}", port.unwrap_or_default()))) } else { Err(wrong()) }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn port_of(text: &str) -> Option<u16> {
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|port| is_number && *port > 0)
}

/// A host's name or an IPv4 address; a policy in a header can name no other.
fn is_host(host: &str) -> bool {
    let is_label = |label: &str| {
        (1..=LABEL_BYTES_MAX).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    host.len() <= HOST_BYTES_MAX && host.split('.').all(is_label)
}

/// The origins of a text with blanks, commas or lines between them, each once; one more than there may be where more are
/// written, whichever they are, for the caller to refuse.
///
/// # Errors
/// `NotAnOrigin` names the first that is none.
pub fn origins(text: &str) -> Result<Vec<Origin>, NotAnOrigin> {
    let words = text.split(|c: char| c.is_whitespace() || c == ',').filter(|word| !word.is_empty());
    let written = words.take(ORIGINS_MAX + 1).map(Origin::parse).collect::<Result<Vec<_>, _>>()?;
    if written.len() > ORIGINS_MAX {
        return Ok(written);
    }
    let mut origins: Vec<Origin> = Vec::new();
    for origin in written {
        if !origins.contains(&origin) {
            origins.push(origin);
        }
    }
    Ok(origins)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tributary_protocol::settings::Setting;

    #[test]
    fn an_origin_is_kept_in_one_spelling_or_refused() {
        for (text, kept) in [
            ("https://Band.Example", "https://band.example"),
            (" https://band.example:443/ ", "https://band.example"),
            ("https://band.example:8443", "https://band.example:8443"),
            ("https://xn--trume-jra.example", "https://xn--trume-jra.example"),
            ("https://10.0.0.7", "https://10.0.0.7"),
            ("http://localhost:8080", "http://localhost:8080"),
            ("http://127.0.0.1:80", "http://127.0.0.1"),
        ] {
            assert_eq!(Origin::parse(text).map(|origin| origin.to_string()).as_deref(), Ok(kept), "{text}");
        }
        let (long, label) = (format!("https://{}", "a.".repeat(140)), format!("https://{}", "a".repeat(64)));
        for text in [
            "",
            "*",
            "band.example",
            "https://",
            "https://*.example",
            "https://band.example/path",
            "https://band.example//",
            "https://band.example?x",
            "https://ann@band.example",
            "https://band.example; script-src *",
            "https://band.example 'self'",
            "https://band.example,https://other.example",
            "https://träume.example",
            "https://-band.example",
            "https://band..example",
            "https://[::1]",
            "https://band.example:0",
            "https://band.example:+443",
            "https://band.example:65536",
            "http://band.example",
            "http://localhost.band.example",
            "file:///etc",
            "javascript:alert(1)",
            &long,
            &label,
        ] {
            assert!(Origin::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_fixed_stands_whatever_a_visitor_chose() {
        let settings = |pairs: &[(&str, bool)]| -> Settings {
            pairs.iter().map(|(name, on)| ((*name).to_owned(), Setting::Switch(*on))).collect()
        };
        let fixed = Fixed { settings: settings(&[("a", true)]), stems: vec!["vocals".into()] };
        let chosen = Fixed { settings: settings(&[("a", false), ("b", false)]), stems: vec!["drums".into()] };
        let told = Fixed { settings: settings(&[("a", true), ("b", false)]), ..fixed.clone() };
        assert_eq!(fixed.over(chosen.clone()), told);
        assert_eq!(Fixed::default().over(chosen.clone()), chosen);
        assert!(Fixed::default().is_empty() && !fixed.is_empty());
    }

    #[test]
    fn a_list_has_each_origin_once() {
        let words: Vec<_> = origins("https://a.example\r\nhttps://b.example, https://A.example/")
            .unwrap()
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(words, ["https://a.example", "https://b.example"]);
        assert_eq!(origins(" \n").unwrap(), []);
        assert_eq!(origins(&"https://a.example ".repeat(ORIGINS_MAX)).unwrap().len(), 1);
        assert!(origins(&"https://a.example ".repeat(ORIGINS_MAX + 2)).unwrap().len() > ORIGINS_MAX);
        assert_eq!(origins("https://a.example nonsense").unwrap_err(), NotAnOrigin("nonsense".into()));
    }
}
