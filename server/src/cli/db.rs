//! `tributary db`: the operator's database. A file of SQLite's in the data folder, or the PostgreSQL database that the
//! configuration names.

use super::{DONE, Place, screen};
use crate::data::{DATABASE, DataFolder};
use crate::role::Role;
use crate::store::copy::{self, Copied};
use crate::store::postgres::PostgresStore;
use crate::store::postgres::address::{Address, Addresses};
use crate::store::postgres::setup;
use crate::store::sqlite::SqliteStore;
use crate::store::{Store, StoreError};
use anyhow::{Context, bail, ensure};
use std::path::{Path, PathBuf};
use std::sync::Arc;

#[derive(clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(clap::Subcommand)]
enum What {
    /// Make the tables, or bring them up to date; for PostgreSQL also the roles that servers use
    ///
    /// The roles tributary_app and tributary_scheduler get the password that stands in `database` of the configuration.
    /// Stop older servers first: they refuse newer tables.
    Migrate(Admin),
    /// See that the database answers, is of this version, keeps accounts apart, and that the books are right
    Check,
    /// Write all accounts, credits and jobs into a new SQLite file, also while servers run
    ///
    /// Clips and stems are files: copy the folder `artifacts` as well, after this.
    Backup {
        /// The new file
        file: PathBuf,
    },
    /// Fill an empty database from a backup
    Restore {
        /// What `tributary db backup` wrote
        file: PathBuf,
        #[command(flatten)]
        admin: Admin,
    },
    /// Move a studio from its SQLite file into an empty PostgreSQL database
    ///
    /// Stop the server; set `database` in the configuration; run `tributary db migrate`, then this, then start the server
    /// on the same data folder. The file stays as it is.
    ImportSqlite {
        /// The file [default: tributary.db in the data folder]
        file: Option<PathBuf>,
        #[command(flatten)]
        admin: Admin,
    },
}

/// Who may make roles and tables.
#[derive(clap::Args)]
struct Admin {
    /// PostgreSQL as a superuser, or as a role with CREATEROLE that owns the database, like
    /// postgres://postgres@db.example.org/studio; used for this command alone
    #[arg(long, env = "TRIBUTARY_DATABASE_ADMIN", hide_env_values = true, value_name = "URL")]
    admin: Option<String>,
}

impl Admin {
    fn address(&self) -> anyhow::Result<Address> {
        let admin = self.admin.as_deref();
        let text = admin.context(
            "name who may make roles and tables: --admin postgres://postgres@HOST/DATABASE, or set \
             TRIBUTARY_DATABASE_ADMIN",
        )?;
        Ok(Address::parse(text)?)
    }
}

/// The database that the configuration names.
pub(super) enum Database {
    File(PathBuf),
    Postgres(Box<Addresses>),
}

impl Database {
    /// Whether it can be there: a file is made by the first start, PostgreSQL's by `db migrate`.
    pub(super) fn is_made(&self) -> bool {
        match self {
            Self::File(file) => file.is_file(),
            Self::Postgres(_) => true,
        }
    }

    pub(super) async fn open(&self) -> Result<Arc<dyn Store>, StoreError> {
        Ok(match self {
            Self::File(file) => Arc::new(SqliteStore::open(file).await?),
            Self::Postgres(addresses) => Arc::new(PostgresStore::open(addresses).await?),
        })
    }

    pub(super) fn shown(&self) -> String {
        match self {
            Self::File(file) => file.display().to_string(),
            Self::Postgres(addresses) => addresses.app.shown(),
        }
    }
}

/// The database of the data folder `data`, which need not be there.
pub(super) fn named(place: &Place, data: &Path) -> anyhow::Result<Database> {
    Ok(match Addresses::of(&place.config(data)?)? {
        Some(addresses) => Database::Postgres(Box::new(addresses)),
        None => Database::File(data.join(DATABASE)),
    })
}

/// The store of the operator's commands: the same one that the server on this data folder uses.
pub(super) async fn open(place: &Place) -> anyhow::Result<Arc<dyn Store>> {
    let data = DataFolder::open(&place.data_path()?)?;
    let database = named(place, data.path())?;
    ensure!(
        database.is_made(),
        "there is no server's data in {}: run `tributary serve` once, or name its folder with --data",
        data.path().display()
    );
    Ok(database.open().await?)
}

pub(super) async fn run(place: Place, args: Args) -> anyhow::Result<u8> {
    let data = DataFolder::open(&place.data_path()?)?;
    let database = named(&place, data.path())?;
    match args.what {
        What::Migrate(admin) => migrate(&database, &admin).await?,
        What::Check => check(&database).await?,
        What::Backup { file } => backup(&database, &file).await?,
        What::Restore { file, admin } => restore(&data, &database, &file, &admin).await?,
        What::ImportSqlite { file, admin } => import(&data, &database, file, &admin).await?,
    }
    Ok(DONE)
}

async fn migrate(database: &Database, admin: &Admin) -> anyhow::Result<()> {
    let Database::Postgres(addresses) = database else {
        database.open().await?;
        screen::line(format!("{} is up to date", database.shown()));
        return Ok(());
    };
    let done = setup::migrate(&admin.address()?, Some(&addresses.app)).await?;
    for role in &done.roles_made {
        screen::line(format!("role {role} was made"));
    }
    if done.password_set {
        screen::line("the roles' password is the one in `database`");
    }
    match (done.from, done.to) {
        (from, to) if from == to => screen::line(format!("the tables are up to date, version {to}")),
        (0, to) => screen::line(format!("the tables were made, version {to}")),
        (from, to) => screen::line(format!("the tables went from version {from} to {to}")),
    }
    // What a server would find, now rather than at its start.
    database.open().await.context("the tables are made, but a server could not use them")?;
    Ok(())
}

async fn check(database: &Database) -> anyhow::Result<()> {
    ensure!(database.is_made(), "there is no database {}; `tributary serve` makes it", database.shown());
    let store = database.open().await?;
    screen::line(format!("{} answers and is of this version", database.shown()));
    if matches!(database, Database::Postgres(_)) {
        screen::line("accounts are kept apart: no superuser, no owner, every table hides its rows");
    }
    let audit = store.audit().await?;
    ensure!(audit.is_clean(), "THE BOOKS ARE WRONG: {audit:?}");
    let counts = store.counts().await?;
    let open = counts.uploading + counts.queued + counts.running;
    let accounts = store.accounts().await?.len();
    screen::line(format!("{accounts} accounts, {open} open jobs; the books are right"));
    Ok(())
}

async fn backup(database: &Database, file: &Path) -> anyhow::Result<()> {
    match database {
        Database::File(from) => copy::back_up_file(from, file).await?,
        Database::Postgres(addresses) => say(&copy::back_up(addresses, file).await?),
    }
    screen::line(format!("{} holds accounts, credits and jobs; keep it private", file.display()));
    Ok(())
}

async fn restore(data: &DataFolder, database: &Database, file: &Path, admin: &Admin) -> anyhow::Result<()> {
    match database {
        Database::File(to) => {
            let _lock = data.lock(Role::Whole)?;
            copy::back_up_file(file, to).await?;
            let audit = SqliteStore::open(to).await?.audit().await?;
            ensure!(audit.is_clean(), "it was copied, but THE BOOKS IN IT ARE WRONG: {audit:?}");
        }
        Database::Postgres(_) => say(&copy::restore(&admin.address()?, file).await?),
    }
    screen::line(format!("{} is as {} was", database.shown(), file.display()));
    Ok(())
}

async fn import(
    data: &DataFolder,
    database: &Database,
    file: Option<PathBuf>,
    admin: &Admin,
) -> anyhow::Result<()> {
    if matches!(database, Database::File(_)) {
        bail!(
            "the configuration names no PostgreSQL database; set `database` in {}",
            data.config().display()
        );
    }
    let admin = admin.address()?;
    // A server on the file would go on writing to it.
    let _lock = data.lock(Role::Whole)?;
    let file = file.unwrap_or_else(|| data.database());
    say(&copy::restore(&admin, &file).await?);
    screen::line(format!("{} has what {} has; the file stays as it is", database.shown(), file.display()));
    Ok(())
}

fn say(copied: &Copied) {
    let rows: Vec<_> =
        copied.rows.iter().map(|(table, rows)| [(*table).to_owned(), rows.to_string()]).collect();
    screen::table(["table", "rows"], &rows);
}
