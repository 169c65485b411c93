//! The data folder: what lies where, and the first account. One server at a time owns a folder.
//!
//! ```text
//! tributary.toml    the configuration (absent: defaults)
//! tributary.db      accounts, keys, jobs, ledger (SQLite, where no other database is configured)
//! artifacts/        clips and stems, by account and content; elsewhere where `files` says so
//! uploads/          clips on their way; beside the artifacts
//! roster/           what each process of a database with many offers; beside the artifacts
//! models/           weights of others, one folder a model
//! engines/          graphs as TensorRT compiled them; may be deleted
//! outbox/           letters that no mail server takes away, a file each
//! local.json        address and key for the command line on this machine; readable by its owner only
//! tls/              the certificate a server makes for itself
//! ```

use crate::auth::api_key::ApiKey;
use crate::clock::Timestamp;
use crate::config::Config;
use crate::ledger::Grant;
use crate::role::Role;
use crate::store::{Store, StoreError};
use crate::tenant::Tenant;
use crate::worker::NORMAL_WEIGHT;
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use tributary_protocol::vocab::{AccountId, Credits};

/// Name of the account that the first start makes.
pub const LOCAL_ACCOUNT: &str = "local";

/// A data folder.
#[derive(Clone, Debug)]
pub struct DataFolder(PathBuf);

/// Where clips and stems lie. Servers of one database share it.
#[derive(Clone, Debug)]
pub struct Files(PathBuf);

impl Files {
    /// Clips and stems.
    #[must_use]
    pub fn artifacts(&self) -> PathBuf {
        self.0.join("artifacts")
    }

    /// Clips on their way; beside them, so that a whole clip is renamed, not copied.
    #[must_use]
    pub fn uploads(&self) -> PathBuf {
        self.0.join("uploads")
    }

    /// What each process says of itself.
    #[must_use]
    pub fn roster(&self) -> PathBuf {
        self.0.join("roster")
    }
}

/// What the command line on the same machine needs.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LocalFile {
    /// Address of the server that runs now, or ran last.
    pub server: String,
    /// Key of the local account.
    pub key: String,
    /// The server's own certificate, where it made one: a PEM file.
    pub certificate: Option<PathBuf>,
    /// Address of its pages, as browsers see it. None in a file of before there were any.
    #[serde(default)]
    pub pages: Option<String>,
}

/// Why a data folder cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// Another server uses it.
    #[error("another server uses the data folder {0}; stop it, or name another folder with --data")]
    InUse(PathBuf),
    /// Reading or writing failed.
    #[error("cannot use the data folder {path}")]
    Io {
        /// Which file or folder.
        path: PathBuf,
        /// Why.
        #[source]
        cause: io::Error,
    },
    /// The store failed.
    #[error("the store failed")]
    Store(#[from] StoreError),
}

/// The file of SQLite's in the data folder.
pub const DATABASE: &str = "tributary.db";

/// The folder of installed models in the data folder.
pub const MODELS: &str = "models";

impl DataFolder {
    /// Makes the folder where it is missing, readable by its owner only.
    ///
    /// # Errors
    /// `Io`.
    pub fn open(path: &Path) -> Result<Self, DataError> {
        let failed = |cause| DataError::Io { path: path.to_owned(), cause };
        fs::create_dir_all(path).map_err(failed)?;
        let path = path.canonicalize().map_err(failed)?;
        owner_only(&path, 0o700).map_err(failed)?;
        Ok(Self(path))
    }

    /// The folder itself.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The configuration.
    #[must_use]
    pub fn config(&self) -> PathBuf {
        self.0.join(crate::config::FILE_NAME)
    }

    /// The SQLite file.
    #[must_use]
    pub fn database(&self) -> PathBuf {
        self.0.join(DATABASE)
    }

    /// Where clips and stems lie: here, or where the configuration says.
    ///
    /// # Errors
    /// `Io` where that folder cannot be made.
    pub fn files(&self, config: &Config) -> Result<Files, DataError> {
        if config.files.as_os_str().is_empty() {
            return Ok(Files(self.0.clone()));
        }
        let failed = |cause| DataError::Io { path: config.files.clone(), cause };
        fs::create_dir_all(&config.files).map_err(failed)?;
        Ok(Files(config.files.canonicalize().map_err(failed)?))
    }

    /// Installed models, one folder each.
    #[must_use]
    pub fn models(&self) -> PathBuf {
        self.0.join(MODELS)
    }

    /// Graphs as TensorRT compiled them; it makes the folder.
    #[must_use]
    pub fn engines(&self) -> PathBuf {
        self.0.join("engines")
    }

    /// Letters that nobody takes away.
    #[must_use]
    pub fn outbox(&self) -> PathBuf {
        self.0.join("outbox")
    }

    /// The server's own certificate.
    #[must_use]
    pub fn tls(&self) -> PathBuf {
        self.0.join("tls")
    }

    /// Address and key for the command line.
    #[must_use]
    pub fn local_file(&self) -> PathBuf {
        self.0.join("local.json")
    }

    /// Claims what a process of this role does in the folder until the answer is dropped; the system frees it when the
    /// process dies. Edges and a worker of one machine may share a folder.
    ///
    /// # Errors
    /// `InUse` or `Io`.
    pub fn lock(&self, role: Role) -> Result<Vec<File>, DataError> {
        let edges = role.takes_jobs().then_some("lock");
        let worker = role.runs_jobs().then_some("worker.lock");
        edges.into_iter().chain(worker).map(|name| self.locked(name)).collect()
    }

    fn locked(&self, name: &str) -> Result<File, DataError> {
        let path = self.0.join(name);
        let failed = |cause| DataError::Io { path: path.clone(), cause };
        let file = File::options().create(true).append(true).open(&path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(fs::TryLockError::WouldBlock) => Err(DataError::InUse(self.0.clone())),
            Err(fs::TryLockError::Error(cause)) => Err(failed(cause)),
        }
    }

    /// What the last server left for the command line, if any.
    ///
    /// # Errors
    /// Where the file is there but cannot be read.
    pub fn local(&self) -> Result<Option<LocalFile>, DataError> {
        let path = self.local_file();
        match fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes)
                .map(Some)
                .map_err(|error| DataError::Io { path, cause: io::Error::other(error) }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(cause) => Err(DataError::Io { path, cause }),
        }
    }

    /// Leaves address and key for the command line: whole or not at all, readable by its owner only.
    ///
    /// # Errors
    /// `Io`.
    pub fn write_local(&self, local: &LocalFile) -> Result<(), DataError> {
        let path = self.local_file();
        let failed = |cause| DataError::Io { path: path.clone(), cause };
        let draft = self.0.join("local.json.new");
        let text = serde_json::to_string_pretty(local).map_err(|error| failed(io::Error::other(error)))?;
        let mut file = File::create(&draft).map_err(failed)?;
        owner_only(&draft, 0o600).map_err(failed)?;
        file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)?;
        fs::rename(&draft, &path).map_err(failed)
    }

    /// The local account's key. Makes account, first credits and key where they are missing.
    ///
    /// # Errors
    /// `Store` or `Io`.
    pub async fn first_account(
        &self,
        store: &dyn Store,
        credits: u64,
        now: Timestamp,
    ) -> Result<String, DataError> {
        let accounts = store.accounts().await?;
        let tenant = match accounts.iter().find(|account| account.name == LOCAL_ACCOUNT) {
            Some(account) => Tenant::acting_for(account.id),
            None => {
                let id = AccountId::generate();
                match store.create_account(id, LOCAL_ACCOUNT, NORMAL_WEIGHT, now).await {
                    // Another server of the same database starts at the same moment.
                    Err(StoreError::Exists(_)) => {
                        let accounts = store.accounts().await?;
                        let first = accounts.iter().find(|account| account.name == LOCAL_ACCOUNT);
                        Tenant::acting_for(first.ok_or(StoreError::NoAccount)?.id)
                    }
                    made => made.map(|()| Tenant::acting_for(id))?,
                }
            }
        };
        // The payment's name makes this once for ever, also when a first start died half way.
        if credits > 0 {
            let grant = Grant {
                amount: Credits(credits),
                payment_id: "first-start".to_owned(),
                note: "credits of a new server".to_owned(),
                expires_at: None,
            };
            store.grant(&tenant, &grant, now).await?;
        }
        if let Some(local) = self.local()?
            && let Ok(key) = ApiKey::parse(&local.key)
            && let Some(row) = store.find_key(key.prefix()).await?
            && row.key.revoked_at.is_none()
            && row.key.account == tenant.account()
        {
            return Ok(local.key);
        }
        let key = ApiKey::generate();
        store.add_key(&tenant, &key.row(tenant.account(), "command line of this machine"), now).await?;
        Ok(key.reveal())
    }
}

/// Sets who may use a file or folder.
#[cfg(unix)]
pub(crate) fn owner_only(path: &Path, mode: u32) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
}

/// Other systems keep a user's folder to the user.
#[cfg(not(unix))]
pub(crate) fn owner_only(_path: &Path, _mode: u32) -> io::Result<()> {
    Ok(())
}
