//! Where a PostgreSQL database is: `postgres://USER:PASSWORD@HOST:PORT/DATABASE`, as libpq writes it. What the address
//! leaves out comes from libpq's environment variables and password file.

use super::{SCHEDULER, SCHEMA, SetupError};
use crate::config::Config;
use sqlx::ConnectOptions;
use sqlx::postgres::PgConnectOptions;
use std::str::FromStr;

/// How long a transaction waits for another's lock, and how long one may stand still before the database ends it: a
/// server that froze in the middle of one must not keep the others.
const SESSION: [(&str, &str); 3] = [
    ("search_path", "tributary,pg_temp"),
    ("lock_timeout", "10s"),
    ("idle_in_transaction_session_timeout", "30s"),
];

/// One database, as each of the two roles.
#[derive(Clone, Debug)]
pub struct Addresses {
    /// For one account at a time.
    pub app: Address,
    /// Across accounts.
    pub scheduler: Address,
}

impl Addresses {
    /// The database that the configuration names; none where it names none.
    ///
    /// # Errors
    /// `Address`.
    pub fn of(config: &Config) -> Result<Option<Self>, SetupError> {
        if config.database.is_empty() {
            return Ok(None);
        }
        let app = Address::parse(&config.database)?;
        let scheduler = match config.database_scheduler.as_str() {
            "" => app.as_role(SCHEDULER),
            own => Address::parse(own)?,
        };
        Ok(Some(Self { app, scheduler }))
    }
}

/// An address that was read.
#[derive(Clone)]
pub struct Address {
    options: PgConnectOptions,
    password: Option<String>,
}

impl Address {
    /// Reads an address.
    ///
    /// # Errors
    /// `Address` where it is none. The message does not repeat it: a password may stand in it.
    pub fn parse(text: &str) -> Result<Self, SetupError> {
        let scheme =
            ["postgres://", "postgresql://"].into_iter().find_map(|scheme| text.strip_prefix(scheme));
        let rest = scheme.ok_or(SetupError::Address)?;
        let options = PgConnectOptions::from_str(text).map_err(|_| SetupError::Address)?;
        let authority = rest.split(['/', '?']).next().unwrap_or_default();
        let user = authority.rsplit_once('@').map(|(user, _)| user);
        let password = user.and_then(|user| user.split_once(':')).map(|(_, password)| unescaped(password));
        let options = options.application_name("tributary").options(SESSION).disable_statement_logging();
        Ok(Self { options, password })
    }

    /// The same database as another role, with the same password.
    #[must_use]
    pub fn as_role(&self, role: &str) -> Self {
        Self { options: self.options.clone().username(role), password: self.password.clone() }
    }

    /// For connecting.
    pub(super) fn options(&self) -> PgConnectOptions {
        self.options.clone()
    }

    /// The password in the address, if any.
    pub(super) fn password(&self) -> Option<&str> {
        self.password.as_deref()
    }

    /// For people, without the password: `studio on db.example.org`.
    #[must_use]
    pub fn shown(&self) -> String {
        let database = self.options.get_database().unwrap_or(SCHEMA);
        let host = self
            .options
            .get_socket()
            .map_or_else(|| self.options.get_host().to_owned(), |socket| socket.display().to_string());
        format!("{database} on {host}, as {}", self.options.get_username())
    }
}

impl std::fmt::Debug for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Address({})", self.shown())
    }
}

/// `%40` is `@`; what is no such escape stays as it is.
fn unescaped(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let escape = after.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        match escape.filter(|_| first == b'%').and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            None => {
                bytes.push(first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_shown_without_its_password() {
        let address =
            Address::parse("postgres://tributary_app:p%40ss%3A%2F%@db.example.org:6543/studio").unwrap();
        assert_eq!(address.password(), Some("p@ss:/%"));
        assert_eq!(address.shown(), "studio on db.example.org, as tributary_app");
        assert!(!format!("{address:?}").contains("p@ss"));
        assert_eq!(address.as_role("other").shown(), "studio on db.example.org, as other");
    }

    #[test]
    fn what_is_no_address_is_refused_without_being_repeated() {
        for text in ["", "sqlite://file", "/var/lib/secret", "postgres://user:secret@host:port/x"] {
            let error = Address::parse(text).unwrap_err().to_string();
            assert!(error.contains("postgres://") && !error.contains("secret"), "{text}: {error}");
        }
    }
}
