//! Which server is meant: the one the user entered, else the one on this machine. Reads files; asks no server.

use crate::session::local;
use crate::settings::{Settings, SettingsFile, Stamp};
use std::path::Path;
use tributary_protocol::client::{ApiKey, ClientError, Endpoint, Tls};
use tributary_protocol::vocab::Sha256;

/// What jobs remember as their server when it is the one on this machine: its address may change with each start.
const LOCAL_NAME: &str = "local";

/// A server, and how to speak to it.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::session) struct Target {
    pub(super) address: String,
    pub(super) key: Key,
    pub(super) tls: Tls,
    /// Found on this machine, not entered.
    pub(super) is_local: bool,
}

/// An API key that cannot be printed.
#[derive(Clone, PartialEq)]
pub(super) struct Key(Option<String>);

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key(hidden)")
    }
}

/// What the files say.
pub(super) struct Found {
    pub(super) target: Option<Target>,
    /// What is wrong with the settings, for people: the end of a sentence that begins with their file.
    pub(super) trouble: Option<String>,
}

/// Blocking.
pub(super) fn find(settings: &SettingsFile, server_folder: &Path) -> Found {
    let (settings, trouble) = match settings.load() {
        Ok(settings) if settings.is_damaged => {
            (settings, Some("were damaged; what could be read is used.".to_owned()))
        }
        Ok(settings) => (settings, None),
        // Whatever they say, a server on this machine can be used.
        Err(cause) => (Settings::default(), Some(format!("cannot be read: {cause}."))),
    };
    let entered = settings.server.as_ref().map(|address| {
        let known = settings.known(address);
        let certificate = known.and_then(|known| known.certificate);
        Target {
            address: address.clone(),
            key: Key(known.and_then(|known| known.key.clone())),
            tls: certificate.map_or(Tls::PublicRoots, Tls::Fingerprint),
            is_local: false,
        }
    });
    let target = entered.or_else(|| {
        let local::Local { address, key, tls } = local::find(server_folder)?;
        Some(Target { address, key: Key(Some(key)), tls, is_local: true })
    });
    Found { target, trouble }
}

/// Of the settings and of what a local server left. Blocking.
pub(super) fn stamps(settings: &SettingsFile, server_folder: &Path) -> [Stamp; 2] {
    [Stamp::of(&settings.0), Stamp::of(&local::file(server_folder))]
}

impl Target {
    /// What jobs remember as their server.
    pub(super) fn name(&self) -> String {
        if self.is_local { LOCAL_NAME.to_owned() } else { self.address.clone() }
    }

    /// The certificate that the user accepted.
    pub(super) fn fingerprint(&self) -> Option<Sha256> {
        match self.tls {
            Tls::Fingerprint(fingerprint) => Some(fingerprint),
            _ => None,
        }
    }

    /// Without a key the server will not let us in, but it shows who it is: its certificate may be asked about, and
    /// then a key.
    ///
    /// # Errors
    /// `SignIn` with a key that cannot be.
    pub(super) fn endpoint(&self) -> Result<Endpoint, ClientError> {
        let key = self.key.0.as_deref().map_or_else(|| Ok(ApiKey::nobody()), ApiKey::new)?;
        Ok(Endpoint { address: self.address.clone(), key, tls: self.tls.clone() })
    }
}
