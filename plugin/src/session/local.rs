//! The server on this machine: found by the `local.json` that `tributary serve` leaves in its data folder. Reads
//! files; asks no server.

use crate::settings::load_limited;
use serde::Deserialize;
use std::path::{Path, PathBuf};
use tributary_protocol::client::Tls;

/// A longer file is none of ours.
const FILE_BYTES_MAX: u64 = 64 << 10;
/// The certificate a server makes for itself names this, whatever its address is.
const OWN_NAME: &str = "localhost";

/// Where the server on this machine is, and how to speak to it.
#[derive(Clone, Debug)]
pub(super) struct Local {
    pub(super) address: String,
    pub(super) key: String,
    pub(super) tls: Tls,
}

#[derive(Deserialize)]
struct LocalFile {
    server: String,
    key: String,
    #[serde(default)]
    certificate: Option<PathBuf>,
}

/// The file in a server's data folder.
pub(super) fn file(folder: &Path) -> PathBuf {
    folder.join("local.json")
}

/// What the last server left; none where there never was one, or where it makes no sense.
pub(super) fn find(folder: &Path) -> Option<Local> {
    let text = load_limited(&file(folder), FILE_BYTES_MAX).ok()?;
    let found: LocalFile = serde_json::from_str(&text).ok()?;
    let tls = match found.certificate {
        None => Tls::PublicRoots,
        Some(path) => {
            let certificate_pem = load_limited(&path, FILE_BYTES_MAX).ok()?;
            Tls::Pinned { certificate_pem, server_name: Some(OWN_NAME.to_owned()) }
        }
    };
    Some(Local { address: found.server, key: found.key, tls })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left(text: &str) -> Option<Local> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(file(folder.path()), text).unwrap();
        find(folder.path())
    }

    #[test]
    fn what_a_server_left_is_found() {
        let found = left(r#"{"server":"http://127.0.0.1:7700","key":"tk_1","certificate":null}"#).unwrap();
        assert_eq!((found.address.as_str(), found.key.as_str()), ("http://127.0.0.1:7700", "tk_1"));
        assert!(matches!(found.tls, Tls::PublicRoots));
    }

    #[test]
    fn its_own_certificate_is_trusted_by_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let pem = folder.path().join("cert.pem");
        std::fs::write(&pem, "-----BEGIN CERTIFICATE-----").unwrap();
        let text = serde_json::json!({ "server": "https://10.0.0.2:7700", "key": "tk", "certificate": pem });
        std::fs::write(file(folder.path()), text.to_string()).unwrap();
        let found = find(folder.path()).unwrap();
        assert!(matches!(found.tls, Tls::Pinned { server_name: Some(name), .. } if name == "localhost"));
    }

    #[test]
    fn nonsense_is_no_server() {
        assert!(find(Path::new("nowhere")).is_none());
        let long = format!(r#"{{"server":"h","key":"{}"}}"#, "x".repeat(70_000));
        for text in [
            "",
            "7",
            "{}",
            r#"{"server":7,"key":"k"}"#,
            r#"{"server":"h","key":"k","certificate":"/no"}"#,
            &long,
        ] {
            assert!(left(text).is_none(), "{text:.40}");
        }
    }
}
