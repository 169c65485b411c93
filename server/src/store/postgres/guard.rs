//! What a server looks at before it serves: that the database binds it. A role that rows are not hidden from would
//! make every policy worthless without anybody noticing.

use super::{APP, MIGRATIONS, OWNER, SCHEDULER, SCHEMA, SetupError};
use sqlx::{PgConnection, Row};

/// The oldest version that the tests run on.
const VERSION_MIN: i32 = 150_000;

/// Which of the two connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// One account at a time.
    App,
    /// Across accounts.
    Scheduler,
}

/// Refuses a connection that could do more than its part, and tables that do not hide their rows.
pub(super) async fn check(connection: &mut PgConnection, part: Part) -> Result<(), SetupError> {
    let row = sqlx::query(
        "SELECT current_user::text AS name, rolsuper, rolbypassrls,
         current_setting('server_version_num')::int AS version,
         (SELECT coalesce(bool_or(pg_has_role(current_user, oid, 'MEMBER')), false) FROM pg_roles
          WHERE rolname = $1) AS owns,
         (SELECT coalesce(bool_or(pg_has_role(current_user, oid, 'MEMBER')), false) FROM pg_roles
          WHERE rolname = $2) AS serves,
         (SELECT coalesce(bool_or(pg_has_role(current_user, oid, 'MEMBER')), false) FROM pg_roles
          WHERE rolname = $3) AS schedules,
         EXISTS (SELECT 1 FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
          WHERE nspname = 'tributary' AND relname = '_sqlx_migrations') AS made
         FROM pg_roles WHERE rolname = current_user",
    )
    .bind(OWNER)
    .bind(APP)
    .bind(SCHEDULER)
    .fetch_one(&mut *connection)
    .await?;
    let name: String = row.try_get("name")?;
    let version: i32 = row.try_get("version")?;
    if version < VERSION_MIN {
        return Err(SetupError::TooOld { major: version / 10_000 });
    }
    if row.try_get("rolsuper")? || row.try_get("rolbypassrls")? {
        return Err(SetupError::Unbound { role: name });
    }
    if row.try_get("owns")? {
        return Err(SetupError::Owner { role: name });
    }
    if !row.try_get::<bool, _>("made")? {
        return Err(SetupError::NoTables);
    }
    let (serves, schedules): (bool, bool) = (row.try_get("serves")?, row.try_get("schedules")?);
    match part {
        Part::App if schedules => return Err(SetupError::BothRoles { role: name }),
        Part::App if !serves => return Err(SetupError::WrongRole { role: name, needs: APP }),
        Part::Scheduler if !schedules => return Err(SetupError::WrongRole { role: name, needs: SCHEDULER }),
        Part::App | Part::Scheduler => {}
    }
    check_version(connection).await?;
    check_hidden(connection).await
}

/// The tables are of this program's version.
pub(in crate::store) async fn check_version(connection: &mut PgConnection) -> Result<(), SetupError> {
    let found: i64 =
        sqlx::query_scalar("SELECT coalesce(max(version), 0) FROM tributary._sqlx_migrations WHERE success")
            .fetch_one(&mut *connection)
            .await?;
    let wanted = MIGRATIONS.last().map_or(0, |(number, ..)| *number);
    match found {
        _ if found < wanted => Err(SetupError::OldTables { found, wanted }),
        _ if found > wanted => Err(SetupError::NewTables { found, wanted }),
        _ => Ok(()),
    }
}

/// Every table hides its rows, from its owner too.
async fn check_hidden(connection: &mut PgConnection) -> Result<(), SetupError> {
    let open: Option<String> = sqlx::query_scalar(
        "SELECT relname::text FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
         WHERE nspname = $1 AND relkind IN ('r', 'p') AND relname <> '_sqlx_migrations'
         AND NOT (relrowsecurity AND relforcerowsecurity) ORDER BY relname LIMIT 1",
    )
    .bind(SCHEMA)
    .fetch_optional(connection)
    .await?;
    open.map_or(Ok(()), |table| Err(SetupError::Open { table }))
}
