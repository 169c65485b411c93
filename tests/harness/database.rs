//! Which database a test's server has. A file of SQLite's, unless `TRIBUTARY_TEST_STORE=postgres` runs every test on
//! PostgreSQL, a database for each data folder. Some tests are about PostgreSQL and ask for it by name.

use anyhow::{Context, ensure};
use sha2::{Digest, Sha256};
use std::path::Path;
use std::sync::Arc;
use tributary_cluster::{ADMIN, Cluster};
use tributary_server::config::Config;
use tributary_server::data::DataFolder;
use tributary_server::store::Store;
use tributary_server::store::postgres::PostgresStore;
use tributary_server::store::postgres::address::{Address, Addresses};
use tributary_server::store::postgres::setup::migrate;
use tributary_server::store::sqlite::SqliteStore;

/// `sqlite` or `postgres`.
const STORE: &str = "TRIBUTARY_TEST_STORE";
/// The database of a process that a test started: the cluster is its parent's.
const GIVEN: &str = "TRIBUTARY_TEST_DATABASE";
/// How servers are told of their database.
pub const CONFIGURED: &str = "TRIBUTARY_SERVE_DATABASE";
/// The role of a server.
pub const APP: &str = "tributary_app";

/// The address of the database that the server on `data` uses; none for a file in that folder.
///
/// # Errors
/// Where PostgreSQL is asked for and not there.
pub fn of(data: &Path) -> anyhow::Result<Option<String>> {
    if let Ok(given) = std::env::var(GIVEN) {
        return Ok(Some(given).filter(|address| !address.is_empty()));
    }
    match std::env::var(STORE).as_deref() {
        Ok("postgres") => {
            let data = data.display().to_string();
            let name = format!("of_{}", &hex(&Sha256::digest(data.as_bytes()))[..24]);
            let cluster = Cluster::of_this_process()?;
            cluster.copy_as(&name, "served", made)?;
            Ok(Some(cluster.address(APP, &name)))
        }
        Ok("sqlite") | Err(_) => Ok(None),
        Ok(other) => anyhow::bail!("{STORE} is `{other}`; it must be sqlite or postgres"),
    }
}

/// What tells a process that this one starts about the database of `data`.
///
/// # Errors
/// As [`of`].
pub fn told(data: &Path) -> anyhow::Result<(&'static str, String)> {
    Ok((GIVEN, of(data)?.unwrap_or_default()))
}

/// The same about a database of the caller's choice.
#[must_use]
pub fn telling(address: &str) -> (&'static str, String) {
    (GIVEN, address.to_owned())
}

/// A new PostgreSQL database with tables, for as many servers as want it.
///
/// # Errors
/// Where PostgreSQL is not there.
pub fn postgres() -> anyhow::Result<String> {
    let cluster = Cluster::of_this_process()?;
    let name = cluster.copy_of("served", made)?;
    Ok(cluster.address(APP, &name))
}

/// A new PostgreSQL database without anything in it: its address as a server's role, and as the administrator.
///
/// # Errors
/// Where PostgreSQL is not there.
pub fn empty() -> anyhow::Result<[String; 2]> {
    let cluster = Cluster::of_this_process()?;
    let name = cluster.empty()?;
    Ok([APP, ADMIN].map(|role| cluster.address(role, &name)))
}

/// Opens the database of a data folder, beside its server or after its death.
///
/// # Errors
/// Where there is none.
pub async fn open(data: &Path) -> anyhow::Result<Arc<dyn Store>> {
    match of(data)? {
        Some(address) => open_postgres(&address).await,
        None => Ok(Arc::new(SqliteStore::open(&DataFolder::open(data)?.database()).await?)),
    }
}

/// Opens a PostgreSQL database.
///
/// # Errors
/// Where it cannot be used.
pub async fn open_postgres(address: &str) -> anyhow::Result<Arc<dyn Store>> {
    let config = Config { database: address.to_owned(), ..Config::default() };
    let addresses = Addresses::of(&config)?.context("an address")?;
    Ok(Arc::new(PostgresStore::open(&addresses).await?))
}

/// Makes the tables of an empty database, on a thread that is no runtime's.
fn made(name: &str) -> anyhow::Result<()> {
    let admin = Address::parse(&Cluster::of_this_process()?.address(ADMIN, name))?;
    let done = std::thread::scope(|scope| {
        let making = scope.spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            anyhow::Ok(runtime.block_on(migrate(&admin, None))?)
        });
        making.join().expect("migrating does not panic")
    })?;
    ensure!(done.from == 0, "an empty database");
    Ok(())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
