//! Makes the roles and the tables, and brings the tables up to date: `tributary db migrate`. Never called by a server,
//! whose roles may not.

use super::address::Address;
use super::{APP, MIGRATIONS, OWNER, SCHEDULER, SCHEMA, SetupError};
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{AssertSqlSafe, Connection, PgConnection, Row, SqlSafeStr};
use std::borrow::Cow;

/// Names the lock of those who make roles, so that two who begin at once do not both make them.
const SETUP_LOCK: i64 = 0x7472_6962_0002;

/// What [`migrate`] did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Migrated {
    /// Roles that were not there before.
    pub roles_made: Vec<&'static str>,
    /// The tables' version before; 0 for none.
    pub from: i64,
    /// Their version now.
    pub to: i64,
    /// The roles' password is now the one in the server's address.
    pub password_set: bool,
}

/// Makes what is missing. `admin` may create roles and schemas (a superuser, or a role with CREATEROLE that owns the
/// database); the two serving roles get the password that stands in `server`, if one does.
///
/// # Errors
/// Where the database cannot be reached, the role may not do this, or a migration fails; then nothing of it happened.
pub async fn migrate(admin: &Address, server: Option<&Address>) -> Result<Migrated, SetupError> {
    let mut connection = connect(admin).await?;
    let roles_made = make_roles(&mut connection).await.map_err(not_allowed)?;
    let password = server.and_then(Address::password);
    if let Some(password) = password {
        for role in [APP, SCHEDULER] {
            set_password(&mut connection, role, password).await.map_err(not_allowed)?;
        }
    }
    sqlx::raw_sql("SET ROLE tributary_owner").execute(&mut connection).await.map_err(not_allowed)?;
    let from = version(&mut connection).await?;
    let migrations = MIGRATIONS.map(|(number, name, text)| {
        Migration::new(number, Cow::Borrowed(name), MigrationType::Simple, text.into_sql_str(), false)
    });
    Migrator::with_migrations(migrations.into())
        .run(&mut connection)
        .await
        .map_err(|error| SetupError::Migration(Box::new(error)))?;
    sqlx::raw_sql("GRANT SELECT ON _sqlx_migrations TO tributary_app, tributary_scheduler")
        .execute(&mut connection)
        .await?;
    let to = version(&mut connection).await?;
    connection.close().await?;
    Ok(Migrated { roles_made, from, to, password_set: password.is_some() })
}

/// A connection of the database's administrator.
pub(in crate::store) async fn connect(admin: &Address) -> Result<PgConnection, SetupError> {
    PgConnection::connect_with(&admin.options())
        .await
        .map_err(|cause| SetupError::no_connection(admin, cause))
}

async fn make_roles(connection: &mut PgConnection) -> Result<Vec<&'static str>, sqlx::Error> {
    let mut tx = connection.begin().await?;
    // Roles are of the whole cluster, locks of one database: whoever loses this race is told by the unique name.
    sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(SETUP_LOCK).execute(&mut *tx).await?;
    let mut made = Vec::new();
    for (role, make) in [
        (OWNER, "CREATE ROLE tributary_owner NOLOGIN"),
        (APP, "CREATE ROLE tributary_app LOGIN NOINHERIT"),
        (SCHEDULER, "CREATE ROLE tributary_scheduler LOGIN NOINHERIT"),
    ] {
        let known: bool = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = $1)")
            .bind(role)
            .fetch_one(&mut *tx)
            .await?;
        if !known {
            sqlx::raw_sql(make).execute(&mut *tx).await?;
            made.push(role);
        }
    }
    let row = sqlx::query(
        "SELECT rolsuper, to_regnamespace($1) IS NOT NULL AS made FROM pg_roles WHERE rolname = current_user",
    )
    .bind(SCHEMA)
    .fetch_one(&mut *tx)
    .await?;
    if !row.try_get::<bool, _>("rolsuper")? {
        // To act as the owner below; a superuser may anyway.
        sqlx::raw_sql("GRANT tributary_owner TO CURRENT_USER").execute(&mut *tx).await?;
    }
    if !row.try_get::<bool, _>("made")? {
        sqlx::raw_sql(
            "CREATE SCHEMA tributary AUTHORIZATION tributary_owner;
             GRANT USAGE ON SCHEMA tributary TO tributary_app, tributary_scheduler",
        )
        .execute(&mut *tx)
        .await?;
    }
    tx.commit().await?;
    Ok(made)
}

/// The database quotes the password: a statement of this kind takes no parameters.
async fn set_password(connection: &mut PgConnection, role: &str, password: &str) -> Result<(), sqlx::Error> {
    let sql: String = sqlx::query_scalar("SELECT format('ALTER ROLE %I PASSWORD %L', $1::text, $2::text)")
        .bind(role)
        .bind(password)
        .fetch_one(&mut *connection)
        .await?;
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut *connection).await?;
    Ok(())
}

/// The tables' version, 0 where there are none.
async fn version(connection: &mut PgConnection) -> Result<i64, sqlx::Error> {
    let made: bool = sqlx::query_scalar("SELECT to_regclass('tributary._sqlx_migrations') IS NOT NULL")
        .fetch_one(&mut *connection)
        .await?;
    if !made {
        return Ok(0);
    }
    sqlx::query_scalar("SELECT coalesce(max(version), 0) FROM tributary._sqlx_migrations WHERE success")
        .fetch_one(connection)
        .await
}

/// PostgreSQL's code for "permission denied".
const DENIED_CODE: &str = "42501";

fn not_allowed(error: sqlx::Error) -> SetupError {
    let code = error.as_database_error().and_then(|cause| cause.code());
    if code.is_some_and(|code| code == DENIED_CODE) {
        SetupError::NotAdmin(error)
    } else {
        SetupError::Failed(error)
    }
}
