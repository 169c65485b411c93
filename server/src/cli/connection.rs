//! Which server, which key: from the command line, the environment, what `tributary sign-in` kept, or what the server on
//! this machine left.

use super::Place;
use super::keyring::Keyring;
use crate::config::{self, Config};
use crate::data::{DataFolder, LocalFile};
use anyhow::{Context, bail, ensure};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tributary_protocol::client::{ApiKey, Client, Endpoint, Patience, Tls};

impl Place {
    /// The data folder: `--data`, or `tributary` in the user's data directory.
    pub(super) fn data_path(&self) -> anyhow::Result<PathBuf> {
        if let Some(data) = &self.data {
            return Ok(data.clone());
        }
        let base = user_data().context("this user has no home folder; name a data folder with --data DIR")?;
        Ok(base.join("tributary"))
    }

    /// The configuration of the server on the data folder `data`: of `--config`, or of the folder itself.
    pub(super) fn config(&self, data: &Path) -> anyhow::Result<Config> {
        if let Some(file) = &self.config {
            ensure!(file.is_file(), "there is no configuration file {}", file.display());
        }
        let file = self.config.clone().unwrap_or_else(|| data.join(config::FILE_NAME));
        Ok(Config::load(&file)?)
    }

    /// A client of the meant server.
    pub(super) async fn client(&self) -> anyhow::Result<Client> {
        let (address, certificate) = self.server()?;
        let kept = || Keyring::of_user().map_or(Ok(None), |keyring| keyring.key(&address));
        let mut key = self.key.clone();
        if key.is_none() {
            key = kept()?;
        }
        if key.is_none() {
            // The local account's key is for the local server only.
            key = self.local()?.filter(|local| local.server == address).map(|local| local.key);
        }
        let Some(key) = key else {
            bail!(
                "{address} needs an API key: run `tributary sign-in --server {address}`, pass --key, or set TRIBUTARY_KEY"
            );
        };
        self.connect(address, ApiKey::new(key)?, certificate.as_deref()).await
    }

    /// The address of the meant server, and its certificate where it is not one that the public authorities vouch for.
    pub(super) fn server(&self) -> anyhow::Result<(String, Option<PathBuf>)> {
        let local = self.local()?;
        let address = self.server.clone().or_else(|| local.as_ref().map(|local| local.server.clone()));
        let Some(address) = address else {
            bail!(
                "no server is known: start one here with `tributary serve`, or name one with --server URL --key KEY"
            );
        };
        let ours = local.filter(|local| local.server == address);
        let certificate = self.certificate.clone().or_else(|| ours.and_then(|local| local.certificate));
        Ok((address, certificate))
    }

    /// A client with this key.
    pub(super) async fn connect(
        &self,
        address: String,
        key: ApiKey,
        certificate: Option<&Path>,
    ) -> anyhow::Result<Client> {
        let endpoint = Endpoint { address, key, tls: trust(certificate)? };
        // Somebody waits at the terminal: a server that is not there should be known soon.
        let patience = Patience { first_contact: Duration::from_secs(8), ..Patience::default() };
        Ok(Client::connect(endpoint).await?.with_patience(patience))
    }

    fn local(&self) -> anyhow::Result<Option<LocalFile>> {
        let path = self.data_path()?;
        if !path.is_dir() {
            return Ok(None);
        }
        Ok(DataFolder::open(&path)?.local()?)
    }
}

fn trust(certificate: Option<&Path>) -> anyhow::Result<Tls> {
    let Some(path) = certificate else { return Ok(Tls::PublicRoots) };
    let certificate_pem = fs::read_to_string(path).with_context(|| format!("read {}", path.display()))?;
    // The certificate a server makes for itself names localhost, whatever its address is.
    Ok(Tls::Pinned { certificate_pem, server_name: Some("localhost".to_owned()) })
}

/// The platform's folder for a user's data.
#[expect(clippy::disallowed_methods, reason = "the platform says it through the environment only")]
fn user_data() -> Option<PathBuf> {
    let folder = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    if cfg!(windows) {
        folder("LOCALAPPDATA")
    } else if cfg!(target_os = "macos") {
        folder("HOME").map(|home| home.join("Library/Application Support"))
    } else {
        folder("XDG_DATA_HOME").or_else(|| folder("HOME").map(|home| home.join(".local/share")))
    }
}
