//! The server's certificate: the configured one, or, for a server on a studio's network, one it makes for itself
//! at the first start and keeps.

use crate::config::Config;
use crate::data::{DataFolder, owner_only};
use crate::grpc::TlsPem;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use sha2::{Digest, Sha256};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Why there is no certificate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A PEM file cannot be read or written.
    #[error("cannot use {path}")]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        cause: io::Error,
    },
    /// The certificate could not be made.
    #[error("cannot make a certificate")]
    Make(#[source] rcgen::Error),
}

/// What a client needs to know of a certificate the server made.
#[derive(Clone, Debug)]
pub struct OwnCertificate {
    /// The PEM file.
    pub path: PathBuf,
    /// SHA-256 over its bytes in DER, as clients show it.
    pub fingerprint: String,
}

/// Certificate and key to serve with; none where nothing is spoken beyond loopback, without configuration.
///
/// # Errors
/// Where files cannot be read or written.
pub fn load(
    config: &Config,
    data: &DataFolder,
) -> Result<(Option<TlsPem>, Option<OwnCertificate>), TlsError> {
    let read =
        |path: &PathBuf| fs::read_to_string(path).map_err(|cause| TlsError::Io { path: path.clone(), cause });
    if let Some(files) = &config.tls {
        return Ok((Some(TlsPem { cert: read(&files.cert)?, key: read(&files.key)? }), None));
    }
    if !config.grpc_has_tls() && !config.pages_have_tls() {
        return Ok((None, None));
    }
    let (cert, key) = (data.tls().join("cert.pem"), data.tls().join("key.pem"));
    if !cert.exists() || !key.exists() {
        make(config, data, &cert, &key)?;
    }
    let pem = TlsPem { cert: read(&cert)?, key: read(&key)? };
    let fingerprint = fs::read_to_string(data.tls().join("fingerprint")).unwrap_or_default();
    Ok((Some(pem), Some(OwnCertificate { path: cert, fingerprint })))
}

fn make(config: &Config, data: &DataFolder, cert: &Path, key: &Path) -> Result<(), TlsError> {
    let mut names = vec!["localhost".to_owned(), "tributary".to_owned()];
    // Browsers look for the name that they were given.
    names.extend(config.pages.public_host().map(ToOwned::to_owned));
    let CertifiedKey { cert: made, signing_key } =
        generate_simple_self_signed(names).map_err(TlsError::Make)?;
    let folder = data.tls();
    fs::create_dir_all(&folder).map_err(|cause| TlsError::Io { path: folder.clone(), cause })?;
    let hex: Vec<String> = Sha256::digest(made.der()).iter().map(|byte| format!("{byte:02X}")).collect();
    let files = [
        (key.to_owned(), signing_key.serialize_pem()),
        (folder.join("fingerprint"), hex.join(":")),
        (cert.to_owned(), made.pem()),
    ];
    for (path, text) in files {
        write_private(&path, &text).map_err(|cause| TlsError::Io { path, cause })?;
    }
    Ok(())
}

/// Readable by its owner only before there is anything to read.
fn write_private(path: &Path, text: &str) -> io::Result<()> {
    let mut file = File::create(path)?;
    owner_only(path, 0o600)?;
    file.write_all(text.as_bytes())
}

#[cfg(test)]
pub(crate) mod authority;
