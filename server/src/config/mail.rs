//! How letters leave this server.

use super::ConfigError;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// What begins the address of a server for mail: TLS from the first byte, TLS after a greeting, none.
pub const SCHEMES: [&str; 3] = ["smtps://", "smtp://", "smtp+plain://"];

/// How letters leave this server.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MailConfig {
    /// Who they are from: `Studio <studio@example.org>`.
    pub from: String,
    /// `smtps://USER:PASSWORD@HOST:465`, or `smtp://...:587` which asks for TLS after the greeting and sends nothing without,
    /// or on loopback only `smtp+plain://127.0.0.1:25`. Special characters of user and password as `%40`. Empty: letters lie
    /// in `outbox` in the data folder, a file each.
    pub smtp: String,
    /// A PEM file of who may have signed that server's certificate, beside those whom this machine knows; for a mail server
    /// with a certificate of the house's own. Absent: only those.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate: Option<PathBuf>,
}

impl Default for MailConfig {
    fn default() -> Self {
        Self { from: "Tributary <tributary@localhost>".to_owned(), smtp: String::new(), certificate: None }
    }
}

impl MailConfig {
    /// Without the password, for people to see.
    #[must_use]
    pub fn shown(&self) -> Self {
        let begin = self.smtp.find("://").map_or(0, |at| at + 3);
        // Whatever stands before the last @ may be a password, however it is written.
        let smtp = match self.smtp[begin..].rfind('@') {
            Some(at) => {
                let user = self.smtp[begin..begin + at].split(':').next().unwrap_or_default();
                format!("{}{user}:***{}", &self.smtp[..begin], &self.smtp[begin + at..])
            }
            None => self.smtp.clone(),
        };
        Self { smtp, ..self.clone() }
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let known = |scheme: &&str| self.smtp.starts_with(*scheme);
        if !self.smtp.is_empty() && !SCHEMES.iter().any(known) {
            return Err(ConfigError::NoMailServer);
        }
        if !self.from.contains('@') || self.from.chars().any(char::is_control) {
            return Err(ConfigError::NoSender { value: self.from.clone() });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mail(smtp: &str) -> MailConfig {
        MailConfig { smtp: smtp.to_owned(), ..MailConfig::default() }
    }

    #[test]
    fn a_password_is_never_shown_however_it_is_written() {
        for smtp in
            ["smtps://me:s3cret@h:465", "smtps://me:s3/cr@t@h:465", "smtp://me:s3:cret?x@h", "me:s3@h"]
        {
            let shown = mail(smtp).shown().smtp;
            assert!(shown.contains("me:***@h") && !shown.contains("s3"), "{shown}");
        }
        assert_eq!(mail("smtp+plain://127.0.0.1:25").shown().smtp, "smtp+plain://127.0.0.1:25");
    }

    #[test]
    fn what_is_no_mail_server_or_no_sender_is_refused_without_repeating_a_password() {
        mail("").check().unwrap();
        mail("smtps://me:s3cret@h").check().unwrap();
        let error = mail("http://me:s3cret@h").check().unwrap_err().to_string();
        assert!(error.contains("`mail.smtp`") && !error.contains("s3cret"), "{error}");
        let from = MailConfig { from: "nobody".to_owned(), ..MailConfig::default() };
        assert!(matches!(from.check(), Err(ConfigError::NoSender { .. })));
    }
}
