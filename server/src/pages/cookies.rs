//! The three cookies of ours: the session's secret, a signed-out form's secret, and one word for the next page.

use crate::auth::token::Token;
use axum::http::{HeaderMap, HeaderValue, header};

/// A form is good for so long to whoever is not signed in.
const FORM_SECONDS: u64 = 3_600;
/// The next page comes soon.
const SAID_SECONDS: u64 = 60;
/// Bytes of the cookies that are looked at.
const COOKIES_BYTES_MAX: usize = 8 << 10;

/// How this server's cookies are written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cookies {
    /// The pages are reached by https.
    pub(super) secure: bool,
}

/// Which cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Name {
    Session,
    Form,
    Said,
}

impl Cookies {
    /// With `__Host-` a browser takes it from this very host by https alone.
    fn name(self, name: Name) -> String {
        let word = match name {
            Name::Session => "tributary_session",
            Name::Form => "tributary_form",
            Name::Said => "tributary_said",
        };
        if self.secure { format!("__Host-{word}") } else { word.to_owned() }
    }

    /// The value that came with a request.
    pub(super) fn read(self, headers: &HeaderMap, name: Name) -> Option<String> {
        let name = self.name(name);
        let lines = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        let mut pairs = lines.filter(|line| line.len() <= COOKIES_BYTES_MAX).flat_map(|line| line.split(';'));
        pairs.find_map(|pair| {
            let (key, value) = pair.trim().split_once('=')?;
            (key == name).then(|| value.to_owned())
        })
    }

    /// The line that sets it. `value` is a token or a word of ours; empty takes the cookie away.
    fn line(self, name: Name, value: &str, seconds: u64) -> HeaderValue {
        let secure = if self.secure { "; Secure" } else { "" };
        let name = self.name(name);
        let line = format!("{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}");
        HeaderValue::from_str(&line).expect("tokens and words are letters, digits and dashes")
    }

    /// Begins a session.
    pub(super) fn session(self, token: &Token) -> HeaderValue {
        self.line(Name::Session, token.reveal(), crate::welcome::SESSION.as_secs())
    }

    /// A secret for the forms of whoever is not signed in.
    pub(super) fn form(self, token: &Token) -> HeaderValue {
        self.line(Name::Form, token.reveal(), FORM_SECONDS)
    }

    /// A word for the next page.
    pub(super) fn said(self, said: super::said::Said) -> HeaderValue {
        self.line(Name::Said, said.word(), SAID_SECONDS)
    }

    /// Takes one away.
    pub(super) fn gone(self, name: Name) -> HeaderValue {
        self.line(name, "", 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_for_this_host_alone_and_no_script_sees_it() {
        let token = Token::generate();
        let plain = Cookies { secure: false }.session(&token);
        let expected =
            format!("tributary_session={}; Path=/; Max-Age=2592000; HttpOnly; SameSite=Lax", token.reveal());
        assert_eq!(plain.to_str().unwrap(), expected);
        let secure = Cookies { secure: true }.session(&token);
        assert_eq!(secure.to_str().unwrap(), format!("__Host-{expected}; Secure"));
    }

    #[test]
    fn a_cookie_is_found_by_its_whole_name() {
        let mut headers = HeaderMap::new();
        let line = "a=b; xtributary_session=no; tributary_session=yes; tributary_session=late";
        headers.insert(header::COOKIE, HeaderValue::from_static(line));
        let plain = Cookies { secure: false };
        assert_eq!(plain.read(&headers, Name::Session).as_deref(), Some("yes"));
        assert_eq!(plain.read(&headers, Name::Form), None);
        assert_eq!(Cookies { secure: true }.read(&headers, Name::Session), None, "another name by https");
        let long = format!("tributary_session={}", "x".repeat(COOKIES_BYTES_MAX));
        headers.insert(header::COOKIE, HeaderValue::from_str(&long).unwrap());
        assert_eq!(plain.read(&headers, Name::Session), None);
    }
}
