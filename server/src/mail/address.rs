//! The address of a mail server with its user, as the configuration has it. Never shown whole.

use super::MailSetupError;
use crate::config::MAIL_SCHEMES;
use std::fmt;
use std::net::IpAddr;

/// How the way to the server is kept secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Secrecy {
    /// TLS from the first byte.
    Tls,
    /// TLS after a greeting; without it nothing is said.
    StartTls,
    /// None: this machine only.
    None,
}

/// A mail server.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) secrecy: Secrecy,
    pub(super) host: String,
    pub(super) port: u16,
    /// User and password.
    pub(super) user: Option<(String, String)>,
}

impl fmt::Debug for Address {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "{:?} {}:{}", self.secrecy, self.host, self.port)
    }
}

impl Address {
    pub(super) fn parse(text: &str) -> Result<Self, MailSetupError> {
        const KINDS: [(Secrecy, u16); 3] =
            [(Secrecy::Tls, 465), (Secrecy::StartTls, 587), (Secrecy::None, 25)];
        let found = MAIL_SCHEMES
            .iter()
            .zip(KINDS)
            .find_map(|(scheme, kind)| Some((text.strip_prefix(scheme)?, kind)));
        let (rest, (secrecy, usual_port)) =
            found.ok_or(MailSetupError::Address("it begins with no known word"))?;
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (user, place) = match rest.rsplit_once('@') {
            Some((user, place)) => (Some(parse_user(user)?), place),
            None => (None, rest),
        };
        let (host, port) = parse_place(place, usual_port)?;
        if secrecy == Secrecy::None && !is_loopback(&host) {
            return Err(MailSetupError::InTheClear);
        }
        Ok(Self { secrecy, host, port, user })
    }
}

fn parse_user(text: &str) -> Result<(String, String), MailSetupError> {
    let wrong = MailSetupError::Address("before the @ must stand USER:PASSWORD, special characters like %40");
    let Some((user, password)) = text.split_once(':') else { return Err(wrong) };
    match (decoded(user), decoded(password)) {
        (Some(user), Some(password)) if !user.is_empty() => Ok((user, password)),
        _ => Err(wrong),
    }
}

/// Host and port; an address of IPv6 stands in brackets.
fn parse_place(text: &str, usual_port: u16) -> Result<(String, u16), MailSetupError> {
    let wrong = || MailSetupError::Address("after the @ must stand HOST or HOST:PORT");
    let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, port)) => (host, port.strip_prefix(':').or(port.is_empty().then_some(""))),
        None => text.split_once(':').map_or((text, Some("")), |(host, port)| (host, Some(port))),
    };
    let port = match port.ok_or_else(wrong)? {
        "" if !text.ends_with(':') => usual_port,
        port => port.parse().ok().filter(|port| *port != 0).ok_or_else(wrong)?,
    };
    let is_host = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':');
    if host.is_empty() || !host.chars().all(is_host) {
        return Err(wrong());
    }
    Ok((host.to_owned(), port))
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// `%40` becomes `@`; none where that leaves no text.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digit = |byte: u8| char::from(byte).to_digit(16);
            let (high, low) = (digit(rest.next()?)?, digit(rest.next()?)?);
            bytes.push(u8::try_from(high * 16 + low).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok().filter(|text| !text.chars().any(char::is_control))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn addresses_are_read_with_their_usual_ports() {
        let user = |user: &str, password: &str| Some((user.to_owned(), password.to_owned()));
        for (text, secrecy, host, port, expected) in [
            ("smtps://me:pw@h.example", Secrecy::Tls, "h.example", 465, user("me", "pw")),
            ("smtp://me%40x:p%3Aw:1@h:25", Secrecy::StartTls, "h", 25, user("me@x", "p:w:1")),
            ("smtp://h/", Secrecy::StartTls, "h", 587, None),
            ("smtp+plain://127.0.0.1:2525", Secrecy::None, "127.0.0.1", 2525, None),
            ("smtp+plain://[::1]", Secrecy::None, "::1", 25, None),
            ("smtps://me:p@w@[fd00::1]:1", Secrecy::Tls, "fd00::1", 1, None),
        ] {
            match Address::parse(text) {
                Ok(address) => {
                    let expected = if text.contains("p@w") { user("me", "p@w") } else { expected };
                    assert_eq!(address, Address { secrecy, host: host.to_owned(), port, user: expected });
                }
                Err(error) => panic!("{text}: {error}"),
            }
        }
    }

    #[test]
    fn what_is_no_address_is_refused_and_its_password_not_repeated() {
        for text in [
            "",
            "smtps://",
            "smtps://me:s3cret@",
            "smtps://s3cret@h",
            "smtps://me:s3cret%4@h",
            "smtps://me:s3cret%ff@h",
            "smtps://me:s3cret@h:0",
            "smtps://me:s3cret@h:99999",
            "smtps://me:s3cret@h:",
            "smtps://me:s3cret@h/x",
            "smtps://me:s3cret%0d%0a@h",
            "ftp://me:s3cret@h",
            "smtps://:s3cret@h",
            "smtps://me:s3cret@[::1",
        ] {
            let error = Address::parse(text).expect_err(text).to_string();
            assert!(!error.contains("s3cret"), "{error}");
        }
        for text in
            ["smtp+plain://h", "smtp+plain://10.0.0.1", "smtp+plain://me:s3cret@localhost.evil.example"]
        {
            assert!(matches!(Address::parse(text), Err(MailSetupError::InTheClear)), "{text}");
        }
        let shown = format!("{:?}", Address::parse("smtps://me:s3cret@h").unwrap());
        assert_eq!(shown, "Tls h:465");
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "(smtps|smtp|smtp\\+plain)://.*") {
            let _ = Address::parse(&text);
        }
    }
}
