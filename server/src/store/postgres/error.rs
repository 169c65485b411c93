//! Why a PostgreSQL database cannot be used as it is, and what to do about it.

use super::Address;
use sqlx::migrate::MigrateError;
use tokio_rustls::rustls;

/// The class of what PostgreSQL says of roles and passwords (its Appendix A).
const INVALID_AUTHORIZATION: &str = "28";

/// Why a PostgreSQL database cannot be used as it is. Each message says what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SetupError {
    /// Not an address.
    #[error("a database's address looks like postgres://tributary_app:PASSWORD@HOST/DATABASE; this is none")]
    Address,
    /// Nobody answers.
    #[error("cannot connect to the database {shown}")]
    Unreachable {
        /// Which.
        shown: String,
        /// Why.
        #[source]
        cause: sqlx::Error,
    },
    /// There is no such role, it has another password, or PostgreSQL's list of who may come from where has no line for it.
    #[error(
        "cannot connect to the database {shown}: that role is not there, has another password, or may not come from here; \
         where it was never set up, run `tributary db migrate --admin postgres://ADMIN@HOST/DATABASE`, which makes the \
         roles with the passwords in `database` and `database_scheduler`"
    )]
    NotLetIn {
        /// Which, and who.
        shown: String,
        /// Why.
        #[source]
        cause: sqlx::Error,
    },
    /// Whoever answers cannot prove who they are, or does not speak TLS.
    #[error(
        "cannot trust the connection to the database {shown}: with sslmode=verify-full the host in its address must \
         be the one in its certificate, and sslrootcert=FILE names who signed that, where this machine does not know them"
    )]
    Untrusted {
        /// Which.
        shown: String,
        /// Why.
        #[source]
        cause: sqlx::Error,
    },
    /// Made before what is needed.
    #[error("PostgreSQL {major} is too old; 15 or newer is needed")]
    TooOld {
        /// Its version.
        major: i32,
    },
    /// Rows cannot be hidden from this role.
    #[error(
        "the database's role `{role}` is a superuser or passes row-level security, so accounts would not be kept \
         apart; serve as tributary_app, and name this role only with `tributary db migrate --admin`"
    )]
    Unbound {
        /// Who.
        role: String,
    },
    /// This role could undo every rule of the tables.
    #[error(
        "the database's role `{role}` owns the tables, so it could undo what keeps accounts apart; serve as \
         tributary_app, and name this role only with `tributary db migrate --admin`"
    )]
    Owner {
        /// Who.
        role: String,
    },
    /// One role would see every account in the place of one.
    #[error(
        "the database's role `{role}` acts across accounts; `database` must name tributary_app or a member of it \
         alone, and the scheduler's role belongs into `database_scheduler`"
    )]
    BothRoles {
        /// Who.
        role: String,
    },
    /// A role that may not do its part.
    #[error("the database's role `{role}` is not {needs}; name that role, or make this one a member of it")]
    WrongRole {
        /// Who.
        role: String,
        /// Which it should be.
        needs: &'static str,
    },
    /// An empty database.
    #[error(
        "the database has no tables yet; run `tributary db migrate --admin postgres://ADMIN@HOST/DATABASE`"
    )]
    NoTables,
    /// The program is newer.
    #[error(
        "the database's tables have version {found}, this program needs {wanted}; run `tributary db migrate --admin \
         postgres://ADMIN@HOST/DATABASE`"
    )]
    OldTables {
        /// Theirs.
        found: i64,
        /// The program's.
        wanted: i64,
    },
    /// The program is older.
    #[error("the database's tables have version {found}, this program knows {wanted}; use the newer program")]
    NewTables {
        /// Theirs.
        found: i64,
        /// The program's.
        wanted: i64,
    },
    /// Somebody changed the tables.
    #[error(
        "the table `{table}` does not hide its rows; run as its owner: ALTER TABLE tributary.{table} ENABLE ROW LEVEL \
         SECURITY, FORCE ROW LEVEL SECURITY"
    )]
    Open {
        /// Which.
        table: String,
    },
    /// Not the right to make roles and tables.
    #[error(
        "this role may not set the database up; name a superuser, or a role with CREATEROLE that owns the database, \
         with --admin"
    )]
    NotAdmin(#[source] sqlx::Error),
    /// A migration failed; nothing of it happened.
    #[error("the tables cannot be brought up to date")]
    Migration(#[source] Box<MigrateError>),
    /// The database failed.
    #[error("the database failed")]
    Failed(#[from] sqlx::Error),
}

impl SetupError {
    /// Why there is no connection to `address`.
    pub(super) fn no_connection(address: &Address, cause: sqlx::Error) -> Self {
        let shown = address.shown();
        match cause {
            sqlx::Error::Tls(_) => Self::Untrusted { shown, cause },
            // What the handshake says of a certificate comes as a failed read.
            sqlx::Error::Io(ref error)
                if error.get_ref().is_some_and(|inner| inner.is::<rustls::Error>()) =>
            {
                Self::Untrusted { shown, cause }
            }
            sqlx::Error::Database(ref error)
                if error.code().is_some_and(|code| code.starts_with(INVALID_AUTHORIZATION)) =>
            {
                Self::NotLetIn { shown, cause }
            }
            cause => Self::Unreachable { shown, cause },
        }
    }
}
