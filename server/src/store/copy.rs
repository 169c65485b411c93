//! Every row from one kind of database to the other. A backup is a SQLite file, whatever the server's database is:
//! restoring one is the same as moving a studio's file into PostgreSQL.
//!
//! Reads one moment, writes all or nothing, and audits the books before it says that it is done.

mod tables;

use super::postgres::address::{Address, Addresses};
use super::postgres::{audit, setup};
use super::sqlite::SqliteStore;
use super::{Store, StoreError};
use crate::ledger::Audit;
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query;
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{AssertSqlSafe, Connection, PgConnection, Postgres, Row, Sqlite};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use tables::{Kind, TABLES, Table};
use tokio_stream::StreamExt;

/// How many rows were copied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copied {
    /// Of each table, in the order of copying.
    pub rows: Vec<(&'static str, u64)>,
}

/// Why nothing was copied.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CopyError {
    /// Rows of two histories are not mixed.
    #[error("the database has {0} accounts already; rows are copied only into one that has none")]
    NotEmpty(u64),
    /// The file to write is there.
    #[error("{0} is there already; name another file, or move it away")]
    Exists(PathBuf),
    /// The file to read is not there.
    #[error("there is no file {0}")]
    Missing(PathBuf),
    /// What was read does not add up.
    #[error("the books that would be copied are wrong: {0:?}")]
    Wrong(Audit),
    /// A file cannot be written.
    #[error("cannot write {path}")]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        cause: io::Error,
    },
    /// A database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for CopyError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

impl From<super::postgres::SetupError> for CopyError {
    fn from(error: super::postgres::SetupError) -> Self {
        Self::Store(error.into())
    }
}

/// Writes a SQLite database's present state into a new file, also while a server uses it.
///
/// # Errors
/// `Missing`, `Exists`, or where a database fails; then there is no new file.
pub async fn back_up_file(from: &Path, to: &Path) -> Result<(), CopyError> {
    if !from.is_file() {
        return Err(CopyError::Missing(from.to_owned()));
    }
    let store = SqliteStore::open(from).await?;
    let draft = draft(to)?;
    let path = draft.to_str().ok_or_else(|| named(&draft)(io::ErrorKind::InvalidFilename.into()))?;
    sqlx::query("VACUUM INTO ?").bind(path).execute(&mut *store.read().await?).await?;
    finish(&draft, to).await
}

/// Writes a PostgreSQL database's rows of one moment into a new SQLite file, also while servers use it.
///
/// # Errors
/// `Exists`, or where a database fails; then there is no new file.
pub async fn back_up(addresses: &Addresses, to: &Path) -> Result<Copied, CopyError> {
    let draft = draft(to)?;
    let mut connection = setup::connect(&addresses.scheduler).await?;
    let mut from = connection.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY").await?;
    let store = SqliteStore::open(&draft).await?;
    let mut rows = Vec::new();
    let mut into = store.write().await?;
    for table in &TABLES {
        let mut copied = 0;
        let mut read = sqlx::query(AssertSqlSafe(table.select_postgres())).fetch(&mut *from);
        while let Some(row) = read.try_next().await? {
            table.bind_sqlite(&row)?.execute(&mut *into).await?;
            copied += 1;
        }
        rows.push((table.name, copied));
    }
    into.commit().await?;
    clean(store.audit().await?)?;
    store.fold().await?;
    store.close().await;
    finish(&draft, to).await?;
    Ok(Copied { rows })
}

/// Copies a SQLite file's rows, of this version or an older one, into a PostgreSQL database whose tables are made and
/// empty. `admin` as in [`setup::migrate`].
///
/// # Errors
/// `Missing`, `NotEmpty`, `Wrong`, or where a database fails; then nothing was copied.
pub async fn restore(admin: &Address, file: &Path) -> Result<Copied, CopyError> {
    if !file.is_file() {
        return Err(CopyError::Missing(file.to_owned()));
    }
    let store = SqliteStore::open(file).await?;
    clean(store.audit().await?)?;
    let mut connection = setup::connect(admin).await?;
    sqlx::raw_sql("SET ROLE tributary_owner").execute(&mut connection).await?;
    super::postgres::check_version(&mut connection).await?;
    let mut into = connection.begin().await?;
    // The owner sees its rows for this transaction alone: other connections see the tables as they were, or wait.
    hide(&mut into, false).await?;
    let accounts: i64 = sqlx::query_scalar("SELECT count(*) FROM account").fetch_one(&mut *into).await?;
    if accounts > 0 {
        return Err(CopyError::NotEmpty(accounts.unsigned_abs()));
    }
    let mut rows = Vec::new();
    let mut from = store.read().await?;
    for table in &TABLES {
        let mut copied = 0;
        let mut read = sqlx::query(AssertSqlSafe(table.select_sqlite())).fetch(&mut *from);
        while let Some(row) = read.try_next().await? {
            table.bind_postgres(&row)?.execute(&mut *into).await?;
            copied += 1;
        }
        rows.push((table.name, copied));
    }
    // New lines and books go on behind the copied ones.
    sqlx::raw_sql(
        "SELECT setval(pg_get_serial_sequence('transfer', 'line'), coalesce(max(line), 0) + 1, false) FROM transfer;
         SELECT setval(pg_get_serial_sequence('book', 'id'), coalesce(max(id), 0) + 1, false) FROM book;
         SET CONSTRAINTS ALL IMMEDIATE",
    )
    .execute(&mut *into)
    .await?;
    clean(audit::audit_in(&mut into).await?)?;
    hide(&mut into, true).await?;
    into.commit().await?;
    Ok(Copied { rows })
}

/// Whether the tables hide their rows from their owner.
async fn hide(tx: &mut PgConnection, hidden: bool) -> Result<(), StoreError> {
    let force = if hidden { "FORCE" } else { "NO FORCE" };
    for table in &TABLES {
        let sql = format!("ALTER TABLE {} {force} ROW LEVEL SECURITY", table.name);
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut *tx).await?;
    }
    Ok(())
}

fn clean(audit: Audit) -> Result<(), CopyError> {
    if audit.is_clean() { Ok(()) } else { Err(CopyError::Wrong(audit)) }
}

fn named(path: &Path) -> impl FnOnce(io::Error) -> CopyError {
    let path = path.to_owned();
    |cause| CopyError::Io { path, cause }
}

/// A new file beside `to`; it gets its name when it is whole. A log that an older file left behind would be taken for its own.
fn draft(to: &Path) -> Result<PathBuf, CopyError> {
    let [log, readers] = beside(to);
    if let Some(there) = [to.to_owned(), log, readers].into_iter().find(|file| file.exists()) {
        return Err(CopyError::Exists(there));
    }
    let mut name = to.file_name().unwrap_or_default().to_owned();
    name.push(".part");
    let draft = to.with_file_name(name);
    remove(&draft)?;
    beside(&draft).iter().try_for_each(|file| remove(file))?;
    Ok(draft)
}

/// What SQLite keeps beside a file: its log, and where readers are in it.
fn beside(file: &Path) -> [PathBuf; 2] {
    ["-wal", "-shm"].map(|end| {
        let mut name = file.as_os_str().to_owned();
        name.push(end);
        name.into()
    })
}

fn remove(file: &Path) -> Result<(), CopyError> {
    match fs::remove_file(file) {
        Err(cause) if cause.kind() != io::ErrorKind::NotFound => Err(named(file)(cause)),
        _ => Ok(()),
    }
}

/// Durable before it has its name; for its owner alone, since hashes of keys are in it.
async fn finish(draft: &Path, to: &Path) -> Result<(), CopyError> {
    let (draft, to) = (draft.to_owned(), to.to_owned());
    let finished = tokio::task::spawn_blocking(move || {
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let private = fs::Permissions::from_mode(0o600);
            fs::set_permissions(&draft, private).map_err(named(&draft))?;
        }
        fs::File::options()
            .write(true)
            .open(&draft)
            .and_then(|file| file.sync_all())
            .map_err(named(&draft))?;
        // Empty, where they were left.
        beside(&draft).iter().try_for_each(|file| remove(file))?;
        fs::rename(&draft, &to).map_err(named(&to))
    });
    finished.await.map_err(|error| StoreError::Database(Box::new(error)))?
}

impl Table {
    /// A row of PostgreSQL's as an insert of SQLite's.
    fn bind_sqlite<'q>(&self, row: &PgRow) -> Result<Query<'q, Sqlite, SqliteArguments>, sqlx::Error> {
        let mut query = sqlx::query(AssertSqlSafe(self.insert_sqlite()));
        for (place, (_, kind)) in self.columns.iter().enumerate() {
            query = match kind {
                Kind::Id | Kind::Bytes => query.bind(row.try_get::<Option<Vec<u8>>, _>(place)?),
                Kind::Number | Kind::Flag => query.bind(row.try_get::<Option<i64>, _>(place)?),
                Kind::Text | Kind::Json => query.bind(row.try_get::<Option<String>, _>(place)?),
            };
        }
        Ok(query)
    }

    /// A row of SQLite's as an insert of PostgreSQL's.
    fn bind_postgres<'q>(&self, row: &SqliteRow) -> Result<Query<'q, Postgres, PgArguments>, sqlx::Error> {
        let mut query = sqlx::query(AssertSqlSafe(self.insert_postgres()));
        for (place, (_, kind)) in self.columns.iter().enumerate() {
            query = match kind {
                Kind::Id | Kind::Bytes => query.bind(row.try_get::<Option<Vec<u8>>, _>(place)?),
                Kind::Number | Kind::Flag => query.bind(row.try_get::<Option<i64>, _>(place)?),
                Kind::Text | Kind::Json => query.bind(row.try_get::<Option<String>, _>(place)?),
            };
        }
        Ok(query)
    }
}

#[cfg(test)]
mod tests;
